"""Driving a run from its plan to its end, and resuming one whose driver is gone."""

from __future__ import annotations

import logging
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import plugbay
from plugbay.errors import (
    NotFoundError,
    PlanError,
    PlugbayError,
    RunBusyError,
    RunFailed,
    RunLostError,
    StoreError,
    did_you_mean,
    listed,
)
from plugbay.execution import own_runs
from plugbay.execution.descriptors import process as descriptors
from plugbay.execution.failures import call_guarded, error_info, without_secrets
from plugbay.execution.interruption import Interruption
from plugbay.execution.live_run import LiveRun
from plugbay.execution.log_files import completed
from plugbay.execution.session import Session
from plugbay.history.reader import Reader
from plugbay.history.run import Run
from plugbay.home import SPOOL_FACTS, growing_log_path, log_path, spool_directory
from plugbay.masking import any_hidden, masked_bytes
from plugbay.pipelines.compiled import Compiled
from plugbay.stack import Stack
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.store import ownership as owning
from plugbay.store.documents import Driver, EndRecord, RunRecord, StepImage, write
from plugbay.store.layout import attempt_key, driver_key, end_key, later_end_key, new_run_id, plan_key, steps_prefix
from plugbay.store.ownership import Ownership, known_fate, latest_driver, silent_for, this_process
from plugbay.store.put_once import put_once
from plugbay_hookspecs.types import Capabilities, Plan, PlannedStep, RunInfo, RunOutcome, RunStatus
from plugbay_hookspecs.types import LiveRun as LiveRunProtocol

_log = logging.getLogger("plugbay")


def drive(compiled: Compiled, *, stack: str | Stack | None = None, use_cache: bool = True) -> Run:
    """Run a compiled pipeline and return the run once every step has succeeded.

    :param stack: a configured stack's name, or a stack; the configured default when ``None``.
    :raises RunFailed: when a step failed or the run was cancelled.
    :raises PlugbayError: when it could not be started; then nothing is left behind.
    """
    if None in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        from plugbay.missing_streams import fill_closed  # few processes are without

        fill_closed()
    built = stack if isinstance(stack, Stack) else Stack.load(stack)
    built.check()
    check_capabilities(compiled.plan, built)
    run_id = new_run_id()
    interruption = Interruption()
    with Session(built, own_process=False) as session:
        for _ in built.host.each("run_prepare", plan=compiled.plan):
            pass
        images = _images(compiled.plan, built)
        record = RunRecord(
            id=run_id,
            plan=compiled.plan,
            stack=built.name,
            components=built.info.components,
            created=time.time(),
            driver=this_process(run_id, 1),
            code_root=compiled.code.root,
            use_cache=use_cache,
            versions={"python": platform.python_version(), "plugbay": plugbay.__version__},
        )
        with interruption.by_signals(), _owning(run_id, built, interruption) as ownership:
            put_once(built.artifact_store, plan_key(run_id), write(record))
            own_runs.note(record)
            ownership.begin(record.driver)
            live = LiveRun(run_id, compiled, session, interruption, ownership, use_cache=use_cache, images=images)
            return _drive(live, compiled, record, session, interruption, ownership)


def resume(record: RunRecord, compiled: Compiled, stack: Stack) -> Run:
    """Go on with a run that has not succeeded: every step that was committed is kept.

    :param compiled: the run's plan joined with the functions of its steps.
    :raises RunBusyError: when another process drives it.
    """
    if None in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        from plugbay.missing_streams import fill_closed  # few processes are without

        fill_closed()
    stack.check()
    check_capabilities(compiled.plan, stack)
    interruption = Interruption()
    store = stack.artifact_store
    with Session(stack, own_process=False) as session:
        images = _images(compiled.plan, stack)
        reader = Reader(stack)
        last = latest_driver(record.driver, store, record.id)
        certain = _await_end(last, reader, record.id)
        with interruption.by_signals(), _owning(record.id, stack, interruption) as ownership:
            end = reader.end_record(record.id)
            if end is not None and end.status == "succeeded":  # another process was faster
                return Run(record, end, reader)
            mine = ownership.claim(last, certain=certain)
            if not ownership.holds(surely=True) or store.stat(plan_key(record.id)) is None:
                store.delete([driver_key(record.id, mine.number)])
                msg = f"run {record.id} has just been deleted"
                raise NotFoundError(msg)
            kept = {found.step: found for found in reader.attempts(record.id) if found.status == "succeeded"}
            live = LiveRun(
                record.id,
                compiled,
                session,
                interruption,
                ownership,
                use_cache=record.use_cache,
                kept=kept,
                attempts=reader.attempt_counts(record.id),
                unrecorded=0 if mine.alone else mine.number - 1,
                images=images,
            )
            return _drive(live, compiled, record, session, interruption, ownership)


def _await_end(last: Driver, reader: Reader, run_id: str) -> bool:
    """Return once the driver is gone: whether that is certain, or it has only been silent for long.

    :raises RunBusyError: when it lives.
    """
    end = reader.end_record(run_id)
    if end is not None and end.driver >= last.number:
        return True
    fate = known_fate(last, run_id)
    if fate is None:
        who = f"process {last.pid} on {last.host}"
        _log.warning(
            "run %s was driven by %s, which cannot be asked from here: waiting up to %g s for a sign of life of it",
            run_id,
            who,
            owning.SILENCE,
        )
        if silent_for(owning.SILENCE, [(run_id, last)], reader.store):
            return False
        end = reader.end_record(run_id)
        if end is not None and end.driver >= last.number:
            return True
    if fate != "gone":
        msg = f"run {run_id} is being driven by process {last.pid} on {last.host}; to stop it: plugbay cancel {run_id}"
        raise RunBusyError(msg)
    return True


def _images(plan: Plan, stack: Stack) -> Mapping[str, StepImage]:
    """The images that steps run in, by step id, built before anything starts."""
    if not _may_need_images(plan, stack):
        return {}
    from plugbay.execution.images import images_of  # few stacks run steps in images

    return images_of(plan, stack)


def _may_need_images(plan: Plan, stack: Stack) -> bool:
    return stack.orchestrator.capabilities().image != "unused" or any(step.operator is not None for step in plan.steps)


def _owning(run_id: str, stack: Stack, interruption: Interruption) -> Ownership:
    return Ownership(run_id, stack, cancel=interruption.request, each_beat=interruption.insist)


def _drive(
    live: LiveRun,
    compiled: Compiled,
    record: RunRecord,
    session: Session,
    interruption: Interruption,
    ownership: Ownership,
) -> Run:
    stack, number = session.stack, ownership.number
    info = RunInfo(
        id=live.id, pipeline=live.plan.pipeline, stack=stack.name, steps=len(live.plan.steps), resumed=number > 1
    )
    began = time.monotonic()
    stack.host.tell("run_started", run=info)
    told = False
    try:
        with _guarded(live):
            try:
                stack.orchestrator.run(cast(LiveRunProtocol, live))
            finally:
                if any(found.status not in ("cached", "skipped") for found in live.schedule.summaries.values()):
                    compiled.settle()
        live.finish()
        live.answers.write_out()  # who learns of the end finds the answers
        status = _status(live)
        end = EndRecord(
            run_id=live.id,
            status=status,
            driver=number,
            ended=time.time(),
            steps=live.schedule.summaries,
            error=live.progress.error,
            failed_step=live.progress.failed_step,
        )
        _record_end(end, stack.artifact_store, ownership)
        _upload_left_logs(session, live.id)
        outcome = RunOutcome(
            status=status,
            seconds=time.monotonic() - began,
            error=live.progress.error,
            failed_step=live.progress.failed_step,
        )
        told = True
        stack.host.tell("run_finished", run=info, outcome=outcome)
        if status == "failed":
            from plugbay.execution.announcing import announce_failure  # most runs need it not

            announce_failure(stack, info, outcome)
    except RunLostError:
        raise
    except StoreError as error:
        error.args = (f"{error}\nwhat was committed is kept; go on with the run: plugbay run --resume {live.id}",)
        raise
    finally:
        live.answers.write_out()
        if not told:  # the store failed, or the process is being ended: observers must let go of the terminal
            lost = RunOutcome(status="interrupted", seconds=time.monotonic() - began, error=live.progress.error)
            stack.host.tell("run_finished", run=info, outcome=lost)
    after = compiled.on_success if status == "succeeded" else compiled.on_failure
    if after is not None:
        call_guarded(after, f"the pipeline's hook after {status}", info, outcome)
    run = Run(record, end, Reader(stack))
    if status != "succeeded":
        cause = live.progress.exception
        raise RunFailed(_failure_message(run), run) from None if cause is None else without_secrets(cause)
    return run


def _record_end(end: EndRecord, store: ArtifactStore, ownership: Ownership) -> None:
    """Record how this driver ended the run; no end that is recorded is overwritten.

    :raises RunReplacedError: when another process has taken the run over.
    :raises RunLostError: when the store does not have the run, or not all that was recorded.
    """
    if not ownership.holds(surely=True):
        assert ownership.loss is not None
        raise ownership.loss
    own = {
        attempt_key(end.run_id, step, summary.attempt)
        for step, summary in end.steps.items()
        if summary.attempt and summary.calls is None and summary.status == "succeeded"
    }
    if end.status == "succeeded" and own:
        own -= {entry.key for entry in store.list(steps_prefix(end.run_id))}
        lost = sorted(key for key in own if store.stat(key) is None)
        if lost:
            msg = (
                f"the artifact store does not have {lost[0]} any more, which was recorded in run {end.run_id} "
                f"({len(lost)} such records): it was replaced, or emptied in part, while the run went on"
            )
            raise RunLostError(msg)
    content = write(end)
    if put_once(store, end_key(end.run_id), content) is not None:
        put_once(store, later_end_key(end.run_id, end.driver), content)


@contextmanager
def _guarded(live: LiveRun) -> Iterator[None]:
    """An exception of the orchestrator itself fails the run; one that Plugbay raised on purpose ends it as it is."""
    try:
        yield
    except PlugbayError:
        raise
    except Exception as error:  # noqa: BLE001  it becomes the run's error
        live.progress.error, live.progress.exception = (
            live.progress.error or error_info(error),
            live.progress.exception or error,
        )


def _status(live: LiveRun) -> RunStatus:
    if live.cancelled:
        return "cancelled"
    if live.progress.error is not None:
        return "failed"
    statuses = {live.schedule.summaries[step.id].status for step in live.plan.steps}
    if statuses <= {"succeeded", "cached"}:
        return "succeeded"
    missing = PlanError("the orchestrator returned before the run was over")
    live.progress.error = error_info(missing)
    return "failed"


def _failure_message(run: Run) -> str:
    if run.status == "cancelled":
        return f"run {run.id} was cancelled; go on with it: plugbay run --resume {run.id}"
    what = f"step {run.failed_step!r} failed" if run.failed_step else "it could not be driven to its end"
    error = f": {run.error}" if run.error else ""
    return f"run {run.id} failed: {what}{error}"


def _upload_left_logs(session: Session, run_id: str) -> None:
    """Put logs into the store that a process which was killed left on this machine."""
    descriptors.leave()
    if spool_directory(run_id).exists():
        _bring_over(run_id)
    directory = log_path(run_id, "", 0).parent
    with suppress(OSError):
        for found in sorted(directory.iterdir()):
            with suppress(FileNotFoundError):  # a worker that has not ended yet may rename or remove its empty one
                path = completed(found) if found == growing_log_path(found.with_suffix("")) else found
                step, _, attempt = path.stem.rpartition(".")
                if any_hidden():
                    _mask(path)
                if path.stat().st_size == 0:
                    path.unlink()
                elif step and attempt.isdigit():
                    session.put_log(run_id, step, int(attempt), path)
        directory.rmdir()


def _bring_over(run_id: str) -> None:
    """Add to the logs what a process that was killed had not brought over."""
    from plugbay.history.unbrought import unbrought  # few runs have a process that was killed

    for spool, name, rest in unbrought(run_id):
        with suppress(OSError):
            if rest:
                found = log_path(run_id, "", 0).with_name(name)
                growing = growing_log_path(found)
                found = completed(growing) if growing.exists() else found
                found.parent.mkdir(parents=True, exist_ok=True)
                with found.open("ab") as file:
                    file.write(rest)
            spool.unlink()
            spool.with_suffix(SPOOL_FACTS).unlink()
            spool.parent.rmdir()


def _mask(path: Path) -> None:
    """Mask in a log what this process knows; the one that wrote it has masked what it knew."""
    content = path.read_bytes()
    if (shown := masked_bytes(content)) != content:
        path.write_bytes(shown)


def check_capabilities(plan: Plan, stack: Stack) -> None:
    """Raise :class:`PlanError` with everything the plan needs and the stack's orchestrator and step operators cannot do."""
    able: Capabilities = stack.orchestrator.capabilities()
    problems = []
    for step in plan.steps:
        if step.mapped and not able.dynamic_maps:
            problems.append(f"step {step.id!r} is mapped over a list that is known only at run time")
        if step.operator is not None:
            problems += _problems_of_operator(step, stack)
            continue
        lacking = step.resources.names() - able.resources
        if lacking:
            problems.append(f"step {step.id!r} asks for {', '.join(sorted(lacking))}")
    if _may_need_images(plan, stack):
        from plugbay.execution.images import problems_of_images  # few stacks run steps in images

        problems += problems_of_images(plan, stack)
    if problems:
        flavor = stack.of_type("orchestrator")[0].info.flavor
        lines = "\n".join(f"  {problem}" for problem in problems)
        msg = f"the orchestrator {flavor!r} of stack {stack.name!r} cannot run this plan:\n{lines}"
        raise PlanError(msg)


def _problems_of_operator(step: PlannedStep, stack: Stack) -> list[str]:
    name = step.operator or ""
    operators = stack.step_operators
    if name not in operators:
        known = f"has just {listed(operators)}{did_you_mean(name, operators)}" if len(operators) else "has none"
        return [f"step {step.id!r} names the step operator {name!r}, and the stack {known}"]
    able = operators[name].capabilities()
    problems = []
    lacking = step.resources.names() - able.resources
    if lacking:
        problems.append(f"step {step.id!r} asks step operator {name!r} for {', '.join(sorted(lacking))}")
    return problems
