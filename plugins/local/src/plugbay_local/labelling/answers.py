"""What the lines of labels say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from plugbay_hookspecs.types.annotation import AnnotationConfig

_KEYS = {"id", "label", "by", "at", "skipped"}


@frozen
class Answer:
    """What one person said of one task."""

    id: str
    label: Any
    """``None``: the person declined."""
    by: str | None
    at: float | None


def answer_in(record: Mapping[str, Any], config: AnnotationConfig) -> Answer:
    """Read a line; raise ``ValueError`` for one that is no answer to what the dataset asks."""
    if unknown := set(record) - _KEYS:
        msg = f"unknown: {', '.join(sorted(unknown))} (an answer has id and label or skipped, and may have by and at)"
        raise ValueError(msg)
    name, label, skipped = record.get("id"), record.get("label"), record.get("skipped", False)
    by, at = record.get("by"), record.get("at")
    if not isinstance(name, str):
        msg = f"id is {name!r}, not the id of a task"
        raise ValueError(msg)  # noqa: TRY004 -- a value in a file
    if not isinstance(by, str | None) or isinstance(at, bool) or not isinstance(at, int | float | None):
        msg = f"by is {by!r} and at is {at!r}, not a name and seconds since the epoch"
        raise ValueError(msg)  # noqa: TRY004 -- a value in a file
    if skipped is True and label is None:
        return Answer(name, None, by, at)
    if skipped is not False or label is None:
        msg = 'neither "label" with an answer nor "skipped": true'
        raise ValueError(msg)
    return Answer(name, _chosen(label, config), by, at)


def _chosen(label: Any, config: AnnotationConfig) -> Any:
    chosen = label if config.several else [label]
    if not isinstance(chosen, list | tuple):
        msg = f"label is {label!r}, not a list of labels"
        raise ValueError(msg)  # noqa: TRY004 -- a value in a file
    if config.labels and (wrong := [each for each in chosen if each not in config.labels]):
        msg = f"label {wrong[0]!r} is not one of {', '.join(config.labels)}"
        raise ValueError(msg)
    return tuple(chosen) if config.several else label


def last_answers(answers: Sequence[Answer]) -> list[Answer]:
    """Of what one person said of one task the last, in the order in which they were given."""
    last = {(answer.id, answer.by): position for position, answer in enumerate(answers)}
    return [answers[position] for position in sorted(last.values())]
