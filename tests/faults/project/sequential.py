"""An orchestrator in ten lines. ``plugbay.toml`` names this file; nothing needs to be installed."""

from plugbay_hookspecs import component, hookimpl


@component
class Sequential:
    """Run one step after the other in this process."""

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            run.execute(step)
