"""The model registry that is a part of the artifact store."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

import attrs

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.model import ModelOrigin, ModelStage, ModelVersion, RegisteredModel, VersionOrder
from plugbay_hookspecs.types.stack import Health
from plugbay_hookspecs.types.store import ObjectStore
from plugbay_local.models import files
from plugbay_local.models.history import History
from plugbay_local.models.log import Log
from plugbay_local.models.sweeping import sweep_if_due
from plugbay_local.objects.directory import Directory
from plugbay_local.objects.trees import Tree, delete_tree


@component
class StoreModelRegistry:
    """Keep models, their versions and all that was ever said of them in the stack's artifact store, or in a directory."""

    path: Path | None = None
    """A directory to keep all in instead; without it, every machine that reaches the artifact store has the same models."""
    _store: ObjectStore | None = attrs.field(default=None, init=False, repr=False)
    _known: Log | None = attrs.field(default=None, init=False, repr=False)

    @hookimpl
    def component_start(self, store: ObjectStore) -> None:
        self._store, self._known = store, None

    @property
    def _root(self) -> str:
        assert self.path is not None
        return os.path.abspath(os.path.expanduser(self.path))  # noqa: PTH100, PTH111 -- as text

    @property
    def _objects(self) -> ObjectStore:
        if self.path is not None:
            return Directory(self._root)
        if self._store is None:
            msg = "the model registry is not started: use it in a step, or in a block `with stack:`"
            raise OSError(msg)
        return self._store

    @property
    def _log(self) -> Log:
        if self._known is None:
            self._known = Log(self._objects)
        return self._known

    @hookimpl
    def model_registry_register(self, name: str, description: str, metadata: Mapping[str, str]) -> RegisteredModel:
        def register(history: History) -> dict[str, Any]:
            if history.model is not None:
                msg = f"a model {name!r} is registered already"
                raise FileExistsError(msg)
            return {"change": "register", "description": description, "metadata": dict(metadata)}

        return self._log.change(name, register).known()

    @hookimpl
    def model_registry_get(self, name: str) -> RegisteredModel | None:
        return self._log.history(name).model

    @hookimpl
    def model_registry_list(self, metadata: Mapping[str, str]) -> Sequence[RegisteredModel]:
        models = (self._log.history(name).model for name in self._log.names())
        return [model for model in models if model is not None and metadata.items() <= model.metadata.items()]

    @hookimpl
    def model_registry_update(
        self, name: str, description: str | None, metadata: Mapping[str, str | None]
    ) -> RegisteredModel:
        def update(history: History) -> dict[str, Any]:
            history.known()
            return {"change": "update", "description": description, "metadata": dict(metadata)}

        return self._log.change(name, update).known()

    @hookimpl
    def model_registry_delete(self, name: str) -> bool:
        kept: list[Tree] | None = None

        def delete(history: History) -> dict[str, Any] | None:
            nonlocal kept
            kept = None if history.model is None else list(history.files.values())
            return None if kept is None else {"change": "delete"}

        self._log.change(name, delete)
        for tree in kept or ():
            delete_tree(self._objects, tree.key)
        if kept:
            sweep_if_due(self._objects, self._log)
        return kept is not None

    @hookimpl
    def model_registry_create_version(
        self, name: str, source: Path | str, description: str, metadata: Mapping[str, str], origin: ModelOrigin | None
    ) -> ModelVersion:
        self._log.history(name).known()
        path = files.local_path(source)
        kept = None if path is None else files.keep(self._objects, name, path)

        def create(history: History) -> dict[str, Any]:
            history.known()
            if kept is not None and files.place_of(kept.key) in history.swept:
                msg = f"the copy of {source} was left alone for a day and has been removed; create the version again"
                raise OSError(msg)
            return {
                "change": "create_version",
                "version": str(history.last_version + 1),
                "source": str(source) if kept is None else None,
                "files": None if kept is None else attrs.asdict(kept),
                "description": description,
                "metadata": dict(metadata),
                "origin": None if origin is None else attrs.asdict(origin),
            }

        try:
            history = self._log.change(name, create)
        except KeyError:
            if kept is not None:
                delete_tree(self._objects, kept.key)
            raise
        if kept is not None:
            sweep_if_due(self._objects, self._log)
        return self._shown(history, str(history.last_version))

    @hookimpl
    def model_registry_get_version(self, name: str, version: str) -> ModelVersion | None:
        history = self._log.history(name)
        if history.model is not None and version.startswith("@"):
            version = history.model.aliases.get(version[1:], "")
        return self._shown(history, version) if version in history.versions else None

    @hookimpl
    def model_registry_list_versions(
        self, name: str, stage: ModelStage | None, order: VersionOrder
    ) -> Sequence[ModelVersion]:
        history = self._log.history(name)
        history.known()
        asked = [each.version for each in history.versions.values() if stage in (None, each.stage)]
        found = [self._shown(history, version) for version in asked]
        return found if order == "oldest" else found[::-1]

    @hookimpl
    def model_registry_update_version(
        self, name: str, version: str, description: str | None, metadata: Mapping[str, str | None]
    ) -> ModelVersion:
        def update(history: History) -> dict[str, Any]:
            history.version(version)
            said = {"description": description, "metadata": dict(metadata)}
            return {"change": "update_version", "version": version, **said}

        return self._shown(self._log.change(name, update), version)

    @hookimpl
    def model_registry_set_stage(self, name: str, version: str, stage: ModelStage, archive_others: bool) -> None:
        if stage not in get_args(ModelStage):
            msg = f"no stage of a model: {stage!r}; there are {', '.join(get_args(ModelStage))}"
            raise ValueError(msg)

        def move(history: History) -> dict[str, Any] | None:
            others = [each for each in history.versions.values() if each.stage == stage and each.version != version]
            if history.version(version).stage == stage and not (archive_others and others):
                return None
            return {"change": "set_stage", "version": version, "stage": stage, "archive_others": archive_others}

        self._log.change(name, move)

    @hookimpl
    def model_registry_set_alias(self, name: str, alias: str, version: str | None) -> None:
        def mean(history: History) -> dict[str, Any] | None:
            if version is not None:
                history.version(version)
            if history.known().aliases.get(alias) == version:
                return None
            return {"change": "set_alias", "alias": alias, "version": version}

        self._log.change(name, mean)

    @hookimpl
    def model_registry_delete_version(self, name: str, version: str) -> bool:
        kept: Tree | None = None
        existed = False

        def delete(history: History) -> dict[str, Any] | None:
            nonlocal kept, existed
            kept, existed = history.files.get(version), version in history.versions
            return {"change": "delete_version", "version": version} if existed else None

        self._log.change(name, delete)
        if kept is not None:
            delete_tree(self._objects, kept.key)
            sweep_if_due(self._objects, self._log)
        return existed

    @hookimpl
    def model_registry_download(self, name: str, version: str, target: Path) -> Path:
        history = self._log.history(name)
        found = history.version(version)
        kept = history.files.get(version)
        if kept is None:
            msg = f"version {version} of {name!r} lies at {found.source}, which this registry only refers to"
            raise OSError(msg)
        return files.copy(self._objects, kept, target)

    @hookimpl
    def model_registry_uri(self, name: str, version: str) -> str | None:
        history = self._log.history(name)
        found = history.version(version)
        kept = history.files.get(version)
        return found.source if kept is None else self._objects.url(kept.key)

    def _shown(self, history: History, version: str) -> ModelVersion:
        """A version with where its files lie now: the artifact store may have been moved since."""
        found, kept = history.shown(version), history.files.get(version)
        if kept is None:
            return found
        return attrs.evolve(found, source=self._objects.url(kept.key) or f"artifact-store:{quote(kept.key)}")

    @hookimpl
    def component_health(self) -> Health:
        started = time.perf_counter()
        try:
            if self.path is None:
                self._objects.stat("health")
                return Health(ok=True, detail="in the artifact store", latency=time.perf_counter() - started)
            # Imported here because only a person asks.
            from plugbay_local.objects.probing import probe

            free = probe(self._root)
        except OSError as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=True, detail=f"{free / 1e9:.1f} GB free", latency=time.perf_counter() - started)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"kept in": "the artifact store"} if self.path is None else {"path": self._root}
