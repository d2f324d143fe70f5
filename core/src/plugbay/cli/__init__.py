"""The command line. One module a command, imported when it is used; :func:`main` finds it and reports errors.

What ``plugbay --help`` and ``plugbay --version`` need imports next to nothing, not even ``argparse`` or ``typing``.
"""

from plugbay.cli.entry import main

__all__ = ["main"]
