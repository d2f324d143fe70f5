"""What is true without any server."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from plugbay.testing.waiting import stretched
from plugbay_hookspecs import Secret
from plugbay_hookspecs.types import StackInfo
from plugbay_mlflow.credentials import Credentials, HeaderProvider, lend, take_back
from plugbay_mlflow.experiment_tracker import MlflowExperimentTracker


def test_describing_the_flavors_does_not_import_mlflow():
    script = """
        import sys
        from plugbay_mlflow.experiment_tracker import MlflowExperimentTracker
        from plugbay_mlflow.model_deployer import MlflowModelDeployer
        from plugbay_mlflow.model_registry import MlflowModelRegistry
        from plugbay_hookspecs.types import StackInfo
        for flavor in (MlflowExperimentTracker, MlflowModelDeployer, MlflowModelRegistry):
            flavor().component_describe()
            assert not flavor().component_validate(StackInfo(name="s", components=()))
        assert not {"mlflow", "uvicorn", "fastapi", "pandas", "requests"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=stretched(60))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"uri": "sqlite:///mlflow.db"}, "not the address of a server"),
        ({"uri": "http://me:secret@127.0.0.1"}, "user or a password in it"),
        ({"username": "me"}, "one is missing"),
        ({"username": "me", "password": Secret("x"), "token": Secret("y")}, "told one of them"),
    ],
)
def test_settings_that_cannot_be_right_are_told(settings, told):
    (problem,) = MlflowExperimentTracker(**settings).component_validate(StackInfo(name="s", components=()))
    assert told in problem.message


def test_mlflows_own_client_is_lent_credentials_for_one_server_and_a_while(monkeypatch):
    import types

    set_to = types.SimpleNamespace(get_tracking_uri=lambda: "http://a")
    monkeypatch.setitem(sys.modules, "mlflow", set_to)
    provider, credentials = HeaderProvider(), Credentials(token=Secret("t"))
    assert not provider.in_context()
    lend("http://a", credentials)
    try:
        assert provider.request_headers() == {"Authorization": "Bearer t"}
        set_to.get_tracking_uri = lambda: "http://b"
        assert provider.request_headers() == {}
    finally:
        take_back("http://a", credentials)
    assert not provider.in_context()
