"""What a step logs as metrics and parameters: plain values, numbers of a library, and the text of anything else."""

from __future__ import annotations

import dataclasses
import decimal
import enum
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis.extra import numpy as npst

from plugbay.execution.logged_values import metric_number, plain_parameters
from plugbay.values import encode


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Settings:
    rate: float


class Tensor:
    """A number as torch has it."""

    shape = ()

    def __init__(self, number: Any) -> None:
        self.number = number

    def item(self) -> Any:
        return self.number

    def __float__(self) -> float:
        return float(self.number)

    def __str__(self) -> str:
        return f"tensor({self.number})"


class Opaque:
    def __str__(self) -> str:
        return "an opaque thing"


def plain(value: object) -> object:
    return plain_parameters({"name": value})["name"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.int8(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(3), 3),
        (Tensor(2.5), 2.5),
        (Tensor(Opaque()), f"tensor({Opaque()})"),
        ({"a": [np.float64(0.5), (np.int64(1), None)], np.int64(2): "b"}, {"a": [0.5, (1, None)], 2: "b"}),
        ({np.int64(1)}, {1}),
        (np.array([1, 2]), "[1 2]"),
        (np.datetime64("2024-01-02"), "2024-01-02"),
        (np.timedelta64(3, "ns"), "3 nanoseconds"),
        (np.longdouble(1) / 4, "0.25"),
        (pd.Timestamp("2024-01-02"), "2024-01-02 00:00:00"),
        (pd.NA, "<NA>"),
        (Opaque(), "an opaque thing"),
        ([Opaque()], ["an opaque thing"]),
    ],
)
def test_a_parameter_that_is_not_plain_is_its_number_or_its_text(value: object, expected: object) -> None:
    found = plain(value)
    assert type(found) is type(expected)
    assert found == expected


@pytest.mark.parametrize("value", [decimal.Decimal("0.10"), Path("a"), Colour.RED, Settings(0.1), None, 1j, {1: {2}}])
def test_a_plain_parameter_stays_as_it_is(value: object) -> None:
    assert plain(value) is value


@given(npst.arrays(npst.scalar_dtypes(), ()) | npst.scalar_dtypes().flatmap(npst.from_dtype))
def test_any_number_of_numpy_can_be_logged(value: Any) -> None:
    encode(plain({"a": [value]}))
    if np.asarray(value).dtype.kind in "biuf" and not isinstance(value, np.longdouble):
        assert metric_number("loss", value) == float(value) or math.isnan(value)


def test_a_parameter_that_contains_itself_is_text() -> None:
    endless: list[Any] = [Opaque]
    endless.append(endless)
    assert "[...]" in str(plain(endless))


def test_a_long_text_is_cut() -> None:
    class Long:
        def __str__(self) -> str:
            return "a" * 10_000

    assert len(str(plain(Long()))) == 6000


@pytest.mark.parametrize(
    "value", [1, True, 2.5, np.float32(2), np.bool_(True), np.array(3), Tensor(2), decimal.Decimal(1)]
)
def test_a_metric_is_a_number_of_any_library(value: object) -> None:
    assert type(metric_number("loss", value)) is float


def test_a_metric_may_be_no_number() -> None:
    assert math.isnan(metric_number("loss", np.float32("nan")))
    assert metric_number("loss", math.inf) == math.inf


@pytest.mark.parametrize(
    "value", ["3", b"3", np.str_("3"), 1j, np.complex128(1), None, [1.0], np.array([1, 2]), 10**400]
)
def test_what_is_no_number_is_no_metric(value: object) -> None:
    with pytest.raises(TypeError, match="metric 'loss' must be a number, got"):
        metric_number("loss", value)
