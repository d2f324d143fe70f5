"""Power that fails between any two file-system calls of a small run, a resumption, or a collection of garbage.

The calls are recorded in one undisturbed process, and every state that a disk may be left in is made in a directory of its
own; see ``faultlab.disk`` for what may be lost. There are more states than time: a seeded sample is taken here. The runs in
``test_every_order`` are small enough for all.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from faultlab.aftermath import Aftermath, check_torn_entries, recover_here, whole_objects
from faultlab.disk import Crash, all_crashes
from faultlab.lab import Lab
from faultlab.recovery import SMALL_CALLS, SMALL_RESULT, check_whole
from faultlab.tally import Tally

from plugbay import Stack
from plugbay.cli.entry import main as command_line
from plugbay.errors import PlugbayError
from plugbay.history.reader import Reader

LONG = os.environ.get("PLUGBAY_FAULT_LONG") == "1"
STATES = 240
"""States of each recording that are checked, unless there is time for all."""
BY_COMMAND = 4
"""Of these, those that are recovered by the command line, in a process of its own."""


def chosen(crashes: list[Crash], chance: Random) -> list[Crash]:
    return crashes if LONG or len(crashes) <= STATES else chance.sample(crashes, STATES)


@pytest.mark.usefixtures("in_lab")
@pytest.mark.timeout(1800 if LONG else 120)
@pytest.mark.parametrize("before", [[], [["stack", "check"]]], ids=["new", "checked-before"])
def test_a_run_survives_a_loss_of_power_at_any_call(
    before: list[list[str]],
    lab: Lab,
    recorded: Callable[..., Path],
    in_memory: Path,
    chance: Random,
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
) -> None:
    """Injects: a loss of power after each call of a run with six steps, the first in its home or after ``stack check``. Proves:
    all that a durable write had returned for is there; every document is whole, or is reported as damaged; no torn cache entry is
    a hit; and the run is resumed (or run, if it never began) to the right result without executing a recorded step again."""
    log = recorded(lab, *before, ["run", "small.py", "--stack", "inline"])
    whole = whole_objects(log, lab)
    small = importlib.import_module("small").small
    crashes = all_crashes(log, lab.directory, chance)
    assert len(crashes) > 300
    for number, crash in enumerate(chosen(crashes, chance)):
        after = Aftermath(lab, crash, in_memory / "states" / str(number), monkeypatch)
        tally.fault("losses of power")
        after.check_promises()
        after.check_documents(whole)
        recorded_steps = {Path(path).name.split(".")[0] for path in crash.promised if "/steps/" in path}
        plans = list(after.store.glob("runs/*/plan.json"))
        assert len(plans) <= 1
        check_torn_entries(after, whole)
        if number < BY_COMMAND:
            recover_by_command(after, lab, plans)
        else:
            run = recover_here(small, plans[0].parent.name if plans else None)
            assert run.status == "succeeded"
            assert run["double_3"].output.load() == SMALL_RESULT
            assert len(run["text"].output.load()) == 10_000
        again = set(after.executed()) & recorded_steps
        tally.recovery(lost=len(again))
        assert not again, f"after call {crash.at}: recorded and yet executed again: {again}"
        shutil.rmtree(after.directory)


def recover_by_command(after: Aftermath, lab: Lab, plans: list[Path]) -> None:
    env = {"PLUGBAY_HOME": str(after.directory / "home"), "FAULTS_EFFECTS": str(after.effects)}
    done = lab.plugbay("run", *(("--resume", "last") if plans else ("small.py",)), "--stack", "inline", env=env)
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    listed = lab.plugbay("runs", "--json", env=env)
    assert [run["status"] for run in json.loads(listed.out)] == ["succeeded"]


@pytest.mark.usefixtures("in_lab")
@pytest.mark.timeout(1800 if LONG else 120)
def test_a_resumption_survives_a_loss_of_power_at_any_call(
    lab: Lab,
    recorded: Callable[..., Path],
    in_memory: Path,
    chance: Random,
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
) -> None:
    """Injects: a loss of power after each call of a run that fails and of its resumption. Proves: what the first driver or the
    second had recorded is kept, and resuming once more gives the right result."""
    (lab.project / "small.py").write_text(
        (lab.project / "small.py").read_text().replace("    return len(content)", "    return fragile(content)")
        + "\n\ndef fragile(content: str) -> int:\n"
        "    import os\n\n"
        '    if not os.path.exists("repaired"):\n'
        '        raise ValueError("not yet")\n'
        "    return len(content)\n"
    )
    words = ["run", "small.py", "--stack", "inline"]
    log = recorded(lab, words, codes=(1,))
    calls_of_first = len(log.read_text().splitlines())
    (lab.project / "repaired").touch()
    log = recorded(lab, ["run", "--resume", "last", "--stack", "inline"])
    whole = whole_objects(log, lab)
    small = importlib.import_module("small").small
    crashes = [crash for crash in all_crashes(log, lab.directory, chance) if crash.at > calls_of_first]
    for number, crash in enumerate(chosen(crashes, chance)[: None if LONG else STATES // 2]):
        after = Aftermath(lab, crash, in_memory / "states" / str(number), monkeypatch)
        tally.fault("losses of power")
        after.check_promises()
        after.check_documents(whole)
        kept = {Path(path).name.split(".")[0] for path in crash.promised if "/steps/" in path} - {"length"}
        (plan,) = after.store.glob("runs/*/plan.json")
        run = recover_here(small, plan.parent.name)
        assert run.status == "succeeded"
        assert run["double_3"].output.load() == SMALL_RESULT
        again = set(after.executed()) & kept
        tally.recovery(lost=len(again))
        assert not again
        shutil.rmtree(after.directory)


@pytest.mark.usefixtures("in_lab")
@pytest.mark.timeout(1800 if LONG else 120)
def test_what_is_kept_survives_a_loss_of_power_while_garbage_is_collected(
    lab: Lab,
    recorded: Callable[..., Path],
    in_memory: Path,
    chance: Random,
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Injects: a loss of power after each call of a collection that removes one of two runs. Proves: the other one is whole, all
    commands that read the store work, and the next collection finishes the work."""
    words = ["run", "small.py", "--stack", "inline", "--no-cache"]
    log = recorded(lab, [*words, "-p", "number=3"], words)
    calls_of_runs = len(log.read_text().splitlines())
    log = recorded(lab, ["gc", "--keep", "1", "--grace", "0s", "--stack", "inline"])
    (kept,) = lab.run_ids()
    check_whole(lab, SMALL_CALLS, ("small", SMALL_RESULT))
    crashes = [crash for crash in all_crashes(log, lab.directory, chance) if crash.at > calls_of_runs]
    assert crashes
    for number, crash in enumerate(chosen(crashes, chance)[: None if LONG else STATES // 3]):
        after = Aftermath(lab, crash, in_memory / "states" / str(number), monkeypatch)
        tally.fault("losses of power")
        after.check_promises()
        stack = Stack.load("inline")
        reader = Reader(stack)
        for run_id in reader.run_ids():
            try:
                run = recover_here(None, run_id)
            except PlugbayError:
                assert run_id != kept
            else:
                assert run.status == "succeeded"
                if run_id == kept:
                    assert len(run["text"].output.load()) == 10_000
        assert command_line(["runs", "--json", "--stack", "inline"]) == 0
        assert command_line(["gc", "--keep", "1", "--grace", "0s", "--stack", "inline"]) == 0
        assert Reader(stack).run_ids() == [kept]
        assert len([path for path in (after.store / "blobs").rglob("*") if path.is_file()]) == 1
        tally.recovery()
        shutil.rmtree(after.directory)
    assert "Traceback" not in capfd.readouterr().err


MEETING = """\
import sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from faultlab.recorded import Recorder
from plugbay_local.objects.writing import write_object
root = sys.argv[2]
recorder = Recorder(Path(sys.argv[1]), root)
Path(root).mkdir()
recorder.tell("syncdir", root)
recorder.install()
store = f"{root}/store"
write_object(store, "first", b"1", if_absent=True, durable=True)
write_object(store, "blobs/ab/abcd", b"x" * 5000, if_absent=True, durable=False)
write_object(store, "blobs/ab/abcd", b"x" * 5000, if_absent=True, durable=True)
recorder.tell("put", f"{store}/blobs/ab/abcd", durable=True, data=recorder._content(f"{store}/blobs/ab/abcd"))
"""


def test_meeting_an_object_that_another_writer_has_not_flushed_is_as_good_as_writing_it(
    lab: Lab, tmp_path: Path, chance: Random, tally: Tally
) -> None:
    """Injects: a loss of power after a durable write has met an object that, with its directories, was written without a flush.
    Proves: the object is there, to the byte."""
    log, root = tmp_path / "calls", tmp_path / "disk"
    done = lab.python("-c", MEETING, str(log), str(root), str(Path(__file__).parent))
    assert done.code == 0, done.err
    promised = [crash for crash in all_crashes(log, root, chance) if crash.promised]
    assert promised
    for crash in promised:
        tally.fault("losses of power")
        assert {path: crash.state.get(path) for path in crash.promised} == crash.promised
