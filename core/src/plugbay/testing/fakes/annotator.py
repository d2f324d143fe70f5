"""An annotator whose only person is the test."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, get_args
from urllib.parse import quote

from attrs import field

from plugbay.testing.fakes.shared import Shared
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Annotation, AnnotationConfig, AnnotationStats, AnnotationTask, FieldKind


class Dataset:
    """The tasks of a dataset, and what people answered."""

    def __init__(self, config: AnnotationConfig) -> None:
        """Have no tasks yet."""
        self.config = config
        self.tasks: dict[str, AnnotationTask] = {}
        self.annotations: list[Annotation] = []
        self.declined: set[str] = set()


class Datasets:
    """All datasets by name."""

    def __init__(self) -> None:
        """Have none yet."""
        self.found: dict[str, Dataset] = {}

    def names(self) -> list[str]:
        """All names, in order."""
        return sorted(self.found)

    def check(self, name: str) -> None:
        """Raise ``KeyError`` for a dataset that is not there."""
        if name not in self.found:
            raise KeyError(name)

    def create(self, name: str, config: AnnotationConfig) -> None:
        """Make a dataset."""
        unknown = {} if config.native is not None else set(config.fields.values()) - set(get_args(FieldKind))
        if unknown:
            msg = f"there are no fields of the kind {', '.join(sorted(unknown))}, only {', '.join(get_args(FieldKind))}"
            raise ValueError(msg)
        if name in self.found:
            raise FileExistsError(name)
        self.found[name] = Dataset(config)

    def add(self, name: str, tasks: Sequence[AnnotationTask]) -> int:
        """Take the tasks that are new; how many were."""
        dataset = self.found[name]
        for task in tasks:
            if missing := set(dataset.config.fields) - set(task.data):
                msg = f"task {task.id!r} has no {', '.join(sorted(missing))}"
                raise ValueError(msg)
        before = len(dataset.tasks)
        for task in tasks:
            dataset.tasks.setdefault(task.id, task)
        return len(dataset.tasks) - before

    def answer(self, name: str, task: str, label: object, by: str) -> None:
        """Label a task."""
        dataset = self.found[name]
        kept = tuple(label) if isinstance(label, (list, tuple)) else label
        dataset.annotations.append(Annotation(task=dataset.tasks[task], label=kept, by=by, at=time.time()))

    def decline(self, name: str, task: str) -> None:
        """Do not label a task."""
        self.found[name].declined.add(self.found[name].tasks[task].id)

    def labelled(self, name: str) -> list[Annotation]:
        """Everything that was answered."""
        return list(self.found[name].annotations)

    def unlabelled(self, name: str) -> list[AnnotationTask]:
        """The tasks that nobody has labelled or declined."""
        dataset = self.found[name]
        done = {each.task.id for each in dataset.annotations} | dataset.declined
        return [task for task in dataset.tasks.values() if task.id not in done]

    def stats(self, name: str) -> AnnotationStats:
        """Count the tasks."""
        dataset = self.found[name]
        labelled = {each.task.id for each in dataset.annotations}
        skipped = len(dataset.declined - labelled)
        left = len(dataset.tasks) - len(labelled) - skipped
        return AnnotationStats(labelled=len(labelled), unlabelled=left, skipped=skipped)

    def delete(self, name: str) -> bool:
        """Forget a dataset."""
        return self.found.pop(name, None) is not None


@component
class FakeAnnotator:
    """Keeps datasets in memory; a test labels with :meth:`answer` and :meth:`decline`."""

    kept: Any = field(factory=lambda: Shared(Datasets()), repr=False)

    def answer(self, name: str, task: str, label: object, *, by: str = "somebody") -> None:
        """Label a task as a person does."""
        self.kept.answer(name, task, label, by)

    def decline(self, name: str, task: str) -> None:
        """Decline to label a task as a person does."""
        self.kept.decline(name, task)

    @hookimpl
    def annotator_datasets(self) -> Sequence[str]:
        names: Sequence[str] = self.kept.names()
        return names

    @hookimpl
    def annotator_dataset_url(self, name: str) -> str:
        self.kept.check(name)
        return f"fake://annotator/{quote(name, safe='')}"

    @hookimpl
    def annotator_create(self, name: str, config: AnnotationConfig) -> None:
        self.kept.create(name, config)

    @hookimpl
    def annotator_add(self, name: str, tasks: Sequence[AnnotationTask]) -> int:
        added: int = self.kept.add(name, list(tasks))
        return added

    @hookimpl
    def annotator_stats(self, name: str) -> AnnotationStats:
        found: AnnotationStats = self.kept.stats(name)
        return found

    @hookimpl
    def annotator_labelled(self, name: str) -> Iterator[Annotation]:
        return iter(self.kept.labelled(name))

    @hookimpl
    def annotator_unlabelled(self, name: str) -> Iterator[AnnotationTask]:
        return iter(self.kept.unlabelled(name))

    @hookimpl
    def annotator_delete(self, name: str) -> bool:
        existed: bool = self.kept.delete(name)
        return existed
