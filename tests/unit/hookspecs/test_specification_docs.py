"""Every hook says when and where it is called, and shows a whole plugin that works as it stands."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from importlib import import_module
from types import FunctionType, ModuleType

import attrs
import pluggy
import pytest

from plugbay_hookspecs.catalogue import COMPONENT_TYPES, SHARED_SPECIFICATIONS, ComponentType
from plugbay_hookspecs.markers import PROJECT, is_required

MODULES = [
    import_module(name) for name in (*(kind.specification for kind in COMPONENT_TYPES.values()), *SHARED_SPECIFICATIONS)
]

ALL_ARE_CALLED = {
    "component_validate",
    "run_prepare",
    "run_started",
    "run_finished",
    "step_queued",
    "step_started",
    "step_cached",
    "step_retrying",
    "step_skipped",
    "step_succeeded",
    "step_failed",
    "step_cancelled",
    "step_enter",
    "step_leave",
    "step_metadata",
    "artifact_saved",
    "artifact_loaded",
    "log_metrics",
    "log_params",
    "serializers",
    "cli_commands",
    "experiment_tracker_start",
    "experiment_tracker_end",
    "experiment_tracker_log_params",
    "experiment_tracker_log_metrics",
    "experiment_tracker_log_artifact",
    "experiment_tracker_set_tags",
    "experiment_tracker_url",
    "alerter_post",
}
"""The hooks that every plugin answers that implements them; each of the others is addressed to one component."""

CODE_BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)", re.MULTILINE)
A_PROCESS = re.compile(r"\bdriver\b|\bprocess\b|\bCalled by ``plugbay ")
"""A command that calls the hook is a process, too."""


def _host() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    for module in MODULES:
        manager.add_hookspecs(module)
    return manager


def _hooks() -> list[FunctionType]:
    host = _host()
    return [
        function
        for module in MODULES
        for name, function in vars(module).items()
        if isinstance(function, FunctionType) and host.parse_hookspec_opts(module, name) is not None
    ]


HOOKS = _hooks()
every_hook = pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)


def _documentation(hook: FunctionType) -> str:
    return f"{inspect.getdoc(hook) or ''}\n"


def _example(hook: FunctionType) -> str:
    (code,) = CODE_BLOCK.findall(_documentation(hook))
    return textwrap.dedent(code)


def _execute(source: str, name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(source, f"<{name}>", "exec", dont_inherit=True), vars(module))
    return module


def test_a_hook_name_is_specified_once() -> None:
    """Hooks of all modules share one namespace in the host."""
    names = [hook.__name__ for hook in HOOKS]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_function_of_a_specification_module_is_a_hook(module: ModuleType) -> None:
    """A function whose marker was forgotten would be specified nowhere."""
    functions = {
        function
        for name, function in vars(module).items()
        if isinstance(function, FunctionType) and function.__module__ == module.__name__ and not name.startswith("_")
    }
    assert functions
    assert functions <= set(HOOKS)


@pytest.mark.parametrize("kind", COMPONENT_TYPES.values(), ids=lambda kind: kind.name)
def test_the_hooks_of_a_component_type_bear_its_name_and_at_least_one_is_required(kind: ComponentType) -> None:
    """A flavor that implements nothing of its type is none."""
    hooks = [hook for hook in HOOKS if hook.__module__ == kind.specification]
    assert all(hook.__name__.startswith(f"{kind.name}_") for hook in hooks)
    assert any(is_required(hook) for hook in hooks)


@every_hook
def test_a_docstring_begins_with_an_imperative_sentence(hook: FunctionType) -> None:
    """The first line tells a plugin what to do: ``Tell ...``, not ``Tells ...``."""
    first, *rest = _documentation(hook).splitlines()
    assert re.fullmatch(r"[A-Z][a-z]*(?<!s)(?<!ing)\b.*\.", first)
    assert rest[0] == ""


@every_hook
def test_a_docstring_says_when_and_in_which_process_the_hook_is_called(hook: FunctionType) -> None:
    """A plugin's author must know what is at hand: the driver, or the process that executes a step."""
    prose = CODE_BLOCK.sub("", _documentation(hook))
    assert re.search(r"^Called ", prose, re.MULTILINE)
    assert A_PROCESS.search(" ".join(prose.split()))


@every_hook
def test_a_docstring_says_since_when_the_hook_exists(hook: FunctionType) -> None:
    """The last line is the version."""
    assert re.search(r"^\.\. versionadded:: \d+\.\d+\n\Z", _documentation(hook), re.MULTILINE)


@every_hook
def test_documented_parameters_exist(hook: FunctionType) -> None:
    """A renamed parameter takes its documentation along."""
    documented = re.findall(r"^:param (\w+):", _documentation(hook), re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) <= inspect.signature(hook).parameters.keys()


@every_hook
def test_a_result_is_documented(hook: FunctionType) -> None:
    """What is returned is described, or at least what ``None`` means."""
    prose = CODE_BLOCK.sub("", _documentation(hook))
    if inspect.signature(hook).return_annotation not in {None, "None"}:
        assert re.search(r"^:returns: \S", prose, re.MULTILINE) or "``None``" in prose


@every_hook
def test_a_docstring_shows_one_plugin_before_the_version(hook: FunctionType) -> None:
    """One example is enough, and it must be one that the next test finds."""
    documentation = _documentation(hook)
    assert documentation.count(".. code-block::") == 1
    assert len(CODE_BLOCK.findall(documentation)) == 1
    assert documentation.index(".. code-block::") < documentation.index(".. versionadded::")


@every_hook
def test_the_plugin_in_a_docstring_implements_the_hook(hook: FunctionType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example is executed as a module of its own and registered like any plugin."""
    module = _execute(_example(hook), f"plugbay_example_{hook.__name__}", monkeypatch)
    (flavor,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__ and attrs.has(value)
    )
    assert flavor.__doc__
    plugin = flavor()
    host = _host()
    host.register(plugin)
    host.check_pending()
    callers = host.get_hookcallers(plugin)
    assert callers is not None
    assert hook.__name__ in {caller.name for caller in callers}


@every_hook
def test_no_argument_has_a_default(hook: FunctionType) -> None:
    """The host passes every argument; a default would only hide one that it forgot."""
    assert all(
        parameter.default is inspect.Parameter.empty for parameter in inspect.signature(hook).parameters.values()
    )


def test_one_component_is_asked_unless_all_are() -> None:
    """A hook that is addressed to one component ends with the first result."""
    host = _host()
    all_are_called = set()
    for hook in HOOKS:
        options = host.parse_hookspec_opts(sys.modules[hook.__module__], hook.__name__)
        assert options is not None
        if not options["firstresult"]:
            all_are_called.add(hook.__name__)
    assert all_are_called == ALL_ARE_CALLED
