"""Read definitions from Python files, and tell what is defined."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from plugbay_hookspecs.types.feature import FeatureDefinition, FeatureKind

_IMPORTING = Lock()


def read(path: Path) -> list[Any]:
    """The objects of Feast that a file defines, or the files of a directory but those in its ``.feastignore``."""
    from feast.repo_operations import get_repo_files

    path = path.expanduser().resolve()
    if not path.exists():
        msg = f"there are no definitions at {path}"
        raise ValueError(msg)
    root = path if path.is_dir() else path.parent
    files = get_repo_files(root) if path.is_dir() else [path]
    modules = [".".join(file.relative_to(root).with_suffix("").parts) for file in files]
    found: dict[int, Any] = {}
    with _importable(root):
        for module in modules:
            for value in vars(importlib.import_module(module)).values():
                if _is_definition(value):
                    found[id(value)] = value
    return list(found.values())


def listed(store: Any, kind: FeatureKind) -> Sequence[FeatureDefinition]:
    """What is defined, in the order of names."""
    listing = {"entity": _entities, "view": _views, "service": _services, "source": _sources}
    return sorted(listing[kind](store), key=lambda each: each.name)


def _is_definition(value: Any) -> bool:
    from feast import Entity, FeatureService
    from feast.base_feature_view import BaseFeatureView
    from feast.data_source import DataSource
    from feast.permissions.permission import Permission

    return isinstance(value, (Entity, FeatureService, BaseFeatureView, DataSource, Permission))


@contextmanager
def _importable(root: Path) -> Iterator[None]:
    """Let modules of a directory import each other by name, read anew and forgotten again."""
    with _IMPORTING:
        ours = {file.name.removesuffix(".py") for file in root.iterdir()}
        hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in ours}
        sys.path.insert(0, str(root))
        importlib.invalidate_caches()
        # Compiled files go by the second: one of a file that was changed at once would answer for it.
        compiling, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            yield
        finally:
            sys.dont_write_bytecode = compiling
            sys.path.remove(str(root))
            for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
                del sys.modules[name]
            sys.modules.update(hidden)


def _entities(store: Any) -> Iterator[FeatureDefinition]:
    for entity in store.list_entities():
        yield FeatureDefinition(kind="entity", keys=(entity.join_key,), **_said(entity))


def _views(store: Any) -> Iterator[FeatureDefinition]:
    for view in store.list_all_feature_views():
        ttl = getattr(view, "ttl", None)
        keys = tuple(key for key in getattr(view, "join_keys", ()) if key != "__dummy_id")
        features = {feature.name: str(feature.dtype) for feature in view.features}
        seconds = ttl.total_seconds() if ttl else None
        yield FeatureDefinition(kind="view", keys=keys, features=features, ttl=seconds or None, **_said(view))


def _services(store: Any) -> Iterator[FeatureDefinition]:
    for service in store.list_feature_services():
        features = {
            f"{view.name_to_use()}:{feature.name}": str(feature.dtype)
            for view in service.feature_view_projections
            for feature in view.features
        }
        yield FeatureDefinition(kind="service", features=features, **_said(service))


def _sources(store: Any) -> Iterator[FeatureDefinition]:
    from feast.data_source import PushSource

    for source in store.list_data_sources():
        if isinstance(source, PushSource):
            yield FeatureDefinition(kind="source", **_said(source))


def _said(each: Any) -> dict[str, Any]:
    return {"name": each.name, "description": each.description or "", "tags": dict(each.tags or {})}
