"""The applications of Ray Serve: begun, asked and ended. No other module speaks with Serve's controller."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from attrs import frozen

from plugbay_ray.serving.lock import alone
from plugbay_ray.serving.model import Model

_CONTROLLER, _NAMESPACE = "SERVE_CONTROLLER_ACTOR", "serve"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PAUSE = 0.1


@frozen
class Application:
    """An application, as Serve tells of it."""

    name: str
    status: str
    """``DEPLOYING``, ``RUNNING``, ``DEPLOY_FAILED``, ``UNHEALTHY`` or ``DELETING``."""
    told: str
    """Why it does not run."""
    given: Mapping[str, Any] | None
    """What it was begun with; ``None`` for one that Plugbay has not deployed."""
    replicas: Mapping[str, str]
    """The state of each replica, by the name of its actor."""
    actors: Sequence[str]
    """The ids of the replicas' actors, also of those that have ended a while ago, in the order in which they began."""

    def any_is(self, state: str) -> bool:
        """Whether a replica is ``STARTING``, ``RUNNING`` or ``STOPPING``."""
        return state in self.replicas.values()


@contextmanager
def reaching(what: str) -> Iterator[None]:
    """Turn what Ray raises when it cannot be reached into a ``ConnectionError``."""
    from ray.exceptions import RayError

    try:
        yield
    except RayError as error:
        msg = f"{what} does not answer: {error}"
        raise ConnectionError(msg) from error


def start_serve(host: str, port: int, timeout: float) -> None:
    """Start Serve where it does not run yet, with its HTTP proxy on the head."""
    serve = _serve()
    if _controller() is not None:
        return
    with alone("plugbay.serve", time.monotonic() + timeout), reaching("Ray Serve"):
        if _controller() is None:
            serve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port})


def begin(name: str, given: Mapping[str, Any], timeout: float) -> None:
    """Let an application become what is given. Only that Serve has begun is waited for.

    Serve starts its replicas beside those that are there, which answer until the new ones do, and go on answering when the
    new ones cannot start. One that has the version of what is given is left as it is.
    """
    serve = _serve()
    stopped = given["stopped"]
    deployed = serve.deployment(
        name="Model",
        num_replicas=1 if stopped else given["replicas"],
        ray_actor_options={"num_cpus": 0} if stopped else given["actor"],
        max_ongoing_requests=given["max_ongoing_requests"],
        user_config=dict(given),
        graceful_shutdown_timeout_s=given["grace"],
        graceful_shutdown_wait_loop_s=0.1,
        max_constructor_retry_count=1,
        max_surge_percent=100,
        rolling_update_percentage=1.0,
    )(Model)
    # Without a version of ours Serve invents one, and would start all replicas again when a failed change is undone.
    target = serve.RunTarget(
        target=deployed.options(version=given["plugbay"], _internal=True).bind(), name=name, route_prefix=f"/{name}"
    )
    with reaching("Ray Serve"):
        serve.run_many([target], wait_for_ingress_deployment_creation=False, wait_for_applications_running=False)
    deadline = time.monotonic() + timeout
    while version_of(found(timeout).get(name)) != given["plugbay"]:
        if pause(deadline):
            msg = f"Ray Serve did not begin {name!r} within {timeout:g} s"
            raise TimeoutError(msg)


def found(timeout: float) -> dict[str, Application]:
    """All applications that are not about to be gone."""
    import ray

    _serve()  # its classes are in what the controller tells
    controller = _controller()
    if controller is None:
        return {}
    with reaching("Ray Serve's controller"):
        told = ray.get(controller.get_serve_instance_details.remote(), timeout=timeout)
    read = [_read(name, application) for name, application in told["applications"].items()]
    return {one.name: one for one in read if one.status != "DELETING"}


def version_of(application: Application | None) -> str | None:
    """The version of what an application is to become; ``None`` when that is not Plugbay's."""
    return None if application is None or application.given is None else application.given["plugbay"]


def end(name: str) -> None:
    """End an application, and wait until it is gone."""
    with reaching("Ray Serve"):
        _serve().delete(name)


def kill(actors: Collection[str]) -> None:
    """End replicas and the requests that they are answering, at once."""
    import ray

    for actor in actors:
        with suppress(ValueError), reaching("Ray"):
            ray.kill(ray.get_actor(actor, namespace=_NAMESPACE))


def pause(deadline: float) -> bool:
    """Wait a moment; tell whether the deadline has passed."""
    time.sleep(_PAUSE)
    return time.monotonic() > deadline


def _controller() -> Any:
    """Serve's controller; ``None`` when Serve does not run."""
    import ray

    try:
        return ray.get_actor(_CONTROLLER, namespace=_NAMESPACE)
    except ValueError:
        return None


def _serve() -> Any:
    try:
        from ray import serve
    except ImportError as error:
        msg = f"Ray Serve is not installed ({error}): pip install 'plugbay-ray[serve]'"
        raise ImportError(msg) from error
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    return serve


def _read(name: str, told: Mapping[str, Any]) -> Application:
    deployments = told["deployments"].values()
    texts = [told["message"], *(deployment["message"] for deployment in deployments)]
    given = [deployment["deployment_config"].get("user_config") for deployment in deployments]
    ours = len(given) == 1 and isinstance(given[0], dict) and "plugbay" in given[0]
    replicas = {each["actor_name"]: _text(each["state"]) for one in deployments for each in one["replicas"]}
    began = [each for one in deployments for each in (*one["replicas"], *one.get("recent_dead_replicas", ()))]
    began.sort(key=lambda replica: replica["start_time_s"])
    return Application(
        name=name,
        status=_text(told["status"]),
        told=_COLOUR.sub("", "\n".join(text.strip() for text in texts if text)),
        given=given[0] if ours else None,
        replicas=replicas,
        actors=[id for replica in began if (id := replica.get("actor_id")) is not None],
    )


def _text(state: Any) -> str:
    return str(getattr(state, "value", state))
