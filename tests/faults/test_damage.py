"""Stores that were tampered with: blobs and documents that are cut, changed, swapped, or replaced by links."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from faultlab.lab import Lab
from faultlab.recovery import SMALL_RESULT
from faultlab.tally import Tally

import plugbay
from plugbay.errors import CorruptArtifactError, PlugbayError, StoreError

Damage = Callable[[Path], object]

CUT: Damage = lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
EMPTY: Damage = lambda path: path.write_bytes(b"")
NOISE: Damage = lambda path: path.write_bytes(b"\x00\xff" * 50)
LIST: Damage = lambda path: path.write_bytes(b"[" * 100_000)
DAMAGES = {"cut": CUT, "empty": EMPTY, "noise": NOISE, "brackets": LIST}


def link(path: Path) -> None:
    """Put a symbolic link to the same bytes in the place of a file."""
    kept = path.with_name(f".kept-{path.name}")
    path.rename(kept)
    path.symlink_to(kept)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A store with two runs of one pipeline."""
    lab = Lab(tmp_path_factory.mktemp("pristine") / "lab")
    for number in (7, 8):
        assert lab.plugbay("run", "small.py", "-p", f"number={number}", "--stack", "inline").code == 0
    return lab


@pytest.fixture
def damaged(pristine: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A copy of the store, which this process reads too."""
    lab = Lab(tmp_path / "lab")
    shutil.copytree(pristine.home, lab.home)
    monkeypatch.chdir(lab.project)
    monkeypatch.setenv("PLUGBAY_HOME", str(lab.home))
    return lab


def blob(lab: Lab) -> Path:
    """The only blob of the first run."""
    first = lab.run_ids()[0]
    (record,) = (record for record in lab.records(first) if record.step == "text")
    digest = record.outputs[0].digest
    return lab.store / "blobs" / digest[:2] / digest


@pytest.mark.parametrize("damage", [*DAMAGES.values(), link], ids=[*DAMAGES, "link"])
def test_a_damaged_blob_is_an_error_that_names_the_artifact(damage: Damage, damaged: Lab, tally: Tally) -> None:
    """Injects: a blob that is cut, emptied, overwritten, or a link. Proves: an error, and never a value."""
    damage(blob(damaged))
    tally.fault("damaged objects")
    run = plugbay.get_run(damaged.run_ids()[0])
    with pytest.raises(StoreError, match=r"damaged|symbolic link"):
        run["text"].output.load()
    assert run["double_3"].output.load() == SMALL_RESULT


def test_swapped_blobs_are_two_errors(damaged: Lab, tally: Tally) -> None:
    """Injects: two blobs, each under the other's name. Proves: two errors, and never a value."""
    one, other = sorted(path for path in (damaged.store / "blobs").rglob("*") if path.is_file())
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    tally.fault("damaged objects", 2)
    for run_id in damaged.run_ids():
        with pytest.raises(CorruptArtifactError, match="damaged"):
            plugbay.get_run(run_id)["text"].output.load()


def test_a_tampered_inline_value_is_an_error(damaged: Lab, tally: Tally) -> None:
    """Injects: another value in a record, under the old digest. Proves: an error, and never a value."""
    first = damaged.run_ids()[0]
    path = damaged.store / "runs" / first / "steps" / "double_3.1.json"
    tree = json.loads(path.read_bytes())
    tree["outputs"][0]["text"] = "80001"
    path.write_text(json.dumps(tree))
    tally.fault("damaged objects")
    with pytest.raises(CorruptArtifactError):
        plugbay.get_run(first)["double_3"].output.load()


@pytest.mark.parametrize("name", ["plan.json", "end.json", "steps/length.1.json"])
@pytest.mark.parametrize("damage", [*DAMAGES.values(), link], ids=[*DAMAGES, "link"])
def test_a_damaged_document_is_an_error_and_other_runs_are_listed(
    damage: Damage, name: str, damaged: Lab, tally: Tally
) -> None:
    """Injects: a plan, an end or a record that is cut, emptied, overwritten, or a link. Proves: an error that names it, the
    other run is listed and whole, and no command shows Plugbay's own frames."""
    first, second = damaged.run_ids()
    damage(damaged.store / "runs" / first / name)
    tally.fault("damaged objects")
    with pytest.raises(PlugbayError) as raised:
        plugbay.get_run(first)["length"].output.load()
    assert name in str(raised.value)
    assert second in {run.id for run in plugbay.runs() if run.id == second}
    assert plugbay.get_run(second)["double_3"].output.load() == SMALL_RESULT
    shutil.rmtree(damaged.home / "index", ignore_errors=True)
    listed = damaged.plugbay("runs", "--json")
    assert listed.code == 0, listed.err
    assert second in listed.out
    shown = damaged.plugbay("show", first)
    assert shown.code in (0, 2)
    assert "Traceback" not in shown.err
    assert "internal error" not in shown.err


@pytest.mark.parametrize("name", ["plan.json", "end.json", "steps/length.1.json"])
def test_a_document_of_another_run_does_not_answer_for_this_one(name: str, damaged: Lab, tally: Tally) -> None:
    """Injects: a document of one run in the place of another's. Proves: an error, and never the other run's value."""
    first, second = damaged.run_ids()
    shutil.copy(damaged.store / "runs" / second / name, damaged.store / "runs" / first / name)
    tally.fault("damaged objects")
    with pytest.raises(StoreError, match="damaged"):
        plugbay.get_run(first)["length"].output.load()
    assert plugbay.get_run(second)["double_3"].output.load() == SMALL_RESULT


def test_a_record_of_another_step_does_not_answer_for_this_one(damaged: Lab, tally: Tally) -> None:
    """Injects: the record of one step in the place of another's. Proves: an error, and never the other step's value."""
    first = damaged.run_ids()[0]
    steps = damaged.store / "runs" / first / "steps"
    shutil.copy(steps / "seed.1.json", steps / "length.1.json")
    tally.fault("damaged objects")
    with pytest.raises(StoreError, match="damaged"):
        plugbay.get_run(first)["length"].output.load()


@pytest.mark.parametrize("damage", [*DAMAGES.values(), link], ids=[*DAMAGES, "link"])
def test_damaged_cache_entries_are_misses(damage: Damage, damaged: Lab, tally: Tally) -> None:
    """Injects: every cache entry damaged. Proves: the pipeline computes everything again, with the right result."""
    for path in [path for path in (damaged.store / "cache").rglob("*.json") if path.is_file()]:
        damage(path)
        tally.fault("damaged objects")
    executed = len(damaged.traces())
    done = damaged.plugbay("run", "small.py", "--stack", "inline")
    if damage is link:  # what a link leads to is not even looked at, nor is it replaced
        assert done.code in (0, 1, 2)
        assert "internal error" not in done.err
        return
    assert done.code == 0, done.err
    assert len(damaged.traces()) == executed + 6
    assert damaged.value("double_3", damaged.run_ids()[-1]) == SMALL_RESULT


def test_swapped_cache_entries_are_misses(damaged: Lab, tally: Tally) -> None:
    """Injects: cache entries under each other's keys. Proves: misses, and never the result of another call."""
    paths = sorted((damaged.store / "cache").rglob("*.json"))
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, [*contents[1:], contents[0]], strict=True):
        path.write_bytes(content)
        tally.fault("damaged objects")
    done = damaged.plugbay("run", "small.py", "--stack", "inline")
    assert done.code == 0, done.err
    run_id = damaged.run_ids()[-1]
    assert damaged.value("double_3", run_id) == SMALL_RESULT
    assert len(damaged.traces()) == 6


def test_a_run_with_a_damaged_record_is_resumed_by_executing_that_step_again(damaged: Lab, tally: Tally) -> None:
    """Injects: a record cut to half in a run without an end. Proves: its resumption executes that step alone, as its next
    attempt, and ends with the right result."""
    first = damaged.run_ids()[0]
    (damaged.store / "runs" / first / "end.json").unlink()
    CUT(damaged.store / "runs" / first / "steps" / "length.1.json")
    tally.fault("damaged objects")
    done = damaged.plugbay("run", "--resume", first, "--stack", "inline")
    assert done.code == 0, done.err
    assert [(trace.step, trace.attempt) for trace in damaged.traces()] == [("length", 2)]
    assert plugbay.get_run(first)["length"].output.load() == 10_000
    tally.recovery()


@pytest.mark.parametrize("place", ["runs", "blobs", "cache", ".scratch"])
def test_a_link_in_the_place_of_a_directory_leads_nowhere(place: str, damaged: Lab, tally: Tally) -> None:
    """Injects: a directory of the store replaced by a link to one outside. Proves: nothing is written outside, and an error
    says why."""
    outside = damaged.directory / "outside"
    outside.mkdir()
    (damaged.store / place).mkdir(exist_ok=True)
    (damaged.store / place).rename(damaged.directory / "kept")
    (damaged.store / place).symlink_to(outside)
    tally.fault("damaged objects")
    done = damaged.plugbay("run", "small.py", "-p", "number=9", "--stack", "inline")
    assert list(outside.iterdir()) == []
    assert "internal error" not in done.err
    unused = place == ".scratch" and hasattr(os, "O_TMPFILE")  # small objects need no scratch file there
    if place != "cache" and not unused:  # an entry that cannot be written is a miss later, no more
        assert done.code in (1, 2)
        assert "symbolic link" in done.err
    assert os.path.islink(damaged.store / place)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_index_is_made_anew(damage: Damage, damaged: Lab, tally: Tally) -> None:
    """Injects: a damaged index over the runs. Proves: all runs are listed from the store."""
    assert len(damaged.statuses()) == 2
    for path in damaged.home.rglob("*.sqlite"):
        damage(path)
        tally.fault("damaged objects")
    assert set(damaged.statuses()) == set(damaged.run_ids())
