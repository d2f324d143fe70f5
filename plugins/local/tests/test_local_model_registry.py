from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from plugbay.stack import Stack
from plugbay.testing.fakes.artifact_store import FakeArtifactStore
from plugbay.testing.stacks import build_stack
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.model_registry import StoreModelRegistry


@pytest.fixture
def registry(tmp_path: Path) -> StoreModelRegistry:
    registry = StoreModelRegistry(path=tmp_path / "registry")
    registry.model_registry_register("flights", "", {})
    return registry


def create(registry: StoreModelRegistry, source: Path | str) -> str:
    return registry.model_registry_create_version("flights", source, "", {}, None).version


def model(tmp_path: Path, content: bytes = b"weights") -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    return path


def test_what_was_deleted_stays_in_the_history(registry: StoreModelRegistry, tmp_path: Path) -> None:
    assert create(registry, model(tmp_path)) == "1"
    registry.model_registry_delete("flights")
    kept = sorted((tmp_path / "registry" / "models" / "flights").iterdir())
    assert [json.loads(path.read_bytes())["change"] for path in kept] == ["register", "create_version", "delete"]
    assert not [path for path in (tmp_path / "registry" / "files").rglob("*") if path.is_file()]


def test_a_model_registered_again_goes_on_counting(registry: StoreModelRegistry, tmp_path: Path) -> None:
    create(registry, model(tmp_path))
    registry.model_registry_delete("flights")
    registry.model_registry_register("flights", "", {})
    assert create(registry, model(tmp_path)) == "2"


def test_nothing_is_written_when_nothing_changes(registry: StoreModelRegistry, tmp_path: Path) -> None:
    create(registry, model(tmp_path))
    for _ in range(2):
        registry.model_registry_set_stage("flights", "1", "production", True)
        registry.model_registry_set_alias("flights", "champion", "1")
    assert len(list((tmp_path / "registry" / "models" / "flights").iterdir())) == 4


def test_hostile_names_stay_below_the_root(tmp_path: Path) -> None:
    registry = StoreModelRegistry(path=tmp_path / "registry")
    for name in ("../up", "/etc/up", "..", ".hidden", "a/b", "%2E.", "ü"):
        registry.model_registry_register(name, "", {})
        registry.model_registry_create_version(name, model(tmp_path), "", {}, None)
    assert {path.name for path in tmp_path.iterdir()} == {"registry", "model.bin"}
    assert len(list((tmp_path / "registry" / "models").iterdir())) == 7
    for name in ("", "\ud800"):
        with pytest.raises(ValueError):
            registry.model_registry_register(name, "", {})


def test_a_link_is_kept_as_what_it_leads_to(registry: StoreModelRegistry, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "link").symlink_to(model(tmp_path))
    create(registry, tmp_path / "directory")
    (tmp_path / "model.bin").unlink()
    (tmp_path / "target").mkdir()
    path = registry.model_registry_download("flights", "1", tmp_path / "target")
    assert (path / "link").read_bytes() == b"weights"


def test_a_source_may_be_a_uri(registry: StoreModelRegistry, tmp_path: Path) -> None:
    create(registry, model(tmp_path).as_uri())
    create(registry, "s3://models/flights")
    assert registry.model_registry_uri("flights", "2") == "s3://models/flights"
    (tmp_path / "target").mkdir()
    assert registry.model_registry_download("flights", "1", tmp_path / "target").read_bytes() == b"weights"
    with pytest.raises(OSError, match="s3://models/flights"):
        registry.model_registry_download("flights", "2", tmp_path / "target")
    with pytest.raises(ValueError, match="no URI"):
        create(registry, "model.bin")


def test_a_directory_named_by_its_parent_is_kept_under_its_name(
    registry: StoreModelRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "model" / "inner")
    create(registry, Path(".."))
    (tmp_path / "target").mkdir()
    assert registry.model_registry_download("flights", "1", tmp_path / "target") == tmp_path / "target" / "model"


def test_a_failed_copy_leaves_nothing(registry: StoreModelRegistry, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "a").write_bytes(b"x")
    os.mkfifo(tmp_path / "directory" / "pipe")
    with pytest.raises(OSError):
        create(registry, tmp_path / "directory")
    assert list((tmp_path / "registry" / ".scratch").iterdir()) == []
    assert registry.model_registry_list_versions("flights", None, "newest") == []


def test_a_stage_that_is_none_is_refused(registry: StoreModelRegistry, tmp_path: Path) -> None:
    create(registry, model(tmp_path))
    with pytest.raises(ValueError, match="'prod'"):
        registry.model_registry_set_stage("flights", "1", "prod", False)  # type: ignore[arg-type]


def test_the_registry_tells_where_it_lies(tmp_path: Path) -> None:
    assert StoreModelRegistry(path=tmp_path).component_describe() == {"path": str(tmp_path)}
    assert StoreModelRegistry(path=tmp_path).component_health().ok
    assert StoreModelRegistry().component_describe() == {"kept in": "the artifact store"}


def test_a_registry_that_is_not_started_says_so() -> None:
    registry = StoreModelRegistry()
    with pytest.raises(OSError, match="not started"):
        registry.model_registry_get("flights")
    assert registry.component_health().ok is False


def test_an_empty_directory_is_kept(registry: StoreModelRegistry, tmp_path: Path) -> None:
    (tmp_path / "saved" / "assets" / ".cache").mkdir(parents=True)
    (tmp_path / "saved" / "100%").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    for name in ("saved", "empty"):
        version = create(registry, tmp_path / name)
        (tmp_path / f"target-{name}").mkdir()
        path = registry.model_registry_download("flights", version, tmp_path / f"target-{name}")
        assert path.name == name
        found = sorted(str(each.relative_to(path)) for each in path.rglob("*"))
        assert found == (["100%", "assets", "assets/.cache"] if name == "saved" else [])


def test_files_that_are_not_all_there_are_an_error(registry: StoreModelRegistry, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    for name in "ab":
        (tmp_path / "directory" / name).write_bytes(b"weights")
    create(registry, tmp_path / "directory")
    (lost,) = (tmp_path / "registry" / "files").rglob("b")
    lost.unlink()
    (tmp_path / "target").mkdir()
    with pytest.raises(OSError, match="is damaged: 1 files with 7 bytes are left of 2 with 14"):
        registry.model_registry_download("flights", "1", tmp_path / "target")


def test_machines_that_share_an_artifact_store_share_the_models(tmp_path: Path) -> None:
    kept = FakeArtifactStore().kept
    here, there = (
        build_stack(artifact_store=FakeArtifactStore(kept=kept), model_registry=StoreModelRegistry()) for _ in range(2)
    )
    with here, there:
        here.model_registry.register("flights")
        assert there.model_registry.get("flights") is not None
        version = there.model_registry.create_version("flights", model(tmp_path))
        assert (version.version, version.source.partition("/")[0]) == ("1", "artifact-store:files")
        assert here.model_registry.uri("flights", "1") is None
        here.model_registry.set_alias("flights", "champion", "1")
        (tmp_path / "target").mkdir()
        got = there.model_registry.download("flights", "@champion", tmp_path / "target")
        assert got.read_bytes() == b"weights"
        there.model_registry.delete("flights")
        assert here.model_registry.get("flights") is None
        assert not list(here.artifact_store.list("components/model_registry/files/"))


def test_the_source_of_a_version_is_where_its_files_lie_now(tmp_path: Path) -> None:
    def stack(directory: str) -> Stack:
        return build_stack(artifact_store=LocalArtifactStore(path=tmp_path / directory), model_registry="store")

    with stack("before") as before:
        before.model_registry.register("flights")
        before.model_registry.create_version("flights", model(tmp_path))
    (tmp_path / "before").rename(tmp_path / "after")
    with stack("after") as after:
        found = after.model_registry.get_version("flights", "1")
        assert found is not None
        assert found.source == after.model_registry.uri("flights", "1")
        assert Path(found.source.removeprefix("file://")).read_bytes() == b"weights"


def test_a_registry_goes_to_worker_processes(tmp_path: Path) -> None:
    with build_stack(model_registry=StoreModelRegistry()) as stack:
        stack.model_registry.register("flights")
        (registry,) = (part.plugin for part in stack.of_type("model_registry"))
        copy = pickle.loads(pickle.dumps(registry))
        with build_stack(artifact_store=stack.of_type("artifact_store")[0].plugin, model_registry=copy) as other:
            assert other.model_registry.get("flights") is not None
