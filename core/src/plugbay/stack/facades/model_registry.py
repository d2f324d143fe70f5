"""The typed facade of the stack's model registry."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from plugbay.stack.facades.addressed import ToOne
from plugbay_hookspecs.types import ModelOrigin, ModelStage, ModelVersion, RegisteredModel, VersionOrder

if TYPE_CHECKING:
    from plugbay.host.host import Component, Host

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_ALIAS = re.compile(r"[A-Za-z0-9_-]+")
_NONE: Mapping[str, Any] = MappingProxyType({})


class ModelRegistry(ToOne):
    """Models by name and version; see :mod:`plugbay_hookspecs.model_registry` for what each call promises.

    Wherever a version is asked for, ``@`` with an alias is one, too.
    """

    def __init__(
        self, host: Host, component: Component, read: Callable[[ModelRegistry, ModelVersion], Any] | None = None
    ) -> None:
        """Reach ``component`` of ``host``.

        :param read: reads a version that the tool cannot load; without it, such a version is ``None``.
        """
        super().__init__(host, component)
        self._read = read

    def _number(self, name: str, version: str) -> str:
        """The version that an alias means now. Raises ``KeyError`` when there is none."""
        if not version.startswith("@"):
            return version
        found = self.get_version(name, version)
        if found is None:
            msg = f"{name} {version}"
            raise KeyError(msg)
        return found.version

    def register(self, name: str, *, description: str = "", metadata: Mapping[str, str] = _NONE) -> RegisteredModel:
        """Begin to keep versions under a name."""
        if not _NAME.fullmatch(name):
            msg = f"the name of a model has letters, digits, '-', '_' and '.', not {name!r}"
            raise ValueError(msg)
        model: RegisteredModel = self._value(
            RegisteredModel, "register", name=name, description=description, metadata=metadata
        )
        return model

    def get(self, name: str) -> RegisteredModel | None:
        """Look a model up."""
        model: RegisteredModel | None = self._value(RegisteredModel, "get", name=name)
        return model

    def list(self, *, metadata: Mapping[str, str] = _NONE) -> Sequence[RegisteredModel] | None:
        """The models with all of the metadata; ``None`` when the registry cannot list."""
        found: Sequence[RegisteredModel] | None = self._call("list", metadata=metadata)
        return found

    def update(
        self, name: str, *, description: str | None = None, metadata: Mapping[str, str | None] = _NONE
    ) -> RegisteredModel | None:
        """Change what is said of a model; ``None`` when the registry is read-only."""
        model: RegisteredModel | None = self._value(
            RegisteredModel, "update", name=name, description=description, metadata=metadata
        )
        return model

    def delete(self, name: str) -> bool | None:
        """Delete a model with all its versions; ``None`` when the registry never deletes."""
        existed: bool | None = self._call("delete", name=name)
        return existed

    def create_version(
        self,
        name: str,
        source: Path | str,
        *,
        description: str = "",
        metadata: Mapping[str, str] = _NONE,
        origin: ModelOrigin | None = None,
    ) -> ModelVersion:
        """Add a version to a model: a file or directory to copy, or the URI of one to refer to."""
        version: ModelVersion = self._value(
            ModelVersion,
            "create_version",
            name=name,
            source=source,
            description=description,
            metadata=metadata,
            origin=origin,
        )
        return version

    def get_version(self, name: str, version: str) -> ModelVersion | None:
        """Look a version up."""
        found: ModelVersion | None = self._value(ModelVersion, "get_version", name=name, version=version)
        return found

    def list_versions(
        self, name: str, *, stage: ModelStage | None = None, order: VersionOrder = "newest"
    ) -> Sequence[ModelVersion]:
        """The versions of a model."""
        found: Sequence[ModelVersion] = self._call("list_versions", name=name, stage=stage, order=order)
        return found

    def update_version(
        self,
        name: str,
        version: str,
        *,
        description: str | None = None,
        metadata: Mapping[str, str | None] = _NONE,
    ) -> ModelVersion | None:
        """Change what is said of a version; ``None`` when the registry is read-only."""
        number = self._number(name, version)
        found: ModelVersion | None = self._value(
            ModelVersion, "update_version", name=name, version=number, description=description, metadata=metadata
        )
        return found

    def set_stage(self, name: str, version: str, stage: ModelStage, *, archive_others: bool = False) -> None:
        """Say how far a version has come."""
        number = self._number(name, version)
        self._call("set_stage", name=name, version=number, stage=stage, archive_others=archive_others)

    def set_alias(self, name: str, alias: str, version: str | None) -> None:
        """Let an alias mean a version; without a version, remove it."""
        if not _ALIAS.fullmatch(alias):
            msg = f"an alias has letters, digits, '-' and '_', not {alias!r}"
            raise ValueError(msg)
        number = None if version is None else self._number(name, version)
        self._call("set_alias", name=name, alias=alias, version=number)

    def delete_version(self, name: str, version: str) -> bool | None:
        """Delete a version; ``None`` when the registry never deletes."""
        if version.startswith("@") and self.get_version(name, version) is None:
            return False
        existed: bool | None = self._call("delete_version", name=name, version=self._number(name, version))
        return existed

    def download(self, name: str, version: str, target: Path) -> Path:
        """Copy the files of a version to the local disk and tell where they are."""
        path: Path = self._call("download", name=name, version=self._number(name, version), target=target)
        return path

    def load(self, name: str, version: str) -> Any:
        """Load a version with the tool's own loader, or, when it only keeps files, as the artifact that it comes from.

        A version that comes from no artifact of a run that is still kept is the path of a copy of its files.
        """
        number = self._number(name, version)
        model = self._call("load", name=name, version=number)
        if model is not None or self._read is None:
            return model
        found = self.get_version(name, number)
        if found is None:
            msg = f"{name} {version}"
            raise KeyError(msg)
        return self._read(self, found)

    def uri(self, name: str, version: str) -> str | None:
        """The address by which other tools take the version; ``None`` when it has none."""
        uri: str | None = self._call("uri", name=name, version=self._number(name, version))
        return uri
