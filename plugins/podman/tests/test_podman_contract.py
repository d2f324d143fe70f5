"""podman does what every step operator does."""

from __future__ import annotations

import pytest

from plugbay.testing.step_operator import StepOperatorContract
from plugbay_podman.step_operator import PodmanStepOperator
from servers.containers import BASE


class TestPodman(StepOperatorContract):
    python = "python"
    image = BASE
    processes = 2

    @pytest.fixture
    def component(self, operator: PodmanStepOperator) -> PodmanStepOperator:
        return operator
