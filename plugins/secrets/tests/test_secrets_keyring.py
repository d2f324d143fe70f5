from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as NullKeyring

sys.path.insert(0, str(Path(__file__).parent))

from file_keyring import FileKeyring

from plugbay.testing.secrets_manager import SecretsManagerContract
from plugbay_secrets.keyring import KeyringSecretsManager


@pytest.fixture(autouse=True)
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    directory = tmp_path / "entries"
    directory.mkdir()
    monkeypatch.setenv("FILE_KEYRING", str(directory))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "file_keyring.FileKeyring")  # for other processes
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring())
    yield directory
    keyring.set_keyring(before)


class TestKeyring(SecretsManagerContract):
    lacking = {"listing": "a keyring gives only what it is asked for", "versions": "it keeps the last text"}

    @pytest.fixture
    def component(self) -> KeyringSecretsManager:
        return KeyringSecretsManager()


def test_a_lone_text_is_shared_with_other_programs() -> None:
    secrets = KeyringSecretsManager(service="mine")
    keyring.set_password("mine", "theirs", '{"a": "b"}')
    assert secrets.secrets_manager_get("theirs") == '{"a": "b"}'
    assert secrets.secrets_manager_get("theirs.a") is None
    secrets.secrets_manager_create("ours", {"value": "text"})
    assert keyring.get_password("mine", "ours") == "text"


def test_a_text_that_looks_like_several_is_one() -> None:
    secrets = KeyringSecretsManager()
    secrets.secrets_manager_create("one", {"value": 'plugbay secret 1:{"a": "b"}'})
    assert secrets.secrets_manager_get("one.a") is None
    assert secrets.secrets_manager_get("one") == 'plugbay secret 1:{"a": "b"}'


def test_a_machine_without_a_keyring_is_told() -> None:
    keyring.set_keyring(NoKeyring())
    assert not KeyringSecretsManager().component_health().ok
    with pytest.raises(keyring.errors.NoKeyringError):
        KeyringSecretsManager().secrets_manager_get("one")


def test_a_backend_that_keeps_nothing_is_not_healthy_and_takes_no_secret() -> None:
    keyring.set_keyring(NullKeyring())
    secrets = KeyringSecretsManager()
    health = secrets.component_health()
    assert not health.ok
    assert "keeps nothing" in health.detail
    with pytest.raises(OSError, match="did not keep the secret 'one'; choose another backend"):
        secrets.secrets_manager_create("one", {"value": "text"})
