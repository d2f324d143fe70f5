"""A stack: components chosen in the config or in code, on one plugin host, with a typed facade for each type."""

from plugbay.stack.stack import Stack

__all__ = ["Stack"]
