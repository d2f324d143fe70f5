"""The errors a user can cause. Each says what was wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugbay.history.run import Run


class PlugbayError(Exception):
    """Anything wrong that Plugbay reports; the command line prints its text and ends with :attr:`exit_code`."""

    exit_code = 2


class ConfigError(PlugbayError):
    """One or more problems with the configuration, all that could be found at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Hold the ``problems``, each a text of its own."""
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class PluginError(PlugbayError):
    """A plugin that cannot be found, loaded or used as it is."""


class PlanError(PlugbayError):
    """A pipeline that cannot be compiled into a plan."""


class TargetError(PlugbayError):
    """A pipeline that cannot be found or imported where it was said to be."""


class StoreError(PlugbayError):
    """The artifact store could not do what was asked of it."""


class DamagedDocumentError(StoreError):
    """A document in the artifact store is not what was written under its key."""


class CorruptArtifactError(StoreError):
    """The bytes of an artifact are not the ones that were saved."""


class SerializationError(PlugbayError):
    """A value that no serializer takes, or an artifact whose serializer is not there."""


class InputError(PlugbayError):
    """What an earlier step returned cannot be made a value again: a class of it has moved or changed, or its own code raises."""

    def __init__(self, message: str, digests: Sequence[str]) -> None:
        """Hold the ``digests`` of the artifacts that cannot be read."""
        super().__init__(message)
        self.digests = tuple(digests)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (str(self), self.digests))


class ImageError(PlugbayError):
    """The container image that steps run in cannot be had."""


class NotFoundError(PlugbayError, LookupError):
    """A run, step or artifact that does not exist."""

    def __str__(self) -> str:
        return Exception.__str__(self)


class RunBusyError(PlugbayError):
    """A run that another process is driving."""


class RunReplacedError(PlugbayError):
    """A run that another process has taken over while this one was driving it: this one has stopped."""


class RunLostError(StoreError):
    """A run that the artifact store lost while it was going on."""


class OutputError(PlugbayError):
    """What a step returned is not what it declares."""


class ReportFailed(PlugbayError):
    """A report of a data validator that has not passed, returned by a step which such a report fails."""


class RunFailed(PlugbayError):
    """A run that did not succeed; its cause is the step's own exception where that is at hand."""

    exit_code = 1

    def __init__(self, message: str, run: Run) -> None:
        """Hold the record of the ``run`` that failed."""
        super().__init__(message)
        self.run = run


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest of ``known``, or an empty text when none is near."""
    import difflib  # only an error needs it

    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def listed(names: Iterable[str]) -> str:
    """Return ``names`` in order as one text, or ``none``."""
    return ", ".join(sorted(names)) or "none"
