"""List the hooks that plugins implement, or print the specification of one."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from plugbay.cli.parsing import add_json
from plugbay.cli.terminal import cut, room, say, say_json, stdout_style
from plugbay.cli.wording import first_line

if TYPE_CHECKING:
    from plugbay.host.specifications import Specification


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("which", nargs="?", metavar="SUBJECT|HOOK", help="a component type, lifecycle, run, ..., or a hook")  # fmt: skip
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
    else:
        _say_list(found)
    return 0


def kind_of(specification: Specification) -> str:
    """``one``: the first answer counts; ``all``: everybody is called; ``required``: one that no flavor can do without."""
    return "required" if specification.required else "one" if specification.first_result else "all"


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
    return re.sub(r":\w+:|`", "", first_line(_doc(specification)))


def _say_list(found: list[Specification]) -> None:
    style = stdout_style()
    width = max(len(specification.name) for specification in found)
    subject = None
    for specification in found:
        if specification.subject != subject:
            subject = specification.subject
            say(style.bold(subject))
        start = f"  {specification.name:<{width}}  {kind_of(specification):<8}  "
        say(start + cut(_summary(specification), max(room() - len(start), 20)))
    say(style.dim("the whole specification of one: plugbay hooks HOOK"))


def _say_whole(specification: Specification) -> None:
    import inspect

    style = stdout_style()
    signature = str(inspect.signature(specification.function)).replace("'", "")
    how = "the first answer that is not None counts" if specification.first_result else "every plugin is called"
    if specification.required:
        how += "; every flavor of the type must implement it"
    say(f"{style.bold(specification.name)}{signature}")
    say(style.dim(f"{specification.module}: {how}"))
    say(f"\n{_doc(specification)}")
