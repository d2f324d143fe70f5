"""List the hooks that plugins implement, or print the specification of one."""

from __future__ import annotations

import argparse
from itertools import groupby
from typing import TYPE_CHECKING, Any

from plugbay.cli.docstrings import plain, rendered, wrapped
from plugbay.cli.parsing import add_json
from plugbay.cli.terminal import cut, room, say, say_json, stdout_style
from plugbay.cli.wording import first_line

if TYPE_CHECKING:
    from plugbay.host.specifications import Specification

_PAIRS = frozenset({"component_start", "component_stop", "step_enter", "step_leave"})
_WIDEST = 100
"""Columns of prose; longer lines are hard to read."""
_NARROWEST = 24
"""Columns in which a summary is worth reading beside a hook's name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("which", nargs="?", metavar="TYPE|HOOK", help="a component type, lifecycle, run, serializer, cli, or a hook")  # fmt: skip
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.errors import NotFoundError, did_you_mean, listed
    from plugbay.host.specifications import specifications

    known = specifications()
    subjects = list(dict.fromkeys(specification.subject for specification in known.values()))
    which = arguments.which
    if which is not None and which not in known and which not in subjects:
        near = did_you_mean(which, [*known, *subjects])
        msg = f"there is no hook or subject {which!r}{near} (subjects: {listed(subjects)})"
        raise NotFoundError(msg)
    found = [s for s in known.values() if which in (None, s.name, s.subject)]
    if arguments.json:
        say_json([_tree(specification) for specification in found])
    elif which in known:
        _say_whole(known[which])
    elif which is not None:
        _say_subject(found)
    else:
        _say_list(found)
    return 0


def kind_of(specification: Specification) -> str:
    """``one``: the first answer counts; ``all``: everybody is called; ``pair``: left for all that were entered."""
    if specification.name in _PAIRS:
        return "pair"
    return "one" if specification.first_result else "all"


def _tree(specification: Specification) -> dict[str, Any]:
    return {
        "name": specification.name,
        "subject": specification.subject,
        "arguments": list(specification.arguments),
        "kind": "one" if specification.first_result else "all",
        "required": specification.required,
        "doc": _doc(specification),
    }


def _doc(specification: Specification) -> str:
    import inspect

    return inspect.getdoc(specification.function) or ""


def _summary(specification: Specification) -> str:
    """The first line of the docstring without its markup."""
    return plain(first_line(_doc(specification)))


def _signature(specification: Specification, width: int) -> str:
    """As it is written in Python, with an argument a line where one line is too narrow."""
    import inspect

    signature = inspect.signature(specification.function)
    result = f") -> {signature.return_annotation}".replace("'", "")
    given = [str(parameter).replace("'", "") for parameter in signature.parameters.values()]
    line = f"({', '.join(given)}{result}"
    if not given or len(specification.name) + len(line) <= width:
        return line
    return "\n".join(("(", *(f"    {each}," for each in given), result))


def _how(specification: Specification) -> str:
    how = {
        "one": "one component is asked; None is no answer",
        "all": "every plugin is called that implements it",
        "pair": "entered in stack order, left in reverse order for all that were entered",
    }[kind_of(specification)]
    return f"{how}; required: every flavor of the type must implement it" if specification.required else how


def _columns() -> int:
    """The width of prose; without a terminal what COLUMNS says, or 80."""
    import shutil

    return min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)


def _say_list(found: list[Specification]) -> None:
    style = stdout_style()
    for subject, specifications in groupby(found, key=lambda specification: specification.subject):
        say(style.bold(subject))
        rows = [(each.name, _kinds(each), _summary(each)) for each in specifications]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        left = room() - sum(widths) - 6
        for name, kinds, summary in rows:
            if left >= _NARROWEST:
                say(f"  {name:<{widths[0]}}  {kinds:<{widths[1]}}  {cut(summary, left)}")
            else:
                say(f"  {name}")
                say(style.dim(f"    {kinds}"))
                say(wrapped(summary, _columns(), "    "))
    say(style.dim(wrapped("those of a component type with their arguments: plugbay hooks TYPE", _columns())))
    say(style.dim(wrapped("the whole specification of one: plugbay hooks HOOK", _columns())))


def _kinds(specification: Specification) -> str:
    return f"{kind_of(specification)}, required" if specification.required else kind_of(specification)


def _say_subject(found: list[Specification]) -> None:
    import importlib
    import inspect

    style, width = stdout_style(), _columns()
    about = inspect.getdoc(importlib.import_module(found[0].module)) or ""
    say(wrapped(plain(first_line(about)), width))
    for specification in found:
        say(f"\n{style.bold(specification.name)}{_signature(specification, width)}")
        say(style.dim(f"    {_kinds(specification)}"))
        say(wrapped(_summary(specification), width, "    "))
    say()
    say(style.dim(wrapped("the whole specification of one: plugbay hooks HOOK", width)))


def _say_whole(specification: Specification) -> None:
    style, width = stdout_style(), _columns()
    say(f"{style.bold(specification.name)}{_signature(specification, width)}")
    say(style.dim(wrapped(_how(specification), width)))
    say(style.dim(f"{specification.module}"))
    say(f"\n{rendered(_doc(specification), width, style)}")
