"""No secret, in any form and however it is cut, is left in a text once it is known."""

from __future__ import annotations

import base64
import html
import json
import traceback
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugbay.execution.failures import error_info, without_secrets
from plugbay.masking import HIDDEN, LONG_ENOUGH, Veil, forget, hide, masked, masked_value

SECRET = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")), min_size=8, max_size=40)
AROUND = st.text(st.sampled_from("ab =:/\n\"'"), max_size=12)
FORMS = {
    "as it is": str,
    "in a URL": lambda text: quote(text, safe=""),
    "in a path": quote,
    "in a query": quote_plus,
    "in JSON": json.dumps,
    "in readable JSON": lambda text: json.dumps(text, ensure_ascii=False),
    "in JSON inside of JSON": lambda text: json.dumps(json.dumps(text)),
    "in repr": repr,
    "in ascii": ascii,
    "in repr of bytes": lambda text: repr(text.encode()),
    "in HTML": html.escape,
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "in hexadecimal digits": lambda text: text.encode().hex(),
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25)
@given(secret=SECRET, before=AROUND, after=AROUND)
def test_a_secret_is_hidden_in_every_form(form: str, secret: str, before: str, after: str) -> None:
    forget()
    hide(secret)
    shown = masked(f"{before}{FORMS[form](secret)}{after}")
    assert FORMS[form](secret) not in shown
    assert HIDDEN in shown


@settings(max_examples=25)
@given(secret=SECRET, before=AROUND, after=AROUND, cuts=st.lists(st.integers(0, 70), max_size=6))
def test_a_secret_is_hidden_wherever_it_is_cut(secret: str, before: str, after: str, cuts: list[int]) -> None:
    forget()
    hide(secret)
    text = f"{before}{secret}{after}".encode()
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    veil = Veil()
    pieces = [veil.masked(text[a:b]) for a, b in zip(places, places[1:], strict=False)]
    shown = b"".join([*pieces, veil.rest()])
    assert secret.encode() not in shown
    assert shown == masked(text.decode()).encode()


@settings(max_examples=25)
@given(user=st.text(st.sampled_from("abcdef:"), max_size=5), secret=st.text(st.sampled_from("ghijk"), min_size=12))
def test_most_of_it_is_hidden_in_base64_that_it_is_a_part_of(user: str, secret: str) -> None:
    forget()
    hide(secret)
    shown = masked(base64.b64encode(f"{user}:{secret}".encode()).decode())
    assert HIDDEN in shown


def test_each_line_of_a_secret_is_hidden() -> None:
    hide("first-line\n  second-line\r\nx\n")
    assert masked("a first-line, b second-line, x") == "a ***, b ***, x"


def test_what_is_short_is_no_secret_inside_of_a_text() -> None:
    hide("abc")
    assert LONG_ENOUGH == 4
    assert masked("abcdef") == "abcdef"


def test_the_longest_of_several_secrets_is_hidden_whole() -> None:
    hide("abcd")
    hide("abcdefgh")
    veil = Veil()
    assert veil.masked(b"abcd") + veil.masked(b"efgh!") == b"***!"


def test_nothing_is_held_back_that_is_no_begin_of_a_secret() -> None:
    hide("token-4711")
    veil = Veil()
    assert veil.masked(b"password: ") == b"password: "
    assert veil.masked(b"tok") == b""
    assert veil.masked(b"yo") == b"tokyo"


def test_plain_values_are_masked_with_their_keys() -> None:
    hide("47114712")
    value = {"a 47114712": [47114712, "x47114712", True, 1.5], "n": None}
    assert masked_value(value) == {"a ***": [HIDDEN, "x***", True, 1.5], "n": None}


class Silent(Exception):
    __slots__ = ("secret",)

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __str__(self) -> str:
        return f"silent {self.secret}"


class Private(Exception):
    def __init__(self, secret: str) -> None:
        self.__parts = tuple(secret)

    def __str__(self) -> str:
        return "".join(self.__parts)


@settings(max_examples=25)
@given(
    secret=SECRET,
    kind=st.sampled_from(["plain", "os", "key", "slots", "private", "group", "attribute"]),
    data=st.data(),
)
def test_no_exception_shows_a_secret_nor_what_it_comes_from(secret: str, kind: str, data: st.DataObject) -> None:
    forget()
    hide(secret)
    error = _made(kind, secret)
    error.add_note(f"note {secret}")
    other = data.draw(st.sampled_from(["plain", "private", "slots", "group"]))
    setattr(error, data.draw(st.sampled_from(["__cause__", "__context__"])), _made(other, secret))
    described = error_info(error)
    assert secret not in described.message + described.traceback
    shown = without_secrets(error)
    text = "".join(traceback.format_exception(shown)) + repr(shown)
    assert secret not in text
    assert repr(secret)[1:-1] not in text


def _made(kind: str, secret: str) -> BaseException:
    match kind:
        case "os":
            return OSError(2, f"no {secret}", f"/{secret}")
        case "key":
            return KeyError(secret)
        case "slots":
            return Silent(secret)
        case "private":
            return Private(secret)
        case "group":
            return ExceptionGroup(f"group {secret}", [ValueError(secret), Private(secret)])
        case "attribute":
            error = ImportError(f"no {secret}", name=secret, path=secret)
            error.detail = {"a": secret}  # type: ignore[attr-defined]
            return error
        case _:
            return ValueError(f"a {secret} b", secret)
