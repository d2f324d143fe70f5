"""``@pipeline``: a function that wires steps, and can be run."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from plugbay.code.location import locate
from plugbay.errors import PlanError, did_you_mean, listed
from plugbay.pipelines.compiled import Compiled
from plugbay.pipelines.compiling import FAILURE_POLICIES, compile_plan
from plugbay.pipelines.signature import resolved_hints
from plugbay.pipelines.wiring import Wiring, current_wiring
from plugbay.reference import reference_to
from plugbay.typecheck import mismatch
from plugbay.values import encode

if TYPE_CHECKING:
    from plugbay.code.fingerprint import Walk
    from plugbay.history import Run
    from plugbay.pipelines.step import Step
    from plugbay.stack import Stack
    from plugbay_hookspecs.types import Plan

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS_OF_RUN = frozenset({"stack", "failure", "cache"})


class Pipeline(Generic[P, R]):
    """A decorated function that wires steps.

    Called outside a run it calls them plainly; inside another pipeline it adds its steps to that one.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        failure: str = "stop",
        on_success: Callable[..., object] | None = None,
        on_failure: Callable[..., object] | None = None,
    ) -> None:
        """Make ``function`` a pipeline."""
        _check_failure(failure, function.__name__)
        taken = _OPTIONS_OF_RUN & set(inspect.signature(function).parameters)
        if taken:
            msg = f"pipeline {function.__name__}: run() has options of its own named {listed(_OPTIONS_OF_RUN)}; rename {listed(taken)}"
            raise PlanError(msg)
        functools.update_wrapper(self, function)
        self.function = function
        self._failure, self._on_success, self._on_failure = failure, on_success, on_failure

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    @functools.cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """By name, with annotations as objects where they can be resolved."""
        hints = resolved_hints(self.function)
        found = inspect.signature(self.function).parameters
        return {name: p.replace(annotation=hints.get(name, Any)) for name, p in found.items()}

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function as it stands."""
        return self.function(*args, **kwargs)

    def compile(self, /, failure: str | None = None, **parameters: Any) -> Compiled:
        """Make the plan of a run with these parameters, without running anything.

        Raises :class:`PlanError` for a wrong parameter, and for whatever makes the pipeline impossible to run.
        """
        if current_wiring() is not None:
            msg = f"pipeline {self.name!r} is run while another one is wired; call it as a function to add its steps"
            raise PlanError(msg)
        if failure is not None:
            _check_failure(failure, self.name)
        arguments = self._bind(parameters)
        wiring = Wiring()
        with wiring.active():
            self.function(**arguments)  # type: ignore[call-arg]
        if not wiring.calls:
            msg = f"pipeline {self.name!r} calls no step"
            raise PlanError(msg)
        plan, walks = compile_plan(
            wiring,
            pipeline=self.name,
            target=reference_to(self.function),
            parameters={name: encode(value, f"parameter {name!r}") for name, value in arguments.items()},
            failure=failure or self._failure,
        )
        return self.compiled(plan, {call.id: call.step for call in wiring.calls.values()}, walks)

    def compiled(self, plan: Plan, steps: Mapping[str, Step[..., Any]], walks: tuple[Walk, ...] = ()) -> Compiled:
        """Join a plan of this pipeline with the functions of its steps."""
        return Compiled(
            plan=plan,
            steps=steps,
            code=locate(self.function.__module__),
            on_success=self._on_success,
            on_failure=self._on_failure,
            walks=walks,
        )

    def run(
        self,
        /,
        *,
        stack: str | Stack | None = None,
        failure: str | None = None,
        cache: bool = True,
        **parameters: Any,
    ) -> Run:
        """Run the pipeline and return the run once every step has succeeded.

        :param stack: the name of a configured stack, or a stack; the configured default when left out.
        :param failure: ``stop``, ``continue`` or ``fail-fast``, instead of the pipeline's own policy.
        :param cache: ``False`` computes every step anew; the results still answer later runs.
        :param parameters: of the pipeline's function.
        :raises RunFailed: when a step failed or the run was cancelled.
        :raises PlugbayError: when the run could not be started.
        """
        if "__mp_main__" in sys.modules:
            from plugbay.code.main_of_worker import script_that_is_imported  # few processes are workers

            script = script_that_is_imported()
            if script is not None:
                msg = (
                    f"pipeline {self.name!r} is run while a worker process imports {script}; "
                    "put the call under: if __name__ == '__main__':"
                )
                raise PlanError(msg)
        from plugbay.execution.driver import drive

        return drive(self.compile(failure, **parameters), stack=stack, use_cache=cache)

    def _bind(self, given: Mapping[str, Any]) -> dict[str, Any]:
        problems, arguments = [], {}
        for name in given:
            if name not in self.parameters:
                hint = did_you_mean(name, self.parameters)
                problems.append(
                    f"pipeline {self.name!r} has no parameter {name!r}{hint} (it has: {listed(self.parameters)})"
                )
        for name, parameter in self.parameters.items():
            if name in given:
                problem = mismatch(given[name], parameter.annotation, f"parameter {name!r} of pipeline {self.name!r}")
                if problem is not None:
                    problems.append(problem)
                arguments[name] = given[name]
            elif parameter.default is not parameter.empty:
                arguments[name] = parameter.default
            else:
                problems.append(f"pipeline {self.name!r} needs a value for its parameter {name!r}")
        if problems:
            raise PlanError("\n".join(problems))
        return arguments

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"


def _check_failure(failure: str, pipeline: str) -> None:
    if failure not in FAILURE_POLICIES:
        near = did_you_mean(str(failure), FAILURE_POLICIES)
        msg = f"pipeline {pipeline}: failure={failure!r} must be one of {', '.join(FAILURE_POLICIES)}{near}"
        raise PlanError(msg)


@overload
def pipeline(function: Callable[P, R], /) -> Pipeline[P, R]: ...
@overload
def pipeline(
    *,
    failure: str = "stop",
    on_success: Callable[..., object] | None = None,
    on_failure: Callable[..., object] | None = None,
) -> Callable[[Callable[P, R]], Pipeline[P, R]]: ...
def pipeline(function: Callable[P, R] | None = None, /, **options: Any) -> Any:
    """Make a function a pipeline.

    :param failure: what a failed step does to the others: ``stop`` starts nothing new and lets running steps end,
        ``continue`` goes on with every step that does not need it, ``fail-fast`` also cancels running steps.
    :param on_success: called with the :class:`~plugbay_hookspecs.types.RunInfo` and
        :class:`~plugbay_hookspecs.types.RunOutcome` of a run that succeeded, after it was recorded.
    :param on_failure: the same for a run that did not.
    """
    if function is not None:
        return Pipeline(function)

    def decorate(decorated: Callable[P, R]) -> Pipeline[P, R]:
        return Pipeline(decorated, **options)

    return decorate
