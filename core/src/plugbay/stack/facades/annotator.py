"""The typed facade of an annotator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plugbay.stack.facades.addressed import ToOne
from plugbay_hookspecs.types import Annotation, AnnotationConfig, AnnotationStats, AnnotationTask


class Annotator(ToOne):
    """Where people label data; see :mod:`plugbay_hookspecs.annotator` for what each call promises."""

    def datasets(self) -> Sequence[str] | None:
        """The names of the datasets; ``None`` when the tool cannot list."""
        names: Sequence[str] | None = self._call("datasets")
        return names

    def dataset_url(self, name: str) -> str | None:
        """Where a person labels a dataset; ``None`` when the tool has no page for it."""
        url: str | None = self._call("dataset_url", name=name)
        return url

    def create(self, name: str, config: AnnotationConfig) -> None:
        """Create a dataset without tasks."""
        self._call("create", name=name, config=config)

    def add(self, name: str, tasks: Sequence[AnnotationTask]) -> int:
        """Add tasks; return how many were new."""
        new: int = self._call("add", name=name, tasks=tasks)
        return new

    def stats(self, name: str) -> AnnotationStats | None:
        """How far the labelling is, counted here where the tool does not; ``None`` when that cannot be found out."""
        found: AnnotationStats | None = self._value(AnnotationStats, "stats", name=name)
        if found is None:
            unlabelled = self.unlabelled(name)
            if unlabelled is not None:
                labelled = {annotation.task.id for annotation in self.labelled(name)}
                found = AnnotationStats(labelled=len(labelled), unlabelled=sum(1 for _ in unlabelled))
        return found

    def labelled(self, name: str) -> Iterator[Annotation]:
        """What people answered."""
        found: Iterator[Annotation] = self._call("labelled", name=name)
        return found

    def unlabelled(self, name: str) -> Iterator[AnnotationTask] | None:
        """The tasks nobody has labelled yet; ``None`` when the tool cannot tell."""
        found: Iterator[AnnotationTask] | None = self._call("unlabelled", name=name)
        return found

    def delete(self, name: str) -> bool | None:
        """Delete a dataset; ``None`` when the tool never deletes."""
        existed: bool | None = self._call("delete", name=name)
        return existed

    def launch(self) -> str | None:
        """Make the tool ready to work with and return the URL to open; ``None`` when there is nothing to open."""
        url: str | None = self._call("launch")
        return url
