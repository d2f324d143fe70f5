"""The guide to writing an orchestrator, executed from its first line to its last."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from plugbay.testing.waiting import stretched

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "write-an-orchestrator.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"(?:# |<!-- )([\w./-]+)(?: -->)?\n")


class Reader:
    """Somebody who follows the guide in an empty directory, with an environment of their own around the installed Plugbay."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "project"
        self.directory.mkdir()
        environment = directory / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=stretched(110))
        (site,) = environment.glob("lib/python*/site-packages")
        installed = sysconfig.get_paths()["purelib"]
        (site / "installed.pth").write_text(f"import site; site.addsitedir({installed!r})\n")
        plugbay = environment / "bin" / "plugbay"
        plugbay.write_text(f'#!/bin/sh\nexec "{environment}/bin/python" -m plugbay "$@"\n')
        plugbay.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLUGBAY_", "PYTHON"))}
        self.environment = {
            **kept,
            "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PLUGBAY_HOME": str(directory / "home"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTEST_ADDOPTS": f"-p no:cacheprovider -p no:randomly --basetemp={directory / 'runs'}",
        }
        self.told = ""

    def write(self, text: str) -> None:
        """Write the file that the first line of a block names."""
        name = NAME.match(text)
        assert name is not None, f"a block without a name of its file: {text:.60}"
        path = self.directory / name[1]
        assert path.parent.is_dir(), f"the guide writes {name[1]} and has not made its directory"
        path.write_text(text[name.end() :] if text.startswith("<!--") else text, encoding="utf-8")

    def run(self, text: str) -> None:
        """Run each line of a block; one that begins with ``!`` must fail."""
        self.told = ""
        for line in text.splitlines():
            done = subprocess.run(
                ["bash", "-c", line.removeprefix("! ")],
                cwd=self.directory,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=stretched(400),
            )
            assert (done.returncode != 0) == line.startswith("! "), f"{line}\n{done.stdout}"
            self.told += done.stdout

    def expect(self, text: str) -> None:
        """The commands before must have printed each line of a block."""
        for line in text.splitlines():
            assert line in self.told, f"the guide promises {line!r}, and was told:\n{self.told}"


@pytest.mark.timeout(900)
def test_the_guide_leads_from_nothing_to_a_distribution(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    follow = {"python": reader.write, "toml": reader.write, "markdown": reader.write}
    follow |= {"console": reader.run, "text": reader.expect}
    blocks = FENCED.findall(GUIDE.read_text(encoding="utf-8"))
    for language, text in blocks:
        follow[language](text)
    built = sorted(path.name for path in (reader.directory / "dist").iterdir())
    assert built == ["plugbay_processes-0.1.0-py3-none-any.whl", "plugbay_processes-0.1.0.tar.gz"]
