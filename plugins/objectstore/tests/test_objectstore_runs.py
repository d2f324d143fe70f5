"""Runs whose store is S3: on the local pool, with the server killed, and on two machines that share nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from machine import Machine

from plugbay.testing.waiting import stretched, wait_until
from plugbay_objectstore.bucket import Bucket
from plugbay_objectstore.s3 import S3ArtifactStore
from servers.ceph import SECRET_KEY, Ceph


@pytest.fixture
def machine(tmp_path: Path, s3_settings: dict[str, Any]) -> Machine:
    return Machine.at(tmp_path / "a", s3_settings)


def keys(store: Bucket, prefix: str = "") -> list[str]:
    return [found.key for found in store.artifact_store_list(prefix=prefix, after=None, recursive=True)]


def test_a_run_on_the_pool_keeps_everything_in_the_bucket(machine: Machine, s3_store: S3ArtifactStore) -> None:
    machine.plugbay("run", "wide.py:wide")
    (run,) = machine.json("runs")
    assert run["status"] == "succeeded"
    assert "working on 5" in machine.plugbay("logs", "last", "work.5")
    machine.plugbay("artifacts", "get", "last", "total", "-o", "total.json")
    assert (machine.root / "project" / "total.json").read_text() == "600000"
    stored = keys(s3_store)
    assert sum(key.startswith("blobs/") for key in stored) == 6
    assert sum("/logs/" in key for key in stored) == 6
    assert not list((machine.root / "home").rglob("*.log")), "a log that is in the store is here as well"
    assert "cached" in machine.plugbay("run", "wide.py:wide")


def test_no_secret_is_in_the_bucket_or_in_what_is_printed(machine: Machine, s3_store: S3ArtifactStore) -> None:
    printed = (
        machine.plugbay("run", "wide.py:wide") + machine.plugbay("stack", "show") + machine.plugbay("show", "last")
    )
    assert SECRET_KEY not in printed
    for key in keys(s3_store, "runs/"):
        assert SECRET_KEY.encode() not in s3_store.artifact_store_get(key=key), key


def test_a_run_survives_the_server_being_killed(machine: Machine, ceph_server: Ceph, s3_store: S3ArtifactStore) -> None:
    running = machine.start("-m", "plugbay", "run", "wide.py:wide", "-p", "count=12", "-p", f"seconds={stretched(0.5)}")
    await_records(s3_store, 4)
    ceph_server.gateway.kill()
    time.sleep(3)
    assert running.poll() is None, running.communicate()
    ceph_server.gateway.start()
    out, err = running.communicate(timeout=stretched(200))
    assert running.returncode == 0, out + err
    assert [run["status"] for run in machine.json("runs")] == ["succeeded"]
    assert not [key for key in keys(s3_store, "runs/") if key.endswith(".2.json")], "a step was executed twice"


def test_a_run_whose_server_stays_away_says_so_and_goes_on_later(
    machine: Machine, ceph_server: Ceph, s3_store: S3ArtifactStore
) -> None:
    settings = machine.root / "project" / "plugbay.toml"
    settings.write_text(settings.read_text().replace('flavor = "s3"', 'flavor = "s3"\nretry_timeout = 2'))
    running = machine.start("-m", "plugbay", "run", "wide.py:wide", "-p", "count=12", "-p", f"seconds={stretched(0.5)}")
    await_records(s3_store, 4)
    ceph_server.gateway.kill()
    try:
        out, err = running.communicate(timeout=stretched(100))
    finally:
        ceph_server.gateway.start()
    assert running.returncode == 2, out + err
    assert "cannot be reached" in err
    assert "plugbay run --resume" in err
    assert ceph_server.endpoint in err
    before = {key: s3_store.artifact_store_get(key=key) for key in keys(s3_store, "runs/") if "/steps/" in key}
    (run,) = machine.json("runs")
    assert run["status"] in ("interrupted", "failed")
    machine.plugbay("run", "--resume", run["id"])
    after = keys(s3_store, "runs/")
    for key, record in before.items():
        assert s3_store.artifact_store_get(key=key) == record, "a committed record changed"
        if b'"succeeded"' in record:
            assert key.replace(".1.json", ".2.json") not in after, "a committed step was executed again"
    assert [run["status"] for run in machine.json("runs")] == ["succeeded"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a mount namespace")
def test_two_machines_share_a_pipeline_through_the_store_alone(tmp_path: Path, s3_settings: dict[str, Any]) -> None:
    here, there = (Machine.at(tmp_path / name, s3_settings) for name in ("here", "there"))
    (other := tmp_path / "worker").mkdir()
    run_id = here.run("elsewhere.py", str(other)).splitlines()[-1]
    (run,) = there.json("runs")
    assert (run["id"], run["status"]) == (run_id, "succeeded")
    assert "total" in there.plugbay("show", run_id)
    assert "working on 3" in there.plugbay("logs", run_id, "work.3")
    there.plugbay("artifacts", "get", run_id, "total", "-o", "total.json")
    assert (there.root / "project" / "total.json").read_text() == "600000"
    there.plugbay("gc", "--keep", "0", "--grace", "0s")
    assert there.json("runs") == []
    store = S3ArtifactStore(**s3_settings)
    assert [key for key in keys(store) if not key.startswith("sources/")] == []


def await_records(store: S3ArtifactStore, count: int) -> None:
    wait_until(
        lambda: sum("/steps/" in key for key in keys(store, "runs/")) >= count, lacking="the run does not get on"
    )
