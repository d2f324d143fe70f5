"""Tracebacks as people are shown them: all that is the user's and the plugins', and nothing of the machinery."""

from __future__ import annotations

from pathlib import Path

import pytest

import plugbay
from plugbay.execution.failures import user_traceback

HERE = Path(plugbay.__file__).parent


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (HERE.parent / "plugbay_acme" / "observer.py", True),  # where an installed plugin lies
        (HERE.parent / "plugbay.py", True),
        (HERE / "execution" / "attempt.py", False),
    ],
)
def test_frames_of_plugins_are_shown_wherever_they_are_installed(place: Path, shown: bool) -> None:
    namespace: dict[str, object] = {}
    exec(compile("def fail():\n    raise KeyError('a')\n", str(place), "exec"), namespace)
    try:
        namespace["fail"]()  # type: ignore[operator]
    except KeyError as error:
        told = user_traceback(error)
    assert (f'File "{place}", line 2, in fail' in told) == shown
    assert __file__ in told
    assert told.endswith("KeyError: 'a'\n")
