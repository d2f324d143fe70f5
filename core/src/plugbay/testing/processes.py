"""Call the hooks of a component in other processes: several that begin at once, or one that is killed.

Each process is a fresh interpreter that makes the component from the same settings, as the workers of a run do.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

import attrs
from attrs import frozen

from plugbay.testing.fakes.artifact_store import FakeArtifactStore
from plugbay.testing.hooks import hooks_of, own_store_in
from plugbay_hookspecs import Secret

_SERVE = "from plugbay.testing.processes import serve; serve()"
_READY, _GO = b"r", b"g"


@frozen
class Call:
    """A hook to call, with its arguments."""

    hook: str
    arguments: Mapping[str, Any]


@frozen
class Outcome:
    """What a call did. What an iterator or a file would give is the value, as a list or bytes."""

    value: Any = None
    error: Exception | None = None


def call(hook: str, **arguments: Any) -> Call:
    """Name a hook to call, with its arguments."""
    return Call(hook, arguments)


def at_once(
    component: object, component_type: str, scripts: Sequence[Sequence[Call]], *, artifact_store: object = None
) -> list[list[Outcome]]:
    """Make the calls of each script in a process of its own, all beginning at once; return what each call did.

    :param artifact_store: that of the stack around the component; one in memory where none is given.
    """
    processes: list[subprocess.Popen[bytes]] = []
    store = artifact_store or FakeArtifactStore()
    try:
        for script in scripts:
            processes.append(_started(component, component_type, script, store, endless=False))
        for process in processes:
            _await_ready(process)
        for process in processes:
            _pipe(process.stdin).write(_GO)
            _pipe(process.stdin).flush()
        return [pickle.load(_pipe(process.stdout)) for process in processes]  # noqa: S301 -- written by our own child
    finally:
        for process in processes:
            _end(process)


@contextmanager
def over_and_over(
    component: object, component_type: str, script: Sequence[Call], *, artifact_store: object = None
) -> Iterator[None]:
    """Repeat the calls in another process, which is killed at the end, wherever it is.

    :param artifact_store: that of the stack around the component; one in memory where none is given.
    """
    store = artifact_store or FakeArtifactStore()
    process = _started(component, component_type, script, store, endless=True)
    try:
        _await_ready(process)
        _pipe(process.stdin).write(_GO)
        _pipe(process.stdin).flush()
        yield
        if process.poll() is not None:
            msg = f"the other process ended by itself, with exit status {process.returncode}; its output tells why"
            raise AssertionError(msg)
    finally:
        _end(process)


def serve() -> None:
    """Be one of these processes."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a flavor prints is no answer
    sys.path[:] = pickle.load(requests)  # noqa: S301 -- written by our parent, as all below
    for _ in range(2):
        _import(*pickle.load(requests))  # noqa: S301
    component, store, component_type, script, endless = pickle.load(requests)  # noqa: S301
    hooks = hooks_of(_made(*component), component_type)
    hooks.component_start(store=own_store_in(_made(*store), component_type))
    answers.write(_READY)
    answers.flush()
    requests.read(len(_GO))
    while endless:
        for each in script:
            getattr(hooks, each.hook)(**each.arguments)
    outcomes = [_outcome(hooks, each) for each in script]
    hooks.component_stop()
    pickle.dump(outcomes, answers)
    answers.flush()


def _started(
    component: object, component_type: str, script: Sequence[Call], store: object, *, endless: bool
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
    requests = _pipe(process.stdin)
    pickle.dump(sys.path, requests)
    for each in (component, store):
        pickle.dump((type(each).__module__, inspect.getfile(type(each))), requests)
    pickle.dump((_described(component), _described(store), component_type, list(script), endless), requests)
    requests.flush()
    return process


def _described(component: object) -> tuple[type, dict[str, Any]]:
    return type(component), _sendable(_settings(component))


def _made(flavor: type, settings: dict[str, Any]) -> object:
    return flavor(**_restored(settings))


def _settings(component: object) -> dict[str, Any]:
    fields = attrs.fields(type(component))  # type: ignore[arg-type] # a flavor is an attrs class
    return {field.alias: getattr(component, field.name) for field in fields if field.init}


@frozen
class _Revealed:
    """A secret on its way to a process of ours."""

    text: str
    reference: str | None


def _sendable(value: Any) -> Any:
    if isinstance(value, Secret):
        return _Revealed(value.reveal(), value.reference)
    if isinstance(value, dict):
        return {key: _sendable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_sendable(each) for each in value)
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, _Revealed):
        return Secret(value.text, value.reference)
    if isinstance(value, dict):
        return {key: _restored(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_restored(each) for each in value)
    return value


def _import(module: str, file: str) -> None:
    """Import the flavor's module, from its file where it is one that only pytest can import by name."""
    try:
        importlib.import_module(module)
    except ImportError:
        specification = importlib.util.spec_from_file_location(module, file)
        assert specification is not None
        assert specification.loader is not None
        loaded = importlib.util.module_from_spec(specification)
        sys.modules[module] = loaded
        specification.loader.exec_module(loaded)


def _outcome(hooks: Any, each: Call) -> Outcome:
    try:
        value = getattr(hooks, each.hook)(**each.arguments)
        if hasattr(value, "read"):
            with value as file:
                value = file.read()
        elif isinstance(value, Iterator):
            value = list(value)
    except Exception as error:  # noqa: BLE001 -- the caller judges it
        return Outcome(error=error)
    return Outcome(value=value)


def _await_ready(process: subprocess.Popen[bytes]) -> None:
    if _pipe(process.stdout).read(len(_READY)) != _READY:
        msg = "the component could not be made and started in another process; its output tells why"
        raise AssertionError(msg)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        try:
            _pipe(pipe).close()
        except BrokenPipeError:
            pass
