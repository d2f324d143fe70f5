"""A secret that a step has looked up is found nowhere afterwards: in no output, no log, no record, no alert and no trace."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from plugbay.testing.waiting import stretched

SECRET = 'pa/ss+w"ord & 7$'
FORMS = {
    "itself": SECRET,
    "in a URL": quote(SECRET, safe=""),
    "in base64": base64.b64encode(SECRET.encode()).decode(),
    "in hexadecimal digits": SECRET.encode().hex(),
    "in JSON": SECRET.replace('"', '\\"'),
}
SINKS = {
    "printed": "print('token', secret)",
    "printed in pieces": "for part in secret: print(part, end='', flush=True)",
    "printed to stderr": "print(secret, file=sys.stderr)",
    "bytes": "sys.stdout.buffer.write(secret.encode()); sys.stdout.buffer.flush()",
    "bytes in pieces": "[(sys.stdout.buffer.write(bytes([each])), sys.stdout.buffer.flush()) for each in secret.encode()]",
    "descriptor": "os.write(1, secret.encode())",
    "descriptor in pieces": "[os.write(2, bytes([each])) for each in secret.encode()]",
    "child process": "subprocess.run([sys.executable, '-c', 'import os; print(os.environ[\"SECRET_TOKEN\"])'], check=True)",
    "logging": "logging.getLogger('x').warning('token %s', secret)",
    "warning": "warnings.warn(secret)",
    "URL": "print('https://host/?token=' + quote(secret, safe=''))",
    "base64": "print(base64.b64encode(secret.encode()).decode())",
    "hexadecimal digits": "print(secret.encode().hex())",
    "JSON": "print(json.dumps({'token': secret}))",
    "message": "raise ValueError(f'refused: {secret}')",
    "arguments": "raise KeyError('a', secret)",
    "note": "error = ValueError('refused'); error.add_note(secret); raise error",
    "cause": "raise ValueError('refused') from OSError(secret)",
    "group": "raise ExceptionGroup('several', [ValueError(secret)])",
    "exit": "sys.exit(secret)",
    "class of an error": "raise type('Error', (Exception,), {'__str__': lambda self: secret})()",
    "parameter": "current().log_params({'url': 'https://' + secret})",
    "name of a parameter": "current().log_params({secret: 1})",
    "name of a metric": "current().log_metrics({secret: 1})",
    "alert": "current().alert('deployed', 'with ' + secret)",
    "thread": "thread = threading.Thread(target=print, args=(secret,)); thread.start(); thread.join()",
}
BEGIN = """
import base64, json, logging, os, subprocess, sys, threading, warnings
from urllib.parse import quote
from plugbay import current, pipeline, step

@pipeline(failure="continue")
def using() -> None:
    for use in STEPS:
        use()

STEPS = []
"""
STEP = """
@STEPS.append
@step
def use_{name}() -> int:
    secret = current().secret("token")
    {statement}
    return 1
"""
CONFIG = """
[stacks.default]
orchestrator = {{ flavor = "local", workers = {workers} }}
artifact_store = {{ flavor = "local", path = "store" }}
secrets_manager = "environment"
alerter = "log"
"""


@pytest.mark.parametrize("workers", [1, 2], ids=["inline", "in workers"])
def test_a_secret_is_found_nowhere(tmp_path: Path, workers: int) -> None:
    steps = [STEP.format(name=sink.replace(" ", "_"), statement=statement) for sink, statement in SINKS.items()]
    (tmp_path / "using.py").write_text("".join([BEGIN, *steps]), encoding="utf-8")
    (tmp_path / "plugbay.toml").write_text(CONFIG.format(workers=workers), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLUGBAY_", "PYTHON"))}
    own = {
        "PLUGBAY_HOME": str(tmp_path / "home"),
        "PLUGBAY_TRACE": str(tmp_path / "trace.json"),
        "SECRET_TOKEN": SECRET,
    }
    said = {}
    for command in ("run using.py", "show last", "show last --json", "logs last", "runs"):
        done = subprocess.run(
            [sys.executable, "-m", "plugbay", *command.split()],
            cwd=tmp_path,
            env={**kept, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=stretched(100),
        )
        said[command] = done.stdout
        assert done.returncode == (1 if command.startswith("run ") else 0), done.stdout.decode()
    sinks_that_fail = [sink for sink, statement in SINKS.items() if "raise " in statement or "exit" in statement]
    assert said["show last"].count(b"***") >= len(sinks_that_fail) - 1, said["show last"].decode()  # one has no text
    in_logs = 15  # and in the errors of those that fail, which are told behind
    assert said["logs last"].count(b"***") >= in_logs + len(sinks_that_fail) - 1, said["logs last"].decode()
    found = {**said, **{str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}}
    del found[str(tmp_path / "using.py")]
    assert any(b"***" in content for name, content in found.items() if name.endswith("alerts.jsonl"))
    for form, text in FORMS.items():
        for name, content in found.items():
            at = content.find(text.encode())
            assert at < 0, f"{form}, in {name}: {content[max(at - 200, 0) : at + 100]!r}"
