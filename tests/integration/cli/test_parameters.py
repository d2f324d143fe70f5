"""``-p`` and ``--params``: values are read by the pipeline's annotations."""

import datetime as dt
import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Union

import attrs
import pytest

from plugbay.cli.from_text import value_of_text
from plugbay.cli.from_toml import value_of_tree


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


@dataclass
class Candidate:
    name: str
    leaves: int = 31


@attrs.frozen
class Search:
    candidates: list[Candidate]
    best: Colour = Colour.RED


Name = NewType("Name", str)

TEXTS = [
    ("0.5", float, 0.5),
    ("3", float, 3.0),
    ("1_000", int, 1000),
    ("true", bool, True),
    ("False", bool, False),
    ("12", str, "12"),
    ('"quoted"', str, '"quoted"'),
    ("", str, ""),
    ("a=b", str, "a=b"),
    ("anna", Name, "anna"),
    ("0.5", Annotated[float, "a rate"], 0.5),
    ("data/in.csv", Path, Path("data/in.csv")),
    ("none", int | None, None),
    ("7", int | None, 7),
    ("none", str | None, None),
    ("text", str | None, "text"),
    ("7", int | str, 7),
    ("seven", int | str, "seven"),
    ("7", Union[str, float], 7.0),
    ("true", bool | int, True),
    ("fast", Literal["fast", "slow"], "fast"),
    ("2", Literal[1, 2], 2),
    ("GREEN", Colour, Colour.GREEN),
    ("2024-05-01", dt.date, dt.date(2024, 5, 1)),
    ('["a", "b"]', list[str], ["a", "b"]),
    ("[1, 2]", tuple[int, ...], (1, 2)),
    ("[1, 'x']", tuple[int, str], (1, "x")),
    ("[1, 1]", set[int], {1}),
    ("{a = 1, b = 2}", dict[str, float], {"a": 1.0, "b": 2.0}),
    ("{name = 'trees'}", Candidate, Candidate("trees")),
    (
        "{candidates = [{name = 'linear', leaves = 1}], best = 'GREEN'}",
        Search,
        Search([Candidate("linear", 1)], Colour.GREEN),
    ),
    ("[1]", list[int] | None, [1]),
    ("[1, 'x']", list, [1, "x"]),
    ("12", Any, 12),
    ("not toml", Any, "not toml"),
]

WRONG_TEXTS = [
    ("fast", float, "x: expected float, got 'fast'"),
    ("0.5", int, "x: expected int, got '0.5'"),
    ("1", bool, "x: expected true or false, got '1'"),
    ("abc", int | None, "x: expected int, got 'abc'"),
    ("abc", int | float, "x: expected int | float, got 'abc'"),
    ("fsat", Literal["fast", "slow"], "x: expected one of fast, slow, got 'fsat'; did you mean 'fast'?"),
    ("GREN", Colour, "x: expected one of RED, GREEN, got 'GREN'; did you mean 'GREEN'?"),
    ("2024-13-01", dt.date, "x: expected datetime.date, got '2024-13-01'"),
    ("a,b", list[str], "x: expected list[str] as a TOML value, got 'a,b'"),
    ("[1]\ny = 2", list[int], "x: expected list[int] as a TOML value"),
    ('"ab"', list[str], "x: expected list[str], got 'ab'"),
    ("[1, 'b', 'c']", list[int], "x[1]: expected int, got 'b'"),
    ("[1, 'b', 'c']", list[int], "x[2]: expected int, got 'c'"),
    ("[1]", tuple[int, int], "x: expected 2 elements, got 1"),
    ("{a = 'b'}", dict[str, int], "x['a']: expected int, got 'b'"),
    ("{leaves = 1}", Candidate, "x: the field 'name' is missing"),
    ("{name = 'a', leafs = 1}", Candidate, "has no field 'leafs'; did you mean 'leaves'?"),
    ("{name = 'a', leaves = 1.5}", Candidate, "x, field 'leaves': expected int, got 1.5"),
    ("{candidates = [{name = 1}]}", Search, "x, field 'candidates'[0], field 'name': expected str, got 1"),
    ("[true]", list[int], "x[0]: expected int, got True"),
]


@pytest.mark.parametrize(("text", "hint", "value"), TEXTS)
def test_a_text_is_read_by_the_annotation(text, hint, value):
    found, problems = value_of_text(text, hint, "x")
    assert problems == []
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("text", "hint", "problem"), WRONG_TEXTS)
def test_a_wrong_text_is_told_with_what_was_expected(text, hint, problem):
    _, problems = value_of_text(text, hint, "x")
    assert any(problem in found for found in problems), problems


@pytest.mark.parametrize(
    ("tree", "hint", "value"),
    [
        ("in.csv", Path, Path("in.csv")),
        (3, float, 3.0),
        ("RED", Colour, Colour.RED),
        ([{"name": "a"}], list[Candidate], [Candidate("a")]),
        (dt.date(2024, 5, 1), dt.date, dt.date(2024, 5, 1)),
        ({"a": [1]}, dict[str, list[int]], {"a": [1]}),
        (1, int | str | None, 1),
        ("1", int | str | None, "1"),
    ],
)
def test_a_value_of_a_file_is_read_by_the_annotation(tree, hint, value):
    assert value_of_tree(tree, hint, "x") == (value, [])


@pytest.mark.parametrize(
    ("tree", "hint", "problem"),
    [
        ("3", int, "x: expected int, got '3'"),
        (True, int, "x: expected int, got True"),
        (3, str, "x: expected str, got 3"),
        (3, Candidate, "got 3"),
        (3, int | None, None),
        ("x", int | None, "x: expected int, got 'x'"),
        ("BLUE", Colour, "x: expected one of RED, GREEN, got 'BLUE'"),
    ],
)
def test_a_value_of_a_file_is_taken_strictly(tree, hint, problem):
    _, problems = value_of_tree(tree, hint, "x")
    assert problems == [] if problem is None else problem in problems[0]


def test_a_run_takes_parameters_from_a_file_and_the_command_line_which_wins(project):
    project.write(
        "typed.py",
        """
        import enum
        from dataclasses import dataclass
        from pathlib import Path
        from typing import Literal

        from plugbay import pipeline, step

        class Colour(enum.Enum):
            RED = 1

        @dataclass
        class Candidate:
            name: str
            leaves: int | None = None

        @step
        def show(text: str) -> str:
            return text

        @pipeline
        def typed(
            file: Path, candidates: list[Candidate], colour: Colour, speed: Literal["fast", "slow"], rate: float, on: bool
        ):
            show(repr((file, candidates, colour, speed, rate, on)))
    """,
    )
    project.write(
        "params.toml",
        """
        file = "in.csv"
        colour = "RED"
        rate = 5
        [[candidates]]
        name = "linear"
        [[candidates]]
        name = "trees"
        leaves = 31
    """,
    )
    words = ["-p", "speed=fast", "-p", "rate=0.5", "-p", "on=true", "--params", "params.toml", "--json"]
    run = project.plugbay("run", "typed.py", *words).json
    expected = (
        "(PosixPath('in.csv'), [Candidate(name='linear', leaves=None), Candidate(name='trees', leaves=31)], "
        "<Colour.RED: 1>, 'fast', 0.5, True)"
    )
    got = project.plugbay("artifacts", "get", run["id"], "show", "-o", "-")
    assert got.out == f'"{expected}"'
