"""Ask a hook for what it does not have."""

from plugbay_hookspecs import component, hookimpl


@component
class Observer:
    """Ask a hook for what it does not have."""

    @hookimpl
    def step_started(self, stp):
        """Never called."""
