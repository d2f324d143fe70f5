"""Drive nothing."""

from plugbay_hookspecs import component, hookimpl


@component
class Orchestrator:
    """Drive nothing."""

    @hookimpl
    def component_start(self):
        """Get ready for nothing."""
