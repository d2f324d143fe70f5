"""The secrets that this process has looked up, and text in which each of them is ``***``.

Whoever looks a secret up has it :func:`hidden <hide>` from then on, for as long as the process lives: in what steps print,
in errors, records and events, and in those of every other stack of the process as well.
"""

from __future__ import annotations

import logging
import re
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, overload

HIDDEN = "***"
_HIDDEN = HIDDEN.encode()
LONG_ENOUGH = 4
"""Characters from which on a secret is looked for inside of other texts; a shorter one would hide what is none."""


class Forms:
    """What is looked for in text, as UTF-8."""

    def __init__(self, wanted: frozenset[bytes]) -> None:
        """Look for ``wanted``, none of which spans lines."""
        self._wanted = sorted(wanted, key=lambda form: (-len(form), form))
        self._find = re.compile(_pattern([form.decode("latin-1") for form in self._wanted]).encode("latin-1"))
        self._begins = frozenset(form[0] for form in wanted)
        self._longest = len(self._wanted[0])

    def masked(self, text: bytes) -> bytes:
        """Put ``***`` in the place of every form."""
        return self._find.sub(_HIDDEN, text)

    def whole(self, text: bytes) -> int:
        """Tell how much of ``text`` can be masked without knowing what follows: the rest may be the begin of a form."""
        cut = len(text)
        for at in range(max(0, cut - self._longest + 1), cut):
            if text[at] in self._begins:
                rest = text[at:]
                if any(len(form) > len(rest) and form.startswith(rest) for form in self._wanted):
                    cut = at
                    break
        for match in self._find.finditer(text, max(0, cut - self._longest)):
            if match.start() < cut < match.end():
                return match.start()
        return cut


class Veil:
    """Masks a text that comes in pieces, wherever they are cut."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._held = b""

    def masked(self, piece: bytes) -> bytes:
        """Take the next piece, and return what can be shown by now: the begin of what may be a secret is held back."""
        forms = _Known.forms
        text, self._held = self._held + piece, b""
        if forms is None:
            return text
        cut = forms.whole(text)
        self._held = text[cut:]
        return forms.masked(text[:cut])

    def rest(self) -> bytes:
        """Return what was held back, as nothing follows."""
        text, self._held = self._held, b""
        return masked_bytes(text)


class _Known:
    """The secrets that are hidden; they are the process's, so is this."""

    texts: ClassVar[frozenset[str]] = frozenset()
    """As they were looked up, short ones too."""
    forms: ClassVar[Forms | None] = None
    listeners: ClassVar[list[Callable[[], None]]] = []
    _wanted: ClassVar[frozenset[bytes]] = frozenset()
    _lock = threading.RLock()

    @classmethod
    def add(cls, text: str) -> None:
        with cls._lock:
            first = cls.forms is None
            long_enough = (form for form in forms_of(text) if len(form) >= LONG_ENOUGH)
            wanted = cls._wanted.union(form.encode("utf-8", "surrogatepass") for form in long_enough)
            if wanted != cls._wanted:
                cls.forms, cls._wanted = Forms(wanted), wanted
            cls.texts |= {text}
            if not first or cls.forms is None:
                return
        logging.getLogger("plugbay").addFilter(_mask_record)
        for tell in list(cls.listeners):
            tell()


def hide(secret: object) -> None:
    """Hide a secret from now on: its text, its lines, and the forms that it has in URLs, JSON, ``repr``, base64 and HTML."""
    if isinstance(secret, str):
        if secret and secret not in _Known.texts:
            _Known.add(secret)
    elif isinstance(secret, Mapping):
        for each in secret.values():
            hide(each)


def forget() -> None:
    """Hide nothing any more; for tests, which share a process with the secrets of others."""
    with _Known._lock:
        _Known.texts, _Known.forms, _Known._wanted = frozenset(), None, frozenset()


def when_first_hidden(tell: Callable[[], None]) -> None:
    """Call ``tell`` once there is a secret to hide; at once if there is one already."""
    _Known.listeners.append(tell)
    if _Known.forms is not None:
        tell()


def any_hidden() -> bool:
    """Tell whether there is a secret to hide."""
    return _Known.forms is not None


def is_secret(text: str) -> bool:
    """Tell whether all of ``text`` is a secret, which may be a short one."""
    return text in _Known.texts


def masked(text: str) -> str:
    """Return ``text`` with ``***`` in the place of every secret that is known and long enough."""
    if _Known.forms is None:
        return text
    return _Known.forms.masked(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def masked_bytes(text: bytes) -> bytes:
    """The same of UTF-8, or of what may be anything."""
    return text if _Known.forms is None else _Known.forms.masked(text)


@overload
def masked_value(value: str) -> str: ...
@overload
def masked_value(value: Any) -> Any: ...
def masked_value(value: Any) -> Any:
    """Mask the texts of a plain value, and numbers that are a secret; keys of mappings too."""
    if _Known.forms is None:
        return value
    if isinstance(value, str):
        return HIDDEN if is_secret(value) and len(value) >= LONG_ENOUGH else masked(str(value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        text = str(value)
        return HIDDEN if len(text) >= LONG_ENOUGH and is_secret(text) else value
    if isinstance(value, Mapping):
        return {masked_value(key) if isinstance(key, str) else key: masked_value(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(masked_value, value)) if type(value) in (list, tuple) else value
    return value


def forms_of(secret: str) -> frozenset[str]:
    """The forms in which a secret may stand in a text, none of which spans lines."""
    parts = {secret.strip(), *(line.strip() for line in secret.splitlines())}
    found: set[str] = set()
    for part in filter(None, parts | {secret}):
        found |= set(_written(part))
        if len(part) >= LONG_ENOUGH:
            found |= set(_encoded(part.encode("utf-8", "surrogatepass")))
    return frozenset(form for form in found if form and "\n" not in form and "\r" not in form)


def _mask_record(record: logging.LogRecord) -> bool:
    """Mask what Plugbay itself logs: it quotes what plugins raise."""
    record.msg, record.args = masked(record.getMessage()), ()
    if record.exc_info and record.exc_info[1] is not None and not record.exc_text:
        record.exc_text = masked("".join(traceback.format_exception(record.exc_info[1])).rstrip())
    return True


def _pattern(words: Sequence[str]) -> str:
    """Match any of ``words``, the longest first, in one walk along their common beginnings."""
    tree: dict[str, Any] = {}
    for word in words:
        node = tree
        for character in word:
            node = node.setdefault(character, {})
        node[""] = {}
    return _branches(tree)


def _branches(node: dict[str, Any]) -> str:
    """What follows a common beginning; where only one thing can follow it is not nested."""
    run = ""
    while len(node) == 1 and "" not in node:
        ((character, node),) = node.items()
        run += re.escape(character)
    following = [re.escape(character) + _branches(rest) for character, rest in node.items() if character]
    if not following:
        return run
    return f"{run}(?:{'|'.join(following)}){'?' if '' in node else ''}"


def _written(part: str) -> Iterator[str]:
    """As URLs, JSON (also inside of JSON), ``repr``, and HTML have it."""
    import html
    import json
    from urllib.parse import quote, quote_plus

    yield part
    for form in (
        quote(part, safe="", errors="replace"),
        quote(part, errors="replace"),
        quote_plus(part, errors="replace"),
    ):
        yield form
        yield re.sub("%[0-9A-F]{2}", lambda found: found.group().lower(), form)
    for form in (json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]):
        yield form
        yield json.dumps(form, ensure_ascii=False)[1:-1]
    yield repr(part)[1:-1]
    yield repr(repr(part)[1:-1])[1:-1]
    yield part.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    yield repr(part.encode("utf-8", "surrogatepass"))[2:-1]
    yield part.encode("unicode_escape", "surrogatepass").decode() if part.isprintable() else part
    yield ascii(part)[1:-1]
    yield part.encode("utf-8", "backslashreplace").decode()
    yield html.escape(part)
    yield html.escape(part, quote=False)


def _encoded(content: bytes) -> Iterator[str]:
    """In base64, wherever in an encoded text it begins, and in hexadecimal digits."""
    from base64 import b64encode, urlsafe_b64encode

    yield content.hex()
    yield content.hex().upper()
    for encode in (b64encode, urlsafe_b64encode):
        whole = encode(content).decode()
        yield whole
        yield whole.rstrip("=")
        for width in (64, 76):
            yield from (
                whole[at : at + width] for at in range(0, len(whole), width) if len(whole) - at >= 2 * LONG_ENOUGH
            )
        for before in range(3):
            # the characters that other bytes have a part in are left out
            inside = encode(b"\0" * before + content).decode()[(before * 8 + 5) // 6 :]
            core = inside[: (len(content) * 8 - (-before * 8) % 6) // 6]
            if len(core) >= 2 * LONG_ENOUGH:
                yield core
