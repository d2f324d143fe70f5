"""What ``--json`` prints, every tool can read."""

import argparse
import importlib
import json

import pytest

from plugbay.cli.commands import COMMANDS, module_of

NUMBERLESS = """
from dataclasses import dataclass

from plugbay import current, pipeline, step

NAN, FAR = float("nan"), float("inf")


@dataclass
class Settings:
    rate: float
    limits: list[float]


@step
def f(rate: float, settings: Settings, table: dict[str, list[float]]) -> dict[str, float]:
    current().log_metrics({"loss": NAN, "far": -FAR})
    current().log_params({"rate": rate, "inner": {"of": [NAN, {"deep": FAR}]}})
    return {"loss": NAN, "far": FAR}


@pipeline
def p(rate: float = NAN):
    made = f(rate, Settings(NAN, [FAR, -FAR]), {"a": [NAN]})
    f.map([rate, FAR], settings=Settings(FAR, []), table={})
    if rate < 0:
        raise SystemExit(3)
    return made
"""
CONFIG = """
observers = []

[stacks.default]
orchestrator = { flavor = "local", workers = 1 }
artifact_store = "local"

[stacks.default.observers."./watching.py:Watching"]
patience = nan
bounds = [-inf, inf]
"""
WATCHING = """
from plugbay_hookspecs import component, hookimpl


@component
class Watching:
    patience: float = 1.0
    bounds: tuple[float, ...] = ()

    @hookimpl
    def step_metadata(self, step):
        return {"loss": float("nan"), "of": {"far": [float("inf")]}}
"""
RUNS = {
    ("run",): [["run", "flow.py:p"], ["run", "flow.py:p", "-p", "rate=inf"], ["run", "flow.py:broken"]],
    ("runs",): [["runs"]],
    ("show",): [["show", "last"]],
    ("gc",): [["gc", "--dry-run"]],
    ("stack", "list"): [["stack", "list"]],
    ("stack", "show"): [["stack", "show"]],
    ("stack", "check"): [["stack", "check"], ["stack", "check", "--live"]],
    ("stack", "up"): [["stack", "up"]],
    ("stack", "down"): [["stack", "down", "--yes"]],
    ("flavors",): [["flavors"], ["flavors", "orchestrator"]],
    ("plugins",): [["plugins"]],
    ("hooks",): [["hooks"]],
    ("new-plugin",): [["new-plugin", "orchestrator", "acme"]],
}


def with_json(parser: argparse.ArgumentParser, words: tuple[str, ...]):
    """Every command below a parser that has ``--json``."""
    if "--json" in parser._option_string_actions:
        yield words
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from with_json(below, (*words, name))


def commands():
    for name in COMMANDS:
        parser = argparse.ArgumentParser()
        importlib.import_module(module_of(name)).add_arguments(parser)
        yield from with_json(parser, (name,))


def refuse(word):
    raise AssertionError(f"{word} is no JSON")


@pytest.fixture(scope="module")
def numberless(history):
    history.write("watching.py", WATCHING)
    history.write("plugbay.toml", CONFIG)
    history.write(
        "flow.py",
        f"{NUMBERLESS}\n\n@step\ndef fails():\n    raise ValueError(NAN)\n\n\n@pipeline\ndef broken():\n    fails()\n",
    )
    done = history.plugbay("run", "flow.py:p", "--json")
    assert done.code == 0, done
    history.numberless = done.json["id"]
    return history


def test_every_command_that_prints_json_is_looked_at_here():
    assert set(commands()) == set(RUNS)


@pytest.mark.parametrize("words", [words for each in RUNS.values() for words in each], ids=" ".join)
def test_it_is_strict(numberless, words):
    done = numberless.plugbay(*words, "--json")
    tree = json.loads(done.out, parse_constant=refuse)
    assert tree is not None
    assert "internal error" not in done.err


def test_what_is_no_number_is_a_text(numberless):
    found = numberless.plugbay("show", numberless.numberless, "--json").json
    text = json.dumps(found)
    assert '"NaN"' in text
    assert '"-Infinity"' in text


def test_the_documents_of_a_run_are_strict_too(numberless):
    documents = [*(numberless.home / "store" / "runs").rglob("*.json")]
    assert documents
    for document in documents:
        json.loads(document.read_text(), parse_constant=refuse)
