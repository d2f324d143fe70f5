"""Orchestrators that break a promise each; ``test_wrong_flavors`` has the contract find them out."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

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


@component
class Impatient:
    """Counts the timeout of a step from the time when it is put into a queue."""

    @hookimpl
    def orchestrator_capabilities(self):
        return Capabilities(parallel=True)

    @hookimpl
    def orchestrator_run(self, run):
        with ThreadPoolExecutor(2) as pool:
            for step in run.ready():
                future = pool.submit(run.execute, step)
                run.submitted(step, partial(self._give_up, run, step, future))

    def _give_up(self, run, step, future):
        if future.cancel():
            run.complete(step, TimeoutError("nobody had taken it"))


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


class TestImpatient(OrchestratorContract):
    lacking = {"cancel": LACKS["cancel"]}

    @pytest.fixture
    def component(self):
        return Impatient()


class TestUndeclared(OrchestratorContract):
    @pytest.fixture
    def component(self):
        return Hasty()
