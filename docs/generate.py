"""Write docs/reference/ from the code: ``python docs/generate.py``; with ``--check`` only tell whether it is up to date."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import os
import re
import sys
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from plugbay.cli.commands import COMMANDS, module_of, overview
from plugbay.cli.parsing import Parser, add_verbose
from plugbay.host.specifications import Specification, specification_modules, specifications
from plugbay_hookspecs.catalogue import COMPONENT_TYPES, OBSERVER_GROUP

DOCS = Path(__file__).resolve().parent
REFERENCE = DOCS / "reference"
PLUGINS = DOCS.parent / "plugins"
WIDTH = "80"
"""Columns of a command's help, whatever the terminal."""

_FIELD = re.compile(r":(param|returns|raises)\s*([\w.]*):\s*(.*)", re.DOTALL)
_ROLE = re.compile(r":(?:func|meth|class|data|mod|attr):`~?([^`]+)`")


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or with ``--check`` name those that are out of date; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is out of date")
    check = parser.parse_args(arguments).check
    outdated = {page: text for page, text in pages().items() if not _is(page, text)}
    for page, text in outdated.items():
        if check:
            sys.stderr.write(f"{page.relative_to(DOCS)} is out of date; run: python docs/generate.py\n")
        else:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text, encoding="utf-8")
    return 1 if check and outdated else 0


def pages() -> Mapping[Path, str]:
    """Each page of the reference and its text."""
    return {
        REFERENCE / "hooks.md": hooks_page(),
        REFERENCE / "config.md": config_page(),
        REFERENCE / "cli.md": cli_page(),
    }


def _is(page: Path, text: str) -> bool:
    return page.is_file() and page.read_text(encoding="utf-8") == text


def _page(title: str, source: str, *parts: str) -> str:
    note = f"<!-- Written by docs/generate.py from {source}. -->"
    return "\n\n".join((f"# {title}", note, *(part.strip("\n") for part in parts))) + "\n"


# -- hooks -------------------------------------------------------------------------------------------------------------


def hooks_page() -> str:
    """Every hook with its signature, what its specification says, and its example."""
    modules = {module.__name__: module for module in specification_modules()}
    components = [modules.pop(kind.specification) for kind in COMPONENT_TYPES.values()]
    intro = (
        "A plugin implements a hook by a method of the hook's name, marked with `@hookimpl`. It takes those of the hook's "
        "arguments that it needs, by their names.\n\n"
        "*One*: the hook is addressed to one component, and `None` is no answer. *All*: every component and observer of the "
        "stack that implements it is called, in stack order. *Required*: a flavor of that component type must implement it."
    )
    return _page("Hooks", "the hook specifications", intro, *map(_module, (*components, *modules.values())))


def _module(module: ModuleType) -> str:
    hooks = [found for found in specifications().values() if found.module == module.__name__]
    rows = (
        (f"[`{hook.name}`](#{hook.name})", "one" if hook.first_result else "all", "yes" if hook.required else "")
        for hook in hooks
    )
    table = _table(("hook", "kind", "required"), rows)
    title = module.__name__.rpartition(".")[2]
    return "\n\n".join((f"## {title}", markdown(inspect.getdoc(module) or ""), table, *map(_hook, hooks)))


def _hook(hook: Specification) -> str:
    return f"### {hook.name}\n\n{_code(_signature(hook))}\n\n{markdown(inspect.getdoc(hook.function) or '')}"


def _signature(hook: Specification) -> str:
    signature = inspect.signature(hook.function)
    given = [f"{name}: {parameter.annotation}" for name, parameter in signature.parameters.items()]
    result = f" -> {signature.return_annotation}"
    line = f"def {hook.name}({', '.join(['self', *given])}){result}"
    if len(line) <= 100:
        return line
    return "\n".join((f"def {hook.name}(", "    self,", *(f"    {part}," for part in given), f"){result}"))


def markdown(docstring: str) -> str:
    """A docstring in the few constructs of reStructuredText that the specifications use, as Markdown."""
    return "\n\n".join(_blocks(docstring))


def _blocks(docstring: str) -> Iterator[str]:
    for block in re.split(r"\n{2,}(?![ \n])", docstring):  # what is indented belongs to the block before
        if block.startswith(".. code-block:: python"):
            yield _code(textwrap.dedent(block.partition("\n")[2]).strip("\n"))
        elif block.startswith(".. versionadded:: "):
            yield f"*New in {block.removeprefix('.. versionadded:: ').strip()}.*"
        elif block.startswith(":"):
            yield "\n".join(map(_field, re.split(r"\n(?=:)", block)))
        else:
            yield _text(block)


def _field(text: str) -> str:
    match = _FIELD.fullmatch(text)
    if match is None:
        return _text(text)
    kind, name, meaning = match.groups()
    label = "returns" if kind == "returns" else f"raises `{name}`" if kind == "raises" else f"`{name}`"
    return f"- {label}: {_text(meaning)}"


def _text(text: str) -> str:
    line = " ".join(text.split())
    return _ROLE.sub(lambda match: f"`{match[1]}`", line).replace("``", "`")


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = (heads, ("---",) * len(heads), *(tuple(cell.replace("|", r"\|") for cell in row) for row in rows))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


# -- settings ----------------------------------------------------------------------------------------------------------


def config_page() -> str:
    """The settings of the flavors that this repository's plugins bring."""
    intro = (
        "A component's settings stand in its table, beside `flavor`; those of an observer in `[observers.NAME]`. "
        "See [the guide](../guide/stacks.md)."
    )
    return _page("Settings", "the flavors' classes", intro, *(_flavor(*found) for found in _flavors()))


def _flavors() -> Iterator[tuple[str, str, str, type]]:
    """Component type, name, distribution and class of every flavor, as the distributions declare them."""
    for file in sorted(PLUGINS.glob("*/pyproject.toml")):
        # Installed or not: a flavor's module needs nothing of the tool that it is for.
        sys.path.append(str(file.parent / "src"))
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        for group, points in sorted(project.get("entry-points", {}).items()):
            kind = "observer" if group == OBSERVER_GROUP else group.removeprefix(f"{OBSERVER_GROUP}.")
            if kind == "observer" or kind in COMPONENT_TYPES:
                for name, value in points.items():
                    module, _, qualname = value.partition(":")
                    yield kind, name, project["name"], getattr(importlib.import_module(module), qualname)


def _flavor(kind: str, name: str, distribution: str, flavor: type) -> str:
    meanings = _attribute_docstrings(flavor)
    rows = (
        (f"`{field.alias}`", f"`{_type(field)}`", _default(field), _text(meanings.get(field.name, "")))
        for field in attrs.fields(flavor)
        if field.init
    )
    table = _table(("setting", "type", "default", "meaning"), rows)
    about = markdown(inspect.getdoc(flavor) or "")
    return f"## {kind.replace('_', ' ')} `{name}`\n\n{about} From `{distribution}`.\n\n{table}"


def _attribute_docstrings(kind: type) -> dict[str, str]:
    """The text below each annotated attribute of a class and of those it is made from."""
    found = {}
    for base in kind.__bases__:
        if attrs.has(base):
            found |= _attribute_docstrings(base)
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        text = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else None
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, str):
            found[field.target.id] = text
    return found


def _type(field: attrs.Attribute[Any]) -> str:
    declared: object = field.type
    hint = declared if isinstance(declared, str) else inspect.formatannotation(declared)
    return re.sub(r"\b(?:typing|pathlib(?:\._local)?|plugbay_hookspecs\.secret)\.", "", hint)


def _default(field: attrs.Attribute[Any]) -> str:
    if field.default is attrs.NOTHING:
        return "required"
    if isinstance(field.default, attrs.Factory):
        return ""
    plain = isinstance(field.default, (str, int, float, bool))
    return "" if field.default is None else f"`{str(field.default).lower()}`" if plain else f"`{field.default}`"


# -- the command line --------------------------------------------------------------------------------------------------


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Writes ``-p, --param NAME`` under every Python, as 3.13 does; before, the metavar stood behind each."""

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


class _Parser(Parser):
    """A command's parser, and those of its subcommands, with help that is the same everywhere."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **{**options, "formatter_class": _Formatter})


def cli_page() -> str:
    """The help of ``plugbay`` and of each of its commands."""
    os.environ["COLUMNS"] = WIDTH  # where argparse looks
    parts = [_console(overview())]
    for name in COMMANDS:
        module = importlib.import_module(module_of(name))
        parser = _Parser(prog=f"plugbay {name}", description=module.__doc__)
        module.add_arguments(parser)
        add_verbose(parser)
        parts += [f"## plugbay {name}", _console(parser.format_help())]
        for subcommand in _subcommands(parser):
            parts += [f"### {subcommand.prog}", _console(subcommand.format_help())]
    return _page("The command line", "each command's --help", *parts)


def _subcommands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def _console(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"


if __name__ == "__main__":
    sys.exit(main())
