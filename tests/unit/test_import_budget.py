"""What starting Plugbay imports. The numbers only go down: lower them when the code does, never raise them to pass."""

import json
import os
import subprocess
import sys

import pytest

BUDGETS = {
    "import plugbay": 12,
    "plugbay --version": 15,
    "plugbay --help": 15,
    "plugbay run": 263,
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
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1].removeprefix("imported "))


def command(*words):
    return f"from plugbay.cli import main\nassert main({list(words)!r}) == 0"


def third_party(modules):
    return {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - {"plugbay"}


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_and_version_import_no_third_party_package(tmp_path, word):
    modules = imported_by(command(word), tmp_path)
    assert third_party(modules) == set()
    assert not {"argparse", "inspect", "importlib.metadata", "logging", "json"} & set(modules)


def test_importing_plugbay_imports_no_third_party_package(tmp_path):
    assert third_party(imported_by("import plugbay", tmp_path)) == set()


def test_the_number_of_modules_stays_within_the_budget(tmp_path):
    (tmp_path / "lone.py").write_text(PIPELINE)
    found = {
        "import plugbay": len(imported_by("import plugbay", tmp_path)),
        "plugbay --version": len(imported_by(command("--version"), tmp_path)),
        "plugbay --help": len(imported_by(command("--help"), tmp_path)),
        "plugbay run": len(imported_by(command("run", "lone.py"), tmp_path)),
    }
    assert {name: count for name, count in found.items() if count > BUDGETS[name]} == {}, found


def test_a_run_imports_nothing_that_only_other_commands_need(tmp_path):
    (tmp_path / "lone.py").write_text(PIPELINE)
    modules = set(imported_by(command("run", "lone.py"), tmp_path))
    ours = {module for module in modules if module.startswith("plugbay.cli.")}
    assert ours == {
        f"plugbay.cli.{name}"
        for name in ("commands", "entry", "outcome", "parsing", "reporting", "run", "terminal", "wording")
    }
