"""A machine: a home and a directory with a copy of the project, on which commands are run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from attrs import frozen

from plugbay.testing.waiting import stretched
from servers.ceph import ACCESS_KEY, SECRET_KEY

PROJECT = Path(__file__).parent / "project"


@frozen
class Machine:
    root: Path
    variables: dict[str, str]

    @classmethod
    def at(cls, root: Path, settings: dict[str, Any]) -> Machine:
        shutil.copytree(PROJECT, root / "project")
        (root / "home").mkdir()
        variables = {
            "S3_BUCKET": settings["bucket"],
            "S3_PREFIX": settings["prefix"],
            "S3_ENDPOINT": settings["endpoint"],
            "S3_ACCESS_KEY": ACCESS_KEY,
            "SECRET_S3_KEY": SECRET_KEY,
        }
        return cls(root, variables)

    def start(self, *command: str) -> subprocess.Popen[str]:
        environment = {**os.environ, **self.variables, "PLUGBAY_HOME": str(self.root / "home"), "HOME": str(self.root)}
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=self.root / "project",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str, code: int = 0) -> str:
        process = self.start(*command)
        out, err = process.communicate(timeout=stretched(200))
        assert process.returncode == code, f"{command} ended with {process.returncode}:\n{out}\n{err}"
        return out + err

    def plugbay(self, *arguments: str, code: int = 0) -> str:
        return self.run("-m", "plugbay", *arguments, code=code)

    def json(self, *arguments: str) -> Any:
        process = self.start("-m", "plugbay", *arguments, "--json")
        out, err = process.communicate(timeout=stretched(200))
        assert process.returncode == 0, err
        return json.loads(out)
