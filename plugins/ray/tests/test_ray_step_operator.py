"""The step operator on a real cluster: the contract, and steps of a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from distant_steps import single

from plugbay import Stack
from plugbay.testing.step_operator import StepOperatorContract
from plugbay_hookspecs import Secret
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.orchestrator import LocalOrchestrator
from plugbay_ray.step_operator import RayStepOperator
from servers.ray_cluster import ENVIRONMENT, RayCluster


class TestJobs(StepOperatorContract):
    patience = 120.0

    @pytest.fixture
    def component(self, cluster: RayCluster) -> Any:
        return RayStepOperator(address=cluster.dashboard, python=sys.executable, grace=3)


def test_a_step_of_a_run(tmp_path: Path, cluster: RayCluster) -> None:
    operator = RayStepOperator(address=cluster.dashboard, python=sys.executable)
    stack = Stack(
        orchestrator=LocalOrchestrator(),
        artifact_store=LocalArtifactStore(path=tmp_path),
        step_operator={"ray": operator},
    )
    run = single.run(stack=stack, number=4)
    assert run["distant"].output.load() == ["5", "RAY_ADDRESS"]
    assert run["distant"].log() == "on Ray\n"


def test_a_token_is_sent_and_a_wrong_one_refused(cluster: RayCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.delenv("RAY_AUTH_MODE")
    right = RayStepOperator(address=cluster.dashboard, token=Secret(ENVIRONMENT["RAY_AUTH_TOKEN"]))
    assert right.component_health().ok
    wrong = RayStepOperator(address=cluster.dashboard, token=Secret("0" * 32))
    with pytest.raises(Exception, match=r"(?i)token|auth|40[13]"):
        wrong.component_health()


def test_an_address_that_is_no_url_is_named() -> None:
    from plugbay.testing.component import STACK

    (problem,) = RayStepOperator(address="10.0.0.1:6379").component_validate(stack=STACK)
    assert "http://" in (problem.remedy or "")


def test_describing_the_flavor_imports_no_ray() -> None:
    code = "import sys, plugbay_ray.step_operator; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
