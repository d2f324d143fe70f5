import json
from pathlib import Path

import pytest

from plugbay import RunFailed, pipeline, runs, step
from plugbay.errors import NotFoundError
from plugbay.history.index import RunIndex
from plugbay.history.queries import get_run
from plugbay.history.reader import Reader
from plugbay.stack import Stack
from plugbay.store.layout import end_key, run_prefix


@step
def one() -> int:
    return 1


@step(cache=False)
def broken() -> int:
    raise ValueError("no")


@step(cache=False)
def refused() -> int:
    raise ValueError("no \udcff")


@pipeline
def undecodable() -> None:
    refused()


@pipeline
def good() -> None:
    one()


@pipeline
def bad() -> None:
    broken()


def index_file(stack: Stack) -> Path:
    return RunIndex.of(stack)._table.path


def test_runs_are_listed_newest_first(stack: Stack) -> None:
    ids = [good.run(stack=stack).id for _ in range(3)]
    assert [run.id for run in runs(stack=stack)] == ids[::-1]
    assert [run.id for run in runs(stack=stack, limit=1)] == ids[-1:]


def test_runs_are_chosen_by_status_and_pipeline(stack: Stack) -> None:
    succeeded = good.run(stack=stack)
    with pytest.raises(RunFailed) as caught:
        bad.run(stack=stack)
    assert [run.id for run in runs(stack=stack, status="failed")] == [caught.value.run.id]
    assert [run.id for run in runs(stack=stack, pipeline="good")] == [succeeded.id]


@pytest.mark.parametrize("damage", ["deleted", "no database", "emptied", "torn", "later version", "middle"])
def test_an_index_that_is_gone_or_damaged_is_made_anew(stack: Stack, damage: str) -> None:
    ids = [good.run(stack=stack).id for _ in range(3)]
    runs(stack=stack)
    path = index_file(stack)
    content = path.read_bytes()
    if damage == "deleted":
        path.unlink()
    elif damage == "no database":
        path.write_bytes(b"nonsense" * 1000)
    elif damage == "emptied":
        path.write_bytes(b"")
    elif damage == "torn":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "later version":
        path.write_bytes(content[:60] + (99).to_bytes(4, "big") + content[64:])
    else:
        path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    for _ in range(2):
        assert [run.id for run in runs(stack=stack)] == ids[::-1]
    good.run(stack=stack)
    assert len(runs(stack=stack)) == 4


def test_without_a_place_for_an_index_runs_are_listed_all_the_same(stack: Stack, home: Path) -> None:
    run = good.run(stack=stack)
    path = index_file(stack)
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)
    assert [one.id for one in runs(stack=stack)] == [run.id]


def test_a_run_deleted_from_the_store_vanishes(stack: Stack) -> None:
    first, second = good.run(stack=stack), good.run(stack=stack)
    assert len(runs(stack=stack)) == 2
    stack.artifact_store.delete([entry.key for entry in stack.artifact_store.list(run_prefix(first.id))])
    assert [run.id for run in runs(stack=stack)] == [second.id]
    with pytest.raises(NotFoundError):
        get_run(first.id, stack=stack)


def test_a_failed_run_that_was_resumed_elsewhere_is_read_again(stack: Stack) -> None:
    with pytest.raises(RunFailed) as caught:
        bad.run(stack=stack)
    run_id = caught.value.run.id
    assert [run.id for run in runs(stack=stack, status="failed")] == [run_id]
    end = json.loads(stack.artifact_store.get(end_key(run_id)))
    stack.artifact_store.put(end_key(run_id), json.dumps({**end, "status": "succeeded"}).encode())
    assert runs(stack=stack, status="failed") == []
    assert [run.id for run in runs(stack=stack, status="succeeded")] == [run_id]


def test_a_damaged_run_hides_no_other(stack: Stack) -> None:
    damaged, whole = good.run(stack=stack), good.run(stack=stack)
    index_file(stack).unlink(missing_ok=True)
    stack.artifact_store.put(end_key(damaged.id), b"{")
    assert [run.id for run in runs(stack=stack)] == [whole.id]


def test_an_error_with_a_lone_surrogate_hides_no_run(stack: Stack) -> None:
    with pytest.raises(RunFailed):
        undecodable.run(stack=stack)
    [row] = RunIndex.of(stack).rows(Reader(stack))
    assert row.error == "refused: ValueError: no \\udcff"
    with pytest.raises(RunFailed):
        bad.run(stack=stack)
    assert len(runs(stack=stack)) == 2


def test_a_run_is_found_by_a_part_of_its_id(stack: Stack) -> None:
    run = good.run(stack=stack)
    for name in (run.id, run.id[-6:], run.id[:13], "last"):
        assert get_run(name, stack=stack).id == run.id
    for name in ("", "zzzz", run.id[-3:]):
        with pytest.raises(NotFoundError, match="plugbay runs"):
            get_run(name, stack=stack)
