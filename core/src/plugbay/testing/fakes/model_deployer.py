"""A model deployer whose models answer in the process that made it."""

from __future__ import annotations

import importlib
import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from attrs import field

from plugbay.testing.fakes.shared import Shared
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Deployment, DeploymentConfig, DeploymentFilter, Servable

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?")
_PAUSE = 0.01


class Generation:
    """One model that is, or will be, served under a name."""

    def __init__(self, model: Servable, config: DeploymentConfig, prediction: object) -> None:
        """Begin to load the model."""
        self.model, self.config = model, config
        self.predict: Callable[[Any], Any] | None = None
        self.error: Exception | None = None
        self.forced = threading.Event()
        self.busy = 0
        self._prediction = prediction
        self.loading = threading.Thread(target=self._load, daemon=True)
        self.loading.start()

    def _load(self) -> None:
        try:
            self.predict = _loaded(self.model, self._prediction)
        except Exception as error:  # noqa: BLE001  the model's own
            self.error = error

    def answer(self, inputs: Any) -> Any:
        """Predict, in a thread of its own, so that a caller can be let go."""
        done: list[tuple[Any, Exception | None]] = []

        def ask() -> None:
            assert self.predict is not None
            try:
                done.append((self.predict(inputs), None))
            except Exception as error:  # noqa: BLE001  the model's own
                done.append((None, error))

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        while asking.is_alive() and not self.forced.is_set():
            asking.join(_PAUSE)
        if not done:
            msg = f"deployment {self.config.name!r} was stopped before it answered"
            raise ConnectionResetError(msg)
        answer, error = done[0]
        if error is not None:
            msg = f"{type(error).__name__}: {error}"
            raise ValueError(msg) if isinstance(error, (ValueError, TypeError, LookupError)) else OSError(msg)
        return answer


class Deployments:
    """What is served under each name. Its lock is never held while a model loads or predicts."""

    def __init__(self) -> None:
        """Serve nothing yet."""
        self.lock = threading.RLock()
        self.serving: dict[str, Generation] = {}
        self.coming: dict[str, Generation] = {}
        self.stopped: set[str] = set()

    def deploy(self, model: Servable, config: DeploymentConfig, timeout: float, prediction: object) -> Deployment:
        """Serve a model."""
        generation = Generation(model, config, prediction)
        with self.lock:
            self.coming[config.name] = generation
        if timeout:
            generation.loading.join(timeout)
            self._check(config.name, generation, timeout)
        else:
            threading.Thread(target=self._take_over, args=(config.name, generation), daemon=True).start()
        return self.status(config.name)

    def _check(self, name: str, generation: Generation, timeout: float) -> None:
        with self.lock:
            if generation.predict is not None:
                self._serve(name, generation)
                return
            if self.coming.get(name) is generation:
                del self.coming[name]
        if generation.error is None:
            msg = f"deployment {name!r} was not ready within {timeout:g} s"
            raise TimeoutError(msg)
        msg = f"deployment {name!r}: {type(generation.error).__name__}: {generation.error}"
        raise RuntimeError(msg)

    def _take_over(self, name: str, generation: Generation) -> None:
        generation.loading.join()
        with self.lock:
            if generation.predict is not None and self.coming.get(name) is generation:
                self._serve(name, generation)

    def _serve(self, name: str, generation: Generation) -> None:
        self.serving[name] = generation
        if self.coming.get(name) is generation:
            del self.coming[name]
        self.stopped.discard(name)

    def found(self) -> list[Deployment]:
        """All deployments, in order."""
        with self.lock:
            return [self.status(name) for name in sorted({*self.serving, *self.coming})]

    def status(self, name: str) -> Deployment:
        """How a deployment is doing."""
        with self.lock:
            generation = self.serving.get(name) or self.coming[name]
            detail = "" if generation.error is None else f"{type(generation.error).__name__}: {generation.error}"
            state = "failed" if detail else "running" if name in self.serving else "starting"
            return Deployment(
                id=name,
                name=name,
                state="stopped" if name in self.stopped else state,  # type: ignore[arg-type]  # one of the states
                url=None if name in self.stopped or detail else f"fake://{name}",
                model=generation.model.uri,
                detail=detail,
                labels=dict(generation.config.labels),
            )

    def start(self, name: str) -> Deployment:
        """Serve again."""
        with self.lock:
            self.status(name)
            if name in self.stopped:
                self.stopped.discard(name)
                self.serving[name].forced = threading.Event()
            return self.status(name)

    def stop(self, name: str, force: bool) -> Deployment:
        """Serve no longer."""
        with self.lock:
            self.status(name)
            self.stopped.add(name)
        self._let_go(name, force)
        return self.status(name)

    def delete(self, name: str, force: bool) -> bool:
        """Forget a deployment."""
        with self.lock:
            if name not in self.serving and name not in self.coming:
                return False
            self.stopped.add(name)
        self._let_go(name, force)
        with self.lock:
            self.serving.pop(name, None)
            self.coming.pop(name, None)
            self.stopped.discard(name)
        return True

    def _let_go(self, name: str, force: bool) -> None:
        generation = self.serving.get(name)
        if generation is not None and force:
            generation.forced.set()
        while generation is not None and generation.busy:
            time.sleep(_PAUSE)

    def predict(self, name: str, inputs: Any) -> Any:
        """Answer a request."""
        with self.lock:
            state = self.status(name).state
            if state != "running":
                msg = f"deployment {name!r} does not answer: it is {state}"
                raise ConnectionRefusedError(msg)
            generation = self.serving[name]
            generation.busy += 1
        try:
            return generation.answer(inputs)
        finally:
            with self.lock:
                generation.busy -= 1


@component
class FakeModelDeployer:
    """Serves models in memory: with their predictor, or by answering every row with ``prediction``."""

    prediction: Any = 0
    kept: Any = field(factory=lambda: Shared(Deployments(), alone=False), repr=False)

    @hookimpl
    def model_deployer_deploy(self, model: Servable, config: DeploymentConfig, timeout: float) -> Deployment:
        if not _NAME.fullmatch(config.name):
            msg = f"the name {config.name!r} must be lower-case letters, digits and hyphens, at most 53"
            raise ValueError(msg)
        path = _path_of(model.uri)
        if path is not None and not path.exists():
            msg = f"{model.uri}: there is no such file"
            raise ValueError(msg)
        made: Deployment = self.kept.deploy(model, config, timeout, self.prediction)
        return made

    @hookimpl
    def model_deployer_find(self, filters: DeploymentFilter) -> Sequence[Deployment]:
        return [deployment for deployment in self.kept.found() if filters.matches(deployment)]

    @hookimpl
    def model_deployer_status(self, id: str) -> Deployment:
        found: Deployment = self.kept.status(id)
        return found

    @hookimpl
    def model_deployer_start(self, id: str) -> Deployment:
        found: Deployment = self.kept.start(id)
        return found

    @hookimpl
    def model_deployer_stop(self, id: str, force: bool) -> Deployment:
        found: Deployment = self.kept.stop(id, force)
        return found

    @hookimpl
    def model_deployer_delete(self, id: str, force: bool) -> bool:
        existed: bool = self.kept.delete(id, force)
        return existed

    @hookimpl
    def model_deployer_predict(self, id: str, inputs: Any) -> Any:
        return self.kept.predict(id, inputs)


def _loaded(model: Servable, prediction: object) -> Callable[[Any], Any]:
    if model.predictor is None:
        return lambda rows: [prediction for _ in range(len(rows))]
    module, _, name = model.predictor.partition(":")
    make: Any = importlib.import_module(module)
    for part in name.split("."):
        make = getattr(make, part)
    predict: Callable[[Any], Any] = make(_path_of(model.uri))
    return predict


def _path_of(uri: str) -> Path | None:
    """The file that a URI names; ``None`` when it lies elsewhere."""
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file"):
        return None
    return Path(url2pathname(parts.path)) if parts.scheme else Path(uri)
