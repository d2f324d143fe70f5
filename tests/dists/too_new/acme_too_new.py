"""Made for hook specifications of the future."""

from plugbay_hookspecs import component, hookimpl


@component
class Orchestrator:
    """Made for hook specifications of the future."""

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            run.execute(step)
