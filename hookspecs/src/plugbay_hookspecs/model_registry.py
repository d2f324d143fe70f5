"""Hooks of a model registry: models under a name, version by version. A stack has at most one.

A registry keeps the files of a version, or refers to where they are. A version is never changed into another model: its
number is given once, also when it is deleted. The hooks that take a name (and a version) raise ``KeyError`` when the
registry has none, unless they say otherwise, and all raise ``OSError`` when it could not be reached. Texts of metadata
are plain; no secret is among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugbay_hookspecs.markers import hookspec, required

if TYPE_CHECKING:
    from plugbay_hookspecs.types import ModelOrigin, ModelStage, ModelVersion, RegisteredModel, VersionOrder


@hookspec(firstresult=True)
@required
def model_registry_register(name: str, description: str, metadata: Mapping[str, str]) -> RegisteredModel:
    """Begin to keep versions under a name.

    Called in any process that has the stack. Raises ``FileExistsError`` when the name is taken; of several at once exactly
    one registers it.

    :param name: letters, digits, ``-``, ``_`` and ``.``, checked by the host.
    :returns: the model, without versions.

    .. code-block:: python

        import sqlite3
        import time
        from collections.abc import Mapping
        from contextlib import closing
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import RegisteredModel


        @component
        class SqliteRegistry:
            '''Keeps models as rows of an SQLite table.'''

            file: Path = Path("models.db")

            @hookimpl
            def model_registry_register(self, name: str, description: str, metadata: Mapping[str, str]) -> RegisteredModel:
                now = time.time()
                with closing(sqlite3.connect(self.file)) as registry, registry:
                    registry.execute("CREATE TABLE IF NOT EXISTS model (name PRIMARY KEY, description, created)")
                    registry.execute("CREATE TABLE IF NOT EXISTS fact (model, name, value, UNIQUE (model, name))")
                    try:
                        registry.execute("INSERT INTO model VALUES (?, ?, ?)", (name, description, now))
                    except sqlite3.IntegrityError as error:
                        msg = f"there is a model named {name}"
                        raise FileExistsError(msg) from error
                    facts = [(name, key, value) for key, value in metadata.items()]
                    registry.executemany("INSERT INTO fact VALUES (?, ?, ?)", facts)
                return RegisteredModel(name=name, description=description, metadata=metadata, created=now, updated=now)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def model_registry_get(name: str) -> RegisteredModel | None:
    """Look a model up.

    Called in any process that has the stack.

    :returns: the model; ``None`` when there is none of that name.

    .. code-block:: python

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import RegisteredModel


        @component
        class Mlflow:
            '''Asks the registry of an MLflow server.'''

            uri: str = "http://127.0.0.1:5001"

            @hookimpl
            def model_registry_get(self, name: str) -> RegisteredModel | None:
                import mlflow

                try:
                    found = mlflow.MlflowClient(registry_uri=self.uri).get_registered_model(name)
                except mlflow.MlflowException as error:
                    if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                        return None
                    raise OSError(str(error)) from error
                return RegisteredModel(
                    name=found.name,
                    description=found.description or "",
                    metadata=found.tags,
                    aliases=found.aliases,
                    created=found.creation_timestamp / 1000,
                    updated=found.last_updated_timestamp / 1000,
                )

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_registry_list(metadata: Mapping[str, str]) -> Sequence[RegisteredModel]:
    """List models.

    Called in any process that has the stack.

    :param metadata: a model has all of these, and may have more; empty for every model.
    :returns: in the order of their names; empty when there are none, ``None`` when the registry cannot list.

    .. code-block:: python

        import json
        from collections.abc import Mapping, Sequence
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import RegisteredModel


        @component
        class Folder:
            '''Keeps each model as a folder with a file that describes it.'''

            root: Path = Path("models")

            @hookimpl
            def model_registry_list(self, metadata: Mapping[str, str]) -> Sequence[RegisteredModel]:
                files = sorted(self.root.glob("*/model.json"))
                models = [RegisteredModel(**json.loads(file.read_text(encoding="utf-8"))) for file in files]
                return [model for model in models if metadata.items() <= model.metadata.items()]

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_registry_update(name: str, description: str | None, metadata: Mapping[str, str | None]) -> RegisteredModel:
    """Change what is said of a model.

    Called in any process that has the stack.

    :param description: the new one; ``None`` leaves it as it is.
    :param metadata: what to change: a text to set, ``None`` to remove. What is not named stays.
    :returns: the model as it is now; ``None`` when the registry is read-only.

    .. code-block:: python

        import json
        from collections.abc import Mapping
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import RegisteredModel


        @component
        class Folder:
            '''Keeps each model as a folder with a file that describes it.'''

            root: Path = Path("models")

            @hookimpl
            def model_registry_update(
                self, name: str, description: str | None, metadata: Mapping[str, str | None]
            ) -> RegisteredModel:
                file = self.root / name / "model.json"
                if not file.exists():
                    raise KeyError(name)
                model = json.loads(file.read_text(encoding="utf-8"))
                if description is not None:
                    model["description"] = description
                merged = {**model["metadata"], **metadata}
                model["metadata"] = {key: value for key, value in merged.items() if value is not None}
                file.with_suffix(".new").write_text(json.dumps(model), encoding="utf-8")
                file.with_suffix(".new").replace(file)
                return RegisteredModel(**model)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_registry_delete(name: str) -> bool:
    """Delete a model with all its versions, and the files that the registry itself keeps of them.

    Called in any process that has the stack. Idempotent: a name that is gone is no error here.

    :returns: whether there was one; ``None`` when the registry never deletes.

    .. code-block:: python

        import shutil
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class Folder:
            '''Keeps each model as a folder with a folder for each version.'''

            root: Path = Path("models")

            @hookimpl
            def model_registry_delete(self, name: str) -> bool:
                model = self.root / name
                if not model.is_dir():
                    return False
                shutil.rmtree(model)
                return True

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def model_registry_create_version(
    name: str, source: Path | str, description: str, metadata: Mapping[str, str], origin: ModelOrigin | None
) -> ModelVersion:
    """Add a version to a model.

    Called in any process that has the stack, mostly in the one that executes a step. Several at once get different
    versions. A version is found only when its files are there.

    :param source: a file or directory of the local disk, which the registry copies; or the URI of one that it can reach,
        which it may just refer to.
    :param origin: the run, step and artifact that it comes from, kept with the version; ``None`` for one that no run made.
    :returns: the version, in stage ``none`` and without aliases.

    .. code-block:: python

        import json
        import shutil
        import time
        from collections.abc import Mapping
        from pathlib import Path
        from tempfile import mkdtemp

        from attrs import asdict
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ModelOrigin, ModelVersion


        @component
        class Folder:
            '''Keeps each version as a folder that is given its number, by a rename, when all is in it.'''

            root: Path = Path("models")

            @hookimpl
            def model_registry_create_version(
                self, name: str, source: Path | str, description: str, metadata: Mapping[str, str], origin: ModelOrigin | None
            ) -> ModelVersion:
                model = self.root / name
                if not model.is_dir():
                    raise KeyError(name)
                if not isinstance(source, Path):
                    msg = f"this registry copies files of the local disk, and {source} is none"
                    raise ValueError(msg)
                draft = Path(mkdtemp(dir=model, prefix="draft-"))
                copied = shutil.copytree if source.is_dir() else shutil.copyfile
                copied(source, draft / "files")
                number = len(list(model.glob("[0-9]*")))
                while True:
                    number += 1
                    made = ModelVersion(
                        name=name,
                        version=str(number),
                        source=(model / str(number) / "files").resolve().as_uri(),
                        description=description,
                        metadata=metadata,
                        origin=origin,
                        created=time.time(),
                    )
                    (draft / "version.json").write_text(json.dumps(asdict(made)), encoding="utf-8")
                    try:
                        draft.rename(model / str(number))  # fails for a folder that is there and not empty
                    except OSError:
                        continue
                    return made

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def model_registry_get_version(name: str, version: str) -> ModelVersion | None:
    """Look a version up.

    Called in any process that has the stack.

    :param version: its number, or ``@`` with an alias: ``@champion``. Only this hook takes an alias; the host asks it first
        where the user gives one.
    :returns: the version; ``None`` when there is no such model, version or alias.

    .. code-block:: python

        import json
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ModelOrigin, ModelVersion


        @component
        class Folder:
            '''Keeps each version as a folder with a file that describes it, and each alias as a file with its number.'''

            root: Path = Path("models")

            @hookimpl
            def model_registry_get_version(self, name: str, version: str) -> ModelVersion | None:
                model = self.root / name
                try:
                    number = (model / version).read_text(encoding="utf-8") if version.startswith("@") else version
                    kept = json.loads((model / number / "version.json").read_text(encoding="utf-8"))
                except FileNotFoundError:
                    return None
                aliases = tuple(file.name[1:] for file in sorted(model.glob("@*")) if file.read_text() == number)
                origin = ModelOrigin(**kept["origin"]) if kept["origin"] else None
                return ModelVersion(**{**kept, "aliases": aliases, "origin": origin})

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def model_registry_list_versions(name: str, stage: ModelStage | None, order: VersionOrder) -> Sequence[ModelVersion]:
    """List the versions of a model.

    Called in any process that has the stack.

    :param stage: only those in this stage; ``None`` for all.
    :param order: the ``newest`` first, or the ``oldest``: by the time at which they were created, not by the text of their
        numbers.
    :returns: the versions; empty when there are none.

    .. code-block:: python

        from collections.abc import Sequence
        from typing import Any

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ModelStage, ModelVersion, VersionOrder


        @component
        class Mlflow:
            '''Asks the registry of an MLflow server; MLflow gave stages up, so that a tag holds them.'''

            uri: str = "http://127.0.0.1:5001"

            @hookimpl
            def model_registry_list_versions(
                self, name: str, stage: ModelStage | None, order: VersionOrder
            ) -> Sequence[ModelVersion]:
                import mlflow

                client = mlflow.MlflowClient(registry_uri=self.uri)
                try:
                    client.get_registered_model(name)
                except mlflow.MlflowException as error:
                    raise KeyError(name) from error
                found = map(self._version, client.search_model_versions(f"name = '{name}'"))
                kept = [version for version in found if stage in (None, version.stage)]
                return sorted(kept, key=lambda version: int(version.version), reverse=order == "newest")

            def _version(self, found: Any) -> ModelVersion:
                return ModelVersion(
                    name=found.name,
                    version=str(found.version),
                    source=found.source,
                    stage=found.tags.get("plugbay.stage", "none"),
                    description=found.description or "",
                    metadata={key: value for key, value in found.tags.items() if not key.startswith("plugbay.")},
                    created=found.creation_timestamp / 1000,
                )

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_registry_update_version(
    name: str, version: str, description: str | None, metadata: Mapping[str, str | None]
) -> ModelVersion:
    """Change what is said of a version. Its files, source and origin never change.

    Called in any process that has the stack.

    :param description: the new one; ``None`` leaves it as it is.
    :param metadata: what to change: a text to set, ``None`` to remove. What is not named stays.
    :returns: the version as it is now; ``None`` when the registry is read-only.

    .. code-block:: python

        import json
        from collections.abc import Mapping
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ModelOrigin, ModelVersion


        @component
        class Folder:
            '''Keeps each version as a folder with a file that describes it.'''

            root: Path = Path("models")

            @hookimpl
            def model_registry_update_version(
                self, name: str, version: str, description: str | None, metadata: Mapping[str, str | None]
            ) -> ModelVersion:
                file = self.root / name / version / "version.json"
                if not file.exists():
                    raise KeyError((name, version))
                kept = json.loads(file.read_text(encoding="utf-8"))
                if description is not None:
                    kept["description"] = description
                merged = {**kept["metadata"], **metadata}
                kept["metadata"] = {key: value for key, value in merged.items() if value is not None}
                file.with_suffix(".new").write_text(json.dumps(kept), encoding="utf-8")
                file.with_suffix(".new").replace(file)
                origin = ModelOrigin(**kept["origin"]) if kept["origin"] else None
                return ModelVersion(**{**kept, "aliases": tuple(kept["aliases"]), "origin": origin})

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_registry_set_stage(name: str, version: str, stage: ModelStage, archive_others: bool) -> None:
    """Say how far a version has come.

    Called in any process that has the stack. Idempotent. Several versions may be in one stage. Where the tool has no stages
    the flavor keeps them itself, in a tag for instance.

    :param archive_others: the model's other versions that are in this stage go to ``archived``.

    .. code-block:: python

        import sqlite3
        from contextlib import closing
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ModelStage


        @component
        class SqliteRegistry:
            '''Keeps versions as rows of an SQLite table.'''

            file: Path = Path("models.db")

            @hookimpl
            def model_registry_set_stage(self, name: str, version: str, stage: ModelStage, archive_others: bool) -> None:
                others = "UPDATE version SET stage = 'archived' WHERE model = ? AND version != ? AND stage = ?"
                this = "UPDATE version SET stage = ? WHERE model = ? AND version = ?"
                with closing(sqlite3.connect(self.file)) as registry, registry:
                    if registry.execute(this, (stage, name, version)).rowcount == 0:
                        raise KeyError((name, version))
                    if archive_others:
                        registry.execute(others, (name, version, stage))

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_registry_set_alias(name: str, alias: str, version: str | None) -> None:
    """Let an alias mean a version, and no longer the one that it meant: a name for what serves, such as ``champion``.

    Called in any process that has the stack. Idempotent. Whoever asks meanwhile gets the old or the new version, never none.

    :param alias: letters, digits, ``-`` and ``_``, without the ``@``.
    :param version: ``None`` removes the alias; one that is gone is no error.

    .. code-block:: python

        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class Folder:
            '''Keeps each alias as a file with the number of a version.'''

            root: Path = Path("models")

            @hookimpl
            def model_registry_set_alias(self, name: str, alias: str, version: str | None) -> None:
                model = self.root / name
                if not model.is_dir() or (version is not None and not (model / version).is_dir()):
                    raise KeyError((name, version))
                file = model / f"@{alias}"
                if version is None:
                    file.unlink(missing_ok=True)
                else:
                    (model / f"draft-{alias}").write_text(version, encoding="utf-8")
                    (model / f"draft-{alias}").replace(file)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_registry_delete_version(name: str, version: str) -> bool:
    """Delete a version, its aliases, and the files that the registry itself keeps of it.

    Called in any process that has the stack. Idempotent: a version that is gone is no error here. Its number is not given
    again.

    :returns: whether there was one; ``None`` when the registry never deletes.

    .. code-block:: python

        import sqlite3
        from contextlib import closing
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class SqliteRegistry:
            '''Keeps versions as rows of an SQLite table; a deleted one leaves its number behind.'''

            file: Path = Path("models.db")

            @hookimpl
            def model_registry_delete_version(self, name: str, version: str) -> bool:
                gone = "UPDATE version SET files = NULL, deleted = 1 WHERE model = ? AND version = ? AND NOT deleted"
                with closing(sqlite3.connect(self.file)) as registry, registry:
                    registry.execute("DELETE FROM alias WHERE model = ? AND version = ?", (name, version))
                    return registry.execute(gone, (name, version)).rowcount > 0

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def model_registry_download(name: str, version: str, target: Path) -> Path:
    """Copy the files of a version to the local disk.

    Called in any process that has the stack.

    :param target: an existing, empty directory, which the caller removes.
    :returns: the file or directory as it was when the version was created: in ``target``, or elsewhere on the local disk
        where nobody writes to it.

    .. code-block:: python

        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class Folder:
            '''Keeps the files of each version in a folder that all machines mount.'''

            root: Path = Path("models")

            @hookimpl
            def model_registry_download(self, name: str, version: str) -> Path:
                files = self.root / name / version / "files"
                if not files.exists():
                    raise KeyError((name, version))
                return files

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_registry_load(name: str, version: str) -> Any:
    """Load a version with the tool's own loader.

    Called in any process that has the stack. Raises what the loader raises. The flavor never unpickles files by itself: it
    answers ``None`` for what the tool cannot load.

    :returns: the model; ``None`` when the tool only keeps files. Then the host finds the artifact that the version's origin
        names among the records of its run, and gives its value, read with the serializer that wrote it: from the artifact
        store or, where its bytes are gone from there, from the downloaded files, whose digest must be the origin's. Where
        no record tells how the files are to be read, the host guesses nothing and unpickles nothing: it gives the path of
        the downloaded copy, which lasts as long as the process.

    .. code-block:: python

        from typing import Any

        from plugbay_hookspecs import component, hookimpl


        @component
        class Mlflow:
            '''Loads models that were saved in MLflow's own format.'''

            uri: str = "http://127.0.0.1:5001"

            @hookimpl
            def model_registry_load(self, name: str, version: str) -> Any:
                import mlflow

                mlflow.set_registry_uri(self.uri)
                try:
                    return mlflow.pyfunc.load_model(f"models:/{name}/{version}")
                except mlflow.MlflowException as error:
                    if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                        raise KeyError((name, version)) from error
                    raise

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_registry_uri(name: str, version: str) -> str:
    """Tell the address by which other tools take the version: a model deployer, a person.

    Called in any process that has the stack.

    :returns: ``models:/flights/3``, ``s3://models/flights/3/``; ``None`` when it has none.

    .. code-block:: python

        from plugbay_hookspecs import component, hookimpl


        @component
        class Mlflow:
            '''Names versions as MLflow does.'''

            uri: str = "http://127.0.0.1:5001"

            @hookimpl
            def model_registry_uri(self, name: str, version: str) -> str:
                return f"models:/{name}/{version}"

    .. versionadded:: 0.1
    """
    raise NotImplementedError
