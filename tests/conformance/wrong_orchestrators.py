"""Orchestrators that break a promise each; ``test_wrong_flavors`` has the contract find them out."""

import pytest

from plugbay.testing.orchestrator import OrchestratorContract
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Capabilities

LACKS = {"parallel": "one step after the other", "cancel": "a step is a call in the driver"}


@component
class Twice:
    """Executes steps a second time, which no record tells."""

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            run.execute(step)
            run.execute(step)


@component
class Boastful:
    """Promises to be parallel, and is not."""

    @hookimpl
    def orchestrator_capabilities(self):
        return Capabilities(parallel=True)

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            run.execute(step)


@component
class Hasty:
    """Returns before the run is over."""

    @hookimpl
    def orchestrator_run(self, run):
        for step, _ in zip(run.ready(), range(3), strict=False):
            run.execute(step)


@component
class Swallowing:
    """Gives up a step as soon as it is tried again."""

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            if step.info.attempt > 1:
                run.complete(step, RuntimeError("the engine tries once"))
            else:
                run.execute(step)


class TestTwice(OrchestratorContract):
    lacking = LACKS

    @pytest.fixture
    def component(self):
        return Twice()


class TestBoastful(OrchestratorContract):
    lacking = {"cancel": LACKS["cancel"]}

    @pytest.fixture
    def component(self, monkeypatch):
        monkeypatch.setattr("plugbay.testing.pipelines.PATIENCE", 0.3)
        return Boastful()


class TestHasty(OrchestratorContract):
    lacking = LACKS

    @pytest.fixture
    def component(self):
        return Hasty()


class TestSwallowing(OrchestratorContract):
    lacking = LACKS

    @pytest.fixture
    def component(self):
        return Swallowing()


class TestUndeclared(OrchestratorContract):
    @pytest.fixture
    def component(self):
        return Hasty()
