"""Whether a plugin was made for the hook specifications that are installed, told from its metadata before import."""

from __future__ import annotations

import re
from collections.abc import Iterable

import plugbay_hookspecs

_CONTRACT = "plugbay-hookspecs"
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^]]*])?\s*\(?([^;)]*)\)?")
_CLAUSE = re.compile(r"(~=|==|!=|<=|>=|<|>)\s*([0-9]+(?:\.[0-9]+)*)(\.\*)?")


def incompatibility(requirements: Iterable[str], installed: str = plugbay_hookspecs.__version__) -> str | None:
    """Return why a distribution with these requirements does not fit, or ``None`` when it does.

    Only the clauses on plugbay-hookspecs are looked at, by the release numbers; anything else is left to the installer,
    and so is what holds only for an extra or an environment.
    """
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement.strip())
        if match is None or ";" in requirement or re.sub(r"[-_.]+", "-", match[1]).lower() != _CONTRACT:
            continue
        clauses = match[2].strip()
        if not all(_fits(_release(installed), *clause) for clause in _CLAUSE.findall(clauses)):
            return f"requires {_CONTRACT} {clauses}, and {installed} is installed"
    return None


def _release(version: str) -> tuple[int, ...]:
    numbers = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    return tuple(int(number) for number in numbers[0].split(".")) if numbers else ()


def _fits(installed: tuple[int, ...], operator: str, version: str, wildcard: str) -> bool:
    wanted = _release(version)
    width = max(len(installed), len(wanted))
    have, want = (release + (0,) * (width - len(release)) for release in (installed, wanted))
    if wildcard:
        same = installed[: len(wanted)] == wanted
        return same if operator == "==" else not same
    if operator == "~=":
        return have >= want and installed[: len(wanted) - 1] == wanted[:-1]
    return {
        "==": have == want,
        "!=": have != want,
        "<=": have <= want,
        ">=": have >= want,
        "<": have < want,
        ">": have > want,
    }[operator]
