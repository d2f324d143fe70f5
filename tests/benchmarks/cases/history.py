"""What a long history costs: ``plugbay runs`` over a store with many runs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from attrs import evolve

from benchmarks.case import Bench, Case, in_turns
from benchmarks.cases.chains import chain
from benchmarks.measuring import Sample, command, fresh, measured
from plugbay import Stack
from plugbay.store.documents import write
from plugbay.store.layout import end_key, new_run_id, plan_key

RUNS = 10_000


def filled(count: int) -> Callable[[], object]:
    """Prepare: put the documents of runs into the store, made from those of one real run."""
    run = chain.run(length=3, seed=1)
    assert run.end is not None
    record, end = run.record, run.end

    def fill() -> None:
        store = Stack.load().artifact_store
        for number in range(count - 1):
            run_id = new_run_id()
            moment = record.created + number
            store.put(plan_key(run_id), write(evolve(record, id=run_id, created=moment)), durable=False)
            store.put(end_key(run_id), write(evolve(end, run_id=run_id, ended=moment + 1)), durable=False)

    return fill


def cases(bench: Bench) -> Iterator[Case]:
    """Yield the cases."""
    count = 1000 if bench.quick else RUNS

    @cache
    def home() -> Path:
        directory = bench.folder()
        fresh(filled, count, PLUGBAY_HOME=str(directory))
        return directory

    runs = [sys.executable, "-m", "plugbay", "runs"]
    empty = str(bench.folder())

    def cold() -> Sample:
        shutil.rmtree(home() / "cache" / "index", ignore_errors=True)
        return warm()

    def warm() -> Sample:
        return command(runs, PLUGBAY_HOME=str(home()))

    yield Case(
        name=f"plugbay runs, {count:,} runs, no index",
        floor="reading the documents by hand",
        pair=in_turns(cold, lambda: measured(lambda: _read(home() / "store" / "runs"))),
        rounds=bench.rounds(5),
    )
    yield Case(
        name=f"plugbay runs, {count:,} runs, indexed",
        floor="plugbay runs, no runs",
        pair=in_turns(warm, lambda: command(runs, PLUGBAY_HOME=empty)),
        rounds=bench.rounds(9),
    )


def _read(directory: Path) -> None:
    for run in directory.iterdir():
        for name in ("plan.json", "end.json"):
            json.loads((run / name).read_bytes())
