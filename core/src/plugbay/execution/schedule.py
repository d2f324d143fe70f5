"""The progress of a plan through its graph: which calls can start, what became of each step, and what cannot run any more."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from graphlib import TopologicalSorter

from attrs import define, field, frozen

from plugbay.execution.tasks import Resolved, elements_of, resolve_binding, with_parts
from plugbay.pipelines.compiling import needs
from plugbay.store.documents import StepSummary
from plugbay.store.layout import call_id
from plugbay_hookspecs.types import Artifact, Each, OutputOf, Plan, PlannedStep


@frozen(eq=False)
class Call:
    """One call of a step, with its inputs known: the step itself, or one element of a mapped one."""

    id: str
    step: PlannedStep
    inputs: Mapping[str, Resolved] = field(repr=False)
    index: int | None = None


@define
class _Mapped:
    """The calls of a mapped step."""

    outputs: list[Mapping[str, Artifact] | None]
    open: int
    seconds: float = 0.0


class UnmappableError(TypeError):
    """A mapped step was given something else than a list."""


class Schedule:
    """Hands out each call once all it needs has succeeded; cost is linear in steps and calls."""

    def __init__(self, plan: Plan) -> None:
        """Begin with nothing done."""
        self.steps = {step.id: step for step in plan.steps}
        self.summaries: dict[str, StepSummary] = {}
        """What became of each step and call so far."""
        graph = {step.id: tuple(needs(step)) for step in plan.steps}
        self._sorter: TopologicalSorter[str] = TopologicalSorter(graph)
        self._sorter.prepare()
        self._dependents: dict[str, list[str]] = {}
        for step_id, needed in graph.items():
            for other in needed:
                self._dependents.setdefault(other, []).append(step_id)
        self._results: dict[str, Mapping[str, Resolved]] = {}
        self._mapped: dict[str, _Mapped] = {}
        self._waiting: deque[str] = deque()

    def next_steps(self) -> list[PlannedStep]:
        """The steps that have become ready since the last call."""
        ready = [*self._waiting, *(self._sorter.get_ready() if self._sorter.is_active() else ())]
        self._waiting.clear()
        return [self.steps[step_id] for step_id in ready if step_id not in self.summaries]

    def postpone(self, steps: list[PlannedStep]) -> None:
        """Give steps back that were not started."""
        self._waiting.extend(step.id for step in steps)

    def calls_of(self, step: PlannedStep) -> list[Call]:
        """The calls of a step that is ready; a mapped step over an empty list has none and has succeeded.

        Raises :class:`UnmappableError` when it is mapped over something else than a list.
        """
        if not step.mapped:
            return [Call(step.id, step, self._inputs(step))]
        mapped = next(name for name, binding in step.inputs.items() if isinstance(binding, Each))
        try:
            items = elements_of(resolve_binding(step.inputs[mapped], self._result))
        except TypeError as error:
            raise UnmappableError(str(error)) from error
        fixed = self._inputs(step, but=mapped)
        self._mapped[step.id] = _Mapped([None] * len(items), len(items))
        if not items:
            self._mapped_succeeded(step)
        return [Call(call_id(step.id, index), step, {**fixed, mapped: item}, index) for index, item in enumerate(items)]

    def _result(self, output: OutputOf) -> Resolved:
        return self._results[output.step][output.output]

    def succeeded(self, call: Call, outputs: Mapping[str, Artifact], summary: StepSummary) -> None:
        """Take in that a call succeeded, or was answered from the cache; or that it succeeded again, and what it now returns."""
        again = call.id in self.summaries
        self.summaries[call.id] = summary
        if call.index is None:
            self._results[call.id] = {name: ("artifact", artifact) for name, artifact in outputs.items()}
            if not again:
                self._sorter.done(call.id)
            return
        mapped = self._mapped[call.step.id]
        mapped.outputs[call.index] = outputs
        mapped.seconds += summary.seconds
        mapped.open -= not again
        if mapped.open == 0 and (again or call.step.id not in self.summaries):
            self._mapped_succeeded(call.step, again=again)

    def renewed(self, call: Call) -> Call:
        """The call with what the steps before it have returned by now."""
        step = call.step
        if call.index is None:
            return Call(step.id, step, self._inputs(step))
        mapped = next(name for name, binding in step.inputs.items() if isinstance(binding, Each))
        item = elements_of(resolve_binding(step.inputs[mapped], self._result))[call.index]
        return Call(call.id, step, {**self._inputs(step, but=mapped), mapped: item}, call.index)

    def digests_of(self, call: Call) -> set[str]:
        """The digests of all the artifacts that a call which has succeeded returned, and of their parts."""
        if call.index is None:
            found = [artifact for _, artifact in self._results[call.id].values()]
        else:
            found = list((self._mapped[call.step.id].outputs[call.index] or {}).values())
        return {part.digest for artifact in found for part in with_parts(artifact)}

    def _inputs(self, step: PlannedStep, *, but: str = "") -> dict[str, Resolved]:
        return {name: resolve_binding(b, self._result) for name, b in step.inputs.items() if name != but}

    def _mapped_succeeded(self, step: PlannedStep, *, again: bool = False) -> None:
        mapped = self._mapped[step.id]
        self._results[step.id] = {
            spec.name: ("list", [("artifact", outputs[spec.name]) for outputs in mapped.outputs if outputs is not None])
            for spec in step.outputs
        }
        calls = len(mapped.outputs)
        cached = calls > 0 and all(self.summaries[call_id(step.id, i)].status == "cached" for i in range(calls))
        self.summaries[step.id] = StepSummary(
            status="cached" if cached else "succeeded", calls=calls, seconds=mapped.seconds
        )
        if not again:
            self._sorter.done(step.id)

    def failed(self, call: Call, summary: StepSummary) -> list[PlannedStep]:
        """Take in that a call failed or was cancelled; return the steps that can therefore not run any more."""
        self.summaries[call.id] = summary
        if call.index is not None:
            self._mapped[call.step.id].open -= 1
        return self.step_failed(call.step, summary)

    def step_failed(self, step: PlannedStep, summary: StepSummary) -> list[PlannedStep]:
        """Take in that a step failed as a whole; return the steps that can therefore not run any more."""
        if step.id in self._mapped:
            calls = len(self._mapped[step.id].outputs)
            summary = StepSummary(status=summary.status, calls=calls, reason=summary.reason)
        self.summaries.setdefault(step.id, summary)
        skipped = []
        reached = deque(self._dependents.get(step.id, ()))
        while reached:
            dependent = reached.popleft()
            if dependent not in self.summaries:
                self.skip(self.steps[dependent], f"it needs {step.id!r}, which {_became(summary)}")
                skipped.append(self.steps[dependent])
                reached.extend(self._dependents.get(dependent, ()))
        return skipped

    def skip(self, step: PlannedStep, reason: str) -> None:
        """Take in that a step will not run."""
        self.summaries[step.id] = StepSummary(status="skipped", reason=reason)

    def unfinished(self) -> list[PlannedStep]:
        """The steps of which nothing has become yet, in plan order."""
        return [step for step in self.steps.values() if step.id not in self.summaries]


def _became(summary: StepSummary) -> str:
    return {"failed": "failed", "cancelled": "was cancelled"}.get(summary.status, "was skipped")
