"""What calling a step inside a pipeline returns: handles for outputs that do not exist yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from plugbay.errors import PlanError, did_you_mean

if TYPE_CHECKING:
    from plugbay.pipelines.wiring import Wiring


class OutputHandle:
    """One output of a step in the pipeline being wired; stands for the value where another step takes it."""

    __slots__ = ("hint", "output", "step", "wiring")

    def __init__(self, wiring: Wiring, step: str, output: str, hint: Any) -> None:
        """Stand for ``output`` of the step with the id ``step``."""
        self.wiring, self.step, self.output, self.hint = wiring, step, output, hint

    def after(self, *others: OutputHandle | OutputHandles) -> OutputHandle:
        """Have the step wait until the steps of ``others`` have succeeded; returns this handle."""
        self.wiring.add_order(self.step, others)
        return self

    def _unknown(self, use: str) -> NoReturn:
        msg = (
            f"the output {self.output!r} of step {self.step!r} is known only at run time, so a pipeline cannot {use} it; "
            "do that in a step"
            + (", or use .map(...) to call a step for each element" if use == "iterate over" else "")
        )
        raise PlanError(msg)

    def __bool__(self) -> bool:
        self._unknown("test")

    def __iter__(self) -> NoReturn:
        self._unknown("iterate over")

    def __len__(self) -> int:
        self._unknown("take the length of")

    def __getitem__(self, key: object) -> NoReturn:
        self._unknown("take an element of")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._unknown(f"read the attribute {name!r} of")

    def __repr__(self) -> str:
        return f"<output {self.output!r} of step {self.step!r}>"


class OutputHandles(tuple[OutputHandle, ...]):
    """The outputs of a step that has none or several; unpacks in the declared order, and takes them by name too."""

    __slots__ = ()
    step: str
    wiring: Wiring

    def after(self, *others: OutputHandle | OutputHandles) -> OutputHandles:
        """Have the step wait until the steps of ``others`` have succeeded; returns these handles."""
        self.wiring.add_order(self.step, others)
        return self

    def __getattr__(self, name: str) -> OutputHandle:
        if name.startswith("__"):
            raise AttributeError(name)
        for handle in self:
            if handle.output == name:
                return handle
        names = [handle.output for handle in self]
        msg = f"step {self.step!r} has no output {name!r}{did_you_mean(name, names)} (it has: {', '.join(names) or 'none'})"
        raise PlanError(msg)


def handles_of(wiring: Wiring, step: str, handles: list[OutputHandle], *, many: bool) -> OutputHandle | OutputHandles:
    """The lone handle itself, or all of them as a tuple that knows its step even when it is empty."""
    if not many and len(handles) == 1:
        return handles[0]
    kind: type[OutputHandles] = type("OutputHandles", (OutputHandles,), {"step": step, "wiring": wiring})
    return kind(handles)
