"""What every secrets manager keeps to: one secret never answers for another, and no text shows anywhere.

.. code-block:: python

    class TestMine(SecretsManagerContract):
        lacking = {"versions": "the tool keeps one text under a name"}

        @pytest.fixture
        def component(self):
            return Mine()
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import pytest

from plugbay.testing.component import ComponentContract
from plugbay.testing.processes import call

HOSTILE_NAMES = (
    "/etc/passwd",
    "a/b",
    "a\\b",
    "a b",
    "a=b",
    "a:b",
    "*",
    "%s",
    "$HOME",
    "~",
    "-rf",
    "x'; DROP TABLE secret; --",
    "a\0b",
    "a\nb",
    "\x1b[2J",
    "ü",
    "日本",
    "🎈",
    "\ud800",
    "x" * 1000,
)
HOSTILE_TEXTS = (
    "",
    " a ",
    "two\nlines\r\n",
    "-----BEGIN KEY-----\nAA==\n-----END KEY-----\n",
    "ü日本🎈",
    "\"'\\${HOME}%s\x1b[2J",
    '{"value": "x"}',
    "x" * 8000,
)


class SecretsManagerContract(ComponentContract):
    """Inherit from it and give the fixture ``component``; see the module. Each test needs an empty manager."""

    component_type = "secrets_manager"
    capabilities = frozenset({"writing", "listing", "versions"})
    """What a manager may lack; the hooks for it answer ``None``."""

    @pytest.fixture
    def provide(self, hooks: Any) -> Callable[[str, Mapping[str, str]], None]:
        """Put a secret into the manager; replace the fixture where the component cannot."""

        def create(name: str, values: Mapping[str, str]) -> None:
            hooks.secrets_manager_create(name=name, values=values)

        return create

    # -- looking up

    def test_what_it_lacks_answers_none(self, hooks: Any, provide: Any) -> None:
        """And the rest works."""
        provide("known", {"value": "text"})
        answers: dict[str, Callable[[], list[Any]]] = {
            "writing": lambda: [
                hooks.secrets_manager_create(name="new", values={"value": "x"}),
                hooks.secrets_manager_update(name="known", values={"value": "x"}),
                hooks.secrets_manager_delete(name="known"),
            ],
            "listing": lambda: [hooks.secrets_manager_list()],
            "versions": lambda: [hooks.secrets_manager_versions(name="known")],
        }
        for name in self.lacking:
            assert set(answers[name]()) == {None}
        assert hooks.secrets_manager_get(name="known") == "text"

    def test_a_text_is_found_by_secret_and_key(self, hooks: Any, provide: Any) -> None:
        """Not by the key alone, nor by the secret."""
        provide("store", {"id": "one", "key": "two"})
        assert [hooks.secrets_manager_get(name=f"store.{key}") for key in ("id", "key")] == ["one", "two"]
        assert [hooks.secrets_manager_get(name=name) for name in ("store", "store.none", "id", "none.id")] == [None] * 4

    def test_the_key_of_a_name_without_a_dot_is_value(self, hooks: Any, provide: Any) -> None:
        """Both names are the same."""
        provide("token", {"value": "text"})
        assert hooks.secrets_manager_get(name="token") == hooks.secrets_manager_get(name="token.value") == "text"
        assert hooks.secrets_manager_get(name="token.value.value") is None

    def test_a_key_may_have_dots(self, hooks: Any, provide: Any) -> None:
        """The first dot ends the secret's name."""
        provide("registry", {"tls.crt": "one", "tls.value": "two"})
        assert hooks.secrets_manager_get(name="registry.tls.crt") == "one"
        assert hooks.secrets_manager_get(name="registry.tls.value") == "two"
        assert hooks.secrets_manager_get(name="registry.tls") is None

    def test_a_similar_name_is_another(self, hooks: Any, provide: Any) -> None:
        """Neither a beginning, nor an end, nor another division of a name answers."""
        provide("one", {"two": "text"})
        for name in (
            "one",
            "on.two",
            "one.tw",
            "one.two.three",
            "one-two",
            "one_two",
            "one__two",
            "onetwo",
            "xone.two",
        ):
            assert hooks.secrets_manager_get(name=name) is None, name

    @pytest.mark.parametrize("name", HOSTILE_NAMES, ids=lambda name: ascii(name[:20]))
    def test_a_hostile_name_is_only_unknown(self, hooks: Any, provide: Any, name: str) -> None:
        """Whatever is asked for, the next manager must be asked."""
        provide("one", {"value": "text"})
        assert hooks.secrets_manager_get(name=name) is None
        assert hooks.secrets_manager_get(name=f"one.{name}") is None

    @pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: ascii(text[:20]))
    def test_a_text_comes_back_as_it_was(self, hooks: Any, provide: Any, text: str) -> None:
        """Under ``value`` and under any other key."""
        provide("one", {"value": text})
        provide("two", {"key": text})
        assert hooks.secrets_manager_get(name="one") == text
        assert hooks.secrets_manager_get(name="two.key") == text

    def test_the_names_are_listed_without_keys(self, hooks: Any, provide: Any) -> None:
        """Each once."""
        self.need("listing")
        assert list(hooks.secrets_manager_list()) == []
        provide("one", {"a": "x", "b.c": "y"})
        provide("two", {"value": "z"})
        assert sorted(hooks.secrets_manager_list()) == ["one", "two"]

    # -- writing

    def test_a_secret_is_not_made_twice(self, hooks: Any) -> None:
        """The first stays."""
        self.need("writing")
        assert isinstance(hooks.secrets_manager_create(name="one", values={"value": "first"}), str)
        with pytest.raises(FileExistsError):
            hooks.secrets_manager_create(name="one", values={"value": "second"})
        assert hooks.secrets_manager_get(name="one") == "first"

    def test_an_update_replaces_all_keys(self, hooks: Any) -> None:
        """A key that is not among them is gone."""
        self.need("writing")
        hooks.secrets_manager_create(name="one", values={"a": "1", "value": "2"})
        assert isinstance(hooks.secrets_manager_update(name="one", values={"b": "3", "c": "4"}), str)
        found = [hooks.secrets_manager_get(name=name) for name in ("one.a", "one", "one.b", "one.c")]
        assert found == [None, None, "3", "4"]

    def test_only_what_exists_is_updated(self, hooks: Any) -> None:
        """Nothing is made in passing."""
        self.need("writing")
        with pytest.raises(KeyError):
            hooks.secrets_manager_update(name="one", values={"value": "x"})
        assert hooks.secrets_manager_get(name="one") is None

    def test_deleting_twice_is_no_error(self, hooks: Any) -> None:
        """And makes room for a new secret of the name, with nothing of the old one."""
        self.need("writing")
        hooks.secrets_manager_create(name="one", values={"a": "1"})
        hooks.secrets_manager_create(name="two", values={"a": "2"})
        assert hooks.secrets_manager_delete(name="one") is True
        assert hooks.secrets_manager_delete(name="one") is False
        assert hooks.secrets_manager_get(name="one.a") is None
        assert hooks.secrets_manager_get(name="two.a") == "2"
        hooks.secrets_manager_create(name="one", values={"b": "3"})
        assert hooks.secrets_manager_get(name="one.a") is None

    def test_the_versions_are_listed_oldest_first(self, hooks: Any) -> None:
        """As they were told when they were made; also more than nine."""
        self.need("writing")
        self.need("versions")
        made = [hooks.secrets_manager_create(name="one", values={"value": "0"})]
        made += [hooks.secrets_manager_update(name="one", values={"value": str(number)}) for number in range(1, 12)]
        assert list(hooks.secrets_manager_versions(name="one")) == made
        assert len(set(made)) == 12
        with pytest.raises(KeyError):
            hooks.secrets_manager_versions(name="two")

    @pytest.mark.parametrize("name", HOSTILE_NAMES, ids=lambda name: ascii(name[:20]))
    def test_a_hostile_name_is_kept_or_refused(self, hooks: Any, name: str) -> None:
        """As it is, or with ``ValueError``; as a secret's and as a key's."""
        self.need("writing")
        for secret, key in ((name, "key"), ("plain", name)):
            try:
                hooks.secrets_manager_create(name=secret, values={key: "text"})
            except ValueError:
                assert hooks.secrets_manager_get(name=f"{secret}.{key}") is None
            else:
                assert hooks.secrets_manager_get(name=f"{secret}.{key}") == "text"
                if "listing" not in self.lacking:
                    assert secret in hooks.secrets_manager_list()
                assert hooks.secrets_manager_delete(name=secret)

    @pytest.mark.parametrize(
        ("name", "values"), [("a.b", {"value": "x"}), ("", {"value": "x"}), ("a", {"": "x"}), ("a", {})]
    )
    def test_what_nobody_could_ask_for_is_refused(self, hooks: Any, name: str, values: Mapping[str, str]) -> None:
        """With ``ValueError``."""
        self.need("writing")
        with pytest.raises(ValueError):
            hooks.secrets_manager_create(name=name, values=values)
        assert hooks.secrets_manager_get(name="a.b") is None

    # -- side by side

    def test_an_update_by_another_process_is_seen(self, hooks: Any, component: Any) -> None:
        """Also by one that has asked before."""
        self.need("writing")
        hooks.secrets_manager_create(name="one", values={"value": "old"})
        assert hooks.secrets_manager_get(name="one") == "old"
        self.at_once(component, [[call("secrets_manager_update", name="one", values={"value": "new"})]])
        assert hooks.secrets_manager_get(name="one") == "new"

    def test_of_many_that_create_a_secret_one_does(self, hooks: Any, component: Any) -> None:
        """The others are told that there is one, and each that creates another name succeeds."""
        self.need("writing")
        scripts = [
            [
                call("secrets_manager_create", name="one", values={"value": str(number)}),
                call("secrets_manager_create", name=f"own-{number}", values={"value": str(number)}),
            ]
            for number in range(self.processes)
        ]
        shared, own = zip(*self.at_once(component, scripts), strict=True)
        (winner,) = [number for number, outcome in enumerate(shared) if outcome.error is None]
        assert {type(outcome.error) for outcome in shared} == {type(None), FileExistsError}
        assert hooks.secrets_manager_get(name="one") == str(winner)
        assert [outcome.error for outcome in own] == [None] * self.processes
        assert all(hooks.secrets_manager_get(name=f"own-{number}") == str(number) for number in range(self.processes))

    def test_no_update_is_lost(self, hooks: Any, component: Any) -> None:
        """Each has a version of its own."""
        self.need("writing")
        self.need("versions")
        made = [hooks.secrets_manager_create(name="one", values={"value": "x"})]
        script = [call("secrets_manager_update", name="one", values={"value": "x"})] * 5
        outcomes = [outcome for outcomes in self.at_once(component, [script] * self.processes) for outcome in outcomes]
        assert [outcome.error for outcome in outcomes] == [None] * 5 * self.processes
        made += [outcome.value for outcome in outcomes]
        assert sorted(hooks.secrets_manager_versions(name="one")) == sorted(made)
        assert len(set(made)) == 5 * self.processes + 1

    # -- keeping secrets

    def test_no_text_shows_anywhere(self, hooks: Any, component: Any, provide: Any, caplog: Any, capfd: Any) -> None:
        """Neither in the component's repr, nor in its facts, its log, its output or an exception's traceback."""
        text = f"hunter2-{uuid4().hex}"
        shown = []
        with caplog.at_level(logging.DEBUG):
            provide("one", {"value": text, "key": text})
            hooks.secrets_manager_get(name="one")
            attempts: list[Callable[[], Any]] = [
                lambda: hooks.secrets_manager_create(name="one", values={"value": text}),
                lambda: hooks.secrets_manager_update(name="none", values={"value": text}),
                lambda: hooks.secrets_manager_create(name="a.b", values={"value": text}),
                lambda: hooks.secrets_manager_create(name="a", values={"": text}),
                lambda: hooks.secrets_manager_create(name="a\0\ud800/", values={"value": text}),
                lambda: hooks.secrets_manager_update(name="one", values={"": text}),
                lambda: hooks.secrets_manager_get(name="one.none"),
                lambda: hooks.secrets_manager_list() and None,
                lambda: hooks.secrets_manager_versions(name="one"),
                lambda: hooks.secrets_manager_versions(name="none"),
                hooks.component_describe,
                hooks.component_health,
            ]
            for attempt in attempts:
                try:
                    shown.append(repr(attempt()))
                except Exception as error:  # noqa: BLE001 -- what it says is what is tested
                    shown.append("".join(traceback.format_exception(error)))
        shown += [repr(component), str(component), caplog.text, *capfd.readouterr()]
        assert [place for place in shown if text in place] == []
