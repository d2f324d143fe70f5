"""What modules of the standard library, and the most common one beyond it, keep for a process or a thread."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

from plugbay.execution.leftovers.thing import Thing, Things


def _options_of_pandas(module: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    pending = [("", module._global_config)]
    while pending:
        above, options = pending.pop()
        for name, value in options.items():
            if type(value) is dict:
                pending.append((f"{above}{name}.", value))
            else:
                found[above + name] = value
    return found


def _set_options_of_pandas(module: Any, before: dict[str, Any] | None) -> None:
    if before is None:
        before = {key: option.defval for key, option in module._registered_options.items()}
    now = _options_of_pandas(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of the options are deprecated
        for key, value in before.items():
            if now.get(key) != value:
                module.set_option(key, value)


def _options_of_matplotlib(module: Any, name: str = "rcParams") -> dict[str, Any]:
    found: dict[str, Any] = dict(dict.items(getattr(module, name)))  # its own way of giving them takes milliseconds
    found.pop("backend", None)  # it is chosen when the first figure is drawn
    return found


def _set_logging(module: Any, before: tuple[bool, Any] | None) -> None:
    module.raiseExceptions, kind = before or (True, module.Logger)
    module.setLoggerClass(kind)


_MODULES: tuple[tuple[str, Callable[[Any], Any], Callable[[Any, Any], object], str], ...] = (
    ("socket", lambda m: m.getdefaulttimeout(), lambda m, v: m.setdefaulttimeout(v), "the timeout of sockets"),
    ("csv", lambda m: m.field_size_limit(), lambda m, v: m.field_size_limit(v or 131072), "the longest field of csv"),
    (
        "multiprocessing",
        lambda m: m.get_start_method(allow_none=True),
        lambda m, v: m.set_start_method(v, force=True),
        "the start method of processes",
    ),
    ("tempfile", lambda m: m.tempdir, lambda m, v: setattr(m, "tempdir", v), "tempfile.tempdir"),
    (
        "ssl",
        lambda m: m._create_default_https_context,
        lambda m, v: setattr(m, "_create_default_https_context", v or m.create_default_context),
        "how certificates are verified",
    ),
    ("urllib.request", lambda m: m._opener, lambda m, v: setattr(m, "_opener", v), "the opener of urllib"),
    (
        "asyncio.events",
        lambda m: m._event_loop_policy,
        lambda m, v: setattr(m, "_event_loop_policy", v),
        "the policy of event loops",
    ),
    ("logging", lambda m: (m.raiseExceptions, m.getLoggerClass()), _set_logging, "the class of loggers"),
    ("pandas._config.config", _options_of_pandas, _set_options_of_pandas, "the options of pandas"),
    (
        "matplotlib",
        _options_of_matplotlib,
        lambda m, v: dict.update(m.rcParams, _options_of_matplotlib(m, "rcParamsOrig") if v is None else v),
        "the settings of matplotlib",
    ),
)
"""By module: how to read, and how to put back; with ``None`` to what it is when the module is imported."""


def _read() -> tuple[Any, ...]:
    modules = sys.modules
    found = [read(modules[name]) if name in modules else None for name, read, _, _ in _MODULES]
    return (*found, _seed(modules.get("random")), _numpy_seed(modules.get("numpy.random")))


class _Seed:
    """What a source of random numbers is to go on from after the step, drawn from it before.

    So neither does a step that seeds it make the next one predictable, nor do two steps get the same numbers, and a seed
    of the program counts for all steps. No two are equal: to compare states takes longer than to seed.
    """

    __slots__ = ("number",)

    def __init__(self, number: Any) -> None:
        self.number = number


def _seed(module: Any) -> _Seed:
    return _Seed(None if module is None else module.getrandbits(64))


def _numpy_seed(module: Any) -> _Seed | None:
    return _Seed(module.randint(0, 2**32, size=4, dtype="uint32")) if hasattr(module, "randint") else None


def _go_on(name: str) -> Callable[[_Seed | None], None]:
    def go_on(before: _Seed | None) -> None:
        module: Any = sys.modules.get(name)
        if hasattr(module, "seed"):
            module.seed(None if before is None else before.number)  # by the system, when it was imported meanwhile

    return go_on


def _put_back(name: str, put_back: Callable[[Any, Any], object]) -> Callable[[Any], object]:
    return lambda before: put_back(sys.modules[name], before)


def _read_thread() -> tuple[Any, ...]:
    numpy: Any = sys.modules.get("numpy")
    printing = numpy.get_printoptions() if hasattr(numpy, "get_printoptions") else None
    return _decimal(), numpy.geterr() if printing is not None else None, printing


def _decimal() -> Any:
    module = sys.modules.get("decimal")
    if module is None:  # a context that the step makes is its own
        return None
    return [
        (c.prec, c.rounding, c.Emin, c.Emax, c.capitals, c.clamp, dict(c.traps))
        for c in (module.getcontext(), module.DefaultContext)
    ]


def _set_decimal(before: Any) -> None:
    module: Any = sys.modules["decimal"]
    for context, then in zip((module.getcontext(), module.DefaultContext), before or (), strict=before is not None):
        context.prec, context.rounding, context.Emin, context.Emax, context.capitals, context.clamp = then[:-1]
        context.traps.update(then[-1])


def _set_numpy_errors(before: dict[str, str] | None) -> None:
    at_first = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
    numpy: Any = sys.modules["numpy"]
    numpy.seterr(**(before or at_first))


def _set_numpy_printing(before: dict[str, Any] | None) -> None:
    numpy: Any = sys.modules["numpy"]
    if before is not None:
        numpy.set_printoptions(**before)


LIBRARIES = Things(
    _read,
    (
        *[Thing(called, _put_back(name, put_back)) for name, _, put_back, called in _MODULES],
        Thing("the random numbers of the module random", _go_on("random")),
        Thing("the random numbers of numpy.random", _go_on("numpy.random")),
    ),
)
OF_THE_THREAD = Things(
    _read_thread,
    (
        Thing("the context of decimal numbers", _set_decimal),
        Thing("the error state of numpy", _set_numpy_errors),
        Thing("the print options of numpy", _set_numpy_printing),
    ),
)
"""What is not shared with other threads."""
