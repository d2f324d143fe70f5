"""The orchestrators of this repository keep to the contract."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from plugbay.testing.orchestrator import OrchestratorContract
from plugbay_local.orchestrator import LocalOrchestrator

SEQUENTIAL = Path(__file__).parents[2] / "docs" / "examples" / "flights" / "sequential.py"


class TestPool(OrchestratorContract):
    @pytest.fixture
    def component(self) -> Any:
        return LocalOrchestrator(workers=2)


class TestInline(OrchestratorContract):
    lacking = {"parallel": "it has one worker"}

    @pytest.fixture
    def component(self) -> Any:
        return LocalOrchestrator(workers=1)


class TestSequential(OrchestratorContract):
    lacking = {"parallel": "one step after the other", "cancel": "a step is a call in the driver"}

    @pytest.fixture
    def component(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        specification = importlib.util.spec_from_file_location("sequential_example", SEQUENTIAL)
        assert specification and specification.loader
        module = importlib.util.module_from_spec(specification)
        monkeypatch.setitem(sys.modules, "sequential_example", module)
        specification.loader.exec_module(module)
        return module.Sequential()
