import math
from typing import Any

import pytest

from plugbay import PlanError, step
from plugbay.pipelines.options import StepOptions, parse_resources


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"retires": 1}, "did you mean 'retries'?"),
        ({"retries": -1}, "retries=-1 must be a whole number"),
        ({"retries": 1.5}, "retries=1.5"),
        ({"retries": True}, "retries=True"),
        ({"retry_delay": -1}, "retry_delay=-1 must be a number, 0 or more (seconds)"),
        ({"retry_delay": math.inf}, "retry_delay=inf"),
        ({"backoff": math.nan}, "backoff=nan"),
        ({"timeout": 0}, "timeout=0 would end every attempt at once"),
        ({"timeout": "1s"}, "timeout='1s'"),
        ({"id": "a b"}, "id='a b' must be a word"),
        ({"id": "a.0"}, "id='a.0' must be a word"),
        ({"id": "../x"}, "must be a word"),
        ({"id": ""}, "must be a word"),
        ({"on_failure": 3}, "on_failure=3 must be a function"),
        ({"resources": {"memory": "8 gigs"}}, "'512MiB' or '8GB'"),
        ({"resources": {"gpu": -1}}, "resources['gpu']=-1"),
        ({"resources": ["gpu"]}, "must be a mapping"),
    ],
)
def test_a_wrong_option_is_refused_where_the_step_is_defined(options: dict[str, Any], told: str) -> None:
    with pytest.raises(PlanError) as caught:

        @step(**options)
        def train() -> None: ...

    assert "train" in str(caught.value)
    assert told in str(caught.value)


def test_all_wrong_options_are_told_at_once() -> None:
    with pytest.raises(PlanError) as caught:
        StepOptions.checked("train", retries=-1, timeout=0, backoff=-2)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("amount", "count"),
    [("8GiB", 8 * 2**30), ("1.5 KB", 1500), (1024, 1024), ("2MB", 2_000_000), ("7B", 7), ("1TiB", 2**40)],
)
def test_memory_is_read_in_bytes(amount: Any, count: int) -> None:
    assert parse_resources({"memory": amount, "cpu": 2, "tpu": 1}).memory == count


def test_resources_of_an_orchestrator_are_kept_apart() -> None:
    resources = parse_resources({"cpu": 0.5, "tpu": 1})
    assert (resources.cpu, resources.gpu, dict(resources.other)) == (0.5, None, {"tpu": 1})
    assert resources.names() == {"cpu", "tpu"}


def test_with_options_leaves_the_step_as_it_was() -> None:
    @step(retries=1)
    def train() -> None: ...

    other = train.with_options(retries=5, version="2")
    assert (train.options.retries, other.options.retries, other.options.version) == (1, 5, "2")
    assert other.function is train.function
    with pytest.raises(PlanError, match="did you mean 'timeout'"):
        train.with_options(timeuot=3)
