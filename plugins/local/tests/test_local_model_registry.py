from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

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


def test_the_registry_lies_where_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLUGBAY_HOME", str(tmp_path))
    assert StoreModelRegistry().component_describe()["path"] == str(tmp_path / "registry")
    assert StoreModelRegistry().component_health().ok
