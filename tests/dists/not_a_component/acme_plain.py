"""A plugin whose class is a plain one."""

from plugbay_hookspecs import hookimpl


class Orchestrator:
    """Has no settings."""

    @hookimpl
    def orchestrator_run(self, run):
        """Never called."""
