from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from plugbay import current, pipeline, step
from plugbay.testing.experiment_tracker import ExperimentTrackerContract, Tracked
from plugbay.testing.hooks import own_store_in
from plugbay.testing.stacks import build_stack
from plugbay_hookspecs.types import ErrorInfo, ObjectStat, StepInfo
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.attempts.reading import read_attempt
from plugbay_local.attempts.writing import LinesInStore
from plugbay_local.experiment_tracker import StoreExperimentTracker
from plugbay_local.objects.directory import Directory


def attempt(step: str = "train", run_id: str = "r1", number: int = 1) -> StepInfo:
    return StepInfo(run_id=run_id, pipeline="p", step=step, name="train", attempt=number)


@pytest.fixture
def tracker(tmp_path: Path) -> StoreExperimentTracker:
    return StoreExperimentTracker(path=tmp_path / "tracked")


def lines(tracker: StoreExperimentTracker, kind: str, step: StepInfo) -> list[dict[str, Any]]:
    """The lines that have something, as they lie in the directory."""
    path = Path(tracker.experiment_tracker_url(step).removeprefix("file://"))
    records = [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]
    return [record for record in records if kind in record]


def test_an_attempt_tells_its_beginning_and_its_end(tracker: StoreExperimentTracker) -> None:
    step = attempt()
    tracker.experiment_tracker_start(step)
    tracker.experiment_tracker_end(step, ErrorInfo(type="ValueError", message="no"))
    (begun,), (ended,) = lines(tracker, "started", step), lines(tracker, "ended", step)
    assert (begun["run"], begun["step"], begun["attempt"]) == ("r1", "train", 1)
    assert ended["error"] == {"type": "ValueError", "message": "no"}


def test_numbers_that_json_has_not_are_kept(tracker: StoreExperimentTracker) -> None:
    tracker.experiment_tracker_log_metrics(attempt(), {"a": math.nan, "b": -math.inf, "c": 1}, 5.0, 3)
    tracker.experiment_tracker_log_params(attempt(), {"x": math.inf, "y": {(1,): 2}, "z": [1, Path("p")]})
    assert lines(tracker, "metrics", attempt()) == [
        {"at": 5.0, "iteration": 3, "metrics": {"a": "nan", "b": "-inf", "c": 1.0}},
    ]
    assert lines(tracker, "params", attempt()) == [{"params": {"x": "inf", "y": "{(1,): 2}", "z": [1, "p"]}}]


@pytest.mark.parametrize(
    "name", ["..", "../../x", "a/b", "a%2Fb", ".hidden", "x" * 300, "ü" * 150, "a\0b", "\ud800", "C:\\x"]
)
def test_a_hostile_step_stays_in_the_directory(tracker: StoreExperimentTracker, name: str, tmp_path: Path) -> None:
    tracker.experiment_tracker_set_tags(attempt(name, run_id=name), {"a": "b"})
    assert [path.name for path in tmp_path.iterdir()] == ["tracked"]
    assert [len(path.relative_to(tmp_path).parts) for path in tmp_path.rglob("log.jsonl")] == [4]


def test_two_steps_share_no_directory(tracker: StoreExperimentTracker) -> None:
    names = ["a/b", "a%2Fb", ".a", "%2Ea", "x" * 300, "x" * 301]
    assert len({tracker.experiment_tracker_url(attempt(name)) for name in names}) == len(names)


def test_an_artifact_is_replaced_whole(tracker: StoreExperimentTracker, tmp_path: Path) -> None:
    kept = tmp_path / "tracked/r1/train.1/artifacts/plots/a"
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.write_text("text")
    folder.mkdir()
    (folder / "link").symlink_to(file)
    tracker.experiment_tracker_log_artifact(attempt(), file, "plots/a")
    assert kept.read_text() == "text"
    tracker.experiment_tracker_log_artifact(attempt(), folder, "plots/a")
    assert (kept / "link").read_text() == "text"
    assert not (kept / "link").is_symlink()
    (folder / "link").rename(folder / "moved")
    tracker.experiment_tracker_log_artifact(attempt(), folder, "plots/a")
    assert os.listdir(kept) == ["moved"]
    tracker.experiment_tracker_log_artifact(attempt(), file, "plots/a")
    assert kept.read_text() == "text"
    with pytest.raises(FileNotFoundError):
        tracker.experiment_tracker_log_artifact(attempt(), tmp_path / "gone", "plots/a")
    assert kept.read_text() == "text"
    assert os.listdir(tmp_path / "tracked/r1/train.1") == ["artifacts"]
    assert os.listdir(tmp_path / "tracked/.scratch") == []


def test_a_file_in_an_artifact_becomes_a_directory_and_back(tracker: StoreExperimentTracker, tmp_path: Path) -> None:
    kept = tmp_path / "tracked/r1/train.1/artifacts/folder"
    for number, files in enumerate((["x", "y/z"], ["x/z", "y"], ["x", "y/z"])):
        for file in files:
            path = tmp_path / f"{number}" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file)
        tracker.experiment_tracker_log_artifact(attempt(), tmp_path / f"{number}", "folder")
        assert sorted(str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()) == files


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", ".", "../a", "a/../../b", "a\0"])
def test_an_artifact_stays_in_its_directory(tracker: StoreExperimentTracker, name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the name of an artifact"):
        tracker.experiment_tracker_log_artifact(attempt(), tmp_path, name)
    assert not (tmp_path / "tracked").exists()


def test_a_run_is_read_by_its_ids(tmp_path: Path) -> None:
    @step
    def train() -> None:
        (tmp_path / "plot").write_bytes(b"png")
        current().log_params({"rate": 0.1})
        current().log_metrics({"loss": 0.5}, iteration=3)
        current().experiment_tracker.set_tags({"team": "ml"})
        current().experiment_tracker.log_artifact(tmp_path / "plot", "plots/.loss")

    @pipeline
    def training() -> None:
        train()

    with build_stack(artifact_store=LocalArtifactStore(path=tmp_path / "store"), experiment_tracker="store") as stack:
        run = training.run(stack=stack)
        (tracker,) = (part.plugin for part in stack.of_type("experiment_tracker"))
        found = tracker.tracked(run.id, "train")
        (((at, loss, iteration),),) = found.metrics.values()
        assert (found.params, loss, iteration, found.tags) == ({"rate": 0.1}, 0.5, 3, {"team": "ml"})
        assert found.started <= at <= found.ended
        assert found.error is None
        assert tracker.read(found.artifacts["plots/.loss"]) == b"png"
        assert tracker.tracked(run.id, "train", 2) is None


def test_a_tracker_that_is_not_started_says_so() -> None:
    with pytest.raises(OSError, match="not started"):
        StoreExperimentTracker().experiment_tracker_set_tags(attempt(), {"a": "b"})


SCRIPT = """
import sys, time
from pathlib import Path
from plugbay.testing.stacks import build_stack
from plugbay_hookspecs.types import StepInfo
from plugbay_local.artifact_store import LocalArtifactStore

store = LocalArtifactStore(path=Path(sys.argv[1]))
with build_stack(artifact_store=store, experiment_tracker="store") as stack:
    info = StepInfo(run_id="r1", pipeline="p", step="train", name="train", attempt=1)
    stack.experiment_tracker.start(info)
    for number in range(10_000):
        stack.experiment_tracker.log_metrics(info, {"loss": float(number)}, time.time(), iteration=number)
        print(number, time.time(), flush=True)
        time.sleep(0.01)
"""


def test_a_step_that_is_killed_loses_the_last_second_at_most(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = [process.stdout.readline() for _ in range(250)]
    process.kill()
    logged = [(int(number), float(at)) for number, at in (line.split() for line in printed)]
    process.stdout.close()
    process.wait()
    killed = logged[-1][1]
    with build_stack(artifact_store=LocalArtifactStore(path=tmp_path), experiment_tracker="store") as stack:
        (tracker,) = (part.plugin for part in stack.of_type("experiment_tracker"))
        found = tracker.tracked("r1", "train")
        assert found.ended is None
        kept = [iteration for _, _, iteration in found.metrics["loss"]]
        assert kept == list(range(len(kept)))
        assert len(kept) >= sum(at < killed - 1.5 for _, at in logged), "more than the last second is lost"
        # Executed once more, as when a run is resumed, it goes on behind what was there.
        stack.experiment_tracker.start(attempt())
        stack.experiment_tracker.log_metrics(attempt(), {"loss": -1.0}, 5.0, iteration=0)
        stack.experiment_tracker.end(attempt(), None)
        found = tracker.tracked("r1", "train")
        assert [value for _, value, _ in found.metrics["loss"]] == [*map(float, kept), -1.0]
        assert found.ended is not None
    assert [path.name for path in (tmp_path / "components").rglob("*") if path.is_file()] == ["log.jsonl"]


def test_a_segment_is_written_anew_until_there_is_enough_in_it(tmp_path: Path) -> None:
    kept = Directory(str(tmp_path))
    log = LinesInStore(kept, "r/a/")
    for number in range(100):
        log.append({"tags": {"a": "x" * 2000, "number": str(number)}})
        log._write_segment()
        found = read_attempt(kept, "r/a/")
        assert found is not None
        assert found.tags["number"] == str(number)
    assert len(list(kept.list("r/a/segments/"))) == 4
    log.close()
    assert kept.get("r/a/log.jsonl").count(b"number") == 100
    assert list(kept.list("r/a/segments/")) == []


def test_lines_that_are_joined_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may be killed after the log is there and before the segments are gone."""
    monkeypatch.setattr("plugbay_local.attempts.writing.ENOUGH", 1)
    undeleted = Undeleted(str(tmp_path))
    log = LinesInStore(undeleted, "r/a/")
    for number in range(3):
        log.append({"at": 0.0, "iteration": number, "metrics": {"loss": 1}})
        log._write_segment()
    log.append({"tags": {"a": "b"}})
    log.close()
    assert len(list(undeleted.list("r/a/segments/"))) == 3
    for _ in range(2):
        found = read_attempt(undeleted, "r/a/")
        assert found is not None
        assert [iteration for _, _, iteration in found.metrics["loss"]] == [0, 1, 2]
        again = LinesInStore(undeleted, "r/a/")
        again.append({"tags": {"a": "c"}})
        again.close()
    assert found.tags == {"a": "c"}


def test_an_attempt_that_ends_while_it_is_read_is_read_whole(tmp_path: Path) -> None:
    ending = Ending(str(tmp_path))
    ending.log = log = LinesInStore(ending, "r/a/")
    log.append({"tags": {"a": "b"}})
    log._write_segment()
    found = read_attempt(ending, "r/a/")
    assert ending.log is None
    assert found is not None
    assert found.tags == {"a": "b"}


class Ending(Directory):
    log: LinesInStore | None = None

    def list(self, prefix: str = "", *, after: str | None = None, recursive: bool = True) -> Iterator[ObjectStat]:
        found = [*super().list(prefix, after=after, recursive=recursive)]
        if self.log is not None and found:
            self.log, log = None, self.log
            log.close()
        return iter(found)


class Undeleted(Directory):
    def delete(self, keys: Sequence[str]) -> None:
        pass


def test_lines_wait_while_the_store_is_away(tmp_path: Path) -> None:
    away = Away(str(tmp_path))
    log = LinesInStore(away, "r/a/")
    log.append({"tags": {"a": "b"}})
    away.is_away = True
    log._write_segment()
    away.is_away = False
    log._write_segment()
    found = read_attempt(away, "r/a/")
    assert found is not None
    assert found.tags == {"a": "b"}
    log.close()
    assert [entry.key for entry in away.list()] == ["r/a/log.jsonl"]


class Away(Directory):
    is_away = False

    def put(self, key: str, source: bytes | Path, *, if_absent: bool = False, durable: bool = True) -> bool:
        if self.is_away:
            raise ConnectionError
        return super().put(key, source, if_absent=if_absent, durable=durable)


class InAnyStore(ExperimentTrackerContract):
    def tracked(self, component: StoreExperimentTracker, step: StepInfo) -> Tracked:
        fresh = StoreExperimentTracker(path=component.path)
        fresh.component_start(own_store_in(self._around, "experiment_tracker"))
        found = fresh.tracked(step.run_id, step.step, step.attempt)
        return Tracked(
            params=found.params,
            metrics={name: [(value, iteration) for _, value, iteration in of] for name, of in found.metrics.items()},
            tags=found.tags,
            artifacts={name: fresh.read(key) for name, key in found.artifacts.items()},
            failed=None if found.ended is None else found.error is not None,
        )


class TestInADirectory(InAnyStore):
    @pytest.fixture
    def component(self, tmp_path: Path) -> StoreExperimentTracker:
        return StoreExperimentTracker(path=tmp_path / "tracked")


class TestInAStoreOfFiles(InAnyStore):
    @pytest.fixture
    def around(self, tmp_path: Path) -> LocalArtifactStore:
        return LocalArtifactStore(path=tmp_path / "store")

    @pytest.fixture
    def component(self) -> StoreExperimentTracker:
        return StoreExperimentTracker()


class TestInAStoreWithoutFiles(InAnyStore):
    lacking = {"url": "the objects of the artifact store around it have no address"}

    @pytest.fixture
    def component(self) -> StoreExperimentTracker:
        return StoreExperimentTracker()
