"""What components keep in the artifact store is there for every process, and garbage collection leaves it alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugbay import current, pipeline, runs, step
from plugbay.history.garbage import collect
from plugbay_local.experiment_tracker import StoreExperimentTracker
from plugbay_local.model_registry import StoreModelRegistry
from plugbay_local.step_operator import ProcessStepOperator


@step
def train(number: int) -> bytes:
    current().log_metrics({"number": number})
    return b"%d" % number * 10_000


@step
def register(models: list[bytes], directory: str) -> None:
    for number, weights in enumerate(models):
        path = Path(directory, f"{number}.bin")
        path.write_bytes(weights)
        current().model_registry.create_version("flights", path)


@pipeline
def training(directory: str):
    register(train.map([1, 2, 3]), directory)


@pipeline
def training_elsewhere(directory: str):
    far = train.with_options(operator="process")
    register.with_options(operator="process")([far(1), far(2)], directory)


def kept_in(stack: Any) -> dict[str, bytes]:
    return {entry.key: stack.artifact_store.get(entry.key) for entry in stack.artifact_store.list("components/")}


def tracked(stack: Any, run: Any) -> list[float]:
    """What the tracker has of the steps ``train``."""
    (tracker,) = (part.plugin for part in stack.of_type("experiment_tracker"))
    steps = {key.split("/")[4].rpartition(".")[0] for key in kept_in(stack) if f"/{run.id}/" in key}
    found = [tracker.tracked(run.id, name) for name in sorted(steps) if name.startswith("train")]
    return [value for attempt in found for _, value, _ in attempt.metrics["number"]]


@pytest.fixture
def parts() -> dict[str, Any]:
    return {"model_registry": StoreModelRegistry(), "experiment_tracker": StoreExperimentTracker()}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_process_keeps_it_in_the_same_place(make_stack, parts, tmp_path, workers):
    with make_stack(workers=workers, **parts) as stack:
        stack.model_registry.register("flights")
        run = training.run(stack=stack, directory=str(tmp_path))
        assert tracked(stack, run) == [1.0, 2.0, 3.0]
        assert [each.version for each in stack.model_registry.list_versions("flights")] == ["3", "2", "1"]


def test_a_worker_that_a_command_starts_keeps_it_there_too(make_stack, parts, tmp_path):
    operator = {"process": ProcessStepOperator()}
    with make_stack(step_operator=operator, **parts) as stack:
        stack.model_registry.register("flights")
        run = training_elsewhere.run(stack=stack, directory=str(tmp_path))
        assert tracked(stack, run) == [1.0, 2.0]
        assert len(stack.model_registry.list_versions("flights")) == 2


def test_garbage_collection_and_the_list_of_runs_leave_it_alone(make_stack, parts, tmp_path):
    with make_stack(**parts) as stack:
        stack.model_registry.register("flights")
        run = training.run(stack=stack, directory=str(tmp_path))
        before = kept_in(stack)
        collected = collect(stack, keep=0, grace=0)
        assert collected.runs == (run.id,)
        assert collected.blobs > 0
        assert {entry.key.partition("/")[0] for entry in stack.artifact_store.list()} == {"components"}
        assert kept_in(stack) == before
        assert runs(stack=stack) == []
        assert stack.model_registry.load("flights", "1").read_bytes() == b"1" * 10_000
