from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.request import url2pathname

import pytest

from plugbay.testing.annotator import AnnotatorContract
from plugbay_hookspecs.types import AnnotationConfig, AnnotationStats, AnnotationTask
from plugbay_local.annotator import FileAnnotator

CONFIG = AnnotationConfig(fields={"text": "text"}, labels=("cat", "dog"))


def folder(annotator: FileAnnotator, name: str) -> Path:
    return Path(url2pathname(annotator.annotator_dataset_url(name).removeprefix("file://")))


def write(annotator: FileAnnotator, name: str, *lines: str, end: str = "\n") -> Path:
    """Write what an editor or a script would."""
    path = folder(annotator, name) / "labels.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + end)
    return path


class TestFileAnnotator(AnnotatorContract):
    @pytest.fixture
    def component(self, tmp_path: Path) -> FileAnnotator:
        return FileAnnotator(path=tmp_path / "deep" / "annotation")

    def answer(self, component: FileAnnotator, name: str, task_id: str, label: str | Sequence[str], by: str) -> None:
        write(component, name, json.dumps({"id": task_id, "label": label, "by": by, "at": 1.5}))

    def decline(self, component: FileAnnotator, name: str, task_id: str, by: str) -> None:
        write(component, name, json.dumps({"id": task_id, "skipped": True, "by": by}))


@pytest.fixture
def annotator(tmp_path: Path) -> FileAnnotator:
    annotator = FileAnnotator(path=tmp_path / "annotation")
    annotator.annotator_create("pets", CONFIG)
    annotator.annotator_add("pets", [AnnotationTask(id=each, data={"text": each}) for each in "abc"])
    return annotator


def labels(annotator: FileAnnotator) -> list[tuple[str, object]]:
    return [(each.task.id, each.label) for each in annotator.annotator_labelled("pets")]


def test_a_line_is_an_answer_and_of_one_persons_the_last_counts(annotator: FileAnnotator) -> None:
    write(annotator, "pets", '{"id": "a", "label": "cat", "by": "ada"}', "", '{"id": "b", "skipped": true}')
    write(annotator, "pets", '{"id": "b", "label": "dog"}', '{"id": "a", "label": "dog", "by": "ada"}', end="")
    assert labels(annotator) == [("b", "dog"), ("a", "dog")]
    assert annotator.annotator_stats("pets") == AnnotationStats(labelled=2, unlabelled=1)


def test_a_last_line_that_is_being_written_is_not_read_yet(annotator: FileAnnotator) -> None:
    write(annotator, "pets", '{"id": "a", "label": "cat"}', '{"id": "b", "la', end="")
    assert labels(annotator) == [("a", "cat")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id": "a", "label": "bird"}', "'bird' is not one of cat, dog"),
        ('{"id": "z", "label": "cat"}', "no task 'z'"),
        ('{"id": "a", "lable": "cat"}', "unknown: lable"),
        ('{"id": "a", "label": null}', "neither"),
        ('{"id": "a", "label": "cat", "at": "today"}', "seconds"),
        ('["a", "cat"]', "a JSON object was expected"),
        ('{"id": "a"', "not JSON"),
    ],
)
def test_a_wrong_line_is_named(annotator: FileAnnotator, line: str, reason: str) -> None:
    path = write(annotator, "pets", '{"id": "a", "label": "cat"}', line)
    with pytest.raises(ValueError, match=rf"labels\.jsonl, line 2: .*{reason}"):
        annotator.annotator_labelled("pets")
    with pytest.raises(ValueError, match="line 2"):
        annotator.import_labels("pets", path)


def test_a_line_of_tasks_that_a_killed_process_left_is_taken_away(annotator: FileAnnotator) -> None:
    with (folder(annotator, "pets") / "tasks.jsonl").open("a") as file:
        file.write('{"id": "d", "da')
    assert [task.id for task in annotator.annotator_unlabelled("pets")] == ["a", "b", "c"]
    assert annotator.annotator_add("pets", [AnnotationTask(id="d", data={"text": "d"})]) == 1
    assert [task.id for task in annotator.annotator_unlabelled("pets")] == ["a", "b", "c", "d"]


def test_a_line_that_a_person_has_not_finished_is_not_touched(annotator: FileAnnotator, tmp_path: Path) -> None:
    labels_file = write(annotator, "pets", '{"id": "b", "la', end="")
    answers = tmp_path / "answers.jsonl"
    answers.write_text('{"id": "a", "label": "cat"}')
    with pytest.raises(ValueError, match="finish it"):
        annotator.import_labels("pets", answers)
    assert labels_file.read_text() == '{"id": "b", "la'


def test_files_are_imported_whole_or_not_at_all_and_exported(annotator: FileAnnotator, tmp_path: Path) -> None:
    tasks, answers, exported = (tmp_path / f"{name}.jsonl" for name in ("tasks", "answers", "exported"))
    tasks.write_text('{"id": "d", "data": {"text": "ü"}, "suggestion": "cat"}\n{"id": "a", "data": {"text": ""}}\n')
    assert annotator.import_tasks("pets", tasks) == 1
    tasks.write_text('{"id": "e", "data": {"text": "ü"}}\n{"id": "f", "text": "ü"}\n')
    with pytest.raises(ValueError, match=r"tasks\.jsonl, line 2: a task has"):
        annotator.import_tasks("pets", tasks)
    answers.write_text('{"id": "d", "label": "cat", "by": "ada", "at": 5}\n{"id": "a", "skipped": true}\n')
    assert annotator.import_labels("pets", answers) == 2
    assert annotator.annotator_stats("pets") == AnnotationStats(labelled=1, unlabelled=2, skipped=1)
    assert annotator.export("pets", exported) == 1
    assert json.loads(exported.read_text()) == {"id": "d", "data": {"text": "ü"}, "label": "cat", "by": "ada", "at": 5}


@pytest.mark.parametrize("data", [{"text": {1, 2}}, {"text": float("nan")}, {"text": "\ud800"}])
def test_what_json_cannot_hold_is_refused(annotator: FileAnnotator, data: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        annotator.annotator_add("pets", [AnnotationTask(id="d", data=data)])
    assert annotator.annotator_stats("pets").unlabelled == 3


@pytest.mark.parametrize("name", ["", "x" * 300, "\ud800"])
def test_a_name_that_no_directory_can_have_is_refused(annotator: FileAnnotator, name: str) -> None:
    with pytest.raises(ValueError, match="not a dataset's name"):
        annotator.annotator_create(name, CONFIG)
    with pytest.raises(KeyError):
        annotator.annotator_stats(name)


@pytest.mark.parametrize("name", ["..", "../up", "/up", ".up", "a/b", "a\0b", "~"])
def test_a_hostile_name_stays_in_the_directory(annotator: FileAnnotator, name: str, tmp_path: Path) -> None:
    annotator.annotator_create(name, CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["annotation"]
    assert len(folder(annotator, name).relative_to(tmp_path).parts) == 2
    assert annotator.annotator_delete(name)
    assert [path.name for path in (tmp_path / "annotation").iterdir()] == ["pets"]


def test_a_link_is_no_dataset(annotator: FileAnnotator, tmp_path: Path) -> None:
    (tmp_path / "annotation" / "linked").symlink_to(folder(annotator, "pets"))
    assert not annotator.annotator_delete("linked")
    assert annotator.annotator_datasets() == ["pets"]


def test_a_description_imports_no_datasets() -> None:
    code = """
import sys
from plugbay_local.annotator import FileAnnotator
FileAnnotator().component_describe()
assert not [name for name in sys.modules if name.startswith("plugbay_local.labelling")]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
