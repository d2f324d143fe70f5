from __future__ import annotations

import json
import math
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from plugbay.testing.experiment_tracker import ExperimentTrackerContract, Tracked
from plugbay_hookspecs.types import ErrorInfo, StepInfo
from plugbay_local.experiment_tracker import FilesExperimentTracker


def attempt(step: str = "train", run_id: str = "r1", number: int = 1) -> StepInfo:
    return StepInfo(run_id=run_id, pipeline="p", step=step, name="train", attempt=number)


@pytest.fixture
def tracker(tmp_path: Path) -> FilesExperimentTracker:
    return FilesExperimentTracker(path=tmp_path / "tracked")


def lines(tracker: FilesExperimentTracker, kind: str, step: StepInfo) -> list[dict[str, object]]:
    url = tracker.experiment_tracker_url(step)
    path = Path(url.removeprefix("file://")) / f"{kind}.jsonl"
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]


def test_an_attempt_tells_its_beginning_and_its_end(tracker: FilesExperimentTracker) -> None:
    step = attempt()
    tracker.experiment_tracker_start(step)
    tracker.experiment_tracker_end(step, ErrorInfo(type="ValueError", message="no"))
    begun, ended = lines(tracker, "attempt", step)
    assert (begun["run"], begun["step"], begun["attempt"]) == ("r1", "train", 1)
    assert ended["error"] == {"type": "ValueError", "message": "no"}


def test_numbers_that_json_has_not_are_kept(tracker: FilesExperimentTracker) -> None:
    tracker.experiment_tracker_log_metrics(attempt(), {"a": math.nan, "b": -math.inf, "c": 1}, 5.0, 3)
    tracker.experiment_tracker_log_params(attempt(), {"x": math.inf, "y": {(1,): 2}, "z": [1, Path("p")]})
    assert lines(tracker, "metrics", attempt()) == [
        {"at": 5.0, "iteration": 3, "metrics": {"a": "nan", "b": "-inf", "c": 1.0}},
    ]
    assert lines(tracker, "params", attempt()) == [{"params": {"x": "inf", "y": "{(1,): 2}", "z": [1, "p"]}}]


@pytest.mark.parametrize(
    "name", ["..", "../../x", "a/b", "a%2Fb", ".hidden", "x" * 300, "ü" * 150, "a\0b", "\ud800", "C:\\x"]
)
def test_a_hostile_step_stays_in_the_directory(tracker: FilesExperimentTracker, name: str, tmp_path: Path) -> None:
    tracker.experiment_tracker_set_tags(attempt(name, run_id=name), {"a": "b"})
    assert [path.name for path in tmp_path.iterdir()] == ["tracked"]
    assert [len(path.relative_to(tmp_path).parts) for path in tmp_path.rglob("tags.jsonl")] == [4]


def test_two_steps_share_no_directory(tracker: FilesExperimentTracker) -> None:
    names = ["a/b", "a%2Fb", ".a", "%2Ea", "x" * 300, "x" * 301]
    assert len({tracker.experiment_tracker_url(attempt(name)) for name in names}) == len(names)


def test_an_artifact_is_replaced_whole(tracker: FilesExperimentTracker, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", ".", "../a", "a/../../b", "a\0"])
def test_an_artifact_stays_in_its_directory(tracker: FilesExperimentTracker, name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the name of an artifact"):
        tracker.experiment_tracker_log_artifact(attempt(), tmp_path, name)
    assert not (tmp_path / "tracked").exists()


class TestFiles(ExperimentTrackerContract):
    @pytest.fixture
    def component(self, tmp_path: Path) -> FilesExperimentTracker:
        return FilesExperimentTracker(path=tmp_path / "tracked")

    def tracked(self, component: FilesExperimentTracker, step: StepInfo) -> Tracked:
        (directory,) = (
            path.parent
            for path in (component.path or Path()).glob("*/*/attempt.jsonl")
            if (begun := records(path)[0])["run"] == step.run_id
            and (begun["step"], begun["attempt"]) == (step.step, step.attempt)
        )
        metrics: dict[str, list[tuple[float, int | None]]] = defaultdict(list)
        for line in records(directory / "metrics.jsonl"):
            for name, value in line["metrics"].items():
                metrics[name].append((float(value), line["iteration"]))
        ends = [line for line in records(directory / "attempt.jsonl") if "ended" in line]
        artifacts = directory / "artifacts"
        return Tracked(
            params={
                name: value for line in records(directory / "params.jsonl") for name, value in line["params"].items()
            },
            metrics=metrics,
            tags={name: value for line in records(directory / "tags.jsonl") for name, value in line["tags"].items()},
            artifacts={
                str(path.relative_to(artifacts)): path.read_bytes() for path in artifacts.rglob("*") if path.is_file()
            },
            failed=ends[-1]["error"] is not None if ends else None,
        )


def records(path: Path) -> list[Any]:
    if not path.exists():
        return []
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text("utf-8").splitlines()]
