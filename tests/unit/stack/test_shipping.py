"""A stack is described so that another process can build it, and no secret leaves with the description."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import field

from plugbay.errors import PluginError
from plugbay.stack import Stack
from plugbay.stack.shipping import for_any_machine, for_this_machine, settings_table, stack_from, store_from, store_part
from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.environment import EnvironmentSecretsManager
from plugbay_local.orchestrator import LocalOrchestrator

Install = Callable[..., None]


@component
class Vault:
    token: Secret | None = None
    tokens: list[Secret] = field(factory=list)
    anything: Any = None

    @hookimpl
    def secrets_manager_get(self, name: str) -> str:
        return name


def built(**components: Any) -> Stack:
    return Stack(orchestrator=LocalOrchestrator(workers=1), artifact_store=LocalArtifactStore(), **components)


def test_a_stack_of_instances_is_the_same_in_a_process_beside_this_one() -> None:
    stack = built(secrets_manager={"secrets_manager": Vault(), "other": Vault()}, name="mine", allow_pickle=False)
    there = pickle.loads(pickle.dumps(for_this_machine(stack))).build()
    assert repr(there) == repr(stack)
    assert there.allow_pickle is False
    assert there.of_type("orchestrator")[0].plugin.workers == 1


def test_a_configured_stack_is_the_same_in_a_process_beside_this_one(
    project: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("good_orchestrator")
    (project / "plugbay.toml").write_text('[stacks.default.orchestrator]\nflavor = "good"\naddress = "there"\n')
    monkeypatch.setenv("PLUGBAY_STACKS__DEFAULT__ORCHESTRATOR__WORKERS", "3")
    stack = Stack.load()
    shipped = pickle.dumps(for_this_machine(stack))
    monkeypatch.delenv("PLUGBAY_STACKS__DEFAULT__ORCHESTRATOR__WORKERS")
    there = pickle.loads(shipped).build()
    assert repr(there) == repr(stack)
    plugin = there.of_type("orchestrator")[0].plugin
    assert (plugin.address, plugin.workers) == ("there", 3)


def test_a_stack_is_described_as_json_with_variables_looked_up_and_paths_made_absolute(
    project: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("good_orchestrator")
    monkeypatch.setenv("PLUGBAY_STACKS__DEFAULT__ORCHESTRATOR__WORKERS", "3")
    monkeypatch.setenv("ADDRESS", "12")
    (project / "plugbay.toml").write_text(
        'observers = []\n[stacks.default.orchestrator]\nflavor = "good"\naddress = { env = "ADDRESS" }\n'
        '[stacks.default.artifact_store]\npath = "store"\n'
    )
    described = json.dumps(for_any_machine(Stack.load()))
    monkeypatch.delenv("ADDRESS")
    monkeypatch.chdir("/")
    there = stack_from(json.loads(described))
    orchestrator, store = there.components
    assert (orchestrator.plugin.address, orchestrator.plugin.workers) == ("12", 3)
    assert store.plugin.path == project / "store"
    assert str(orchestrator) == "orchestrator (flavor acme-good:good, acme-good 1.2.0)"


def test_the_store_alone_can_be_built_from_its_part(tmp_path: Path) -> None:
    stack = Stack(orchestrator=LocalOrchestrator(), artifact_store=LocalArtifactStore(path=tmp_path))
    stack.artifact_store.put("a/b", b"content")
    alone = store_from(json.loads(json.dumps(store_part(for_any_machine(stack)))))
    assert alone.artifact_store.get("a/b") == b"content"
    assert [component.id for component in alone.components] == ["artifact_store"]


def test_the_store_brings_the_managers_that_know_its_secrets(tmp_path: Path) -> None:
    managers = {"variables": EnvironmentSecretsManager()}
    store = LocalArtifactStore(path=tmp_path)
    stack = Stack(orchestrator=LocalOrchestrator(), artifact_store=store, secrets_manager=managers)
    alone = store_from(json.loads(json.dumps(store_part(for_any_machine(stack)))))
    assert [component.id for component in alone.components] == ["artifact_store", "secrets_manager.variables"]


def test_a_flavor_of_no_distribution_cannot_be_loaded_elsewhere() -> None:
    with pytest.raises(PluginError, match=r"^secrets_manager.Vault_0 \(flavor Vault\) belongs to no installed distrib"):
        for_any_machine(built(secrets_manager=Vault()))


@pytest.mark.parametrize("settings", [{"token": Secret("hunter2")}, {"tokens": [Secret("hunter2")]}])
def test_a_secret_written_out_is_refused_wherever_it_stands(settings: dict[str, Any]) -> None:
    (manager,) = built(secrets_manager=Vault(**settings)).of_type("secrets_manager")
    with pytest.raises(
        PluginError, match=r"^the setting 'tokens?' of secrets_manager.Vault_0 .* written out"
    ) as raised:
        settings_table(manager, None)
    assert "hunter2" not in str(raised.value)


def test_a_reference_to_a_secret_is_kept() -> None:
    vault = Vault(token=Secret(lambda: "hunter2", "secret:db"), tokens=[Secret("hunter2", "env:TOKEN")])
    (manager,) = built(secrets_manager=vault).of_type("secrets_manager")
    assert settings_table(manager, None) == {"token": {"secret": "db"}, "tokens": [{"env": "TOKEN"}]}


def test_a_value_without_a_form_in_json_is_an_error_that_names_the_setting() -> None:
    (manager,) = built(secrets_manager=Vault(anything=object())).of_type("secrets_manager")
    with pytest.raises(
        PluginError, match=r"^the setting 'anything' of secrets_manager.Vault_0 .* holds a object, which"
    ):
        settings_table(manager, None)
