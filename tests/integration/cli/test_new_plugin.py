"""What ``plugbay new-plugin`` writes: it lints, it is typed, it installs, and it keeps to its type's contract at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plugbay.cli.skeleton.names import LONGEST, names_for
from plugbay.cli.skeleton.writing import rendered, write_distribution
from plugbay.errors import PlugbayError
from plugbay.testing.waiting import stretched
from plugbay_hookspecs.catalogue import COMPONENT_TYPES
from sharing import made_once

TYPES = (*COMPONENT_TYPES, "observer")
NAMES = {"short": "q", "long": "a" * LONGEST, "hyphens": "fine-tool-2"}

BUILD = """\
import os
import sys

from hatchling.build import build_wheel  # each by pip would take a process and two seconds more

for project in sys.argv[2:]:
    os.chdir(project)
    build_wheel(sys.argv[1])
"""


def run(*words: str, cwd: Path, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLUGBAY_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=stretched(110),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a distribution of each type, and of each length of name."""

    def write(root: Path) -> None:
        for label, name in NAMES.items():
            for kind in TYPES:
                distribution = f"plugbay-{name}" if label == "long" else f"{name}-{kind.replace('_', '-')}"
                write_distribution(names_for(kind, name, distribution), root / label / kind)

    return made_once(tmp_path_factory, "new-plugin-written", write)


def test_the_code_needs_no_change_of_style(written: Path) -> None:
    """By the rules that each brings, however long its names are."""
    run("ruff", "check", "--no-cache", ".", cwd=written)
    run("ruff", "format", "--no-cache", "--check", ".", cwd=written)


def test_the_code_is_typed(written: Path) -> None:
    """All of one length at once, by the options that each brings."""
    root = written / "hyphens"
    files = [str(each) for kind in TYPES for each in (root / kind).rglob("*.py")]
    sources = os.pathsep.join(str(root / kind / "src") for kind in TYPES)
    run("mypy", f"--cache-dir={root / 'cache'}", *files, cwd=root / "observer", MYPYPATH=sources)


@pytest.fixture(scope="module")
def site(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the distributions of all types installed in it."""

    def install(target: Path) -> None:
        wheels = tmp_path_factory.mktemp("wheels")
        projects = [str(written / "hyphens" / kind) for kind in TYPES]
        (wheels / "build_all.py").write_text(BUILD, encoding="utf-8")
        run("build_all", str(wheels), *projects, cwd=wheels)
        built = [str(wheel) for wheel in wheels.glob("*.whl")]
        assert len(built) == len(TYPES)
        options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--no-compile")
        run("pip", "install", *options, "--target", str(target), *built, cwd=target)

    return made_once(tmp_path_factory, "new-plugin-site", install)


def test_what_is_installed_is_listed(site: Path, tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(site), "PLUGBAY_HOME": str(tmp_path / "home")}
    found = json.loads(run("plugbay", "flavors", "--json", cwd=tmp_path, **environment))
    listed = {flavor["type"] for flavor in found if (flavor["flavor"], flavor["status"]) == (NAMES["hyphens"], "ok")}
    assert listed == set(TYPES)


@pytest.mark.parametrize("kind", TYPES)
def test_its_tests_pass_at_once(written: Path, site: Path, tmp_path: Path, kind: str) -> None:
    """Those of the contract of its type among them, with the plugins of pytest that it asks for and no other."""
    environment = {"PYTHONPATH": str(site), "PLUGBAY_HOME": str(tmp_path / "home")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # those of this repository would take as long as the tests
    options = ("-q", f"--basetemp={tmp_path / 'tests'}", "-p", "no:cacheprovider", "-p", "pytest_timeout")
    printed = run("pytest", *options, cwd=written / "hyphens" / kind, **environment)
    assert " passed" in printed


def test_all_that_is_written_is_told(bare) -> None:
    done = bare.plugbay("new-plugin", "model-registry", "acme", "--json")
    assert done.code == 0, done
    told = done.json
    directory = bare.directory / "plugbay-acme"
    assert told["directory"] == str(directory)
    assert (told["type"], told["flavor"], told["package"]) == ("model_registry", "acme", "plugbay_acme")
    assert told["class"] == "plugbay_acme.model_registry:AcmeModelRegistry"
    assert told["files"] == sorted(str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file())
    assert {"pyproject.toml", "README.md", "src/plugbay_acme/py.typed", ".github/workflows/test.yml"} <= {
        *told["files"]
    }


def test_the_next_steps_are_printed(bare) -> None:
    done = bare.plugbay("new-plugin", "alerter", "acme", "--directory", "with space")
    assert done.code == 0, done
    for part in ("with space'", "pip install -e", "pytest", "[stacks.default.alerter.acme]", 'flavor = "acme"'):
        assert part in done.out


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("orchestrater", "acme"), ["there is no component type", "did you mean 'orchestrator'?"]),
        (("alerter", "Acme"), ["did you mean 'acme'?"]),
        (("alerter", "../up"), ["no name of a flavor", "did you mean 'up'?"]),
        (("alerter", "/etc/passwd"), ["no name of a flavor"]),
        (("alerter", ""), ["no name of a flavor"]),
        (("alerter", "a b; rm -rf"), ["no name of a flavor"]),
        (("alerter", "a\n[project]"), ["no name of a flavor"]),
        (("alerter", "a$b"), ["no name of a flavor"]),
        (("alerter", 'a"'), ["no name of a flavor"]),
        (("alerter", "größe"), ["no name of a flavor"]),
        (("alerter", "2fast"), ["did you mean 'fast'?"]),
        (("alerter", "x" * (LONGEST + 1)), [f"at most {LONGEST}"]),
        (("alerter", "class"), ["Python itself"]),
        (("alerter", "plugbay"), ["Plugbay itself"]),
        (("alerter", "log"), ["there is a flavor 'log'", "plugbay-local"]),
        (("alerter", "acme", "--distribution", "json"), ["standard library", "--distribution"]),
        (("alerter", "acme", "--distribution", "class"), ["Python itself"]),
        (("alerter", "acme", "--distribution", "Plugbay.Hookspecs"), ["Plugbay's own"]),
        (("alerter", "acme", "--distribution", "pluggy"), ["a distribution 'pluggy' already"]),
        (("alerter", "acme", "--distribution", "a/../b"), ["no name of a distribution"]),
        (("alerter", "acme", "--distribution", "plugbay-" + "x" * 80), ["no name of a distribution"]),
    ],
    ids=lambda value: ascii(" ".join(value))[:50],
)
def test_a_name_that_would_not_work_is_refused(bare, words: tuple[str, ...], parts: list[str]) -> None:
    bare.plugbay("new-plugin", *words).assert_error(*parts)
    assert list(bare.directory.iterdir()) == []


def test_what_exists_is_left_alone(bare) -> None:
    kept = bare.write("plugbay-acme/mine.txt", "mine")
    bare.plugbay("new-plugin", "alerter", "acme").assert_error("exists already", "--directory")
    (bare.directory / "link").symlink_to("nowhere")
    bare.plugbay("new-plugin", "alerter", "acme", "--directory", "link").assert_error("exists already")
    assert [path.name for path in kept.parent.iterdir()] == ["mine.txt"]


def test_a_directory_that_cannot_be_made_is_told(bare) -> None:
    bare.write("file", "")
    bare.plugbay("new-plugin", "alerter", "acme", "--directory", "file/new").assert_error("cannot be written")


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = names_for("alerter", "acme", None)
    original = Path.rename

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(PlugbayError, match="No space left"):
        write_distribution(names, tmp_path / "new")
    monkeypatch.setattr(Path, "rename", original)
    assert list(tmp_path.iterdir()) == []
    assert write_distribution(names, tmp_path / "new") == list(rendered(names))


def test_whoever_is_interrupted_finds_the_whole_or_nothing(bare) -> None:
    for delay in (0.05, 0.1, 0.15, 0.2, 0.25):
        process = bare.start("new-plugin", "alerter", "acme")
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=stretched(60))
        directory = bare.directory / "plugbay-acme"
        if directory.exists():
            assert (directory / "tests" / "test_alerter.py").exists()
            assert (directory / "README.md").exists()
            shutil.rmtree(directory)
