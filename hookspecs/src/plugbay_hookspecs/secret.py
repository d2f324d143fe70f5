"""A setting whose value is looked up when it is used and shown nowhere."""

from collections.abc import Callable
from typing import final


@final
class Secret:
    """A secret value: the type of a setting that must not be seen.

    The value is fetched at the first :meth:`reveal` and never part of ``repr``, ``str``, a record, a log or the plan.
    A flavor declares a field of this type; the stack's config gives it ``{ secret = "name" }``, ``{ env = "NAME" }`` or
    plain text.

    >>> Secret("hunter2")
    Secret('***')
    """

    __slots__ = ("_fetch", "_reference")

    def __init__(self, value: str | Callable[[], str], reference: str | None = None) -> None:
        """Hold ``value`` (the text, or a call that fetches it) under the name ``reference``.

        :param reference: where the value comes from, safe to show; ``None`` for a value that was written out.
        """
        self._fetch = value if callable(value) else (lambda: value)
        self._reference = reference

    @property
    def reference(self) -> str | None:
        """Where the value comes from (``secret:name`` or ``env:NAME``), or ``None`` for a value written out."""
        return self._reference

    def reveal(self) -> str:
        """Return the value. Raises what the lookup raises when it cannot be had."""
        return self._fetch()

    def __repr__(self) -> str:
        return f"Secret({self._reference or '***'!r})"

    def __reduce__(self) -> tuple[object, ...]:
        msg = f"{self!r} cannot be pickled: a secret does not leave its process. Refer to it by name in the stack's config."
        raise TypeError(msg)
