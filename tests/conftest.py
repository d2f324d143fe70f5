"""See :mod:`isolation`."""

from isolation import home

__all__ = ["home"]
