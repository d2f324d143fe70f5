"""An image builder without a container engine: an image is a directory, and its system this machine's Python."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field

from plugbay.testing.fakes.container_registry import make_image, tar_of, write_archive
from plugbay.testing.fakes.shared import Shared
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import BuildOptions, Image, ImageSpec

_REFERENCE = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*:\w[\w.-]{0,127}", re.ASCII)
_WHEELS = "opt/wheels"
_log = logging.getLogger(__name__)


class Built:
    """The digest of each image by its reference, and the layers that may be used again."""

    def __init__(self) -> None:
        """Have built nothing yet."""
        self.digests: dict[str, str] = {}
        self.layers: dict[str, bytes] = {}

    def add(self, reference: str, digest: str) -> None:
        """Name an image."""
        self.digests[reference] = digest

    def find(self, reference: str) -> str | None:
        """The digest of an image."""
        return self.digests.get(reference)

    def references(self) -> list[str]:
        """All names, in the order of building."""
        return list(self.digests)

    def keep(self, key: str, layer: bytes) -> None:
        """Keep a layer."""
        self.layers[key] = layer

    def layer(self, key: str) -> bytes | None:
        """A layer that was kept."""
        return self.layers.get(key)


@component
class FakeImageBuilder:
    """Makes images of a specification's files, of its settings and of what its commands write.

    Commands are programs for ``python``, which run as processes of this machine in a scratch directory. A requirement is
    there when a wheel of the context or this environment has it; the base and system packages are not looked at.
    """

    kept: Any = field(factory=lambda: Shared(Built()), repr=False)

    @property
    def references(self) -> list[str]:
        """The names of the images that were built, in order."""
        found: list[str] = self.kept.references()
        return found

    @hookimpl
    def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        self._check(context, spec, options)
        system, _, architecture = (options.platform or "linux/amd64").partition("/")
        config = {
            "architecture": architecture,
            "os": system,
            "config": {
                "Env": [f"{name}={value}" for name, value in sorted(self._environment(spec, options).items())],
                "Labels": self._labels(options),
                "WorkingDir": spec.directory,
            },
            "history": [{"created_by": line} for line in spec.instructions().splitlines()],
        }
        digest, blobs = make_image(self._layer(self._files(context, spec), spec, options), config)
        if options.archive is not None:
            write_archive(options.archive, digest, blobs)
        self.kept.add(options.reference, digest)
        return Image(reference=options.reference, digest=digest, archive=options.archive)

    @hookimpl
    def image_builder_is_local(self) -> bool:
        return True

    @hookimpl
    def image_builder_find(self, reference: str) -> Image | None:
        digest = self.kept.find(reference)
        return None if digest is None else Image(reference=reference, digest=digest)

    def _check(self, context: Path, spec: ImageSpec, options: BuildOptions) -> None:
        """Raise ``ValueError`` for what makes no image."""
        if not _REFERENCE.fullmatch(options.reference):
            msg = f"{options.reference!r} is no name of an image with a tag"
            raise ValueError(msg)
        if spec.containerfile is not None:
            msg = (
                f"containerfile={spec.containerfile!r}: the fake reads no Containerfile; say what the image is made of"
            )
            raise ValueError(msg)
        spec.instructions()
        if others := sorted({command[0] for command in spec.commands} - {"python"}):
            msg = f"commands: the fake runs programs for python, and not {', '.join(others)}"
            raise ValueError(msg)
        if missing := set(spec.secrets) - set(options.secrets):
            msg = f"no values are given for the secrets {', '.join(sorted(missing))}"
            raise ValueError(msg)
        if options.platform is not None and options.platform.count("/") not in (1, 2):
            msg = f"platform={options.platform!r} must be like linux/amd64"
            raise ValueError(msg)
        for file in (found for name in (*spec.files, *spec.wheels) for found in _inside(context / name)):
            if not file.exists() or not file.resolve().is_relative_to(context.resolve()):
                msg = f"{file} is no file of the context"
                raise ValueError(msg)

    def _files(self, context: Path, spec: ImageSpec) -> dict[str, bytes]:
        """The files of the context by their paths in the image."""
        root = spec.directory.lstrip("/")
        found = {
            f"{root}/{file.relative_to(context).as_posix()}": file.read_bytes()
            for name in spec.files
            for file in _inside(context / name)
        }
        wheels = [file for name in spec.wheels for file in _inside(context / name)]
        return {**found, **{f"{_WHEELS}/{wheel.name}": wheel.read_bytes() for wheel in wheels}}

    def _layer(self, files: Mapping[str, bytes], spec: ImageSpec, options: BuildOptions) -> bytes:
        """The image's files once the commands have run; they need not run again for what they were run for before."""
        key = hashlib.sha256(repr((spec, sorted(files.items()))).encode()).hexdigest()
        layer: bytes | None = self.kept.layer(key) if options.cache else None
        if layer is None:
            with tempfile.TemporaryDirectory() as scratch:
                layer = tar_of(self._run(Path(scratch), files, spec, options) if spec.commands else files)
            self.kept.keep(key, layer)
        return layer

    def _run(
        self, scratch: Path, files: Mapping[str, bytes], spec: ImageSpec, options: BuildOptions
    ) -> Mapping[str, bytes]:
        """Run the commands in a directory with the files; what is in it then."""
        image, site, secrets = scratch / "image", scratch / "site", scratch / "secrets"
        work = image / spec.directory.lstrip("/")
        for directory in (work, site, secrets):
            directory.mkdir(parents=True)
        for name, content in files.items():
            (image / name).parent.mkdir(parents=True, exist_ok=True)
            (image / name).write_bytes(content)
        for wheel in (image / _WHEELS).glob("*.whl") if spec.requirements else ():
            with zipfile.ZipFile(wheel) as opened:
                opened.extractall(site)
        for name in spec.secrets:
            (secrets / name).write_text(options.secrets[name].reveal(), encoding="utf-8")
        for command in spec.commands:
            arguments = [part.replace("/run/secrets", str(secrets)) for part in command[1:]]
            self._execute(arguments, work, {**os.environ, **spec.environment, "PYTHONPATH": str(site)}, options)
        return {file.relative_to(image).as_posix(): file.read_bytes() for file in _inside(image)}

    def _execute(
        self, arguments: Sequence[str], work: Path, environment: Mapping[str, str], options: BuildOptions
    ) -> None:
        done = subprocess.run(  # noqa: S603  what the test asks for
            [sys.executable, *arguments],
            cwd=work,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        printed = self._shown(done.stdout, options)
        for line in printed.splitlines():
            _log.info("%s", line)
        if done.returncode:
            raise OSError(self._complaint(done.returncode, printed))

    # -- what a fake that is wrong on purpose does in its own way

    def _environment(self, spec: ImageSpec, options: BuildOptions) -> dict[str, str]:
        """The image's variables."""
        return dict(spec.environment)

    def _labels(self, options: BuildOptions) -> dict[str, str]:
        """The image's labels."""
        return dict(options.labels)

    def _shown(self, printed: str, options: BuildOptions) -> str:
        """What a command printed, without secrets."""
        for secret in options.secrets.values():
            printed = printed.replace(secret.reveal(), "***")
        return printed

    def _complaint(self, status: int, printed: str) -> str:
        """What is said of a command that failed."""
        return f"a command ended with {status}: {printed}"


def _inside(path: Path) -> list[Path]:
    """A file, or the files of a directory in the order of their names."""
    return sorted(file for file in path.rglob("*") if not file.is_dir()) if path.is_dir() else [path]
