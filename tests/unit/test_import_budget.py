"""What starting Plugbay imports: so many modules of its own, and of other people's packages those that are named.

What such a package is made of is its authors' affair and changes with its releases. The numbers only go down: lower them
when the code does, never raise them to pass.
"""

import json
import os
import subprocess
import sys

import pytest
from attrs import frozen

from plugbay.testing.waiting import stretched


@frozen
class Budget:
    """What may be imported."""

    own: int
    """Modules of the core, of the hook specifications and of plugins."""
    packages: frozenset[str] = frozenset()
    """Third-party packages, by the names that are imported."""


BUDGETS = {
    "import plugbay": Budget(1),
    "plugbay --version": Budget(4),
    "plugbay --help": Budget(4),
    "plugbay run": Budget(153, frozenset({"attr", "attrs", "filelock", "pluggy"})),
}
CODE = {
    "import plugbay": "import plugbay",
    "plugbay --version": "from plugbay.cli import main\nassert main(['--version']) == 0",
    "plugbay --help": "from plugbay.cli import main\nassert main(['--help']) == 0",
    "plugbay run": "from plugbay.cli import main\nassert main(['run', 'lone.py']) == 0",
}

PIPELINE = """
from plugbay import pipeline, step

@step
def one() -> int:
    return 1

@pipeline
def lone():
    one()
"""

REPORT = """
import json, sys
before = set(sys.modules)
{code}
print("imported " + json.dumps(sorted(set(sys.modules) - before)))
"""


def imported_by(code, directory):
    """The modules that a fresh interpreter imports for ``code``."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PLUGBAY_", "PYTHON", "COV"))
    }
    done = subprocess.run(
        [sys.executable, "-c", REPORT.format(code=code)],
        cwd=directory,
        env={**environment, "PLUGBAY_HOME": str(directory / "home"), "PLUGBAY_OBSERVERS": "[]"},
        capture_output=True,
        text=True,
        timeout=stretched(60),
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1].removeprefix("imported "))


def is_own(module):
    return module.partition(".")[0].startswith("plugbay")


def third_party(modules):
    found = {module.partition(".")[0] for module in modules if not is_own(module)} - sys.stdlib_module_names
    return {package for package in found if not package.startswith("_sysconfigdata")} - {"lone"}


@pytest.fixture
def project(tmp_path):
    (tmp_path / "lone.py").write_text(PIPELINE)
    return tmp_path


@pytest.mark.parametrize("name", BUDGETS)
def test_no_more_modules_are_imported_than_the_budget_allows(project, name):
    own = [module for module in imported_by(CODE[name], project) if is_own(module)]
    assert len(own) <= BUDGETS[name].own, own


@pytest.mark.parametrize("name", BUDGETS)
def test_no_third_party_package_is_imported_but_those_that_are_named(project, name):
    assert third_party(imported_by(CODE[name], project)) <= BUDGETS[name].packages


@pytest.mark.parametrize("name", ["plugbay --help", "plugbay --version"])
def test_help_and_version_leave_the_slow_parts_of_the_standard_library_alone(project, name):
    modules = imported_by(CODE[name], project)
    assert not {"argparse", "inspect", "importlib.metadata", "logging", "json"} & set(modules)


def test_a_run_imports_nothing_that_only_other_commands_need(project):
    modules = set(imported_by(CODE["plugbay run"], project))
    ours = {module for module in modules if module.startswith("plugbay.cli.")}
    assert ours == {
        f"plugbay.cli.{name}"
        for name in ("commands", "entry", "outcome", "parsing", "reporting", "run", "terminal", "wording")
    }
