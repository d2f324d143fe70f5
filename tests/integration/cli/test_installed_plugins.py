"""``plugbay plugins``, ``flavors``, ``hooks`` and the commands that plugins bring: real metadata of made-up distributions."""

import pytest

MODULE = """
import argparse

from plugbay_hookspecs import component, hookimpl

print("imported")


@component
class Watcher:
    '''Watch runs from afar.'''

    @hookimpl
    def run_started(self, run):
        pass


@component
class Typo:
    '''A hook that is misspelt.'''

    @hookimpl
    def run_startde(self, run):
        pass


def greet(arguments: argparse.Namespace) -> int:
    if arguments.name == "nobody":
        raise ValueError("there is nobody")
    print("hello", arguments.name)
    return 3


@component
class Greeting:
    '''Adds the command plugbay greet.'''

    @hookimpl
    def cli_commands(self, subcommands):
        parser = subcommands.add_parser("greet", help="greet somebody")
        parser.add_argument("name")
        parser.set_defaults(run=greet)
"""


def install(project, distribution, entry_points, requires="plugbay-hookspecs>=0.1,<0.2"):
    place = project.directory / "site" / f"{distribution.replace('-', '_')}-1.0.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\nRequires-Dist: {requires}\n"
    )
    lines = [f"[{group}]\n{name} = {value}\n" for group, name, value in entry_points]
    (place / "entry_points.txt").write_text("\n".join(lines))


@pytest.fixture
def site(project):
    project.write("site/acme_plugins.py", MODULE)
    project.environment["PYTHONPATH"] = str(project.directory / "site")
    return project


def statuses(project):
    found = project.plugbay("plugins", "--json")
    assert found.code == 0, found
    return {(one["distribution"], one["name"]): (one["status"], one["reason"] or "") for one in found.json}


def test_every_plugin_is_listed_with_its_status_and_the_reason(site):
    install(site, "acme-good", [("plugbay", "watcher", "acme_plugins:Watcher")])
    install(site, "acme-typo", [("plugbay", "typo", "acme_plugins:Typo")])
    install(site, "acme-gone", [("plugbay.orchestrator", "gone", "acme_nowhere:Gone")])
    install(site, "acme-old", [("plugbay", "old", "acme_plugins:Watcher")], requires="plugbay-hookspecs<0.1")
    install(site, "acme-lost", [("plugbay.orchestratr", "lost", "acme_plugins:Watcher")])
    install(site, "acme-same", [("plugbay.orchestrator", "local", "plugbay_local.orchestrator:LocalOrchestrator")])
    install(site, "acme-run", [("plugbay.cli", "run", "acme_plugins:Greeting")])
    found = statuses(site)
    assert found["acme-good", "watcher"] == ("ok", "")
    assert found["acme-typo", "typo"][0] == "broken"
    assert "did you mean 'run_started'?" in found["acme-typo", "typo"][1]
    assert found["acme-gone", "gone"][0] == "broken"
    assert "acme_nowhere" in found["acme-gone", "gone"][1]
    assert found["acme-old", "old"][0] == "incompatible"
    assert "requires plugbay-hookspecs" in found["acme-old", "old"][1]
    assert found["acme-lost", "lost"] == (
        "unused",
        "there is no component type 'orchestratr'; did you mean 'orchestrator'?",
    )
    assert found["acme-same", "local"][0] == "conflict"
    assert "acme-same:local" in found["acme-same", "local"][1]
    assert found["plugbay-local", "local"][0] in ("ok", "conflict")
    assert found["acme-run", "run"] == ("unused", "plugbay has a command 'run' of its own")
    text = site.plugbay("plugins").out
    assert "acme-gone 1.0" in text
    flavors = site.plugbay("flavors").out
    assert "Watch runs from afar." in flavors
    assert "broken: 'gone'" in flavors


def test_a_broken_plugin_that_no_stack_names_stops_nothing(site):
    install(site, "acme-gone", [("plugbay.orchestrator", "gone", "acme_nowhere:Gone")])
    assert site.plugbay("run", "pipeline.py").code == 0


def test_flavors_of_one_type(project):
    found = project.plugbay("flavors", "orchestrator", "--json").json
    assert [(one["flavor"], one["distribution"]) for one in found] == [("local", "plugbay-local")]
    assert found[0]["summary"].startswith("Run steps on this machine")
    project.plugbay("flavors", "orchestratr").assert_error("did you mean 'orchestrator'?")


def test_a_plugins_command_runs_with_its_own_exit_code(site):
    install(site, "acme-greet", [("plugbay.cli", "greet", "acme_plugins:Greeting")])
    done = site.plugbay("greet", "you")
    assert (done.code, done.err) == (3, "")
    assert done.out.endswith("hello you\n")
    assert "usage: plugbay greet" in site.plugbay("greet", "--help").out
    failed = site.plugbay("greet", "nobody")
    assert failed.code == 2
    assert "ValueError: there is nobody (in the command 'greet' of acme-greet 1.0)" in failed.err
    site.plugbay("gret", "you").assert_error("did you mean 'greet'?")


def test_a_plugins_command_that_is_not_added_is_told(site):
    install(site, "acme-greet", [("plugbay.cli", "welcome", "acme_plugins:Greeting")])
    done = site.plugbay("welcome")
    assert done.code == 2
    assert "adds no command 'welcome'" in done.err
    assert "acme-greet 1.0" in done.err


def test_hooks_are_listed_by_subject(project):
    out = project.plugbay("hooks").out
    assert "  orchestrator_run " in out
    assert "`" not in out
    of_store = project.plugbay("hooks", "artifact_store", "--json").json
    assert {hook["subject"] for hook in of_store} == {"artifact_store"}
    put = next(hook for hook in of_store if hook["name"] == "artifact_store_put")
    assert put["required"]
    assert put["arguments"] == ["key", "source", "if_absent", "durable"]


def test_a_hook_is_shown_with_its_whole_specification(project):
    out = project.plugbay("hooks", "component_health").out
    assert out.startswith("component_health() -> Health\n")
    assert "versionadded" in out
    project.plugbay("hooks", "component_helth").assert_error("did you mean 'component_health'?")
