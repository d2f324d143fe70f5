"""``plugbay stack check``: every problem of a stack's configuration and components, and whether its tools answer."""

from __future__ import annotations

import argparse
from typing import Any

from plugbay.cli.reporting import print_error
from plugbay.cli.terminal import say, say_json, stdout_style
from plugbay.cli.wording import counted, duration
from plugbay.errors import PlugbayError
from plugbay.stack import Stack

_WRONG = 2


def check(arguments: argparse.Namespace) -> int:
    """Run the command."""
    problems: list[str] = []
    health: list[dict[str, Any]] = []
    stack = _loaded(arguments.name, problems)
    if stack is not None:
        for component, problem in stack.problems():
            problems.append(f"{component}: {problem.message}" + (f" ({problem.remedy})" if problem.remedy else ""))
        if arguments.live and not problems:
            health = _health(stack, problems)
    if arguments.json:
        say_json({"stack": stack.name if stack else arguments.name, "problems": problems, "health": health})
        return _WRONG if problems else 0
    _say_health(health)
    for text in problems:
        print_error(text)
    if problems:
        return _WRONG
    if stack is not None:
        style = stdout_style()
        say(
            f"{style.status('ok', 'ok')}: stack {stack.name!r}, {counted(len(stack.components), 'component')}, no problems"
        )
    return 0


def _loaded(name: str | None, problems: list[str]) -> Stack | None:
    try:
        return Stack.load(name)
    except PlugbayError as error:
        problems += getattr(error, "problems", None) or [str(error)]
        return None


def _health(stack: Stack, problems: list[str]) -> list[dict[str, Any]]:
    found = []
    try:
        with stack:
            for component in stack.components:
                problems += [f"{component}: {problem}" for problem in stack.secret_problems(component)]
                health = stack.health(component)
                if health is None:
                    continue
                found.append(
                    {
                        "component": component.id,
                        "ok": health.ok,
                        "detail": health.detail,
                        "latency": health.latency,
                    }
                )
                if not health.ok:
                    problems.append(f"{component} does not answer: {health.detail or 'it gave no reason'}")
    except Exception as error:  # noqa: BLE001  a stack that cannot be started is what is being looked for
        notes = "; ".join(getattr(error, "__notes__", ()))
        problems.append(
            f"the stack cannot be started: {type(error).__name__}: {error}" + (f" ({notes})" if notes else "")
        )
    return found


def _say_health(health: list[dict[str, Any]]) -> None:
    style = stdout_style()
    for one in health:
        status = "ok" if one["ok"] else "failed"
        latency = f" in {duration(one['latency'])}" if one["latency"] is not None else ""
        detail = f": {one['detail']}" if one["detail"] else ""
        say(f"{style.status(status, f'{status:<6}')}  {one['component']}{latency}{detail}")
