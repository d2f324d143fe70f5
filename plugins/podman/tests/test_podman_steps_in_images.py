"""Steps of a pipeline really run in images that buildah built for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from plugbay import RunFailed, Stack
from plugbay.testing.image_builder import make_wheel
from plugbay_buildah.builder import BuildahImageBuilder
from plugbay_hookspecs.types import Image
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.container_registry import LayoutContainerRegistry
from plugbay_local.orchestrator import LocalOrchestrator
from plugbay_podman.step_operator import PodmanStepOperator
from servers.containers import BASE, Containers, wheels

ROOT = Path(__file__).parents[3]
DISTRIBUTIONS = [
    ROOT / path
    for path in ("hookspecs", "core", "plugins/local", "plugins/progress", "plugins/buildah", "plugins/podman")
]


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheels")
    make_wheel(directory)
    return wheels(directory, DISTRIBUTIONS)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield
    sys.modules.pop("steps_in_images", None)


@pytest.fixture
def stack(storage: Containers, operator: PodmanStepOperator, wheelhouse: Path, tmp_path: Path) -> Stack:
    store = tmp_path / "store"
    builder = BuildahImageBuilder(
        base=BASE, wheels=(wheelhouse,), index="", network="host", isolation="oci", runtime="runc", **storage.storage
    )
    return Stack(
        orchestrator=LocalOrchestrator(workers=1),
        artifact_store=LocalArtifactStore(path=store),
        image_builder=builder,
        step_operator={"box": evolve(operator, volumes=(f"{store}:{store}",))},
    )


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("steps")
def test_steps_run_in_the_images_of_their_requirements(stack: Stack, storage: Containers) -> None:
    from steps_in_images import contained

    run = contained.run(stack=stack)
    found = run["summed"].output.load()
    assert found["sum"] == 6
    assert (found["python"], found["system"], found["contained"]) == ("/usr/bin/python", "debian", True)
    assert found["limit"] in ("", str(512 * 1024**2))
    assert run["with_a_requirement"].output.load() == "installed"
    assert "printed in the container" in run["summed"].log()
    one, other = (run[step].image for step in ("summed", "with_a_requirement"))
    assert one.reference != other.reference
    assert stack.image_builder.find(one.reference) == Image(reference=one.reference, digest=one.digest)
    assert run["numbers"].image is None
    assert storage.run("podman", "ps", "--all", "--quiet") == ""

    before = storage.run("buildah", "images", "--quiet")
    again = contained.run(stack=stack)
    assert again["summed"].image == one
    assert storage.run("buildah", "images", "--quiet") == before


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("steps")
def test_a_step_that_takes_more_memory_than_it_was_granted_fails(stack: Stack) -> None:
    from steps_in_images import too_greedy

    with pytest.raises(RunFailed, match=r"(?s)step 'greedy' failed.*(OOMKilled|exit code 137)"):
        too_greedy.run(stack=stack)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("steps")
def test_a_step_runs_in_an_image_of_the_registry(stack: Stack, operator: PodmanStepOperator, tmp_path: Path) -> None:
    from steps_in_images import contained

    store, registry = tmp_path / "store", LayoutContainerRegistry(path=tmp_path / "images")
    (builder,) = stack.of_type("image_builder")
    pushing = Stack(
        orchestrator=LocalOrchestrator(workers=1),
        artifact_store=LocalArtifactStore(path=store),
        image_builder=builder.plugin,
        container_registry=registry,
        step_operator={"box": evolve(operator, volumes=(f"{store}:{store}",))},
    )
    image = contained.run(stack=pushing)["summed"].image
    assert image is not None
    assert image.reference == f"oci:{tmp_path / 'images'}:plugbay/steps@{image.digest}"
    assert registry.container_registry_resolve(image.reference) == image.digest


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("steps")
def test_an_error_of_the_step_is_in_the_record(stack: Stack) -> None:
    from steps_in_images import failing

    with pytest.raises(RunFailed, match="ValueError: mine") as caught:
        failing.run(stack=stack)
    assert caught.value.run["broken"].image is not None
