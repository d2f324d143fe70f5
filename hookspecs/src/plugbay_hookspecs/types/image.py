"""Container images: what they are made of, where they lie, and who may fetch them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from plugbay_hookspecs.secret import Secret

WHEELS = "/opt/wheels"
"""Where wheels lie in an image that has them."""
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]*")
_SECRET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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
    wheels: tuple[str, ...] = ()
    """Where pip finds requirements beside its index: files of the context, which stay in the image in ``/opt/wheels``."""
    index: str | None = None
    """The URL of pip's index; empty: none but ``wheels``; ``None``: what the base image has configured."""
    files: tuple[str, ...] = ()
    """What to copy into ``directory``: files and directories, as paths relative to the build's context, ``/``-separated."""
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
        mounts = (f"--mount=type=secret,id={_checked(_SECRET, name, 'name of a secret')}" for name in self.secrets)
        run = " ".join(["RUN", *mounts])
        directory = _word(self.directory)
        lines = [f"FROM {_checked(_IMAGE, self.base, 'reference of an image')}", f"WORKDIR {directory}"]
        lines += [
            f"ENV {_checked(_VARIABLE, name, 'name of a variable')}={_quoted(value)}"
            for name, value in sorted(self.environment.items())
        ]
        if self.packages:
            lines.append(f"{run} {_arguments('apt-get', 'update')}")
            lines.append(f"{run} {_arguments('apt-get', 'install', '-y', '--no-install-recommends', *self.packages)}")
        if self.wheels:
            lines.append(f"COPY {_arguments(*map(_source, self.wheels), f'{WHEELS}/')}")
        if self.requirements:
            lines.append(f"{run} {_arguments('python', '-m', 'pip', 'install', '--no-cache-dir', *self._sought())}")
        lines += [f"COPY {_arguments(_source(file), f'{directory}/{_word(file)}')}" for file in self.files]
        lines += [f"{run} {_arguments(*command)}" for command in self.commands]
        return "\n".join([*lines, ""])

    def _sought(self) -> list[str]:
        """What pip installs, and where it looks for it."""
        for requirement in self.requirements:
            if not requirement.strip() or requirement.startswith("-"):
                msg = f"{requirement!r} is no requirement"
                raise ValueError(msg)
        found = [] if self.index is None else [f"--index-url={self.index}"] if self.index else ["--no-index"]
        return [*found, *([f"--find-links={WHEELS}"] if self.wheels else []), *self.requirements]


@frozen(kw_only=True)
class ImageDefaults:
    """What the images that the host has built for steps begin with, and where their requirements come from."""

    base: str | None = None
    """The reference of an image with Python and pip; ``None``: the official one of the driver's version of Python."""
    packages: tuple[str, ...] = ()
    """System packages, as apt-get takes them."""
    environment: Mapping[str, str] = field(factory=dict)
    """Variables of the image; no secret is among them."""
    index: str | None = None
    """As :attr:`ImageSpec.index`."""
    wheels: tuple[Path, ...] = ()
    """Wheels, and directories of wheels, on the driver's machine, for what no index has."""


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
    if "\n" in text or "\r" in text or "\0" in text:
        msg = f"{text!r} has a line break or a zero byte, which a Containerfile cannot hold"
        raise ValueError(msg)
    return text


def _checked(form: re.Pattern[str], text: str, what: str) -> str:
    if form.fullmatch(_line(text)) is None:
        msg = f"{text!r} is no {what}"
        raise ValueError(msg)
    return text


def _quoted(text: str) -> str:
    escaped = _line(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def _word(text: str) -> str:
    """A path as an instruction takes it that replaces variables and quotes."""
    if not text or "\\" in text or ".." in text.split("/"):
        msg = f"{text!r} is no path that a Containerfile can hold: it is empty, has a backslash or leads upwards"
        raise ValueError(msg)
    return re.sub(r"""(['"$])""", r"\\\1", _line(text))


def _source(file: str) -> str:
    """A file of the context."""
    if file.startswith("/"):
        msg = f"{file!r} is not in the build's context: it begins with a slash"
        raise ValueError(msg)
    if re.search(r"[*?\[]", file):  # builders differ in how a pattern is escaped
        msg = f"{file!r} would be taken for a pattern; name the directory that it is in"
        raise ValueError(msg)
    return _word(file)


def _arguments(*arguments: str) -> str:
    return json.dumps([_line(argument) for argument in arguments], ensure_ascii=False)
