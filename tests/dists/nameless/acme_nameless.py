"""Come from a distribution without a name."""

from plugbay_hookspecs import component, hookimpl


@component
class Orchestrator:
    """Come from a distribution without a name."""

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            run.execute(step)
