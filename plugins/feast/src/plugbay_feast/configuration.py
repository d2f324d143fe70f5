"""Feast's configuration, made of the flavor's settings and the repository's own file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plugbay_hookspecs import Secret

FILE = "feature_store.yaml"
_SECTIONS = ("registry", "online_store", "offline_store")


def configure(
    repository: Path, project: str | None, sections: Mapping[str, Mapping[str, Any]], secrets: Mapping[str, Secret]
) -> Any:
    """Make the ``RepoConfig`` of a repository. Raises ``ValueError``, without a secret in it, for what Feast refuses.

    :param sections: settings that are put over those of the repository's file, by Feast's name of their section.
    :param secrets: settings that must not be seen, by the path ``section.name``.
    """
    values = _file(repository / FILE)
    if project is not None:
        values["project"] = project
    values.setdefault("project", "plugbay")
    values.setdefault("provider", "local")
    values.setdefault("entity_key_serialization_version", 3)
    for section in _SECTIONS:
        values[section] = _over(section, values.get(section), sections.get(section) or {})
    for path, secret in secrets.items():
        section, _, name = path.partition(".")
        if not isinstance(values[section], dict):
            values[section] = {}
        values[section][name] = secret.reveal()
    _share_registry(repository, values["registry"])
    values["online_store"] = _share_online_store(values["online_store"])
    values["offline_store"] = values["offline_store"] or {"type": "dask"}
    return _checked(values, repository, secrets)


def registry_file(config: Any, repository: Path) -> Path | None:
    """The registry of a configuration where it is a file of this machine."""
    registry = config.registry
    if registry.registry_type != "file" or "://" in registry.path:
        return None
    return repository / str(registry.path)


def wrong_paths(secrets: Mapping[str, Secret]) -> list[str]:
    """The paths of secrets that are none."""
    return [path for path in secrets if path.partition(".")[0] not in _SECTIONS or not path.partition(".")[2]]


def _file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    import yaml

    found = yaml.safe_load(os.path.expandvars(path.read_text(encoding="utf-8")))
    if not isinstance(found, dict):
        msg = f"{path} is not a table of settings"
        raise ValueError(msg)  # noqa: TRY004 -- what stands in a file, not what was passed
    return found


def _over(section: str, below: Any, settings: Mapping[str, Any]) -> Any:
    """Settings over those of the file; those for another type of store replace them all."""
    if isinstance(below, str):
        below = {"path": below} if section == "registry" else {"type": below}
    if not isinstance(below, dict) or settings.get("type", below.get("type")) != below.get("type"):
        below = {}
    return {**below, **settings}


def _share_registry(repository: Path, registry: dict[str, Any]) -> None:
    """Have a registry file replaced whole."""
    registry.setdefault("path", "data/registry.db")
    is_file = registry.get("registry_type", "file") == "file" and "://" not in str(registry["path"])
    if is_file and "registry_store_type" not in registry:
        registry["registry_store_type"] = "plugbay_feast.registry.ReplacingRegistryStore"
        registry["path"] = str(repository / str(registry["path"]))


def _share_online_store(online_store: dict[str, Any]) -> dict[str, Any] | None:
    kind = online_store.get("type", "sqlite")
    if str(kind).lower() in {"none", "null"}:
        return None
    if kind == "sqlite":
        kind = "plugbay_feast.sqlite.NewestSqliteOnlineStore"
    return {**online_store, "type": kind}


def _checked(values: dict[str, Any], repository: Path, secrets: Mapping[str, Secret]) -> Any:
    from feast.repo_config import RepoConfig

    try:
        config = RepoConfig(**values, repo_path=repository)
        if "serve_features_while_materializing" not in values["registry"]:
            config.registry.serve_features_while_materializing = True
        return config
    except Exception as error:  # noqa: BLE001 -- of Feast, pydantic or what was imported; its text may show a secret
        text = str(error)
        for secret in secrets.values():
            text = text.replace(secret.reveal(), "***")
        msg = f"Feast refuses the configuration of {repository}: {text}"
        raise ValueError(msg) from None
