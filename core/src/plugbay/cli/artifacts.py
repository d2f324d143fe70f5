"""Write an output of a step to a file, its bytes checked."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from plugbay.cli.parsing import add_run, add_stack, add_verbose
from plugbay.cli.terminal import say, say_json
from plugbay.cli.wording import counted, size
from plugbay.errors import NotFoundError, PlugbayError, StoreError
from plugbay_hookspecs.types import Artifact

if TYPE_CHECKING:
    from plugbay.history.reader import Reader
    from plugbay.history.run import StepRun


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    get = commands.add_parser("get", help="write an output to a file", description=__doc__)
    add_run(get)
    get.add_argument("step", metavar="STEP", help="the step's id; of a mapped step also one call: fit.0")
    get.add_argument("output", nargs="?", metavar="OUTPUT", help="may be left out when the step has one output only")
    get.add_argument("-o", "--to", metavar="PATH", help="the file or directory to write; - for standard output")
    get.add_argument("--force", action="store_true", help="overwrite what is there")
    add_stack(get)
    add_verbose(get)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.history.queries import get_run, reader_of

    reader = reader_of(arguments.stack)
    with reader.access():
        step = get_run(arguments.run_id, stack=reader.stack)[arguments.step]
        name, artifacts = _artifacts(step, arguments.output)
        if arguments.to == "-":
            _to_stdout(step, artifacts, reader)
            return 0
        target = _target(arguments.to, name, artifacts, reader)
        if target.exists() and not arguments.force:
            msg = f"{target} exists already; write elsewhere with -o PATH, or overwrite it with --force"
            raise PlugbayError(msg)
        files = list(_files(artifacts, target, reader))
        for path, artifact in files:
            _write(path, reader.artifacts.chunks(artifact))
        total = size(sum(artifact.size for _, artifact in files))
        say(f"{target}: {total}" + ("" if files and files[0][0] == target else f" in {counted(len(files), 'file')}"))
    return 0


def _artifacts(step: StepRun, output: str | None) -> tuple[str, Artifact | list[Artifact]]:
    """The output's name and its artifact; of a mapped step, those of its calls."""
    view = step[output] if output is not None else step.output
    name = output if output is not None else next(iter(step.outputs))
    if not step.mapped:
        return name, view.one
    return name, [call.outputs[name].one for call in step.calls if name in call.outputs]


def _target(to: str | None, name: str, artifacts: Artifact | list[Artifact], reader: Reader) -> Path:
    own = name if isinstance(artifacts, list) else _file_name(artifacts, reader)
    if to is None:
        return Path(own)
    path = Path(to)
    return path / own if path.is_dir() and (to.endswith("/") or not _is_collection(artifacts)) else path


def _is_collection(artifacts: Artifact | list[Artifact]) -> bool:
    return isinstance(artifacts, list) or artifacts.items is not None


def _file_name(artifact: Artifact, reader: Reader) -> str:
    """The name the file had, or the output's with the serializer's extension."""
    if artifact.items is not None:
        return artifact.name
    kept = artifact.metadata.get("filename")
    if isinstance(kept, str) and kept == Path(kept).name:
        return kept
    return f"{artifact.name}{_extension(artifact, reader)}"


def _extension(artifact: Artifact, reader: Reader) -> str:
    from plugbay.serializers.choice import Serializers

    try:
        return Serializers(allow_pickle=True).named(artifact.serializer, artifact.type).extension
    except PlugbayError:  # the plugin that wrote it is not installed here; its bytes are there all the same
        return ""


def _files(artifacts: Artifact | list[Artifact], target: Path, reader: Reader) -> Iterator[tuple[Path, Artifact]]:
    """Which file each artifact goes to. Raises :class:`StoreError` for one that would lie outside the target."""
    if isinstance(artifacts, list):
        parts = [(f"{index}", artifact) for index, artifact in enumerate(artifacts)]
    elif artifacts.items is not None:
        parts = [(item.name, item) for item in artifacts.items]
    else:
        yield target, artifacts
        return
    of_files = not isinstance(artifacts, list) and artifacts.serializer == "directory"
    for name, artifact in parts:
        file = name if of_files or artifact.items is not None else f"{name}{_extension(artifact, reader)}"
        path = target / file
        if not path.resolve().is_relative_to(target.resolve()):
            msg = f"the artifact's part {name!r} would be written outside {target}"
            raise StoreError(msg)
        yield from _files(artifact, path, reader)


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                file.writelines(chunks)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise PlugbayError(msg) from error


def _to_stdout(step: StepRun, artifacts: Artifact | list[Artifact], reader: Reader) -> None:
    if isinstance(artifacts, list) or artifacts.items is not None:
        msg = f"the output of step {step.id!r} is a directory or a list: write it to a directory with -o PATH"
        raise NotFoundError(msg)
    chunks = reader.artifacts.chunks(artifacts)
    if not sys.stdout.isatty():
        sys.stdout.flush()
        sys.stdout.buffer.writelines(chunks)
        return
    content = b"".join(chunks)
    if artifacts.serializer == "json":
        say_json(json.loads(content))
    elif b"\0" in content[:4096]:
        msg = f"the output of step {step.id!r} is binary: write it to a file with -o PATH"
        raise PlugbayError(msg)
    else:
        say(content.decode("utf-8", "backslashreplace"))
