"""Run one step after another."""

from plugbay_hookspecs import component, hookimpl


@component
class Orchestrator:
    """Run one step after another."""

    address: str = "here"
    workers: int = 1

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            run.execute(step)
