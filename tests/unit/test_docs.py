"""What the README, the guide and the reference say is what Plugbay does."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from plugbay.cli.commands import COMMANDS, module_of
from plugbay.cli.parsing import Parser, add_verbose
from plugbay.config.schema import load_config
from plugbay.host.specifications import specifications
from plugbay.testing.waiting import stretched

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference"
DOCUMENTS = [README, *sorted((ROOT / "docs" / "guide").glob("*.md"))]
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
PARTS = [document for document in DOCUMENTS if document.stem != "write-an-orchestrator"]  # which is executed as a whole
every_document_in_parts = pytest.mark.parametrize("document", PARTS, ids=lambda document: document.stem)

FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# ([\w-]+\.(?:py|toml))\b")
PIPELINE = re.compile(r"^@pipeline\b.*\ndef (\w+)\(", re.MULTILINE)
VARIABLE = re.compile(r'\{ env = "(\w+)" \}')
MENTIONED = re.compile(r"`plugbay ([a-z][\w-]*)")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[\w-]*)?\)")


@attrs.frozen
class Block:
    """A fenced block of a document."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file it stands for, which its first line names."""
        found = FILE_NAME.match(self.text)
        return found[1] if found else None


def blocks(document: Path, language: str) -> list[Block]:
    found = [Block(*match) for match in FENCED.findall(document.read_text(encoding="utf-8"))]
    return [block for block in found if block.language == language]


def write_files(document: Path, directory: Path) -> list[str]:
    """Write the Python files that the document shows; a block without a name is one too."""
    names = []
    for number, block in enumerate(blocks(document, "python")):
        names.append(block.file or f"block_{number}.py")
        (directory / names[-1]).write_text(block.text, encoding="utf-8")
    return names


def python(*arguments: str, directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python as a user with a home of their own in ``directory``; it must succeed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLUGBAY_")}
    environment |= {"PLUGBAY_HOME": str(directory / "home"), **variables}
    finished = subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=stretched(100),
    )
    assert finished.returncode == 0, f"{shlex.join(arguments)}\n{finished.stdout}{finished.stderr}"
    return finished


def plugbay(*arguments: str, directory: Path, **variables: str) -> str:
    return python("-m", "plugbay", *arguments, directory=directory, **variables).stdout


def test_the_reference_is_up_to_date(tmp_path: Path) -> None:
    """Whoever changes a hook, a command or a setting runs docs/generate.py."""
    python(str(ROOT / "docs" / "generate.py"), "--check", directory=tmp_path)


def test_every_hook_is_in_the_reference() -> None:
    text = (REFERENCE / "hooks.md").read_text(encoding="utf-8")
    assert [name for name in specifications() if text.count(f"\n### {name}\n") != 1] == []


def test_no_markup_of_the_docstrings_is_left_in_the_reference() -> None:
    text = FENCED.sub("", (REFERENCE / "hooks.md").read_text(encoding="utf-8"))
    assert re.findall(r"``|:\w+:`|^\.\. .*|^:\w+.*", text, re.MULTILINE) == []


def test_every_command_is_in_the_reference() -> None:
    text = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"\nusage: plugbay {name} " not in text] == []


@every_document_in_parts
def test_the_programs_of_a_document_run(document: Path, tmp_path: Path) -> None:
    """Each as a script, and each of its pipelines with ``plugbay run``."""
    for name in write_files(document, tmp_path):
        if name.startswith("test_"):
            python("-m", "pytest", "-q", "-p", "no:cacheprovider", name, directory=tmp_path)
            continue
        python(name, directory=tmp_path)
        for pipeline in PIPELINE.findall((tmp_path / name).read_text(encoding="utf-8")):
            plugbay("run", f"{name}:{pipeline}", directory=tmp_path)


@every_document_in_parts
def test_the_configurations_of_a_document_are_right(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is read without a problem, and the flavors it names take their settings."""
    monkeypatch.setenv("PLUGBAY_HOME", str(tmp_path / "home"))
    write_files(document, tmp_path)
    for block in blocks(document, "toml"):
        if block.file == "pyproject.toml":
            continue
        (tmp_path / "plugbay.toml").write_text(block.text, encoding="utf-8")
        for stack in load_config(tmp_path).stacks:
            variables = dict.fromkeys(VARIABLE.findall(block.text), "something")
            plugbay("stack", "check", stack, directory=tmp_path, **variables)


@every_document
def test_the_commands_of_a_document_exist(document: Path) -> None:
    """With the options they are given."""
    lines = [line for block in blocks(document, "console") for line in block.text.splitlines()]
    for words in (shlex.split(line, comments=True) for line in lines):
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            del words[0]
        if words[:1] == ["plugbay"]:
            parse(words[1], words[2:])
    for name in MENTIONED.findall(document.read_text(encoding="utf-8")):
        assert name in COMMANDS


def parse(command: str, words: list[str]) -> None:
    assert command in COMMANDS
    module = importlib.import_module(module_of(command))
    parser = Parser(prog=f"plugbay {command}")
    module.add_arguments(parser)
    add_verbose(parser)
    parser.parse(words)


@every_document
def test_the_links_of_a_document_lead_somewhere(document: Path) -> None:
    links = LINK.findall(FENCED.sub("", document.read_text(encoding="utf-8")))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_first_pipeline_runs_and_is_cached(tmp_path: Path) -> None:
    """As the README has it."""
    assert write_files(README, tmp_path)[0] == "pipeline.py"
    plugbay("run", "pipeline.py:squares", "-p", "count=20", directory=tmp_path)
    plugbay("run", "pipeline.py:squares", "-p", "count=20", directory=tmp_path)
    shown = json.loads(plugbay("show", "last", "--json", directory=tmp_path))
    assert {step["id"]: step["status"] for step in shown["steps"]} == dict.fromkeys(
        ("load", "square", "total"), "cached"
    )
    assert plugbay("artifacts", "get", "last", "total", "-o", "-", directory=tmp_path) == str(
        sum(n * n for n in range(20))
    )


def test_the_orchestrator_of_the_readme_runs_the_first_pipeline(tmp_path: Path) -> None:
    write_files(README, tmp_path)
    config = '[stacks.default]\norchestrator = "./sequential.py:Sequential"\nartifact_store = "local"\n'
    (tmp_path / "plugbay.toml").write_text(config, encoding="utf-8")
    run = json.loads(plugbay("run", "pipeline.py:squares", "--json", directory=tmp_path))
    assert run["status"] == "succeeded"
    assert run["components"][0]["flavor"] == "./sequential.py:Sequential"
