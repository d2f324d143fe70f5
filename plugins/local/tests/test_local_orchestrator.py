from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from local_run_by_hand import Payload, RunByHand, Step

from plugbay.testing.waiting import stretched, wait_until
from plugbay_hookspecs.types import StackInfo
from plugbay_local import worker_process
from plugbay_local.orchestrator import LocalOrchestrator
from plugbay_local.worker import PayloadError
from plugbay_local.worker_process import WorkerDied

pytestmark = pytest.mark.timeout(60)

STACK = StackInfo(name="s", components=())


def drive(*steps: Step, workers: int = 2, start_method: str | None = None) -> RunByHand:
    run = RunByHand(list(steps))
    LocalOrchestrator(workers=workers, start_method=start_method).orchestrator_run(run)  # type: ignore[arg-type]
    return run


def runs(pid: int) -> bool:
    """Tell whether a process executes; one that waits for its parent to take note of its end does not."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def echoes(count: int) -> list[Step]:
    return [Step(f"s{i}", Payload("echo", (f"{i}",))) for i in range(count)]


@pytest.mark.parametrize("start_method", ["forkserver", "spawn"])
def test_each_step_gets_its_own_result(start_method: str) -> None:
    run = drive(*echoes(20), start_method=start_method)
    assert run.results == {f"s{i}": f"{i}".encode() for i in range(20)}


def test_steps_run_in_other_processes_and_no_more_than_workers() -> None:
    run = drive(*[Step(f"s{i}", Payload("slow_pid", (0.05,))) for i in range(8)], workers=2)
    pids = set(run.results.values())
    assert len(pids) == 2
    assert str(os.getpid()).encode() not in pids


def test_a_chain_and_a_single_worker_run_in_the_driver() -> None:
    here = str(os.getpid()).encode()
    chain = drive(Step("only", Payload("pid")), workers=4)
    single = drive(*[Step(f"s{i}", Payload("pid")) for i in range(3)], workers=1)
    assert {*chain.results.values(), *single.results.values()} == {here}


def test_a_step_that_is_not_portable_runs_in_the_driver() -> None:
    run = drive(Step("here", Payload("pid"), portable=False), Step("there", Payload("pid")))
    assert run.executed == ["here"]
    assert run.results["here"] == str(os.getpid()).encode() != run.results["there"]


@pytest.mark.parametrize(
    ("payload", "ending"),
    [(Payload("segfault"), "was killed by SIGSEGV"), (Payload("leave", (7,)), "ended with exit code 7")],
)
@pytest.mark.parametrize("start_method", ["forkserver", "spawn"])
def test_a_worker_that_dies_fails_its_step_and_nothing_else(payload: Payload, ending: str, start_method: str) -> None:
    run = drive(
        *echoes(5), Step("dies", payload), *[Step(f"t{i}", Payload("pid")) for i in range(5)], start_method=start_method
    )
    died = run.results.pop("dies")
    assert isinstance(died, WorkerDied)
    assert ending in str(died)
    assert "'dies'" in str(died)
    assert all(isinstance(result, bytes) for result in run.results.values())
    assert len(run.results) == 10


def test_every_worker_may_die_and_the_run_goes_on() -> None:
    run = drive(*[Step(f"d{i}", Payload("leave", (1,))) for i in range(4)], *echoes(4))
    assert [type(result) for result in run.results.values()].count(WorkerDied) == 4
    assert [type(result) for result in run.results.values()].count(bytes) == 4


def test_what_a_payload_raises_comes_back_with_its_traceback() -> None:
    run = drive(Step("fails", Payload("fail", ("gone",))), *echoes(2))
    error = run.results["fails"]
    assert isinstance(error, LookupError)
    assert error.args == ("gone",)
    assert "in fail" in "".join(error.__notes__)


def test_an_exception_that_does_not_pickle_comes_back_as_text() -> None:
    run = drive(Step("fails", Payload("fail_unpicklably")), *echoes(2))
    error = run.results["fails"]
    assert isinstance(error, PayloadError)
    assert "not picklable" in str(error)


def test_a_payload_that_does_not_pickle_fails_its_step_only() -> None:
    run = drive(Step("lambda", Payload("echo", (lambda: None,))), *echoes(2))
    assert isinstance(run.results["lambda"], Exception)
    assert run.results["s1"] == b"1"


def test_payloads_and_results_may_be_large() -> None:
    text = "x" * 5_000_000
    run = drive(*[Step(f"s{i}", Payload("echo", (text,))) for i in range(4)])
    assert all(result == text.encode() for result in run.results.values())


def test_a_step_may_start_processes() -> None:
    assert drive(Step("parent", Payload("use_processes")), *echoes(1)).results["parent"] == b"3"


def test_workers_see_the_environment_and_directory_of_their_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for value in ("first", "second"):
        monkeypatch.setenv("PLUGBAY_TEST_VALUE", value)
        (tmp_path / value).mkdir()
        monkeypatch.chdir(tmp_path / value)
        run = drive(Step("env", Payload("variable", ("PLUGBAY_TEST_VALUE",))), Step("cwd", Payload("where")))
        assert run.results == {"env": value.encode(), "cwd": str(tmp_path / value).encode()}


def test_each_worker_releases_its_payload_when_it_leaves(tmp_path: Path) -> None:
    run = drive(*[Step(f"s{i}", Payload("slow_pid", (0.05,), str(tmp_path))) for i in range(6)])
    assert {path.name.encode() for path in tmp_path.iterdir()} == set(run.results.values())


def test_a_worker_ignores_an_interrupt() -> None:
    assert drive(Step("s", Payload("ignores_interrupts")), *echoes(1)).results["s"] == b"still here"


def drive_in_thread(run: RunByHand) -> threading.Thread:
    orchestrator = LocalOrchestrator(workers=2)
    thread = threading.Thread(target=orchestrator.orchestrator_run, args=(run,))
    thread.start()
    return thread


@pytest.mark.parametrize("stubborn", [False, True])
def test_cancelling_ends_the_step_and_the_processes_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stubborn: bool
) -> None:
    monkeypatch.setattr(worker_process, "GRACE", 0.5)
    started = tmp_path / "started"
    run = RunByHand([Step("sleeps", Payload("sleep", (str(started), stubborn))), *echoes(3)])
    thread = drive_in_thread(run)
    wait_until(started.exists)
    worker, child = map(int, started.read_text().split())
    before = time.monotonic()
    run.cancels["sleeps"]()
    run.cancels["sleeps"]()
    assert time.monotonic() - before < stretched(0.3)
    thread.join(stretched(20))
    died = run.results["sleeps"]
    assert isinstance(died, WorkerDied)
    assert ("SIGKILL" if stubborn else "SIGTERM") in str(died)
    wait_until(lambda: not runs(worker) and not runs(child))
    assert run.results["s2"] == b"2"


def test_cancelling_a_step_that_is_over_does_nothing() -> None:
    run = RunByHand([*echoes(1), Step("slow", Payload("slow_pid", (1.0,))), Step("later", Payload("pid"))])
    thread = drive_in_thread(run)
    wait_until(lambda: "s0" in run.results)
    run.cancels["s0"]()
    thread.join(stretched(20))
    assert isinstance(run.results["slow"], bytes)
    assert isinstance(run.results["later"], bytes)


def test_an_interrupt_of_the_driver_ends_all_workers(tmp_path: Path) -> None:
    started = tmp_path / "started"

    def interrupt() -> None:
        wait_until(started.exists)
        raise KeyboardInterrupt

    run = RunByHand([Step("sleeps", Payload("sleep", (str(started),))), *echoes(1)], interrupt=interrupt)
    with pytest.raises(KeyboardInterrupt):
        LocalOrchestrator(workers=2).orchestrator_run(run)  # type: ignore[arg-type]
    assert isinstance(run.results["sleeps"], WorkerDied)
    wait_until(lambda: not any(runs(int(pid)) for pid in started.read_text().split()))


@pytest.mark.parametrize("start_method", ["forkserver", "spawn"])
def test_workers_and_fork_server_end_with_a_killed_driver(tmp_path: Path, start_method: str) -> None:
    started = tmp_path / "started"
    script = tmp_path / "driver.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from local_run_by_hand import Payload, RunByHand, Step
            from plugbay_local.orchestrator import LocalOrchestrator

            if __name__ == "__main__":
                run = RunByHand([Step("sleeps", Payload("sleep", ({str(started)!r},))), Step("s", Payload("pid"))])
                LocalOrchestrator(workers=2, start_method={start_method!r}).orchestrator_run(run)
            """
        )
    )
    driver = subprocess.Popen([sys.executable, script], start_new_session=True)
    try:
        wait_until(started.exists)
        family = descendants(driver.pid)
        assert len(family) >= 4
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    wait_until(lambda: not any(runs(pid) for pid in family), 10)


def descendants(pid: int) -> list[int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for ancestor in found:
        found += [child for child, parent in parents.items() if parent == ancestor]
    return found[1:]


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from local_run_by_hand import Payload, RunByHand, Step
from plugbay_local.orchestrator import LocalOrchestrator

def main(steps):
    run = RunByHand([Step(f"s{{i}}", Payload("echo", ("x",))) for i in range(steps)])
    LocalOrchestrator(workers=2, start_method={start_method!r}).orchestrator_run(run)
    print(*run.results.values(), sep="\\n")

{call}
"""


def run_script(path: Path, call: str, start_method: str) -> subprocess.CompletedProcess[str]:
    path.write_text(SCRIPT.format(tests=str(Path(__file__).parent), call=call, start_method=start_method))
    return subprocess.run([sys.executable, "-W", "error", path], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("start_method", ["forkserver", "spawn"])
def test_a_script_drives_workers_and_exits_without_a_word(tmp_path: Path, start_method: str) -> None:
    done = run_script(tmp_path / "driver.py", 'if __name__ == "__main__": main(3)', start_method)
    assert (done.returncode, done.stdout, done.stderr) == (0, "b'x'\nb'x'\nb'x'\n", "")


@pytest.mark.parametrize("start_method", ["forkserver", "spawn"])
def test_the_first_worker_that_cannot_start_ends_the_run_with_the_reason(tmp_path: Path, start_method: str) -> None:
    call = 'main(100) if __name__ == "__main__" else 1 / 0'
    done = run_script(tmp_path / "driver.py", call, start_method)
    assert done.returncode == 1
    assert "could not start (ended with exit code 1)" in done.stderr
    assert "under `if __name__" in done.stderr
    assert 1 <= done.stderr.count("1 / 0") < 10


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
def test_a_run_leaves_no_descriptor_and_no_process_behind() -> None:
    drive(*echoes(4))  # starts the fork server, which stays
    before, threads = held(), set(threading.enumerate())
    drive(*echoes(4), Step("dies", Payload("leave", (1,))))
    assert held() == before
    assert set(threading.enumerate()) <= threads  # one that looks after the descriptors may end meanwhile


def held() -> tuple[int, list[int]]:
    return len(list(Path("/proc/self/fd").iterdir())), sorted(descendants(os.getpid()))


def test_no_workers_is_a_problem_of_the_settings() -> None:
    problems = LocalOrchestrator(workers=0).component_validate(STACK)
    assert [problem.message for problem in problems] == ["workers = 0: a run needs one at least"]
    assert not LocalOrchestrator().component_validate(STACK)


def test_capabilities_tell_whether_steps_run_in_parallel() -> None:
    assert LocalOrchestrator(workers=2).orchestrator_capabilities().parallel
    assert not LocalOrchestrator(workers=1).orchestrator_capabilities().parallel
