"""Annotators that are right but for one thing; ``test_wrong_annotators`` runs them through the contract."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import attrs
import pytest

from plugbay.testing.annotator import AnnotatorContract
from plugbay_hookspecs import component, hookimpl
from plugbay_local.annotator import FileAnnotator
from plugbay_local.labelling import datasets, records


@component
class Forgetful(FileAnnotator):
    """Remembers in this process what it was told, and nowhere else which ids it has."""

    _known: dict = attrs.field(factory=dict, init=False)

    @hookimpl
    def annotator_add(self, name, tasks):
        dataset = datasets.find(self._root(), name)
        known = self._known.setdefault(str(dataset.directory), set())
        if any("text" not in task.data for task in tasks):
            raise ValueError("text is missing")
        new = {task.id: task for task in reversed(tasks) if task.id not in known}
        known.update(new)
        new = [new[task_id] for task_id in dict.fromkeys(task.id for task in tasks) if task_id in new]
        with dataset.locked():
            records.append(dataset.directory / "tasks.jsonl", records.encoded(map(attrs.asdict, new)))
        return len(new)

    @hookimpl
    def annotator_delete(self, name):
        self._known.clear()
        return super().annotator_delete(name)


@component
class Racing(FileAnnotator):
    """Looks which tasks there are first, and adds later."""

    @hookimpl
    def annotator_add(self, name, tasks):
        dataset = datasets.find(self._root(), name)
        known = set(dataset.tasks())
        time.sleep(0.05)  # in which another process adds them
        if any("text" not in task.data for task in tasks):
            raise ValueError("text is missing")
        new = {task.id: task for task in reversed(tasks) if task.id not in known}
        new = [new[task_id] for task_id in dict.fromkeys(task.id for task in tasks) if task_id in new]
        lines = records.encoded(map(attrs.asdict, new))
        file = os.open(dataset.directory / "tasks.jsonl", os.O_WRONLY | os.O_APPEND)
        os.write(file, lines)
        os.close(file)
        return len(new)


@component
class Eager(FileAnnotator):
    """Asks again what people declined, and replaces a dataset of the same name."""

    @hookimpl
    def annotator_create(self, name, config):
        super().annotator_delete(name)
        super().annotator_create(name, config)

    @hookimpl
    def annotator_unlabelled(self, name):
        labelled = {each.task.id for each in self.annotator_labelled(name)}
        return (each for each in datasets.find(self._root(), name).tasks().values() if each.id not in labelled)


class _Contract(AnnotatorContract):
    flavor: type[FileAnnotator]

    @pytest.fixture
    def component(self, tmp_path: Path) -> FileAnnotator:
        return self.flavor(path=tmp_path / "annotation")

    def answer(self, component, name, task_id, label, by):
        self._write(component, name, {"id": task_id, "label": label, "by": by})

    def decline(self, component, name, task_id, by):
        self._write(component, name, {"id": task_id, "skipped": True, "by": by})

    def _write(self, component, name, line):
        with (component.path / name / "labels.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")


class TestForgetful(_Contract):
    flavor = Forgetful


class TestRacing(_Contract):
    flavor = Racing


class TestEager(_Contract):
    flavor = Eager


class TestUnreasonable(_Contract):
    flavor = FileAnnotator
    lacking = {"stats": " ", "telepathy": "nobody has it"}
