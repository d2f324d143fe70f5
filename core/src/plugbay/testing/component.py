"""What is true of every component, whatever its type: the part of a conformance class that all types share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import attrs
import pytest

from plugbay.host.implementations import problems_of
from plugbay.testing.fakes.artifact_store import FakeArtifactStore
from plugbay.testing.hooks import hooks_of, own_store_in
from plugbay.testing.processes import Call, Outcome, at_once, over_and_over
from plugbay_hookspecs import Secret
from plugbay_hookspecs.types import StackInfo

_is_requirement = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])? *(?:$|[\[(@;<>=!~].*)").fullmatch

STACK = StackInfo(name="contract", components=())


class ComponentContract:
    """Tests of a flavor. A subclass overrides the fixture ``component`` and may say what the tool cannot do.

    A test is waived by overriding it with one that is marked ``xfail(reason=...)``, and in no other way.
    """

    component_type: ClassVar[str]
    capabilities: ClassVar[frozenset[str]] = frozenset()
    """What a flavor of the type may lack."""
    lacking: ClassVar[Mapping[str, str]] = {}
    """The capabilities that the flavor lacks, each with the reason."""
    processes: ClassVar[int] = 4
    """How many processes use the component at once."""

    @pytest.fixture
    def component(self) -> object:
        """Make a fresh component, with nothing in it and not started. Settings must be enough to make it once more."""
        msg = f"{type(self).__name__} needs a fixture 'component' that makes a fresh component"
        raise NotImplementedError(msg)

    @pytest.fixture
    def around(self) -> object:
        """Make the artifact store of the stack around the component: one that is ready, in memory unless this is overridden."""
        return FakeArtifactStore()

    @pytest.fixture(autouse=True)
    def _remember_the_store(self, around: object) -> None:
        self._around = around  # for the methods below, which tests call without it

    @pytest.fixture
    def hooks(self, component: Any, around: object) -> Iterator[Any]:
        """The hooks of the component, provisioned and started."""
        hooks = hooks_of(component, self.component_type)
        hooks.component_provision()
        hooks.component_start(store=own_store_in(around, self.component_type))
        yield hooks
        hooks.component_stop()

    def need(self, capability: str) -> None:
        """Skip the test when the flavor lacks what it is about."""
        assert capability in self.capabilities, f"no capability of a {self.component_type}: {capability!r}"
        if capability in self.lacking:
            pytest.skip(self.lacking[capability])

    def at_once(self, component: object, scripts: Sequence[Sequence[Call]]) -> list[list[Outcome]]:
        """Make the calls of each script in a process of its own, all beginning at once."""
        return at_once(component, self.component_type, scripts, artifact_store=self._around)

    def over_and_over(self, component: object, script: Sequence[Call]) -> Any:
        """Repeat the calls in another process while the context lasts; then the process is killed."""
        return over_and_over(component, self.component_type, script, artifact_store=self._around)

    def test_the_class_is_a_flavor(self, component: object) -> None:
        """It has the hooks that the type requires, with arguments that exist."""
        assert problems_of(type(component), self.component_type) == []

    def test_what_is_lacking_is_named_with_a_reason(self) -> None:
        """A misspelt capability would hide that a test runs, or does not."""
        unknown = set(self.lacking) - self.capabilities
        assert not unknown, f"not capabilities of a {self.component_type}: {unknown}"
        assert all(reason.strip() for reason in self.lacking.values()), "a capability is lacking without a reason"

    def test_good_settings_have_no_problems(self, component: Any) -> None:
        """``component_validate`` is answered without a start."""
        hooks = hooks_of(component, self.component_type)
        problems = [problem for found in hooks.component_validate(stack=STACK) for problem in found or ()]
        assert problems == []

    def test_provisioning_again_changes_nothing(self, hooks: Any) -> None:
        """What exists is left alone, and the component still answers."""
        hooks.component_provision()
        health = hooks.component_health()
        assert health is None or health.ok, f"unhealthy: {health.detail}"

    def test_what_was_destroyed_can_be_created_again(self, component: Any, around: object) -> None:
        """``component_deprovision`` needs no start, and what is gone is no error."""
        hooks = hooks_of(component, self.component_type)
        hooks.component_provision()
        hooks.component_deprovision()
        hooks.component_deprovision()
        hooks.component_provision()
        hooks.component_start(store=own_store_in(around, self.component_type))
        try:
            health = hooks.component_health()
            assert health is None or health.ok, f"unhealthy: {health.detail}"
        finally:
            hooks.component_stop()

    def test_requirements_can_be_given_to_an_installer(self, component: Any) -> None:
        """Each is a PEP 508 requirement: a name, and what may stand behind one."""
        required = hooks_of(component, self.component_type).component_requirements()
        assert not isinstance(required, str), "component_requirements gives one text and no list of requirements"
        for requirement in required or ():
            assert _is_requirement(requirement), f"no requirement: {requirement!r}"

    def test_no_secret_is_shown(self, component: Any, hooks: Any) -> None:
        """Neither by ``repr``, which reaches logs and tracebacks, nor by what the component tells of itself."""
        described = hooks.component_describe() or {}
        health = hooks.component_health()
        shown = f"{component!r} {component} {dict(described)} {health}"
        for secret in _secrets(component):
            assert secret not in shown, "a secret is shown"
        for name, value in described.items():
            assert isinstance(value, str), f"component_describe tells {name} as {type(value).__name__}, not as text"


def _secrets(component: object) -> Iterator[str]:
    """The texts of all secrets among the settings."""
    for field in attrs.fields(type(component)):  # type: ignore[arg-type] # a flavor is an attrs class
        if field.init:
            yield from _secrets_in(getattr(component, field.name))


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _secrets_in(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _secrets_in(each)
