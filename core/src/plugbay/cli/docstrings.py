"""A docstring as a person reads it in a terminal: without markup, wrapped to the width."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from plugbay.cli.terminal import Style

_BLOCK = re.compile(r"\n{2,}(?![ \n])")  # what is indented belongs to the block before
_FIELD = re.compile(r":(?P<kind>\w+) ?(?P<name>[\w.*]*):\s*(?P<text>.*)", re.DOTALL)
_ROLE = re.compile(r":[a-z]+:`~?([^`]+)`")
_DIRECTIVE = re.compile(r"\.\. ([\w-]+):: ?(.*)")
_BULLET = re.compile(r"[-*] ")
_HEADINGS = {"param": "Arguments", "returns": "Returns", "return": "Returns", "raises": "Raises", "yields": "Yields"}
_INDENT = "    "
_NARROWEST = 16


def plain(text: str) -> str:
    """A sentence without markup, in one line."""
    return _ROLE.sub(r"\1", " ".join(text.split())).replace("`", "")


def wrapped(text: str, width: int, indent: str = "", rest: str | None = None) -> str:
    """A text in lines of at most ``width`` columns; a word that is longer stays in one piece.

    :param rest: the indentation of the second and later lines; that of the first by default.
    """
    return textwrap.fill(
        text,
        max(width, len(indent) + _NARROWEST),
        initial_indent=indent,
        subsequent_indent=indent if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def rendered(docstring: str, width: int, style: Style) -> str:
    """The whole docstring: paragraphs, its arguments and results, code."""
    return "\n\n".join(part for block in _BLOCK.split(docstring.strip()) for part in _rendered(block, width, style))


def _rendered(block: str, width: int, style: Style) -> Iterator[str]:
    directive = _DIRECTIVE.match(block)
    if directive is not None:
        yield _directive(directive, block.partition("\n")[2], width, style)
    elif _FIELD.match(block):
        yield from _fields(re.split(r"\n(?=:)", block), width, style)
    elif _BULLET.match(block):
        yield "\n".join(wrapped(plain(item), width, "  ", _INDENT) for item in re.split(r"\n(?=[-*] )", block))
    else:
        yield wrapped(plain(block), width)


def _directive(found: re.Match[str], body: str, width: int, style: Style) -> str:
    kind, argument = found.groups()
    text = textwrap.dedent(body).strip("\n")
    if kind == "code-block":
        lines = textwrap.indent(text, _INDENT).split("\n")
        return "\n".join(style.dim(line) for line in lines)
    if kind == "versionadded":
        return style.dim(f"New in {argument.strip()}.")
    return wrapped(plain(f"{kind}: {argument} {text}"), width)


def _fields(fields: list[str], width: int, style: Style) -> Iterator[str]:
    """Each group of fields below its heading."""
    groups: dict[str, list[str]] = {}
    for found in filter(None, map(_FIELD.fullmatch, fields)):
        heading = _HEADINGS.get(found["kind"], found["kind"].capitalize())
        name = f"{found['name']}: " if found["name"] else ""
        hanging = _INDENT * 2 if name else _INDENT
        groups.setdefault(heading, []).append(wrapped(name + plain(found["text"]), width, _INDENT, hanging))
    for heading, lines in groups.items():
        yield "\n".join((style.bold(heading), *lines))
