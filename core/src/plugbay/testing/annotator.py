"""What every annotator does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from attrs import frozen

from plugbay.testing.component import ComponentContract
from plugbay.testing.hooks import hooks_of
from plugbay.testing.processes import call
from plugbay_hookspecs.types import Annotation, AnnotationConfig, AnnotationStats, AnnotationTask

HOSTILE_NAMES = (
    "../up",
    "/etc/up",
    "..",
    ".hidden",
    "a/b",
    "a\\b",
    "a\0b",
    "ü 日本 🎈",
    "a%2Fb",
    "x;$(y)`'\"<b>",
    "x" * 300,
)
HOSTILE_TEXTS = (
    "ü 日本 🎈",
    "two\nlines\r\n",
    "a\u2028b",
    "<script>alert(1)</script>",
    "'\"; --",
    "{{ 7 * 7 }}",
    "x" * 5000,
)
CONFIG = AnnotationConfig(fields={"text": "text"}, labels=("cat", "dog"))


def task(task_id: str, text: str = "meow") -> AnnotationTask:
    """A task that shows a text."""
    return AnnotationTask(id=task_id, data={"text": text})


@frozen
class AnnotatorHooks:
    """The hooks of an annotator, by shorter names."""

    hooks: Any

    def datasets(self) -> list[str]:
        """List the datasets."""
        return list(self.hooks.annotator_datasets())

    def create(self, name: str, config: AnnotationConfig = CONFIG) -> None:
        """Create a dataset."""
        self.hooks.annotator_create(name=name, config=config)

    def add(self, name: str, *tasks: AnnotationTask) -> int:
        """Add tasks."""
        added: int = self.hooks.annotator_add(name=name, tasks=tasks)
        return added

    def stats(self, name: str) -> AnnotationStats:
        """Count."""
        counted: AnnotationStats = self.hooks.annotator_stats(name=name)
        return counted

    def labelled(self, name: str) -> list[Annotation]:
        """Read all annotations."""
        return list(self.hooks.annotator_labelled(name=name))

    def unlabelled(self, name: str) -> list[AnnotationTask]:
        """Read all tasks without one."""
        return list(self.hooks.annotator_unlabelled(name=name))

    def delete(self, name: str) -> bool:
        """Delete a dataset."""
        deleted: bool = self.hooks.annotator_delete(name=name)
        return deleted


class AnnotatorContract(ComponentContract):
    """Tests of an annotator. A subclass overrides the fixture ``component`` and says how people answer in the tool.

    The tool must have no datasets that the component sees but those of the tests.
    """

    component_type = "annotator"
    capabilities = frozenset(
        {"list", "url", "stats", "unlabelled", "delete", "decline", "several people", "several labels"}
    )
    prefix: ClassVar[str] = "contract"
    """What the names of datasets start with; a tool with names of its own rules may need another."""

    def answer(self, component: Any, name: str, task_id: str, label: str | Sequence[str], by: str) -> None:
        """Label a task as a person does, through the tool's own ways."""
        msg = f"{type(self).__name__} needs a method 'answer' that labels a task as a person does"
        raise NotImplementedError(msg)

    def decline(self, component: Any, name: str, task_id: str, by: str) -> None:
        """Decline to label a task as a person does, through the tool's own ways."""
        msg = f"{type(self).__name__} needs a method 'decline', or to say why it is lacking"
        raise NotImplementedError(msg)

    @pytest.fixture
    def annotator(self, hooks: Any) -> AnnotatorHooks:
        """The hooks by shorter names."""
        return AnnotatorHooks(hooks)

    @pytest.fixture
    def name(self, annotator: AnnotatorHooks) -> str:
        """A dataset without tasks."""
        name = f"{self.prefix}-{os.urandom(4).hex()}"
        annotator.create(name)
        return name

    def test_a_hook_that_is_lacking_answers_nothing(self, annotator: AnnotatorHooks, name: str) -> None:
        answers = {
            "list": annotator.hooks.annotator_datasets(),
            "url": annotator.hooks.annotator_dataset_url(name=name),
            "stats": annotator.hooks.annotator_stats(name=name),
            "unlabelled": annotator.hooks.annotator_unlabelled(name=name),
        }
        for capability, answered in answers.items():
            lacks = capability in self.lacking
            assert (answered is None) == lacks, f"{capability}: lacking is {lacks}, and the answer is {answered!r}"

    def test_the_tool_is_launched_once(self, annotator: AnnotatorHooks) -> None:
        """Launching it again gives the same address; ``None`` stands for a tool with nothing to open."""
        first, again = annotator.hooks.annotator_launch(), annotator.hooks.annotator_launch()
        assert first == again
        assert first is None or "://" in first, f"no URL: {first!r}"

    def test_a_new_dataset_is_listed_and_empty(self, annotator: AnnotatorHooks, name: str) -> None:
        assert annotator.labelled(name) == []
        if "list" not in self.lacking:
            assert name in annotator.datasets()
        if "unlabelled" not in self.lacking:
            assert annotator.unlabelled(name) == []

    def test_datasets_are_listed_in_order(self, annotator: AnnotatorHooks) -> None:
        self.need("list")
        for part in ("b", "a", "c"):
            annotator.create(f"{self.prefix}-{part}")
        assert annotator.datasets() == sorted(annotator.datasets())
        assert len(annotator.datasets()) == 3

    def test_a_second_dataset_of_one_name_is_refused(self, annotator: AnnotatorHooks, name: str) -> None:
        annotator.add(name, task("1"))
        with pytest.raises(FileExistsError):
            annotator.create(name)
        assert annotator.add(name, task("1")) == 0, "the refused creation emptied the dataset"

    def test_a_dataset_that_is_unknown_raises_key_error(self, annotator: AnnotatorHooks, name: str) -> None:
        unknown = f"{name}-unknown"
        with pytest.raises(KeyError):
            annotator.add(unknown, task("1"))
        with pytest.raises(KeyError):
            annotator.labelled(unknown)
        if "stats" not in self.lacking:
            with pytest.raises(KeyError):
                annotator.stats(unknown)
        if "unlabelled" not in self.lacking:
            with pytest.raises(KeyError):
                annotator.unlabelled(unknown)
        if "url" not in self.lacking:
            with pytest.raises(KeyError):
                annotator.hooks.annotator_dataset_url(name=unknown)

    def test_a_configuration_that_cannot_be_shown_is_refused(self, annotator: AnnotatorHooks) -> None:
        name = f"{self.prefix}-refused"
        with pytest.raises(ValueError, match=r"\w"):  # it says why
            annotator.create(name, AnnotationConfig(fields={"text": "smell"}, labels=("cat",)))  # type: ignore[dict-item]
        with pytest.raises(KeyError):
            annotator.labelled(name)

    def test_tasks_are_kept_in_order_as_they_are(self, annotator: AnnotatorHooks, name: str) -> None:
        self.need("unlabelled")
        tasks = [
            AnnotationTask(id=f"{number}", data={"text": text}, metadata={"source": "é"})
            for number, text in enumerate(HOSTILE_TEXTS)
        ]
        assert annotator.add(name, *reversed(tasks)) == len(tasks)
        found = annotator.unlabelled(name)
        assert [(each.id, dict(each.data)) for each in found] == [(each.id, each.data) for each in reversed(tasks)]
        assert all(each.metadata == {"source": "é"} for each in found)

    def test_adding_is_idempotent_by_id(self, annotator: AnnotatorHooks, name: str) -> None:
        assert annotator.add(name, task("1"), task("2")) == 2
        assert annotator.add(name, task("2", "changed"), task("3")) == 1, "a task was counted or added again"
        assert annotator.add(name, task("1"), task("2"), task("3")) == 0
        assert annotator.add(name) == 0
        if "unlabelled" not in self.lacking:
            found = {each.id: each.data["text"] for each in annotator.unlabelled(name)}
            assert found == {"1": "meow", "2": "meow", "3": "meow"}, "a task that was there already was changed"

    def test_an_id_that_comes_twice_in_one_call_is_one_task(self, annotator: AnnotatorHooks, name: str) -> None:
        assert annotator.add(name, task("1", "first"), task("1", "second")) == 1
        assert annotator.add(name, task("1")) == 0

    def test_ids_are_any_text(self, annotator: AnnotatorHooks, name: str) -> None:
        ids = [each for each in HOSTILE_NAMES if "\0" not in each]
        assert annotator.add(name, *map(task, ids)) == len(ids)
        assert annotator.add(name, *map(task, ids)) == 0
        if "unlabelled" not in self.lacking:
            assert [each.id for each in annotator.unlabelled(name)] == ids

    def test_of_tasks_with_one_that_is_wrong_none_is_added(self, annotator: AnnotatorHooks, name: str) -> None:
        with pytest.raises(ValueError, match=r"\w"):  # it says why
            annotator.add(name, task("1"), AnnotationTask(id="2", data={"txt": "misspelt"}))
        assert annotator.add(name, task("1")) == 1, "a task was added although the call was refused"

    def test_an_answer_is_read_with_its_task(self, component: Any, annotator: AnnotatorHooks, name: str) -> None:
        annotator.add(name, task("1"), task("2", "woof"), task("3"))
        self.answer(component, name, "2", "dog", "ada")
        (found,) = annotator.labelled(name)
        assert (found.task.id, dict(found.task.data), found.label) == ("2", {"text": "woof"}, "dog")
        assert found.at is None or isinstance(found.at, float | int)
        if "unlabelled" not in self.lacking:
            assert [each.id for each in annotator.unlabelled(name)] == ["1", "3"]
        if "stats" not in self.lacking:
            assert annotator.stats(name) == AnnotationStats(labelled=1, unlabelled=2)

    def test_adding_again_keeps_the_answer(self, component: Any, annotator: AnnotatorHooks, name: str) -> None:
        annotator.add(name, task("1"))
        self.answer(component, name, "1", "cat", "ada")
        assert annotator.add(name, task("1"), task("2")) == 1
        assert [(found.task.id, found.label) for found in annotator.labelled(name)] == [("1", "cat")]

    def test_a_task_that_several_people_labelled_counts_once(
        self, component: Any, annotator: AnnotatorHooks, name: str
    ) -> None:
        self.need("several people")
        annotator.add(name, task("1"), task("2"))
        self.answer(component, name, "1", "cat", "ada")
        self.answer(component, name, "2", "dog", "bob")
        self.answer(component, name, "1", "dog", "bob")
        found = [(each.task.id, each.label) for each in annotator.labelled(name)]
        assert found == [("1", "cat"), ("2", "dog"), ("1", "dog")], "not each answer, in the order of answering"
        if "stats" not in self.lacking:
            assert annotator.stats(name) == AnnotationStats(labelled=2, unlabelled=0)

    def test_who_declines_gives_no_label(self, component: Any, annotator: AnnotatorHooks, name: str) -> None:
        self.need("decline")
        annotator.add(name, task("1"), task("2"))
        self.decline(component, name, "1", "ada")
        assert annotator.labelled(name) == [], "to decline is no label"
        if "unlabelled" not in self.lacking:
            assert [each.id for each in annotator.unlabelled(name)] == ["2"], "who declines is asked again"
        if "stats" not in self.lacking:
            assert annotator.stats(name) == AnnotationStats(labelled=0, unlabelled=1, skipped=1)

    def test_several_labels_are_a_tuple(self, component: Any, annotator: AnnotatorHooks) -> None:
        self.need("several labels")
        name = f"{self.prefix}-several"
        annotator.create(name, AnnotationConfig(fields={"text": "text"}, labels=("cat", "dog"), several=True))
        annotator.add(name, task("1"))
        self.answer(component, name, "1", ("cat", "dog"), "ada")
        assert [found.label for found in annotator.labelled(name)] == [("cat", "dog")]

    def test_datasets_do_not_mix(self, component: Any, annotator: AnnotatorHooks, name: str) -> None:
        other = f"{name}-other"
        annotator.create(other)
        annotator.add(name, task("1"))
        annotator.add(other, task("1"))
        self.answer(component, name, "1", "cat", "ada")
        assert len(annotator.labelled(name)) == 1
        assert annotator.labelled(other) == []

    def test_a_name_is_one_dataset_or_refused(self, annotator: AnnotatorHooks) -> None:
        """Whatever the name, it leads to no other dataset and out of none."""
        created = []
        for each in HOSTILE_NAMES:
            try:
                annotator.create(each)
            except ValueError:
                continue
            created.append(each)
            assert annotator.add(each, task(each.replace("\0", ""))) == 1, f"{each!r} is another dataset as well"
        if "list" not in self.lacking:
            assert annotator.datasets() == sorted(created)

    def test_to_delete_is_idempotent(self, component: Any, annotator: AnnotatorHooks, name: str) -> None:
        self.need("delete")
        annotator.add(name, task("1"))
        self.answer(component, name, "1", "cat", "ada")
        assert annotator.delete(name) is True
        assert annotator.delete(name) is False
        with pytest.raises(KeyError):
            annotator.labelled(name)
        annotator.create(name)
        assert annotator.labelled(name) == [], "answers came back with the name"
        assert annotator.add(name, task("1")) == 1

    def test_what_was_added_is_there_for_another_component(
        self, component: Any, annotator: AnnotatorHooks, name: str
    ) -> None:
        annotator.add(name, task("1"), task("2"))
        self.answer(component, name, "1", "cat", "ada")
        script = [call("annotator_add", name=name, tasks=[task("2"), task("3")]), call("annotator_labelled", name=name)]
        (((added, found)),) = self.at_once(component, [script])
        assert added.value == 1, f"another process counted {added}"
        assert [each.label for each in found.value] == ["cat"]

    def test_of_processes_that_create_at_once_one_does(self, component: Any, annotator: AnnotatorHooks) -> None:
        names = [f"{self.prefix}-race-{number}" for number in range(20)]
        script = [call("annotator_create", name=each, config=CONFIG) for each in names]
        told = self.at_once(component, [script] * self.processes)
        for name, outcomes in zip(names, zip(*told, strict=True), strict=True):
            errors = [outcome.error for outcome in outcomes if outcome.error is not None]
            assert len(errors) == len(outcomes) - 1, f"{len(outcomes) - len(errors)} processes created {name}"
            assert all(isinstance(error, FileExistsError) for error in errors), errors
            assert annotator.labelled(name) == []

    def test_processes_that_add_the_same_tasks_add_each_once(
        self, component: Any, annotator: AnnotatorHooks, name: str
    ) -> None:
        tasks = [task(str(number), "x" * 2000) for number in range(60)]
        script = [call("annotator_add", name=name, tasks=tasks[start : start + 6]) for start in range(0, 60, 6)]
        outcomes = [outcome for each in self.at_once(component, [script] * self.processes) for outcome in each]
        assert [outcome.error for outcome in outcomes if outcome.error is not None] == []
        assert sum(outcome.value for outcome in outcomes) == 60, "the processes counted tasks twice or not at all"
        if "unlabelled" not in self.lacking:
            found = [each.id for each in annotator.unlabelled(name)]
            assert sorted(found, key=int) == [each.id for each in tasks], "tasks were lost or doubled"

    def test_a_process_that_is_killed_while_it_adds_leaves_a_good_dataset(
        self, component: Any, annotator: AnnotatorHooks
    ) -> None:
        self.need("delete")
        name = f"{self.prefix}-killed"
        other = hooks_of(component, self.component_type)
        adding = call("annotator_add", name=name, tasks=[task(str(number), "y" * 2000) for number in range(30)])
        script = [call("annotator_create", name=name, config=CONFIG), adding, call("annotator_delete", name=name)]
        with self.over_and_over(component, script):
            for _ in range(20):
                try:
                    list(other.annotator_labelled(name=name))
                except KeyError:
                    pass
        annotator.delete(name)
        annotator.create(name)
        assert annotator.add(name, task("1")) == 1
        if "list" not in self.lacking:
            assert annotator.datasets() == [name], "what a killed process left is shown as a dataset"
