"""Take the fingerprints of programs in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TAKE = """
import importlib, json, sys
from plugbay.code.fingerprint import code_fingerprint
found = {}
for name in sys.argv[1:]:
    target = importlib.import_module(name).target
    taken = code_fingerprint(target)
    found[name] = [taken.digest, [str(each) for each in taken.unknown], ascii(target())]
print(json.dumps(found))
"""


def take(project: Path, texts: Mapping[str, str], seed: str, **environment: str) -> dict[str, Any]:
    """The fingerprint of the function ``target`` of each module, what it reaches that cannot be told, and what it answers.

    :param project: where the modules are written.
    :param texts: of the modules, by their names.
    :param seed: for hashes.
    """
    project.mkdir(parents=True, exist_ok=True)
    for module, text in texts.items():
        (project / f"{module}.py").write_text(text, encoding="utf-8")
    changed = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-c", _TAKE, *texts],
        cwd=project,
        env={**os.environ, **changed},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
