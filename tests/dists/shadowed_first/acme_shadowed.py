"""The first on the path."""

from plugbay_hookspecs import component, hookimpl


@component
class Orchestrator:
    """The first on the path."""

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            run.execute(step)
