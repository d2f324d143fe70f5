"""What is measured: the cases, and the peers with what they need and what a reader of their figures must know."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Case:
    """A pipeline that every peer runs."""

    name: str
    title: str
    unit: str
    whole_process: bool = False
    """Whether the figure is the wall-clock time of the process, and not what the script measured in it."""


CASES = (
    Case("first", "one step, whole process, first run of a new user", "ms", whole_process=True),
    Case("one", "one step, whole process", "ms", whole_process=True),
    Case("chain", "chain of 100 steps, outputs kept", "ms/step"),
    Case("again", "the same chain again in another process", "ms/step"),
    Case("fan", "8 steps that sleep 0.5 s, side by side", "s"),
)


@dataclass(frozen=True)
class Peer:
    """A library, and how it is installed and run."""

    name: str
    title: str
    requirements: tuple[str, ...]
    """As for pip; folders of this repository are absolute paths."""
    notes: str
    variables: dict[str, str] = field(default_factory=dict)
    """Of the environment of its scripts; ``{home}`` is the folder that is their home."""

    @property
    def script(self) -> Path:
        """The script that runs its cases."""
        return Path(__file__).with_name(f"{self.name}_case.py")


PLUGBAY = Peer(
    "plugbay",
    "Plugbay",
    tuple(str(ROOT / folder) for folder in ("hookspecs", "core", "plugins/local", "plugins/progress")),
    "Every output and record is on the disk (fsync) before the next step starts. A chain runs in the driver, a fan in"
    " worker processes. No server, no database, no UI.",
)

PEERS = (
    Peer(
        "zenml",
        "ZenML",
        ("zenml[local]>=0.98",),
        "Does more: a SQLite database with lineage, versioned artifacts, metadata and logs of each step; a UI on top. Its"
        " first run in a new home makes the database. A static pipeline runs its steps one after the other; the fan is a"
        " dynamic pipeline, which runs them in threads.",
        {"ZENML_ANALYTICS_OPT_IN": "false", "ZENML_DISABLE_INTERACTIVE_INPUT": "true"},
    ),
    Peer(
        "kedro",
        "Kedro",
        ("kedro>=1.7", "kedro-datasets>=9"),
        "Does less: no history, no fingerprints. It keeps outputs in memory unless a catalog says otherwise; here one rule"
        " keeps all as pickles, without fsync. The second time is `only_missing_outputs`, which looks whether files are"
        " there, not whether code or inputs changed. The fan is `ParallelRunner`, in processes. No UI (Kedro-Viz is one).",
        {"KEDRO_DISABLE_TELEMETRY": "1"},
    ),
    Peer(
        "metaflow",
        "Metaflow",
        ("metaflow>=2.19.39",),
        "Every step is a new process, and every variable of it is kept as a content-addressed file, with its logs. A flow"
        " has a start and an end: one step is two tasks, the fan is eleven. There is no cache; the second time is `resume`,"
        " which copies the records of a given run's finished tasks. No database; the UI is a service of its own.",
        {"METAFLOW_USER": "peers"},
    ),
    Peer(
        "dagster",
        "Dagster",
        ("dagster>=1.13",),
        "Does more: an event log in SQLite, types, assets and schedules; the UI is `dagster-webserver`. The chain runs in"
        " one process, which is faster than its default of a process for each step; the fan is that default, so each of its"
        " 8 steps starts Python and imports Dagster. Runs skip nothing: assets show what is stale, and do not cache.",
        {"DAGSTER_HOME": "{home}/dagster", "DAGSTER_DISABLE_TELEMETRY": "yes"},
    ),
    Peer(
        "prefect",
        "Prefect",
        ("prefect>=3.8", "fastapi<0.150"),
        "Does more: an API server with a SQLite database, states and events; a UI on top. Without a configured server each"
        " process starts one and waits for it, which is most of the whole process; a server that runs all the time saves"
        " it, and it is not in the other figures. Tasks are reported to the server in the background. Results are kept only"
        " where asked, as here, by a cache over source and inputs; without fsync. The fan is in threads.",
        {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"},
    ),
    Peer(
        "luigi",
        "Luigi",
        ("luigi>=3.8",),
        "Does less: no history, no fingerprints; a task writes its own file. The second time looks at the last file only,"
        " because nothing before it is needed, and not whether code or inputs changed. Files are renamed into place without"
        " fsync. The fan forks processes. The central scheduler, with a UI, is not used.",
    ),
    Peer(
        "redun",
        "redun",
        ("redun>=0.44",),
        "Like Plugbay it caches by code and inputs; calls, values and their lineage are kept in SQLite. The fan is in"
        " threads, of which it has 20. A UI in the terminal.",
    ),
    Peer(
        "joblib",
        "joblib.Memory",
        ("joblib>=1.5",),
        "Does less: a cache of function calls and no pipelines: no plan, no records, no history, no fsync. A function's own"
        " code counts, not what it calls. The fan is `Parallel`, in processes.",
    ),
)

VARIABLES = {
    "DO_NOT_TRACK": "1",
    "LANG": "C.UTF-8",
    "NO_COLOR": "1",
    "USER": "peers",
}
"""Of the environment of every script."""
