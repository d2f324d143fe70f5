"""The command line itself: help, versions, misspelt words, colours and pipes."""

import os
import pty
import subprocess

import pytest

from plugbay import __version__
from plugbay.cli.commands import COMMANDS
from plugbay.testing.waiting import stretched


def test_help_names_every_command(bare):
    done = bare.plugbay("--help")
    assert done.code == 0
    assert done.err == ""
    for name in COMMANDS:
        assert f"  {name} " in done.out
    assert bare.plugbay("help").out == done.out


def test_no_command_prints_the_help_as_an_error(bare):
    done = bare.plugbay()
    assert done.code == 2
    assert done.out == ""
    assert "usage: plugbay" in done.err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_fits_80_columns(bare, name):
    done = bare.plugbay(name, "--help")
    assert done.code == 0
    assert done.out.startswith(f"usage: plugbay {name}")
    assert max(map(len, done.out.splitlines())) <= 80


def test_the_version_is_the_packages(bare):
    assert bare.plugbay("--version").out == f"plugbay {__version__}\n"


def test_a_misspelt_command_or_option_is_told_with_the_nearest(bare):
    bare.plugbay("rnu").assert_error("there is no command 'rnu'; did you mean 'run'?")
    bare.plugbay("--verison").assert_error("did you mean '--version'?")
    bare.plugbay("runs", "--limt", "3").assert_error(
        "there is no option --limt; did you mean '--limit'?", "plugbay runs --help"
    )
    bare.plugbay("stack", "shwo").assert_error("did you mean 'show'?")
    bare.plugbay("run", "a.py", "--failure", "contine").assert_error("did you mean 'continue'?")
    bare.plugbay("runs", "--status", "fail").assert_error("did you mean 'failed'?")


def test_options_are_not_abbreviated(bare):
    bare.plugbay("runs", "--lim", "3").assert_error("there is no option --lim")


def test_an_internal_error_is_short_and_ends_with_70(project):
    project.write(
        "sitecustomize.py",
        """
        import sys

        class Breaking:
            def find_spec(self, name, path=None, target=None):
                if name == "plugbay.history.queries":
                    raise RuntimeError("something unforeseen")

        sys.meta_path.insert(0, Breaking())
    """,
    )
    done = project.plugbay("runs", PYTHONPATH=str(project.directory))
    done.assert_error("internal error: RuntimeError: something unforeseen", "-v", code=70)
    assert "Traceback" in project.plugbay("runs", "-v", PYTHONPATH=str(project.directory)).err


def test_a_reader_that_goes_away_is_no_error(project):
    process = project.start("hooks")
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=stretched(30)) == 141


def test_colours_only_on_a_terminal_and_not_with_no_color(history):
    assert "\x1b[" in _on_a_terminal(history, "runs")
    assert "\x1b[" not in _on_a_terminal(history, "runs", NO_COLOR="1")
    assert "\x1b[" not in _on_a_terminal(history, "runs", TERM="dumb")
    assert "\x1b[" not in history.plugbay("runs").out


def test_a_table_fits_the_terminal(history):
    lines = _on_a_terminal(history, "runs", NO_COLOR="1", COLUMNS="60").splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 60


def _on_a_terminal(project, *words, **environment):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        project.command(*words),
        cwd=project.directory,
        env={**project.environ(), "TERM": "xterm", **environment},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux tells the end of a terminal so
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    assert process.wait(timeout=stretched(30)) == 0
    return b"".join(parts).decode()
