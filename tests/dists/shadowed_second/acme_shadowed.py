"""The second on the path."""

from plugbay_hookspecs import component, hookimpl


@component
class Orchestrator:
    """The second on the path."""

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            run.execute(step)
