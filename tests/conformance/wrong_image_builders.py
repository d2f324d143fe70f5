"""Image builders that are right but for one thing; ``test_wrong_image_builders`` runs the contract."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import evolve

from plugbay.testing.fakes.image_builder import FakeImageBuilder
from plugbay.testing.image_builder import ImageBuilderContract
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import BuildOptions, Image, ImageSpec


@component
class Misnaming(FakeImageBuilder):
    """Tells another digest than that of the manifest."""

    @hookimpl
    def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        image = super().image_builder_build(context, spec, options)
        wrong = f"sha256:{hashlib.sha256(image.digest.encode()).hexdigest()}"
        self.kept.add(options.reference, wrong)
        return evolve(image, digest=wrong)


@component
class Littering(FakeImageBuilder):
    """Leaves its Containerfile in the context."""

    @hookimpl
    def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        image = super().image_builder_build(context, spec, options)
        (context / "Containerfile").write_text(spec.instructions())
        return image


@component
class Silent(FakeImageBuilder):
    """Does not say what a command that failed has printed."""

    def _complaint(self, status: int, printed: str) -> str:
        return f"a command ended with {status}"


@component
class Hasty(FakeImageBuilder):
    """Names an image before it is whole."""

    @hookimpl
    def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        self._check(context, spec, options)
        self.kept.add(options.reference, f"sha256:{'0' * 64}")
        return super().image_builder_build(context, spec, options)


@component
class Leaky(FakeImageBuilder):
    """Hands secrets to commands as variables of the image, too."""

    def _environment(self, spec: ImageSpec, options: BuildOptions) -> dict[str, str]:
        return {**spec.environment, **{name: secret.reveal() for name, secret in options.secrets.items()}}


@component
class Talkative(FakeImageBuilder):
    """Tells all that a command prints."""

    def _shown(self, printed: str, options: BuildOptions) -> str:
        return printed


@component
class Forgetful(FakeImageBuilder):
    """Knows no image that it built."""

    @hookimpl
    def image_builder_find(self, reference: str) -> None:
        return None


@component
class Unlabelled(FakeImageBuilder):
    """Drops labels."""

    def _labels(self, options: BuildOptions) -> dict[str, str]:
        return {}


@component
class Ascii(FakeImageBuilder):
    """Writes the names of files in ASCII."""

    def _files(self, context: Path, spec: ImageSpec) -> dict[str, bytes]:
        found = super()._files(context, spec)
        return {name.encode("ascii", "replace").decode(): content for name, content in found.items()}


@component
class Trusting(FakeImageBuilder):
    """Takes every value."""

    def _check(self, context: Path, spec: ImageSpec, options: BuildOptions) -> None:
        pass


@component
class Sharing(FakeImageBuilder):
    """Makes all images in one directory."""

    root: Path

    def _run(
        self, scratch: Path, files: Mapping[str, bytes], spec: ImageSpec, options: BuildOptions
    ) -> Mapping[str, bytes]:
        work = self.root / "work"
        shutil.rmtree(work, ignore_errors=True)
        try:
            super()._run(work, files, spec, options)
        finally:
            self.await_other([file for file in spec.files if file.startswith("own-")])
        image = work / "image"
        return {str(file.relative_to(image)): file.read_bytes() for file in image.rglob("*") if file.is_file()}

    def await_other(self, own: list[str]) -> None:
        """Let the other of two builds, which have a file of their own each, come so far, too."""
        for name in own:
            (self.root / f"done-{name}").touch()
            deadline = time.monotonic() + 30
            while len([*self.root.glob("done-*")]) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)


@component
class Unsettled(FakeImageBuilder):
    """Never makes the same image twice."""

    def _labels(self, options: BuildOptions) -> dict[str, str]:
        return {**options.labels, "made": os.urandom(8).hex()}


@component
class Stale(FakeImageBuilder):
    """Uses what was built before, whether it may or not."""

    @hookimpl
    def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        return super().image_builder_build(context, spec, evolve(options, cache=True))


@component
class Bare(FakeImageBuilder):
    """Gives images no variables."""

    def _environment(self, spec: ImageSpec, options: BuildOptions) -> dict[str, str]:
        return {}


@component
class Unequipped(FakeImageBuilder):
    """Installs no requirements."""

    def _run(
        self, scratch: Path, files: Mapping[str, bytes], spec: ImageSpec, options: BuildOptions
    ) -> Mapping[str, bytes]:
        return super()._run(scratch, files, evolve(spec, requirements=()), options)


@component
class Pretending(FakeImageBuilder):
    """Runs nothing, and tells nobody."""

    def _run(
        self, scratch: Path, files: Mapping[str, bytes], spec: ImageSpec, options: BuildOptions
    ) -> Mapping[str, bytes]:
        return files


class _Contract(ImageBuilderContract):
    base = "localhost/none:1"
    lacking = {"containerfile": "it reads no Containerfile"}
    flavor: type[FakeImageBuilder]

    @pytest.fixture
    def component(self) -> FakeImageBuilder:
        return self.flavor()


class TestMisnaming(_Contract):
    flavor = Misnaming


class TestLittering(_Contract):
    flavor = Littering


class TestSilent(_Contract):
    flavor = Silent


class TestHasty(_Contract):
    flavor = Hasty


class TestLeaky(_Contract):
    flavor = Leaky


class TestTalkative(_Contract):
    flavor = Talkative


class TestForgetful(_Contract):
    flavor = Forgetful


class TestUnlabelled(_Contract):
    flavor = Unlabelled


class TestAscii(_Contract):
    flavor = Ascii


class TestTrusting(_Contract):
    flavor = Trusting


class TestSharing(_Contract):
    @pytest.fixture
    def component(self, tmp_path: Path) -> FakeImageBuilder:
        return Sharing(root=tmp_path)


class TestUnsettled(_Contract):
    flavor = Unsettled


class TestStale(_Contract):
    flavor = Stale


class TestBare(_Contract):
    flavor = Bare


class TestUnequipped(_Contract):
    flavor = Unequipped


class TestPretending(_Contract):
    lacking = {**_Contract.lacking, "commands": "it runs none", "requirements": "it runs no pip"}
    flavor = Pretending
