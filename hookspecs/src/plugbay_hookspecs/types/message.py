"""What people are told and asked."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from attrs import field, frozen

Severity: TypeAlias = Literal["info", "warning", "error", "critical"]


@frozen(kw_only=True)
class Message:
    """Something to tell or to ask a person."""

    title: str
    """One line."""
    text: str = ""
    """Plain text of any length; a tool that limits it cuts it and says so."""
    severity: Severity = "info"
    link: str | None = None
    """The URL of the place to go to from here."""
    fields: Mapping[str, str] = field(factory=dict)
    """Facts to show as a table, in this order."""
    topic: str | None = None
    """Messages of one topic belong together: a thread of a chat or of mail, one incident. A run's id, for instance."""


@frozen(kw_only=True)
class Answer:
    """What came of a question."""

    approved: bool
    """``False`` also when nobody answered."""
    by: str | None
    """Who answered, as the tool names people; ``None``: nobody did in time."""
    at: float
    """Seconds since the epoch: when it was answered, or when waiting ended."""
    comment: str = ""
    """What the person wrote."""
