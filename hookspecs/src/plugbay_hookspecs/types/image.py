"""Container images: what they are made of, where they lie, and who may fetch them."""

import json
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from plugbay_hookspecs.secret import Secret


@frozen(kw_only=True)
class Image:
    """A container image that exists."""

    reference: str
    """Its full name, as ``podman run`` takes it: ``registry.example.com/flights:2f1c``."""
    digest: str
    """Of its manifest: ``sha256:`` and 64 hexadecimal digits."""
    archive: Path | None = None
    """The image as a file of the local disk: an OCI image layout with this one image, as an uncompressed tar file.
    ``None`` when it lies only in a registry or in the storage of the tool that built it."""


@frozen(kw_only=True)
class ImageSpec:
    """What an image is made of. The same specification makes the same image as far as its tools are reproducible."""

    base: str
    """The reference of the image to begin with; it has Python and pip."""
    packages: tuple[str, ...] = ()
    """System packages, as apt-get takes them."""
    requirements: tuple[str, ...] = ()
    """Python distributions: PEP 508 requirements."""
    files: tuple[str, ...] = ()
    """What to copy into ``directory``: paths relative to the build's context, ``/``-separated."""
    directory: str = "/app"
    """The working directory."""
    environment: Mapping[str, str] = field(factory=dict)
    """Variables of the image; no secret is among them."""
    commands: tuple[tuple[str, ...], ...] = ()
    """What to run at the end, each a list of arguments; no shell is involved."""
    secrets: tuple[str, ...] = ()
    """The names of secrets that commands read in ``/run/secrets/`` while the image is built; none stays in it."""
    containerfile: str | None = None
    """A Containerfile in the context that says all this itself; then the rest is left empty."""

    def instructions(self) -> str:
        """The specification as a Containerfile, which buildah, Docker, podman and kaniko read.

        Raises ``ValueError`` for a value that a Containerfile has no way to write.
        """
        run = " ".join(["RUN", *(f"--mount=type=secret,id={name}" for name in self.secrets)])
        lines = [f"FROM {_line(self.base)}", f"WORKDIR {_line(self.directory)}"]
        lines += [f"ENV {name}={_quoted(value)}" for name, value in sorted(self.environment.items())]
        if self.packages:
            lines.append(f"{run} {_arguments('apt-get', 'update')}")
            lines.append(f"{run} {_arguments('apt-get', 'install', '-y', '--no-install-recommends', *self.packages)}")
        if self.requirements:
            pip = ("python", "-m", "pip", "install", "--no-cache-dir")
            lines.append(f"{run} {_arguments(*pip, *self.requirements)}")
        lines += [f"COPY {_arguments(file, f'{self.directory}/{file}')}" for file in self.files]
        lines += [f"{run} {_arguments(*command)}" for command in self.commands]
        return "\n".join([*lines, ""])


@frozen(kw_only=True)
class BuildOptions:
    """How to build an image, which does not change what it is made of."""

    reference: str
    """What to name the image; a builder that is not local pushes it there."""
    archive: Path | None = None
    """Where a local builder writes the image (see :attr:`Image.archive`); ``None``: it stays in the tool's storage."""
    platform: str | None = None
    """``linux/amd64``; ``None``: that of the machine that builds."""
    cache: bool = True
    """Steps that were built before may be used again."""
    labels: Mapping[str, str] = field(factory=dict)
    """Kept with the image, for people and for finding it."""
    arguments: Mapping[str, str] = field(factory=dict)
    """Values of the Containerfile's ``ARG``; no secret is among them."""
    secrets: Mapping[str, Secret] = field(factory=dict)
    """The values of the specification's secrets."""
    login: "RegistryLogin | None" = None
    """For the registry of the base image and of ``reference``."""


@frozen(kw_only=True)
class RegistryLogin:
    """What another tool needs to reach a container registry by itself."""

    server: str
    """Host and port, as a reference begins with: ``127.0.0.1:5000``."""
    username: str | None = None
    """``None``: nobody logs in."""
    password: Secret | None = None
    expires: float | None = None
    """Seconds since the epoch when the password stops to work; ``None``: it does not."""
    insecure: bool = False
    """The registry speaks plain HTTP."""


def _line(text: str) -> str:
    if "\n" in text or "\r" in text:
        msg = f"{text!r} has a line break, which a Containerfile cannot hold"
        raise ValueError(msg)
    return text


def _quoted(text: str) -> str:
    escaped = _line(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def _arguments(*arguments: str) -> str:
    return json.dumps([_line(argument) for argument in arguments])
