"""Errors of the client library as the errors that the hooks promise, without a secret in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from plugbay_objectstore.place import Place

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_NO_PLACE = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist", "ResourceNotFound")
_QUERY = re.compile(r"\?[^\s,)>\"']+")
_RETRIED = re.compile(r"after \d+ retr")


@contextmanager
def translated(place: Place, key: str = "") -> Iterator[None]:
    """Raise what the body raises as ``FileNotFoundError`` or another ``OSError`` that says what was refused and where.

    The library's own error is not chained to it: it quotes requests, whose addresses may be signed.
    """
    from obstore import exceptions

    try:
        yield
    except FileNotFoundError as error:
        if is_about_the_place(error):
            raise OSError(no_such_place(place)) from None
        raise FileNotFoundError(2, "there is no such object", key) from None
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise OSError(_refused(place, str(error))) from None
    except exceptions.BaseError as error:
        raise OSError(_described(place, str(error))) from None


def is_about_the_place(error: Exception) -> bool:
    """Whether it is the bucket that is not there, and not an object."""
    return any(word in str(error) for word in _NO_PLACE)


def is_beyond_the_end(error: Exception) -> bool:
    """Whether the range that was asked for begins behind the object's last byte."""
    text = str(error)
    return "status code: 416" in text or "InvalidRange" in text or "wanted range starting at" in text.lower()


def was_repeated(error: Exception) -> bool:
    """Whether the library sent the request more than once before it gave up, so that an earlier one may have arrived."""
    return _RETRIED.search(str(error)) is not None


def is_answered(error: Exception) -> bool:
    """Whether the server answered with a refusal of its own, so that nothing was done."""
    found = _STATUS.search(str(error))
    return found is not None and found[1].startswith("4")


def no_such_place(place: Place) -> str:
    """What to say when the bucket is not there."""
    return f"there is no {place}; create it, or correct the name or the endpoint"


def _refused(place: Place, text: str) -> str:
    answer = _answer(text)
    return f"{place}: the credentials were refused{answer and f' ({answer})'}; check them, and that they may read, write, list and delete"


def _described(place: Place, text: str) -> str:
    answer = _answer(text)
    if answer.startswith(("401", "403")):
        return _refused(place, text)
    if any(word in text for word in _NO_PLACE):
        return no_such_place(place)
    if answer:
        return f"{place}: the server answered {answer}"
    if "HTTP error" in text or "error sending request" in text:
        return (
            f"{place}: the server cannot be reached ({_last_clause(text, place)}); check the endpoint and the network"
        )
    return f"{place}: {_scrubbed(text.partition(chr(10))[0], place)}"


def _answer(text: str) -> str:
    """The status and the code that the server gave; empty without an answer."""
    status, code = _STATUS.search(text), _CODE.search(text)
    return " ".join(found[1] for found in (status, code) if found is not None)


def _last_clause(text: str, place: Place) -> str:
    first = text.partition("\n")[0]
    return _scrubbed(first.rpartition("HTTP error: ")[2] or first, place)


def _scrubbed(text: str, place: Place) -> str:
    for secret in place.secrets:
        text = text.replace(secret, "***")
    return _QUERY.sub("?...", text)
