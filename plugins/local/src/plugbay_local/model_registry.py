"""The model registry that is a directory."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import attrs

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.model import ModelOrigin, ModelStage, ModelVersion, RegisteredModel, VersionOrder
from plugbay_hookspecs.types.stack import Health
from plugbay_local.home import user_path
from plugbay_local.models import files, log
from plugbay_local.models.history import History


@component
class StoreModelRegistry:
    """Keep models, their versions and all that was ever said of them as files in a directory."""

    path: Path | None = None
    """The directory; without it `registry` in `PLUGBAY_HOME` or in the user's data directory."""

    @property
    def _root(self) -> str:
        return os.path.abspath(os.path.expanduser(self.path or user_path("registry")))  # noqa: PTH100, PTH111 -- as text

    @hookimpl
    def model_registry_register(self, name: str, description: str, metadata: Mapping[str, str]) -> RegisteredModel:
        def register(history: History) -> dict[str, Any]:
            if history.model is not None:
                msg = f"a model {name!r} is registered already"
                raise FileExistsError(msg)
            return {"change": "register", "description": description, "metadata": dict(metadata)}

        return log.change(self._root, name, register).known()

    @hookimpl
    def model_registry_get(self, name: str) -> RegisteredModel | None:
        return log.history_of(self._root, name).model

    @hookimpl
    def model_registry_list(self, metadata: Mapping[str, str]) -> Sequence[RegisteredModel]:
        root = self._root
        models = (log.history_of(root, name).model for name in log.names(root))
        return [model for model in models if model is not None and metadata.items() <= model.metadata.items()]

    @hookimpl
    def model_registry_update(
        self, name: str, description: str | None, metadata: Mapping[str, str | None]
    ) -> RegisteredModel:
        def update(history: History) -> dict[str, Any]:
            history.known()
            return {"change": "update", "description": description, "metadata": dict(metadata)}

        return log.change(self._root, name, update).known()

    @hookimpl
    def model_registry_delete(self, name: str) -> bool:
        kept: list[str] | None = None

        def delete(history: History) -> dict[str, Any] | None:
            nonlocal kept
            kept = None if history.model is None else list(history.files.values())
            return None if kept is None else {"change": "delete"}

        log.change(self._root, name, delete)
        for path in kept or ():
            files.remove(self._root, path)
        return kept is not None

    @hookimpl
    def model_registry_create_version(
        self, name: str, source: Path | str, description: str, metadata: Mapping[str, str], origin: ModelOrigin | None
    ) -> ModelVersion:
        root = self._root
        log.history_of(root, name).known()
        path = files.local_path(source)
        kept = None if path is None else files.keep(root, name, path)
        uri = str(source) if kept is None else Path(root, kept).as_uri()

        def create(history: History) -> dict[str, Any]:
            history.known()
            return {
                "change": "create_version",
                "version": str(history.last_version + 1),
                "source": uri,
                "files": kept,
                "description": description,
                "metadata": dict(metadata),
                "origin": None if origin is None else attrs.asdict(origin),
            }

        try:
            history = log.change(root, name, create)
        except KeyError:
            if kept is not None:
                files.remove(root, kept)
            raise
        return history.shown(str(history.last_version))

    @hookimpl
    def model_registry_get_version(self, name: str, version: str) -> ModelVersion | None:
        history = log.history_of(self._root, name)
        if history.model is not None and version.startswith("@"):
            version = history.model.aliases.get(version[1:], "")
        return history.shown(version) if version in history.versions else None

    @hookimpl
    def model_registry_list_versions(
        self, name: str, stage: ModelStage | None, order: VersionOrder
    ) -> Sequence[ModelVersion]:
        history = log.history_of(self._root, name)
        history.known()
        found = [history.shown(each.version) for each in history.versions.values() if stage in (None, each.stage)]
        return found if order == "oldest" else found[::-1]

    @hookimpl
    def model_registry_update_version(
        self, name: str, version: str, description: str | None, metadata: Mapping[str, str | None]
    ) -> ModelVersion:
        def update(history: History) -> dict[str, Any]:
            history.version(version)
            said = {"description": description, "metadata": dict(metadata)}
            return {"change": "update_version", "version": version, **said}

        return log.change(self._root, name, update).shown(version)

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

        log.change(self._root, name, move)

    @hookimpl
    def model_registry_set_alias(self, name: str, alias: str, version: str | None) -> None:
        def mean(history: History) -> dict[str, Any] | None:
            if version is not None:
                history.version(version)
            if history.known().aliases.get(alias) == version:
                return None
            return {"change": "set_alias", "alias": alias, "version": version}

        log.change(self._root, name, mean)

    @hookimpl
    def model_registry_delete_version(self, name: str, version: str) -> bool:
        kept: str | None = None
        existed = False

        def delete(history: History) -> dict[str, Any] | None:
            nonlocal kept, existed
            kept, existed = history.files.get(version), version in history.versions
            return {"change": "delete_version", "version": version} if existed else None

        log.change(self._root, name, delete)
        if kept is not None:
            files.remove(self._root, kept)
        return existed

    @hookimpl
    def model_registry_download(self, name: str, version: str, target: Path) -> Path:
        root = self._root
        history = log.history_of(root, name)
        found = history.version(version)
        kept = history.files.get(version)
        if kept is None:
            msg = f"version {version} of {name!r} lies at {found.source}, which this registry only refers to"
            raise OSError(msg)
        source = Path(root, kept)
        return files.copy(source, target / source.name)

    @hookimpl
    def model_registry_uri(self, name: str, version: str) -> str:
        return log.history_of(self._root, name).version(version).source

    @hookimpl
    def component_health(self) -> Health:
        # Imported here because only a person asks.
        from plugbay_local.objects.probing import probe

        started = time.perf_counter()
        try:
            free = probe(self._root)
        except OSError as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=True, detail=f"{free / 1e9:.1f} GB free", latency=time.perf_counter() - started)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"path": self._root}
