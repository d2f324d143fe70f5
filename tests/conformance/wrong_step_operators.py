"""Step operators that break a promise each; ``test_wrong_flavors`` has the contract find them out."""

import subprocess
from pathlib import Path

import attrs
import pytest

from plugbay.testing.step_operator import StepOperatorContract
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import JobStatus


@component
class Forgetful:
    """Runs jobs of which no other process knows."""

    path: Path
    _running: dict = attrs.field(factory=dict, init=False)

    @hookimpl
    def step_operator_submit(self, command, environment):
        self.path.mkdir(exist_ok=True)
        job = str(len(self._running))
        with (self.path / job).open("wb") as log:
            self._running[job] = subprocess.Popen(command, stdout=log, stderr=log)
        return job

    @hookimpl
    def step_operator_status(self, job):
        code = self._running[job].poll()
        if code is None:
            return JobStatus(state="running")
        return JobStatus(state="cancelled" if code < 0 else "failed" if code else "succeeded", exit_code=code)

    @hookimpl
    def step_operator_logs(self, job):
        return iter((self.path / job).read_text().splitlines())

    @hookimpl
    def step_operator_cancel(self, job):
        if job in self._running:
            self._running[job].kill()


@component
class Shelled(Forgetful):
    """Has a shell read the command."""

    @hookimpl
    def step_operator_submit(self, command, environment):
        return Forgetful.step_operator_submit(self, ["sh", "-c", " ".join(command)], environment)


@component
class Optimistic(Forgetful):
    """Takes every end for a success."""

    @hookimpl
    def step_operator_status(self, job):
        status = Forgetful.step_operator_status(self, job)
        return attrs.evolve(status, state="succeeded") if status.ended else status


class Contract(StepOperatorContract):
    lacking = {"find": "nothing is kept", "wait": "asked again and again", "memory": "no limit", "timeout": "no limit"}


class TestForgetful(Contract):
    @pytest.fixture
    def component(self, tmp_path):
        return Forgetful(path=tmp_path / "logs")


class TestShelled(Contract):
    @pytest.fixture
    def component(self, tmp_path):
        return Shelled(path=tmp_path / "logs")


class TestOptimistic(Contract):
    @pytest.fixture
    def component(self, tmp_path):
        return Optimistic(path=tmp_path / "logs")
