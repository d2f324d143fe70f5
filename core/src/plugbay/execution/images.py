"""The images that steps of a plan run in: one for each distinct set of requirements, built before the run, found again.

A component says by its capabilities that it runs steps in images. What a worker needs goes in: Plugbay, what the
stack's components require, and what the step does. The code of the project does not; the worker fetches it from the
artifact store.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import plugbay
from plugbay.errors import ImageError, listed
from plugbay.store.documents import StepImage
from plugbay.values import canonical
from plugbay_hookspecs.types import BuildOptions, ImageDefaults, ImageSpec

if TYPE_CHECKING:
    from plugbay.stack import Stack
    from plugbay_hookspecs.types import Plan, PlannedStep

REPOSITORY = "plugbay/steps"
"""Where images of steps are kept in a registry; in the storage of a builder it is ``localhost/plugbay/steps``."""
_WHEELS = "wheels"
_FORM = 1
"""Counts on when an image of the same requirements is made in another way."""

_log = logging.getLogger("plugbay")


def runs_in_image(step: PlannedStep, stack: Stack) -> bool:
    """Whether the stack has the step run in an image that is built for it."""
    wanted = _wanted(step, stack)
    return wanted == "required" or (wanted == "optional" and bool(stack.of_type("image_builder")))


def problems_of_images(plan: Plan, stack: Stack) -> list[str]:
    """What keeps the stack from having the images built that the plan needs."""
    needing = [step for step in plan.steps if runs_in_image(step, stack)]
    if not needing:
        return []
    who = ", ".join(sorted({repr(step.id) for step in needing}))
    if not stack.of_type("image_builder"):
        by = {f"step operator {step.operator!r}" if step.operator is not None else "it" for step in needing}
        return [
            f"{listed(by)} runs {who} in a container image only, and none is built: "
            "the stack has no image_builder; give it one, or the component an image of its own"
        ]
    if not stack.image_builder.is_local() and not stack.of_type("container_registry"):
        return [f"the image of {who} is built elsewhere and must go to a container_registry, and the stack has none"]
    return []


def images_of(plan: Plan, stack: Stack) -> dict[str, StepImage]:
    """Have the images of a plan built that are not there yet; return each step's, by its id.

    :raises ImageError: when one cannot be had.
    """
    sets: dict[tuple[str, ...], list[str]] = {}
    for step in plan.steps:
        if runs_in_image(step, stack):
            sets.setdefault(_requirements(step, stack), []).append(step.id)
    if not sets:
        return {}
    defaults = stack.image_builder.defaults()
    with tempfile.TemporaryDirectory(prefix="plugbay-image-") as scratch:
        try:
            wheels = _collect(defaults, Path(scratch, "context", _WHEELS))
        except OSError as error:
            msg = f"the wheels for images of steps cannot be read: {error}"
            raise ImageError(msg) from error
        found: dict[str, StepImage] = {}
        for requirements, steps in sets.items():
            spec = _spec(defaults, requirements, bool(wheels))
            try:
                image = _image(stack, spec, wheels, Path(scratch))
            except (OSError, ValueError) as error:
                builder = stack.of_type("image_builder")[0]
                msg = f"the image of {', '.join(map(repr, steps))} cannot be had from {builder}: {error}"
                raise ImageError(msg) from error
            found |= dict.fromkeys(steps, image)
    return found


def _wanted(step: PlannedStep, stack: Stack) -> str:
    if step.operator is None:
        return stack.orchestrator.capabilities().image
    operators = stack.step_operators
    return operators[step.operator].capabilities().image if step.operator in operators else "unused"


def _requirements(step: PlannedStep, stack: Stack) -> tuple[str, ...]:
    """What a worker has to have installed for the step."""
    found = {f"plugbay=={plugbay.__version__}", *step.requirements}
    for component in stack.components:
        info = component.info
        asked = stack.host.one(component, "component_requirements")
        if asked is not None:
            found.update(asked)
        elif info.distribution is not None:
            found.add(f"{info.distribution}=={info.version}")
    return tuple(sorted(found))


def _spec(defaults: ImageDefaults, requirements: tuple[str, ...], has_wheels: bool) -> ImageSpec:
    official = f"docker.io/library/python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    return ImageSpec(
        base=defaults.base or official,
        packages=defaults.packages,
        requirements=requirements,
        wheels=(_WHEELS,) if has_wheels else (),
        index=defaults.index,
        environment=defaults.environment,
    )


def _collect(defaults: ImageDefaults, directory: Path) -> dict[str, str]:
    """Copy the wheels into the context; return their digests by their names."""
    directory.parent.mkdir()
    digests = {}
    for wheel in _wheels(defaults):
        directory.mkdir(exist_ok=True)
        shutil.copyfile(wheel, directory / wheel.name)
        with wheel.open("rb") as file:
            digests[wheel.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def _wheels(defaults: ImageDefaults) -> Iterator[Path]:
    for path in defaults.wheels:
        if path.is_dir():
            yield from sorted(path.glob("*.whl"))
        else:
            yield path


def _image(stack: Stack, spec: ImageSpec, wheels: Mapping[str, str], scratch: Path) -> StepImage:
    """Find the image, or have it built and pushed."""
    made_of = [_FORM, spec.instructions(), sorted(wheels.items())]
    tag = hashlib.sha256(canonical(made_of)).hexdigest()[:32]
    builder = stack.image_builder
    if not stack.of_type("container_registry"):
        reference = f"localhost/{REPOSITORY}:{tag}"
        image = builder.find(reference)
        if image is None:
            _log.info("building the image %s", reference)
            image = builder.build(scratch / "context", spec, BuildOptions(reference=reference))
        return StepImage(reference=image.reference, digest=image.digest)
    registry = stack.container_registry
    reference = registry.reference(REPOSITORY, tag)
    digest = registry.resolve(reference)
    if digest is None:
        _log.info("building the image %s", reference)
        local = builder.is_local()
        # a name of the registry need be no name of the tool's storage: a directory has paths
        named = f"localhost/{REPOSITORY}:{tag}" if local else reference
        archive = scratch / f"{tag}.tar" if local else None
        options = BuildOptions(reference=named, archive=archive, login=registry.login())
        image = builder.build(scratch / "context", spec, options)
        digest = registry.push(image, reference) if local else image.digest
        if archive is not None:
            archive.unlink(missing_ok=True)
    return StepImage(reference=registry.reference(REPOSITORY, digest), digest=digest)
