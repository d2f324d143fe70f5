"""Write an output of a step to a file, or to a directory as it was."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from plugbay.cli.parsing import add_general, add_run, add_stack
from plugbay.cli.terminal import say, say_json
from plugbay.cli.wording import counted, size
from plugbay.errors import NotFoundError, PlugbayError
from plugbay.serializers.builtin import BYTES, FILE, JSON
from plugbay.store.artifacts import TREE, is_executable_by
from plugbay.store.restoring import layout_of, own_name_of
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
    add_general(get)


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
        _check_extension(target, name, artifacts, reader)
        if target.exists() and not arguments.force:
            msg = f"{target} exists already; write elsewhere with -o PATH, or overwrite it with --force"
            raise PlugbayError(msg)
        followed = target.resolve() if target.is_dir() else target  # a link to a directory is not replaced by one
        parts = list(_parts(artifacts, followed, reader))
        for part in parts:
            _write(part, reader)
        files = [part.artifact for part in parts if part.artifact is not None]
        total = size(sum(artifact.size for artifact in files))
        say(f"{target}: {total}" + ("" if parts[0].artifact is not None else f" in {counted(len(files), 'file')}"))
    return 0


def _artifacts(step: StepRun, output: str | None) -> tuple[str, Artifact | list[Artifact]]:
    """The output's name and its artifact; of a mapped step, those of its calls."""
    view = step[output] if output is not None else step.output
    name = output if output is not None else next(iter(step.outputs))
    if not step.mapped:
        return name, view.one
    return name, [call.outputs[name].one for call in step.calls if name in call.outputs]


@frozen
class _Part:
    """Something to write: a file, a link, or else a directory."""

    path: Path
    artifact: Artifact | None = None
    link: str | None = None


def _target(to: str | None, name: str, artifacts: Artifact | list[Artifact], reader: Reader) -> Path:
    own = name if isinstance(artifacts, list) else _file_name(artifacts, reader)
    if to is None:
        return Path(own)
    path = Path(to)
    return path / own if path.is_dir() and (to.endswith("/") or not _is_collection(artifacts)) else path


def _check_extension(target: Path, name: str, artifacts: Artifact | list[Artifact], reader: Reader) -> None:
    """Refuse to call a value by the extension of another format than the one that it is kept in."""
    if isinstance(artifacts, list) or artifacts.items is not None or artifacts.serializer in (BYTES.name, FILE.name):
        return
    import mimetypes

    kept = _extension(artifacts, reader)
    fits = {kept, ".bin", ".txt"} if artifacts.serializer == JSON.name else {kept, ".bin"}
    suffix = target.suffix.lower()
    if kept and suffix not in fits and mimetypes.guess_type(f"a{suffix}")[0] is not None:
        msg = (
            f"{target}: output {name!r} is kept as {artifacts.serializer!r}, which is no {suffix} file; write {target.stem}{kept},"
            f" or let the step return the bytes or the Path of a {suffix} file"
        )
        raise PlugbayError(msg)


def _is_collection(artifacts: Artifact | list[Artifact]) -> bool:
    return isinstance(artifacts, list) or artifacts.items is not None


def _file_name(artifact: Artifact, reader: Reader) -> str:
    """The name the file had, or the output's with the serializer's extension."""
    extension = "" if artifact.items is not None else _extension(artifact, reader)
    return own_name_of(artifact) or own_name_of(artifact, f"{artifact.name}{extension}") or ""


def _extension(artifact: Artifact, reader: Reader) -> str:
    from plugbay.serializers.choice import Serializers

    try:
        return Serializers(allow_pickle=True).named(artifact.serializer, artifact.type).extension
    except PlugbayError:  # the plugin that wrote it is not installed here; its bytes are there all the same
        return ""


def _parts(artifacts: Artifact | list[Artifact], target: Path, reader: Reader) -> Iterator[_Part]:
    """What is written for an output; directories before what is in them, links last.

    Raises :class:`CorruptArtifactError` for a directory that has a part outside of it.
    """
    if not isinstance(artifacts, list):
        if artifacts.items is None:
            yield _Part(target, artifacts)
            return
        if artifacts.serializer == TREE:
            layout = layout_of(artifacts)
            yield from (_Part(target / name) for name in ("", *layout.directories))
            yield from (_Part(target / file.name, file) for file in layout.files)
            yield from (_Part(target / name, link=text) for name, text in layout.links.items())
            return
        artifacts = list(artifacts.items)
    yield _Part(target)
    for index, artifact in enumerate(artifacts):
        extension = "" if artifact.items is not None else _extension(artifact, reader)
        yield from _parts(artifact, target / f"{index}{extension}", reader)


def _write(part: _Part, reader: Reader) -> None:
    """Write a file or link whole or not at all, in the place of what is no directory there."""
    path = part.path
    try:
        if part.artifact is None and part.link is None:
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                path.unlink()
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.parent / f".{secrets.token_hex(8)}.part"  # the name itself may be as long as a name can be
        try:
            if part.link is not None:
                partial.symlink_to(part.link)
            elif part.artifact is not None:
                mode = 0o777 if is_executable_by(part.artifact) else 0o666
                with open(partial, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
                    file.writelines(reader.artifacts.chunks(part.artifact))
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
