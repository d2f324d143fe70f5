"""The loggers of the standard library: their levels, handlers and filters."""

from __future__ import annotations

import logging
import sys
from typing import Any, TypeAlias

from plugbay.code.project import Project
from plugbay.execution.leftovers.thing import Thing, Things

_State: TypeAlias = tuple[int, tuple[Any, ...], tuple[Any, ...], bool, bool]

_FRESH: _State = (logging.NOTSET, (), (), True, False)


def _state(logger: logging.Logger) -> _State:
    return logger.level, tuple(logger.handlers), tuple(logger.filters), logger.propagate, bool(logger.disabled)


def _loggers() -> tuple[int, dict[logging.Logger, _State]]:
    """The threshold of all, and every logger that is not as it is made."""
    found: dict[logging.Logger, _State] = {logging.root: _state(logging.root)}
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and (state := _state(logger)) != _FRESH:
            found[logger] = state
    return logging.root.manager.disable, found


def _set_loggers(before: tuple[int, dict[logging.Logger, _State]]) -> None:
    logging.disable(before[0])
    now = _loggers()[1]
    for logger in {*now, *before[1]}:
        then = before[1].get(logger, _FRESH)
        if now.get(logger, _FRESH) != then and not (logger not in before[1] and _is_of_a_library(logger)):
            logger.setLevel(then[0])
            logger.handlers[:] = then[1]
            logger.filters[:] = then[2]
            logger.propagate, logger.disabled = then[3:]


def _is_of_a_library(logger: logging.Logger) -> bool:
    """Whether a library has set it up that was imported meanwhile; it does so once."""
    top = logger.name.partition(".")[0]
    return top in sys.modules and not Project.of_module("__main__").owns(top)


LOGGERS = Things(lambda: (_loggers(),), (Thing("loggers", _set_loggers),))
