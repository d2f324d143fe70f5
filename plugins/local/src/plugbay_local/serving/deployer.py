"""The model deployer whose deployments are server processes of this machine, but for what differs between tools."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.deployment import Deployment, DeploymentConfig, DeploymentFilter, Servable
from plugbay_local.home import user_path
from plugbay_local.processes.detached import machine_environment
from plugbay_local.processes.following import lines_of
from plugbay_local.serving.generations import Generations
from plugbay_local.serving.served import Served

_is_name = re.compile(r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?").fullmatch


@component
class ServerDeployer:
    """Serve each model from a process of this machine; a subclass adds ``model_deployer_predict`` and is a flavor."""

    kept_in: ClassVar[str]
    """The name of the directory that is used when the settings give none."""
    server: ClassVar[str]
    """The module that is run to serve a model; it calls :func:`~plugbay_local.serving.turns.take_turn`."""
    health: ClassVar[str] = "/health"
    """The path at which a server answers 200 to GET."""
    predictions: ClassVar[str] = "/predict"
    """The path at which a server takes inputs by POST: the end of a deployment's URL."""

    directory: Path | None = None
    """Where deployments keep their state and logs; without it a directory in `PLUGBAY_HOME` or the user's data directory."""
    inherit: tuple[str, ...] = ()
    """The deploying process's variables that servers see beside `PATH`, `HOME`, `PLUGBAY_HOME` and the way to its modules."""
    grace: float = 30.0
    """Seconds that requests in progress are given when a deployment is stopped."""
    request_timeout: float = 60.0
    """Seconds to wait for a prediction."""

    def problems(self, model: Servable) -> Sequence[str]:
        """What the tool cannot do of what is asked; all of it is told at once."""
        return ()

    def found(self, uri: str) -> Path | None:
        """The path of a model on this machine; ``None`` for one to be fetched. Raises ``ValueError`` where there is none."""
        return local_path(uri)

    def fetch(self, uri: str, target: Path) -> Path:
        """Fetch a model that is not on this machine; give its path, in ``target``, which is to be made."""
        raise NotImplementedError

    def ask(self, id: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send a deployment a POST of JSON, or a GET without a body; give the status and content of the answer.

        Raises ``KeyError`` where there is no such deployment and ``OSError`` where it does not answer.
        """
        return self._existing(id).ask(path, body, self.request_timeout)

    def path_of(self, id: str) -> Path:
        """Where the model of a deployment lies on this machine. Raises ``KeyError`` where there is no such deployment."""
        return Path(self._existing(id).generations.last_given()["path"])

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"directory": str(self._root())}

    @hookimpl
    def model_deployer_deploy(self, model: Servable, config: DeploymentConfig, timeout: float) -> Deployment:
        given = self._checked(model, config)
        with self._alone(config.name):
            served = self._served(config.name)
            served.start(given, timeout, self.fetch)
            return served.deployment()

    @hookimpl
    def model_deployer_find(self, filters: DeploymentFilter) -> Sequence[Deployment]:
        found = []
        for directory in sorted(self._root().glob("[a-z0-9]*"), key=lambda path: path.name):
            with suppress(KeyError):  # deleted just now
                found.append(self._served(directory.name).deployment())
        return [deployment for deployment in found if filters.matches(deployment)]

    @hookimpl
    def model_deployer_status(self, id: str) -> Deployment:
        return self._existing(id).deployment()

    @hookimpl
    def model_deployer_start(self, id: str, timeout: float) -> Deployment:
        with self._existing_alone(id) as served:
            if (now := served.deployment()).state == "running":
                return now
            served.start(served.generations.last_given(), timeout, self.fetch)
            return served.deployment()

    @hookimpl
    def model_deployer_stop(self, id: str, force: bool) -> Deployment:
        with self._existing_alone(id) as served:
            served.generations.end(0 if force else self.grace)
            return served.deployment()

    @hookimpl
    def model_deployer_delete(self, id: str, force: bool) -> bool:
        with suppress(KeyError), self._existing_alone(id) as served:
            served.generations.end(0 if force else self.grace)
            shutil.rmtree(served.generations.directory)
            return True
        return False

    @hookimpl
    def model_deployer_logs(self, id: str, follow: bool, tail: int | None) -> Iterator[str]:
        generations = self._existing(id).generations
        return lines_of(generations.log, tail, lambda: follow and bool(generations.living()))

    def _root(self) -> Path:
        return self.directory.expanduser().absolute() if self.directory is not None else user_path(self.kept_in)

    def _served(self, id: str) -> Served:
        return Served(Generations(self._root() / id), self.server, self.health, self.predictions)

    def _existing(self, id: str) -> Served:
        served = self._served(id)
        if not _is_name(id) or not served.generations.numbers():
            raise KeyError(id)
        return served

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Have no other process start or end servers of a deployment."""
        locks = self._root() / ".locks"
        locks.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(locks / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _existing_alone(self, id: str) -> Iterator[Served]:
        self._existing(id)  # no lock is made for one that there is not
        with self._alone(id):
            yield self._existing(id)

    def _checked(self, model: Servable, config: DeploymentConfig) -> dict[str, Any]:
        """What a server must know. Raises ``ValueError`` with everything that cannot be done."""
        problems = []
        port = config.options.get("port")
        if not _is_name(config.name):
            problems.append(f"the name {config.name!r} must be lower-case letters, digits and hyphens, at most 53")
        if config.replicas != 1:
            problems.append(f"replicas={config.replicas}: one process answers, with a thread for each request")
        if config.image is not None:
            problems.append(f"image={config.image!r}: a process of this machine runs in no image")
        if beyond := config.resources.names() - {"memory"}:
            problems.append(f"{', '.join(sorted(beyond))} cannot be granted to a process, only memory")
        if unknown := set(config.options) - {"port"}:
            problems.append(f"there are no options {', '.join(sorted(unknown))}, only port")
        if port is not None and not (isinstance(port, int) and 0 < port < 65536):
            problems.append(f"port={port!r} must be a number from 1 to 65535")
        problems += self.problems(model)
        path = None
        try:
            path = self.found(model.uri)
        except ValueError as error:
            problems.append(str(error))
        if problems:
            msg = f"deployment {config.name!r}: {'; '.join(problems)}"
            raise ValueError(msg)
        modules = [str(Path(entry).absolute()) for entry in sys.path if not entry.endswith(".zip")]
        environment = {**machine_environment(self.inherit), **config.environment}
        if "PYTHONPATH" in environment:
            modules.append(environment["PYTHONPATH"])
        return {
            "uri": model.uri,
            "path": None if path is None else str(path),
            "format": model.format,
            "predictor": model.predictor,
            "digest": model.digest,
            "labels": dict(config.labels),
            "memory": config.resources.memory,
            "port": port,
            "environment": {**environment, "PYTHONPATH": os.pathsep.join(modules)},
        }


def local_path(uri: str) -> Path:
    """The path that a URI names. Raises ``ValueError`` for one that names no file or directory of this machine."""
    parts = urlsplit(uri)
    path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(uri)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost") or not path.exists():
        msg = f"{uri}: a model is served from a file or directory of this machine, and there is none"
        raise ValueError(msg)
    return path.absolute()
