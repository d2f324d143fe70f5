"""Fixtures for the tests of plugins: ``pytest_plugins = ["plugbay.testing.fixtures"]`` in the topmost ``conftest.py``.

.. code-block:: python

    def test_my_alerter_is_told_of_a_failure(make_stack, hook_recorder):
        stack = make_stack(alerter=Mine())
        with pytest.raises(RunFailed):
            failing.run(stack=stack)
        assert hook_recorder.only("alerter_post").error is None
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from plugbay.stack import Stack
from plugbay.testing.recorder import HookRecorder, Listening
from plugbay.testing.stacks import build_stack


@pytest.fixture
def plugbay_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own: no configuration, store or variable of the machine's user is read or written."""
    for name in [name for name in os.environ if name.startswith("PLUGBAY_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "plugbay-home"
    monkeypatch.setenv("PLUGBAY_HOME", str(home))
    return home


@pytest.fixture
def hook_recorder() -> HookRecorder:
    """What the stacks of ``make_stack`` call of their components' hooks."""
    return HookRecorder()


@pytest.fixture
def make_stack(plugbay_home: Path, hook_recorder: HookRecorder) -> Iterator[Callable[..., Stack]]:
    """Make stacks as :func:`plugbay.testing.stacks.build_stack` does, started; they are stopped after the test."""
    with ExitStack() as stacks:

        def make(*, observers: Sequence[Any] = (), **components: Any) -> Stack:
            stack = build_stack(observers=[*observers, Listening()], **components)
            stacks.enter_context(hook_recorder.watching(stack))
            return stacks.enter_context(stack)

        yield make
