"""What is Feast's own: its repositories, its other kinds of views, and what is told when something is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from plugbay.testing.waiting import stretched

sys.path.insert(0, str(Path(__file__).parent))

from feast_views import define

from plugbay import Stack, current, pipeline, step
from plugbay.testing.feature_tables import NOW, FeatureHooks, View, ago, asked, row
from plugbay.testing.hooks import hooks_of
from plugbay.testing.processes import at_once, call
from plugbay_feast.feature_store import FeastFeatureStore
from plugbay_hookspecs import Secret
from plugbay_hookspecs.types import StackInfo
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.orchestrator import LocalOrchestrator

HISTORY = [row(1, ago(5), 20), row(2, ago(3), 7), row(1, ago(1), 30)]
REPOSITORY = """
project: flights
provider: local
registry: registry.db
online_store:
  type: sqlite
  path: online.db
"""
ENTITIES = """
from feast import Entity, ValueType
driver = Entity(name="driver", join_keys=["driver"], value_type=ValueType.INT64)
"""
VIEWS = """
from datetime import timedelta
from entities import driver
from feast import FeatureService, FeatureView, Field, FileSource
from feast.types import Int64
history = FileSource(name="history", path="history.parquet", timestamp_field="at", created_timestamp_column="created")
stats = FeatureView(name="stats", entities=[driver], ttl=timedelta(days=1), source=history, schema=[Field(name="trips", dtype=Int64)])
model = FeatureService(name="model", features=[stats], tags={"team": "blue"})
"""


def store_at(folder: Path, **settings: Any) -> FeatureHooks:
    return FeatureHooks(hooks_of(FeastFeatureStore(repository=folder, **settings), "feature_store"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A feature repository as `feast apply` takes it."""
    folder = tmp_path / "flights"
    folder.mkdir()
    for name, text in (("feature_store.yaml", REPOSITORY), ("entities.py", ENTITIES), ("views.py", VIEWS)):
        (folder / name).write_text(text)
    times = pd.to_datetime([ago(5), ago(1), ago(1)], utc=True)
    created = pd.to_datetime([ago(5), ago(0.5), ago(1)], utc=True)
    table = pd.DataFrame({"driver": [1, 1, 1], "at": times, "created": created, "trips": [20, 31, 30]})
    table.to_parquet(folder / "history.parquet")
    return folder


class TestRepository:
    def test_a_repository_is_read_as_it_is(self, repository: Path) -> None:
        """Its file of settings, and definitions that import each other; of one moment the last that was created."""
        store = store_at(repository)
        store.apply(repository)
        assert store.historical(asked((1, NOW), (1, ago(3))), "stats:trips")["trips"] == [31, 20]
        store.materialize(NOW)
        assert store.online([1], "model")["trips"] == [31]
        assert (repository / "registry.db").exists()
        assert (repository / "online.db").exists()
        (service,) = store.listed("service")
        assert (service.name, dict(service.tags)) == ("model", {"team": "blue"})
        assert "entities" not in sys.modules

    def test_what_feast_wrote_itself_is_read_and_the_other_way_round(self, repository: Path) -> None:
        apply = [str(Path(sys.executable).with_name("feast")), "apply"]
        subprocess.run(apply, cwd=repository, check=True, capture_output=True, timeout=stretched(300))
        store = store_at(repository)
        assert [view.name for view in store.listed("view")] == ["stats"]
        store.materialize(NOW)
        program = (
            "from feast import FeatureStore\n"
            "found = FeatureStore('.').get_online_features(['stats:trips'], [{'driver': 1}]).to_dict()\n"
            "assert found['trips'] == [31], found"
        )
        subprocess.run([sys.executable, "-c", program], cwd=repository, check=True, timeout=stretched(300))

    def test_changed_files_are_read_anew(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "dont_write_bytecode", False)
        store = store_at(repository)
        store.apply(repository)
        (repository / "views.py").write_text(VIEWS.replace('name="model"', 'name="other"'))
        store.apply(repository / "views.py")
        assert [service.name for service in store.listed("service")] == ["model", "other"]

    def test_there_must_be_definitions(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"there are no definitions at .*nowhere"):
            store_at(tmp_path).apply(tmp_path / "nowhere")


class TestViews:
    @pytest.mark.filterwarnings("ignore:On demand feature view is an experimental feature:RuntimeWarning")
    def test_features_computed_on_demand_keep_rows_that_come_twice(self, tmp_path: Path) -> None:
        from feast import Field, RequestSource
        from feast.on_demand_feature_view import on_demand_feature_view
        from feast.types import Float64, Int64

        store = store_at(tmp_path / "repository")
        definitions = define([View(name="stats", history=HISTORY)], [], tmp_path)
        view = definitions[-1]
        request = RequestSource(name="request", schema=[Field(name="factor", dtype=Int64)])

        @on_demand_feature_view(sources=[view, request], schema=[Field(name="scaled", dtype=Float64)])
        def computed(inputs: pd.DataFrame) -> pd.DataFrame:
            return pd.DataFrame({"scaled": (inputs["trips"] * inputs["factor"]).astype("float64")})

        store.apply([*definitions, computed])
        entities = asked((1, NOW), (2, NOW), (1, NOW), factor=[2, 3, 4])
        assert store.historical(entities, "computed:scaled")["scaled"] == [60.0, 21.0, 120.0]
        store.materialize(NOW)
        found = store.hooks.feature_store_online_features(
            rows=[{"driver": 1, "factor": 5}], features=["computed:scaled"], full_names=False
        )
        assert found == {"driver": [1], "factor": [5], "scaled": [150.0]}

    def test_a_service_may_rename_a_view_and_its_keys(self, tmp_path: Path) -> None:
        from feast import FeatureService

        store = store_at(tmp_path / "repository")
        definitions = define([View(name="stats", history=HISTORY)], [], tmp_path)
        renamed = definitions[-1][["trips"]].with_name("first").with_join_key_map({"driver": "first_driver"})
        store.apply([*definitions, FeatureService(name="model", features=[renamed])])
        entities = asked((1, NOW), (2, NOW), (1, NOW), key="first_driver")
        assert store.historical(entities, "model", full_names=True)["first__trips"] == [30, 7, 30]
        with pytest.raises(ValueError, match="first_driver"):
            store.historical(asked((1, NOW)), "model")
        store.materialize(NOW)
        assert store.online([2, 1], "model", key="first_driver", full_names=True)["first__trips"] == [7, 30]

    def test_a_column_of_the_table_is_not_overwritten(self, tmp_path: Path) -> None:
        store = store_at(tmp_path / "repository")
        store.apply(define([View(name="stats", history=HISTORY)], [], tmp_path))
        with pytest.raises(ValueError, match="has a column 'trips' already; ask for full names"):
            store.historical(asked((1, NOW), trips=[1]), "stats:trips")


class TestOnlineStore:
    def test_without_one_there_is_history_alone(self, tmp_path: Path) -> None:
        store = store_at(tmp_path / "repository", online_store={"type": "none"})
        store.apply(define([View(name="stats", history=HISTORY, source="live")], [], tmp_path))
        store.materialize(NOW)
        online = store.hooks.feature_store_online_features
        assert online(rows=[{"driver": 1}], features=["stats:trips"], full_names=False) is None
        with pytest.raises(ValueError, match="no online part"):
            store.push(row(1, NOW, 1), to="both")
        assert store.historical(asked((1, NOW)), "stats:trips")["trips"] == [30]


class TestSettings:
    def test_describing_the_flavor_imports_no_feast(self) -> None:
        program = (
            "import sys, attrs; from plugbay_feast.feature_store import FeastFeatureStore as Store; attrs.fields(Store);"
            "repr(Store()); assert not {'feast', 'pandas', 'narwhals'} & set(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", program], check=True, timeout=stretched(60))

    def test_a_secret_is_not_in_the_error(self, tmp_path: Path) -> None:
        secrets = {"online_store.nonsense": Secret("hunter2")}
        store = store_at(tmp_path, secrets=secrets)
        with pytest.raises(ValueError, match=r"(?s)Feast refuses the configuration of .*nonsense") as raised:
            store.listed("view")
        assert "hunter2" not in f"{raised.value!r} {raised.value.__cause__!r}"

    def test_the_configurations_of_the_guide_are_right(self, tmp_path: Path) -> None:
        """And nothing that is secret in them is shown."""
        text = (Path(__file__).parents[3] / "docs" / "plugins" / "feast.md").read_text(encoding="utf-8")
        config = "\n".join(re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
        (tmp_path / "plugbay.toml").write_text(config, encoding="utf-8")
        environment = {
            **os.environ,
            "PLUGBAY_HOME": str(tmp_path / "home"),
            "FEATURES_REDIS": "127.0.0.1:1,password=hunter2",
        }
        for command in (["check", "default"], ["check", "serving"], ["show", "serving"]):
            done = subprocess.run(
                [sys.executable, "-m", "plugbay", "stack", *command],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=stretched(60),
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert "hunter2" not in done.stdout + done.stderr

    def test_what_is_wrong_is_found_without_feast(self) -> None:
        component = FeastFeatureStore(project="a b", secrets={"password": Secret("x")})
        problems = component.component_validate(StackInfo(name="s", components=()))
        assert [problem.message for problem in problems] == [
            "'a b' is no name of a Feast project",
            "'password' is no path of a setting of Feast",
        ]


class TestProcesses:
    def test_definitions_applied_at_once_are_all_there(self, tmp_path: Path) -> None:
        component = FeastFeatureStore(repository=tmp_path / "repository")
        scripts = []
        for number in range(2):
            folder = tmp_path / str(number)
            folder.mkdir()
            views = [View(name=f"view_{number}_{each}", history=HISTORY) for each in range(5)]
            scripts.append(
                [call("feature_store_apply", definitions=define([view], [], _made(folder, view))) for view in views]
            )
        outcomes = at_once(component, "feature_store", scripts)
        assert [each.error for script in outcomes for each in script] == [None] * 10
        assert len(FeatureHooks(hooks_of(component, "feature_store")).listed("view")) == 10, "a definition was lost"


def _made(folder: Path, view: View) -> Path:
    (folder / view.name).mkdir()
    return folder / view.name


@step
def training_table() -> pd.DataFrame:
    entities = pd.DataFrame({"driver": [2, 1], "event_timestamp": [NOW, NOW - timedelta(hours=2)], "label": [0, 1]})
    return current().feature_store.historical_features(entities, ["stats:trips", "stats:note"])


@step
def total(table: pd.DataFrame) -> int:
    return int(table["trips"].sum())


def test_a_step_reads_features_of_the_stack(tmp_path: Path) -> None:
    features = FeastFeatureStore(repository=tmp_path / "repository")
    FeatureHooks(hooks_of(features, "feature_store")).apply(define([View(name="stats", history=HISTORY)], [], tmp_path))
    stack = Stack(
        orchestrator=LocalOrchestrator(workers=1),
        artifact_store=LocalArtifactStore(path=tmp_path / "store"),
        feature_store=features,
    )
    run = pipeline(lambda: total(training_table())).run(stack=stack)
    assert run["total"].output.load() == 27
    assert list(run["training_table"].output.load().columns) == ["driver", "event_timestamp", "label", "trips", "note"]
