"""A registry of images that speaks the Distribution protocol: Debian's docker-registry, with a name and a password."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from servers.debian import need
from servers.ports import free_port
from servers.service import Service, answers

_CONFIGURATION = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {directory}/registry}}, delete: {{enabled: true}}}}
http: {{addr: 127.0.0.1:{port}}}
auth: {{htpasswd: {{realm: tests, path: {directory}/users}}}}
"""


@frozen
class DockerRegistry:
    """Where the registry listens, without TLS, and who may use it."""

    server: str
    username: str = "otter"
    password: str = "otter-1b6e-stream"


@contextmanager
def docker_registry(directory: Path) -> Iterator[DockerRegistry]:
    """Start a registry that keeps its images in ``directory``."""
    need("docker-registry", "apache2-utils")
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    registry = DockerRegistry(f"127.0.0.1:{port}")
    made = ["htpasswd", "-Bbc", str(directory / "users"), registry.username, registry.password]
    subprocess.run(made, check=True, capture_output=True)
    configuration = directory / "registry.yml"
    configuration.write_text(_CONFIGURATION.format(directory=directory, port=port))
    command = ["docker-registry", "serve", configuration]
    with Service(command, log=directory / "log", ready=lambda: answers(f"http://{registry.server}/v2/")):
        yield registry
