"""What calling a step inside a pipeline returns: handles for outputs that do not exist yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from plugbay.errors import PlanError, did_you_mean

if TYPE_CHECKING:
    from plugbay.pipelines.wiring import Wiring


_ARITHMETIC = (
    "add",
    "sub",
    "mul",
    "matmul",
    "truediv",
    "floordiv",
    "mod",
    "divmod",
    "pow",
    "lshift",
    "rshift",
    "and",
    "or",
    "xor",
)
_USES = {
    "compare it": ("eq", "ne", "lt", "le", "gt", "ge"),
    "compute with it": (*_ARITHMETIC, *(f"r{name}" for name in _ARITHMETIC), "neg", "pos", "abs", "invert", "round"),
    "convert it": ("int", "float", "complex", "index", "fspath", "bytes"),
    "put it into a text": ("str", "format"),
    "call it": ("call",),
    "enter it": ("enter", "exit", "aenter", "aexit"),
    "wait for it": ("await",),
    "look into it": ("contains",),
    "change it": ("setitem", "delitem"),
}
"""What can be done with a value, and the special methods that do it."""


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
            f"the output {self.output!r} of step {self.step!r} is known only at run time, so a pipeline cannot {use}; "
            "do that in a step" + (self._ways_to_take_apart() if use == "iterate over it" else "")
        )
        raise PlanError(msg)

    def _ways_to_take_apart(self) -> str:
        named = '-> tuple[X, Y], or with names -> tuple[Annotated[X, "first"], Annotated[Y, "second"]]'
        return (
            ", or use .map(...) to call a step for each element; "
            f"if {self.step!r} returns several outputs, say so to take them apart: {named}"
        )

    def __bool__(self) -> bool:
        self._unknown("test it")

    def __iter__(self) -> NoReturn:
        self._unknown("iterate over it")

    def __len__(self) -> int:
        self._unknown("take the length of it")

    def __getitem__(self, key: object) -> NoReturn:
        self._unknown("take an element of it")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._unknown(f"read the attribute {name!r} of it")

    def __hash__(self) -> int:
        self._unknown("use it as a key or put it into a set")

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

    def __bool__(self) -> bool:
        self._unknown("test it")

    def __hash__(self) -> int:
        self._unknown("use it as a key or put it into a set")

    def _unknown(self, use: str) -> NoReturn:
        msg = (
            f"what step {self.step!r} returns is known only at run time, so a pipeline cannot {use}; do that in a step"
        )
        raise PlanError(msg)

    def __getattr__(self, name: str) -> OutputHandle:
        if name.startswith("__"):
            raise AttributeError(name)
        for handle in self:
            if handle.output == name:
                return handle
        names = [handle.output for handle in self]
        msg = f"step {self.step!r} has no output {name!r}{did_you_mean(name, names)} (it has: {', '.join(names) or 'none'})"
        raise PlanError(msg)


def _refusing(use: str) -> Callable[..., NoReturn]:
    def refuse(self: OutputHandle | OutputHandles, *_: object) -> NoReturn:
        self._unknown(use)

    return refuse


for _use, _names in _USES.items():
    for _name in _names:
        setattr(OutputHandle, f"__{_name}__", _refusing(_use))
for _name in ("eq", "ne", "lt", "le", "gt", "ge", "add", "mul", "rmul"):
    setattr(OutputHandles, f"__{_name}__", _refusing("compare it" if len(_name) == 2 else "compute with it"))
for _name in _USES["put it into a text"]:
    setattr(OutputHandles, f"__{_name}__", _refusing("put it into a text"))


def handles_of(wiring: Wiring, step: str, handles: list[OutputHandle], *, many: bool) -> OutputHandle | OutputHandles:
    """The lone handle itself, or all of them as a tuple that knows its step even when it is empty."""
    if not many and len(handles) == 1:
        return handles[0]
    kind: type[OutputHandles] = type("OutputHandles", (OutputHandles,), {"step": step, "wiring": wiring})
    return kind(handles)
