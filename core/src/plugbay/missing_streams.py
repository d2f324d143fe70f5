"""A process without standard streams, as a daemon is: what is opened next must not be taken for one of them."""

from __future__ import annotations

import os
import sys


def fill_closed() -> None:
    """Let descriptors 0, 1 and 2 lead nowhere where they are closed; processes that are started get them too."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened == number:
                os.set_inheritable(number, True)
            else:
                os.dup2(opened, number)
                os.close(opened)


def print_nowhere() -> None:
    """Give ``sys.stdout`` and ``sys.stderr`` something that takes text, where they are ``None``."""
    fill_closed()
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
