"""Hooks of an image builder: what makes container images for steps and models to run in. A stack has at most one.

The host asks for one image for each distinct set of requirements in a plan, under a tag made of that set, and only when
neither the container registry nor :func:`image_builder_find` knows the reference.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plugbay_hookspecs.markers import hookspec, required

if TYPE_CHECKING:
    from plugbay_hookspecs.types import BuildOptions, Image, ImageDefaults, ImageSpec


@hookspec(firstresult=True)
@required
def image_builder_build(context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
    """Build an image.

    Called in the driver before anything is submitted; takes minutes. What the tool prints goes, line by line, to a
    logger of the flavor. Raises ``ValueError`` for a specification that the tool cannot build (a secret, a platform),
    ``OSError`` with the last lines that the tool printed when the build failed; then no image has the name. No secret
    is part of the image, of its history or of an error.

    :param context: a directory with the files that the specification names; it is left as it was.
    :param spec: what the image is made of; ``spec.instructions()`` writes it as a Containerfile.
    :returns: the image. That of a local builder has the archive that the options ask for; another builder has pushed it
        to ``options.reference``.

    .. code-block:: python

        import logging
        import subprocess
        import tempfile
        from collections import deque
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import BuildOptions, Image, ImageSpec

        log = logging.getLogger("plugbay_buildah")


        @component
        class Buildah:
            '''Builds images with buildah on this machine.'''

            command: str = "buildah"

            @hookimpl
            def image_builder_build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
                if spec.secrets:
                    msg = "this builder hands no secrets to a build"
                    raise ValueError(msg)
                with tempfile.TemporaryDirectory() as scratch:
                    instructions = Path(scratch, "Containerfile")
                    instructions.write_text(spec.instructions(), encoding="utf-8")
                    file = context / spec.containerfile if spec.containerfile else instructions
                    settings = [f"--build-arg={name}={value}" for name, value in options.arguments.items()]
                    settings += [f"--label={name}={value}" for name, value in options.labels.items()]
                    settings += [f"--platform={options.platform}"] if options.platform else []
                    settings += [f"--layers={str(options.cache).lower()}", f"--tag={options.reference}"]
                    self._run("build", *settings, f"--file={file}", str(context))
                    digest = Path(scratch, "digest")
                    archive = options.archive or Path(scratch, "image.tar")
                    target = f"oci-archive:{archive}:{options.reference}"
                    self._run("push", f"--digestfile={digest}", options.reference, target)
                    found = digest.read_text(encoding="utf-8").strip()
                return Image(reference=options.reference, digest=found, archive=options.archive)

            def _run(self, *arguments: str) -> None:
                last: deque[str] = deque(maxlen=20)
                call = [self.command, *arguments]
                with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as tool:
                    for line in tool.stdout or ():
                        log.info("%s", line.rstrip())
                        last.append(line)
                if tool.returncode:
                    msg = f"{self.command} {arguments[0]} ended with {tool.returncode}: {''.join(last)}"
                    raise OSError(msg)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def image_builder_is_local() -> bool:
    """Tell whether images are built on this machine, so that the host hands them to the container registry.

    Called in the driver at plan time, without the component being started; no I/O. ``None`` stands for ``True``. A
    builder elsewhere (a service, a pod with kaniko) answers ``False`` and pushes by itself, and a stack with one and
    without a container registry is refused.

    .. code-block:: python

        from plugbay_hookspecs import component, hookimpl


        @component
        class Docker:
            '''Builds images with a Docker daemon, here or on another machine.'''

            address: str = "unix:///var/run/docker.sock"

            @hookimpl
            def image_builder_is_local(self) -> bool:
                return self.address.startswith("unix://")

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def image_builder_defaults() -> ImageDefaults:
    """Tell what images for steps begin with, as the settings have it.

    Called in the driver at plan time, without the component being started; no I/O. ``None`` stands for
    ``ImageDefaults()``.

    .. code-block:: python

        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ImageDefaults


        @component
        class Buildah:
            '''Builds images of Debian with buildah on this machine, from wheels of a directory.'''

            base: str = "docker.io/library/python:3.11-bookworm"
            wheels: Path | None = None

            @hookimpl
            def image_builder_defaults(self) -> ImageDefaults:
                wheels = () if self.wheels is None else (self.wheels,)
                return ImageDefaults(base=self.base, packages=("libgomp1",), wheels=wheels)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def image_builder_find(reference: str) -> Image | None:
    """Look an image up that was built before, in the storage of the tool.

    Called in the driver before anything is built, where the stack has no container registry to ask. Raises ``OSError``
    when the tool could not be asked.

    :returns: the image, without an archive; ``None`` when there is none of that name, or the tool keeps none.

    .. code-block:: python

        import subprocess

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Image


        @component
        class Podman:
            '''Finds images in the storage that podman and buildah share.'''

            @hookimpl
            def image_builder_find(self, reference: str) -> Image | None:
                question = ["podman", "image", "inspect", "--format={{.Digest}}", reference]
                answer = subprocess.run(question, capture_output=True, text=True, check=False)
                return Image(reference=reference, digest=answer.stdout.strip()) if answer.returncode == 0 else None

    .. versionadded:: 0.1
    """
    raise NotImplementedError
