"""The model deployer that serves MLflow models from processes of this machine, with MLflow's scoring server."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_hookspecs.types.deployment import Deployment, DeploymentConfig, DeploymentFilter, Servable
from plugbay_hookspecs.types.stack import Problem, StackInfo
from plugbay_mlflow.credentials import Credentials
from plugbay_mlflow.server import Server, uri_problems
from plugbay_mlflow.serving import requests
from plugbay_mlflow.serving.detached import Detached, write
from plugbay_mlflow.serving.fetching import fetched, found_at
from plugbay_mlflow.serving.log import lines_of
from plugbay_mlflow.serving.server import HOST, current, decide

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?")
_PAUSE = 0.05


@component
class MlflowModelDeployer:
    """Serve each MLflow model with MLflow's scoring server, in a process of this machine, on 127.0.0.1 only."""

    uri: str | None = None
    """The address of the server that models at `models:/` and `runs:/` are fetched from."""
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    directory: Path | None = None
    """Where deployments keep their state and logs; without it `mlflow-deployments` in `PLUGBAY_HOME` or the user's data
    directory."""
    inherit: tuple[str, ...] = ()
    """The deploying process's variables that servers see beside `PATH`, `HOME` and the way to its modules."""
    grace: float = 30.0
    """Seconds that requests in progress are given when a deployment is stopped."""
    request_timeout: float = 60.0
    """Seconds to wait for a prediction."""

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        return [] if self.uri is None else uri_problems(self.uri, self._credentials)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"directory": str(self._root())}

    @hookimpl
    def model_deployer_deploy(self, model: Servable, config: DeploymentConfig, timeout: float) -> Deployment:
        given = self._checked(model, config)
        with self._alone(config.name):
            return self._serve(self._root() / config.name, given, timeout)

    @hookimpl
    def model_deployer_find(self, filters: DeploymentFilter) -> Sequence[Deployment]:
        found = []
        for directory in sorted(self._root().glob("[a-z0-9]*"), key=lambda path: path.name):
            with suppress(KeyError):  # deleted just now
                found.append(self._deployment(directory))
        return [deployment for deployment in found if filters.matches(deployment)]

    @hookimpl
    def model_deployer_status(self, id: str) -> Deployment:
        return self._deployment(self._existing(id))

    @hookimpl
    def model_deployer_start(self, id: str, timeout: float) -> Deployment:
        self._existing(id)
        with self._alone(id):
            directory = self._existing(id)
            now = self._deployment(directory)
            return now if now.state == "running" else self._serve(directory, _given(directory), timeout)

    @hookimpl
    def model_deployer_stop(self, id: str, force: bool) -> Deployment:
        self._existing(id)
        with self._alone(id):
            directory = self._existing(id)
            self._end(directory, force)
            return self._deployment(directory)

    @hookimpl
    def model_deployer_delete(self, id: str, force: bool) -> bool:
        with suppress(KeyError):
            self._existing(id)
            with self._alone(id):
                directory = self._existing(id)
                self._end(directory, force)
                shutil.rmtree(directory)
                return True
        return False

    @hookimpl
    def model_deployer_logs(self, id: str, follow: bool, tail: int | None) -> Iterator[str]:
        directory = self._existing(id)

        def follows() -> bool:
            return follow and any(_server(directory, number).lives() for number in _generations(directory))

        return lines_of(directory / "log", tail, follows)

    @hookimpl
    def model_deployer_predict(self, id: str, inputs: Any) -> Any:
        body = json.dumps(requests.plain(inputs)).encode()
        return requests.predicted(id, *requests.ask(self._existing(id), "/invocations", body, self.request_timeout))

    @property
    def _credentials(self) -> Credentials:
        return Credentials(self.username, self.password, self.token)

    @cached_property
    def _tracking(self) -> Server | None:
        return None if self.uri is None else Server(self.uri, self._credentials, timeout=60, retries=2)

    def _root(self) -> Path:
        if self.directory is not None:
            return self.directory.expanduser().absolute()
        home = os.environ.get("PLUGBAY_HOME")
        if home:
            return Path(home).expanduser().absolute() / "mlflow-deployments"
        from platformdirs import user_data_path

        return user_data_path("plugbay") / "mlflow-deployments"

    def _existing(self, id: str) -> Path:
        directory = self._root() / id
        if not _NAME.fullmatch(id) or not _generations(directory):
            raise KeyError(id)
        return directory

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

    def _checked(self, model: Servable, config: DeploymentConfig) -> dict[str, Any]:
        """What a server must know. Raises ``ValueError`` with everything that cannot be done."""
        problems = []
        port = config.options.get("port")
        if not _NAME.fullmatch(config.name):
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
        if model.predictor is not None or model.format not in (None, "mlflow"):
            problems.append("only a model that MLflow saved is served: format='mlflow', and no predictor")
        try:
            path = found_at(model.uri, self._tracking)
        except ValueError as error:
            problems.append(str(error))
        if problems:
            msg = f"deployment {config.name!r}: {'; '.join(problems)}"
            raise ValueError(msg)
        modules = [str(Path(entry).absolute()) for entry in sys.path if not entry.endswith(".zip")]
        machine = {name: os.environ[name] for name in ("PATH", "HOME", *self.inherit) if name in os.environ}
        environment = {"MLFLOW_DISABLE_TELEMETRY": "true", **machine, **config.environment}
        if "PYTHONPATH" in environment:
            modules.append(environment["PYTHONPATH"])
        return {
            "uri": model.uri,
            "path": None if path is None else str(path),
            "labels": dict(config.labels),
            "memory": config.resources.memory,
            "port": port,
            "environment": {**environment, "PYTHONPATH": os.pathsep.join(modules)},
        }

    def _serve(self, directory: Path, given: dict[str, Any], timeout: float) -> Deployment:
        """Start a new generation and wait until it has taken over."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._end_others(directory)
        generation = max(_generations(directory), default=0) + 1
        log = directory / "log"
        size = log.stat().st_size if log.exists() else 0
        server, before = _server(directory, generation), current(directory)
        command = [sys.executable, "-P", "-u", "-m", "plugbay_mlflow.serving.server", str(generation)]
        deadline = time.monotonic() + timeout
        try:
            if given["path"] is None:
                given = {**given, "path": fetched(given["uri"], self._tracking, directory / f"{generation}.model")}
            write(directory / f"{generation}.json", given)
            server.start(command, given["environment"], log)
            while timeout and not self._answers(directory, generation, before):
                if not server.lives() and current(directory) != generation:
                    raise RuntimeError(_why_not(directory, generation, size))
                if time.monotonic() > deadline:
                    if decide(directory, generation):
                        msg = f"deployment {directory.name!r} was not ready within {timeout:g} s"
                        raise TimeoutError(msg)
                    if current(directory) == generation:
                        break
                time.sleep(_PAUSE)
        except BaseException:
            if current(directory) != generation:
                server.kill()
                _forget(directory, generation)
                if not _generations(directory):
                    shutil.rmtree(directory)
            raise
        for old in _generations(directory):
            if old < generation and old != current(directory) and not _server(directory, old).lives():
                _forget(directory, old)
        return self._deployment(directory)

    def _answers(self, directory: Path, generation: int, before: int | None) -> bool:
        """Whether a generation answers, and the one before takes no more requests."""
        if current(directory) != generation:
            return False
        if before is not None and _server(directory, before).lives() and not (directory / f"{before}.retired").exists():
            return False
        with suppress(OSError):
            return requests.ask(directory, "/ping", None, 5)[0] == 200
        return False

    def _end_others(self, directory: Path) -> None:
        """End generations that have begun to start and have not taken over."""
        for number in _generations(directory):
            if number != current(directory) and decide(directory, number):
                _server(directory, number).kill()

    def _end(self, directory: Path, force: bool) -> None:
        (directory / "stopped").touch()
        self._end_others(directory)
        deadline = time.monotonic() + (0 if force else self.grace)
        number = signal.SIGKILL if force else signal.SIGTERM
        while living := [s for n in _generations(directory) if (s := _server(directory, n)).lives()]:
            for server in living:
                server.signal(number)
            if time.monotonic() > deadline:
                number = signal.SIGKILL
            time.sleep(_PAUSE)
        (directory / "stopped").touch()

    def _deployment(self, directory: Path) -> Deployment:
        numbers = _generations(directory)
        if not numbers:
            raise KeyError(directory.name)
        answering, latest = current(directory), max(numbers)
        given = _given(directory)
        state, detail, url = "failed", "", None
        if answering is not None and _server(directory, answering).lives() and not (directory / "stopped").exists():
            try:
                code, _ = requests.ask(directory, "/ping", None, 5)
                state, detail = ("running", "") if code == 200 else ("failed", f"its health is {code}")
            except OSError as error:
                lives = _server(directory, answering).lives()  # or it went while it was asked
                detail = f"it does not answer: {error}" if lives else _why_not(directory, answering, 0)
        elif latest != answering and _server(directory, latest).lives():
            state = "starting"
        elif (directory / "stopped").exists():
            state = "stopped"
        else:
            detail = _why_not(directory, latest, 0)
        if state in ("running", "starting") and (directory / "address").exists():
            url = f"http://{HOST}:{requests.port(directory)}"
        return Deployment(
            id=directory.name,
            name=directory.name,
            state=state,  # type: ignore[arg-type]  # one of the above
            url=url,
            model=given["uri"],
            detail=detail,
            labels=given["labels"],
        )


def _server(directory: Path, generation: int) -> Detached:
    return Detached(directory, f"server-{generation}")


def _generations(directory: Path) -> list[int]:
    return sorted(int(path.stem) for path in directory.glob("*.json") if path.stem.isdecimal())


def _given(directory: Path) -> dict[str, Any]:
    """What the generation that answers was given, or the last one when none ever answered."""
    number = current(directory) or max(_generations(directory))
    given: dict[str, Any] = json.loads((directory / f"{number}.json").read_bytes())
    return given


def _forget(directory: Path, generation: int) -> None:
    for path in (*directory.glob(f"{generation}.*"), *directory.glob(f"server-{generation}.*")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _why_not(directory: Path, generation: int, size: int) -> str:
    """Why a generation does not serve, with the end of what it printed."""
    try:
        reason = json.loads((directory / f"{generation}.failed").read_bytes())["reason"]
    except FileNotFoundError:
        reason = "its process is gone, killed or ended with the machine"
    with suppress(FileNotFoundError), (directory / "log").open("rb") as log:
        log.seek(max(size, (directory / "log").stat().st_size - 4000))
        printed = log.read().decode("utf-8", "replace").strip()
        return f"{reason}\n{printed}" if printed else str(reason)
    return str(reason)
