from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from plugbay.testing.secrets_manager import SecretsManagerContract
from plugbay_hookspecs import Secret
from plugbay_hookspecs.types import StackInfo
from plugbay_secrets.file import FileSecretsManager


class TestFile(SecretsManagerContract):
    @pytest.fixture
    def component(self, tmp_path: Path) -> FileSecretsManager:
        return FileSecretsManager(path=tmp_path / "kept" / "secrets", key=Secret(Fernet.generate_key().decode()))


@pytest.fixture
def vault(tmp_path: Path) -> FileSecretsManager:
    vault = FileSecretsManager(path=tmp_path / "secrets", key_file=tmp_path / "keys" / "key")
    vault.component_provision()
    return vault


def test_only_the_owner_can_read_the_files_and_nothing_is_in_the_open(
    vault: FileSecretsManager, tmp_path: Path
) -> None:
    vault.secrets_manager_create("name", {"key": "text"})
    for path in (tmp_path / "secrets", tmp_path / "keys" / "key"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert not any(part in (tmp_path / "secrets").read_bytes() for part in (b"name", b"key", b"text"))
    assert sorted(os.listdir(tmp_path)) in (["keys", "secrets"], ["keys", "secrets", "secrets.lock"])


def test_a_key_file_that_others_can_read_is_refused(vault: FileSecretsManager, tmp_path: Path) -> None:
    (tmp_path / "keys" / "key").chmod(0o640)
    with pytest.raises(PermissionError, match="0640"):
        vault.secrets_manager_get("name")
    assert not vault.component_health().ok


def test_provisioning_leaves_a_key_alone(vault: FileSecretsManager, tmp_path: Path) -> None:
    vault.secrets_manager_create("name", {"value": "text"})
    vault.component_provision()
    assert vault.secrets_manager_get("name") == "text"


def test_a_new_key_before_the_old_one_takes_over(tmp_path: Path) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    path = tmp_path / "secrets"
    FileSecretsManager(path=path, key=Secret(old)).secrets_manager_create("name", {"value": "1"})
    FileSecretsManager(path=path, key=Secret(f"{new} {old}")).secrets_manager_update("name", {"value": "2"})
    rotated = FileSecretsManager(path=path, key=Secret(new))
    assert (rotated.secrets_manager_get("name"), rotated.secrets_manager_versions("name")) == ("2", ["1", "2"])
    with pytest.raises(PermissionError, match="cannot be decrypted"):
        FileSecretsManager(path=path, key=Secret(old)).secrets_manager_create("other", {"value": "1"})
    assert rotated.secrets_manager_list() == ["name"]


def test_a_wrong_key_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a Fernet key") as raised:
        FileSecretsManager(path=tmp_path / "secrets", key=Secret("hunter2")).secrets_manager_list()
    assert "hunter2" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_write_that_fails_changes_nothing(vault: FileSecretsManager, tmp_path: Path, monkeypatch) -> None:
    vault.secrets_manager_create("name", {"value": "1"})
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        vault.secrets_manager_update("name", {"value": "2"})
    assert vault.secrets_manager_versions("name") == ["1"]
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def test_one_key_setting_is_needed() -> None:
    stack = StackInfo(name="s", components=())
    key = Secret("k")
    assert FileSecretsManager(path=Path("p")).component_validate(stack)
    assert FileSecretsManager(path=Path("p"), key=key, key_file=Path("k")).component_validate(stack)
    assert not FileSecretsManager(path=Path("p"), key=key).component_validate(stack)


def test_describing_the_flavors_imports_no_library() -> None:
    code = (
        "import sys; from importlib.metadata import entry_points\n"
        "flavors = [each.load() for each in entry_points(group='plugbay.secrets_manager')]\n"
        "assert any(flavor.__module__.startswith('plugbay_secrets') for flavor in flavors)\n"
        "print(*sorted({'cryptography', 'filelock', 'keyring'} & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
