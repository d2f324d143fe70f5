"""The distribution that ``plugbay new-plugin`` writes: what it is called, and how its files are made.

The files are templates in ``templates/``: ``distribution`` is what all have, ``flavors/<component type>`` what one type
has. A ``$name`` in a file or its name is one of :meth:`Names.placeholders`; ``$$`` is a dollar sign.
"""
