"""A run as a JSON tree: what ``plugbay show --json`` and ``plugbay run --json`` print."""

from __future__ import annotations

from collections import Counter
from typing import Any

from plugbay.cli.wording import timestamp
from plugbay.history.run import Run, StepRun
from plugbay_hookspecs.types import Artifact, ErrorInfo


def run_tree(run: Run) -> dict[str, Any]:
    """Describe a run with all its steps."""
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "status": run.status,
        "stack": run.stack,
        "started": timestamp(run.record.created),
        "seconds": run.seconds,
        "parameters": dict(run.plan.parameters),
        "failed_step": run.failed_step,
        "error": error_tree(run.error),
        "code": {"root": run.record.code_root, "target": run.plan.target},
        "versions": dict(run.record.versions),
        "components": [
            {
                "type": info.type,
                "name": info.name,
                "flavor": info.flavor,
                "distribution": info.distribution,
                "version": info.version,
            }
            for info in run.record.components
        ],
        "steps": [step_tree(step) for step in run.steps],
    }


def step_tree(step: StepRun) -> dict[str, Any]:
    """Describe one step, with the calls of a mapped one as far as they are known."""
    source, summary = step.source, step.summary
    tree: dict[str, Any] = {
        "id": step.id,
        "name": step.name,
        "status": status_of(step),
        "attempts": attempts_of(step),
        "seconds": step.seconds if summary is not None else None,
        "queued": step.queued if summary is not None and not step.mapped else None,
        "reason": (summary.reason if summary is not None else step.progress.reason if step.progress else None) or None,
        "source": {"run": source.run_id, "step": source.step, "attempt": source.attempt} if source else None,
        "error": error_tree(step.error) if step.status == "failed" else None,
        "metrics": step.metrics,
        "params": dict(step.params),
        "image": {"reference": step.image.reference, "digest": step.image.digest} if step.image is not None else None,
    }
    if step.mapped:
        tree["calls"] = [
            {
                "id": call.id,
                "status": status_of(call),
                "attempts": attempts_of(call),
                "seconds": call.seconds,
                "queued": call.queued,
                "error": error_tree(call.error) if call.status == "failed" else None,
                "metrics": call.metrics,
                "params": dict(call.params),
            }
            for call in step.read_calls()
        ]
    else:
        tree["outputs"] = [artifact_tree(view.one) for view in step.outputs.values()]
    return tree


def status_of(step: StepRun) -> str | None:
    """What became of it, or in a run that goes on where it stands: ``running``, ``queued`` or ``pending``."""
    return step.status or (step.progress.state if step.progress is not None else None)


def attempts_of(step: StepRun) -> int:
    """How many attempts the step had in this run; of a cached one none."""
    return step.summary.attempt if step.summary is not None else 0


def call_counts(step: StepRun) -> dict[str, int]:
    """How many calls of a mapped step have which status."""
    counts = Counter(status_of(call) or "not run" for call in step.calls)
    return dict(counts + Counter({"pending": step.unnamed_calls}))


def artifact_tree(artifact: Artifact) -> dict[str, Any]:
    """Describe an artifact without its bytes."""
    return {
        "name": artifact.name,
        "type": artifact.type,
        "serializer": artifact.serializer,
        "size": artifact.size,
        "digest": artifact.digest,
        "items": len(artifact.items) if artifact.items is not None else None,
        "metadata": dict(artifact.metadata),
    }


def error_tree(error: ErrorInfo | None) -> dict[str, str] | None:
    """Describe an error."""
    return None if error is None else {"type": error.type, "message": error.message, "traceback": error.traceback}
