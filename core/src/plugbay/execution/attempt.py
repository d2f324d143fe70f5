"""The execution of one attempt, in whatever process: load, call, check, store, record."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from attrs import frozen

from plugbay.code.project import Project
from plugbay.errors import (
    InputError,
    OutputError,
    PlugbayError,
    ReportFailed,
    SerializationError,
    StoreError,
    listed,
)
from plugbay.execution.current import CurrentStep, alone, executing
from plugbay.execution.failures import StepCancelled, error_info, without_secrets
from plugbay.execution.forks import ChildrenEndHere
from plugbay.execution.leftovers.nothing_left import NothingLeft
from plugbay.execution.leftovers.system import DIRECTORY
from plugbay.execution.logs import captured
from plugbay.execution.session import Session
from plugbay.execution.tasks import Task, artifacts_in, load_input
from plugbay.masking import masked_value
from plugbay.pipelines.signature import Signature
from plugbay.pipelines.step import Step
from plugbay.reference import resolve
from plugbay.store.artifacts import blobs_of
from plugbay.store.documents import AttemptRecord, read, write
from plugbay.store.layout import attempt_key, blob_key
from plugbay.store.put_once import put_once
from plugbay.typecheck import describe, mismatch
from plugbay.values import EncodingError, encode
from plugbay_hookspecs.types import Artifact, ErrorInfo, StepCall, StepInfo, StepStatus

if TYPE_CHECKING:
    from plugbay.execution.tracking import Tracking

_log = logging.getLogger("plugbay")


@frozen
class Finished:
    """An attempt that is over and recorded."""

    record: AttemptRecord
    error: BaseException | None = None
    """What the step raised, where that is at hand."""


def execute_attempt(
    task: Task,
    session: Session,
    step: Step[..., Any] | None = None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> Finished:
    """Execute the attempt and record it. What the step raises is recorded, not raised.

    :param step: the step, where it need not be imported.
    :param cancelled: whether the run was asked to stop; if not, a ``KeyboardInterrupt`` is the step's own.
    :raises StoreError: when the record could not be written.
    """
    started = time.time()
    host = session.stack.host
    tracking = _tracking(task, session)
    inputs = [artifact for resolved in task.inputs.values() for artifact in artifacts_in(resolved)]
    context = CurrentStep(task.info, session.stack, tracking=tracking, inputs=inputs)
    outputs: tuple[Artifact, ...] = ()
    error: BaseException | None = None
    with captured(task.info, own_process=session.own_process, spare=session.spare_log) as log:
        try:
            with (
                ChildrenEndHere(),
                executing(context),
                host.entered("step_enter", "step_leave", _leaving_with, step=task.info),
            ):
                outputs = _outputs(task, session, step, tracking)
        except BaseException as raised:  # noqa: BLE001  it goes into the record
            error = raised
    printed = log.close()
    metadata = _plain(host.gather("step_metadata", step=task.info))
    for component, url in tracking.urls.items() if tracking is not None else ():
        facts = metadata.get(component)
        metadata[component] = {
            "experiment_tracker_url": masked_value(url),
            **(facts if isinstance(facts, dict) else {}),
        }
    status: StepStatus = "succeeded" if error is None else "failed"
    if isinstance(error, StepCancelled) or (isinstance(error, KeyboardInterrupt) and cancelled()):
        status = "cancelled"
    record = AttemptRecord(
        run_id=task.info.run_id,
        step=task.info.step,
        name=task.info.name,
        attempt=task.info.attempt,
        status=status,
        started=started,
        ended=time.time(),
        queued=_queued(task, started),
        fingerprint=task.fingerprint,
        inputs={
            name: digests
            for name, resolved in task.inputs.items()
            if (digests := tuple(artifact.digest for artifact in artifacts_in(resolved)))
        },
        outputs=outputs if error is None else (),
        error=None if error is None else error_info(error),
        metrics={name: tuple(points) for name, points in context.metrics.items()},
        params=masked_value(context.params),
        metadata=metadata,
        log=printed,
        host=platform.node(),
        pid=os.getpid(),
        image=task.image,
        driver=task.driver,
        asked=tuple(sorted(context.asked | ({"url"} if tracking is not None and tracking.asked else set()))),
        unreadable=error.digests if isinstance(error, InputError) else (),
    )
    record, committed = commit(record, session)
    if printed:
        session.upload_log(task.info, log.path)
    return Finished(record, without_secrets(error) if committed and error is not None else None)


def record_lost(
    task: Task, error: BaseException, session: Session, *, began: float | None = None, cancelled: bool
) -> Finished:
    """Record an attempt whose process ended without a record; one that it did leave after all counts.

    :param began: when the engine began to execute it, in seconds since the epoch, where it has told.
    """
    now = time.time()
    record = AttemptRecord(
        run_id=task.info.run_id,
        step=task.info.step,
        name=task.info.name,
        attempt=task.info.attempt,
        status="cancelled" if cancelled else "failed",
        started=now if began is None else min(began, now),
        ended=now,
        queued=0.0 if began is None else _queued(task, began),
        fingerprint=task.fingerprint,
        error=error_info(error),
        image=task.image,
        driver=task.driver,
    )
    record, committed = commit(record, session)
    return Finished(record, error if committed else None)


def _queued(task: Task, started: float) -> float:
    """Seconds from handing the attempt out to its start, to the millisecond; none where the machines' clocks differ by more."""
    return round(max(0.0, started - task.offered), 3) if task.offered else 0.0


def commit(record: AttemptRecord, session: Session) -> tuple[AttemptRecord, bool]:
    """Write the record.

    :returns: the record that counts, and whether it is this one: an attempt is recorded once, and who comes second is
        given what the first one wrote.
    """
    key = attempt_key(record.run_id, record.step, record.attempt)
    first = put_once(session.stack.artifact_store, key, write(record))
    return (record, True) if first is None else (read(first, AttemptRecord, key), False)


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What components add, in canonical JSON form; what has none is reported and left out."""
    found = {}
    for component, facts in metadata.items():
        try:
            found[component] = masked_value(encode(facts, f"step_metadata of {component}"))
        except EncodingError as error:
            _log.warning("%s; it is left out of the record", error)
    return found


def _leaving_with(error: BaseException | None) -> dict[str, ErrorInfo | None]:
    return {"error": None if error is None else error_info(error)}


def _tracking(task: Task, session: Session) -> Tracking | None:
    trackers = [component for component, _ in session.stack.host.implementing("experiment_tracker_log_params")]
    if not trackers:
        return None
    from plugbay.execution.tracking import Tracking  # only a stack with trackers needs it

    return Tracking(session.stack.host, task.info, trackers)


def _outputs(
    task: Task, session: Session, step: Step[..., Any] | None, tracking: Tracking | None
) -> tuple[Artifact, ...]:
    step = step or resolve_step(task.function)

    unreadable: list[tuple[Artifact, Exception]] = []

    def load(artifact: Artifact) -> Any:
        try:
            value = session.artifacts.load(artifact)
        except (StoreError, SerializationError):
            raise
        except Exception as error:  # noqa: BLE001  reading runs code of the value's classes
            unreadable.append((artifact, error))
            return None
        session.stack.host.tell("artifact_loaded", step=task.info, artifact=artifact)
        return value

    arguments = {name: load_input(resolved, load) for name, resolved in task.inputs.items()}
    if unreadable:
        artifact, error = unreadable[0]
        msg = (
            f"what step {task.info.step!r} takes cannot be read, a {artifact.type} that was saved by {artifact.serializer}: "
            f"{type(error).__name__}: {error}; compute it anew: plugbay run --no-cache"
        )
        raise InputError(msg, [artifact.digest for artifact, _ in unreadable]) from error
    _check_arguments(arguments, step.signature, task)
    if tracking is None:
        return _called(task, session, step, arguments)
    written_out = {name: arguments[name] for name, resolved in task.inputs.items() if not any(artifacts_in(resolved))}
    with tracking.started(written_out):
        return _called(task, session, step, arguments)


def _called(task: Task, session: Session, step: Step[..., Any], arguments: dict[str, Any]) -> tuple[Artifact, ...]:
    """Call the function, check what it returns and store it."""
    left = functools.partial(session.left_behind, task.info)
    with NothingLeft(alone, left, (DIRECTORY,)):  # a relative path that the step returns is one from where it has gone
        return _stored(task, session, step, arguments, left)


def _stored(
    task: Task,
    session: Session,
    step: Step[..., Any],
    arguments: dict[str, Any],
    left: Callable[[Sequence[str]], None],
) -> tuple[Artifact, ...]:
    host = session.stack.host
    call = StepCall(function=_synchronous(step.function), arguments=arguments, timeout=task.timeout)
    # a context of its own: what the step sets in context variables does not reach the next one
    with NothingLeft(alone, left):
        result = copy_context().run(host.call, "step_call", step=task.info, call=call)
    values = output_values(result, step.signature, task.info.step)
    if task.fail_on_report:
        _refuse_failed_reports(values, task.info)
    store, began = session.stack.artifact_store, time.time()
    saved, project = [], Project.of(step.function)
    for spec in task.outputs:
        artifact = session.artifacts.save(spec.name, values[spec.name], items=spec.items, project=project)
        host.tell("artifact_saved", step=task.info, artifact=artifact)
        saved.append(artifact)
    if not store.is_local:
        from plugbay.store.sweeps import Reliance  # only a store elsewhere needs it

        reliance = Reliance(store, began)
        while not reliance.holds({blob_key(digest) for artifact in saved for digest in blobs_of(artifact)}):
            saved = [
                session.artifacts.save(spec.name, values[spec.name], items=spec.items, project=project)
                for spec in task.outputs
            ]
    return tuple(saved)


def _refuse_failed_reports(values: Mapping[str, Any], info: StepInfo) -> None:
    from plugbay_hookspecs.types import Report  # few steps need it

    failed = {name: value for name, value in values.items() if isinstance(value, Report) and not value.passed}
    if failed:
        lines = [f"step {info.step!r} returned a report that has not passed, {listed(failed)}, and fails on it:"]
        for report in failed.values():
            wrong = {label: result for label, result in report.results.items() if not result.passed}
            lines += [
                f"  {label}" + (f": {result.message}" if result.message else "") for label, result in wrong.items()
            ]
        raise ReportFailed("\n".join(lines))


def _synchronous(function: Any) -> Any:
    """An ``async`` step runs in an event loop of its own."""
    if not inspect.iscoroutinefunction(function):
        return function

    def run(**arguments: Any) -> Any:
        import asyncio  # few steps need it, and it is slow to import

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(function(**arguments))
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as thread:  # a notebook's own loop runs in this one
            return thread.submit(copy_context().run, asyncio.run, function(**arguments)).result()

    return run


def resolve_step(reference: str) -> Step[..., Any]:
    """Import the step that ``reference`` names. Raises :class:`PlugbayError` when it is not there."""
    try:
        found = resolve(reference)
    except (ImportError, AttributeError, ValueError) as error:
        msg = f"the step {reference!r} cannot be imported: {error}"
        raise PlugbayError(msg) from error
    if isinstance(found, Step):
        return found
    msg = f"{reference!r} is a {type(found).__name__} and no step; it was one when the run was planned"
    raise PlugbayError(msg)


def _check_arguments(arguments: Mapping[str, Any], signature: Signature, task: Task) -> None:
    problems, digests = [], []
    for name, value in arguments.items():
        where = f"argument {name!r} of step {task.info.step!r}"
        problem = mismatch(value, signature.hints.get(name, Any), where)
        if problem is not None:
            problems.append(problem)
            digests += [artifact.digest for artifact in artifacts_in(task.inputs[name])]
    if problems:
        raise InputError("\n".join(problems), digests)


def output_values(result: Any, signature: Signature, step: str) -> dict[str, Any]:
    """Take what a function returned apart into its declared outputs.

    Raises :class:`OutputError` that says which output is not what it should be, what was expected and what came.
    """
    declared = signature.outputs
    if not declared:
        if result is not None:
            msg = f"step {step!r} declares no output, but returned {describe(type(result))}; annotate what it returns"
            raise OutputError(msg)
        return {}
    if not signature.many:
        values = {declared[0].name: result}
    else:
        if not isinstance(result, (tuple, list)):
            msg = f"step {step!r} declares {len(declared)} outputs, but returned one {describe(type(result))}"
            raise OutputError(msg)
        if len(result) != len(declared):
            msg = f"step {step!r} declares {len(declared)} outputs, but returned {len(result)} values"
            raise OutputError(msg)
        values = {output.name: value for output, value in zip(declared, result, strict=True)}
    problems = [
        problem
        for output in declared
        if (problem := mismatch(values[output.name], output.hint, f"output {output.name!r} of step {step!r}"))
    ]
    if problems:
        raise OutputError("\n".join(problems))
    return values
