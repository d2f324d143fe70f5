"""``plugbay plugins``, ``flavors``, ``hooks`` and the commands that plugins bring: real metadata of made-up distributions."""

import inspect
import os
import re
from pathlib import Path

import pytest

from plugbay.cli.docstrings import rendered
from plugbay.cli.terminal import Style
from plugbay.host.specifications import specifications

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


DISTRIBUTIONS = Path(__file__).parents[2] / "dists"
BAD = {
    "acme-broken": ("broken", "No module named 'vendor_library_that_is_not_installed'"),
    "acme-exits": ("broken", "SystemExit: 3"),
    "acme-good": ("ok", ""),
    "acme-missing": ("broken", "hook 'orchestrator_run' is missing"),
    "acme-one": ("conflict", "acme-two 2.0 offers it too; in the config write acme-one:twice to choose this one"),
    "acme-two": ("conflict", "acme-one 1.0 offers it too; in the config write acme-two:twice to choose this one"),
    "acme-plain": ("broken", "must be a class with the decorator @component"),
    "acme-too-new": ("incompatible", "requires plugbay-hookspecs >=99"),
    "acme-outdated": ("incompatible", "requires plugbay-hookspecs <0.1"),
    "acme-unmarked": ("broken", "lacks @hookimpl"),
    "acme-binary": ("unreadable", "the metadata of acme-binary cannot be read (UnicodeDecodeError"),
    "acme-garbled": ("unreadable", "the metadata of acme-garbled cannot be read ("),
}


def test_each_way_of_being_wrong_is_told_with_the_reason(project):
    folders = [path for path in sorted(DISTRIBUTIONS.iterdir()) if any(path.glob("*.dist-info"))]
    project.environment["PYTHONPATH"] = os.pathsep.join(map(str, folders))
    found = project.plugbay("plugins", "--json")
    assert found.code == 0, found
    told = {one["distribution"]: one for one in found.json}
    for distribution, (status, reason) in BAD.items():
        assert told[distribution]["status"] == status, told[distribution]
        assert reason in (told[distribution]["reason"] or ""), told[distribution]
    text = project.plugbay("plugins").out
    for distribution, (status, reason) in BAD.items():
        assert distribution in text
        assert status in text
        assert reason in text


def test_it_is_told_what_the_active_stack_uses(project):
    project.write(
        "plugbay.toml",
        """
        stack = "mine"
        observers = ["progress"]

        [stacks.mine]
        orchestrator = "plugbay_local:local"
        artifact_store = "local"

        [stacks.mine.alerter.oncall]
        flavor = "log"

        [stacks.mine.alerter.nightly]
        flavor = "log"
        """,
    )
    found = {(one["type"], one["name"]): one["used_as"] for one in project.plugbay("plugins", "--json").json}
    assert {key: used for key, used in found.items() if used} == {
        ("orchestrator", "local"): ["orchestrator"],
        ("artifact_store", "local"): ["artifact_store"],
        ("alerter", "log"): ["alerter.oncall", "alerter.nightly"],
        ("observer", "progress"): ["observer.progress"],
    }
    lines = project.plugbay("plugins").out.splitlines()
    assert any(line.startswith("log ") and line.endswith("ok      oncall, nightly") for line in lines), lines
    assert any(line.startswith("progress ") and line.endswith("ok      yes") for line in lines), lines
    assert lines[-1] == "in use: by the active stack, mine"


def test_plugins_are_listed_although_the_configuration_is_wrong(project):
    project.write("plugbay.toml", 'stack = "gone"\n[stacks.default]\norchestratr = "local"\n')
    done = project.plugbay("plugins")
    assert done.code == 0
    assert "plugbay-local" in done.out
    assert "did you mean 'orchestrator'?" in done.out
    assert all(one["used_as"] == [] for one in project.plugbay("plugins", "--json").json)


def test_a_broken_plugin_that_no_stack_names_stops_nothing(site):
    install(site, "acme-gone", [("plugbay.orchestrator", "gone", "acme_nowhere:Gone")])
    assert site.plugbay("run", "pipeline.py").code == 0


def test_flavors_of_one_type(project):
    found = project.plugbay("flavors", "orchestrator", "--json").json
    (local,) = [one for one in found if one["distribution"] == "plugbay-local"]
    assert local["flavor"] == "local"
    assert local["summary"].startswith("Run steps on this machine")
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


def test_the_hooks_of_a_type_are_shown_with_kind_arguments_and_summary(project):
    out = project.plugbay("hooks", "artifact_store").out
    assert "artifact_store_url(key: str) -> str\n    one\n    Tell the object's address" in out
    assert "artifact_store_get(key: str) -> bytes\n    one, required\n" in out
    assert "component_start(store: ObjectStore) -> None\n    pair\n" in project.plugbay("hooks", "lifecycle").out


def test_a_hook_is_shown_with_its_whole_specification(project):
    out = project.plugbay("hooks", "component_health").out
    assert out.startswith("component_health() -> Health\n")
    assert "\n    import sqlite3\n" in out
    assert "\nNew in 0.1.\n" in out
    project.plugbay("hooks", "component_helth").assert_error("did you mean 'component_health'?")


def test_the_json_of_a_hook_has_its_docstring_as_it_is(project):
    (put,) = project.plugbay("hooks", "artifact_store_put", "--json").json
    specification = specifications()["artifact_store_put"]
    assert put == {
        "name": "artifact_store_put",
        "subject": "artifact_store",
        "arguments": ["key", "source", "if_absent", "durable"],
        "kind": "one",
        "required": True,
        "doc": inspect.getdoc(specification.function),
    }
    (start,) = project.plugbay("hooks", "component_start", "--json").json
    assert start["kind"] == "one"


CODE = re.compile(r"^\.\. code-block:: python\n\n(?: {4}.*\n|\n)+", re.MULTILINE)
MARKUP = re.compile(r"``|:\w+:`|^ *\.\. |^ *:\w+.*?:", re.MULTILINE)


@pytest.mark.parametrize("columns", [40, 80])
def test_no_hook_is_shown_with_markup_or_prose_wider_than_the_terminal(columns):
    for name, specification in specifications().items():
        docstring = CODE.sub("", inspect.getdoc(specification.function))
        *prose, version = rendered(docstring, columns, Style(enabled=False)).splitlines()
        assert MARKUP.findall("\n".join(prose)) == [], name
        assert [line for line in prose if len(line) > columns and " " in line.strip()] == [], name
        assert version == f"New in {added(specification)}.", name


def added(specification):
    return re.search(r"versionadded:: (\S+)", inspect.getdoc(specification.function))[1]


DOCSTRING = """Do *this* with :class:`~a.b.Thing` and ``that``.

A paragraph
in two lines.

:param one: the first, see
    :func:`elsewhere`.
:param two: the second.
:returns: something that is long enough to need a second line.
:raises OSError: when it fails.

- a point
- another

.. code-block:: python

    if True:

        print(":func:`kept` ``as it is``")

.. versionadded:: 0.2
"""

SHOWN = """\
Do *this* with a.b.Thing and that.

A paragraph in two lines.

Arguments
    one: the first, see elsewhere.
    two: the second.

Returns
    something that is long enough to
    need a second line.

Raises
    OSError: when it fails.

  a point
  another

    if True:

        print(":func:`kept` ``as it is``")

New in 0.2."""


def test_a_docstring_is_shown_as_a_person_reads_it():
    assert rendered(DOCSTRING, 40, Style(enabled=False)).replace("- ", "") == SHOWN


def test_on_a_terminal_headings_are_bold_and_code_is_dim():
    shown = rendered(DOCSTRING, 80, Style(enabled=True))
    assert "\x1b[1mArguments\x1b[0m" in shown
    assert "\x1b[2m    if True:\x1b[0m" in shown
