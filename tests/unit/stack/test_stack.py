"""A stack: built of instances or from the configuration, started and stopped, asked for secrets and problems."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs import field

from plugbay.errors import ConfigError, NotFoundError, PluginError, StoreError
from plugbay.stack import Stack
from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_hookspecs.catalogue import COMPONENT_TYPES, Multiplicity
from plugbay_hookspecs.types import Problem
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.orchestrator import LocalOrchestrator

Install = Callable[..., None]
AT_MOST_ONE = Multiplicity.AT_MOST_ONE


@component
class Vault:
    known: dict[str, str] = field(factory=dict, repr=False)
    asked: list[str] = field(factory=list)
    token: Secret | None = None

    @hookimpl
    def secrets_manager_get(self, name: str) -> str | None:
        self.asked.append(name)
        if name == "locked":
            msg = "the vault is locked"
            raise PermissionError(msg)
        return self.known.get(name)


@component
class Lifecycle:
    name: str
    journal: list[str]
    fail_in: tuple[str, ...] = ()
    error: Callable[[str], BaseException] = RuntimeError

    def _note(self, hook: str) -> None:
        self.journal.append(f"{hook} {self.name}")
        if hook in self.fail_in:
            raise self.error(f"{self.name} failed to {hook}")

    @hookimpl
    def component_start(self) -> None:
        self._note("start")

    @hookimpl
    def component_stop(self) -> None:
        self._note("stop")


def built(**components: Any) -> Stack:
    return Stack(**{"orchestrator": LocalOrchestrator(), "artifact_store": LocalArtifactStore(), **components})


def configure(project: Path, text: str) -> None:
    store = "" if "artifact_store" in text else 'artifact_store = "local"\n'
    (project / "plugbay.toml").write_text(f"observers = []\n[stacks.default]\n{store}{text}")


def config_problems(**components: Any) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        Stack(**components)
    return list(raised.value.problems)


class TestBuiltInCode:
    def test_its_components_are_named_and_know_where_they_come_from(self) -> None:
        stack = built(secrets_manager={"mine": Vault()}, observers=[Lifecycle(name="x", journal=[])])
        assert [str(part) for part in stack.components] == [
            "orchestrator (flavor local, plugbay-local 0.1.0)",
            "artifact_store (flavor local, plugbay-local 0.1.0)",
            "secrets_manager.mine (flavor Vault)",
            "observer.Lifecycle_0 (flavor Lifecycle)",
        ]
        assert repr(stack) == (
            "<stack 'custom': orchestrator=local, artifact_store=local, secrets_manager.mine=Vault, "
            "observer.Lifecycle_0=Lifecycle>"
        )

    @pytest.mark.parametrize("several", [Vault(), [Vault()], (Vault(),), {"Vault_0": Vault()}])
    def test_several_of_a_type_are_given_alone_in_a_list_or_by_name(self, several: Any) -> None:
        assert [c.id for c in built(secrets_manager=several).of_type("secrets_manager")] == ["secrets_manager.Vault_0"]

    def test_all_problems_are_reported_at_once(self) -> None:
        assert config_problems(
            orchestrater=LocalOrchestrator(),
            orchestrator=[LocalOrchestrator(), LocalOrchestrator()],
            secrets_manager=[Vault, object()],
            observers=[3],
        ) == [
            "there is no component type 'orchestrater'; did you mean 'orchestrator'? "
            f"(there are: {', '.join(sorted(COMPONENT_TYPES))})",
            "a stack takes exactly one orchestrator, not a list of 2",
            "a stack needs exactly one artifact_store",
            "secrets_manager 'type_0': Vault is a class; a stack takes an instance: Vault()",
            "secrets_manager 'object_1': a object is no secrets manager: its class needs the decorator @component",
            "observer 'int_0': a int is no observer: its class needs the decorator @component",
        ]

    @pytest.mark.parametrize("kind", [k.name for k in COMPONENT_TYPES.values() if k.multiplicity is AT_MOST_ONE])
    def test_of_some_types_there_is_at_most_one(self, kind: str) -> None:
        assert config_problems(
            orchestrator=LocalOrchestrator(), artifact_store=LocalArtifactStore(), **{kind: [Vault(), Vault()]}
        ) == [f"a stack takes at most one {kind}, not a list of 2"]

    def test_observers_come_in_a_list(self) -> None:
        lone: Any = Lifecycle(name="x", journal=[])
        with pytest.raises(ConfigError, match=r"^observers: a stack takes a list of them, not a Lifecycle$"):
            built(observers=lone)

    def test_what_is_no_component_is_not_shown(self) -> None:
        found = config_problems(orchestrator=LocalOrchestrator(), artifact_store="hunter2")
        assert "hunter2" not in "".join(found)

    def test_a_flavor_of_another_type_is_an_error(self) -> None:
        with pytest.raises(PluginError, match=r"^artifact_store \(flavor LocalOrchestrator\): .*hook 'artifact_store_"):
            Stack(orchestrator=LocalOrchestrator(), artifact_store=LocalOrchestrator())

    def test_one_object_in_two_places_is_an_error(self) -> None:
        vault = Vault()
        with pytest.raises(PluginError, match=r"secrets_manager.b .* is the same object as secrets_manager.a"):
            built(secrets_manager={"a": vault, "b": vault})


class TestConfigured:
    def test_a_flavor_of_a_distribution(self, project: Path, install: Install) -> None:
        install("good_orchestrator")
        configure(project, 'orchestrator = { flavor = "good", address = "there" }')
        stack = Stack.load()
        (found,) = stack.of_type("orchestrator")
        assert str(found) == "orchestrator (flavor good, acme-good 1.2.0)"
        assert found.plugin.address == "there"

    def test_a_flavor_of_a_file_beside_the_configuration(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (project / "acme_own.py").write_text(
            "from plugbay_hookspecs import component, hookimpl\n\n@component\nclass Own:\n    size: int = 1\n\n"
            "    @hookimpl\n    def orchestrator_run(self, run): ...\n"
        )
        configure(project, 'orchestrator = "./acme_own.py:Own"')
        monkeypatch.setenv("PLUGBAY_STACKS__DEFAULT__ORCHESTRATOR__SIZE", "3")
        below = project / "below"
        below.mkdir()
        monkeypatch.chdir(below)
        monkeypatch.setattr(sys, "path", [*sys.path])
        try:
            assert Stack.load().of_type("orchestrator")[0].plugin.size == 3
        finally:
            del sys.modules["acme_own"]

    @pytest.mark.parametrize(
        ("folder", "flavor", "expected"),
        [
            ("broken", "broken", "'broken' (plugbay.orchestrator) of acme-broken 3.0 cannot be loaded from "),
            ("outdated", "outdated", "'outdated' (plugbay.orchestrator) of acme-outdated 0.3 cannot be used: "),
            (
                "not_a_component",
                "plain",
                "'plain' is no flavor (acme-plain 1.0: acme_plain:Orchestrator): it must be a class with the decorator "
                "@component",
            ),
            (
                "good_orchestrator",
                "goood",
                "there is no orchestrator flavor 'goood'; did you mean 'good'? (installed: ",
            ),
            ("noisy", "noisy", "there is no orchestrator flavor 'noisy'"),
        ],
    )
    def test_a_plugin_that_cannot_be_used_is_an_error_with_its_place(
        self, project: Path, install: Install, folder: str, flavor: str, expected: str
    ) -> None:
        install(folder)
        configure(project, f'orchestrator = "{flavor}"')
        with pytest.raises(ConfigError) as raised:
            Stack.load()
        assert str(raised.value).startswith(f"{project / 'plugbay.toml'}: stacks.default.orchestrator: {expected}")
        if folder == "noisy":
            assert str(raised.value).endswith("; 'noisy' is a flavor of observer")

    @pytest.mark.parametrize(
        ("folder", "key", "flavor", "expected"),
        [
            (
                "misspelt_hook",
                "observers = ['misspelt']",
                None,
                "observer.misspelt (flavor misspelt, acme-misspelt 1.0): there is no hook 'step_succeded'; "
                "did you mean 'step_succeeded'?",
            ),
            (
                "unknown_argument",
                "observers = ['argument']",
                None,
                "observer.argument (flavor argument, acme-argument 1.0): hook 'step_started' has no argument 'stp'; "
                "did you mean 'step'? (it has: step)",
            ),
            (
                "missing_required_hook",
                "",
                "missing",
                "orchestrator (flavor missing, acme-missing 1.0): hook 'orchestrator_run' is missing: every flavor of "
                "the type must implement it",
            ),
            (
                "unmarked_method",
                "",
                "unmarked",
                "orchestrator (flavor unmarked, acme-unmarked 1.0): the method 'orchestrator_run' lacks @hookimpl; a "
                "method that is no hook needs another name",
            ),
        ],
    )
    def test_hooks_that_do_not_agree_name_component_flavor_distribution_and_version(
        self, project: Path, install: Install, folder: str, key: str, flavor: str | None, expected: str
    ) -> None:
        install(folder)
        configure(project, f'{key}\norchestrator = "{flavor or "local"}"')
        with pytest.raises(PluginError) as raised:
            Stack.load()
        assert str(raised.value) == expected

    def test_problems_of_all_components_are_reported_at_once(self, project: Path, install: Install) -> None:
        install("broken", "good_orchestrator")
        configure(
            project,
            'orchestrator = { flavor = "good", addres = 1, workers = "x" }\nartifact_store = "s4"\n'
            'secrets_manager = "vualt"\nobservers = ["nobody"]\n',
        )
        with pytest.raises(ConfigError) as raised:
            Stack.load()
        assert len(raised.value.problems) == 5

    def test_of_two_distributions_the_chosen_one_is_used(self, project: Path, install: Install) -> None:
        install("duplicate_one", "duplicate_two")
        configure(project, 'orchestrator = "twice"')
        with pytest.raises(ConfigError, match=r"write acme-one:twice or acme-two:twice to choose$"):
            Stack.load()
        configure(project, 'orchestrator = "acme-two:twice"')
        assert str(Stack.load().of_type("orchestrator")[0]) == "orchestrator (flavor acme-two:twice, acme-two 2.0)"
        configure(project, 'orchestrator = "acme-three:twice"')
        with pytest.raises(ConfigError, match=r"no plugin distribution 'acme-three' is installed; did you mean 'acme-"):
            Stack.load()

    def test_no_property_of_a_component_is_evaluated(self, project: Path, install: Install) -> None:
        install("greedy_property")
        configure(project, 'orchestrator = "greedy"')
        with Stack.load() as stack:
            stack.check()
            assert stack.orchestrator.capabilities()
            assert "greedy" in repr(stack)
        with pytest.raises(ConnectionError):
            _ = stack.of_type("orchestrator")[0].plugin.client

    def test_a_broken_plugin_that_is_merely_installed_disables_nothing(self, project: Path, install: Install) -> None:
        install("broken", "raises_system_exit", "garbled_entry_points", "binary_entry_points", "too_new", "noisy")
        configure(project, 'orchestrator = "local"')
        assert Stack.load().name == "default"

    def test_an_observer_that_raises_in_every_hook_is_reported_by_name_once(
        self, project: Path, install: Install, caplog: pytest.LogCaptureFixture
    ) -> None:
        install("noisy")
        configure(project, 'orchestrator = "local"\nobservers = ["noisy"]')
        host = Stack.load().host
        for _ in range(3):
            host.tell("step_queued", step=None)
            host.tell("step_started", step=None)
        warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert warnings == [
            f"observer.noisy (flavor noisy, acme-noisy 7.1) raised in {hook} and was ignored: RuntimeError: {hook} is "
            "too much"
            for hook in ("step_queued", "step_started")
        ]


class TestStartAndStop:
    def stack(self, journal: list[str], fail: dict[str, tuple[str, ...]] | None = None, **kwargs: Any) -> Stack:
        fail = fail or {}
        return built(
            observers=[Lifecycle(name=name, journal=journal, fail_in=fail.get(name, ()), **kwargs) for name in "abc"]
        )

    def test_stop_comes_in_reverse_order(self) -> None:
        journal: list[str] = []
        with self.stack(journal):
            journal.append("used")
        assert journal == ["start a", "start b", "start c", "used", "stop c", "stop b", "stop a"]

    def test_only_the_first_start_and_the_last_stop_count(self) -> None:
        journal: list[str] = []
        stack = self.stack(journal)
        with stack, stack:
            pass
        stack.stop()
        assert len(journal) == 6
        with stack:
            assert len(journal) == 9
        assert len(journal) == 12

    def test_those_started_are_stopped_when_a_start_raises(self) -> None:
        journal: list[str] = []
        stack = self.stack(journal, {"c": ("start",)})
        with pytest.raises(RuntimeError, match="c failed to start") as raised:
            stack.start()
        assert journal == ["start a", "start b", "start c", "stop b", "stop a"]
        assert raised.value.__notes__ == ["in hook component_start of observer.Lifecycle_2 (flavor Lifecycle)"]
        with pytest.raises(RuntimeError):
            stack.start()
        assert len(journal) == 10

    def test_every_error_of_a_failed_start_is_kept(self) -> None:
        journal: list[str] = []
        stack = self.stack(journal, {"c": ("start",), "b": ("stop",), "a": ("stop",)})
        with pytest.raises(ExceptionGroup) as raised:
            stack.start()
        assert [str(e) for e in raised.value.exceptions] == [
            "c failed to start",
            "b failed to stop",
            "a failed to stop",
        ]
        assert journal[3:] == ["stop b", "stop a"]

    def test_all_are_stopped_when_a_stop_raises(self) -> None:
        journal: list[str] = []
        stack = self.stack(journal, {"b": ("stop",), "a": ("stop",)})
        stack.start()
        with pytest.raises(ExceptionGroup) as raised:
            stack.stop()
        assert [str(error) for error in raised.value.exceptions] == ["b failed to stop", "a failed to stop"]
        assert journal[3:] == ["stop c", "stop b", "stop a"]

    def test_all_are_stopped_when_one_is_interrupted(self) -> None:
        journal: list[str] = []
        stack = self.stack(journal, {"c": ("stop",)}, error=KeyboardInterrupt)
        stack.start()
        with pytest.raises(KeyboardInterrupt):
            stack.stop()
        assert journal[3:] == ["stop c", "stop b", "stop a"]


class TestSecrets:
    def test_the_first_manager_that_knows_answers(self) -> None:
        one, two, three = Vault(), Vault(known={"db": "hunter2"}), Vault(known={"db": "other"})
        assert built(secrets_manager=[one, two, three]).secret("db") == "hunter2"
        assert (one.asked, two.asked, three.asked) == (["db"], ["db"], [])

    def test_an_empty_secret_is_an_answer(self) -> None:
        assert built(secrets_manager=[Vault(known={"db": ""}), Vault(known={"db": "x"})]).secret("db") == ""

    def test_one_that_no_manager_knows_is_an_error_that_says_who_was_asked(self) -> None:
        with pytest.raises(NotFoundError) as raised:
            built(secrets_manager={"a": Vault(), "b": Vault()}).secret("db")
        assert str(raised.value) == (
            "no secrets manager of stack 'custom' knows the secret 'db' (asked: secrets_manager.a, secrets_manager.b)"
        )
        with pytest.raises(NotFoundError, match=r"\(asked: none, the stack has none\)$"):
            built().secret("db")

    def test_a_manager_that_cannot_be_asked_is_an_error_that_names_it(self) -> None:
        with pytest.raises(PermissionError, match="the vault is locked") as raised:
            built(secrets_manager={"a": Vault(), "b": Vault()}).secret("locked")
        assert raised.value.__notes__ == ["in hook secrets_manager_get of secrets_manager.a (flavor Vault)"]

    def test_a_setting_is_looked_up_in_the_stacks_managers(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (project / "acme_vaults.py").write_text(
            "from plugbay_hookspecs import Secret, component, hookimpl\n\n"
            "@component\nclass Known:\n    token: Secret\n\n"
            "    @hookimpl\n    def secrets_manager_get(self, name):\n        return {'db': 'hunter2'}.get(name)\n"
        )
        configure(
            project,
            'orchestrator = "local"\n[stacks.default.secrets_manager.one]\nflavor = "./acme_vaults.py:Known"\n'
            'token = { secret = "db" }\n',
        )
        monkeypatch.setattr(sys, "path", [*sys.path])
        try:
            stack = Stack.load()
        finally:
            sys.modules.pop("acme_vaults", None)
        (manager,) = stack.of_type("secrets_manager")
        assert manager.plugin.token.reveal() == "hunter2"
        shown = f"{stack!r} {stack} {manager!r} {manager} {stack.config!r} {stack.info!r} {manager.plugin!r}"
        assert "hunter2" not in shown

    def test_a_value_written_out_is_shown_nowhere(self) -> None:
        stack = built(secrets_manager=Vault(token=Secret("hunter2"), known={"db": "hunter2"}))
        (manager,) = stack.of_type("secrets_manager")
        assert "hunter2" not in f"{stack!r} {manager!r} {manager} {stack.info!r} {stack.config!r}"


class TestProblems:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (None, []),
            ([], []),
            ([Problem(message="no", remedy="yes")], ["no (yes)"]),
            (Problem(message="no"), ["no"]),
            (["text"], ["component_validate gave a str, which is no Problem"]),
            (3, ["component_validate raised TypeError: 'int' object is not iterable"]),
            (ValueError("bad"), ["component_validate raised ValueError: bad"]),
        ],
    )
    def test_whatever_a_validation_answers_is_reported(self, answer: Any, expected: list[str]) -> None:
        @component
        class Checked:
            @hookimpl
            def component_validate(self) -> Any:
                if isinstance(answer, Exception):
                    raise answer
                return answer

        stack = built(observers=[Checked(), Checked()])
        assert [problem.message for _, problem in stack.problems()] == [
            text.partition(" (")[0] for text in expected
        ] * 2
        if expected:
            with pytest.raises(ConfigError) as raised:
                stack.check()
            assert raised.value.problems == tuple(
                f"observer.Checked_{index} (flavor Checked): {text}" for index in (0, 1) for text in expected
            )

    def test_a_tool_that_raises_is_unhealthy(self) -> None:
        @component
        class Ill:
            @hookimpl
            def component_health(self) -> Any:
                msg = "no answer"
                raise TimeoutError(msg)

        stack = built(observers=[Ill(), Lifecycle(name="x", journal=[])])
        ill, quiet = stack.of_type("observer")
        health = stack.health(ill)
        assert health is not None
        assert (health.ok, health.detail) == (False, "TimeoutError: no answer")
        assert stack.health(quiet) is None


class TestArtifactStore:
    def test_what_the_store_cannot_do_says_what_where_and_who(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        store = built(artifact_store=LocalArtifactStore(path=tmp_path / "file")).artifact_store
        with pytest.raises(StoreError, match=r"^the artifact store 'local' cannot write a/b: ") as raised:
            store.put("a/b", b"content")
        assert raised.value.__notes__ == [
            "in hook artifact_store_put of artifact_store (flavor local, plugbay-local 0.1.0)"
        ]
        assert isinstance(raised.value.__cause__, OSError)

    def test_also_while_it_lists(self, tmp_path: Path) -> None:
        @component
        class Torn(LocalArtifactStore):
            @hookimpl
            def artifact_store_list(self) -> Any:
                yield from ()
                raise OSError(5, os.strerror(5))

        store = built(artifact_store=Torn(path=tmp_path)).artifact_store
        with pytest.raises(
            StoreError, match=r"^the artifact store 'Torn' cannot list runs/: Input/output error"
        ) as raised:
            list(store.list("runs/"))
        assert raised.value.__notes__ == ["in hook artifact_store_list of artifact_store (flavor Torn)"]

    def test_an_object_that_is_not_there_is_a_file_not_found(self, tmp_path: Path) -> None:
        store = built(artifact_store=LocalArtifactStore(path=tmp_path)).artifact_store
        with pytest.raises(FileNotFoundError):
            store.get("a/b")
        assert store.stat("a/b") is None

    @pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../b", ".", "a\\b", "a\0b", "a\nb", "\ud800"])
    def test_what_is_no_key_never_reaches_the_store(self, key: str) -> None:
        store = built().artifact_store
        for call in (store.get, store.stat, store.url, store.local_path, lambda key: store.delete([key])):
            with pytest.raises(ValueError, match="key"):
                call(key)

    @pytest.mark.parametrize("key", ["x" * 256, "a/" * 600 + "a", "é" * 128])
    def test_nor_does_one_that_is_too_long(self, key: str) -> None:
        with pytest.raises(ValueError, match="bytes"):
            built().artifact_store.get(key)


def test_a_stack_is_no_value() -> None:
    one, two = built(), built()
    assert one != two
    assert not attrs.has(Stack)


def test_the_built_in_stack_is_not_disturbed_by_another_flavor_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    information = tmp_path / "acme_local-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-local\nVersion: 1.0\n")
    groups = ["plugbay.orchestrator", "plugbay.artifact_store"]
    points = "\n".join(f"[{group}]\nlocal = acme_local:Local" for group in groups)
    (information / "entry_points.txt").write_text(f"{points}\n[plugbay]\nprogress = acme_local:Progress\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    stack = Stack.load()
    distributions = {component.info.distribution for component in stack.components}
    assert distributions == {"plugbay-local", "plugbay-progress"}
    (project / "plugbay.toml").write_text('[stacks.default]\norchestrator = "local"\n')
    with pytest.raises(ConfigError, match="write acme-local:local or plugbay-local:local to choose"):
        Stack.load()
