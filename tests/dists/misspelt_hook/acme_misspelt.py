"""Observe an event that does not exist."""

from plugbay_hookspecs import component, hookimpl


@component
class Observer:
    """Observe an event that does not exist."""

    @hookimpl
    def step_succeded(self, step):
        """Never called."""
