"""The model registry of an MLflow server."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_hookspecs.types.model import ModelOrigin, ModelStage, ModelVersion, RegisteredModel, VersionOrder
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo
from plugbay_mlflow import files
from plugbay_mlflow.credentials import Credentials
from plugbay_mlflow.logged import files_of_run, logged_model, run_and_name
from plugbay_mlflow.models import FILES, STAGE, keeps_files, model_of, tags_of, version_of, versions_of
from plugbay_mlflow.runs import experiment_id
from plugbay_mlflow.server import Server, uri_problems

_NAME = re.compile(r"[\w.-]+", re.ASCII)


@component
class MlflowModelRegistry:
    """Keep models and their versions in the registry of an MLflow server.

    Stages are tags, because MLflow deprecates its own. The files of a version are those of a run of MLflow, made for it.
    """

    uri: str = "http://127.0.0.1:5000"
    """The address of the server."""
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    experiment: str = "plugbay models"
    """The experiment whose runs keep the files of versions."""
    timeout: float = 60.0
    """Seconds to wait for an answer."""
    retries: int = 3
    """How often the server is asked again when it is busy or not there."""

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        return uri_problems(self.uri, self._credentials)

    @hookimpl
    def component_health(self) -> Health:
        return self._server.health()

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"server": self.uri, "models": f"{self.uri.rstrip('/')}/#/models"}

    @hookimpl
    def model_registry_register(self, name: str, description: str, metadata: Mapping[str, str]) -> RegisteredModel:
        if not _NAME.fullmatch(name):
            msg = f"not the name of a model: {name!r}; it has letters, digits, '-', '_' and '.' only"
            raise ValueError(msg)
        made = self._server.post("registered-models/create", name=name, description=description, tags=tags_of(metadata))
        return model_of(made["registered_model"])

    @hookimpl
    def model_registry_get(self, name: str) -> RegisteredModel | None:
        try:
            return self._model(name)
        except KeyError:
            return None

    @hookimpl
    def model_registry_list(self, metadata: Mapping[str, str]) -> Sequence[RegisteredModel]:
        found = self._server.pages("registered-models/search", "registered_models", max_results=200)
        models = [model for model in map(model_of, found) if metadata.items() <= model.metadata.items()]
        return sorted(models, key=lambda model: model.name)

    @hookimpl
    def model_registry_update(
        self, name: str, description: str | None, metadata: Mapping[str, str | None]
    ) -> RegisteredModel:
        self._model(name)
        if description is not None:
            self._server.patch("registered-models/update", name=name, description=description)
        self._set_tags("registered-models", {"name": name}, metadata)
        return self._model(name)

    @hookimpl
    def model_registry_delete(self, name: str) -> bool:
        if self.model_registry_get(name) is None:
            return False
        versions = list(versions_of(name, self._server))
        try:
            self._server.delete("registered-models/delete", name=name)
        except KeyError:  # another one was quicker
            return False
        for version in versions:
            self._remove_files(version)
        return True

    @hookimpl
    def model_registry_create_version(
        self, name: str, source: Path | str, description: str, metadata: Mapping[str, str], origin: ModelOrigin | None
    ) -> ModelVersion:
        self._model(name)
        tags = tags_of(metadata, origin)
        given = {"name": name, "description": description}
        path = _local(source)
        if path is None:
            where = self._of_uri(str(source))
            return version_of(self._server.post("model-versions/create", **given, tags=tags, **where)["model_version"])
        if not path.exists():
            msg = f"there is no file or directory {path}"
            raise FileNotFoundError(msg)
        run = self._run_for(name, tags)
        root = f"{run['artifact_uri']}/model"
        status = "FAILED"
        try:
            files.upload(self._server, root, path, path.name)
            tags.append({"key": FILES, "value": path.name})
            made = self._server.post(
                "model-versions/create", **given, source=f"{root}/{path.name}", run_id=run["run_id"], tags=tags
            )
            status = "FINISHED"
        finally:
            self._server.post("runs/update", run_id=run["run_id"], status=status, end_time=int(time.time() * 1000))
        return version_of(made["model_version"])

    @hookimpl
    def model_registry_get_version(self, name: str, version: str) -> ModelVersion | None:
        try:
            if not version.startswith("@"):
                return version_of(self._version(name, version))
            if len(version) == 1:
                return None
            found = self._server.get("registered-models/alias", name=name, alias=version[1:])
        except (KeyError, ValueError):  # a text that cannot be an alias is none
            return None
        # What answers an alias has no aliases itself.
        return self.model_registry_get_version(name, str(found["model_version"]["version"]))

    @hookimpl
    def model_registry_list_versions(
        self, name: str, stage: ModelStage | None, order: VersionOrder
    ) -> Sequence[ModelVersion]:
        aliases = self._model(name).aliases
        found = [each for each in map(version_of, versions_of(name, self._server)) if stage in (None, each.stage)]
        found.sort(key=lambda each: int(each.version), reverse=order == "newest")
        by_version: dict[str, list[str]] = {}
        for alias, version in sorted(aliases.items()):
            by_version.setdefault(version, []).append(alias)
        return [_with_aliases(each, tuple(by_version.get(each.version, ()))) for each in found]

    @hookimpl
    def model_registry_update_version(
        self, name: str, version: str, description: str | None, metadata: Mapping[str, str | None]
    ) -> ModelVersion:
        self._version(name, version)
        if description is not None:
            self._server.patch("model-versions/update", name=name, version=version, description=description)
        self._set_tags("model-versions", {"name": name, "version": version}, metadata)
        return version_of(self._version(name, version))

    @hookimpl
    def model_registry_set_stage(self, name: str, version: str, stage: ModelStage, archive_others: bool) -> None:
        if stage not in get_args(ModelStage):
            msg = f"no stage of a model: {stage!r}; there are {', '.join(get_args(ModelStage))}"
            raise ValueError(msg)
        self._version(name, version)
        self._set_stage(name, version, stage)
        if archive_others:
            for other in map(version_of, versions_of(name, self._server)):
                if other.stage == stage and other.version != version:
                    self._set_stage(name, other.version, "archived")

    @hookimpl
    def model_registry_set_alias(self, name: str, alias: str, version: str | None) -> None:
        self._model(name)
        if version is not None:
            self._version(name, version)
            self._server.post("registered-models/alias", name=name, alias=alias, version=version)
            return
        try:
            self._server.delete("registered-models/alias", name=name, alias=alias)
        except KeyError:
            pass

    @hookimpl
    def model_registry_delete_version(self, name: str, version: str) -> bool:
        try:
            found = self._version(name, version)
            self._server.delete("model-versions/delete", name=name, version=version)
        except KeyError:
            return False
        self._remove_files(found)
        return True

    @hookimpl
    def model_registry_download(self, name: str, version: str, target: Path) -> Path:
        found = self._version(name, version)
        if keeps_files(found):
            return files.download(self._server, str(found["source"]), target)
        uri = self._server.get("model-versions/get-download-uri", name=name, version=version)["artifact_uri"]
        return files.download(self._server, str(uri), target)

    @hookimpl
    def model_registry_load(self, name: str, version: str) -> Any:
        self._version(name, version)
        with tempfile.TemporaryDirectory(prefix="plugbay-mlflow-") as scratch:
            path = self.model_registry_download(name, version, Path(scratch))
            if not (path / "MLmodel").is_file():
                return None
            import mlflow.pyfunc

            return mlflow.pyfunc.load_model(str(path))

    @hookimpl
    def model_registry_uri(self, name: str, version: str) -> str:
        self._version(name, version)
        return f"models:/{name}/{version}"

    def _model(self, name: str) -> RegisteredModel:
        if not name or "\0" in name:
            raise KeyError(name)
        return model_of(self._server.get("registered-models/get", name=name)["registered_model"])

    def _version(self, name: str, version: str) -> dict[str, Any]:
        """A version as the server tells it; numbers are written in one way only."""
        if not re.fullmatch("[1-9][0-9]{0,8}", version):
            msg = f"model {name!r} has no version {version!r}"
            raise KeyError(msg)
        self._model(name)
        found: dict[str, Any] = self._server.get("model-versions/get", name=name, version=version)["model_version"]
        return found

    def _of_uri(self, uri: str) -> dict[str, str]:
        """What tells the server of a model at a URI: MLflow loads only versions that name their logged model."""
        try:
            logged = logged_model(uri, self._server)
            if logged is not None:
                id, run = str(logged["model_id"]), logged.get("source_run_id")
                return {"source": f"models:/{id}", "model_id": id, **({"run_id": str(run)} if run else {})}
            if urlsplit(uri).scheme == "runs":
                files_of_run(uri, self._server)
                return {"source": uri, "run_id": run_and_name(uri)[0]}
        except (KeyError, FileNotFoundError) as error:
            msg = f"{uri}: there is no such model at {self.uri}: {error.args[0]}"
            raise FileNotFoundError(msg) from error
        return {"source": uri}

    def _set_stage(self, name: str, version: str, stage: str) -> None:
        self._server.post("model-versions/set-tag", name=name, version=version, key=STAGE, value=stage)

    def _set_tags(self, kind: str, whose: Mapping[str, str], metadata: Mapping[str, str | None]) -> None:
        tags_of({key: value or "" for key, value in metadata.items()})
        for key, value in metadata.items():
            if value is not None:
                self._server.post(f"{kind}/set-tag", **whose, key=key, value=value)
                continue
            try:
                self._server.delete(f"{kind}/delete-tag", **whose, key=key)
            except KeyError:
                pass

    def _run_for(self, name: str, tags: list[dict[str, str]]) -> dict[str, Any]:
        """A run to keep the files of a version of a model."""
        experiment = experiment_id(self._server, self.experiment)
        ours = [tag for tag in tags if tag["key"].startswith("plugbay.")]
        about = [*ours, {"key": "plugbay.model", "value": name}]
        now = int(time.time() * 1000)
        made = self._server.post(
            "runs/create", experiment_id=experiment, run_name=name[:200], start_time=now, tags=about
        )
        found: dict[str, Any] = made["run"]["info"]
        return found

    def _remove_files(self, version: Mapping[str, Any]) -> None:
        if keeps_files(version):
            files.remove(self._server, str(version["source"]).rpartition("/")[0])
            try:
                self._server.post("runs/delete", run_id=version["run_id"])
            except KeyError:
                pass

    @property
    def _credentials(self) -> Credentials:
        return Credentials(self.username, self.password, self.token)

    @cached_property
    def _server(self) -> Server:
        return Server(self.uri, self._credentials, timeout=self.timeout, retries=self.retries)


def _local(source: Path | str) -> Path | None:
    """The path of a source of the local disk; ``None`` for a URI that the server can reach."""
    if isinstance(source, Path):
        return source
    parts = urlsplit(source)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme else Path(source)


def _with_aliases(version: ModelVersion, aliases: tuple[str, ...]) -> ModelVersion:
    from attrs import evolve

    return evolve(version, aliases=aliases)
