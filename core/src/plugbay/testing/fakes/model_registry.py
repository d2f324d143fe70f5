"""A model registry without a server."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

import attrs
from attrs import field

from plugbay.testing.fakes.shared import Shared
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import ModelOrigin, ModelStage, ModelVersion, RegisteredModel, VersionOrder

Files = Mapping[str, bytes]


class Models:
    """Models, their versions in the order of creation, and the files of each version."""

    def __init__(self) -> None:
        """Have no models yet."""
        self.models: dict[str, RegisteredModel] = {}
        self.versions: dict[str, dict[str, ModelVersion]] = {}
        self.files: dict[tuple[str, str], Files | None] = {}
        self.given: dict[str, int] = {}

    def register(self, name: str, description: str, metadata: Mapping[str, str]) -> RegisteredModel:
        """Begin a model."""
        if name in self.models:
            raise FileExistsError(name)
        now = time.time()
        self.models[name] = RegisteredModel(
            name=name, description=description, metadata=metadata, created=now, updated=now
        )
        self.versions[name] = {}
        self.given[name] = 0
        return self.models[name]

    def get(self, name: str) -> RegisteredModel | None:
        """Look a model up."""
        return self.models.get(name)

    def names(self, metadata: Mapping[str, str]) -> list[RegisteredModel]:
        """The models with some metadata."""
        return [model for _, model in sorted(self.models.items()) if metadata.items() <= model.metadata.items()]

    def update(self, name: str, description: str | None, metadata: Mapping[str, str | None]) -> RegisteredModel:
        """Change a model."""
        self.models[name] = _updated(self.models[name], description, metadata)
        return self.models[name]

    def delete(self, name: str) -> bool:
        """Forget a model."""
        for version in self.versions.pop(name, {}):
            del self.files[name, version]
        return self.models.pop(name, None) is not None

    def create_version(self, version: ModelVersion, files: Files | None) -> ModelVersion:
        """Number a version and keep its files."""
        name = version.name
        self.versions[name]  # raises KeyError for a model that is unknown
        self.given[name] += 1
        number = str(self.given[name])
        source = version.source or f"fake://models/{quote(name, safe='')}/{number}/files"
        now = time.time()
        self.files[name, number] = files
        self.versions[name][number] = attrs.evolve(version, version=number, source=source, created=now, updated=now)
        return self.versions[name][number]

    def get_version(self, name: str, version: str) -> ModelVersion | None:
        """Look a version or an alias up."""
        if name not in self.models:
            return None
        number = self.models[name].aliases.get(version[1:], "") if version.startswith("@") else version
        return self.versions[name].get(number)

    def list_versions(self, name: str, stage: ModelStage | None, order: VersionOrder) -> list[ModelVersion]:
        """The versions of a model."""
        found = [each for each in self.versions[name].values() if stage in (None, each.stage)]
        return found[::-1] if order == "newest" else found

    def update_version(
        self, name: str, version: str, description: str | None, metadata: Mapping[str, str | None]
    ) -> ModelVersion:
        """Change a version."""
        self.versions[name][version] = _updated(self.versions[name][version], description, metadata)
        return self.versions[name][version]

    def set_stage(self, name: str, version: str, stage: ModelStage, archive_others: bool) -> None:
        """Move a version, and those that it replaces."""
        versions = self.versions[name]
        versions[version] = attrs.evolve(versions[version], stage=stage)
        for number, other in versions.items():
            if archive_others and other.stage == stage and number != version:
                versions[number] = attrs.evolve(other, stage="archived")

    def set_alias(self, name: str, alias: str, version: str | None) -> None:
        """Give an alias to a version, or to none."""
        if version is not None:
            self.versions[name][version]  # raises KeyError for a version that is unknown
        aliases = {key: number for key, number in self.models[name].aliases.items() if key != alias}
        self._name(name, aliases if version is None else {**aliases, alias: version})

    def _name(self, name: str, aliases: Mapping[str, str]) -> None:
        self.models[name] = attrs.evolve(self.models[name], aliases=aliases)
        for number, version in self.versions[name].items():
            own = tuple(alias for alias, meant in aliases.items() if meant == number)
            self.versions[name][number] = attrs.evolve(version, aliases=own)

    def delete_version(self, name: str, version: str) -> bool:
        """Forget a version."""
        if self.versions[name].pop(version, None) is None:
            return False
        del self.files[name, version]
        self._name(name, {key: number for key, number in self.models[name].aliases.items() if number != version})
        return True

    def files_of(self, name: str, version: str) -> Files | None:
        """The files of a version; ``None`` when they lie elsewhere."""
        return self.files[name, version]


@component
class FakeModelRegistry:
    """Keeps models and their files in memory."""

    kept: Any = field(factory=lambda: Shared(Models()), repr=False)

    @hookimpl
    def model_registry_register(self, name: str, description: str, metadata: Mapping[str, str]) -> RegisteredModel:
        model: RegisteredModel = self.kept.register(name, description, dict(metadata))
        return model

    @hookimpl
    def model_registry_get(self, name: str) -> RegisteredModel | None:
        model: RegisteredModel | None = self.kept.get(name)
        return model

    @hookimpl
    def model_registry_list(self, metadata: Mapping[str, str]) -> Sequence[RegisteredModel]:
        models: Sequence[RegisteredModel] = self.kept.names(dict(metadata))
        return models

    @hookimpl
    def model_registry_update(
        self, name: str, description: str | None, metadata: Mapping[str, str | None]
    ) -> RegisteredModel:
        model: RegisteredModel = self.kept.update(name, description, dict(metadata))
        return model

    @hookimpl
    def model_registry_delete(self, name: str) -> bool:
        existed: bool = self.kept.delete(name)
        return existed

    @hookimpl
    def model_registry_create_version(
        self, name: str, source: Path | str, description: str, metadata: Mapping[str, str], origin: ModelOrigin | None
    ) -> ModelVersion:
        path = _local(source)
        asked = ModelVersion(
            name=name,
            version="",
            source="" if path is not None else str(source),
            description=description,
            metadata=dict(metadata),
            origin=origin,
        )
        version: ModelVersion = self.kept.create_version(asked, None if path is None else _read(path))
        return version

    @hookimpl
    def model_registry_get_version(self, name: str, version: str) -> ModelVersion | None:
        found: ModelVersion | None = self.kept.get_version(name, version)
        return found

    @hookimpl
    def model_registry_list_versions(
        self, name: str, stage: ModelStage | None, order: VersionOrder
    ) -> Sequence[ModelVersion]:
        found: Sequence[ModelVersion] = self.kept.list_versions(name, stage, order)
        return found

    @hookimpl
    def model_registry_update_version(
        self, name: str, version: str, description: str | None, metadata: Mapping[str, str | None]
    ) -> ModelVersion:
        found: ModelVersion = self.kept.update_version(name, version, description, dict(metadata))
        return found

    @hookimpl
    def model_registry_set_stage(self, name: str, version: str, stage: ModelStage, archive_others: bool) -> None:
        self.kept.set_stage(name, version, stage, archive_others)

    @hookimpl
    def model_registry_set_alias(self, name: str, alias: str, version: str | None) -> None:
        self.kept.set_alias(name, alias, version)

    @hookimpl
    def model_registry_delete_version(self, name: str, version: str) -> bool:
        existed: bool = self.kept.delete_version(name, version)
        return existed

    @hookimpl
    def model_registry_download(self, name: str, version: str, target: Path) -> Path:
        files: Files | None = self.kept.files_of(name, version)
        if files is None:
            msg = f"version {version} of {name!r} refers to files that a fake cannot fetch"
            raise OSError(msg)
        for relative, content in files.items():
            path = target / "model" / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return target / "model"

    @hookimpl
    def model_registry_uri(self, name: str, version: str) -> str:
        self.kept.files_of(name, version)
        return f"fake://models/{quote(name, safe='')}/{quote(version, safe='')}"


def _updated(kept: Any, description: str | None, metadata: Mapping[str, str | None]) -> Any:
    merged = {name: text for name, text in {**kept.metadata, **metadata}.items() if text is not None}
    told = kept.description if description is None else description
    return attrs.evolve(kept, description=told, metadata=merged, updated=time.time())


def _local(source: Path | str) -> Path | None:
    parts = urlsplit(str(source)) if isinstance(source, str) else None
    if parts is None or not parts.scheme:
        return Path(source)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def _read(path: Path) -> Files:
    """A file, whose name is empty, or the files of a directory."""
    if not path.is_dir():
        return {"": path.read_bytes()}
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}
