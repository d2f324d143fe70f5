"""Power that fails during the smallest runs there are: every order that flushing allows for what was written is tried.

The calls of an undisturbed process are recorded. After each of them, every set of the changes to directories that no flush has
covered may have reached the disk, and every file that none has covered may be whole, cut, empty or as it was before; see
``faultlab.disk``. No state of the store is left out, and none is taken twice.
"""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from faultlab.aftermath import Aftermath, check_torn_entries, recover_here, whole_objects
from faultlab.disk import every_crash
from faultlab.lab import Lab
from faultlab.tally import Tally

from plugbay import Stack
from plugbay.errors import PlugbayError
from plugbay.history.garbage import collect
from plugbay.history.reader import Reader

RUN = ["run", "tiny.py", "--stack", "inline"]
pytestmark = [pytest.mark.usefixtures("in_lab"), pytest.mark.timeout(900)]


def settle(log: Path, lab: Lab) -> int:
    """Have all that was written so far be safe; return how many calls that were."""
    with log.open("a") as file:
        file.write(json.dumps({"op": "settle", "path": str(lab.directory)}) + "\n")
    return len(log.read_text().splitlines())


def recorded_steps(after: Aftermath) -> set[str]:
    """The steps whose records durable writes have promised."""
    return {Path(path).name.split(".")[0] for path in after.crash.promised if "/steps/" in path}


def test_a_run_survives_every_order(
    lab: Lab, recorded: Callable[..., Path], in_memory: Path, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    """Injects: each state that a loss of power after any call of a run with two steps may leave. Proves: all that a durable write
    had returned for is there; every document is whole or reported as damaged; no torn cache entry is a hit; and the run is resumed
    (or run, if it never began) to the right result without executing a recorded step again."""
    log = recorded(lab, RUN)
    whole = whole_objects(log, lab)
    tiny = importlib.import_module("tiny").tiny
    crashes = every_crash(log, lab.directory)
    assert len(crashes) > 500
    for crash in crashes:
        after = Aftermath(lab, crash, in_memory / "state", monkeypatch)
        tally.fault("losses of power in every order")
        after.check_promises()
        after.check_documents(whole)
        check_torn_entries(after, whole)
        plans = list(after.store.glob("runs/*/plan.json"))
        run = recover_here(tiny, plans[0].parent.name if plans else None)
        assert run.status == "succeeded"
        assert run["length"].output.load() == 10_000
        assert run["text"].output.load() == "7" * 10_000
        again = set(after.executed()) & recorded_steps(after)
        tally.recovery(lost=len(again))
        assert not again, f"after call {crash.at}: recorded and yet executed again: {again}"
        shutil.rmtree(after.directory)


def test_a_resumption_survives_every_order(
    lab: Lab, recorded: Callable[..., Path], in_memory: Path, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    """Injects: each state that a loss of power after any call of a resumption may leave. Proves: what the first driver or the
    second had recorded is kept, and resuming once more gives the right result."""
    source = lab.project / "tiny.py"
    whole = source.read_text()
    source.write_text(whole.replace("    return len(content)", "    return 1 // 0"))
    log = recorded(lab, RUN, codes=(1,))
    source.write_text(whole)
    first = settle(log, lab)
    log = recorded(lab, ["run", "--resume", "last", "--stack", "inline"])
    objects = whole_objects(log, lab)
    tiny = importlib.import_module("tiny").tiny
    crashes = every_crash(log, lab.directory, after=first)
    assert len(crashes) > 50
    for crash in crashes:
        after = Aftermath(lab, crash, in_memory / "state", monkeypatch)
        tally.fault("losses of power in every order")
        after.check_promises()
        after.check_documents(objects)
        kept = {"text"} | ({"length"} if any("/length.2." in path for path in crash.promised) else set())
        (plan,) = after.store.glob("runs/*/plan.json")
        run = recover_here(tiny, plan.parent.name)
        assert run.status == "succeeded"
        assert run["length"].output.load() == 10_000
        again = set(after.executed()) & kept
        tally.recovery(lost=len(again))
        assert not again
        shutil.rmtree(after.directory)


def test_what_is_kept_survives_every_order_of_a_collection(
    lab: Lab, recorded: Callable[..., Path], in_memory: Path, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    """Injects: each state that a loss of power after any call of a collection may leave, which removes one of two runs. Proves:
    the other one is whole, all runs can be listed, and the next collection finishes the work."""
    log = recorded(lab, [*RUN, "--no-cache", "-p", "number=3"], [*RUN, "--no-cache"])
    runs = settle(log, lab)
    log = recorded(lab, ["gc", "--keep", "1", "--grace", "0s", "--stack", "inline"])
    (kept,) = lab.run_ids()
    crashes = every_crash(log, lab.directory, after=runs)
    assert len(crashes) > 100
    for crash in crashes:
        after = Aftermath(lab, crash, in_memory / "state", monkeypatch)
        tally.fault("losses of power in every order")
        after.check_promises()
        stack = Stack.load("inline")
        for run_id in Reader(stack).run_ids():
            try:
                run = recover_here(None, run_id)
            except PlugbayError:
                assert run_id != kept
            else:
                assert run.status == "succeeded"
                assert run_id != kept or run["text"].output.load() == "7" * 10_000
        collect(stack, keep=1, grace=0.0)
        assert Reader(stack).run_ids() == [kept]
        assert len([path for path in (after.store / "blobs").rglob("*") if path.is_file()]) == 1
        tally.recovery()
        shutil.rmtree(after.directory)
