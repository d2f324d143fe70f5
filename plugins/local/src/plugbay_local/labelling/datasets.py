"""A dataset: the directory with ``dataset.json``, ``tasks.jsonl`` and ``labels.jsonl``."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from errno import EEXIST, ENOTEMPTY
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from plugbay_hookspecs.types.annotation import AnnotationConfig, AnnotationTask
from plugbay_local.labelling import records
from plugbay_local.labelling.answers import Answer, answer_in, last_answers
from plugbay_local.labelling.names import directory_name
from plugbay_local.objects.directories import create_root
from plugbay_local.objects.flushing import flush

_CONFIG, _TASKS, _LABELS = "dataset.json", "tasks.jsonl", "labels.jsonl"


@frozen
class Dataset:
    """One that exists."""

    name: str
    directory: Path
    config: AnnotationConfig

    def tasks(self) -> dict[str, AnnotationTask]:
        """All tasks by id, in the order in which they were added."""
        return {task.id: task for task in tasks_in(self.directory / _TASKS)}

    def add(self, tasks: Sequence[AnnotationTask]) -> int:
        """Add those tasks whose ids are new, all or none, so that they survive a loss of power."""
        for task in tasks:
            if missing := set(self.config.fields) - set(task.data):
                msg = f"task {task.id!r} has no {', '.join(sorted(missing))}"
                raise ValueError(msg)
        lines = {task.id: records.encoded([_record(task)]) for task in reversed(tasks)}
        with self.locked():
            known = self.tasks()
            new = [task_id for task_id in dict.fromkeys(task.id for task in tasks) if task_id not in known]
            records.append(self.directory / _TASKS, b"".join(lines[task_id] for task_id in new))
        return len(new)

    def answers(self) -> list[Answer]:
        """What people said, the last of each person for each task; raise ``ValueError`` for a line that is wrong."""
        path = self.directory / _LABELS
        return last_answers(self._answers_in(path)) if path.exists() else []

    def answer(self, path: Path) -> int:
        """Append the answers in a file, all or none, and tell how many there were."""
        answers = self._answers_in(path)
        with self.locked():
            records.append(self.directory / _LABELS, records.encoded(map(_line, answers)), people_write=True)
        return len(answers)

    def _answers_in(self, path: Path) -> list[Answer]:
        # Before the tasks: a line may be written for a task that was added this moment.
        lines = list(records.read(path))
        tasks = self.tasks()
        answers = []
        for number, record in lines:
            try:
                answers.append(answer_in(record, self.config))
                if answers[-1].id not in tasks:
                    msg = f"there is no task {answers[-1].id!r}"
                    raise ValueError(msg)
            except ValueError as error:
                msg = f"{path}, line {number}: {error}"
                raise ValueError(msg) from error
        return answers

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing the dataset; raise ``KeyError`` when one has deleted it."""
        try:
            with records.locked(self.directory / _TASKS):
                yield
        except FileNotFoundError as error:
            raise KeyError(self.name) from error


def names(root: Path) -> list[str]:
    """The names of all datasets, in order."""
    found = []
    for config in root.glob(f"[!.]*/{_CONFIG}"):
        if config.parent.is_symlink():
            continue
        try:
            found.append(json.loads(config.read_bytes())["name"])
        except FileNotFoundError:  # deleted this moment
            continue
    return sorted(found)


def create(root: Path, name: str, config: AnnotationConfig) -> None:
    """Create a dataset whole or not at all; raise ``FileExistsError`` when there is one."""
    target = root / directory_name(name)
    content = records.encoded([{"name": name, **asdict(config), "fields": dict(config.fields)}])
    os.close(create_root(str(root), durable=True))
    scratch = root / f".{uuid.uuid4().hex}"
    scratch.mkdir()
    try:
        for file, kept in ((_CONFIG, content), (_TASKS, b""), (_LABELS, b"")):
            records.append(scratch / file, kept)
        _flush_directory(scratch)
        try:
            scratch.rename(target)
        except OSError as error:
            if error.errno not in (EEXIST, ENOTEMPTY) and not isinstance(error, NotADirectoryError):
                raise
            msg = f"there is a dataset {name!r} already"
            raise FileExistsError(EEXIST, msg, str(target)) from error
        _flush_directory(root)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def find(root: Path, name: str) -> Dataset:
    """Find a dataset; raise ``KeyError`` when there is none."""
    try:
        directory = root / directory_name(name)
        config = json.loads((directory / _CONFIG).read_bytes())
    except (ValueError, FileNotFoundError, NotADirectoryError) as error:
        raise KeyError(name) from error
    # A file system that ignores case gives one for the other.
    if config.pop("name") != name or directory.is_symlink():
        raise KeyError(name)
    return Dataset(name, directory, AnnotationConfig(**{**config, "labels": tuple(config["labels"])}))


def delete(root: Path, name: str) -> bool:
    """Delete a dataset; of several that do so at once one succeeds."""
    scratch = root / f".{uuid.uuid4().hex}"
    try:
        dataset = find(root, name)
        with dataset.locked():
            dataset.directory.rename(scratch)
    except KeyError:
        return False
    _flush_directory(root)
    shutil.rmtree(scratch)
    return True


def write_lines(path: Path, lines: Iterable[Mapping[str, object]]) -> None:
    """Write a file of JSON lines, whole or not at all."""
    scratch = path.with_name(f".{uuid.uuid4().hex}")
    try:
        records.append(scratch, records.encoded(lines))
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def tasks_in(path: Path) -> Iterator[AnnotationTask]:
    """Read the tasks in a file; raise ``ValueError``, with the line, for what is none."""
    for number, record in records.read(path):
        try:
            yield _task(record)
        except ValueError as error:
            msg = f"{path}, line {number}: {error}"
            raise ValueError(msg) from error


def _task(record: Mapping[str, Any]) -> AnnotationTask:
    if not isinstance(record.get("id"), str) or not isinstance(record.get("data"), dict):
        msg = "a task has an id, which is text, and data, an object"
        raise ValueError(msg)  # noqa: TRY004 -- a value in a file
    if unknown := set(record) - {"id", "data", "suggestion", "metadata"}:
        msg = f"unknown: {', '.join(sorted(unknown))} (a task has id and data, and may have suggestion and metadata)"
        raise ValueError(msg)
    return AnnotationTask(**record)


def _record(task: AnnotationTask) -> dict[str, object]:
    suggestion = {} if task.suggestion is None else {"suggestion": task.suggestion}
    metadata = {"metadata": dict(task.metadata)} if task.metadata else {}
    return {"id": task.id, "data": dict(task.data), **suggestion, **metadata}


def _line(answer: Answer) -> dict[str, object]:
    said = {"skipped": True} if answer.label is None else {"label": answer.label}
    about = {"by": answer.by, "at": answer.at}
    return {"id": answer.id, **said, **{key: value for key, value in about.items() if value is not None}}


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        flush(descriptor)
    finally:
        os.close(descriptor)
