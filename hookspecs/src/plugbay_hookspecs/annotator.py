"""Hooks of an annotator: where people label data. A stack has any number; they are addressed by name.

A *dataset* is a name in the tool (a project, a dataset) with tasks of one kind. The hooks that take the name of a dataset
raise ``KeyError`` when the tool has none of that name, and all raise ``OSError`` when the tool could not be reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from plugbay_hookspecs.markers import hookspec, required

if TYPE_CHECKING:
    from plugbay_hookspecs.types import Annotation, AnnotationConfig, AnnotationStats, AnnotationTask


@hookspec(firstresult=True)
def annotator_datasets() -> Sequence[str]:
    """List the datasets of the tool that the component may see.

    Called in any process that has the stack.

    :returns: their names, in order; empty when there are none, ``None`` when the tool cannot list.

    .. code-block:: python

        from collections.abc import Sequence
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class Sheets:
            '''Keeps each dataset as a folder of files that people fill in with an editor.'''

            root: Path = Path("annotation")

            @hookimpl
            def annotator_datasets(self) -> Sequence[str]:
                return sorted(config.parent.name for config in self.root.glob("*/config.json"))

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def annotator_dataset_url(name: str) -> str:
    """Tell where a person labels a dataset.

    Called in any process that has the stack.

    :returns: a URL; ``None`` when the tool has no page for it.

    .. code-block:: python

        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class Sheets:
            '''Keeps each dataset as a folder of files that people fill in with an editor.'''

            root: Path = Path("annotation")

            @hookimpl
            def annotator_dataset_url(self, name: str) -> str:
                folder = self.root / name
                if not folder.is_dir():
                    raise KeyError(name)
                return folder.resolve().as_uri()

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def annotator_create(name: str, config: AnnotationConfig) -> None:
    """Create a dataset without tasks.

    Called in any process that has the stack. Raises ``FileExistsError`` when there is one of that name, also where the
    tool itself would allow two, ``ValueError`` for a configuration that the tool cannot show.

    .. code-block:: python

        import json
        from pathlib import Path

        from attrs import asdict
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import AnnotationConfig


        @component
        class Sheets:
            '''Keeps each dataset as a folder of files that people fill in with an editor.'''

            root: Path = Path("annotation")

            @hookimpl
            def annotator_create(self, name: str, config: AnnotationConfig) -> None:
                if config.native is not None or set(config.fields.values()) - {"text"}:
                    msg = "a text file shows nothing but text"
                    raise ValueError(msg)
                folder = self.root / name
                folder.mkdir(parents=True)
                (folder / "config.json").write_text(json.dumps(asdict(config)), encoding="utf-8")

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def annotator_add(name: str, tasks: Sequence[AnnotationTask]) -> int:
    """Add tasks to a dataset.

    Called in any process that has the stack. Idempotent: a task whose id is in the dataset already is left as it is,
    with its annotations, so that a step can be repeated. Raises ``ValueError`` for a task without one of the fields that
    are shown; then none was added.

    :returns: how many were new.

    .. code-block:: python

        import json
        from collections.abc import Sequence
        from pathlib import Path

        from attrs import asdict
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import AnnotationTask


        @component
        class Sheets:
            '''Keeps each task as a file, with a line for the label below.'''

            root: Path = Path("annotation")

            @hookimpl
            def annotator_add(self, name: str, tasks: Sequence[AnnotationTask]) -> int:
                try:
                    config = json.loads((self.root / name / "config.json").read_text(encoding="utf-8"))
                except FileNotFoundError as error:
                    raise KeyError(name) from error
                for task in tasks:
                    if missing := set(config["fields"]) - set(task.data):
                        msg = f"task {task.id} has no {', '.join(sorted(missing))}"
                        raise ValueError(msg)
                files = {self.root / name / f"{task.id.encode().hex()}.task": task for task in tasks}
                new = {file: task for file, task in files.items() if not file.exists()}
                for file, task in new.items():
                    file.write_text(json.dumps({**asdict(task), "label": None}, indent=1), encoding="utf-8")
                return len(new)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def annotator_stats(name: str) -> AnnotationStats:
    """Count how far the labelling of a dataset is.

    Called in any process that has the stack. ``None`` when the tool does not count, and the host counts what
    :func:`annotator_labelled` and :func:`annotator_unlabelled` give.

    .. code-block:: python

        from typing import Any

        from plugbay_hookspecs import Secret, component, hookimpl
        from plugbay_hookspecs.types import AnnotationStats


        @component
        class LabelStudio:
            '''Asks a Label Studio server, where a dataset is a project.'''

            url: str = "http://127.0.0.1:8081"
            token: Secret = Secret("")

            @hookimpl
            def annotator_stats(self, name: str) -> AnnotationStats:
                project = self._project(name)
                labelled, skipped = project.num_tasks_with_annotations, project.skipped_annotations_number
                unlabelled = project.task_number - labelled - skipped
                return AnnotationStats(labelled=labelled, unlabelled=unlabelled, skipped=skipped)

            def _project(self, name: str) -> Any:
                from label_studio_sdk import LabelStudio

                server = LabelStudio(base_url=self.url, api_key=self.token.reveal())
                for project in server.projects.list():
                    if project.title == name:
                        return project
                raise KeyError(name)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def annotator_labelled(name: str) -> Iterator[Annotation]:
    """Read what people answered.

    Called in any process that has the stack. Answers that are drafts, or to decline, are left out.

    :returns: each annotation with its task; a task that several people labelled comes once for each, in the order in
        which they answered.

    .. code-block:: python

        import json
        from collections.abc import Iterator
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Annotation, AnnotationTask


        @component
        class Sheets:
            '''Keeps each task as a file, with a line for the label below.'''

            root: Path = Path("annotation")

            @hookimpl
            def annotator_labelled(self, name: str) -> Iterator[Annotation]:
                if not (self.root / name).is_dir():
                    raise KeyError(name)
                return self._labelled(self.root / name)

            def _labelled(self, folder: Path) -> Iterator[Annotation]:
                for file in sorted(folder.glob("*.task")):
                    task = json.loads(file.read_text(encoding="utf-8"))
                    label = task.pop("label")
                    if label is not None:
                        yield Annotation(task=AnnotationTask(**task), label=label, by=file.owner(), at=file.stat().st_mtime)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def annotator_unlabelled(name: str) -> Iterator[AnnotationTask]:
    """Read the tasks that nobody has labelled or declined yet.

    Called in any process that has the stack.

    :returns: the tasks, in the order in which they were added; ``None`` when the tool cannot tell.

    .. code-block:: python

        from collections.abc import Iterator
        from typing import Any

        from plugbay_hookspecs import Secret, component, hookimpl
        from plugbay_hookspecs.types import AnnotationTask


        @component
        class Argilla:
            '''Asks an Argilla server, whose records carry the ids that they were added with.'''

            url: str = "http://127.0.0.1:6900"
            key: Secret = Secret("")

            @hookimpl
            def annotator_unlabelled(self, name: str) -> Iterator[AnnotationTask]:
                import argilla

                dataset = argilla.Argilla(api_url=self.url, api_key=self.key.reveal()).datasets(name)
                if dataset is None:
                    raise KeyError(name)
                pending = argilla.Query(filter=argilla.Filter([("status", "==", "pending")]))
                return map(self._task, dataset.records(pending))

            def _task(self, record: Any) -> AnnotationTask:
                return AnnotationTask(id=record.id, data=dict(record.fields), metadata=dict(record.metadata))

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def annotator_delete(name: str) -> bool:
    """Delete a dataset with its tasks and annotations.

    Called in any process that has the stack. Idempotent: a name that is gone is no error here.

    :returns: whether there was one; ``None`` when the tool never deletes.

    .. code-block:: python

        import shutil
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class Sheets:
            '''Keeps each dataset as a folder of files.'''

            root: Path = Path("annotation")

            @hookimpl
            def annotator_delete(self, name: str) -> bool:
                folder = self.root / name
                if not folder.is_dir():
                    return False
                shutil.rmtree(folder)
                return True

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def annotator_launch() -> str:
    """Make the tool ready for a person to work with: start it where it runs on this machine.

    Called in any process that has the stack. Idempotent. Returns when the tool answers; it goes on running after the
    process has ended. Raises when it does not come up.

    :returns: the URL to open; ``None`` when there is nothing to open.

    .. code-block:: python

        import subprocess
        import time
        from urllib.request import urlopen

        from plugbay_hookspecs import component, hookimpl


        @component
        class LabelStudio:
            '''Runs Label Studio on this machine.'''

            port: int = 8081
            patience: float = 120.0

            @hookimpl
            def annotator_launch(self) -> str:
                url = f"http://127.0.0.1:{self.port}"
                if not self._answers(url):
                    command = ["label-studio", "start", "--no-browser", "--port", str(self.port)]
                    subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
                deadline = time.monotonic() + self.patience
                while not self._answers(url):
                    if time.monotonic() > deadline:
                        msg = f"Label Studio did not answer at {url} within {self.patience:g} s"
                        raise TimeoutError(msg)
                    time.sleep(1)
                return url

            def _answers(self, url: str) -> bool:
                try:
                    urlopen(f"{url}/health", timeout=5).close()
                except OSError:
                    return False
                return True

    .. versionadded:: 0.1
    """
    raise NotImplementedError
