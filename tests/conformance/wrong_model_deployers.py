"""Model deployers that break a promise each; ``test_wrong_flavors`` has the contract find them out."""

import attrs
import pytest

from plugbay.testing.model_deployer import ModelDeployerContract
from plugbay_hookspecs import component, hookimpl
from plugbay_local.model_deployer import HttpModelDeployer


@component
class Abrupt(HttpModelDeployer):
    """Ends the old server before it starts the new one."""

    @hookimpl
    def model_deployer_deploy(self, model, config, timeout):
        if (self.directory / config.name).exists():
            self.model_deployer_stop(config.name, True)
        return HttpModelDeployer.model_deployer_deploy(self, model, config, timeout)


@component
class Hasty(HttpModelDeployer):
    """Never waits until a model answers."""

    @hookimpl
    def model_deployer_deploy(self, model, config, timeout):
        return HttpModelDeployer.model_deployer_deploy(self, model, config, 0)


@component
class Unlabelled(HttpModelDeployer):
    """Searches without the labels."""

    @hookimpl
    def model_deployer_find(self, filters):
        return HttpModelDeployer.model_deployer_find(self, attrs.evolve(filters, labels={}))


class TestAbrupt(ModelDeployerContract):
    @pytest.fixture
    def component(self, tmp_path):
        return Abrupt(directory=tmp_path / "deployments")


class TestHasty(ModelDeployerContract):
    @pytest.fixture
    def component(self, tmp_path):
        return Hasty(directory=tmp_path / "deployments")


class TestUnlabelled(ModelDeployerContract):
    @pytest.fixture
    def component(self, tmp_path):
        return Unlabelled(directory=tmp_path / "deployments")
