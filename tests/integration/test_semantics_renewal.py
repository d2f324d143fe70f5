"""A cached value that shows only when it is loaded that it cannot be read any more is computed anew in the same run."""

from __future__ import annotations

import logging

import pytest

from plugbay import RunFailed, pipeline


def statuses(run) -> dict[str, str]:
    return {found.id: found.status for found in run.steps}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("flow", ["single", "mapped", "elements", "gathered"])
def test_what_cannot_be_read_is_computed_anew_once_in_the_same_run(
    make_stack, project, monkeypatch, caplog, recorder, flow, workers
):
    import versions

    flow, stack = pipeline(getattr(versions, flow)), make_stack(recorder, workers=workers)
    monkeypatch.setenv("VERSION", "one")
    flow.run(stack=stack, turn=1)
    monkeypatch.setenv("VERSION", "two")
    recorder.events.clear()
    with caplog.at_level(logging.WARNING):
        run = flow.run(stack=stack, turn=2)
    assert set(statuses(run).values()) == {"succeeded"}
    assert all("of one" not in str(found.output.load()) for found in run.steps if found.name == "use")
    assert "is computed anew" in caplog.text
    assert "a model of version one" in caplog.text
    assert not recorder.named("step_failed", "step_skipped")
    started = [event["step"].step for event in recorder.named("step_started")]
    assert {started.count(name) for name in started if "make" in name or "several" in name} == {1}
    assert set(statuses(flow.run(stack=stack, turn=2)).values()) == {"cached"}
    assert {found.status for found in flow.run(stack=stack, turn=3).steps} == {"cached", "succeeded"}


@pytest.mark.parametrize("cached", [False, True])
def test_what_cannot_be_read_when_it_was_computed_anew_fails_the_step_that_takes_it(
    make_stack, project, cached, recorder, monkeypatch, tmp_path
):
    import versions

    monkeypatch.setenv("READ", str(tmp_path / "read"))

    flow, stack = pipeline(versions.never), make_stack(recorder)
    for turn in range(1 + cached):
        recorder.events.clear()
        with pytest.raises(RunFailed, match=r"what step 'take' takes cannot be read, .* RuntimeError: never"):
            flow.run(stack=stack, turn=turn)
    assert [event["step"].step for event in recorder.named("step_failed")] == ["take"]
    started = [event["step"].step for event in recorder.named("step_started")]
    assert started == (["take", "hopeless", "take"] if cached else ["hopeless", "take"])
