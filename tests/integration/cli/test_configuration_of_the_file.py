"""``plugbay run`` with a file of another project takes that project's configuration, and says so."""

import pytest

FLOW = """
from plugbay import pipeline, step

@step
def f() -> int:
    return 1

@pipeline
def p():
    f()
"""
CONFIG = """
stack = "{name}"
observers = []

[stacks.{name}]
orchestrator = "local"
artifact_store = {{ flavor = "local", path = "{name}-store" }}
"""


@pytest.fixture
def two(bare):
    """A directory with a configuration, and another project beside it."""
    bare.write("plugbay.toml", CONFIG.format(name="here"))
    bare.write("theirs/plugbay.toml", CONFIG.format(name="there"))
    bare.write("theirs/below/flow.py", FLOW)
    bare.write("flow.py", FLOW)
    return bare


def test_a_file_of_another_project_is_run_with_the_configuration_of_that(two):
    done = two.plugbay("run", "theirs/below/flow.py:p", "--json")
    assert done.json["stack"] == "there"
    assert f"configuration: {two.directory / 'theirs' / 'plugbay.toml'} (" in done.err
    assert (two.directory / "theirs" / "there-store" / "runs").is_dir()


def test_a_file_of_the_project_here_needs_no_word(two):
    done = two.plugbay("run", "flow.py:p", "--json")
    assert (done.json["stack"], done.err) == ("here", "")
    below = two.plugbay("run", "below/flow.py:p", cwd=two.directory / "theirs")
    assert (below.code, below.err) == (0, "")


def test_a_file_of_no_project_is_run_with_the_configuration_here(two, tmp_path):
    (tmp_path / "lone.py").write_text(FLOW)
    assert two.plugbay("run", tmp_path / "lone.py", "--json").json["stack"] == "here"


@pytest.mark.parametrize(("directory", "stack"), [(".", "here"), ("theirs", "there")])
def test_the_directory_that_is_chosen_counts(two, directory, stack):
    file = two.directory / "theirs" / "below" / "flow.py"
    done = two.plugbay("-C", directory, "run", f"{file}:p", "--json")
    assert (done.json["stack"], done.err) == (stack, "")
    assert two.plugbay("-C", directory, "runs", "--json").json[0]["id"] == done.json["id"]


def test_a_run_goes_on_with_the_configuration_of_the_file(two):
    two.write("theirs/below/flow.py", FLOW.replace("return 1", "raise ValueError"))
    assert two.plugbay("run", "theirs/below/flow.py:p").code == 1
    two.write("theirs/below/flow.py", FLOW)
    assert two.plugbay("run", "--resume", "last", "theirs/below/flow.py:p", "--json").json["stack"] == "there"


def test_a_directory_that_is_not_there_is_told(two):
    two.plugbay("-C", "nowhere", "runs").assert_error("-C nowhere: No such file or directory")


def test_a_configuration_that_cannot_be_read_is_told(two):
    two.write("theirs/plugbay.toml", "stack = ")
    two.plugbay("run", "theirs/below/flow.py:p").assert_error("theirs/plugbay.toml is not valid TOML")


@pytest.mark.parametrize("before", [True, False])
def test_the_file_that_is_chosen_is_read_in_the_place_of_the_projects(two, before):
    two.write("other/settings.toml", CONFIG.format(name="chosen"))
    chosen, words = ["--config", "other/settings.toml"], ["run", "theirs/below/flow.py:p", "--json"]
    done = two.plugbay(*(chosen + words if before else words + chosen))
    assert (done.json["stack"], done.err) == ("chosen", "")
    assert (two.directory / "other" / "chosen-store" / "runs").is_dir()
    by_variable = two.plugbay("runs", "--json", cwd="/", PLUGBAY_CONFIG=str(two.directory / "other" / "settings.toml"))
    assert by_variable.json[0]["id"] == done.json["id"]


@pytest.mark.parametrize("words", ["stack show", "stack check", "runs", "gc --dry-run"])
def test_every_command_takes_the_file(two, words):
    two.write("other/settings.toml", CONFIG.format(name="chosen"))
    done = two.plugbay(*words.split(), "--config", "other/settings.toml")
    assert (done.code, "chosen" in done.out) == (0, words != "gc --dry-run"), done


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("none.toml", None, "none.toml: there is no such file; it was chosen by --config"),
        ("pyproject.toml", "[project]", "pyproject.toml: it has no table tool.plugbay"),
        ("bad.toml", "stack = ", "bad.toml is not valid TOML"),
    ],
)
def test_a_chosen_file_that_cannot_be_read_is_told(two, file, text, told):
    if text is not None:
        two.write(file, text)
    two.plugbay("--config", file, "run", "flow.py:p").assert_error(told)
