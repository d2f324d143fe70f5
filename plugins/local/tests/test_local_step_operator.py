"""Jobs that are processes of this machine."""

import base64
import hashlib
import json
import os
import signal
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from plugbay.testing.hooks import hooks_of
from plugbay.testing.step_operator import ENDLESS, StepOperatorContract, a_step
from plugbay.testing.waiting import stretched, wait_until
from plugbay_hookspecs.types import Resources
from plugbay_local.step_operator import ProcessStepOperator


@pytest.fixture
def operator(tmp_path: Path) -> ProcessStepOperator:
    return ProcessStepOperator(directory=tmp_path / "jobs", grace=0.5)


class TestProcess(StepOperatorContract):
    @pytest.fixture
    def component(self, operator: ProcessStepOperator) -> Any:
        return operator


def submit(operator: ProcessStepOperator, program: str, **options: Any) -> str:
    return operator.step_operator_submit(
        step=a_step(),
        command=[sys.executable, "-c", program],
        environment=options.get("environment", {}),
        resources=options.get("resources", Resources()),
        image=options.get("image"),
        timeout=None,
    )


def begun(operator: ProcessStepOperator, job: str) -> dict[str, Any]:
    wait_until(lambda: "begun" in list(operator.step_operator_logs(job, False)))
    return json.loads((operator.directory / job / "started.json").read_bytes())


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_a_job_whose_supervisor_was_killed_has_failed_and_does_not_go_on(operator):
    job = submit(operator, ENDLESS)
    pid = begun(operator, job)["pid"]
    os.kill(int((operator.directory / job / "supervisor.pid").read_text()), signal.SIGKILL)
    status = operator.step_operator_wait(job, stretched(10))
    assert (status.state, status.exit_code) == ("failed", None)
    assert status.reason.startswith("lost")
    wait_until(lambda: not runs(pid))
    operator.step_operator_cancel(job)
    operator.step_operator_cleanup(job)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_after_the_machine_started_anew_a_job_has_failed_and_no_stranger_is_harmed(operator):
    job = submit(operator, ENDLESS)
    started = begun(operator, job)
    directory = operator.directory / job
    operator.step_operator_cancel(job)
    assert operator.step_operator_wait(job, stretched(10)).state == "cancelled"
    # as a power loss leaves it, with this test's own process under the job's id by now
    (directory / "end.json").unlink()
    (directory / "started.json").write_text(json.dumps({**started, "pid": os.getpid()}))
    # until the process that watched over the job is gone too
    wait_until(lambda: operator.step_operator_status(job).state == "failed")


def test_the_environment_is_what_was_given_with_path_and_homes(operator, monkeypatch):
    monkeypatch.setenv("NOT_MEANT", "for jobs")
    monkeypatch.setenv("MEANT", "for jobs")
    operator.inherit = ("MEANT",)
    job = submit(operator, "import os; print(*sorted(os.environ))", environment={"GIVEN": "1"})
    operator.step_operator_wait(job, stretched(20))
    (line,) = operator.step_operator_logs(job, False)
    assert set(line.split()) - {"LC_CTYPE"} == {"GIVEN", "MEANT", "PATH", "HOME", "PLUGBAY_HOME"} & {
        *os.environ,
        "GIVEN",
    }


def test_what_cannot_be_granted_is_refused(operator):
    with pytest.raises(ValueError, match="gpu cannot be granted"):
        submit(operator, "pass", resources=Resources(gpu=1))
    with pytest.raises(ValueError, match="no image"):
        submit(operator, "pass", image="python:3.11")
    assert not list(operator.directory.glob("*-*"))


def test_a_running_job_is_not_cleaned_up(operator):
    job = submit(operator, ENDLESS)
    with pytest.raises(RuntimeError, match="is not over"):
        operator.step_operator_cleanup(job)
    operator.step_operator_cancel(job)
    assert operator.step_operator_wait(job, stretched(10)).state == "cancelled"


def wheel(directory: Path) -> Path:
    files = {
        "acme_answer.py": b"ANSWER = 42\n",
        "acme_answer-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: acme-answer\nVersion: 1.0\n",
        "acme_answer-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
    files["acme_answer-1.0.dist-info/RECORD"] = "".join(lines).encode() + b"acme_answer-1.0.dist-info/RECORD,,\n"
    path = directory / "acme_answer-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_jobs_run_in_a_virtual_environment_that_is_made_once(tmp_path, operator):
    operator.requirements = (f"acme-answer @ {wheel(tmp_path).as_uri()}",)
    program = "import acme_answer, sys; print(acme_answer.ANSWER, sys.prefix)"
    jobs = [submit(operator, program) for _ in range(2)]
    statuses = [operator.step_operator_wait(job, 100) for job in jobs]
    logs = [list(operator.step_operator_logs(job, False)) for job in jobs]
    assert [status.state for status in statuses] == ["succeeded"] * 2, logs
    assert logs[0] == logs[1]
    assert logs[0][0].startswith(f"42 {operator.directory / '.environments'}")
    assert len(list((operator.directory / ".environments").glob("*/complete"))) == 1


def test_a_virtual_environment_that_cannot_be_made_fails_the_job(tmp_path, operator):
    operator.requirements = (str(tmp_path / "no-such-1.0-py3-none-any.whl"),)
    job = submit(operator, "pass")
    status = operator.step_operator_wait(job, 100)
    assert status.state == "failed" and "could not be made" in status.reason
    assert "no-such" in "\n".join(operator.step_operator_logs(job, False))


def test_negative_grace_is_a_problem():
    (found,) = hooks_of(ProcessStepOperator(grace=-1), "step_operator").component_validate(stack=None)
    assert "cannot be negative" in found[0].message
