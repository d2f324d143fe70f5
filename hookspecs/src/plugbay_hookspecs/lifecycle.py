"""Hooks that every component may implement, whatever its type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from plugbay_hookspecs.markers import hookspec

if TYPE_CHECKING:
    from plugbay_hookspecs.types import Health, ObjectStore, Problem, StackInfo


@hookspec
def component_validate(stack: StackInfo) -> Sequence[Problem]:
    """Find what is wrong with the settings, without any I/O.

    Called before every run and by ``plugbay stack check``, in the driver, for every component of the stack; the
    problems of all are shown together. It should return problems, not raise; an exception becomes a problem.

    :param stack: the components of the stack, this one included.
    :returns: the problems, empty or ``None`` when there are none.

    .. code-block:: python

        from collections.abc import Sequence

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Problem, StackInfo


        @component
        class Cluster:
            '''Runs steps on the machines of a cluster.'''

            workers: int = 4

            @hookimpl
            def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
                problems = []
                if self.workers < 1:
                    problems.append(Problem(message=f"workers is {self.workers}", remedy="Set it to 1 or more."))
                if any(other.type == "artifact_store" and other.flavor == "local" for other in stack.components):
                    problems.append(Problem(message="The cluster's machines cannot reach a local artifact store"))
                return problems

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def component_health() -> Health:
    """Ask the tool behind the component whether it answers.

    Called by ``plugbay stack check --live``, addressed to one component, started before. May take seconds. An exception
    counts as an unhealthy answer; ``None`` means that there is nothing to ask.

    :returns: whether the tool answers, a line of detail, and the latency in seconds.

    .. code-block:: python

        import sqlite3
        from contextlib import closing
        from time import perf_counter

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Health


        @component
        class SqliteDatabase:
            '''Keeps what it is given in an SQLite database.'''

            file: str = ":memory:"

            @hookimpl
            def component_health(self) -> Health:
                asked = perf_counter()
                with closing(sqlite3.connect(self.file)) as database:
                    (version,) = database.execute("SELECT sqlite_version()").fetchone()
                return Health(ok=True, detail=f"SQLite {version}", latency=perf_counter() - asked)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def component_provision() -> None:
    """Create the infrastructure outside that the component needs: a bucket, a database, a cluster.

    Called by ``plugbay stack up``, addressed to one component, in stack order. Idempotent: what exists is left alone.
    Raises when it could not be created.

    .. code-block:: python

        import sqlite3
        from contextlib import closing

        from plugbay_hookspecs import component, hookimpl


        @component
        class SqliteDatabase:
            '''Keeps the metrics of all runs in an SQLite database.'''

            file: str = "metrics.db"

            @hookimpl
            def component_provision(self) -> None:
                with closing(sqlite3.connect(self.file)) as database:
                    database.execute("CREATE TABLE IF NOT EXISTS metric (run_id, step, name, value)")

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def component_deprovision() -> None:
    """Destroy what :func:`component_provision` created.

    Called by ``plugbay stack down``, addressed to one component, in reverse stack order. Idempotent: what is gone is no
    error. Raises when it could not be destroyed.

    .. code-block:: python

        import shutil
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class Folder:
            '''Keeps what it is given in a folder of its own.'''

            root: Path = Path("plugbay-folder")

            @hookimpl
            def component_provision(self) -> None:
                self.root.mkdir(parents=True, exist_ok=True)

            @hookimpl
            def component_deprovision(self) -> None:
                if self.root.exists():
                    shutil.rmtree(self.root)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def component_start(store: ObjectStore) -> None:
    """Connect: get ready to be used in this process.

    Called once in each process that uses the stack, in stack order, before any other hook of the component except
    :func:`component_validate`, :func:`component_describe`, :func:`component_provision` and :func:`component_deprovision`.
    If it raises, the components that were started are stopped in reverse order and the command fails with the error.

    :param store: a part of the stack's artifact store that is the component's own, for what it keeps itself: under
        ``components/<type>/``, with the component's name behind it where a stack may have several of the type. It can be
        used from the end of this hook to the end of :func:`component_stop`; in this hook, too, but neither by the
        orchestrator, which is started before the artifact store, nor by the artifact store, which is given a part of
        itself. A component that is pickled loses it, and gets that of the process in which it is started.

    .. code-block:: python

        import json

        from attrs import field
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Message, ObjectStore


        @component
        class Archive:
            '''Keeps every message beside the runs, where any machine finds it that reaches the artifact store.'''

            _store: ObjectStore | None = field(default=None, init=False, repr=False)

            @hookimpl
            def component_start(self, store: ObjectStore) -> None:
                self._store = store

            @hookimpl
            def alerter_post(self, message: Message) -> bool:
                if self._store is None:
                    msg = "the archive is not started"
                    raise OSError(msg)
                known = sum(1 for _ in self._store.list())
                text = json.dumps({"title": message.title, "text": message.text})
                while not self._store.put(f"{known:08}.json", text.encode(), if_absent=True):
                    known += 1
                return True

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def component_stop() -> None:
    """Release what :func:`component_start` took.

    Called once in each process for every component whose start succeeded or has no start, in reverse stack order, also
    when a later component failed to start. Exceptions of several components are raised together.

    .. code-block:: python

        import sqlite3

        from attrs import field
        from plugbay_hookspecs import component, hookimpl


        @component
        class SqliteDatabase:
            '''Holds one connection to an SQLite database for as long as the process uses the stack.'''

            file: str = ":memory:"
            _connection: sqlite3.Connection | None = field(default=None, init=False, repr=False)

            @hookimpl
            def component_start(self) -> None:
                self._connection = sqlite3.connect(self.file, check_same_thread=False)

            @hookimpl
            def component_stop(self) -> None:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def component_describe() -> Mapping[str, str]:
    """Tell facts and URLs that help a person to find the tool; never a secret.

    Called by ``plugbay stack show``, addressed to one component that may not be started. No I/O. ``None`` means that
    there is nothing to tell.

    .. code-block:: python

        from collections.abc import Mapping

        from plugbay_hookspecs import Secret, component, hookimpl


        @component
        class TrackingServer:
            '''Sends metrics to a tracking server.'''

            url: str = "https://tracking.example.com"
            project: str = "default"
            token: Secret | None = None

            @hookimpl
            def component_describe(self) -> Mapping[str, str]:
                return {"project": self.project, "dashboard": f"{self.url}/projects/{self.project}"}

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def component_requirements() -> Sequence[str]:
    """Name what a remote worker must have installed to use the component.

    Called in the driver when work leaves the machine, addressed to one component. ``None`` stands for the flavor's own
    distribution at its installed version.

    :returns: PEP 508 requirements.

    .. code-block:: python

        from collections.abc import Sequence
        from importlib.metadata import version

        from plugbay_hookspecs import component, hookimpl


        @component
        class Tracker:
            '''Sends metrics from the workers, which need the contract and nothing else.'''

            @hookimpl
            def component_requirements(self) -> Sequence[str]:
                return [f"plugbay-hookspecs=={version('plugbay-hookspecs')}"]

    .. versionadded:: 0.1
    """
    raise NotImplementedError
