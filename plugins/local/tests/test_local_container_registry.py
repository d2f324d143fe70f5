from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugbay.testing.container_registry import make_image
from plugbay_hookspecs.types import Image, StackInfo
from plugbay_local.container_registry import LayoutContainerRegistry


@pytest.fixture
def registry(tmp_path: Path) -> LayoutContainerRegistry:
    return LayoutContainerRegistry(path=tmp_path / "images")


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return make_image(tmp_path / "image.tar", "text")


def push(registry: LayoutContainerRegistry, image: Image, tag: str = "1") -> str:
    return registry.container_registry_push(image, registry.container_registry_reference("ml/flights", tag))


def test_the_directory_is_an_oci_image_layout(registry: LayoutContainerRegistry, image: Image, tmp_path: Path) -> None:
    push(registry, image)
    root = tmp_path / "images"
    assert json.loads((root / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((root / "index.json").read_bytes())
    assert (index["schemaVersion"], index["mediaType"]) == (2, "application/vnd.oci.image.index.v1+json")
    names = [each["annotations"]["org.opencontainers.image.ref.name"] for each in index["manifests"]]
    assert names == ["ml/flights:1", f"ml/flights@{image.digest}"]
    assert {each["digest"] for each in index["manifests"]} == {image.digest}
    assert len(list((root / "blobs" / "sha256").iterdir())) == 4
    assert list((root / ".scratch").iterdir()) == []


def test_a_reference_is_one_of_podman(registry: LayoutContainerRegistry, tmp_path: Path) -> None:
    assert registry.container_registry_reference("ml/flights", "1") == f"oci:{tmp_path}/images:ml/flights:1"
    with pytest.raises(ValueError, match="no reference of this registry"):
        registry.container_registry_resolve("registry.example.com/ml/flights:1")


def test_deleting_frees_what_no_image_needs(registry: LayoutContainerRegistry, image: Image, tmp_path: Path) -> None:
    push(registry, image)
    small = push(registry, make_image(tmp_path / "small.tar", "text", layers=1), "2")
    assert registry.container_registry_delete(registry.container_registry_reference("ml/flights", image.digest))
    assert len(list((tmp_path / "images" / "blobs" / "sha256").iterdir())) == 3
    assert registry.container_registry_delete(registry.container_registry_reference("ml/flights", small))
    assert list((tmp_path / "images" / "blobs" / "sha256").iterdir()) == []


def test_a_damaged_blob_is_not_pulled(registry: LayoutContainerRegistry, image: Image, tmp_path: Path) -> None:
    push(registry, image)
    for blob in (tmp_path / "images" / "blobs" / "sha256").iterdir():
        content = blob.read_bytes()
        blob.write_bytes(content[:-1] + b"?")
        with pytest.raises(OSError, match="damaged"):
            registry.container_registry_pull(
                registry.container_registry_reference("ml/flights", "1"), tmp_path / "pulled.tar"
            )
        blob.write_bytes(content)
    assert {path.name for path in tmp_path.iterdir()} == {"images", "image.tar"}


def test_a_damaged_index_is_an_error_and_not_an_empty_registry(
    registry: LayoutContainerRegistry, image: Image, tmp_path: Path
) -> None:
    push(registry, image)
    (tmp_path / "images" / "index.json").write_text("[]")
    for ask in (registry.container_registry_resolve, registry.container_registry_delete):
        with pytest.raises(OSError, match="damaged"):
            ask(registry.container_registry_reference("ml/flights", "1"))
    assert not registry.component_health().ok


def test_a_path_that_no_reference_can_hold_is_a_problem() -> None:
    stack = StackInfo(name="s", components=())
    (problem,) = LayoutContainerRegistry(path=Path("/a:b")).component_validate(stack)
    assert "'/a:b'" in problem.message
