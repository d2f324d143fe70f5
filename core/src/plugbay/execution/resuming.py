"""From the record of a run back to what can be driven: its plan, joined with the functions of its steps."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from plugbay.code.location import CodeLocation
from plugbay.errors import PlanError, PlugbayError, TargetError, listed
from plugbay.execution.own_runs import is_of_project, is_own
from plugbay.pipelines.compiled import Compiled
from plugbay.pipelines.compiling import function_reference
from plugbay.pipelines.pipeline import Pipeline
from plugbay.pipelines.step import Step
from plugbay.reference import resolve, resolve_named
from plugbay.store.documents import RunRecord
from plugbay.values import EncodingError, decode
from plugbay_hookspecs.types import PlannedStep

_Today = Mapping[str, tuple[PlannedStep, Step[..., Any]]]
"""What the pipeline's code has today, by step id."""


@frozen
class _Found:
    """A step of today's code."""

    step: Step[..., Any]
    reference: str
    fingerprint: str | None
    """``None`` where the pipeline does not tell how it calls the step."""
    cache: bool = True


@frozen(kw_only=True)
class Resumption:
    """What :func:`plugbay.execution.driver.resume` needs, and what is worth a warning."""

    compiled: Compiled
    changed: tuple[str, ...]
    """Steps that are still to be run and whose code is not what it was when the run was planned."""
    unplannable: str | None = None
    """Why the pipeline cannot be compiled today with the parameters of the run."""


def resumption(
    record: RunRecord, finished: frozenset[str], *, pipeline: Pipeline[..., Any] | None = None
) -> Resumption:
    """Import the code of a run again and join its plan with it.

    A step whose code has changed is planned anew with the code's fingerprint, so that what it computes never answers for
    the code that it was.

    :param finished: the ids of steps that have succeeded and will not be run again.
    :param pipeline: imported already, where its code is to be run and not that at the place where the run has found it.
    :raises PlanError: when a step that is still to be run cannot be found, or is no longer what the plan calls.
    :raises TargetError: when the pipeline cannot be imported.
    """
    found = pipeline if pipeline is not None else _pipeline_of(record)
    today, unplannable = _compiled_today(found, record)
    find = _by_reference if pipeline is None else functools.partial(_by_name, found)
    steps: dict[str, Step[..., Any]] = {}
    planned, problems, changed = [], [], []
    for old in record.plan.steps:
        try:
            new = find(old, today)
            if old.id not in finished:
                _check_fit(old, new.step)
        except PlanError as error:
            problems += [str(error)] if old.id not in finished else []
            planned.append(old)
            continue
        steps[old.id] = new.step
        if old.id not in finished and new.fingerprint != old.static_fingerprint:
            if new.fingerprint is not None:
                changed.append(old.id)
            old = _with_fingerprint(old, new.fingerprint, cache=new.cache)
        planned.append(attrs.evolve(old, function=new.reference))
    if problems:
        anew = "or start a new run: it takes from the cache whatever has not changed"
        raise PlanError("\n".join([*problems, f"name the file that has the code of the run, {anew}"]))
    plan = attrs.evolve(record.plan, steps=tuple(planned))
    return Resumption(compiled=found.compiled(plan, steps), changed=tuple(changed), unplannable=unplannable)


def _with_fingerprint(step: PlannedStep, fingerprint: str | None, *, cache: bool) -> PlannedStep:
    """The step under the fingerprint of today's code; where that is not known, outside the cache."""
    if fingerprint is None:
        return attrs.evolve(step, cache=False)
    return attrs.evolve(step, static_fingerprint=fingerprint, cache=step.cache and cache)


def _pipeline_of(record: RunRecord) -> Pipeline[..., Any]:
    target, root = record.plan.target, record.code_root
    again = "name the file it is in now: plugbay run --resume RUN FILE.py:PIPELINE"
    if target is None:
        msg = f"the pipeline {record.plan.pipeline!r} of run {record.id} was defined where nothing can be imported from; {again}"
        raise TargetError(msg)
    if root is not None and not Path(root).is_dir():
        msg = f"the code of run {record.id} was in {root}, which does not exist here; {again}"
        raise TargetError(msg)
    own = is_own(record)
    if not own and not is_of_project(record):
        msg = (
            f"run {record.id} names code in {root}, which does not belong to the project here, and you have not started the run "
            f"on this machine: whoever may write to the artifact store could have named it; if it is yours, {again}"
        )
        raise TargetError(msg)
    CodeLocation(root=root).enter()
    try:
        found = resolve(target) if own else resolve_named(target, *filter(None, [root]))
    except (Exception, SystemExit) as error:
        msg = f"the pipeline of run {record.id} cannot be imported from {target} in {root}: {type(error).__name__}: {error}; {again}"
        raise TargetError(msg) from error
    if not isinstance(found, Pipeline):
        msg = f"{target} in {root}, the pipeline of run {record.id}, is now a {type(found).__name__}; {again}"
        raise TargetError(msg)
    return found


def _compiled_today(pipeline: Pipeline[..., Any], record: RunRecord) -> tuple[_Today, str | None]:
    """The steps that the pipeline's code has today for the run's parameters: their options and fingerprints count."""
    try:
        parameters = {name: decode(tree) for name, tree in record.plan.parameters.items()}
        compiled = pipeline.compile(record.plan.failure, **parameters)
    except (PlugbayError, EncodingError) as error:
        return {}, str(error)
    except Exception as error:  # noqa: BLE001  the pipeline's function is the user's and may raise anything
        return {}, f"{type(error).__name__}: {error}"
    return {step.id: (step, compiled.steps[step.id]) for step in compiled.plan.steps}, None


def _by_reference(old: PlannedStep, today: _Today) -> _Found:
    """The step that the plan names, where the plan says it is."""
    new = today.get(old.id)
    if new is not None and new[0].function == old.function:
        return _Found(new[1], old.function, new[0].static_fingerprint, new[0].cache)
    try:
        found = resolve_named(old.function)
    except (Exception, SystemExit) as error:
        msg = f"step {old.id!r} cannot be found at {old.function}: {type(error).__name__}: {error}"
        raise PlanError(msg) from error
    if not isinstance(found, Step):
        msg = f"step {old.id!r}: {old.function} is now a {type(found).__name__}, not a step"
        raise PlanError(msg)
    if new is None:
        return _Found(found, old.function, None)
    return _Found(found, old.function, new[0].static_fingerprint, new[0].cache)


def _by_name(pipeline: Pipeline[..., Any], old: PlannedStep, today: _Today) -> _Found:
    """The step that the pipeline has under the id, or under the name of the function: its module may be another one."""
    new = today.get(old.id) or next((each for each in today.values() if each[0].name == old.name), None)
    if new is not None:
        return _Found(new[1], new[0].function, new[0].static_fingerprint, new[0].cache)
    beside = pipeline.function.__globals__.get(old.name)  # all that is left if it cannot be compiled
    if today or not isinstance(beside, Step):
        known = listed(today) if today else "none that can be told"
        msg = f"pipeline {pipeline.name!r} has no step {old.id!r}, which the run has still to do (it has: {known})"
        raise PlanError(msg)
    return _Found(beside, function_reference(beside), None)


def _check_fit(old: PlannedStep, step: Step[..., Any]) -> None:
    """Refuse a step that cannot be called with what was planned for it, or gives something else than others need."""
    parameters = step.signature.parameters.parameters
    unknown = [name for name in old.inputs if name not in parameters]
    lacking = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and name not in old.inputs
    ]
    if unknown or lacking:
        what = f"no longer takes {listed(unknown)}" if unknown else f"now takes {listed(lacking)} as well"
        msg = f"step {old.id!r} {what}: it was planned with {listed(old.inputs)}"
        raise PlanError(msg)
    given, wanted = [output.name for output in step.signature.outputs], [output.name for output in old.outputs]
    if given != wanted:
        msg = f"step {old.id!r} now has the outputs {listed(given)}: it was planned with {listed(wanted)}"
        raise PlanError(msg)
