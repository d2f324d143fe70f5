"""Images that steps run in: built before the run, one for each set of requirements, found again, in the record."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from plugbay import PlugbayError, pipeline, step
from plugbay.errors import ImageError
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import (
    Capabilities,
    Image,
    ImageDefaults,
    JobStatus,
    OperatorCapabilities,
    RegistryLogin,
)
from plugbay_local.artifact_store import LocalArtifactStore

PROJECTS = str(Path(__file__).parent / "projects")
pytestmark = pytest.mark.usefixtures("project")


@component
class Workshop:
    """Builds nothing, and says so."""

    local: bool = True
    defaults: ImageDefaults = ImageDefaults(base="debian:12")
    fails: bool = False
    made: dict[str, Any] = attrs.field(factory=dict)

    @hookimpl
    def image_builder_build(self, context, spec, options):
        if self.fails:
            msg = "the last line of pip"
            raise OSError(msg)
        if options.archive is not None:
            options.archive.write_text("an image")
        wheels = sorted(path.name for path in context.rglob("*.whl"))
        self.made[options.reference] = {"spec": spec, "options": options, "wheels": wheels}
        return Image(reference=options.reference, digest=f"sha256:{len(self.made):064}", archive=options.archive)

    @hookimpl
    def image_builder_find(self, reference):
        at = list(self.made).index(reference) + 1 if reference in self.made else 0
        return Image(reference=reference, digest=f"sha256:{at:064}") if at else None

    @hookimpl
    def image_builder_is_local(self):
        return self.local

    @hookimpl
    def image_builder_defaults(self):
        return self.defaults


@component
class Shelf:
    """Keeps digests by references."""

    images: dict[str, str] = attrs.field(factory=dict)

    @hookimpl
    def container_registry_reference(self, repository, tag):
        return f"shelf:5000/{repository}{'@' if tag.startswith('sha256:') else ':'}{tag}"

    @hookimpl
    def container_registry_login(self):
        return RegistryLogin(server="shelf:5000", insecure=True)

    @hookimpl
    def container_registry_push(self, image, reference):
        assert image.archive.read_text() == "an image"
        self.images[reference] = f"sha256:{'f' * 63}{len(self.images)}"
        return self.images[reference]

    @hookimpl
    def container_registry_resolve(self, reference):
        return self.images.get(reference)


@component
class Box:
    """Runs a job as a process that has the interpreter under the name that images give it."""

    bin: Path
    image: Any = "required"
    given: list[tuple[str, str | None, str]] = attrs.field(factory=list)
    _jobs: dict[str, subprocess.Popen[bytes]] = attrs.field(factory=dict, init=False)

    @hookimpl
    def step_operator_capabilities(self):
        return OperatorCapabilities(image=self.image)

    @hookimpl
    def step_operator_submit(self, step, command, environment, image):
        self.given.append((step.step, image, command[0]))
        program = [sys.executable if command[0] == "python" else command[0], *command[1:]]
        job = f"{step.step}-{step.attempt}"
        self._jobs[job] = subprocess.Popen(program, env={**os.environ, **environment, "PYTHONPATH": PROJECTS})
        return job

    @hookimpl
    def step_operator_status(self, job):
        code = self._jobs[job].wait()
        return JobStatus(state="failed" if code else "succeeded", exit_code=code)

    @hookimpl
    def step_operator_cancel(self, job):
        self._jobs[job].kill()


@component
class Courier:
    """Runs the commands of steps one after the other, each in an image."""

    image: Any = "required"
    given: list[tuple[str, str | None, str]] = attrs.field(factory=list)

    @hookimpl
    def orchestrator_capabilities(self):
        return Capabilities(image=self.image)

    @hookimpl
    def orchestrator_run(self, run):
        for each in run.ready(limit=1):
            command = each.command()
            self.given.append((each.info.step, each.image, command[0]))
            environment = {**os.environ, **each.environment(), "PYTHONPATH": PROJECTS}
            subprocess.run([sys.executable, *command[1:]], env=environment, check=True)
            run.complete(each)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(bin=tmp_path)


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


def elsewhere_steps() -> Mapping[str, Any]:
    from operated_steps import elsewhere, here

    return {"elsewhere": elsewhere, "here": here}


def test_an_image_is_built_for_each_set_of_requirements(make_stack, box, workshop):
    elsewhere = elsewhere_steps()["elsewhere"]
    asking = elsewhere.with_options(requirements=["pandas>=2"])

    def asked() -> None:
        elsewhere(1)
        asking(2)
        asking(3)

    run = pipeline(asked).run(stack=make_stack(step_operator={"box": box}, image_builder=workshop))
    assert len(workshop.made) == 2
    with_pandas, without = sorted(
        (made["spec"] for made in workshop.made.values()), key=lambda s: "pandas>=2" not in s.requirements
    )
    assert {*with_pandas.requirements} - {*without.requirements} == {"pandas>=2"}
    assert any(each.startswith("plugbay==") for each in without.requirements)
    assert any(each.startswith("plugbay-local==") for each in without.requirements)
    assert without.base == "debian:12"
    images = {name: image for name, image, _ in box.given}
    assert images["elsewhere"] != images["elsewhere_2"] == images["elsewhere_3"]
    assert {*images.values()} == {*workshop.made}
    assert {python for *_, python in box.given} == {"python"}
    recorded = run["elsewhere_2"].image
    assert recorded.reference == images["elsewhere_2"]
    assert recorded == run["elsewhere_3"].attempts[-1].image


def test_an_image_that_is_there_is_not_built_again(make_stack, box, workshop):
    elsewhere = elsewhere_steps()["elsewhere"].with_options(cache=False)
    stack = make_stack(step_operator={"box": box}, image_builder=workshop)
    first = pipeline(lambda: elsewhere(1)).run(stack=stack)
    workshop.fails = True
    again = pipeline(lambda: elsewhere(1)).run(stack=stack)
    assert again["elsewhere"].attempts[-1].image == first["elsewhere"].attempts[-1].image


def test_wheels_are_part_of_what_an_image_is_made_of(make_stack, box, tmp_path):
    (tmp_path / "dist").mkdir()
    wheel = tmp_path / "dist" / "mine-1.0-py3-none-any.whl"
    workshop = Workshop(defaults=ImageDefaults(wheels=(tmp_path / "dist",), index="", packages=("git",)))
    elsewhere = elsewhere_steps()["elsewhere"].with_options(cache=False)
    stack = make_stack(step_operator={"box": box}, image_builder=workshop)
    for content in ("one", "two"):
        wheel.write_text(content)
        pipeline(lambda: elsewhere(1)).run(stack=stack)
    assert [made["wheels"] for made in workshop.made.values()] == [[wheel.name]] * 2
    spec = next(iter(workshop.made.values()))["spec"]
    assert (spec.wheels, spec.index, spec.packages) == (("wheels",), "", ("git",))
    assert spec.base == f"docker.io/library/python:{sys.version_info.major}.{sys.version_info.minor}-slim"


def test_an_image_goes_to_the_registry_and_is_used_by_its_digest(make_stack, box, workshop):
    shelf = Shelf()
    stack = make_stack(step_operator={"box": box}, image_builder=workshop, container_registry=shelf)
    elsewhere = elsewhere_steps()["elsewhere"].with_options(cache=False)
    run = pipeline(lambda: elsewhere(1)).run(stack=stack)
    ((reference, digest),) = shelf.images.items()
    assert reference.startswith("shelf:5000/plugbay/steps:")
    (made,) = workshop.made.values()
    assert made["options"].login == RegistryLogin(server="shelf:5000", insecure=True)
    assert run["elsewhere"].attempts[-1].image.digest == digest
    assert [image for _, image, _ in box.given] == [f"shelf:5000/plugbay/steps@{digest}"]
    workshop.fails = True
    assert pipeline(lambda: elsewhere(1)).run(stack=stack).status == "succeeded"


def test_an_orchestrator_is_handed_the_image_with_the_step(box, workshop, tmp_path):
    from plugbay import Stack

    courier = Courier()
    store = LocalArtifactStore(path=tmp_path / "store")
    here = elsewhere_steps()["here"]
    stack = Stack(orchestrator=courier, artifact_store=store, image_builder=workshop)
    run = pipeline(lambda: here([1])).run(stack=stack)
    (reference,) = workshop.made
    assert courier.given == [("here", reference, "python")]
    assert run["here"].attempts[-1].image.reference == reference


@pytest.mark.parametrize("builder", [True, False])
def test_an_optional_image_is_built_where_there_is_a_builder(make_stack, box, workshop, builder):
    box.image = "optional"
    stack = make_stack(step_operator={"box": box}, **({"image_builder": workshop} if builder else {}))
    run = pipeline(lambda: elsewhere_steps()["elsewhere"](1)).run(stack=stack)
    assert (run["elsewhere"].attempts[-1].image is not None) is builder
    assert [python for *_, python in box.given] == ["python" if builder else sys.executable]


class TestRefused:
    def test_an_image_that_nobody_builds(self, make_stack, box):
        with pytest.raises(PlugbayError, match=r"in a container image only.*has no image_builder; give it one"):
            pipeline(lambda: elsewhere_steps()["elsewhere"](1)).run(stack=make_stack(step_operator={"box": box}))

    def test_an_image_that_is_built_elsewhere_and_goes_nowhere(self, make_stack, box):
        stack = make_stack(step_operator={"box": box}, image_builder=Workshop(local=False))
        with pytest.raises(PlugbayError, match="must go to a container_registry, and the stack has none"):
            pipeline(lambda: elsewhere_steps()["elsewhere"](1)).run(stack=stack)

    def test_a_build_that_fails_leaves_no_run(self, make_stack, box, workshop, tmp_path):
        workshop.fails = True
        stack = make_stack(step_operator={"box": box}, image_builder=workshop)
        with pytest.raises(ImageError, match=r"(?s)image of 'elsewhere' cannot be had from .*the last line of pip"):
            pipeline(lambda: elsewhere_steps()["elsewhere"](1)).run(stack=stack)
        assert not (tmp_path / "store" / "runs").exists()

    def test_requirements_that_are_none(self):
        with pytest.raises(PlugbayError, match="requirements='pandas' must be a list of texts"):
            step(requirements="pandas")(len)
        with pytest.raises(PlugbayError, match="must be a list of texts"):
            step(requirements=["--index-url=x"])(len)
