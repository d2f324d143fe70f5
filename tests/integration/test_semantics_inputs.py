"""What of arguments and inputs counts: the files that paths lead to, the classes of values, the order of dicts."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from plugbay import Run, pipeline, step


@step
def read(path: Path) -> str:
    return "+".join(sorted(found.read_text() for found in [path, *path.rglob("*")] if found.is_file()))


@step(cache=False)
def write(path: Path, text: str) -> None:
    path.write_text(text)


def statuses(run: Run) -> list[str]:
    return [step.status for step in run.steps]


@pytest.mark.parametrize("place", ["file", ".", "linked", "circle"])
def test_files_count_by_their_content_wherever_they_lie_below_the_path(stack, tmp_path, place):
    (tmp_path / "data" / "sub").mkdir(parents=True)
    (tmp_path / "data" / "linked").symlink_to(tmp_path / "data" / "sub")
    (tmp_path / "data" / "circle").symlink_to(tmp_path / "data")
    file = tmp_path / "data" / "file"
    (tmp_path / "data" / "sub" / "file").symlink_to(file)

    def answer(text: str):
        file.write_text(text)
        found = pipeline(lambda: read(tmp_path / "data" / place)).run(stack=stack)["read"]
        return set(found.output.load().split("+")), found.status

    assert [answer(text) for text in ("old", "new", "old")] == [
        ({"old"}, "succeeded"),
        ({"new"}, "succeeded"),
        ({"old"}, "cached"),
    ]


def test_a_file_that_a_step_before_has_written_counts_as_it_then_is(stack, tmp_path):
    path = tmp_path / "data"

    def flow(text: str):
        read(path).after(write(path, text))

    found = [pipeline(lambda text=text: flow(text)).run(stack=stack)["read"] for text in ("a", "b", "a")]
    assert [(step.output.load(), step.status) for step in found] == [
        ("a", "succeeded"),
        ("b", "succeeded"),
        ("a", "cached"),
    ]


def test_of_a_mapped_list_of_files_just_what_has_changed_is_computed(stack, tmp_path):
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_text(path.name)
    flow = pipeline(lambda: read.map(paths))
    flow.run(stack=stack)
    paths[1].write_text("new")
    run = flow.run(stack=stack)
    assert [run[f"read.{index}"].status for index in range(3)] == ["cached", "succeeded", "cached"]


def edited(path: Path) -> None:
    path.write_text("edited")


def edited_and_put_back(path: Path) -> None:
    before = path.read_text()
    path.write_text("edited")
    path.write_text(before)


def deleted(path: Path) -> None:
    path.unlink()


def made_executable(path: Path) -> None:
    path.chmod(0o755)


@pytest.mark.parametrize("how", ["argument", "directory", "list", "depends"])
@pytest.mark.parametrize("change", [edited, edited_and_put_back, deleted, made_executable])
def test_what_a_step_computed_while_a_file_changed_answers_no_later_call(
    stack, tmp_path, caplog, how, change: Callable[[Path], object]
):
    directory = tmp_path / "data"
    directory.mkdir()
    path = directory / "file"

    @step
    def slow(given: object) -> str:
        text = path.read_text()
        if os.environ.get("EDIT"):  # which is no part of the key
            change(path)
        return text

    given = {"argument": path, "directory": directory, "list": [{"deep": (path,)}], "depends": 1}[how]
    used = slow.with_options(depends=[path]) if how == "depends" else slow

    def run() -> str:
        path.write_text("original")
        path.chmod(0o644)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            return pipeline(lambda: used(given)).run(stack=stack)["slow"].status

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EDIT", "1")
        assert run() == "succeeded"
        named = directory if how == "directory" else path
        assert caplog.messages == [
            f"step 'slow': {named} has changed since the call was about to start, so its result answers no later call"
        ]
    assert [(run(), caplog.messages), (run(), caplog.messages)] == [("succeeded", []), ("cached", [])]


def test_a_file_that_a_step_in_a_worker_saw_changing_is_noticed_by_the_driver(make_stack, project, tmp_path, caplog):
    import files

    flow, path, stack = pipeline(files.reading), tmp_path / "data", make_stack(workers=2)

    def run(text: str) -> tuple[str, str]:
        path.write_text(text)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            return flow.run(stack=stack, path=path)["read"].status, caplog.text

    for _ in range(2):
        status, said = run("edit")
        assert status == "succeeded"
        assert f"{path} has changed since" in said
    assert [run("leave"), run("leave")] == [("succeeded", ""), ("cached", "")]


def test_an_input_that_cannot_be_read_is_computed_each_time_and_said(stack, tmp_path, caplog):
    os.mkfifo(tmp_path / "pipe")

    @step
    def names(path: Path) -> list[str]:
        return os.listdir(path)

    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert statuses(pipeline(lambda: names(tmp_path)).run(stack=stack)) == ["succeeded"]
        assert caplog.messages == [
            f"step 'names': {tmp_path / 'pipe'} cannot be read (neither a file nor a directory), "
            "so its result answers no later call"
        ]


def test_a_tuple_of_outputs_arrives_as_a_tuple_and_a_list_as_a_list(make_stack, project):
    import files

    for workers, status in ((2, "succeeded"), (1, "cached")):
        run = pipeline(files.kinds).run(stack=make_stack(workers=workers))
        assert [(found.output.load(), found.status) for found in run.steps[-2:]] == [
            ("tuple of int list", status),
            ("list of int tuple", status),
        ]
