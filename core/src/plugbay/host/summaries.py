"""What a trace may show of a value: little, and no secret."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from enum import Enum
from itertools import islice
from pathlib import PurePath
from typing import Any

import attrs

from plugbay.masking import HIDDEN, LONG_ENOUGH, forms_of, is_secret, masked
from plugbay_hookspecs import Secret

LONGEST = 120
"""Characters of a text that are shown."""
MOST = 8
"""Elements of a collection that are shown."""

_TOO_LONG = 20_000
_DEPTH = 4
_SHOWN = re.compile(
    "id|run_id|step|steps|name|attempt|pipeline|type|flavor|status|state|key|digest|version|stage|size|passed"
).fullmatch
"""The fields of a value that tell which one it is; free text, which may hold what no one here knows, is in others."""
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY = re.compile(r"(?<=\?)\S+")


class Summaries:
    """Makes summaries of values, in which no secret is that the process has looked up, or that it has learned of itself.

    One too short to be looked for inside of other texts is hidden where it stands alone.
    """

    def __init__(self) -> None:
        """Know no secret."""
        self._learning = threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._wanted: tuple[str, ...] = ()

    def learn(self, text: str) -> None:
        """Hide ``text`` from now on, its lines, and the forms that it has in URLs, JSON and ``repr``."""
        if text in self._known:
            return
        parts = {text, text.strip(), *(line.strip() for line in text.splitlines())}
        forms = parts | forms_of(text)
        with self._learning:
            self._known |= {form for form in forms if form}
            self._wanted = tuple(sorted((f for f in self._known if len(f) >= LONG_ENOUGH), key=len, reverse=True))

    def learn_all(self, value: Any) -> None:
        """Hide every text of ``value``."""
        if isinstance(value, str):
            self.learn(value)
        elif isinstance(value, Mapping):
            for each in value.values():
                self.learn_all(each)

    def learn_from(self, value: Any) -> None:
        """Hide the secrets among the fields of ``value``, as far as that asks nobody for one.

        What a secrets manager keeps is learned when it is asked, by whoever needs it.
        """
        try:
            secrets = list(_secrets_in(value, _DEPTH))
        except Exception:  # noqa: BLE001  a value of a plugin's own class, which a trace must not stumble over
            return
        for secret in secrets:
            if secret.reference is None or secret.reference.startswith("env:"):
                try:
                    self.learn(secret.reveal())
                except Exception:  # noqa: BLE001, S112  one that cannot be had cannot be shown
                    continue

    def of(self, value: Any) -> Any:
        """What may be shown of ``value``: plain values, keys, names, counts, and the names of types."""
        try:
            return self._of(value)
        except Exception:  # noqa: BLE001  as above
            return f"<{type(value).__qualname__}>"

    def _of(self, value: Any, *, inside: bool = False) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)):
            return HIDDEN if str(value) in self._known or is_secret(str(value)) else value
        if isinstance(value, Secret):
            return repr(value)
        if isinstance(value, (str, PurePath)):
            return self._text(str(value))
        if isinstance(value, Enum):
            return self._text(str(value.value))
        if isinstance(value, (bytes, bytearray, memoryview)):
            return f"<{len(value)} bytes>"
        if isinstance(value, (Mapping, list, tuple, Set)) and inside:
            return f"<{type(value).__qualname__} of {len(value)}>"
        if isinstance(value, Mapping):
            return self._elements(list(value), "{", "}")
        if isinstance(value, (list, tuple, Set)):
            return self._elements(value, "[", "]")
        return self._object(value)

    def of_error(self, error: BaseException) -> str:
        """The first line of an exception's message."""
        try:
            text = str(error)
        except Exception:  # noqa: BLE001  a plugin's exception may be wrong itself
            return ""
        return self._text(text).partition("\n")[0]

    def _text(self, text: str) -> str:
        if text in self._known or is_secret(text):
            return HIDDEN
        if len(text) > _TOO_LONG:
            return f"<{len(text)} characters>"
        for secret in self._wanted:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        text = masked(text)
        if "://" in text:
            text = _QUERY.sub(HIDDEN, _CREDENTIALS.sub(f"{HIDDEN}@", text))
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."

    def _elements(self, values: Sequence[Any] | Set[Any], start: str, end: str) -> str:
        shown = [str(self._of(value, inside=True)) for value in islice(values, MOST)]
        more = [f"... {len(values)} in all"] if len(values) > MOST else []
        text = ", ".join((*shown, *more))
        return f"{start}{text if len(text) <= 2 * LONGEST else f'{len(values)} elements'}{end}"

    def _object(self, value: Any) -> str:
        kind = type(value)
        if not attrs.has(kind):
            return f"<{kind.__qualname__}>"
        shown = []
        for field in attrs.fields(kind):
            if field.repr and _SHOWN(field.name):
                plain = getattr(value, field.name, None)
                if isinstance(plain, (str, int, float)) and plain != "":
                    shown.append(f"{field.name}={self._of(plain)}")
        return f"{kind.__qualname__}({', '.join(shown)})"


def _secrets_in(value: Any, depth: int) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif depth:
        for part in _parts(value):
            yield from _secrets_in(part, depth - 1)


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from list(value.values())[:100]
    elif isinstance(value, (list, tuple)):
        yield from value[:100]
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield getattr(value, field.name, None)
