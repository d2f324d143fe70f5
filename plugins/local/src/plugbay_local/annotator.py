"""The annotator that keeps files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.annotation import Annotation, AnnotationConfig, AnnotationStats, AnnotationTask
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo
from plugbay_local.home import user_path


@component
class FileAnnotator:
    """Keep tasks and labels as JSON lines, so that a person or a script labels by writing a line.

    The directory of a dataset has `dataset.json`, `tasks.jsonl` and `labels.jsonl`. A line of `labels.jsonl` is
    `{"id": "task 1", "label": "cat"}` or `{"id": "task 1", "skipped": true}`, with `by` and `at` where they are known.
    Lines are only appended: of what one person says of one task, the last counts.
    """

    path: Path | None = None
    """The directory; without it `annotation` in `PLUGBAY_HOME` or in the user's data directory."""

    @hookimpl
    def annotator_datasets(self) -> Sequence[str]:
        # Here and below imported when used, because a stack that is described needs none of it.
        from plugbay_local.labelling import datasets

        return datasets.names(self._root())

    @hookimpl
    def annotator_dataset_url(self, name: str) -> str:
        from plugbay_local.labelling import datasets

        return datasets.find(self._root(), name).directory.as_uri()

    @hookimpl
    def annotator_create(self, name: str, config: AnnotationConfig) -> None:
        from plugbay_local.labelling import datasets

        if config.native is not None:
            msg = "files have no description of their own: native must be None"
            raise ValueError(msg)
        if unknown := set(config.fields.values()) - {"text", "image", "audio"}:
            msg = f"cannot show {', '.join(sorted(unknown))} (can: text, image and audio, both as URLs)"
            raise ValueError(msg)
        datasets.create(self._root(), name, config)

    @hookimpl
    def annotator_add(self, name: str, tasks: Sequence[AnnotationTask]) -> int:
        from plugbay_local.labelling import datasets

        return datasets.find(self._root(), name).add(tasks)

    @hookimpl
    def annotator_stats(self, name: str) -> AnnotationStats:
        from plugbay_local.labelling import datasets

        dataset = datasets.find(self._root(), name)
        answers = dataset.answers()
        labelled = {answer.id for answer in answers if answer.label is not None}
        skipped = {answer.id for answer in answers} - labelled
        unlabelled = len(dataset.tasks()) - len(labelled) - len(skipped)
        return AnnotationStats(labelled=len(labelled), unlabelled=unlabelled, skipped=len(skipped))

    @hookimpl
    def annotator_labelled(self, name: str) -> Iterator[Annotation]:
        from plugbay_local.labelling import datasets

        dataset = datasets.find(self._root(), name)
        answers = dataset.answers()
        tasks = dataset.tasks()
        return (
            Annotation(task=tasks[answer.id], label=answer.label, by=answer.by, at=answer.at)
            for answer in answers
            if answer.label is not None
        )

    @hookimpl
    def annotator_unlabelled(self, name: str) -> Iterator[AnnotationTask]:
        from plugbay_local.labelling import datasets

        dataset = datasets.find(self._root(), name)
        answered = {answer.id for answer in dataset.answers()}
        return (task for task in dataset.tasks().values() if task.id not in answered)

    @hookimpl
    def annotator_delete(self, name: str) -> bool:
        from plugbay_local.labelling import datasets

        return datasets.delete(self._root(), name)

    @hookimpl
    def annotator_launch(self) -> str | None:
        return None  # an editor is all that it takes

    def import_tasks(self, name: str, file: Path) -> int:
        """Add the tasks in a file of JSON lines, all or none, and tell how many were new.

        Raises ``ValueError``, with the line, for what is no task.
        """
        from plugbay_local.labelling import datasets

        return datasets.find(self._root(), name).add(list(datasets.tasks_in(file)))

    def import_labels(self, name: str, file: Path) -> int:
        """Append the answers in a file of JSON lines, all or none, and tell how many there were.

        Raises ``ValueError``, with the line, for what is no answer to a task of the dataset.
        """
        from plugbay_local.labelling import datasets

        return datasets.find(self._root(), name).answer(file)

    def export(self, name: str, file: Path) -> int:
        """Write a line for each annotation, with its task, and tell how many there were."""
        from plugbay_local.labelling import datasets

        lines = [
            {"id": each.task.id, "data": dict(each.task.data), "label": each.label, "by": each.by, "at": each.at}
            for each in self.annotator_labelled(name)
        ]
        datasets.write_lines(file, lines)
        return len(lines)

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        try:
            self._root()
        except RuntimeError:
            return [
                Problem(
                    message=f"path = {str(self.path)!r} starts at the home directory of a user who is not known here",
                    remedy="write the directory out, or ~/ for your own home directory",
                )
            ]
        return []

    @hookimpl
    def component_health(self) -> Health:
        started = time.perf_counter()
        try:
            count = len(self.annotator_datasets())
        except (OSError, ValueError) as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=True, detail=f"{count} datasets", latency=time.perf_counter() - started)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"path": str(self._root())}

    def _root(self) -> Path:
        return user_path("annotation") if self.path is None else self.path.expanduser().absolute()
