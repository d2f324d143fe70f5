"""What every experiment tracker keeps to: each attempt has what was logged in it, all of it, and nothing else.

.. code-block:: python

    class TestMine(ExperimentTrackerContract):
        lacking = {"replacing": "the tool keeps the first value of a param"}

        @pytest.fixture
        def component(self):
            return Mine()

        def tracked(self, component, step):
            return Tracked(params=..., metrics=..., tags=..., artifacts=..., failed=...)
"""

from __future__ import annotations

import math
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import attrs
import pytest
from attrs import frozen

from plugbay.testing.component import ComponentContract
from plugbay.testing.processes import Call, call
from plugbay_hookspecs.types import ErrorInfo, StepInfo

START, END, METRICS = "experiment_tracker_start", "experiment_tracker_end", "experiment_tracker_log_metrics"


@frozen(kw_only=True)
class Tracked:
    """What the tool has of an attempt."""

    params: Mapping[str, object]
    metrics: Mapping[str, Sequence[tuple[float, int | None]]]
    """The values of each name with their iterations, in the order in which they were logged."""
    tags: Mapping[str, str] = attrs.field(factory=dict)
    """Those that the tool makes by itself may be among them."""
    artifacts: Mapping[str, bytes] = attrs.field(factory=dict)
    """The contents of files by name; a file in a directory is ``directory/file``."""
    failed: bool | None = None
    """Whether the attempt failed; ``None`` while it is not ended."""


class ExperimentTrackerContract(ComponentContract):
    """Inherit from it, give the fixture ``component`` and the method ``tracked``; see the module."""

    component_type = "experiment_tracker"
    capabilities = frozenset({"artifacts", "tags", "url", "replacing"})
    """What a tracker may lack, ``replacing`` being that of a param or an artifact; the hooks for it do nothing."""
    names: ClassVar[Sequence[str]] = ("learning rate", "a/b", "a.b", "a-b_c", "ü", "日本", "%s", "..")
    """Names of params, metrics and tags that the tool can keep."""
    endless: ClassVar[bool] = True
    """Whether the tool can keep infinite numbers."""

    def tracked(self, component: Any, step: StepInfo) -> Tracked:
        """Read what the tool has of an attempt, without asking the component's memory."""
        msg = f"{type(self).__name__} needs a method `tracked(component, step)` that reads what was tracked"
        raise NotImplementedError(msg)

    @pytest.fixture
    def step(self, hooks: Any) -> StepInfo:
        """An attempt that has begun."""
        step = an_attempt()
        hooks.experiment_tracker_start(step=step)
        return step

    def ended(self, hooks: Any, component: Any, step: StepInfo) -> Tracked:
        """End an attempt that succeeded, and read it."""
        hooks.experiment_tracker_end(step=step, error=None)
        return self.tracked(component, step)

    def test_what_it_lacks_does_nothing(self, hooks: Any, step: StepInfo, tmp_path: Path) -> None:
        """And gives no value."""
        if "artifacts" in self.lacking:
            assert not any(hooks.experiment_tracker_log_artifact(step=step, path=tmp_path, name="a"))
        if "tags" in self.lacking:
            assert not any(hooks.experiment_tracker_set_tags(step=step, tags={"a": "b"}))
        if "url" in self.lacking:
            assert hooks.experiment_tracker_url(step=step) == []
        hooks.experiment_tracker_end(step=step, error=None)

    def test_params_of_several_calls_are_all_kept(self, hooks: Any, component: Any, step: StepInfo) -> None:
        """As they are or as texts."""
        params = {
            "rate": 0.1,
            "epochs": 3,
            "on": True,
            "no": None,
            "many": [1, "a"],
            "text": "two\nlines ü",
            "empty": "",
        }
        for name, value in params.items():
            hooks.experiment_tracker_log_params(step=step, params={name: value})
        kept = self.ended(hooks, component, step).params
        assert {name: str(value) for name, value in kept.items()} == {
            name: str(value) for name, value in params.items()
        }

    def test_a_later_param_replaces_the_earlier_one(self, hooks: Any, component: Any, step: StepInfo) -> None:
        """Where the tool can; else the first is kept."""
        hooks.experiment_tracker_log_params(step=step, params={"a": 1, "b": 2})
        try:
            hooks.experiment_tracker_log_params(step=step, params={"a": 3})
        except Exception:
            if "replacing" not in self.lacking:
                raise
        kept = self.ended(hooks, component, step).params
        assert str(kept["a"]) == ("1" if "replacing" in self.lacking else "3")
        assert str(kept["b"]) == "2"

    def test_metrics_of_a_name_are_a_series(self, hooks: Any, component: Any, step: StepInfo) -> None:
        """In their order; nothing is replaced, not even at the same iteration."""
        now = time.time()
        for value, iteration in ((3.0, 0), (2.0, 1), (1.5, 1), (1.0, 7)):
            hooks.experiment_tracker_log_metrics(
                step=step, metrics={"loss": value, "score": -value}, at=now, iteration=iteration
            )
        metrics = self.ended(hooks, component, step).metrics
        assert list(metrics["loss"]) == [(3.0, 0), (2.0, 1), (1.5, 1), (1.0, 7)]
        assert list(metrics["score"]) == [(-3.0, 0), (-2.0, 1), (-1.5, 1), (-1.0, 7)]

    def test_metrics_without_an_iteration_are_a_series_too(self, hooks: Any, component: Any, step: StepInfo) -> None:
        """Without numbers, or counted from 0."""
        for value in (3.0, 2.0, 1.0):
            hooks.experiment_tracker_log_metrics(step=step, metrics={"loss": value}, at=time.time(), iteration=None)
        values, iterations = zip(*self.ended(hooks, component, step).metrics["loss"], strict=True)
        assert values == (3.0, 2.0, 1.0)
        assert iterations in ((None, None, None), (0, 1, 2))

    def test_numbers_are_kept_exactly(self, hooks: Any, component: Any, step: StepInfo) -> None:
        """Also those of a training that went wrong."""
        numbers = {
            "tiny": 5e-324,
            "third": 1 / 3,
            "huge": -1.7e308,
            "inf": math.inf,
            "less": -math.inf,
            "nan": math.nan,
        }
        if not self.endless:
            numbers = {name: number for name, number in numbers.items() if not math.isinf(number)}
        hooks.experiment_tracker_log_metrics(step=step, metrics=numbers, at=time.time(), iteration=1)
        metrics = self.ended(hooks, component, step).metrics
        assert math.isnan(metrics["nan"][0][0])
        assert {name: series[0][0] for name, series in metrics.items() if name != "nan"} == {
            name: number for name, number in numbers.items() if name != "nan"
        }

    def test_names_are_kept_as_they_are(self, hooks: Any, component: Any, step: StepInfo) -> None:
        """Of params, metrics and tags."""
        hooks.experiment_tracker_log_params(step=step, params=dict.fromkeys(self.names, 1))
        hooks.experiment_tracker_log_metrics(
            step=step, metrics=dict.fromkeys(self.names, 1.0), at=time.time(), iteration=0
        )
        hooks.experiment_tracker_set_tags(step=step, tags=dict.fromkeys(self.names, "1"))
        tracked = self.ended(hooks, component, step)
        assert set(tracked.params) == set(tracked.metrics) == set(self.names)
        assert "tags" in self.lacking or set(self.names) <= set(tracked.tags)

    def test_a_later_tag_replaces_the_earlier_one(self, hooks: Any, component: Any, step: StepInfo) -> None:
        """And leaves the others alone."""
        self.need("tags")
        hooks.experiment_tracker_set_tags(step=step, tags={"a": "1", "b": "2"})
        hooks.experiment_tracker_set_tags(step=step, tags={"a": "3 ü"})
        tags = self.ended(hooks, component, step).tags
        assert (tags["a"], tags["b"]) == ("3 ü", "2")

    def test_artifacts_outlive_their_source(self, hooks: Any, component: Any, step: StepInfo, tmp_path: Path) -> None:
        """A file and a directory."""
        self.need("artifacts")
        source = tmp_path / "source"
        (source / "deep").mkdir(parents=True)
        (source / "deep" / "one").write_bytes(b"\x00\xff")
        (source / "two").write_bytes(b"two")
        hooks.experiment_tracker_log_artifact(step=step, path=source / "two", name="reports/ü.html")
        hooks.experiment_tracker_log_artifact(step=step, path=source, name="folder")
        shutil.rmtree(source)
        assert self.ended(hooks, component, step).artifacts == {
            "reports/ü.html": b"two",
            "folder/deep/one": b"\x00\xff",
            "folder/two": b"two",
        }

    def test_an_artifact_is_replaced(self, hooks: Any, component: Any, step: StepInfo, tmp_path: Path) -> None:
        """By the later one of its name."""
        self.need("artifacts")
        self.need("replacing")
        for content in (b"first", b"second"):
            (tmp_path / "file").write_bytes(content)
            hooks.experiment_tracker_log_artifact(step=step, path=tmp_path / "file", name="file")
        assert self.ended(hooks, component, step).artifacts == {"file": b"second"}

    def test_the_url_is_one(self, hooks: Any, step: StepInfo) -> None:
        """And tells attempts apart."""
        self.need("url")
        other = an_attempt()
        hooks.experiment_tracker_start(step=other)
        (url,), (another,) = (hooks.experiment_tracker_url(step=each) for each in (step, other))
        assert "://" in url
        assert url != another

    def test_a_failure_is_told_from_success(self, hooks: Any, component: Any, step: StepInfo) -> None:
        """What was logged before it is kept."""
        good = an_attempt()
        hooks.experiment_tracker_log_params(step=step, params={"a": 1})
        hooks.experiment_tracker_end(step=step, error=ErrorInfo(type="ValueError", message="no ü", traceback="..."))
        hooks.experiment_tracker_start(step=good)
        assert self.ended(hooks, component, good).failed is False
        failed = self.tracked(component, step)
        assert (failed.failed, str(failed.params["a"])) == (True, "1")

    def test_attempts_are_kept_apart(self, hooks: Any, component: Any) -> None:
        """Of one step, of steps with similar and hostile names, of several runs; all at once."""
        run = uuid4().hex
        names = ("train", "train.0", "train.0.1", "train/0", "train%2F0", "../train", "..", "ü", "x" * 300, "x" * 301)
        steps = [an_attempt(run_id=run, step=name) for name in names]
        steps += [an_attempt(run_id=run, attempt=2), an_attempt(run_id=run, attempt=12), an_attempt(run_id=f"{run}x")]
        for step in steps:
            hooks.experiment_tracker_start(step=step)
        for number, step in enumerate(steps):
            hooks.experiment_tracker_log_params(step=step, params={f"p{number}": number})
            hooks.experiment_tracker_log_metrics(step=step, metrics={"m": float(number)}, at=time.time(), iteration=0)
        for step in reversed(steps):
            hooks.experiment_tracker_end(step=step, error=None)
        for number, step in enumerate(steps):
            tracked = self.tracked(component, step)
            assert (list(tracked.params), list(tracked.metrics["m"])) == ([f"p{number}"], [(float(number), 0)]), step

    def test_nothing_logged_from_any_thread_is_lost(self, hooks: Any, component: Any, step: StepInfo) -> None:
        """Each has its own series in its own order."""

        def log(name: str) -> None:
            for number in range(25):
                hooks.experiment_tracker_log_metrics(
                    step=step, metrics={name: float(number)}, at=time.time(), iteration=number
                )

        threads = [threading.Thread(target=log, args=(f"of-{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        metrics = self.ended(hooks, component, step).metrics
        expected = [(float(number), number) for number in range(25)]
        assert {name: list(series) for name, series in metrics.items()} == {
            f"of-{number}": expected for number in range(4)
        }

    def test_processes_track_the_steps_of_a_run_at_once(self, component: Any) -> None:
        """Each its own, as workers do."""
        run = uuid4().hex
        steps = [an_attempt(run_id=run, step=f"train.{number}") for number in range(4)]
        outcomes = self.at_once(component, [_script(step) for step in steps])
        assert [outcome.error for some in outcomes for outcome in some] == [None] * 4 * 22
        for step in steps:
            expected = [(float(number), number) for number in range(20)]
            assert list(self.tracked(component, step).metrics[step.step]) == expected


def an_attempt(*, run_id: str | None = None, step: str = "train", attempt: int = 1) -> StepInfo:
    """An attempt of a run of its own, or of a given one."""
    return StepInfo(run_id=run_id or uuid4().hex, pipeline="contract", step=step, name="train", attempt=attempt)


def _script(step: StepInfo) -> list[Call]:
    log = [
        call(METRICS, step=step, metrics={step.step: float(number)}, at=time.time(), iteration=number)
        for number in range(20)
    ]
    return [call(START, step=step), *log, call(END, step=step, error=None)]
