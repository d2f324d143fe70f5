"""An event costs tens of microseconds, also on a terminal and in a large run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import OnTerminal, Piped

MANY_STEPS = """
progress.run_started(run=run_info(steps=5000))
infos = [step(%s) for number in range(5000)]
began = time.thread_time()
for info in infos:
    progress.step_queued(step=info)
    progress.step_started(step=info)
    progress.step_succeeded(step=info, outputs={}, seconds=0.1)
each = (time.thread_time() - began) / (3 * len(infos))
progress.run_finished(run=run_info(), outcome=outcome())
assert each < 50e-6, f"{each * 1e6:.0f} us"
print(f"{each * 1e6:.1f} us")
"""


@pytest.mark.parametrize("name", ["f'step_{number}'", "f'score.{number}'"], ids=["steps", "calls"])
def test_an_event_is_cheap_on_a_terminal(on_terminal: OnTerminal, name: str) -> None:
    shown = on_terminal(MANY_STEPS % name)
    assert shown.code == 0, shown.output
    assert len(shown.lines()) < 110


@pytest.mark.parametrize("name", ["f'step_{number}'", "f'score.{number}'"], ids=["steps", "calls"])
def test_an_event_is_cheap_in_a_log(piped: Piped, name: str) -> None:
    done = piped(MANY_STEPS % name)
    assert done.returncode == 0, done.stderr[-500:]
    assert len(done.stderr.splitlines()) < 2010
