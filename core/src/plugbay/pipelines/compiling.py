"""From the wiring of a pipeline to its plan."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from plugbay.code.fingerprint import CodeFingerprint, Unknown, Walk
from plugbay.code.project import Project
from plugbay.errors import PlanError, did_you_mean
from plugbay.pipelines.options import parse_resources
from plugbay.reference import reference_to, resolve
from plugbay.typecheck import describe
from plugbay.values import canonical
from plugbay_hookspecs.types import (
    Binding,
    Each,
    ItemsOf,
    NamedItemsOf,
    OutputOf,
    OutputSpec,
    Plan,
    PlannedStep,
)

if TYPE_CHECKING:
    from plugbay.pipelines.step import Step
    from plugbay.pipelines.wiring import Call, Wiring
    from plugbay_hookspecs.types import Resources, Retry

_log = logging.getLogger("plugbay")

_SHOWN = 3
FAILURE_POLICIES = ("stop", "continue", "fail-fast")


def compile_plan(
    wiring: Wiring, *, pipeline: str, target: str | None, parameters: Mapping[str, Any], failure: str
) -> tuple[Plan, tuple[Walk, ...]]:
    """Make the plan, and return it with the walks over the code of its steps. Raises :class:`PlanError` for a cycle, naming the steps on it.

    :param parameters: of the pipeline, in canonical JSON form.
    """
    order = _ordered(wiring)
    planner = _Planner(wiring)
    steps = tuple(planner.planned(wiring.calls[call_id]) for call_id in order)
    plan = Plan(pipeline=pipeline, target=target, parameters=parameters, steps=steps, failure=failure)
    return plan, tuple(planner.walks.values())


def needs(step: PlannedStep) -> dict[str, None]:
    """The ids of the steps that must have succeeded before, in the order they are referred to."""
    found = dict.fromkeys(output.step for binding in step.inputs.values() for output in outputs_in(binding))
    return found | dict.fromkeys(step.after)


def outputs_in(binding: Binding) -> Iterator[OutputOf]:
    """Yield every output of another step that a binding refers to."""
    if isinstance(binding, OutputOf):
        yield binding
    elif isinstance(binding, Each):
        yield from outputs_in(binding.of)
    elif isinstance(binding, ItemsOf):
        for item in binding.items:
            yield from outputs_in(item)
    elif isinstance(binding, NamedItemsOf):
        for item in binding.items.values():
            yield from outputs_in(item)


def _ordered(wiring: Wiring) -> list[str]:
    graph = {
        call.id: [output.step for binding in call.inputs.values() for output in outputs_in(binding)] + call.after
        for call in wiring.calls.values()
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        msg = f"the steps wait for each other in a circle: {' -> '.join(error.args[1])}; remove one of these after() or inputs"
        raise PlanError(msg) from error


@frozen
class _Shared:
    """What is the same for every call of a step."""

    function: str
    outputs: tuple[OutputSpec, ...]
    retry: Retry
    resources: Resources
    requirements: tuple[str, ...]
    cache: bool
    static_fingerprint: str


class _Planner:
    """Plans calls; what is the same for every call of a step is worked out once."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self.walks: dict[Project, Walk] = {}
        self._known: dict[int, _Shared] = {}

    def planned(self, call: Call) -> PlannedStep:
        step, options = call.step, call.step.options
        shared = self._known.get(id(step))
        if shared is None:
            shared = self._known[id(step)] = self._shared(call)
        return PlannedStep(
            id=call.id,
            name=step.name,
            function=shared.function,
            inputs=call.inputs,
            outputs=self._outputs(call, shared.outputs),
            after=tuple(dict.fromkeys(call.after)),
            retry=shared.retry,
            timeout=options.timeout,
            operator=options.operator,
            requirements=shared.requirements,
            fail_on_report=options.fail_on_report,
            resources=shared.resources,
            ignored=tuple(name for name in options.ignore if name in call.inputs),
            cache=shared.cache,
            static_fingerprint=shared.static_fingerprint,
        )

    def _outputs(self, call: Call, outputs: tuple[OutputSpec, ...]) -> tuple[OutputSpec, ...]:
        split = self._wiring.mapped_outputs
        if not split or any(isinstance(binding, Each) for binding in call.inputs.values()):
            return outputs
        return tuple(evolve(spec, items=(call.id, spec.name) in split) for spec in outputs)

    def _shared(self, call: Call) -> _Shared:
        """What is the same for every call of the step of this one, which is the first; messages name this one."""
        step, options = call.step, call.step.options
        code = self._code(step)
        return _Shared(
            function=function_reference(step),
            outputs=tuple(
                OutputSpec(name=output.name, type=describe(output.hint)) for output in step.signature.outputs
            ),
            retry=options.retry(),
            resources=parse_resources(options.resources),
            requirements=tuple(options.requirements),
            cache=options.cache and _can_be_told(call, code),
            static_fingerprint=_static_fingerprint(call, code),
        )

    def _code(self, step: Step[..., Any]) -> CodeFingerprint:
        project = Project.of(step.function)
        walk = self.walks.get(project)
        if walk is None:
            walk = self.walks[project] = Walk(project)
        parameters = step.signature.parameters.parameters
        names = [name for name in step.options.ignore if name not in parameters]
        found = walk.of_function(step.function, ignore=names)
        for name in names:
            if name not in found.ignored:
                known = {name.rpartition(".")[2] for name in found.names} | found.names | set(parameters)
                msg = f"step {step.name}: ignore={name!r} is nothing that its code refers to{did_you_mean(name, known)}"
                raise PlanError(msg)
        return found


def _static_fingerprint(call: Call, code: CodeFingerprint) -> str:
    options = call.step.options
    declared = [found for dependency in options.depends if (found := _dependency(dependency, call.id))]
    strict = ["fail_on_report"] if options.fail_on_report else []
    strict += [f"requires {requirement}" for requirement in sorted(options.requirements)]
    if not declared and not options.version and not strict:
        return code.digest
    return hashlib.sha256(canonical([code.digest, options.version, declared, *strict])).hexdigest()


def _can_be_told(call: Call, code: CodeFingerprint) -> bool:
    """Whether all that the step reaches is known by content, or the user answers for the rest with ``version``."""
    options = call.step.options
    if not code.unknown or options.version or not options.cache:
        return True
    _log.warning("%s", _why_not_cached(call.id, code.unknown))
    return False


def _why_not_cached(step: str, unknown: Sequence[Unknown]) -> str:
    shown = ", ".join(map(str, unknown[:_SHOWN]))
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    name = unknown[0].name
    return (
        f"step {step!r} is not answered from the cache, because it reaches what cannot be told apart by content: {shown}{more}. "
        f"Name the version of what it uses with @step(version=...), leave it out with @step(ignore=[{name!r}]), "
        "pass it as depends=[...] what it is made from, or install a plugin with the hook fingerprint_of for its type"
    )


def _dependency(dependency: str | Path, where: str) -> list[str] | None:
    """What counts of a dependency at plan time: of a file it is what it holds when the step is about to start."""
    if isinstance(dependency, Path):
        if not dependency.exists():
            msg = f"step {where!r} depends on {dependency}, which does not exist"
            raise PlanError(msg)
        return None
    import importlib.metadata  # few steps declare a distribution, and it is slow to import

    try:
        return ["distribution", dependency, importlib.metadata.version(dependency)]
    except importlib.metadata.PackageNotFoundError as error:
        msg = f"step {where!r} depends on the distribution {dependency!r}, which is not installed (for a file give a Path)"
        raise PlanError(msg) from error


def function_reference(step: Step[..., Any]) -> str:
    """``module:qualname`` of the step's function; for one that cannot be imported, its name behind ``<local>``."""
    reference = reference_to(step.function)
    if reference is not None and _leads_to(reference, step):
        return reference
    return f"<local>:{step.function.__qualname__}"


def _leads_to(reference: str, step: Step[..., Any]) -> bool:
    """Whether a process that imports the reference finds this step, and not another thing of the same name."""
    try:
        found = resolve(reference)
    except (ImportError, AttributeError, ValueError):
        return False
    return getattr(found, "function", None) is step.function
