from collections import deque
from pathlib import Path
from typing import Any

import pytest

from plugbay import Run, RunFailed, pipeline, step
from plugbay.errors import CorruptArtifactError
from plugbay.store.layout import attempt_key, blob_key

calls: deque[str] = deque()  # not a list: the content of a global one is part of the fingerprint


@pytest.fixture(autouse=True)
def no_calls() -> None:
    calls.clear()


@step
def join(a: Any, b: Any) -> str:
    calls.append("join")
    return f"{a}{b}"


@step
def big(seed: int) -> bytes:
    calls.append("big")
    return b"%d" % seed * 10_000


@step
def size(content: Any) -> int:
    calls.append("size")
    return len(content)


@pipeline
def joined(a: Any, b: Any):
    join(a, b)


@pipeline
def sized(seed: int = 1):
    size(big(seed))


def test_arguments_that_read_alike_when_joined_are_not_mixed_up(stack):
    assert joined.run(stack=stack, a="1", b="2b3")["join"].output.load() == "12b3"
    assert joined.run(stack=stack, a="1b2", b="3")["join"].output.load() == "1b23"
    assert list(calls) == ["join", "join"]


def test_types_of_arguments_count(stack):
    found = [joined.run(stack=stack, a=a, b="")["join"].output.load() for a in (1, True, 1.0, "1")]
    assert found == ["1", "True", "1.0", "1"]
    assert len(calls) == 4


def test_the_order_of_a_set_does_not_count(stack):
    joined.run(stack=stack, a={"x", "y", "z"}, b=[frozenset({1, "a", None})])
    run = joined.run(stack=stack, a={"z", "y", "x"}, b=[frozenset({None, "a", 1})])
    assert run["join"].status == "cached"


@pytest.mark.parametrize(
    ("one", "other"), [({"k": 1, "l": 2}, {"l": 2, "k": 1}), ([{2: 3, 4: 5}], [{4: 5, 2: 3}])], ids=["text", "others"]
)
def test_the_order_of_a_dict_counts_because_the_step_sees_it(stack, one, other):
    joined.run(stack=stack, a=one, b="")
    assert joined.run(stack=stack, a=other, b="")["join"].status == "succeeded"
    assert joined.run(stack=stack, a=one, b="")["join"].status == "cached"


def test_the_order_of_a_dict_of_outputs_counts(stack):
    @step
    def listed(columns: dict[str, Any]) -> str:
        return ",".join(columns)

    def wire(names: str):
        made = {name: join(name, "") for name in sorted(names)}
        listed({name: made[name] for name in names})

    found = [pipeline(lambda names=names: wire(names)).run(stack=stack)["listed"] for names in ("ab", "ba", "ab")]
    assert [(step.output.load(), step.status) for step in found] == [
        ("a,b", "succeeded"),
        ("b,a", "succeeded"),
        ("a,b", "cached"),
    ]


def test_a_hit_tells_the_run_and_the_record_it_comes_from(stack, recorder):
    first = joined.run(stack=stack, a=1, b=2)
    second = joined.run(stack=stack, a=1, b=2)
    third = joined.run(stack=stack, a=1, b=2)
    for run, event in zip((second, third), recorder.named("step_cached"), strict=True):
        assert event["step"].run_id == run.id
        source = event["source"]
        assert (source.run_id, source.step, source.attempt) == (first.id, "join", 1)
        assert stack.artifact_store.stat(attempt_key(source.run_id, source.step, source.attempt)) is not None
        assert run["join"].source == source
        assert run["join"].output.load() == "12"
    assert list(calls) == ["join"]


def test_a_hit_whose_blob_is_gone_is_a_miss(stack):
    first = sized.run(stack=stack)
    stack.artifact_store.delete([blob_key(first["big"].output.digest)])
    second = sized.run(stack=stack)
    assert (second["big"].status, second["size"].status) == ("succeeded", "cached")
    assert second["big"].output.load() == b"1" * 10_000
    assert list(calls) == ["big", "size", "big"]


def test_a_cached_blob_that_was_changed_is_an_error_and_no_value(stack):
    first = sized.run(stack=stack)
    path = stack.artifact_store.local_path(blob_key(first["big"].output.digest))
    path.chmod(0o644)
    path.write_bytes(b"2" * 10_000)
    with pytest.raises(CorruptArtifactError, match="'output'"):
        first["big"].output.load()


def test_a_damaged_cache_entry_is_a_miss(stack):
    joined.run(stack=stack, a=1, b=2)
    for entry in list(stack.artifact_store.list("cache/")):
        stack.artifact_store.put(entry.key, b"{")
    assert joined.run(stack=stack, a=1, b=2)["join"].status == "succeeded"
    assert joined.run(stack=stack, a=1, b=2)["join"].status == "cached"


def test_identical_steps_of_a_run_are_computed_once(stack):
    def twice():
        join(join(1, 2, id="a"), join(1, 2, id="b"), id="c")

    run = pipeline(twice).run(stack=stack)
    assert sorted(run[name].status for name in "abc") == ["cached", "succeeded", "succeeded"]
    assert run["c"].output.load() == "1212"
    assert list(calls) == ["join", "join"]


def test_identical_steps_that_run_at_the_same_time_are_computed_once(make_stack, recorder, project, tmp_path):
    import pooled

    run = pooled.twins.run(stack=make_stack(recorder, workers=3), place=str(tmp_path / "notes"))
    assert (tmp_path / "notes").read_text() == "computed\n"
    assert run["total"].output.load() == 3
    sources = [event["source"].run_id for event in recorder.named("step_cached")]
    assert sources == [run.id, run.id]


def test_after_a_failure_no_step_like_it_is_started(make_stack, recorder, project, tmp_path):
    import pooled

    with pytest.raises(RunFailed):
        pooled.failing_twins.run(stack=make_stack(recorder, workers=2), place=str(tmp_path / "notes"))
    assert (tmp_path / "notes").read_text() == "tried\n"
    assert len(recorder.named("step_skipped")) == 2


def test_where_one_like_it_failed_a_step_is_tried_for_itself(make_stack, recorder, project, tmp_path):
    import pooled

    with pytest.raises(RunFailed):
        pooled.failing_twins.run(
            stack=make_stack(recorder, workers=2), place=str(tmp_path / "notes"), failure="continue"
        )
    assert (tmp_path / "notes").read_text() == "tried\n" * 3


def test_without_the_cache_everything_is_computed_and_answers_later_runs(stack):
    joined.run(stack=stack, a=1, b=2)
    assert joined.run(stack=stack, cache=False, a=1, b=2)["join"].status == "succeeded"
    third = joined.run(stack=stack, a=1, b=2)
    assert third["join"].status == "cached"
    assert len(calls) == 2


def test_a_step_that_is_not_cached_is_always_computed(stack):
    def flights():
        join.with_options(cache=False)(1, 2)

    for _ in range(2):
        assert pipeline(flights).run(stack=stack)["join"].status == "succeeded"


def test_a_version_a_file_and_a_dependency_count(stack, tmp_path):
    config = tmp_path / "config"
    config.write_text("1")

    def status(**options) -> str:
        def flights():
            join.with_options(**options)(1, 2)

        return pipeline(flights).run(stack=stack)["join"].status

    assert [status(), status(), status(version="2"), status(version="2")] == ["succeeded", "cached"] * 2
    assert [status(depends=[config]), status(depends=[config])] == ["succeeded", "cached"]
    config.write_text("2")
    assert status(depends=[config]) == "succeeded"
    assert [status(depends=["attrs"]), status(depends=["attrs"])] == ["succeeded", "cached"]


def test_options_that_cannot_change_the_result_do_not_count(stack):
    def flights(**options):
        def inner():
            join.with_options(**options)(1, 2)

        return pipeline(inner).run(stack=stack)["join"].status

    assert flights() == "succeeded"
    assert flights(retries=3, timeout=9, resources={"cpu": 1}, on_success=lambda step: None) == "cached"


def test_a_file_among_the_arguments_counts_by_its_content(stack, tmp_path):
    table = tmp_path / "table"

    @step
    def read(path: Path) -> str:
        return path.read_text()

    def run(text: str) -> Run:
        table.write_text(text)
        return pipeline(lambda: read(table)).run(stack=stack)

    assert [run(text)["read"].status for text in ("a", "b", "a")] == ["succeeded", "succeeded", "cached"]


def test_files_with_equal_content_and_other_names_are_not_mixed_up(stack, tmp_path):
    @step
    def make(name: str) -> Path:
        (tmp_path / name).write_text("same")
        return tmp_path / name

    @step
    def name_of(path: Path) -> str:
        return path.name

    for name in ("one", "two"):
        assert pipeline(lambda: name_of(make(name))).run(stack=stack)["name_of"].output.load() == name  # noqa: B023


def test_lists_with_equal_bytes_and_other_values_are_not_mixed_up(stack):
    @step
    def values(kind: str) -> list[Any]:
        return ["1"] if kind == "text" else [b'"1"']

    @step
    def kinds(parts: list[Any]) -> list[str]:
        return [type(part).__name__ for part in parts]

    @step
    def one(part: Any) -> None: ...

    for kind, found in (("text", "str"), ("bytes", "bytes")):

        def flights(kind=kind):
            parts = values(kind)
            one.map(parts)
            kinds(parts)

        assert pipeline(flights).run(stack=stack)["kinds"].output.load() == [found]


def test_a_helper_that_was_edited_has_the_step_computed_again(scripts):
    scripts.write("def factor(): return 2\n", "helper.py")
    scripts.write("""
        import sys
        from helper import factor
        from plugbay import pipeline, step

        @step
        def double(x: int) -> int:
            return x * factor()

        @pipeline
        def flights():
            double(3)

        if __name__ == "__main__":
            run = flights.run()
            print(run["double"].status, run["double"].output.load())
    """)
    assert scripts.run("script.py")[1] == "succeeded 6\n"
    scripts.write("# edited\ndef factor():\n    'Tell.'\n    return 2\n", "helper.py")
    assert scripts.run("script.py")[1] == "cached 6\n"
    scripts.write("def factor(): return 5\n", "helper.py")
    assert scripts.run("script.py")[1] == "succeeded 15\n"


def test_a_file_that_was_loaded_outlives_its_run(stack, tmp_path):
    @step
    def make() -> Path:
        (tmp_path / "made").write_text("content")
        return tmp_path / "made"

    loaded = pipeline(lambda: make()).run(stack=stack)["make"].output.load()
    assert loaded.read_text() == "content"
