"""A version of a model whose registry has no loader is what its run's records say that it is."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import url2pathname

import attrs
import pytest

from plugbay import current, pipeline, step
from plugbay.errors import CorruptArtifactError
from plugbay.serializers.choice import SerializationError
from plugbay.store.layout import RUNS, blob_key, run_prefix
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import ModelOrigin
from plugbay_local.model_registry import StoreModelRegistry

seen: deque[Any] = deque()


class Model:
    """What no serializer but pickle takes."""

    def __init__(self, weights: bytes) -> None:
        self.weights = weights


@step
def train(size: int = 100_000) -> Model:
    return Model(b"w" * size)


@step
def look(model: Model) -> None:
    registry = current().model_registry
    if registry.get_version("flights", "@champion") is not None:
        seen.append(registry.load("flights", "@champion"))


@pipeline
def training():
    look(train())


@pytest.fixture
def stack(make_stack: Any) -> Iterator[Any]:
    seen.clear()
    with make_stack(model_registry=StoreModelRegistry()) as stack:
        stack.model_registry.register("flights")
        yield stack


def promoted(stack: Any) -> Any:
    """The run of a model, which is then the champion."""
    run = training.run(stack=stack)
    artifact = run["train"].output
    origin = ModelOrigin(run_id=run.id, step="train", digest=artifact.digest)
    file = Path(url2pathname(artifact.url.removeprefix("file://")))
    version = stack.model_registry.create_version("flights", file, origin=origin)
    stack.model_registry.set_alias("flights", "champion", version.version)
    return run


def test_a_version_is_the_artifact_it_comes_from(stack):
    promoted(stack)
    for version in ("1", "@champion"):
        loaded = stack.model_registry.load("flights", version)
        assert isinstance(loaded, Model)
        assert loaded.weights == b"w" * 100_000


def test_a_step_loads_what_an_earlier_run_has_made(stack):
    promoted(stack)
    training.run(stack=stack, cache=False)
    assert [type(model) for model in seen] == [Model]


def test_a_version_made_of_a_cached_result_is_loaded_too(stack):
    training.run(stack=stack)
    promoted(stack)
    assert isinstance(stack.model_registry.load("flights", "1"), Model)


def test_bytes_that_are_gone_from_the_runs_are_read_from_the_registry(stack):
    run = promoted(stack)
    stack.artifact_store.delete([blob_key(run["train"].output.digest)])
    assert stack.model_registry.load("flights", "1").weights == b"w" * 100_000


def test_files_that_are_not_the_artifact_are_an_error(stack, tmp_path):
    run = promoted(stack)
    stack.artifact_store.delete([blob_key(run["train"].output.digest)])
    (kept,) = (path for path in (tmp_path / "store/components/model_registry/files").rglob("*") if path.is_file())
    kept.write_bytes(b"x" * kept.stat().st_size)
    with pytest.raises(CorruptArtifactError, match="should be a copy"):
        stack.model_registry.load("flights", "1")


def test_a_version_whose_run_is_gone_is_the_path_of_its_files(stack):
    run = promoted(stack)
    stack.artifact_store.delete([entry.key for entry in stack.artifact_store.list(run_prefix(run.id))])
    assert not list(stack.artifact_store.list(RUNS))
    path = stack.model_registry.load("flights", "1")
    assert isinstance(path, Path)
    assert pickle.loads(path.read_bytes()).weights == b"w" * 100_000


def test_a_file_that_no_run_made_is_a_path(stack, tmp_path):
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Model(b"w")))
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "a").write_bytes(b"x")
    stack.model_registry.create_version("flights", tmp_path / "model.pkl")
    stack.model_registry.create_version("flights", tmp_path / "saved")
    first, second = (stack.model_registry.load("flights", version) for version in "12")
    assert (first.name, first.read_bytes()) == ("model.pkl", (tmp_path / "model.pkl").read_bytes())
    assert (second.name, [path.name for path in second.iterdir()]) == ("saved", ["a"])


def test_what_the_registry_only_refers_to_is_an_error(stack):
    stack.model_registry.create_version("flights", "s3://models/1")
    with pytest.raises(OSError, match="s3://models/1"):
        stack.model_registry.load("flights", "1")


def test_a_version_that_is_not_there_is_a_key_error(stack):
    for version in ("1", "@champion"):
        with pytest.raises(KeyError):
            stack.model_registry.load("flights", version)


def test_pickles_are_refused_where_they_are(stack, make_stack):
    promoted(stack)
    with (
        make_stack(model_registry=StoreModelRegistry(), allow_pickle=False) as strict,
        pytest.raises(SerializationError, match="allow_pickle"),
    ):
        strict.model_registry.load("flights", "1")


@component
class Loading(StoreModelRegistry):
    """Has a loader of its own."""

    @hookimpl
    def model_registry_load(self, name: str, version: str) -> str:
        return f"{name} {version} by the tool"


def test_the_tools_own_loader_comes_first(make_stack):
    stack = make_stack(model_registry=Loading())
    assert stack.model_registry.load("flights", "1") == "flights 1 by the tool"


def test_an_input_is_found_before_its_run_has_ended(stack):
    @step
    def register(model: Model, digest: str) -> None:
        registry = current().model_registry
        url = current().artifact_store.url(blob_key(digest))
        version = registry.create_version("flights", url)
        assert attrs.evolve(version.origin, run_id="").digest == digest
        seen.append(registry.load("flights", version.version))

    @pipeline
    def registering(digest: str):
        register(train(), digest)

    digest = training.run(stack=stack)["train"].output.digest
    run = registering.run(stack=stack, digest=digest)
    assert run["train"].status == "cached"
    assert [type(model) for model in seen] == [Model]
