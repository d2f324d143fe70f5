"""Data that people label."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from attrs import field, frozen

FieldKind: TypeAlias = Literal["text", "image", "audio"]


@frozen(kw_only=True)
class AnnotationConfig:
    """What people see of a task and what they can answer."""

    fields: Mapping[str, FieldKind] = field(factory=dict)
    """What to show of a task's data, by name; of an image or audio the data is a URL that a browser can fetch."""
    labels: tuple[str, ...] = ()
    """The answers to choose from."""
    several: bool = False
    """More than one label may be chosen."""
    instructions: str = ""
    native: object = None
    """The tool's own description (a labelling interface in XML, settings) for all that the rest cannot say; given, it
    takes the place of the rest."""


@frozen(kw_only=True)
class AnnotationTask:
    """Something to be labelled."""

    id: str
    """Given by who adds it; unique in its dataset."""
    data: Mapping[str, object]
    """By field name: plain JSON values."""
    suggestion: object = None
    """A label to start from: a model's prediction. ``None``: there is none."""
    metadata: Mapping[str, str] = field(factory=dict)
    """Kept with the task and not shown as part of it."""


@frozen(kw_only=True)
class Annotation:
    """What a person answered."""

    task: AnnotationTask
    label: object
    """The label chosen; a tuple of them where several may be; with a native configuration the tool's own answer, as
    plain JSON values."""
    by: str | None = None
    """Who, as the tool names people."""
    at: float | None = None
    """Seconds since the epoch."""


@frozen(kw_only=True)
class AnnotationStats:
    """How far the labelling of a dataset is; each task counts once."""

    labelled: int
    """Tasks with at least one annotation."""
    unlabelled: int
    skipped: int = 0
    """Tasks that people declined to label; they are in neither of the others."""
