"""Which configuration applies: built-in, the user's, the project's, the environment's, in this order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugbay.config.schema import ComponentConfig, Config, load_config
from plugbay.errors import ConfigError


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def component(config: Config, kind: str, stack: str = "default") -> ComponentConfig:
    (found,) = [part for part in config.stacks[stack].components if part.type == kind]
    return found


def test_without_any_configuration_there_is_the_local_stack(project: Path) -> None:
    config = load_config()
    assert config.stack == "default"
    assert config.allow_pickle is True
    assert {(c.type, c.flavor) for c in config.stack_config().components} == {
        ("orchestrator", "local"),
        ("artifact_store", "local"),
        ("observer", "progress"),
    }
    assert config.sources == ("built-in configuration",)


def test_each_layer_wins_over_the_one_before(home: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = '[stacks.default.orchestrator]\nflavor = "local"\n'
    write(home / "config.toml", table + "one = 'user'\ntwo = 'user'\nthree = 'user'\n")
    user = component(load_config(), "orchestrator")
    write(project / "plugbay.toml", "[stacks.default.orchestrator]\ntwo = 'project'\nthree = 'project'\n")
    monkeypatch.setenv("PLUGBAY_STACKS__DEFAULT__ORCHESTRATOR__THREE", "environment")
    config = load_config()
    assert dict(user.settings) == {"one": "user", "two": "user", "three": "user"}
    assert dict(component(config, "orchestrator").settings) == {"one": "user", "two": "project", "three": "environment"}
    assert config.sources == (
        "built-in configuration",
        str(home / "config.toml"),
        str(project / "plugbay.toml"),
        "environment variable PLUGBAY_STACKS__DEFAULT__ORCHESTRATOR__THREE",
    )


def test_the_nearest_directory_upwards_is_the_project(project: Path) -> None:
    write(project / "plugbay.toml", 'stack = "outer"')
    write(project / "inner" / "pyproject.toml", '[tool.plugbay]\nstack = "inner"')
    below = project / "inner" / "deep" / "deeper"
    below.mkdir(parents=True)
    assert load_config(below).stack == "inner"
    assert load_config(project).stack == "outer"


def test_a_pyproject_file_without_our_table_is_passed_over(project: Path) -> None:
    write(project / "plugbay.toml", 'stack = "outer"')
    write(project / "inner" / "pyproject.toml", "[tool.other]\n")
    assert load_config(project / "inner").stack == "outer"


def test_plugbay_toml_wins_over_the_pyproject_file_beside_it(project: Path) -> None:
    write(project / "plugbay.toml", 'stack = "own"')
    write(project / "pyproject.toml", '[tool.plugbay]\nstack = "shared"')
    assert load_config().stack == "own"


def test_a_flavor_named_anew_replaces_the_settings(home: Path, project: Path) -> None:
    write(home / "config.toml", '[stacks.default.artifact_store]\nflavor = "s3"\nbucket = "ml"')
    write(project / "plugbay.toml", '[stacks.default.artifact_store]\nflavor = "gcs"\nproject = "p"')
    found = component(load_config(), "artifact_store")
    assert (found.flavor, dict(found.settings)) == ("gcs", {"project": "p"})


def test_the_short_form_replaces_the_settings(home: Path, project: Path) -> None:
    write(home / "config.toml", '[stacks.default.artifact_store]\nflavor = "s3"\nbucket = "ml"')
    write(project / "plugbay.toml", '[stacks.default]\nartifact_store = "local"')
    found = component(load_config(), "artifact_store")
    assert (found.flavor, dict(found.settings)) == ("local", {})


def test_settings_without_a_flavor_go_to_the_one_named_in_the_short_form(project: Path) -> None:
    file = write(project / "plugbay.toml", '[stacks.default.artifact_store]\npath = "here"')
    found = component(load_config(), "artifact_store")
    assert (found.flavor, dict(found.settings)) == ("local", {"path": "here"})
    assert found.origin_of(("path",)).source == str(file)
    assert found.origin_of(("path",)).directory == project


def test_a_reference_is_replaced_whole(home: Path, project: Path) -> None:
    store = '[stacks.default.artifact_store]\nflavor = "s3"\nkey = { secret = "a" }\nname = "plain"\n'
    write(home / "config.toml", store)
    write(project / "plugbay.toml", '[stacks.default.artifact_store]\nkey = { env = "B" }\nname = { env = "C" }\n')
    assert component(load_config(), "artifact_store").settings == {"key": {"env": "B"}, "name": {"env": "C"}}


def test_a_reference_of_a_lone_component_of_any_number_is_replaced_whole(home: Path, project: Path) -> None:
    write(home / "config.toml", '[stacks.default.secrets_manager]\nflavor = "vault"\ntoken = "plain"\n')
    write(project / "plugbay.toml", '[stacks.default.secrets_manager]\ntoken = { env = "TOKEN" }\n')
    found = component(load_config(), "secrets_manager")
    assert (found.flavor, found.settings) == ("vault", {"token": {"env": "TOKEN"}})


def test_several_components_by_name_replace_a_lone_one(home: Path, project: Path) -> None:
    write(home / "config.toml", '[stacks.default]\nsecrets_manager = "vault"')
    write(project / "plugbay.toml", '[stacks.default.secrets_manager.mine]\nflavor = "keyring"')
    found = component(load_config(), "secrets_manager")
    assert (found.name, found.flavor) == ("mine", "keyring")


def test_components_by_name_are_merged(home: Path, project: Path) -> None:
    write(home / "config.toml", '[stacks.default.secrets_manager.one]\nflavor = "vault"')
    write(project / "plugbay.toml", '[stacks.default.secrets_manager.two]\nflavor = "keyring"')
    found = [(c.name, c.flavor) for c in load_config().stack_config().components if c.type == "secrets_manager"]
    assert found == [("one", "vault"), ("two", "keyring")]


class TestVariables:
    @pytest.mark.parametrize(
        ("name", "text", "expected"),
        [
            ("PLUGBAY_STACK", "prod", "prod"),
            ("PLUGBAY_STACK", "2026", "2026"),
            ("PLUGBAY_STACK", '"prod"', "prod"),
            ("PLUGBAY_STACK", "true", "true"),
            ("PLUGBAY_STACK", "a\nb = 1", "a\nb = 1"),
            ("PLUGBAY_STACK", "1\nb = 1", "1\nb = 1"),
            ("PLUGBAY_STACK", "9" * 5000, "9" * 5000),
            ("PLUGBAY_STACK", "[" * 5000, "[" * 5000),
            ("PLUGBAY_STACK", "", "default"),
        ],
    )
    def test_a_text_is_taken_for_what_is_expected(
        self, project: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, expected: str
    ) -> None:
        monkeypatch.setenv(name, text)
        assert load_config().stack == expected

    @pytest.mark.parametrize("text", ["json", "json,progress", " json , progress "])
    def test_observers_are_separated_by_commas(self, project: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setenv("PLUGBAY_OBSERVERS", text)
        names = [c.name for c in load_config().stack_config().components if c.type == "observer"]
        assert names == list(dict.fromkeys(["progress", *(part.strip() for part in text.split(","))]))

    @pytest.mark.parametrize(
        ("user", "project_text", "variable", "expected"),
        [
            ("", 'observers = ["otel"]', None, ["progress", "otel"]),
            ("", "[observers.otel]", None, ["progress", "otel"]),
            ("", "[observers.otel]\nlevel = 3", "json", ["progress", "otel", "json"]),
            ("", 'observers = ["otel", "no:progress"]', None, ["otel"]),
            ('observers = ["no:progress"]', 'observers = ["otel"]', None, ["otel"]),
            ('observers = ["no:progress"]', "", "progress", ["progress"]),
            ('observers = ["otel"]', "observers = []", None, []),
            ('observers = ["otel"]', "observers = []", "json", ["json"]),
            ('observers = ["otel"]', "", "", ["progress", "otel"]),
            ("", '[stacks.default]\nobservers = ["otel", "no:progress"]', None, ["otel"]),
            ("", '[stacks.default]\nobservers = ["no:progress"]', None, []),
        ],
    )
    def test_a_list_of_observers_adds_to_the_others(
        self,
        project: Path,
        home: Path,
        monkeypatch: pytest.MonkeyPatch,
        user: str,
        project_text: str,
        variable: str | None,
        expected: list[str],
    ) -> None:
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(user)
        (project / "plugbay.toml").write_text(project_text)
        if variable is not None:
            monkeypatch.setenv("PLUGBAY_OBSERVERS", variable)
        assert [c.name for c in load_config().stack_config().components if c.type == "observer"] == expected

    def test_a_truth_value_is_read(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PLUGBAY_ALLOW_PICKLE", "false")
        assert load_config().allow_pickle is False

    def test_a_flavor_and_its_settings_have_variables_of_their_own(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PLUGBAY_STACKS__PROD__ARTIFACT_STORE", "local")
        monkeypatch.setenv("PLUGBAY_STACKS__PROD__ORCHESTRATOR__ADDRESS", "auto")
        monkeypatch.setenv("PLUGBAY_STACKS__PROD__ORCHESTRATOR", "ray")
        found = component(load_config(), "orchestrator", "prod")
        assert (found.flavor, found.settings) == ("ray", {"address": "auto"})

    def test_an_unknown_one_is_an_error_that_names_it(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PLUGBAY_STAK", "prod")
        with pytest.raises(ConfigError, match=r"^environment variable PLUGBAY_STAK: stak: .* did you mean 'stack'\?"):
            load_config()

    def test_those_of_workers_and_of_the_home_are_no_settings(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PLUGBAY_WORKER_STORE", "{}")
        assert load_config().sources == ("built-in configuration",)


class TestUnreadable:
    @pytest.mark.parametrize("name", ["plugbay.toml", "pyproject.toml"])
    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"stack = ", "is not valid TOML: Invalid value (at end of document)"),
            (b"stack = '\xff'", "is not valid TOML: it is not UTF-8 text (invalid start byte at byte 9)"),
            (b"a = " + b"9" * 5000, "is not valid TOML: Exceeds the limit"),
            (b"a = " + b"[" * 5000, "is nested more than 64 levels deep"),
            (b"a" + b".a" * 3000 + b" = 1", "is nested more than 64 levels deep"),
        ],
        ids=["malformed", "not UTF-8", "too many digits", "too many brackets", "too many dots"],
    )
    def test_the_error_names_the_file(self, project: Path, name: str, content: bytes, expected: str) -> None:
        (project / name).write_bytes(content)
        with pytest.raises(ConfigError) as raised:
            load_config()
        assert str(raised.value).startswith(f"{project / name} {expected}")

    @pytest.mark.parametrize("name", ["plugbay.toml", "pyproject.toml"])
    def test_a_directory_in_its_place_is_an_error(self, project: Path, name: str) -> None:
        (project / name).mkdir()
        with pytest.raises(ConfigError, match=r"toml cannot be read: Is a directory$"):
            load_config()

    def test_so_is_a_directory_in_place_of_the_users_file(self, home: Path, project: Path) -> None:
        (home / "config.toml").mkdir(parents=True)
        with pytest.raises(ConfigError, match=r"config.toml cannot be read: Is a directory$"):
            load_config()

    def test_a_link_to_itself_is_an_error(self, project: Path) -> None:
        (project / "plugbay.toml").symlink_to("plugbay.toml")
        with pytest.raises(ConfigError, match=r"plugbay.toml cannot be read: Too many levels of symbolic links$"):
            load_config()

    def test_a_file_in_place_of_the_home_is_no_configuration(self, home: Path, project: Path) -> None:
        home.write_text("")
        assert load_config().sources == ("built-in configuration",)

    @pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
    def test_a_file_that_may_not_be_read_is_an_error(self, project: Path) -> None:
        write(project / "plugbay.toml", "").chmod(0)
        with pytest.raises(ConfigError, match=r"plugbay.toml cannot be read: Permission denied$"):
            load_config()

    @pytest.mark.parametrize("text", ["tool = 3", "[tool]\nplugbay = 3", "[[tool]]\nplugbay = {}"])
    def test_a_pyproject_file_of_another_shape_is_no_crash(self, project: Path, text: str) -> None:
        write(project / "pyproject.toml", text)
        if "plugbay = 3" in text:
            with pytest.raises(ConfigError, match=r"pyproject.toml: tool.plugbay: expected a table, got 3$"):
                load_config()
        else:
            assert load_config().sources == ("built-in configuration",)
