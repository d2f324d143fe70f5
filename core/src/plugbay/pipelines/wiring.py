"""The wiring of a pipeline while its function runs: which steps it calls, with what, in what order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from attrs import define, field

from plugbay.errors import PlanError, did_you_mean
from plugbay.pipelines.handles import OutputHandle, OutputHandles, handles_of
from plugbay.typecheck import describe, incompatible, mismatch
from plugbay.values import EncodingError, encode
from plugbay_hookspecs.types import Binding, Each, ItemsOf, Literal, NamedItemsOf, OutputOf

if TYPE_CHECKING:
    from plugbay.pipelines.step import Step

LONGEST_ID = 200
"""Bytes of a step's id. File systems take 255 for a name, and a number of a call, one of an attempt and endings follow it."""
_DEEPEST = 100
"""Levels of lists and dicts around an output."""
_current: ContextVar[Wiring | None] = ContextVar("plugbay_wiring", default=None)


def current_wiring() -> Wiring | None:
    """The wiring of the pipeline function that is running in this context."""
    return _current.get()


@define(kw_only=True)
class Call:
    """One call of a step in the pipeline."""

    id: str
    step: Step[..., Any]
    inputs: Mapping[str, Binding]
    after: list[str] = field(factory=list)


class Wiring:
    """Collects the calls of one pipeline."""

    def __init__(self) -> None:
        """Begin with no calls."""
        self.calls: dict[str, Call] = {}
        self._numbers: dict[str, int] = {}
        self.mapped_outputs: set[tuple[str, str]] = set()
        """The outputs that a step maps over, as (step id, output name)."""

    @contextmanager
    def active(self) -> Iterator[None]:
        """Have the calls of steps in this context collected here."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def add_call(
        self, step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, mapped: bool = False
    ) -> OutputHandle | OutputHandles:
        """Add a call and return handles for what it will return."""
        signature = step.signature
        wanted = step.options.id
        if "id" in kwargs and "id" not in signature.parameters.parameters:
            wanted = step.options.changed(step.name, id=kwargs.pop("id")).id
        call_id = self._unique_id(wanted, step.name)
        mapped_name = next(iter(signature.parameters.parameters), None) if mapped else None
        if mapped and mapped_name is None:
            msg = f"step {call_id!r} cannot be mapped: it has no parameter that takes an element"
            raise PlanError(msg)
        arguments = self._bind(step, call_id, args, kwargs)
        inputs = {
            name: self._input(call_id, name, value, signature.hints.get(name, Any), each=name == mapped_name)
            for name, value in arguments.items()
        }
        self.calls[call_id] = Call(id=call_id, step=step, inputs=inputs)
        handles = [
            OutputHandle(self, call_id, output.name, list[output.hint] if mapped else output.hint)  # type: ignore[name-defined]
            for output in signature.outputs
        ]
        return handles_of(self, call_id, handles, many=signature.many)

    def add_order(self, step: str, others: tuple[Any, ...]) -> None:
        """Have a step wait for others."""
        for other in others:
            if not isinstance(other, (OutputHandle, OutputHandles)):
                msg = f"step {step!r}: after() takes what other steps returned, not {other!r}"
                raise PlanError(msg)
            self._own(other.wiring, other.step)
            self.calls[step].after.append(other.step)

    def _unique_id(self, wanted: str | None, name: str) -> str:
        length = len((wanted or name).encode())
        if length > LONGEST_ID:
            msg = (
                f"the id of step {name:.40}{'...' * (len(name) > 40)} has {length} bytes, and at most {LONGEST_ID} fit "
                "into the names of its records and logs: give it a shorter one by id="
            )
            raise PlanError(msg)
        if wanted is not None:
            if wanted in self.calls:
                msg = f"two steps have the id {wanted!r}; give each call its own id"
                raise PlanError(msg)
            return wanted
        number = self._numbers.get(name, 1)
        while (call_id := name if number == 1 else f"{name}_{number}") in self.calls:
            number += 1
        self._numbers[name] = number + 1
        return call_id

    def _bind(
        self, step: Step[..., Any], call_id: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        parameters, names = step.signature.parameters, step.signature.positional
        if not kwargs and names is not None and len(args) == len(names):
            return dict(zip(names, args, strict=True))  # what bind() would say, for most calls
        for name in kwargs:
            if name not in parameters.parameters:
                known = parameters.parameters
                msg = f"step {call_id!r} has no parameter {name!r}{did_you_mean(name, known)} (it has: {', '.join(known) or 'none'})"
                raise PlanError(msg)
        try:
            bound = parameters.bind(*args, **kwargs)
        except TypeError as error:
            msg = f"step {call_id!r}: {error}"
            raise PlanError(msg) from error
        bound.apply_defaults()
        return bound.arguments

    def _input(self, call_id: str, name: str, value: Any, hint: Any, *, each: bool) -> Binding:
        where = f"argument {name!r} of step {call_id!r}"
        binding = self._binding(value, where)
        if not each:
            problem = _argument_problem(value, hint, where)
            if problem is not None:
                raise PlanError(problem)
            return binding
        if isinstance(value, (list, tuple)):
            for index, item in enumerate(value):
                problem = _argument_problem(item, hint, f"element {index} of {where}")
                if problem is not None:
                    raise PlanError(problem)
        elif isinstance(binding, Literal):
            msg = f"{where}: map() takes a list or the output of a step, not {describe(type(value))}"
            raise PlanError(msg)
        if isinstance(binding, NamedItemsOf):
            msg = f"{where}: map() takes a list or the output of a step, not a dict of outputs"
            raise PlanError(msg)
        if isinstance(value, OutputHandle) and incompatible(value.hint, list) and incompatible(value.hint, tuple):
            msg = f"{where}: map() takes a list, but {value!r} is {describe(value.hint)}"
            raise PlanError(msg)
        if isinstance(binding, OutputOf):
            self.mapped_outputs.add((binding.step, binding.output))
        return Each(binding)

    def _binding(self, value: Any, where: str, depth: int = 0) -> Binding:
        if isinstance(value, OutputHandle):
            self._own(value.wiring, value.step)
            return OutputOf(value.step, value.output)
        if isinstance(value, OutputHandles) and len(value) == 0:
            msg = f"{where}: step {value.step!r} returns nothing to pass on; to wait for it use .after(...)"
            raise PlanError(msg)
        if _holds_handle(value):
            if depth >= _DEEPEST:
                outer = where.partition("[")[0]
                msg = f"{outer}: outputs of steps are nested in more than {_DEEPEST} lists and dicts, or in one that contains itself"
                raise PlanError(msg)
            if type(value) not in (dict, list, tuple) and not isinstance(value, OutputHandles):
                kind = describe(type(value))
                msg = f"{where} is a {kind}, which cannot hold outputs of steps; a dict, a list or a tuple can, or make it in a step"
                raise PlanError(msg)
            if isinstance(value, dict):
                if not all(isinstance(key, str) for key in value):
                    msg = f"{where}: a dict that holds outputs of steps must have text keys"
                    raise PlanError(msg)
                return NamedItemsOf(
                    {key: self._binding(item, f"{where}[{key!r}]", depth + 1) for key, item in value.items()}
                )
            items = tuple(self._binding(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value))
            return ItemsOf(items, as_tuple=isinstance(value, tuple))
        try:
            return Literal(encode(value, where))
        except EncodingError as error:
            msg = f"{error}; return it from a step and pass that step's output instead"
            raise PlanError(msg) from error

    def _own(self, wiring: Wiring, step: str) -> None:
        if wiring is not self:
            msg = f"the output of step {step!r} belongs to another pipeline or an earlier call of this one"
            raise PlanError(msg)


def _holds_handle(value: Any) -> bool:
    if isinstance(value, OutputHandle):
        return True
    if not isinstance(value, (list, tuple, dict)):
        return False
    left, seen = [value], {id(value)}  # what is nested deeply, or in itself, is no reason to come to grief
    while left:
        inside = left.pop()
        for item in inside.values() if isinstance(inside, dict) else inside:
            if isinstance(item, OutputHandle):
                return True
            if isinstance(item, (list, tuple, dict)) and id(item) not in seen:
                seen.add(id(item))
                left.append(item)
    return False


def _argument_problem(value: Any, hint: Any, where: str) -> str | None:
    if isinstance(value, OutputHandle):
        if incompatible(value.hint, hint):
            return f"{where}: expected {describe(hint)}, but {value!r} is {describe(value.hint)}"
        return None
    return None if _holds_handle(value) else mismatch(value, hint, where)
