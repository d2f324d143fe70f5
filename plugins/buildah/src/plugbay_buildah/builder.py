"""The image builder that runs buildah on this machine."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from attrs import field

from plugbay_buildah.scratch import Scratch, scratch
from plugbay_buildah.tool import Tool
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.image import Image, ImageDefaults
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo

if TYPE_CHECKING:
    from plugbay_hookspecs.types import BuildOptions, ImageSpec

_PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_is_reference = re.compile(
    rf"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?/)?{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}})?"
).fullmatch
_is_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*").fullmatch
_is_argument = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch


@component
class BuildahImageBuilder:
    """Build images with buildah, on this machine and without a daemon."""

    base: str | None = None
    """The image that those of steps begin with; ``None``: the official one of the driver's version of Python."""
    packages: tuple[str, ...] = ()
    """System packages that every image for steps has."""
    environment: Mapping[str, str] = field(factory=dict)
    """Variables that every image for steps has."""
    index: str | None = None
    """The URL of pip's index in a build; empty: none but `wheels`."""
    wheels: tuple[Path, ...] = ()
    """Wheels, and directories of wheels, for distributions that no index has."""
    insecure: tuple[str, ...] = ()
    """Registries that are reached without TLS: `127.0.0.1:5000`."""
    network: str | None = None
    """Of the commands of a build: `host`, `none` or `private`."""
    isolation: str | None = None
    """How commands of a build are kept apart: `oci`, `rootless` or `chroot`."""
    runtime: str | None = None
    """What runs the commands of a build: `runc`, `crun`."""
    root: Path | None = None
    """Where images are kept; ``None``: where buildah and podman keep those of the user."""
    runroot: Path | None = None
    """Where the state of the storage is kept; it goes with the machine."""
    driver: str | None = None
    """How layers are stored: `overlay`, `vfs`."""
    command: str = "buildah"

    @hookimpl
    def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        _check(context, spec, options)
        password = options.login.password if options.login is not None else None
        secrets = [*options.secrets.values(), *([password] if password is not None else [])]
        tool = self._tool.hiding(secret.reveal() for secret in secrets)
        with scratch() as files:
            access = [*files.login(options.login), *self._without_tls(spec, options)]
            tool.run("build", *access, *self._settings(files, context, spec, options), str(context))
            built = files.path.joinpath("id").read_text(encoding="utf-8").strip()
            archive = None if options.archive is None else Path(options.archive).absolute()
            if archive is not None:
                archive.unlink(missing_ok=True)
                digest_file = files.path / "digest"
                target = f"oci-archive:{archive}:{options.reference}"
                tool.run("push", f"--digestfile={digest_file}", built, target)
                digest = digest_file.read_text(encoding="utf-8").strip()
            else:
                digest = tool.ask("inspect", "--type=image", "--format={{.FromImageDigest}}", built) or ""
            tool.run("tag", built, options.reference)  # last: nothing that failed has the name
        return Image(reference=options.reference, digest=digest, archive=options.archive)

    @hookimpl
    def image_builder_find(self, reference: str) -> Image | None:
        if not _is_reference(reference):
            return None
        digest = self._tool.ask("inspect", "--type=image", "--format={{.FromImageDigest}}", reference)
        return Image(reference=reference, digest=digest) if digest else None

    @hookimpl
    def image_builder_is_local(self) -> bool:
        return True

    @hookimpl
    def image_builder_defaults(self) -> ImageDefaults:
        wheels = tuple(path.expanduser() for path in self.wheels)
        return ImageDefaults(
            base=self.base, packages=self.packages, environment=self.environment, index=self.index, wheels=wheels
        )

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        gone = [path for path in self.wheels if not path.expanduser().exists()]
        return [Problem(message=f"wheels: there is no {path}", remedy="build the wheels first") for path in gone]

    @hookimpl
    def component_health(self) -> Health:
        started = time.perf_counter()
        try:
            version = self._tool.ask("--version") or ""
        except OSError as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=True, detail=version, latency=time.perf_counter() - started)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"storage": "the user's" if self.root is None else str(self.root)}

    @property
    def _tool(self) -> Tool:
        settings = {"root": self.root, "runroot": self.runroot, "storage-driver": self.driver}
        return Tool([self.command, *(f"--{name}={value}" for name, value in settings.items() if value is not None)])

    def _settings(self, files: Scratch, context: Path, spec: ImageSpec, options: BuildOptions) -> list[str]:
        """The options of a build beside those that reach registries."""
        chosen = {"network": self.network, "isolation": self.isolation, "runtime": self.runtime}
        found = [f"--{name}={value}" for name, value in chosen.items() if value is not None]
        found += [f"--build-arg={name}={value}" for name, value in options.arguments.items()]
        found += [f"--label={name}={value}" for name, value in options.labels.items()]
        for number, name in enumerate(spec.secrets):
            file = files.file(f"secrets/{number}", options.secrets[name].reveal())
            found.append(f"--secret=id={name},src={file}")
        if options.platform is not None:
            found.append(f"--platform={options.platform}")
        if spec.containerfile is None:
            found.append(f"--ignorefile={files.file('ignored')}")  # what the specification names is copied
            file = files.file("Containerfile", spec.instructions())
        else:
            file = context / spec.containerfile
        return [*found, f"--layers={str(options.cache).lower()}", *([] if options.cache else ["--no-cache"]),
                f"--iidfile={files.path / 'id'}", f"--file={file}"]  # fmt: skip

    def _without_tls(self, spec: ImageSpec, options: BuildOptions) -> list[str]:
        """The option that reaches the registry of the base without TLS; a Containerfile may name any."""
        login = options.login
        servers = {*self.insecure, *([login.server] if login is not None and login.insecure else [])}
        plain = bool(servers) if spec.containerfile else spec.base.partition("/")[0] in servers
        return ["--tls-verify=false"] if plain else []


def _check(context: Path, spec: ImageSpec, options: BuildOptions) -> None:
    """Raise ``ValueError`` for what cannot be built."""
    problems = []
    if not _is_reference(options.reference):
        problems.append(f"{options.reference!r} is no name that an image can be given")
    if missing := [name for name in spec.secrets if name not in options.secrets]:
        problems.append(f"the secrets {', '.join(missing)} have no value")
    problems += [f"{name!r} is no name of an argument" for name in options.arguments if not _is_argument(name)]
    problems += [f"{name!r} is no name of a label" for name in options.labels if not _is_name(name)]
    if options.platform is not None and not _is_name(options.platform):
        problems.append(f"{options.platform!r} is no platform")
    if ":" in str(options.archive):
        problems.append(f"the archive {options.archive} has a colon in its path")
    if spec.containerfile is None:
        spec.instructions()
    elif PurePosixPath(spec.containerfile).is_absolute() or ".." in PurePosixPath(spec.containerfile).parts:
        problems.append(f"the Containerfile {spec.containerfile!r} is not in the context")
    named = [*spec.files, *spec.wheels] if spec.containerfile is None else [spec.containerfile]
    problems += [f"there is no {name} in the context {context}" for name in named if not (context / name).exists()]
    problems += [
        f"{name} leads out of the context {context}"
        for name in named
        if not (context / name).resolve().is_relative_to(context.resolve())
    ]
    if problems:
        raise ValueError("; ".join(problems))
