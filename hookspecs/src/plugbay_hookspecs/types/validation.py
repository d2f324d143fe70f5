"""Checks of data and models, and what came of them."""

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class Check:
    """One thing to check, in the vocabulary of the tool that checks it."""

    kind: str
    """The tool's name for it: ``in_range`` (pandera), ``ExpectColumnValuesToBeBetween`` (Great Expectations),
    ``DriftedColumnsCount`` (Evidently)."""
    column: str | None = None
    """``None``: the check is about the table as a whole."""
    arguments: Mapping[str, object] = field(factory=dict)
    """By the tool's names: plain JSON values."""
    name: str | None = None
    """What the report calls it; ``None``: the kind, with the column in brackets."""

    @property
    def label(self) -> str:
        """What the report calls it."""
        return self.name or (self.kind if self.column is None else f"{self.kind}[{self.column}]")


@frozen(kw_only=True)
class CheckResult:
    """What came of one check."""

    passed: bool
    message: str = ""
    """For a person: what was expected and what was found."""
    column: str | None = None
    observed: object = None
    """What was found, as a plain JSON value: a number, a few of the offending values."""
    failed: int | None = None
    """Rows that do not pass; ``None`` where rows do not count."""
    checked: int | None = None
    """Rows that were looked at."""


@frozen(kw_only=True)
class Report:
    """What a data validator found."""

    passed: bool
    """Every result has passed; a report without results has."""
    results: Mapping[str, CheckResult] = field(factory=dict)
    """By the checks' labels; of several with the same label the second is ``label_2``, and so on."""
    metrics: Mapping[str, float] = field(factory=dict)
    """Numbers to compare over time: ``rows``, ``missing_share[delay]``, ``drift[delay]``."""
    html: str | None = field(default=None, repr=False)
    """A page that stands alone, where the tool draws one."""
