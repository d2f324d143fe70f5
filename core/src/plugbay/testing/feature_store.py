"""What every feature store does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from plugbay.testing.component import ComponentContract
from plugbay.testing.feature_tables import NOW, FeatureHooks, Service, View, ago, asked, frame, row, same, values
from plugbay.testing.processes import call
from plugbay.testing.waiting import stretched
from plugbay_hookspecs.types import FeatureDefinition, FeatureKind, PushTarget

KINDS: tuple[FeatureKind, ...] = ("entity", "view", "service", "source")
HOSTILE_TEXTS = ("ü 日本 🎈", "a'b\"c`;--", "'; DROP TABLE view; --", "%s {x} \\n", "a:b__c", "../up", " ", "null")

STATS = View(
    name="stats",
    history=[row(1, ago(5), 20), row(2, ago(3), 7), row(1, ago(1), 30), row(1, ago(10), 10)],
    source="live",
)
FRESH = View(
    name="fresh", history=[row(1, ago(6), 60), row(2, ago(1), 61)], ttl=timedelta(hours=2), source="fresh_live"
)
SERVICE = Service(name="model", features=("stats:trips", "fresh:rating"))


class FeatureStoreContract(ComponentContract):
    """Tests of a feature store. A subclass overrides the fixture ``component`` and says how its tool defines a view."""

    component_type: ClassVar[str] = "feature_store"
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {
            "apply",
            "list",
            "online",
            "push_online",
            "push_offline",
            "services",
            "ttl",
            "names",
            "pandas",
            "polars",
            "pyarrow",
        }
    )
    libraries: ClassVar[tuple[str, ...]] = ("pandas", "polars", "pyarrow")
    names: ClassVar[tuple[str, ...]] = ("ü 日本 🎈", "a b", "SELECT", "a'b\"c", "x;--")
    """Names that views and features have in the test of names; what the tool refuses is declared as lacking ``names``."""
    processes: ClassVar[int] = 2
    patience: ClassVar[float] = 60
    """Seconds in which another process has begun: its imports take most of them."""

    def define(self, views: Sequence[View], services: Sequence[Service], folder: Path) -> Path | Sequence[Any]:
        """Put each view's history where the tool reads it; return the definitions to apply."""
        msg = f"{type(self).__name__} needs a method 'define' that writes down views and services for the tool"
        raise NotImplementedError(msg)

    def refused(self, good: View, folder: Path) -> Path | Sequence[Any]:
        """Return definitions of a good view and of something that the tool refuses."""
        msg = f"{type(self).__name__} needs a method 'refused' with definitions that the tool refuses"
        raise NotImplementedError(msg)

    @pytest.fixture
    def store(self, hooks: Any) -> FeatureHooks:
        """The hooks by shorter names; nothing is defined."""
        return FeatureHooks(hooks)

    @pytest.fixture
    def features(self, store: FeatureHooks, tmp_path: Path) -> FeatureHooks:
        """The store with two views and a service."""
        self.defined(store, tmp_path, STATS, FRESH)
        return store

    @pytest.fixture(params=libraries)
    def library(self, request: pytest.FixtureRequest) -> str:
        """Each library of dataframes that the flavor takes."""
        name: str = request.param
        self.need(name)
        pytest.importorskip(name)
        return name

    def defined(self, store: FeatureHooks, folder: Path, *views: View) -> None:
        """Apply views, and the service where it can be."""
        made = {view.name for view in views}
        services = [SERVICE] if {"stats", "fresh"} <= made and "services" not in self.lacking else []
        folder = folder / "defined"
        folder.mkdir(parents=True, exist_ok=True)
        store.apply(self.define(views, services, folder))

    # What was known at a moment

    def test_nothing_of_the_future_is_known(self, features: FeatureHooks) -> None:
        """Of several values, and where there are only later ones."""
        found = features.historical(asked((1, ago(1, -1)), (1, ago(10, -1)), (2, ago(4))), "stats:trips")
        assert same(found["trips"], [20, None, None]), f"a value from the future is known: {found['trips']}"

    def test_a_value_counts_from_its_own_moment(self, features: FeatureHooks) -> None:
        """An entity at the very time of a value has it."""
        found = features.historical(asked((1, ago(10)), (1, ago(5)), (1, ago(1))), "stats:trips")
        assert same(found["trips"], [10, 20, 30]), f"a value is not known at its own moment: {found['trips']}"

    def test_the_latest_value_is_taken(self, features: FeatureHooks) -> None:
        """In whatever order history was written."""
        found = features.historical(
            asked((1, ago(7)), (1, ago(2)), (1, NOW), (2, NOW)), "stats:trips", "stats:rating", "stats:note"
        )
        assert same(found["trips"], [10, 20, 30, 7]), f"not the latest values: {found['trips']}"
        assert same(found["rating"], [2.5, 5.0, 7.5, 1.75])
        assert found["note"][0] == "Größe 10 日本"

    def test_an_entity_that_is_unknown_has_nulls(self, features: FeatureHooks) -> None:
        """And its row stays."""
        found = features.historical(asked((99, NOW), (1, NOW)), "stats:trips", "stats:note")
        assert same(found["trips"], [None, 30])
        assert found["note"][0] is None

    def test_values_older_than_the_time_to_live_are_null(self, features: FeatureHooks) -> None:
        """One as old as that is not older."""
        self.need("ttl")
        found = features.historical(asked((1, ago(4)), (1, ago(4, 1)), (1, ago(6, -1))), "fresh:trips")
        assert same(found["trips"], [60, None, None]), f"the time to live is not kept: {found['trips']}"

    def test_a_view_without_a_time_to_live_never_forgets(self, store: FeatureHooks, tmp_path: Path) -> None:
        """However old the value is."""
        self.defined(store, tmp_path, View(name="old", history=[row(1, ago(10 * 366 * 24), 3)]))
        assert same(store.historical(asked((1, NOW)), "old:trips")["trips"], [3])

    def test_one_view_says_nothing_of_another(self, features: FeatureHooks) -> None:
        """Where it knows nothing, or only what is too old or to come, the other's values stay."""
        rows = ((1, ago(2)), (2, ago(2)), (1, ago(5)), (2, NOW))
        for views in (("stats", "fresh"), ("fresh", "stats")):
            found = features.historical(asked(*rows), *(f"{view}:trips" for view in views), full_names=True)
            assert same(found["stats__trips"], [20, 7, 20, 7]), f"a view lost values: {found['stats__trips']}"
            if "ttl" not in self.lacking:
                assert same(found["fresh__trips"], [None, None, 60, 61]), f"a view lost values: {found['fresh__trips']}"

    # The table

    def test_rows_keep_their_order_and_their_columns(self, features: FeatureHooks, library: str) -> None:
        """Also those that come twice."""
        rows = [(2, NOW), (1, ago(5)), (99, NOW), (1, NOW), (2, NOW), (1, ago(11)), (1, ago(5))]
        labels = ["a", "b", "c", "d", "e", "f", "g"]
        found = features.historical(asked(*rows, label=labels), "stats:trips", library=library)
        assert list(found) == ["driver", "event_timestamp", "label", "trips"]
        assert found["label"] == labels, f"the rows are not those of the table in their order: {found['label']}"
        assert found["driver"] == [driver for driver, _ in rows]
        assert same(found["trips"], [7, 20, None, 30, 7, None, 20])

    def test_the_table_is_left_as_it_was(self, features: FeatureHooks, library: str) -> None:
        """Nothing is added to it, and no time changed."""
        table = frame(library, asked((2, NOW), (1, ago(5))))
        before = [list(values(table[name])) for name in ("driver", "event_timestamp")]
        features.historical(table, "stats:trips")
        assert list(getattr(table, "column_names", table.columns)) == ["driver", "event_timestamp"]
        assert [list(values(table[name])) for name in ("driver", "event_timestamp")] == before

    def test_times_without_a_zone_are_utc(self, features: FeatureHooks, library: str) -> None:
        """And times of another zone are the moments that they are."""
        naive = [ago(5).replace(tzinfo=None), ago(5, -1).replace(tzinfo=None)]
        found = features.historical({"driver": [1, 1], "event_timestamp": naive}, "stats:trips", library=library)
        assert same(found["trips"], [20, 10]), f"not read as UTC: {found['trips']}"

    def test_a_table_without_rows_has_the_columns(self, features: FeatureHooks) -> None:
        """As one with rows has them."""
        table = frame("pandas", asked((1, NOW)))[:0]
        assert features.historical(table, "stats:trips") == {"driver": [], "event_timestamp": [], "trips": []}

    def test_a_table_that_lacks_a_column_is_refused(self, features: FeatureHooks) -> None:
        """The error names it."""
        with pytest.raises(ValueError, match="driver"):
            features.historical({"other": [1], "event_timestamp": [NOW]}, "stats:trips")
        with pytest.raises(ValueError, match="event_timestamp"):
            features.historical({"driver": [1], "moment": [NOW]}, "stats:trips")

    # Names

    def test_full_names_tell_views_apart(self, features: FeatureHooks) -> None:
        """Without them two features of one name are refused."""
        both = ("stats:trips", "fresh:trips")
        found = features.historical(asked((2, NOW)), *both, full_names=True)
        assert list(found) == ["driver", "event_timestamp", "stats__trips", "fresh__trips"]
        with pytest.raises(ValueError, match="trips"):
            features.historical(asked((2, NOW)), *both)

    def test_a_service_is_a_name_for_features(self, features: FeatureHooks) -> None:
        """Read alone by its name."""
        self.need("services")
        found = features.historical(asked((2, NOW), (1, NOW)), "model")
        assert same(found["trips"], [7, 30])
        assert same(found["rating"], [61 / 4, None if "ttl" not in self.lacking else 15])
        assert {"stats__trips", "fresh__rating"} <= features.historical(
            asked((2, NOW)), "model", full_names=True
        ).keys()

    @pytest.mark.parametrize(
        ("feature", "named"), [("nothing:trips", "nothing"), ("stats:nothing", "nothing"), ("nothing", "nothing")]
    )
    def test_what_is_unknown_is_a_key_error_that_names_it(
        self, features: FeatureHooks, feature: str, named: str
    ) -> None:
        """Of the view, the feature or the service."""
        with pytest.raises(KeyError, match=named):
            features.historical(asked((1, NOW)), feature)
        if "online" not in self.lacking:
            with pytest.raises(KeyError, match=named):
                features.online([1], feature)
            with pytest.raises(KeyError, match=named):
                features.materialize(NOW, named)

    def test_names_are_any_text(self, store: FeatureHooks, tmp_path: Path) -> None:
        """Of views and of features."""
        self.need("names")
        for number, name in enumerate(self.names):
            history = [{"driver": 1, "event_timestamp": ago(1), name: number}]
            self.defined(store, tmp_path / str(number), View(name=name, features={name: "int"}, history=history))
        for number, name in enumerate(self.names):
            assert same(store.historical(asked((1, NOW)), f"{name}:{name}")[name], [number])
            if "online" not in self.lacking:
                store.materialize(NOW, name)
                assert store.online([1], f"{name}:{name}") == [number]

    def test_keys_and_values_are_any_text(self, store: FeatureHooks, tmp_path: Path) -> None:
        """And come back as they were."""
        history = [{"who": text, "event_timestamp": ago(1), "text": text} for text in HOSTILE_TEXTS]
        people = View(name="people", key="who", key_type="str", features={"text": "str"}, history=history)
        self.defined(store, tmp_path, people)
        found = store.historical(asked(*((text, NOW) for text in HOSTILE_TEXTS), key="who"), "people:text")
        assert found["text"] == list(HOSTILE_TEXTS)
        if "online" not in self.lacking:
            store.materialize(NOW)
            assert store.online([*HOSTILE_TEXTS, "nobody"], "people:text", key="who") == [*HOSTILE_TEXTS, None]

    # Definitions

    def test_what_was_applied_is_listed(self, store: FeatureHooks, tmp_path: Path) -> None:
        """In the order of names; nothing before."""
        self.need("list")
        for kind in KINDS:
            assert store.listed(kind) == [], f"there is a {kind} before anything was defined"
        self.defined(store, tmp_path, STATS, FRESH)
        views = {view.name: view for view in store.listed("view")}
        assert list(views) == ["fresh", "stats"], f"not the views in the order of their names: {list(views)}"
        assert views["stats"].keys == ("driver",)
        assert set(views["stats"].features) == {"trips", "rating", "note"}
        assert views["stats"].ttl is None
        if "ttl" not in self.lacking:
            assert views["fresh"].ttl == 7200
        assert [entity.keys for entity in store.listed("entity")] == [("driver",)]
        if "services" not in self.lacking:
            (service,) = store.listed("service")
            assert (service.name, set(service.features)) == ("model", {"stats:trips", "fresh:rating"})
        if "push_online" not in self.lacking:
            assert [source.name for source in store.listed("source")] == ["fresh_live", "live"]
        for kind in KINDS:
            assert all(each.kind == kind for each in store.listed(kind))

    def test_applying_again_changes_nothing(self, features: FeatureHooks, tmp_path: Path) -> None:
        """Neither definitions nor values."""
        self.need("list")
        before = [features.listed(kind) for kind in KINDS]
        if "online" not in self.lacking:
            features.materialize(NOW)
        for _ in range(2):
            self.defined(features, tmp_path, STATS, FRESH)
        after = [features.listed(kind) for kind in KINDS]
        assert after == before, "the same definitions were applied, and what is listed is not the same"
        if "online" not in self.lacking:
            assert features.online([1], "stats:trips") == [30], "values were lost"

    def test_other_definitions_stay(self, features: FeatureHooks, tmp_path: Path) -> None:
        """Those that are not among the applied ones."""
        self.need("list")
        self.defined(features, tmp_path / "more", View(name="more", history=[row(1, ago(1), 5)]))
        assert [view.name for view in features.listed("view")] == ["fresh", "more", "stats"], "a definition is gone"
        assert same(features.historical(asked((1, NOW)), "more:rating", "stats:trips")["trips"], [30])

    def test_what_is_refused_changes_nothing(self, features: FeatureHooks, tmp_path: Path) -> None:
        """Not even by what is good among it."""
        self.need("apply")
        (tmp_path / "refused").mkdir()
        before = features.listed("view") if "list" not in self.lacking else None
        with pytest.raises(ValueError):
            features.apply(self.refused(View(name="good", history=[row(1, ago(1), 5)]), tmp_path / "refused"))
        with pytest.raises(KeyError):
            features.historical(asked((1, NOW)), "good:trips")
        if before is not None:
            assert features.listed("view") == before, "some of what was refused is there"

    # What is known now

    def test_materialized_values_are_the_latest(self, features: FeatureHooks) -> None:
        """One for each row, in their order; nothing before, and nothing of who is unknown."""
        self.need("online")
        assert features.online([1, 2], "stats:trips") == [None, None]
        features.materialize(NOW)
        found = features.online([2, 99, 1, 2], "stats:trips", "stats:rating", "stats:note")
        assert set(found) == {"driver", "trips", "rating", "note"}
        assert same(found["trips"], [7, None, 30, 7]), (
            f"not the latest values in the order of the rows: {found['trips']}"
        )
        assert same(found["rating"], [1.75, None, 7.5, 1.75])
        assert found["note"] == ["Größe 7 日本", None, "Größe 30 日本", "Größe 7 日本"]

    def test_materializing_again_changes_nothing(self, features: FeatureHooks) -> None:
        """From where it ended, and of the same period."""
        self.need("online")
        for start in (ago(20), ago(20), None, None):
            features.materialize(NOW, start=start)
            assert features.online([1, 2], "stats:trips") == [30, 7]

    def test_an_older_period_replaces_nothing_newer(self, features: FeatureHooks) -> None:
        """It fills in what was not known."""
        self.need("online")
        features.materialize(NOW, start=ago(2))
        assert features.online([1, 2], "stats:trips") == [30, None]
        features.materialize(ago(2), start=ago(20))
        assert features.online([1, 2], "stats:trips") == [30, 7], "a newer value was replaced by an older one"

    def test_a_period_is_without_its_end(self, features: FeatureHooks) -> None:
        """And with its start."""
        self.need("online")
        features.materialize(ago(1), start=ago(5))
        assert features.online([1], "stats:trips") == [20], "the moment after the last is part of the period"

    def test_without_a_start_it_goes_on(self, features: FeatureHooks) -> None:
        """From where the last materialization ended, at first from the beginning."""
        self.need("online")
        features.materialize(ago(2))
        assert features.online([1, 2], "stats:trips") == [20, 7]
        features.materialize(NOW)
        assert features.online([1, 2], "stats:trips") == [30, 7]
        features.materialize(ago(7))
        assert features.online([1, 2], "stats:trips") == [30, 7]

    def test_all_of_history_is_materialized(self, store: FeatureHooks, tmp_path: Path) -> None:
        """Also what is years old."""
        self.need("online")
        self.defined(store, tmp_path, View(name="old", history=[row(1, ago(10 * 366 * 24), 3)]))
        store.materialize(NOW)
        assert store.online([1], "old:trips") == [3], "an old value was not materialized"

    def test_views_are_materialized_by_name(self, features: FeatureHooks) -> None:
        """And no others."""
        self.need("online")
        features.materialize(NOW, "fresh")
        found = features.online([2], "stats:trips", "fresh:trips", full_names=True)
        assert (found["stats__trips"], found["fresh__trips"]) == ([None], [61])

    def test_what_is_too_old_is_none(self, features: FeatureHooks) -> None:
        """Although it is there."""
        self.need("online")
        self.need("ttl")
        features.materialize(NOW, start=ago(20))
        assert features.online([1, 2], "fresh:trips") == [None, 61], "a value older than the time to live is told"

    # What is pushed

    def test_pushed_rows_are_read_at_once(self, features: FeatureHooks, library: str) -> None:
        """The latest of each entity, whatever the order of rows."""
        self.need("push_online")
        features.push(row(1, ago(0, -5), 41), row(3, ago(0, -9), 40), row(1, ago(0, -7), 42), library=library)
        assert features.online([1, 2, 3], "stats:trips") == [41, None, 40]
        assert same(features.historical(asked((3, NOW)), "stats:trips")["trips"], [None]), "pushed into history too"

    def test_a_pushed_value_is_replaced_by_newer_ones_only(self, features: FeatureHooks) -> None:
        """Whether older ones are pushed or materialized."""
        self.need("push_online")
        features.push(row(1, ago(0, -9), 41))
        features.push(row(1, ago(3), 40))
        assert features.online([1], "stats:trips") == [41], "a newer value was replaced by an older one"
        features.materialize(NOW)
        assert features.online([1], "stats:trips") == [41], "a newer value was replaced by an older one"
        features.push(row(1, ago(0, -5), 42))
        assert features.online([1], "stats:trips") == [42]

    def test_pushed_times_without_a_zone_are_utc(self, features: FeatureHooks) -> None:
        """As those of a table of entities."""
        self.need("push_online")
        self.need("ttl")
        features.push({**row(1, ago(1), 41), "event_timestamp": ago(1).replace(tzinfo=None)}, source="fresh_live")
        features.push({**row(2, ago(3), 41), "event_timestamp": ago(3).replace(tzinfo=None)}, source="fresh_live")
        assert features.online([1, 2], "fresh:trips") == [41, None], "not read as UTC"

    def test_what_is_pushed_offline_is_history(self, features: FeatureHooks) -> None:
        """And nothing that was there is lost."""
        self.need("push_offline")
        features.push(row(1, ago(4), 25), row(3, ago(2), 50), to="offline")
        found = features.historical(asked((1, ago(5)), (1, ago(4)), (1, NOW), (3, NOW), (2, NOW)), "stats:trips")
        assert same(found["trips"], [20, 25, 30, 50, 7])
        if "push_online" not in self.lacking:
            assert features.online([3], "stats:trips") == [None], "pushed to the online part too"
            features.push(row(4, ago(2), 51), to="both")
            assert features.online([4], "stats:trips") == [51]
            assert same(features.historical(asked((4, NOW)), "stats:trips")["trips"], [51])

    def test_what_cannot_be_pushed_is_refused(self, features: FeatureHooks) -> None:
        """The error names the source or the column."""
        self.need("push_online")
        with pytest.raises(KeyError, match="nowhere"):
            features.push(row(1, NOW, 1), source="nowhere")
        for column in ("driver", "event_timestamp", "rating"):
            with pytest.raises(ValueError, match=column):
                features.push({name: value for name, value in row(1, NOW, 1).items() if name != column})
        assert features.online([1], "stats:trips") == [None]

    def test_a_target_that_is_not_there_is_refused(self, features: FeatureHooks) -> None:
        """And not passed over in silence."""
        targets: dict[str, PushTarget] = {"push_online": "online", "push_offline": "offline"}
        for capability, target in targets.items():
            if capability in self.lacking:
                with pytest.raises(ValueError):
                    features.push(row(1, ago(1), 1), to=target)

    # Several processes

    def test_processes_materialize_at_once(self, component: Any, features: FeatureHooks) -> None:
        """Each its own period, and the newest values are there."""
        self.need("online")
        periods = [(ago(20), ago(6)), (ago(6), ago(4)), (ago(4), ago(2)), (ago(2), NOW)]
        scripts = [
            [call("feature_store_materialize", start=start, end=end, views=None) for start, end in periods[number::2]]
            for number in range(2)
        ]
        outcomes = self.at_once(component, scripts)
        errors = [outcome.error for script in outcomes for outcome in script if outcome.error is not None]
        assert errors == [], f"processes disturbed each other: {errors}"
        assert features.online([1, 2], "stats:trips") == [30, 7], "a newer value was replaced by an older one"

    def test_reading_goes_on_while_another_materializes(self, component: Any, features: FeatureHooks) -> None:
        """Definitions and values are there all the time."""
        self.need("online")
        features.materialize(NOW, "stats")
        script = [call("feature_store_materialize", start=ago(20), end=NOW, views=None)]
        with self.over_and_over(component, script):
            ends = time.monotonic() + stretched(self.patience)
            began = False
            while time.monotonic() < ends:
                assert features.online([1, 2], "stats:trips") == [30, 7], "values were not there for a moment"
                if not began and features.online([2], "fresh:trips") == [61]:
                    began, ends = True, time.monotonic() + 2
            assert began, f"the other process materialized nothing within {self.patience:g} s"
        features.materialize(NOW)
        assert features.online([1, 2], "stats:trips") == [30, 7], "a process that was killed left something behind"

    # What a store may lack

    def test_what_is_lacking_answers_nothing(self, features: FeatureHooks) -> None:
        """A capability that is there is not declared as lacking."""
        if "online" in self.lacking:
            found = features.hooks.feature_store_online_features(
                rows=[{"driver": 1}], features=["stats:trips"], full_names=False
            )
            assert found is None
            features.materialize(NOW)
        listed: Sequence[FeatureDefinition] | None = features.hooks.feature_store_list(kind="view")
        assert (listed is None) == ("list" in self.lacking)
