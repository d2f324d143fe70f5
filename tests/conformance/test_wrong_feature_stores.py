"""The contract of feature stores finds what is wrong with one, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract_runs import failures_in

ROWS = "test_rows_keep_their_order_and_their_columns"
VIEWS = "test_one_view_says_nothing_of_another"
FUTURE = "test_nothing_of_the_future_is_known"
OLD = "test_values_older_than_the_time_to_live_are_null"
UTC = "test_times_without_a_zone_are_utc"
SERVICE = "test_a_service_is_a_name_for_features"
OFFLINE = "test_what_is_pushed_offline_is_history"
MOMENT = "test_a_value_counts_from_its_own_moment"

FOUND_OUT = {
    "TestClairvoyant": {FUTURE: "a value from the future is known", OLD: "", VIEWS: "", ROWS: ""},
    "TestHesitant": {MOMENT: "a value is not known at its own moment", VIEWS: "", ROWS: "", UTC: "", OFFLINE: ""},
    "TestUnsorted": {
        "test_the_latest_value_is_taken": "not the latest values",
        FUTURE: "",
        MOMENT: "",
        VIEWS: "",
        ROWS: "",
        UTC: "",
        SERVICE: "",
        OFFLINE: "",
        "test_an_entity_that_is_unknown_has_nulls": "",
        "test_other_definitions_stay": "",
    },
    "TestImmortal": {OLD: "the time to live is not kept", VIEWS: "", SERVICE: ""},
    "TestAgeless": {
        "test_what_is_too_old_is_none": "a value older than the time to live is told",
        "test_pushed_times_without_a_zone_are_utc": "",
    },
    "TestSorting": {
        ROWS: "the rows are not those of the table in their order",
        FUTURE: "",
        OLD: "",
        VIEWS: "",
        UTC: "",
    },
    "TestDeduplicating": {ROWS: "the rows are not those of the table in their order"},
    "TestJoining": {VIEWS: "a view lost values"},
    "TestObliging": {"test_what_is_unknown_is_a_key_error_that_names_it": "DID NOT RAISE"},
    "TestTaciturn": {"test_what_is_unknown_is_a_key_error_that_names_it": "Regex pattern did not match"},
    "TestForgetful": {
        "test_other_definitions_stay": "a definition is gone",
        "test_what_is_refused_changes_nothing": "",
        "test_names_are_any_text": "",
    },
    "TestHalfway": {"test_what_is_refused_changes_nothing": "DID NOT RAISE"},
    "TestOverwriting": {
        "test_an_older_period_replaces_nothing_newer": "a newer value was replaced by an older one",
        "test_a_pushed_value_is_replaced_by_newer_ones_only": "a newer value was replaced by an older one",
    },
    "TestInclusive": {"test_a_period_is_without_its_end": "the moment after the last is part of the period"},
    "TestGenerous": {
        "test_pushed_rows_are_read_at_once": "pushed into history too",
        OFFLINE: "pushed to the online part too",
    },
    "TestUnwary": {"test_processes_materialize_at_once": ""},
    "TestTorn": {"test_reading_goes_on_while_another_materializes": ""},
}


def test_each_wrong_store_fails_for_its_own_reason(tmp_path: Path) -> None:
    failed = failures_in("wrong_feature_stores.py", FOUND_OUT, tmp_path)
    assert {flavor: set(tests) for flavor, tests in failed.items()} == {
        flavor: set(tests) for flavor, tests in FOUND_OUT.items()
    }
    for flavor, tests in FOUND_OUT.items():
        for test, reason in tests.items():
            assert reason in failed[flavor][test], failed[flavor][test]
