from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from plugbay.testing.secrets_manager import SecretsManagerContract
from plugbay_hookspecs.types import StackInfo
from plugbay_local.environment import EnvironmentSecretsManager


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("chat-token", "SECRET_CHAT_TOKEN"),
        ("chat-token.value", "SECRET_CHAT_TOKEN"),
        ("s3.secret-access_key", "SECRET_S3__SECRET_ACCESS_KEY"),
        ("registry.tls.crt", "SECRET_REGISTRY__TLS__CRT"),
        ("registry.tls.value", "SECRET_REGISTRY__TLS__VALUE"),
    ],
)
def test_a_name_has_one_variable(name: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "text")
    assert EnvironmentSecretsManager().secrets_manager_get(name) == "text"


@pytest.mark.parametrize(
    "name", ["a_-b", "a-.b", "a._b", "a__b", "a.", ".b", "", "ä", "ß", "a b", "a=b", "a\0b", "a/b"]
)
def test_a_name_that_could_be_mistaken_has_no_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("A__B", "A___B", "A_B", "A_", "_B", "SS", "A__"):
        monkeypatch.setenv(f"SECRET_{variable}", "text")
    assert EnvironmentSecretsManager().secrets_manager_get(name) is None or name == "a."


def test_what_is_listed_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (
        "MINE_CHAT_TOKEN",
        "MINE_S3__ID",
        "MINE_S3__KEY",
        "MINE_lower",
        "MINE_X__VALUE",
        "MINE__Y",
        "OTHER",
    ):
        monkeypatch.setenv(variable, "text")
    secrets = EnvironmentSecretsManager(prefix="MINE_")
    assert secrets.secrets_manager_list() == ["chat_token", "s3"]
    assert EnvironmentSecretsManager(prefix="").secrets_manager_list() is None


def test_a_prefix_that_no_variable_has_is_a_problem() -> None:
    stack = StackInfo(name="s", components=())
    assert not EnvironmentSecretsManager(prefix="").component_validate(stack)
    assert EnvironmentSecretsManager(prefix="my secret=").component_validate(stack)


class TestEnvironment(SecretsManagerContract):
    lacking = {
        "writing": "the environment of a process is set by whoever starts it",
        "versions": "a variable has one value",
    }

    @pytest.fixture
    def component(self) -> EnvironmentSecretsManager:
        return EnvironmentSecretsManager(prefix="CONTRACT_")

    @pytest.fixture
    def provide(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Mapping[str, str]], None]:
        def set_variables(name: str, values: Mapping[str, str]) -> None:
            for key, text in values.items():
                parts = [name] if key == "value" else [name, *key.split(".")]
                monkeypatch.setenv("CONTRACT_" + "__".join(parts).upper(), text)

        return set_variables
