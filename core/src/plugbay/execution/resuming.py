"""From the record of a run back to what can be driven: its plan, joined with the functions of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from plugbay.code.location import CodeLocation
from plugbay.errors import PlanError, PlugbayError, TargetError
from plugbay.pipelines.compiled import Compiled
from plugbay.pipelines.pipeline import Pipeline
from plugbay.pipelines.step import Step
from plugbay.reference import resolve
from plugbay.store.documents import RunRecord
from plugbay.values import EncodingError, decode
from plugbay_hookspecs.types import PlannedStep


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
    :param pipeline: imported already, where the code is no longer where it was.
    :raises PlanError: when a step that is still to be run cannot be found.
    :raises TargetError: when the pipeline cannot be imported.
    """
    found = pipeline if pipeline is not None else _pipeline_of(record)
    today, unplannable = _compiled_today(found, record)
    steps: dict[str, Step[..., Any]] = {}
    planned, problems, changed = [], [], []
    for old in record.plan.steps:
        new = today.get(old.id)
        if new is not None and new[0].function == old.function:
            steps[old.id] = new[1]
        elif old.id not in finished:
            try:
                steps[old.id] = _resolved(old)
            except PlanError as error:
                problems.append(str(error))
        fingerprint = new[0].static_fingerprint if new is not None else None
        if old.id not in finished and fingerprint != old.static_fingerprint:
            if fingerprint is not None:
                changed.append(old.id)
            old = _with_fingerprint(old, fingerprint)
        planned.append(old)
    if problems:
        raise PlanError("\n".join(problems))
    plan = attrs.evolve(record.plan, steps=tuple(planned))
    return Resumption(compiled=found.compiled(plan, steps), changed=tuple(changed), unplannable=unplannable)


def _with_fingerprint(step: PlannedStep, fingerprint: str | None) -> PlannedStep:
    """The step under the fingerprint of today's code; where that is not known, outside the cache."""
    if fingerprint is None:
        return attrs.evolve(step, cache=False)
    return attrs.evolve(step, static_fingerprint=fingerprint)


def _pipeline_of(record: RunRecord) -> Pipeline[..., Any]:
    target, root = record.plan.target, record.code_root
    again = "name the file it is in now: plugbay run --resume RUN FILE.py:PIPELINE"
    if target is None:
        msg = f"the pipeline {record.plan.pipeline!r} of run {record.id} was defined where nothing can be imported from; {again}"
        raise TargetError(msg)
    if root is not None and not Path(root).is_dir():
        msg = f"the code of run {record.id} was in {root}, which does not exist here; {again}"
        raise TargetError(msg)
    CodeLocation(root=root).enter()
    try:
        found = resolve(target)
    except (Exception, SystemExit) as error:
        msg = f"the pipeline of run {record.id} cannot be imported from {target} in {root}: {type(error).__name__}: {error}; {again}"
        raise TargetError(msg) from error
    if not isinstance(found, Pipeline):
        msg = f"{target} in {root}, the pipeline of run {record.id}, is now a {type(found).__name__}; {again}"
        raise TargetError(msg)
    return found


def _compiled_today(
    pipeline: Pipeline[..., Any], record: RunRecord
) -> tuple[Mapping[str, tuple[PlannedStep, Step[..., Any]]], str | None]:
    """The steps that the pipeline's code has today for the run's parameters: their options and fingerprints count."""
    try:
        parameters = {name: decode(tree) for name, tree in record.plan.parameters.items()}
        compiled = pipeline.compile(record.plan.failure, **parameters)
    except (PlugbayError, EncodingError) as error:
        return {}, str(error)
    except Exception as error:  # noqa: BLE001  the pipeline's function is the user's and may raise anything
        return {}, f"{type(error).__name__}: {error}"
    return {step.id: (step, compiled.steps[step.id]) for step in compiled.plan.steps}, None


def _resolved(planned: PlannedStep) -> Step[..., Any]:
    try:
        found = resolve(planned.function)
    except (Exception, SystemExit) as error:
        msg = f"step {planned.id!r} cannot be found at {planned.function}: {type(error).__name__}: {error}"
        raise PlanError(msg) from error
    if not isinstance(found, Step):
        msg = f"step {planned.id!r}: {planned.function} is now a {type(found).__name__}, not a step"
        raise PlanError(msg)
    return found
