"""Bring a property that must not be touched."""

from plugbay_hookspecs import component, hookimpl


@component
class Orchestrator:
    """Bring a property that must not be touched."""

    @property
    def client(self):
        """Connect to a server that is not there."""
        msg = "the property was evaluated"
        raise ConnectionError(msg)

    @hookimpl
    def orchestrator_run(self, run):
        """Drive nothing."""
