"""Two of two orchestrators of one name."""

from plugbay_hookspecs import component, hookimpl


@component
class Orchestrator:
    """Two of two orchestrators of one name."""

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            run.execute(step)
