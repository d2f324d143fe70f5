"""From a servable and its configuration to what Serve keeps of a deployment and gives to each of its replicas.

It is a mapping that JSON has a form for, in the application's ``user_config``: what is needed to serve the model, now or
again, and nothing of it is kept anywhere else. ``plugbay`` is another text each time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from plugbay_hookspecs.types.deployment import DeploymentConfig, Servable
from plugbay_ray.serving.code import packed

is_name = re.compile(r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?").fullmatch
_OPTIONS = {"max_ongoing_requests"}
_ONGOING = 16


def wanted(
    model: Servable, config: DeploymentConfig, runtime_env: Mapping[str, Any], modules: Sequence[str], grace: float
) -> dict[str, Any]:
    """What is wanted. Raises ``ValueError`` with everything that cannot be done."""
    problems = []
    ongoing = config.options.get("max_ongoing_requests", _ONGOING)
    path = _path(model.uri)
    if not is_name(config.name):
        problems.append(f"the name {config.name!r} must be lower-case letters, digits and hyphens, at most 53")
    if config.replicas < 1:
        problems.append(f"replicas={config.replicas}: one at least must answer")
    if config.image is not None:
        problems.append(f"image={config.image!r}: a replica runs in the environment of its node, not in an image")
    if unknown := set(config.options) - _OPTIONS:
        problems.append(f"there are no options {', '.join(sorted(unknown))}, only {', '.join(sorted(_OPTIONS))}")
    if not isinstance(ongoing, int) or ongoing < 1:
        problems.append(f"max_ongoing_requests={ongoing!r} must be a number from 1 on")
    if model.predictor is None or not all(model.predictor.partition(":")):
        problems.append(f"predictor={model.predictor!r} must be module:qualified.name")
    if path is None:
        problems.append(f"{model.uri}: a model is served from a file or directory that every node reaches")
    elif not path.exists():
        problems.append(f"{model.uri}: there is no such file or directory")
    code = ""
    if not problems:
        try:
            code = packed([str(model.predictor).partition(":")[0], *modules])
        except ValueError as error:
            problems.append(str(error))
    if problems:
        msg = f"deployment {config.name!r}: {'; '.join(problems)}"
        raise ValueError(msg)
    return {
        "plugbay": _version(),
        "stopped": False,
        "uri": model.uri,
        "path": str(path),
        "predictor": model.predictor,
        "digest": model.digest,
        "code": code,
        "labels": dict(config.labels),
        "replicas": config.replicas,
        "max_ongoing_requests": ongoing,
        "grace": grace,
        "actor": _actor(config, runtime_env),
    }


def changed(given: Mapping[str, Any], *, stopped: bool) -> dict[str, Any]:
    """The same model, stopped or started."""
    return {**given, "plugbay": _version(), "stopped": stopped}


def _version() -> str:
    return uuid4().hex[:16]


def _actor(config: DeploymentConfig, runtime_env: Mapping[str, Any]) -> dict[str, Any]:
    """What a replica asks of Ray; without a number of cores it takes one."""
    asked = config.resources
    variables = {**runtime_env.get("env_vars", {}), **config.environment}
    actor = {
        "num_cpus": 1 if asked.cpu is None else asked.cpu,
        "num_gpus": asked.gpu,
        "memory": asked.memory,
        "resources": dict(asked.other) or None,
        "runtime_env": {**runtime_env, "env_vars": variables} if runtime_env or variables else None,
    }
    return {name: value for name, value in actor.items() if value is not None}


def _path(uri: str) -> Path | None:
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        return None
    return Path(unquote(parts.path) if parts.scheme else uri).absolute()
