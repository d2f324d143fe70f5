"""What a step changes in its process and leaves behind, and how it is put back before the next step begins.

``nothing_left`` compares before and after, and puts back. The other modules have the things that it looks at: ``system``
what the operating system keeps for the process, ``signals`` what interrupts it, ``interpreter`` what Python keeps,
``loggers`` and ``libraries`` what modules keep.
"""
