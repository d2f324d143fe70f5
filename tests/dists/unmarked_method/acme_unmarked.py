"""A plugin whose author forgot a decorator."""

from plugbay_hookspecs import component


@component
class Orchestrator:
    """Run one step after another, if it were asked."""

    def orchestrator_run(self, run):
        for step in run.ready():
            run.execute(step)
