"""Documents of an older and of a newer release, and what garbage collection makes of what it cannot read."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faultlab.here import here
from faultlab.lab import Lab
from faultlab.recovery import SMALL_RESULT
from faultlab.tally import Tally

import plugbay
from plugbay import Stack
from plugbay.cli.entry import main as command_line
from plugbay.errors import StoreError
from plugbay.history.garbage import collect

DAY = 86_400
OPTIONAL = {
    "plan.json": ("code_root", "use_cache", "versions", "schema"),
    "end.json": ("error", "failed_step", "schema"),
    "ends": ("error", "failed_step", "schema"),
    "steps": (
        "fingerprint",
        "inputs",
        "error",
        "metrics",
        "params",
        "metadata",
        "log",
        "host",
        "pid",
        "driver",
        "asked",
        "unreadable",
        "schema",
    ),
    "cache": ("seconds", "only", "schema"),
    "drivers": ("machine", "started", "claim", "alone", "deletes"),
}
"""By document, what a record may lack."""


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A store with two runs that share nothing, the second one resumed by a second driver."""
    lab = Lab(tmp_path_factory.mktemp("schema") / "lab")
    small = lab.project / "small.py"
    whole = small.read_text()
    assert lab.plugbay("run", "small.py", "-p", "number=8", "--stack", "inline", "--no-cache").code == 0
    small.write_text(whole.replace("    return len(content)", "    return 1 // 0"))
    assert lab.plugbay("run", "small.py", "--stack", "inline", "--no-cache").code == 1
    small.write_text(whole)
    assert lab.plugbay("run", "--resume", "last", "--stack", "inline").code == 0
    return lab


@pytest.fixture
def store(two_runs: Lab, tmp_path: Path) -> Iterator[Lab]:
    """A copy, all of whose objects are two days old."""
    lab = Lab(tmp_path / "lab")
    shutil.copytree(two_runs.home / "store", lab.home / "store")
    for path in lab.store.rglob("*"):
        if path.is_file():
            os.utime(path, (path.stat().st_mtime - 2 * DAY,) * 2)
    with here(lab):
        yield lab


def documents(lab: Lab, run_id: str = "*") -> list[Path]:
    """The documents of a run, and all cache entries."""
    found = [*lab.store.glob(f"runs/{run_id}/**/*.json"), *lab.store.glob("cache/**/*.json")]
    return sorted(path for path in found if path.is_file())


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a document in place; it keeps its age."""
    times = path.stat()
    tree = json.loads(path.read_bytes())
    change(tree)
    path.write_text(json.dumps(tree))
    os.utime(path, (times.st_atime, times.st_mtime))


def kind_of(path: Path) -> str:
    if "cache" in path.parts:
        return "cache"
    return path.name if path.name in OPTIONAL else path.parent.name


def load_length(run_id: str) -> Any:
    run = plugbay.get_run(run_id)
    assert run.status
    return run["length"].output.load()


def blobs(lab: Lab) -> set[str]:
    return {path.name for path in (lab.store / "blobs").rglob("*") if path.is_file()}


def test_documents_without_optional_fields_are_read(store: Lab, tally: Tally) -> None:
    """Injects: every document without what it may lack, as an older release would have written it. Proves: both runs are
    listed, shown and loaded, and collecting garbage removes none of their blobs."""
    for path in documents(store):
        edit(path, lambda tree, path=path: [tree.pop(name, None) for name in OPTIONAL[kind_of(path)]])
        tally.fault("documents of another schema")
    before = blobs(store)
    for run_id in store.run_ids():
        assert plugbay.get_run(run_id)["length"].output.load() == 10_000
        assert command_line(["show", run_id]) == 0
    assert set(store.statuses().values()) == {"succeeded"}
    collected = collect(Stack.load("inline"))
    assert (collected.blobs, collected.runs, collected.unreadable) == (0, (), ())
    assert blobs(store) == before
    tally.recovery()


def test_documents_with_unknown_fields_are_read(store: Lab, tally: Tally) -> None:
    """Injects: further fields in every document, at its top and in what it holds. Proves: as above."""

    def add(tree: Any) -> None:
        if isinstance(tree, dict) and "outputs" in tree:
            for output in tree["outputs"]:
                output["future"] = {"deep": [1]}
        tree["future"] = [{"x": None}]
        for holder in ("plan", "driver", "source"):
            if isinstance(tree.get(holder), dict):
                tree[holder]["future"] = True

    for path in documents(store):
        edit(path, add)
        tally.fault("documents of another schema")
    for run_id in store.run_ids():
        assert plugbay.get_run(run_id)["length"].output.load() == 10_000
        assert plugbay.get_run(run_id)["double_3"].output.load() is not None
    executed = len(store.traces())
    done = store.plugbay("run", "small.py", "--stack", "inline")
    assert done.code == 0, done.err
    assert len(store.traces()) == executed
    assert collect(Stack.load("inline")).unreadable == ()
    tally.recovery()


@pytest.mark.parametrize("name", ["plan.json", "end.json", "steps/length.*.json", "drivers/*.json"])
def test_a_document_of_a_newer_release_is_advice_and_other_runs_are_listed(
    name: str, store: Lab, tally: Tally, capsys: pytest.CaptureFixture[str]
) -> None:
    """Injects: a plan, an end, a record or a driver's claim of schema 2. Proves: an error that says to upgrade, the other run is
    listed and whole, the run cannot be resumed, and no command shows Plugbay's own frames."""
    other, run_id = store.run_ids()
    for path in (store.store / "runs" / run_id).glob(name):
        edit(path, lambda tree: tree.update(schema=2, run_id={"new": "form"}))
        tally.fault("documents of another schema")
    if name.startswith("drivers"):
        (store.store / "runs" / run_id / "end.json").unlink()
    with pytest.raises(StoreError, match=r"later release of Plugbay .*upgrade plugbay"):
        load_length(run_id)
    assert plugbay.get_run(other)["length"].output.load() == 10_000
    assert other in store.statuses()
    code = command_line(["run", "--resume", run_id, "--stack", "inline"])
    told = capsys.readouterr().err
    if not name.startswith("steps"):  # with a whole end the run has succeeded, whatever its records say
        assert code == 2
        assert "upgrade plugbay" in told
    assert command_line(["show", run_id]) in (0, 2)
    told = capsys.readouterr().err
    assert "internal error" not in told
    assert "Traceback" not in told
    tally.recovery()


def test_cache_entries_of_a_newer_release_are_misses_and_kept(store: Lab, tally: Tally) -> None:
    """Injects: every cache entry of schema 2, and old. Proves: the pipeline is computed anew with the right result; collecting
    garbage before that removes neither the entries nor a blob."""
    shutil.rmtree(store.store / "cache", ignore_errors=True)
    assert store.plugbay("run", "small.py", "-p", "number=9", "--stack", "inline").code == 0
    entries = sorted((store.store / "cache").rglob("*.json"))
    for path in entries:
        edit(path, lambda tree: tree.update(schema=2, outputs="elsewhere"))
        os.utime(path, (0, 0))
        tally.fault("documents of another schema")
    before = blobs(store)
    assert collect(Stack.load("inline"), grace=0).cache_entries == 0
    assert sorted((store.store / "cache").rglob("*.json")) == entries
    assert blobs(store) == before
    executed = len(store.traces())
    assert store.plugbay("run", "small.py", "-p", "number=9", "--stack", "inline").code == 0
    assert len(store.traces()) == executed + 6
    tally.recovery()


NEWER: Callable[[Path], object] = lambda path: edit(path, lambda tree: tree.update(schema=2))
CUT: Callable[[Path], object] = lambda path: path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize("spoil", [NEWER, CUT], ids=["newer", "damaged"])
@pytest.mark.parametrize("name", ["plan.json", "end.json", "steps/text.*.json", "drivers/*.json"])
def test_what_cannot_be_read_is_not_collected(
    spoil: Callable[[Path], object], name: str, store: Lab, tally: Tally, capsys: pytest.CaptureFixture[str]
) -> None:
    """Injects: a document that is of schema 2 or cut, in a run that has expired, and in one that is kept; with all objects older
    than the grace period. Proves: no object of the run and no blob goes, the command tells which run it is, and once the document
    is whole again the same collection does its work."""
    readable, unreadable = store.run_ids()
    paths = sorted((store.store / "runs" / unreadable).glob(name))
    assert paths
    contents = [path.read_bytes() for path in paths]
    if name.startswith("drivers"):
        (store.store / "runs" / unreadable / "end.json").unlink()
    for path in paths:
        spoil(path)
        tally.fault("documents of another schema" if spoil is NEWER else "damaged objects")
    before, held = blobs(store), set(filter(lambda key: unreadable in key, store.keys()))
    for keep in (None, "0", "1"):
        options = ["--keep", keep] if keep else []
        assert command_line(["gc", *options, "--grace", "1h", "--stack", "inline"]) == 0
        told = capsys.readouterr()
        assert f"run {unreadable} cannot be read, so it is kept" in told.err
        assert blobs(store) == before
        assert held <= set(store.keys())
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    collected = collect(Stack.load("inline"), keep=1, grace=3600)
    assert collected.unreadable == ()
    assert collected.runs == (() if name.startswith("steps") else (readable,))  # it went before, and its blob stayed
    if not name.startswith("drivers"):
        assert plugbay.get_run(unreadable)["double_3"].output.load() == SMALL_RESULT
        assert len(blobs(store)) == 1
    tally.recovery()


def test_results_that_a_run_may_use_whose_end_cannot_be_read_are_kept(store: Lab, tally: Tally) -> None:
    """Injects: an end of schema 2 in a run all of whose steps came from the cache. Proves: the run that computed them, which has
    expired, waits."""
    for _ in range(2):
        assert store.plugbay("run", "small.py", "-p", "number=5", "--stack", "inline").code == 0
    *_, source, user = store.run_ids()
    end = store.store / "runs" / user / "end.json"
    assert source in end.read_text()
    NEWER(end)
    tally.fault("documents of another schema")
    collected = collect(Stack.load("inline"), keep=1, grace=0)
    assert source in collected.waiting
    assert source in store.run_ids()
    assert plugbay.get_run(source)["double_3"].output.load() is not None
    tally.recovery()
