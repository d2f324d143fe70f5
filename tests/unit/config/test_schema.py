"""The shape of the configuration: every problem at once, each with its file and table path."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugbay.config.schema import load_config, table_path
from plugbay.errors import ConfigError
from plugbay.stack import Stack


def problems(project: Path, text: str) -> list[str]:
    """The problems with a project's configuration, without the file that each begins with."""
    file = project / "plugbay.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_config()
    assert all(problem.startswith(f"{file}: ") for problem in raised.value.problems)
    return [problem.removeprefix(f"{file}: ") for problem in raised.value.problems]


def test_all_problems_are_reported_at_once(project: Path) -> None:
    found = problems(
        project,
        """
        stak = "prod"
        allow_pickle = "no"
        observers = ["progress", 3]

        [stacks.prod]
        orchestrater = "local"
        secrets_manager = 5

        [stacks.prod.artifact_store]
        flavour = "s3"
        """,
    )
    assert len(found) == 7
    assert found[0].startswith("stak: unknown key; did you mean 'stack'? (known: ")
    assert found[1:3] == [
        "allow_pickle: expected true or false, got 'no'",
        "observers: expected the name of an observer, got 3",
    ]
    assert found[3].startswith("stacks.prod.orchestrater: unknown key; did you mean 'orchestrator'? (known: ")
    assert found[4:] == [
        'stacks.prod: a stack needs an orchestrator: orchestrator = "local"',
        "stacks.prod.artifact_store: a component needs a flavor; 'flavour' may be a misspelling of it",
        "stacks.prod.secrets_manager: expected a flavor or a table with a flavor, got 5",
    ]


@pytest.mark.parametrize("kind", ["artifact_store", "secrets_manager"])
def test_a_secret_beside_a_misspelt_flavor_is_not_shown(project: Path, kind: str) -> None:
    stack = '[stacks.a]\norchestrator = "local"\n'
    stack += "" if kind == "artifact_store" else 'artifact_store = "local"\n'
    (found,) = problems(project, f'{stack}[stacks.a.{kind}]\nflavour = "s3"\nkey = "hunter2"')
    assert found == f"stacks.a.{kind}: a component needs a flavor; 'flavour' may be a misspelling of it"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stack = 3", "stack: expected the name of a stack, got 3"),
        ("stacks = 3", "stacks: expected a table of stacks, got 3"),
        ("stacks.a = 3", "stacks.a: expected a table of components, got 3"),
        ("stacks.a = []", "stacks.a: expected a table of components, got a list"),
        ("observers = 'x'", "observers: expected a list of observers, or a table of their settings by name, got 'x'"),
        ("observers.x = 3", "observers.x: expected a flavor or a table with a flavor, got 3"),
        ("observers.x.flavor = 3", "observers.x.flavor: expected the name of a flavor, got 3"),
        ("stacks.default.orchestrator = {}", None),
        ("stacks.default.orchestrator = ['a']", "stacks.default.orchestrator: expected a flavor or a table with a "
         "flavor, got a list"),
        ("stacks.default.observers = 1", "stacks.default.observers: expected a list of observers, or a table of their "
         "settings by name, got 1"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind(project: Path, text: str, expected: str | None) -> None:
    if expected is None:
        (project / "plugbay.toml").write_text(text)
        assert load_config().stack_config().name == "default"
    else:
        assert problems(project, text) == [expected]


def test_an_unknown_stack_is_an_error_that_says_where_it_was_chosen(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGBAY_STACK", "defualt")
    config = load_config()
    with pytest.raises(ConfigError) as chosen:
        config.stack_config()
    assert str(chosen.value) == (
        "environment variable PLUGBAY_STACK: stack: there is no stack 'defualt'; did you mean 'default'? "
        "(configured: default)"
    )
    with pytest.raises(ConfigError, match=r"^there is no stack 'prod' \(configured: default\)$"):
        config.stack_config("prod")


def test_observers_of_a_stack_come_after_those_of_all_and_replace_them_by_name(project: Path) -> None:
    (project / "plugbay.toml").write_text(
        "observers = ['one', 'two']\n[stacks.default.observers.one]\nlevel = 3\n[stacks.default.observers.three]\n"
    )
    found = [(c.name, dict(c.settings)) for c in load_config().stack_config().components if c.type == "observer"]
    assert found == [("progress", {}), ("two", {}), ("one", {"level": 3}), ("three", {})]


def test_a_lone_component_of_any_number_is_named_after_its_flavor(project: Path) -> None:
    (project / "plugbay.toml").write_text("[stacks.default]\nsecrets_manager = 'vault'")
    (found,) = [c for c in load_config().stack_config().components if c.type == "secrets_manager"]
    assert (found.name, found.flavor) == ("vault", "vault")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("plain_key-1", "plain_key-1"),
        ("", '""'),
        ("a.b", '"a.b"'),
        ('quo"te', '"quo\\"te"'),
        ("new\nline", '"new\\nline"'),
        ("\x1b[31m", '"\\u001b[31m"'),
        ("straße", '"straße"'),
        ("_", "_"),
    ],
)
def test_a_table_path_is_written_as_toml_writes_it(key: str, expected: str) -> None:
    assert table_path(("stacks", key)) == f"stacks.{expected}"


def test_hostile_keys_are_quoted_in_errors(project: Path) -> None:
    (found,) = problems(project, '[stacks.default]\n"\\u001b[2J\\n" = 1')
    assert found.startswith('stacks.default."\\u001b[2J\\n": unknown key')


def test_what_is_wrong_with_each_file_and_variable_is_told_together(
    home: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text("stack = ")
    (project / "plugbay.toml").write_text(
        'observers = 3\n[stacks.default]\norchestrator = "lokal"\nartifact_stor = "local"\n'
    )
    monkeypatch.setenv("PLUGBAY_ALLOW_PICKLE", "perhaps")
    monkeypatch.setenv("PLUGBAY_STACKS__DEFAULT__ARTIFACT_STORE__PAHT", "here")
    with pytest.raises(ConfigError) as raised:
        Stack.load()
    text = str(raised.value)
    for part in (
        f"{home / 'config.toml'} is not valid TOML: ",
        f"{project / 'plugbay.toml'}: observers: expected ",
        f"{project / 'plugbay.toml'}: stacks.default.artifact_stor: unknown key; did you mean 'artifact_store'?",
        "environment variable PLUGBAY_ALLOW_PICKLE: allow_pickle: expected true or false, got 'perhaps'",
        f"{project / 'plugbay.toml'}: stacks.default.orchestrator: there is no orchestrator flavor 'lokal'",
        "environment variable PLUGBAY_STACKS__DEFAULT__ARTIFACT_STORE__PAHT: stacks.default.artifact_store.paht: unknown setting",
    ):
        assert part in text


def test_a_stack_that_may_stand_in_a_file_that_cannot_be_read_is_not_said_to_be_missing(project: Path) -> None:
    (project / "plugbay.toml").write_text("[stacks.prod")
    with pytest.raises(ConfigError) as raised:
        Stack.load("prod")
    (problem,) = raised.value.problems
    assert problem.startswith(f"{project / 'plugbay.toml'} is not valid TOML: ")


def test_a_stack_that_is_missing_is_told_with_the_rest(project: Path) -> None:
    (project / "plugbay.toml").write_text("allow_pickle = 3")
    with pytest.raises(ConfigError) as raised:
        Stack.load("prod")
    assert len(raised.value.problems) == 2
    assert raised.value.problems[1].startswith("there is no stack 'prod'")
