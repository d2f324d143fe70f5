"""Whoever may write to an artifact store makes no code run that its reader has not chosen."""

import hashlib
import json
import subprocess
import sys

import pytest

from plugbay.testing.waiting import stretched

FLOW = """
from plugbay import pipeline, step


@step(cache=False)
def fails() -> int:
    raise ValueError("not today")


@pipeline
def p() -> None:
    fails()
"""

EVIL = """
import pathlib

pathlib.Path({mark!r}).touch()

from plugbay import pipeline, step


@step(cache=False)
def fails() -> int:
    return 1


@pipeline
def p() -> None:
    fails()
"""


@pytest.fixture
def elsewhere(tmp_path):
    """A directory that belongs to nobody's project, and a file that code there would make."""
    directory = tmp_path / "elsewhere"
    directory.mkdir()
    mark = tmp_path / "ran"
    (directory / "evil.py").write_text(EVIL.format(mark=str(mark)))
    (directory / "flow.py").write_text(EVIL.format(mark=str(mark)))
    return directory, mark


def failed_run(project):
    project.write("flow.py", FLOW)
    assert project.plugbay("run", "flow.py:p").code == 1
    (plan,) = (project.home / "store" / "runs").glob("*/plan.json")
    return plan


def rewritten(plan, change):
    tree = json.loads(plan.read_text())
    change(tree)
    plan.write_text(json.dumps(tree))


@pytest.mark.parametrize("own", [True, False], ids=["own run", "somebody's run"])
@pytest.mark.parametrize("target", ["flow:p", "evil:p"])
def test_a_run_whose_record_names_code_outside_of_the_project_is_not_resumed(project, elsewhere, own, target):
    directory, mark = elsewhere
    plan = failed_run(project)

    def change(tree):
        tree["code_root"] = str(directory)
        tree["plan"]["target"] = target

    rewritten(plan, change)
    if not own:
        (project.home / "started").unlink()
    done = project.plugbay("run", "--resume", "last")
    done.assert_error("does not belong to the project", "plugbay run --resume RUN FILE.py:PIPELINE")
    assert not mark.exists()


def test_a_step_that_the_record_names_outside_of_the_project_is_not_imported(project, elsewhere):
    directory, mark = elsewhere
    plan = failed_run(project)

    def change(tree):
        for step in tree["plan"]["steps"]:
            step["id"] = "other"
            step["function"] = "evil:fails"

    rewritten(plan, change)
    done = project.plugbay("run", "--resume", "last", PYTHONPATH=str(directory))
    assert done.code != 0
    assert not mark.exists()


def test_an_own_run_is_resumed_from_anywhere(project, tmp_path):
    failed_run(project)
    project.write("flow.py", FLOW.replace('raise ValueError("not today")', "return 1"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "plugbay.toml").write_text((project.directory / "plugbay.toml").read_text())
    notes = project.home / "started"
    kept = notes.read_text()
    notes.unlink()
    project.plugbay("run", "--resume", "last", cwd=other).assert_error("does not belong to the project")
    notes.write_text(kept)
    done = project.plugbay("run", "--resume", "last", cwd=other)
    assert done.code == 0, done


VALUES = """
import enum

from attrs import frozen

from plugbay import pipeline, step


@frozen
class Settings:
    rate: float = 0.1


class Kind(enum.Enum):
    SMALL = 1


@step
def settings() -> Settings:
    return Settings()


@step
def kind() -> Kind:
    return Kind.SMALL


@pipeline
def p() -> None:
    settings()
    kind()
"""

READ = """
import plugbay
run = plugbay.get_run("last")
try:
    print(run[{step!r}].output.load())
except plugbay.PlugbayError as error:
    print("refused:", error)
"""


def read(project, step, **environment):
    """What a fresh interpreter in the project prints of an output."""
    done = subprocess.run(
        [sys.executable, "-c", READ.format(step=step)],
        cwd=project.directory,
        env={**project.environ(), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=stretched(60),
    )
    return done.stdout


@pytest.mark.parametrize("tag", ["$object", "$enum", "$namedtuple", "$flag"])
def test_a_value_that_names_a_module_outside_of_the_project_does_not_import_it(project, elsewhere, tag):
    directory, mark = elsewhere
    project.write("flow.py", VALUES)
    assert project.plugbay("run", "flow.py:p").code == 0
    value = {tag: "evil:p", "fields": {}, "name": "SMALL", "items": [], "value": 1}
    for record in (project.home / "store" / "runs").glob("*/steps/settings.1.json"):
        tree = json.loads(record.read_text())
        text = json.dumps(value)
        (output,) = tree["outputs"]
        assert "text" in output, output
        output |= {"text": text, "size": len(text), "digest": hashlib.sha256(text.encode()).hexdigest()}
        record.write_text(json.dumps(tree))
    done = read(project, "settings", PYTHONPATH=str(directory))
    assert "refused:" in done, done
    assert not mark.exists()
    assert "Kind.SMALL" in read(project, "kind")
