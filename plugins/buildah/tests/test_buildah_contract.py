"""buildah does what every image builder does."""

from __future__ import annotations

import pytest

from plugbay.testing.image_builder import ImageBuilderContract
from plugbay_buildah.builder import BuildahImageBuilder
from servers.containers import BASE


class TestBuildah(ImageBuilderContract):
    base = BASE

    @pytest.fixture
    def component(self, builder: BuildahImageBuilder) -> BuildahImageBuilder:
        return builder
