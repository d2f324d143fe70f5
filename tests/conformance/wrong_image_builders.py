"""Image builders that are right but for one thing; ``test_wrong_image_builders`` runs the contract.

They write OCI image layouts in Python and run commands as processes of this machine, in a directory that stands for the
image: enough to prove that the contract bites.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import evolve

from plugbay.testing.image_builder import ImageBuilderContract
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import BuildOptions, Image, ImageSpec

log = logging.getLogger("wrong")


@component
class Right:
    """Builds images of the specification's files in a directory."""

    root: Path
    hides: ClassVar[bool] = True

    @hookimpl
    def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        self.check(context, spec, options)
        key = hashlib.sha256(repr((spec, self.inputs(context, spec))).encode()).hexdigest()
        kept = self.root / "kept" / key
        if not (options.cache and kept.exists()):
            with tempfile.TemporaryDirectory() as scratch:
                self.write(self.tree(context, spec, options, Path(scratch)), spec, options, kept)
        blobs = {path.name: path.read_bytes() for path in kept.iterdir()}
        digest = self.labelled(blobs, options)
        if options.archive is not None:
            options.archive.write_bytes(_archive(blobs, digest))
        self.name(options.reference, digest)
        return Image(reference=options.reference, digest=f"sha256:{digest}", archive=options.archive)

    @hookimpl
    def image_builder_find(self, reference: str) -> Image | None:
        names = self.root / "names" / hashlib.sha256(reference.encode()).hexdigest()
        return Image(reference=reference, digest=f"sha256:{names.read_text()}") if names.exists() else None

    def check(self, context: Path, spec: ImageSpec, options: BuildOptions) -> None:
        spec.instructions()
        name = options.reference.removeprefix("localhost/contract/")
        named = [context / file for file in (*spec.files, *spec.wheels)]
        inside = all(path.exists() and path.resolve().is_relative_to(context.resolve()) for path in named)
        if not name[:32].isalnum() or name == options.reference or not inside or set(spec.secrets) - {*options.secrets}:
            raise ValueError(name)

    def inputs(self, context: Path, spec: ImageSpec) -> list[tuple[str, bytes]]:
        found = [path for file in spec.files for path in ((context / file), *(context / file).rglob("*"))]
        return [(str(path), path.read_bytes()) for path in sorted(found) if path.is_file()]

    def scratch(self, directory: Path) -> Path:
        return directory

    def tree(self, context: Path, spec: ImageSpec, options: BuildOptions, directory: Path) -> Path:
        """Make the image's files: below its directory, which the path ends with so that commands find it there."""
        directory = self.scratch(directory)
        tree = directory / "tree"
        work = tree / spec.directory.strip("/")
        work.mkdir(parents=True, exist_ok=True)
        for wheel in spec.wheels:
            zipfile.ZipFile(context / wheel).extractall(directory / "site")
        for file in spec.files:
            target = work / self.file_name(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (context / file).is_dir() else shutil.copy)(context / file, target)
        (directory / "secrets").mkdir(exist_ok=True)
        for name in spec.secrets:
            (directory / "secrets" / name).write_text(options.secrets[name].reveal())
        for command in spec.commands:
            self.run(
                [part.replace("/run/secrets", str(directory / "secrets")) for part in command], work, spec, options
            )
        return tree

    def file_name(self, file: str) -> str:
        return file

    def run(self, command: list[str], work: Path, spec: ImageSpec, options: BuildOptions) -> None:
        site = next(parent / "site" for parent in work.parents if (parent / "tree").exists())
        variables = {**os.environ, **spec.environment, "PYTHONPATH": str(site)}
        command = [sys.executable, *command[1:]]
        done = subprocess.run(
            command, cwd=work, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        told = done.stdout
        for secret in options.secrets.values() if self.hides else ():
            told = told.replace(secret.reveal(), "***")
        log.info("%s", told)
        if done.returncode:
            raise OSError(self.complaint(told))

    def complaint(self, told: str) -> str:
        return f"a command failed: {told}"

    def environment(self, spec: ImageSpec, options: BuildOptions) -> dict[str, str]:
        return dict(spec.environment)

    def write(self, tree: Path, spec: ImageSpec, options: BuildOptions, kept: Path) -> None:
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as tar:
            for path in sorted(tree.rglob("*")):
                tar.add(path, str(path.relative_to(tree)), recursive=False, filter=_plain)
        layer = content.getvalue()
        environment = [f"{name}={value}" for name, value in self.environment(spec, options).items()]
        rootfs = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}
        config = {"config": {"Env": environment, "WorkingDir": spec.directory}, "rootfs": rootfs}
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        (kept / "layer").write_bytes(layer)
        (kept / "config").write_bytes(json.dumps(config).encode())

    def labelled(self, blobs: dict[str, bytes], options: BuildOptions) -> str:
        """Turn the parts of an image into blobs by their digests; return that of the manifest."""
        config = json.loads(blobs.pop("config"))
        config["config"]["Labels"] = self.labels(options)
        layer, written = blobs.pop("layer"), json.dumps(config).encode()
        manifest = {"schemaVersion": 2, "config": _described(written), "layers": [_described(layer)]}
        for content in (layer, written, json.dumps(manifest).encode()):
            digest = hashlib.sha256(content).hexdigest()
            blobs[digest] = content
        return digest

    def labels(self, options: BuildOptions) -> dict[str, str]:
        return dict(options.labels)

    def name(self, reference: str, digest: str) -> None:
        path = self.root / "names" / hashlib.sha256(reference.encode()).hexdigest()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(digest)


@component
class Misnaming(Right):
    """Tells another digest than that of the manifest."""

    @hookimpl
    def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        image = super().image_builder_build(context, spec, options)
        wrong = hashlib.sha256(image.digest.encode()).hexdigest()
        self.name(options.reference, wrong)
        return Image(reference=image.reference, digest=f"sha256:{wrong}", archive=image.archive)


@component
class Littering(Right):
    """Leaves its Containerfile in the context."""

    @hookimpl
    def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        self.check(context, spec, options)
        (context / "Containerfile").write_text(spec.instructions())
        return super().image_builder_build(context, spec, options)


@component
class Silent(Right):
    """Does not say what a command that failed has printed."""

    def complaint(self, told: str) -> str:
        return "a command failed"


@component
class Hasty(Right):
    """Names an image before it is whole."""

    @hookimpl
    def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        self.check(context, spec, options)
        self.name(options.reference, "0" * 64)
        return super().image_builder_build(context, spec, options)


@component
class Leaky(Right):
    """Hands secrets to commands as variables of the image, too."""

    def environment(self, spec: ImageSpec, options: BuildOptions) -> dict[str, str]:
        return {**spec.environment, **{name: secret.reveal() for name, secret in options.secrets.items()}}


@component
class Talkative(Right):
    """Tells all that a command prints."""

    hides: ClassVar[bool] = False


@component
class Forgetful(Right):
    """Knows no image that it built."""

    @hookimpl
    def image_builder_find(self, reference: str) -> None:
        return None


@component
class Unlabelled(Right):
    """Drops labels."""

    def labels(self, options: BuildOptions) -> dict[str, str]:
        return {}


@component
class Ascii(Right):
    """Writes the names of files in ASCII."""

    def file_name(self, file: str) -> str:
        return file.encode("ascii", "replace").decode()


@component
class Trusting(Right):
    """Takes every value."""

    def check(self, context: Path, spec: ImageSpec, options: BuildOptions) -> None:
        pass


@component
class Sharing(Right):
    """Makes all images in one directory."""

    def scratch(self, directory: Path) -> Path:
        shutil.rmtree(self.root / "work", ignore_errors=True)
        (self.root / "work").mkdir(parents=True)
        return self.root / "work"


@component
class Unsettled(Right):
    """Never makes the same image twice."""

    def labels(self, options: BuildOptions) -> dict[str, str]:
        return {**options.labels, "made": os.urandom(8).hex()}


@component
class Stale(Right):
    """Uses what was built before, whether it may or not."""

    @hookimpl
    def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        return super().image_builder_build(context, spec, evolve(options, cache=True))


@component
class Bare(Right):
    """Gives images no variables."""

    def environment(self, spec: ImageSpec, options: BuildOptions) -> dict[str, str]:
        return {}


@component
class Unequipped(Right):
    """Installs no requirements."""

    def tree(self, context: Path, spec: ImageSpec, options: BuildOptions, directory: Path) -> Path:
        return super().tree(context, evolve(spec, wheels=(), requirements=()), options, directory)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = 0
    return member


def _described(content: bytes) -> dict[str, Any]:
    return {"digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}


def _archive(blobs: dict[str, bytes], digest: str) -> bytes:
    manifests = [{"digest": f"sha256:{digest}", "size": len(blobs[digest])}]
    files = {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": json.dumps({"manifests": manifests}).encode(),
    }
    files |= {f"blobs/sha256/{name}": content for name, content in blobs.items()}
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return written.getvalue()


class _Contract(ImageBuilderContract):
    base = "localhost/none:1"
    lacking = {"containerfile": "it reads no Containerfile"}
    flavor: type[Right]

    @pytest.fixture
    def component(self, tmp_path: Path) -> Right:
        return self.flavor(root=tmp_path / "images")


class TestRight(_Contract):
    flavor = Right


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
    flavor = Sharing


class TestUnsettled(_Contract):
    flavor = Unsettled


class TestStale(_Contract):
    flavor = Stale


class TestBare(_Contract):
    flavor = Bare


class TestUnequipped(_Contract):
    flavor = Unequipped
