"""The model deployer that serves models with Ray Serve."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.deployment import Deployment, DeploymentConfig, DeploymentFilter, Servable
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo
from plugbay_ray.connection import connected
from plugbay_ray.serving.asking import ask, plain
from plugbay_ray.serving.lock import alone
from plugbay_ray.serving.log import lines_of
from plugbay_ray.serving.wanted import changed, is_name, wanted

if TYPE_CHECKING:
    from plugbay_hookspecs.types.deployment import DeploymentState
    from plugbay_ray.serving.applications import Application

_DRAINING = 5.0
"""Seconds that `deploy` waits, when the new model answers, for the one before to have answered its last request."""


@component
class RayModelDeployer:
    """Serve each model as an application of Ray Serve, on a cluster that exists: JSON to ``POST /<name>``."""

    address: str
    """Of the cluster: `10.0.0.1:6379`, or `auto` on one of its machines."""
    url: str = "http://127.0.0.1:8000"
    """Of Serve's HTTP proxy, as those reach it who ask. Where Serve does not run yet, it is started with this port."""
    host: str = "127.0.0.1"
    """The address of the head on which the proxy listens when Serve is started: `0.0.0.0` for requests from elsewhere."""
    modules: tuple[str, ...] = ()
    """Modules and packages, beside the predictor's own, that are brought to the nodes."""
    runtime_env: Mapping[str, Any] = attrs.field(factory=dict)
    """What Ray prepares for the replicas: `{ pip = ["polars"] }`."""
    timeout: float = 30.0
    """Seconds to wait for an answer of the cluster."""
    grace: float = 30.0
    """Seconds that requests in progress are given when a model is replaced or stopped."""
    request_timeout: float = 60.0
    """Seconds to wait for a prediction."""
    _connection: ExitStack = attrs.field(init=False, factory=ExitStack, repr=False)
    _is_connected: bool = attrs.field(init=False, default=False, repr=False)
    _connecting: Any = attrs.field(init=False, factory=threading.Lock, repr=False)

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        problems = []
        if not self.address or self.address == "local":
            problems.append(
                Problem(
                    message=f"address = {self.address!r}: a model is served after the process that deployed it has ended",
                    remedy="give the address of a cluster that exists, as 10.0.0.1:6379",
                )
            )
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            problems.append(
                Problem(
                    message=f"url = {self.url!r} is no URL",
                    remedy="give that of Serve's proxy, as http://10.0.0.1:8000",
                )
            )
        return problems

    @hookimpl
    def component_stop(self) -> None:
        with self._connecting:
            self._connection.close()
            self._is_connected = False

    @hookimpl
    def component_health(self) -> Health:
        asked = time.perf_counter()
        count = len(self._found())
        return Health(ok=True, detail=f"{count} applications", latency=time.perf_counter() - asked)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"cluster": self.address, "url": self.url}

    @hookimpl
    def model_deployer_deploy(self, model: Servable, config: DeploymentConfig, timeout: float) -> Deployment:
        given = wanted(model, config, self.runtime_env, self.modules, self.grace)
        deadline = time.monotonic() + timeout
        self._connect()
        with alone(config.name, deadline if timeout else time.monotonic() + self.timeout):
            return self._serve(config.name, given, timeout, deadline)

    @hookimpl
    def model_deployer_find(self, filters: DeploymentFilter) -> Sequence[Deployment]:
        ours = [application for _, application in sorted(self._found().items()) if application.given is not None]
        return [deployment for one in ours if filters.matches(deployment := self._deployment(one))]

    @hookimpl
    def model_deployer_status(self, id: str) -> Deployment:
        return self._deployment(self._existing(id))

    @hookimpl
    def model_deployer_start(self, id: str, timeout: float) -> Deployment:
        deadline = time.monotonic() + timeout
        self._existing(id)
        with alone(id, deadline if timeout else time.monotonic() + self.timeout):
            now = self._existing(id)
            told = self._deployment(now)
            if told.state in ("running", "starting"):
                return told
            return self._serve(id, changed(_given(now), stopped=False), timeout, deadline)

    @hookimpl
    def model_deployer_stop(self, id: str, force: bool) -> Deployment:
        from plugbay_ray.serving import applications

        now = self._existing(id)
        if force and not _given(now)["stopped"]:
            applications.kill(now.replicas)
        with alone(id, time.monotonic() + self.timeout):
            now = self._existing(id)
            if not _given(now)["stopped"]:
                stopped = changed(_given(now), stopped=True)
                applications.begin(id, stopped, self.timeout)
                self._await(id, stopped, time.monotonic() + self.timeout, self.timeout)
                self._await_the_end(id, self.grace)
        return self._deployment(self._existing(id))

    @hookimpl
    def model_deployer_delete(self, id: str, force: bool) -> bool:
        from plugbay_ray.serving import applications

        with suppress(KeyError):
            self._existing(id)
            with alone(id, time.monotonic() + self.timeout):
                now = self._existing(id)
                if force:
                    applications.kill(now.replicas)
                applications.end(id)
                return True
        return False

    @hookimpl
    def model_deployer_logs(self, id: str, follow: bool, tail: int | None) -> Iterator[str]:
        self._existing(id)
        return lines_of(lambda: self._existing(id), self.timeout, follow=follow, tail=tail)

    @hookimpl
    def model_deployer_predict(self, id: str, inputs: Any) -> Any:
        if not is_name(id):
            raise KeyError(id)
        try:
            code, answer = ask(self._url(id), "POST", json.dumps(plain(inputs)).encode(), self.request_timeout)
        except ConnectionRefusedError:
            self._existing(id)
            raise
        if code == 200:
            return answer
        if code == 404:
            raise KeyError(id)
        told = answer.get("error") if isinstance(answer, dict) else answer
        msg = f"deployment {id!r} answered {code}: {told}"
        raise ValueError(msg) if code in (400, 422) else OSError(msg)

    def _connect(self) -> None:
        """Be connected until the component is stopped: it takes a second each time."""
        with self._connecting:
            if not self._is_connected:
                self._connection.enter_context(connected(self.address, None, self.timeout))
                self._is_connected = True

    def _found(self) -> dict[str, Application]:
        from plugbay_ray.serving import applications

        self._connect()
        return applications.found(self.timeout)

    def _existing(self, id: str) -> Application:
        found = self._found().get(id)
        if found is None or found.given is None:
            raise KeyError(id)
        return found

    def _url(self, name: str) -> str:
        return f"{self.url.rstrip('/')}/{name}"

    def _serve(self, name: str, given: Mapping[str, Any], timeout: float, deadline: float) -> Deployment:
        """Begin a model and wait until it answers; after an error all is as it was."""
        from plugbay_ray.serving import applications

        before = self._found().get(name)
        if before is not None and before.given is None:
            msg = f"deployment {name!r}: Serve has an application of this name that was not deployed by Plugbay"
            raise ValueError(msg)
        applications.start_serve(self.host, urlsplit(self.url).port or 80, self.timeout)
        try:
            applications.begin(name, given, self.timeout)
            if not timeout:
                return self._told(name, "starting", given)
            self._await(name, given, deadline, timeout)
        except BaseException:
            if before is None:
                applications.end(name)
            else:
                with suppress(OSError, RuntimeError):
                    applications.begin(name, _given(before), self.timeout)
                    self._await(name, _given(before), time.monotonic() + self.timeout, self.timeout)
            raise
        self._await_the_end(name, min(_DRAINING, self.grace))
        return self._deployment(self._existing(name))

    def _await(self, name: str, given: Mapping[str, Any], deadline: float, timeout: float) -> None:
        """Wait until what was given answers, under the deployment's URL."""
        from plugbay_ray.serving.applications import pause, version_of

        detail = ""
        while True:
            now = self._found().get(name)
            if now is not None and version_of(now) == given["plugbay"]:
                detail = now.told
                if now.status == "DEPLOY_FAILED":
                    _, _, cause = detail.rpartition("\n")
                    msg = f"deployment {name!r} did not start: {cause}\n{detail}"
                    raise RuntimeError(msg)
                if now.status == "RUNNING":
                    answer = self._asked(name)
                    if answer is not None and answer["version"] == given["plugbay"]:
                        return
                    detail = f"Serve runs it, but it does not answer at {self._url(name)}"
            if pause(deadline):
                msg = f"deployment {name!r} was not ready within {timeout:g} s{': ' if detail else ''}{detail}"
                raise TimeoutError(msg)

    def _await_the_end(self, name: str, seconds: float) -> None:
        """Wait until the replicas before have answered all requests, which some may have got a moment ago."""
        from plugbay_ray.serving.applications import pause

        deadline = time.monotonic() + seconds
        while self._existing(name).any_is("STOPPING") and not pause(deadline):
            pass

    def _asked(self, name: str) -> dict[str, Any] | None:
        """What the replica that is asked tells of itself; ``None`` when none answers."""
        with suppress(OSError):
            code, answer = ask(self._url(name), "GET", None, 5)
            if code == 200 and isinstance(answer, dict) and "version" in answer:
                return answer
        return None

    def _deployment(self, now: Application) -> Deployment:
        """How an application is doing. While it changes, what answers tells what it is."""
        given = _given(now)
        if now.status == "RUNNING":
            return self._told(now.name, "stopped" if given["stopped"] else "running", given)
        answer = self._asked(now.name) if now.any_is("RUNNING") else None
        if answer is not None:
            answering = {"uri": answer["model"], "labels": answer["labels"]}
            return self._told(now.name, "stopped" if answer["stopped"] else "running", answering)
        restarting = now.status == "UNHEALTHY" and now.any_is("STARTING")  # Serve's own word for it; requests wait
        if now.status in ("DEPLOY_FAILED", "UNHEALTHY") and not restarting:
            return self._told(now.name, "failed", given, now.told)
        return self._told(now.name, "starting", given, now.told)

    def _told(self, name: str, state: DeploymentState, given: Mapping[str, Any], detail: str = "") -> Deployment:
        return Deployment(
            id=name,
            name=name,
            state=state,
            url=self._url(name),
            model=given["uri"],
            detail=detail,
            labels=given["labels"],
        )


def _given(application: Application) -> Mapping[str, Any]:
    assert application.given is not None
    return application.given
