"""``plugbay init`` and ``plugbay gc``."""

import tomllib

import pytest


def test_init_writes_a_configuration_that_loads_as_it_stands(bare):
    done = bare.plugbay("init")
    assert done.code == 0, done
    path = bare.directory / "plugbay.toml"
    assert str(path) in done.out
    assert tomllib.loads(path.read_text()) == {}
    assert bare.plugbay("stack", "check").code == 0


def test_the_users_own_configuration_holds_beside_what_init_writes(bare):
    bare.plugbay("init")
    bare.home.mkdir(exist_ok=True)
    (bare.home / "config.toml").write_text(
        'stack = "mine"\nobservers = []\n[stacks.mine]\norchestrator = "local"\nartifact_store = "local"\n'
    )
    found = {stack["name"]: stack for stack in bare.plugbay("stack", "list", "--json").json}
    assert found["mine"]["active"]
    assert [component["type"] for component in found["mine"]["components"]] == ["orchestrator", "artifact_store"]


def test_what_init_says_holds_without_it_does(bare):
    bare.plugbay("init")
    before = bare.plugbay("stack", "show", "--json").json
    path = bare.directory / "plugbay.toml"
    in_force = ("# stack =", "# observers", "# [stacks.default]", "# orchestrator", "# artifact_store")
    lines = [line[2:] if line.startswith(in_force) else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines))
    assert tomllib.loads(path.read_text())["stack"] == "default"
    after = bare.plugbay("stack", "show", "--json").json
    assert [part["flavor"] for part in before["components"]] == [part["flavor"] for part in after["components"]]


def test_what_init_comments_out_is_right_too(bare):
    bare.plugbay("init")
    path = bare.directory / "plugbay.toml"
    lines = path.read_text().splitlines()
    examples = [
        line.removeprefix("# ") for line in lines if line.startswith(("# [stacks", "# flavor", "# workers", "# path"))
    ]
    path.write_text("\n".join([*lines, *examples]))
    done = bare.plugbay("stack", "check", "project")
    assert done.code == 0, done


def test_init_overwrites_nothing_without_force(bare):
    path = bare.write("plugbay.toml", 'stack = "mine"')
    bare.plugbay("init").assert_error(str(path), "exists already", "--force")
    assert path.read_text() == 'stack = "mine"'
    assert bare.plugbay("init", "--force").code == 0
    assert bare.plugbay("stack", "check").code == 0


def test_gc_deletes_all_but_the_newest_runs(project):
    project.run()
    kept = project.run("--no-cache")
    dry = project.plugbay("gc", "--keep", "1", "--dry-run")
    assert dry.out.startswith("would delete 1 run, ")
    assert len(project.plugbay("runs", "--json").json) == 2
    done = project.plugbay("gc", "--keep", "1", "--json")
    assert len(done.json["runs"]) == 1
    assert [run["id"] for run in project.plugbay("runs", "--json").json] == [kept["id"]]
    assert project.plugbay("gc", "--older-than", "30d").out.startswith("deleted 0 runs, ")


@pytest.mark.parametrize("words", [["--keep", "some"], ["--older-than", "30"], ["--older-than", "a while"]])
def test_gc_takes_no_half_meant_numbers(bare, words):
    bare.plugbay("gc", *words).assert_error("expected a")
