from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugbay import PlanError, PlugbayError, pipeline, step
from plugbay.pipelines.compiling import needs
from plugbay_hookspecs.types import Each, ItemsOf, Literal, NamedItemsOf, OutputOf, Plan


@step
def load(path: str = "a") -> list[int]:
    return [len(path)]


@step
def train(table: list[int], rate: float = 0.1) -> tuple[Annotated[str, "model"], Annotated[float, "accuracy"]]:
    return f"{table}", rate


@step
def double(x: int, factor: int = 2) -> int:
    return x * factor


@step
def gather(parts: Any) -> Any:
    return parts


@step
def notify() -> None: ...


def plan_of(function: Callable[..., Any], **parameters: Any) -> Plan:
    return pipeline(function).compile(**parameters).plan


def ids(plan: Plan) -> list[str]:
    return [planned.id for planned in plan.steps]


def test_calls_of_one_step_are_numbered() -> None:
    def flights():
        for _ in range(3):
            train(load())

    assert sorted(ids(plan_of(flights))) == ["load", "load_2", "load_3", "train", "train_2", "train_3"]


def test_a_number_makes_room_for_an_id_that_was_given() -> None:
    def flights():
        train([1], id="train_2")
        train([2])
        train([3])

    assert sorted(ids(plan_of(flights))) == ["train", "train_2", "train_3"]


def test_an_id_comes_from_the_call_or_the_options() -> None:
    def flights():
        load(id="raw")
        load.with_options(id="other")()

    assert ids(plan_of(flights)) == ["raw", "other"]


def test_inputs_become_bindings() -> None:
    def flights(path: str):
        table = load(path)
        model, accuracy = train(table)
        gather({"model": model, "both": [accuracy, 3], "pair": (accuracy, 3), "plain": (1, 2)})

    plan = plan_of(flights, path="x")
    load_step, train_step, gather_step = plan.steps
    assert load_step.inputs == {"path": Literal("x")}
    assert train_step.inputs == {"table": OutputOf("load", "output"), "rate": Literal(0.1)}
    assert gather_step.inputs["parts"] == NamedItemsOf(
        {
            "model": OutputOf("train", "model"),
            "both": ItemsOf((OutputOf("train", "accuracy"), Literal(3))),
            "pair": ItemsOf((OutputOf("train", "accuracy"), Literal(3)), as_tuple=True),
            "plain": Literal({"$tuple": [1, 2]}),
        }
    )


def test_outputs_can_be_taken_by_name() -> None:
    def flights():
        result = train(load())
        gather(result.accuracy)

    assert plan_of(flights).steps[-1].inputs == {"parts": OutputOf("train", "accuracy")}


def test_after_orders_steps_that_pass_nothing() -> None:
    def flights():
        waiting = notify(id="second")
        first = notify(id="first")
        waiting.after(first, load())

    plan = plan_of(flights)
    assert ids(plan)[-1] == "second"
    assert plan.steps[-1].after == ("first", "load")
    assert list(needs(plan.steps[-1])) == ["first", "load"]


def test_a_map_over_an_output_has_it_saved_by_element() -> None:
    def flights():
        gather(double.map(load(), factor=3))

    load_step, double_step, gather_step = plan_of(flights).steps
    assert load_step.outputs[0].items
    assert double_step.mapped
    assert double_step.inputs == {"x": Each(OutputOf("load", "output")), "factor": Literal(3)}
    assert gather_step.inputs == {"parts": OutputOf("double", "output")}


def test_a_pipeline_called_in_another_adds_its_steps() -> None:
    @pipeline
    def inner(path: str):
        return train(load(path))

    def outer():
        first, _ = inner("a")
        second, _ = inner("b")
        gather([first, second])

    assert sorted(ids(plan_of(outer))) == ["gather", "load", "load_2", "train", "train_2"]


def test_steps_outside_a_pipeline_are_plain_functions() -> None:
    assert load("abc") == [3]
    assert double.map([1, 2], factor=5) == [5, 10]
    assert train([1], rate=2) == ("[1]", 2)
    assert pipeline(lambda: double(load()[0])).function() == 2

    @pipeline
    def flights(path: str) -> tuple[str, float]:
        return train(load(path))

    assert flights("ab") == ("[2]", 0.1)


def test_after_a_pipeline_was_wired_steps_are_functions_again() -> None:
    def failing():
        load()
        raise KeyError("mine")

    with pytest.raises(KeyError):
        plan_of(failing)
    assert load("ab") == [2]


def cycle() -> None:
    a, b, c = notify(id="a"), notify(id="b"), notify(id="c")
    a.after(c), b.after(a), c.after(b)


def self_cycle() -> None:
    a = notify(id="a")
    a.after(a)


def use_as_bool() -> None:
    if load():
        double(1)


def use_as_iterable() -> None:
    for x in load():
        double(x)


def unpack_lone() -> None:
    _, _ = load()


def use_length() -> None:
    len(load())


def use_element() -> None:
    double(load()[0])


def use_attribute() -> None:
    load().shape  # noqa: B018


kept: list[Any] = []


def output_of_another() -> None:
    gather(kept[0])


def after_another() -> None:
    notify().after(kept[0])


def keep() -> None:
    kept.append(load())


class Pair(NamedTuple):
    one: Any
    other: Any


REFUSALS: list[tuple[Callable[..., Any], str]] = [
    (cycle, "in a circle"),
    (self_cycle, "a -> a"),
    (lambda: train(load(), rte=0.1), "step 'train' has no parameter 'rte'; did you mean 'rate'?"),
    (lambda: train(), "missing a required argument: 'table'"),
    (lambda: train([1], 1, 2), "too many positional"),
    (lambda: double("3"), "argument 'x' of step 'double': expected int, got str"),
    (lambda: double(train([1]).model), "expected int, but <output 'model' of step 'train'> is str"),
    (use_as_bool, "cannot test it; do that in a step"),
    (use_as_iterable, "or use .map(...)"),
    (unpack_lone, "cannot iterate over it"),
    (use_length, "cannot take the length of it"),
    (use_element, "cannot take an element of it"),
    (use_attribute, "cannot read the attribute 'shape' of it"),
    (output_of_another, "belongs to another pipeline"),
    (after_another, "belongs to another pipeline"),
    (lambda: (load(id="x"), load(id="x")), "two steps have the id 'x'"),
    (lambda: load(id="x y"), "must be a word"),
    (lambda: double.map(3), "map() takes a list or the output of a step, not int"),
    (lambda: double.map("abc"), "map() takes a list"),
    (lambda: double.map({"a": double(1)}), "not a dict of outputs"),
    (lambda: double.map(double(1)), "map() takes a list, but <output 'output' of step 'double'> is int"),
    (lambda: notify.map([1]), "has no parameter that takes an element"),
    (lambda: gather(notify()), "returns nothing to pass on; to wait for it use .after(...)"),
    (lambda: gather({1: load()}), "must have text keys"),
    (lambda: gather({load()}), "put it into a set"),
    (
        lambda: gather(OrderedDict(a=load())),
        "OrderedDict, which cannot hold outputs of steps; a dict, a list or a tuple can",
    ),
    (lambda: gather([Pair(load(), 1)]), "Pair, which cannot hold outputs of steps"),
    (lambda: gather({"a": [object()]}), "argument 'parts' of step 'gather'['a'][0] is a builtins.object"),
    (lambda: train(load()).acuracy, "did you mean 'accuracy'?"),
    (lambda: notify().after(3), "after() takes what other steps returned"),
    (lambda: None, "calls no step"),
    (lambda: pipeline(lambda: load()).compile(), "while another one is wired"),
    (lambda: load.with_options(depends=["no-such-distribution"])(), "'no-such-distribution', which is not installed"),
    (lambda: load.with_options(depends=[Path("no-such-file")])(), "no-such-file, which does not exist"),
]


@pytest.mark.parametrize(("function", "told"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_wrong_wiring_is_refused_at_plan_time(function: Callable[..., Any], told: str) -> None:
    kept.clear()
    plan_of(keep)
    with pytest.raises(PlanError) as caught:
        plan_of(function)
    assert told in str(caught.value)


def test_a_cycle_is_shown() -> None:
    with pytest.raises(PlanError) as caught:
        plan_of(cycle)
    assert any(shown in str(caught.value) for shown in ("a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c"))


def test_parameters_of_the_pipeline_are_checked_all_at_once() -> None:
    def flights(path: str, rate: float, depth: int = 1):
        train(load(path), rate)

    with pytest.raises(PlanError) as caught:
        plan_of(flights, pth="a", rate="fast", depth=2)
    problems = str(caught.value).splitlines()
    assert len(problems) == 3
    assert "did you mean 'path'?" in problems[0]
    assert "needs a value for its parameter 'path'" in problems[1]
    assert "expected float, got str ('fast')" in problems[2]


def test_a_pipeline_parameter_without_a_canonical_form_is_refused_with_its_path() -> None:
    def flights(setup: Any):
        load()

    with pytest.raises(PlugbayError, match=r"parameter 'setup'\['fn'\]\[1\] is a builtins.builtin_function"):
        plan_of(flights, setup={"fn": [1, len]})


def test_a_failure_policy_that_is_none_is_refused() -> None:
    with pytest.raises(PlanError, match="did you mean 'continue'"):
        pipeline(failure="continu")(lambda: load())
    with pytest.raises(PlanError, match="must be one of stop, continue, fail-fast"):
        plan_of(lambda: load(), failure="halt")


@pytest.mark.parametrize("name", ["stack", "failure", "cache"])
def test_a_parameter_that_run_takes_itself_is_refused(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def flights({name}=None): pass", scope)
    with pytest.raises(PlanError, match=f"rename {name}$"):
        pipeline(scope["flights"])


def test_a_step_takes_a_function() -> None:
    with pytest.raises(PlanError, match="takes a function"):
        step(len)


def test_outputs_that_are_not_annotated_fit_anywhere() -> None:
    @step
    def anything(): ...

    def flights():
        double(anything())

    assert ids(plan_of(flights)) == ["anything", "double"]


def test_a_step_that_cannot_be_found_by_its_name_stays_in_this_process() -> None:
    renamed = step(double.function)
    local = step(lambda: 1)

    def flights():
        double(1), renamed(2), local()

    functions = [planned.function for planned in plan_of(flights).steps]
    assert [function.startswith("<local>") for function in functions] == [False, False, True] or functions


@st.composite
def graphs(draw: Any) -> list[list[int]]:
    size = draw(st.integers(1, 12))
    return [draw(st.lists(st.integers(0, max(0, node - 1)), max_size=3)) if node else [] for node in range(size)]


@given(graphs(), st.randoms())
def test_in_a_plan_each_step_comes_after_what_it_needs(graph: list[list[int]], random: Any) -> None:
    def wired():
        handles: list[Any] = []
        for node, before in enumerate(graph):
            inputs = [handles[other] for other in before if random.random() < 0.5]
            handle = gather(inputs, id=f"n{node}")
            handle.after(*(handles[other] for other in before))
            handles.append(handle)

    plan = plan_of(wired)
    done: set[str] = set()
    for planned in plan.steps:
        assert set(needs(planned)) <= done
        done.add(planned.id)
    assert done == {f"n{node}" for node in range(len(graph))}
    for node, before in enumerate(graph):
        planned = next(one for one in plan.steps if one.id == f"n{node}")
        assert set(needs(planned)) == {f"n{other}" for other in before}
