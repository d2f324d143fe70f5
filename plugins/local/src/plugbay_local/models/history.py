"""What the changes of a model come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from plugbay_hookspecs.types.model import ModelOrigin, ModelStage, ModelVersion, RegisteredModel
from plugbay_local.objects.trees import Tree

Change = Mapping[str, Any]


@attrs.define
class History:
    """A model after the changes that were read so far."""

    name: str
    length: int = 0
    """How many changes there were."""
    model: RegisteredModel | None = None
    versions: dict[str, ModelVersion] = attrs.field(factory=dict)
    """In the order in which they were created."""
    files: dict[str, Tree] = attrs.field(factory=dict)
    """Where the registry keeps the files of a version; one that it only refers to has none."""
    swept: set[str] = attrs.field(factory=set)
    """Places of files that are removed because no version had them; none can have them from then on."""
    last_version: int = 0
    """The last number that was given, also to a version that is deleted, or to one of a deleted model."""

    def copy(self) -> History:
        """The same, to be gone on with by itself."""
        return attrs.evolve(self, versions=dict(self.versions), files=dict(self.files), swept=set(self.swept))

    def known(self) -> RegisteredModel:
        """The model; raise ``KeyError`` when there is none."""
        if self.model is None:
            msg = f"no model {self.name!r} is registered"
            raise KeyError(msg)
        return self.model

    def version(self, version: str) -> ModelVersion:
        """A version; raise ``KeyError`` when there is none."""
        self.known()
        if version not in self.versions:
            msg = f"the model {self.name!r} has no version {version!r}"
            raise KeyError(msg)
        return self.versions[version]

    def shown(self, version: str) -> ModelVersion:
        """A version with its aliases; raise ``KeyError`` when there is none."""
        found = self.version(version)
        aliases = tuple(sorted(alias for alias, meant in self.known().aliases.items() if meant == version))
        return attrs.evolve(found, aliases=aliases)

    def add(self, change: Change) -> None:
        """Go on by one change. Raises ``ValueError`` for a change that this release does not know."""
        kind, at = change["change"], change["at"]
        apply = getattr(self, f"_{kind}", None)
        if kind not in _KINDS or apply is None:
            msg = f"the model {self.name!r} was changed in a way that this release does not know: {kind!r}"
            raise ValueError(msg)
        apply(change, at)
        self.length += 1

    def _register(self, change: Change, at: float) -> None:
        self.model = RegisteredModel(
            name=self.name,
            description=change["description"],
            metadata=change["metadata"],
            created=at,
            updated=at,
        )

    def _update(self, change: Change, at: float) -> None:
        self.model = attrs.evolve(self.known(), **_said(self.known(), change), updated=at)

    def _delete(self, change: Change, at: float) -> None:
        self.model = None
        self.versions.clear()
        self.files.clear()

    def _create_version(self, change: Change, at: float) -> None:
        version, origin = change["version"], change["origin"]
        self.last_version = int(version)
        self.versions[version] = ModelVersion(
            name=self.name,
            version=version,
            source=change["source"] or "",
            description=change["description"],
            metadata=change["metadata"],
            origin=None if origin is None else ModelOrigin(**origin),
            created=at,
            updated=at,
        )
        if change["files"] is not None:
            self.files[version] = Tree(**change["files"])

    def _update_version(self, change: Change, at: float) -> None:
        found = self.version(change["version"])
        self.versions[found.version] = attrs.evolve(found, **_said(found, change), updated=at)

    def _set_stage(self, change: Change, at: float) -> None:
        version, stage = change["version"], change["stage"]
        if change["archive_others"]:
            for other in self.versions.values():
                if other.version != version and other.stage == stage:
                    self._move(other, "archived", at)
        self._move(self.version(version), stage, at)

    def _move(self, version: ModelVersion, stage: ModelStage, at: float) -> None:
        self.versions[version.version] = attrs.evolve(version, stage=stage, updated=at)

    def _set_alias(self, change: Change, at: float) -> None:
        model = self.known()
        aliases = {alias: meant for alias, meant in model.aliases.items() if alias != change["alias"]}
        if change["version"] is not None:
            aliases[change["alias"]] = change["version"]
        self.model = attrs.evolve(model, aliases=aliases, updated=at)

    def _delete_version(self, change: Change, at: float) -> None:
        version, model = change["version"], self.known()
        del self.versions[version]
        self.files.pop(version, None)
        aliases = {alias: meant for alias, meant in model.aliases.items() if meant != version}
        self.model = attrs.evolve(model, aliases=aliases, updated=at)

    def _sweep(self, change: Change, at: float) -> None:
        self.swept.update(change["files"])


_VERSION_KINDS = {"create_version", "update_version", "set_stage", "set_alias", "delete_version"}
_KINDS = _VERSION_KINDS | {"register", "update", "delete", "sweep"}


def _said(before: RegisteredModel | ModelVersion, change: Change) -> dict[str, Any]:
    changed = {**before.metadata, **change["metadata"]}
    metadata = {name: text for name, text in changed.items() if text is not None}
    description = before.description if change["description"] is None else change["description"]
    return {"description": description, "metadata": metadata}
