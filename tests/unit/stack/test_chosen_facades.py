"""A stack is asked for its components by attributes: one, all of them, or by name."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import field

from plugbay.errors import ConfigError, NotFoundError, PluginError
from plugbay.stack import Stack
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import (
    Annotation,
    AnnotationConfig,
    AnnotationStats,
    AnnotationTask,
    Answer,
    Deployment,
    DeploymentConfig,
    Message,
    Servable,
)
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.orchestrator import LocalOrchestrator

LONE = ["container_registry", "feature_store", "image_builder", "model_registry"]
ADDRESSED = ["annotator", "data_validator", "model_deployer", "step_operator"]


def built(**components: Any) -> Stack:
    return Stack(orchestrator=LocalOrchestrator(), artifact_store=LocalArtifactStore(), **components)


@component
class Vault:
    known: dict[str, str] = field(factory=dict, repr=False)
    read_only: bool = False

    @hookimpl
    def secrets_manager_get(self, name: str) -> str | None:
        return self.known.get(name)

    @hookimpl
    def secrets_manager_list(self) -> Sequence[str]:
        return sorted(self.known)

    @hookimpl
    def secrets_manager_create(self, name: str, values: Mapping[str, str]) -> str | None:
        if self.read_only:
            return None
        self.known[name] = values["value"]
        return "1"

    @hookimpl
    def secrets_manager_update(self, name: str, values: Mapping[str, str]) -> str:
        if name not in self.known:
            raise KeyError(name)
        self.known[name] = values["value"]
        return "2"

    @hookimpl
    def secrets_manager_delete(self, name: str) -> bool:
        return self.known.pop(name, None) is not None


@component
class Phone:
    told: list[Message] = field(factory=list)
    answer: Answer | Exception | None = None
    broken: bool = False

    @hookimpl
    def alerter_post(self, message: Message) -> None:
        if self.broken:
            msg = "the line is dead"
            raise ConnectionError(msg)
        self.told.append(message)

    @hookimpl
    def alerter_ask(self) -> Answer | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@component
class Sheets:
    """Counts nothing by itself."""

    tasks: list[AnnotationTask] = field(factory=list)

    @hookimpl
    def annotator_create(self, name: str, config: AnnotationConfig) -> None: ...

    @hookimpl
    def annotator_add(self, name: str, tasks: Sequence[AnnotationTask]) -> int:
        self.tasks += tasks
        return len(tasks)

    @hookimpl
    def annotator_labelled(self, name: str) -> Any:
        return iter([Annotation(task=task, label="a") for task in self.tasks[:1] for _ in range(2)])

    @hookimpl
    def annotator_unlabelled(self, name: str) -> Any:
        return iter(self.tasks[1:])


@component
class Server:
    waited: list[float] = field(factory=list)

    @hookimpl
    def model_deployer_deploy(self, model: Servable, config: DeploymentConfig, timeout: float) -> Deployment:
        self.waited.append(timeout)
        return Deployment(id=config.name, name=config.name, state="running", model=model.uri)

    @hookimpl
    def model_deployer_find(self) -> Sequence[Deployment]:
        return []

    @hookimpl
    def model_deployer_status(self, id: str) -> Deployment:
        raise KeyError(id)

    @hookimpl
    def model_deployer_delete(self, id: str) -> bool:
        return False


class TestMissing:
    @pytest.mark.parametrize("kind", [*LONE, *ADDRESSED])
    def test_the_error_names_the_stack_and_what_to_give_it(self, kind: str) -> None:
        with pytest.raises(ConfigError, match=rf"stack 'custom' has no .*: Stack\(..., {kind}=<an instance>\)"):
            getattr(built(), kind)

    @pytest.mark.parametrize("kind", [*LONE, *ADDRESSED])
    def test_of_a_configured_stack_it_says_what_to_write(self, kind: str) -> None:
        with pytest.raises(ConfigError, match=rf'{kind} = "<flavor>" in the table \[stacks.prod\] of plugbay.toml'):
            getattr(built(name="prod"), kind)

    def test_nobody_to_tell_is_no_error(self) -> None:
        built().alerter.post(Message(title="hello"))

    def test_nobody_to_ask_is_one(self) -> None:
        with pytest.raises(PluginError, match=r"no alerter can ask people 'go\?' \(asked: none, the stack has none\)"):
            built().alerter.ask(Message(title="go?"))


class TestAddressed:
    def test_the_only_one_is_the_default(self) -> None:
        stack = built(model_deployer={"eu": Server()})
        assert stack.model_deployer is stack.model_deployers["eu"]
        deployed = stack.model_deployer.deploy(Servable(uri="file:///m"), DeploymentConfig(name="flights"), timeout=3)
        assert (deployed.id, deployed.model) == ("flights", "file:///m")

    def test_several_are_told_apart_by_name(self) -> None:
        eu, us = Server(), Server()
        stack = built(model_deployer={"eu": eu, "us": us})
        with pytest.raises(
            ConfigError, match=r"several .*: eu, us; name the one that is meant: model_deployers\['eu'\]"
        ):
            _ = stack.model_deployer
        stack.model_deployers["us"].deploy(Servable(uri="x"), DeploymentConfig(name="flights"), timeout=0)
        assert (eu.waited, us.waited) == ([], [0])
        assert list(stack.model_deployers) == ["eu", "us"]

    def test_a_name_that_is_none_is_an_error(self) -> None:
        stack = built(model_deployer={"europe": Server()})
        with pytest.raises(
            NotFoundError, match=r"no model deployer 'eurpe'; did you mean 'europe'\? \(it has: europe\)"
        ):
            stack.model_deployers["eurpe"]
        assert "eurpe" not in stack.model_deployers
        assert len(stack.model_deployers) == 1

    @pytest.mark.parametrize("name", ["", "Flights", "a_b", "-a", "a-", "x" * 54])
    def test_a_deployment_needs_a_name_that_every_tool_takes(self, name: str) -> None:
        server = Server()
        with pytest.raises(ValueError, match="lower-case letters, digits"):
            built(model_deployer=server).model_deployer.deploy(Servable(uri="x"), DeploymentConfig(name=name))
        assert server.waited == []

    def test_what_a_flavor_does_not_implement_is_none(self) -> None:
        stack = built(model_deployer=Server())
        assert stack.model_deployer.logs("flights") is None
        assert stack.model_deployer.start("flights") is None

    def test_labels_are_counted_for_a_tool_that_does_not(self) -> None:
        annotator = built(annotator=Sheets()).annotator
        annotator.add("reviews", [AnnotationTask(id=str(n), data={}) for n in range(4)])
        assert annotator.stats("reviews") == AnnotationStats(labelled=1, unlabelled=3)


class TestAlerters:
    def test_all_are_told_and_one_that_fails_stops_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        dead, alive = Phone(broken=True), Phone()
        stack = built(alerter={"dead": dead, "alive": alive})
        with caplog.at_level(logging.WARNING, "plugbay"):
            stack.alerter.post(Message(title="hello"))
        assert [message.title for message in alive.told] == ["hello"]
        assert "alerter.dead" in caplog.text
        assert "the line is dead" in caplog.text

    def test_the_first_that_asks_is_the_only_one(self) -> None:
        yes = Answer(approved=True, by="ada", at=1.0)
        no = Answer(approved=False, by="bob", at=1.0)
        stack = built(
            alerter={"mute": Phone(), "broken": Phone(answer=OSError()), "a": Phone(answer=yes), "b": Phone(answer=no)}
        )
        assert stack.alerter.ask(Message(title="go?")) == yes
        assert stack.alerters["b"].ask(Message(title="go?")) == no

    def test_a_question_that_nobody_could_put_raises(self) -> None:
        with pytest.raises(OSError, match="no line"):
            built(alerter=[Phone(answer=OSError("no line")), Phone()]).alerter.ask(Message(title="go?"))


class TestSecrets:
    def test_managers_are_asked_in_order(self) -> None:
        stack = built(secrets_manager=[Vault(known={"a": "1"}), Vault(known={"a": "2", "b": "3"})])
        assert (stack.secrets_manager.get("a"), stack.secrets_manager.get("b")) == ("1", "3")
        assert stack.secrets_manager.get("c") is None
        assert stack.secrets_manager.list() == ["a", "b"]

    def test_the_first_that_is_not_read_only_keeps_a_new_one(self) -> None:
        stack = built(secrets_manager={"ro": Vault(read_only=True), "rw": Vault()})
        assert stack.secrets_manager.create("a", {"value": "1"}) == "1"
        assert stack.secrets_managers["rw"].get("a") == "1"
        assert stack.secrets_manager.update("a", {"value": "2"}) == "2"
        assert stack.secret("a") == "2"
        assert stack.secrets_manager.delete("a") is True
        with pytest.raises(KeyError):
            stack.secrets_manager.update("a", {"value": "3"})
        assert stack.secrets_manager.versions("a") is None

    @pytest.mark.parametrize("name", ["", ".a", "a."])
    def test_a_name_or_key_is_not_empty(self, name: str) -> None:
        with pytest.raises(ValueError, match="names no secret"):
            built().secrets_manager.get(name)

    def test_what_is_kept_has_a_name_without_a_dot_and_a_text(self) -> None:
        manager = built(secrets_manager=Vault()).secrets_manager
        with pytest.raises(ValueError, match="names no secret"):
            manager.create("a.b", {"value": "1"})
        with pytest.raises(ValueError, match="at least one text"):
            manager.create("a", {})
