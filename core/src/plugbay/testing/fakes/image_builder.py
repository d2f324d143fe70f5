"""An image builder that runs nothing: its images have the files, the settings and no system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field

from plugbay.testing.fakes.container_registry import make_image, tar_of, write_archive
from plugbay.testing.fakes.shared import Shared
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import BuildOptions, Image, ImageSpec


class Built:
    """The digest of each image by its reference."""

    def __init__(self) -> None:
        """Have built nothing yet."""
        self.digests: dict[str, str] = {}

    def add(self, reference: str, digest: str) -> None:
        """Name an image."""
        self.digests[reference] = digest

    def find(self, reference: str) -> str | None:
        """The digest of an image."""
        return self.digests.get(reference)

    def references(self) -> list[str]:
        """All names, in the order of building."""
        return list(self.digests)


@component
class FakeImageBuilder:
    """Makes images of the files and settings of a specification; no command of it is run."""

    kept: Any = field(factory=lambda: Shared(Built()), repr=False)

    @property
    def references(self) -> list[str]:
        """The names of the images that were built, in order."""
        found: list[str] = self.kept.references()
        return found

    @hookimpl
    def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        if missing := set(spec.secrets) - set(options.secrets):
            msg = f"no values are given for the secrets {', '.join(sorted(missing))}"
            raise ValueError(msg)
        if options.platform is not None and options.platform.count("/") not in (1, 2):
            msg = f"platform={options.platform!r} must be like linux/amd64"
            raise ValueError(msg)
        system, _, architecture = (options.platform or "linux/amd64").partition("/")
        config = {
            "architecture": architecture,
            "os": system,
            "config": {
                "Env": [f"{name}={value}" for name, value in sorted(spec.environment.items())],
                "Labels": dict(options.labels),
                "WorkingDir": spec.directory,
            },
            "history": [{"created_by": line} for line in _instructions(context, spec).splitlines()],
        }
        digest, blobs = make_image(tar_of(_files(context, spec)), config)
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


def _instructions(context: Path, spec: ImageSpec) -> str:
    if spec.containerfile is None:
        return spec.instructions()
    return (context / spec.containerfile).read_text(encoding="utf-8")


def _files(context: Path, spec: ImageSpec) -> Mapping[str, bytes]:
    """The files of the layer by their paths in the image. Raises ``OSError`` for one that the context lacks."""
    found: dict[str, bytes] = {}
    for name in spec.files:
        path = context / name
        inside = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in inside:
            target = f"{spec.directory}/{file.relative_to(context).as_posix()}"
            found[target.lstrip("/")] = file.read_bytes()
    return found
