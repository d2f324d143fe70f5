"""Run tests of conformance classes against flavors that are wrong on purpose, and tell which failed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]


def failures_in(module: str, tests: Mapping[str, Collection[str]], tmp_path: Path) -> dict[str, dict[str, str]]:
    """The messages of the tests that failed, by the conformance class and the test's name without its parameters.

    :param tests: which to run, by the class. That the others pass is what the right flavors show.
    """
    file = Path(__file__).with_name(module)
    chosen = [f"{file}::{flavor}::{test}" for flavor, names in tests.items() for test in names]
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-n", "0"]
    command += [f"--junitxml={report}", f"--basetemp={tmp_path / 'pytest'}", *chosen]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1, done.stdout + done.stderr
    failed: dict[str, dict[str, str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        problem = case.find("failure")
        if problem is None:
            problem = case.find("error")
        if problem is not None:
            flavor = case.attrib["classname"].rpartition(".")[2]
            test = case.attrib["name"].partition("[")[0]
            failed.setdefault(flavor, {})[test] = problem.attrib.get("message", "")
    return failed
