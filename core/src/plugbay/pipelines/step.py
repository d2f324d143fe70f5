"""``@step``: a function that a pipeline calls."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from plugbay.errors import PlanError
from plugbay.pipelines.options import StepOptions
from plugbay.pipelines.wiring import current_wiring

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugbay.pipelines.signature import Signature

P = ParamSpec("P")
R = TypeVar("R")


class Step(Generic[P, R]):
    """A decorated function. Inside a pipeline a call adds a step to the plan; anywhere else it is a plain call."""

    def __init__(self, function: Callable[P, R], options: StepOptions) -> None:
        """Make ``function`` a step. Raises :class:`PlanError` when it is none that can be called by name."""
        if not hasattr(function, "__code__"):
            msg = f"@step takes a function, not {function!r}"
            raise PlanError(msg)
        functools.update_wrapper(self, function)
        self.function = function
        self.options = options

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    @property
    def __plugbay_function__(self) -> Callable[P, R]:
        return self.function

    @functools.cached_property
    def signature(self) -> Signature:
        """The function's parameters and outputs; read at first use, because annotations may name later classes."""
        from plugbay.pipelines.signature import signature_of

        return signature_of(self.function)

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function, or add the call to the pipeline that is being wired and return handles for its outputs."""
        wiring = current_wiring()
        if wiring is None:
            return self._call_plainly(*args, **kwargs)
        return wiring.add_call(self, args, kwargs)  # type: ignore[return-value]  # a handle stands for the value

    def map(self, values: Iterable[Any], /, *args: Any, **kwargs: Any) -> list[R]:
        """Call the step once for each element of ``values``, a list that may be known only at run time.

        The elements go to the first parameter, the other arguments are the same for each call.

        :returns: in a pipeline a handle for the list of results in the order of the values (one for each output), which a
            later step takes as a whole; elsewhere the list itself.
        """
        wiring = current_wiring()
        if wiring is None:
            results = [self._call_plainly(value, *args, **kwargs) for value in values]
            if not self.signature.many:
                return results
            outputs = range(len(self.signature.outputs))
            return tuple([result[index] for result in results] for index in outputs)  # type: ignore[return-value, index]
        return wiring.add_call(self, (values, *args), kwargs, mapped=True)  # type: ignore[return-value]

    def _call_plainly(self, /, *args: Any, **kwargs: Any) -> R:
        """Call the function; ``id=`` names a call in a plan, and outside one it names nothing."""
        if "id" in kwargs and "id" not in self.signature.parameters.parameters:
            del kwargs["id"]
        return self.function(*args, **kwargs)

    def with_options(self, **options: Any) -> Step[P, R]:
        """Return the step with other options; see :func:`step` for what there is."""
        return Step(self.function, self.options.changed(self.name, **options))

    def __repr__(self) -> str:
        return f"<step {self.name}>"


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...
@overload
def step(
    *,
    id: str | None = None,
    retries: int = 0,
    retry_delay: float = 1.0,
    backoff: float = 2.0,
    timeout: float | None = None,
    operator: str | None = None,
    resources: Mapping[str, float | str] | None = None,
    cache: bool = True,
    requirements: Iterable[str] = (),
    fail_on_report: bool = False,
    version: str = "",
    depends: Iterable[str | Path] = (),
    ignore: Iterable[str] = (),
    on_success: Callable[..., object] | None = None,
    on_failure: Callable[..., object] | None = None,
) -> Callable[[Callable[P, R]], Step[P, R]]: ...
def step(function: Callable[P, R] | None = None, /, **options: Any) -> Any:
    """Make a function a step.

    Outputs are named in the return annotation: ``-> tuple[Annotated[Model, "model"], Annotated[float, "accuracy"]]``.

    :param id: the step's id in a plan, instead of the function's name.
    :param retries: attempts after a failed one.
    :param retry_delay: seconds before the second attempt; a little at random is added to each delay.
    :param backoff: each further delay is this many times the one before, up to five minutes.
    :param timeout: seconds an attempt may take.
    :param operator: the name of the stack's step operator that runs it.
    :param resources: what it asks of the machine: ``{"cpu": 2, "memory": "8GiB", "gpu": 1}``, or an orchestrator's own.
    :param requirements: what it imports, as PEP 508 requirements, where the stack runs it in a container image.
    :param cache: whether it may be answered from the cache, and answer later calls.
    :param fail_on_report: fail when an output is a :class:`~plugbay_hookspecs.types.Report` that has not passed.
    :param version: change it to compute anew although the code is the same. With a version, what the step reaches and
        cannot be told apart by content (a connection, a generator) counts by its type; without one, such a step is not cached.
    :param depends: what else the result depends on: a ``Path`` counts by the file's content, a text is a distribution that
        counts by its installed version.
    :param ignore: names that do not count: of what the code refers to (``CLIENT``, ``settings.CLIENT``), and of parameters.
    :param on_success: called in the driver with the step's :class:`~plugbay_hookspecs.types.StepInfo` after it succeeded.
    :param on_failure: called in the driver with the ``StepInfo`` and the
        :class:`~plugbay_hookspecs.types.ErrorInfo` after its last attempt failed.
    """
    if function is not None:
        return Step(function, StepOptions())
    if options.get("resources", 0) is None:
        del options["resources"]

    def decorate(decorated: Callable[P, R]) -> Step[P, R]:
        return Step(decorated, StepOptions.checked(getattr(decorated, "__qualname__", repr(decorated)), **options))

    return decorate
