"""What every model registry does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import frozen

from plugbay.testing.component import ComponentContract
from plugbay.testing.processes import call
from plugbay_hookspecs.types import ModelOrigin, ModelVersion, RegisteredModel

HOSTILE_NAMES = ("../up", "a/../../up", "/etc/up", "a/b", "..", ".hidden", "a\\..\\up", "a\0b", "", "a%2Fb", "ü 🎈")
ORIGIN = ModelOrigin(run_id="20260101-aaaa", step="train", digest="sha256:" + "0" * 64)
TEXT = "Größe: 日本 🎈\n\"quoted\", 'so'; -- \\ %s {x}"


@frozen
class RegistryHooks:
    """The hooks of a registry, with the usual arguments left out."""

    hooks: Any

    def register(self, name: str = "flights", description: str = "", **metadata: str) -> RegisteredModel:
        """Register a model."""
        hook = self.hooks.model_registry_register
        model: RegisteredModel = hook(name=name, description=description, metadata=metadata)
        return model

    def get(self, name: str = "flights") -> RegisteredModel | None:
        """Look a model up."""
        model: RegisteredModel | None = self.hooks.model_registry_get(name=name)
        return model

    def listed(self, **metadata: str) -> list[str]:
        """The names of models."""
        return [model.name for model in self.hooks.model_registry_list(metadata=metadata)]

    def create(
        self,
        source: Path | str,
        name: str = "flights",
        description: str = "",
        origin: ModelOrigin | None = None,
        **metadata: str,
    ) -> ModelVersion:
        """Add a version."""
        version: ModelVersion = self.hooks.model_registry_create_version(
            name=name, source=source, description=description, metadata=metadata, origin=origin
        )
        return version

    def version(self, version: str, name: str = "flights") -> ModelVersion | None:
        """Look a version up."""
        found: ModelVersion | None = self.hooks.model_registry_get_version(name=name, version=version)
        return found

    def versions(self, stage: str | None = None, order: str = "oldest", name: str = "flights") -> list[str]:
        """The versions of a model."""
        found = self.hooks.model_registry_list_versions(name=name, stage=stage, order=order)
        return [each.version for each in found]

    def update(self, metadata: Mapping[str, str | None], description: str | None = None) -> RegisteredModel:
        """Change what is said of a model."""
        hook = self.hooks.model_registry_update
        model: RegisteredModel = hook(name="flights", description=description, metadata=metadata)
        return model

    def set_stage(self, version: str, stage: str, *, archive_others: bool = False) -> None:
        """Say how far a version has come."""
        hook = self.hooks.model_registry_set_stage
        hook(name="flights", version=version, stage=stage, archive_others=archive_others)

    def set_alias(self, alias: str, version: str | None) -> None:
        """Let an alias mean a version."""
        self.hooks.model_registry_set_alias(name="flights", alias=alias, version=version)

    def delete_version(self, version: str) -> bool:
        """Delete a version."""
        existed: bool = self.hooks.model_registry_delete_version(name="flights", version=version)
        return existed

    def download(self, version: str, target: Path) -> Path:
        """Copy the files of a version to a new directory."""
        target.mkdir()
        path: Path = self.hooks.model_registry_download(name="flights", version=version, target=target)
        return path


class ModelRegistryContract(ComponentContract):
    """Tests of a model registry."""

    component_type: ClassVar[str] = "model_registry"
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {"list", "update", "delete", "update_version", "set_stage", "set_alias", "delete_version", "load", "uri"}
    )

    @pytest.fixture
    def registry(self, hooks: Any) -> RegistryHooks:
        """The hooks of the registry."""
        return RegistryHooks(hooks)

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        """The file of a model."""
        path = tmp_path / "model.bin"
        path.write_bytes(b"weights")
        return path

    # Models

    def test_what_was_registered_is_got(self, registry: RegistryHooks) -> None:
        """With its texts as they were given."""
        registered = registry.register(description=TEXT, team="ml", note=TEXT)
        assert (registered.name, registered.description) == ("flights", TEXT)
        found = registry.get()
        assert found is not None
        assert (found.name, found.description, dict(found.aliases)) == ("flights", TEXT, {})
        assert {"team": "ml", "note": TEXT}.items() <= found.metadata.items()
        assert found.created is None or abs(found.created - time.time()) < 300
        assert registry.versions() == []

    def test_a_name_is_registered_once(self, registry: RegistryHooks) -> None:
        """The second changes nothing of the first."""
        registry.register(description="first")
        with pytest.raises(FileExistsError):
            registry.register(description="second")
        found = registry.get()
        assert found is not None
        assert found.description == "first"

    def test_models_are_listed_by_name(self, registry: RegistryHooks) -> None:
        """All, or those with some metadata."""
        self.need("list")
        assert registry.listed() == []
        for name, team in (("b", "x"), ("a-1", "x"), ("a.1", "y"), ("C", "x")):
            registry.register(name, team=team, other="z")
        assert registry.listed() == sorted(["b", "a-1", "a.1", "C"]), "models are not in the order of their names"
        assert registry.listed(team="x", other="z") == sorted(["b", "a-1", "C"])
        assert registry.listed(team="no") == []

    def test_an_update_changes_what_it_names(self, registry: RegistryHooks) -> None:
        """And nothing else."""
        self.need("update")
        registry.register(description="d", kept="1", changed="1", removed="1")
        for _ in range(2):
            updated = registry.update({"changed": "2", "removed": None, "new": ""})
            assert updated.description == "d"
            assert updated.metadata.get("changed") == "2"
            assert updated.metadata.get("kept") == "1", "an update lost what it did not name"
            assert "removed" not in updated.metadata
            assert updated.metadata.get("new", "") == ""
        assert registry.update({}, description="").description == ""

    def test_deleting_a_model_is_idempotent(self, registry: RegistryHooks, source: Path) -> None:
        """Its versions go with it."""
        self.need("delete")
        delete = registry.hooks.model_registry_delete
        for name in ("flights", "other"):
            registry.register(name)
            registry.create(source, name)
        assert delete(name="flights") is True
        assert delete(name="flights") is False
        assert registry.get() is None
        assert registry.version("1") is None
        assert registry.get("other") is not None
        registry.register()
        assert registry.versions() == [], "a new model has the versions of a deleted one"

    # Versions

    def test_a_version_is_what_was_given(self, registry: RegistryHooks, source: Path) -> None:
        """With the run, the step and the artifact that it comes from."""
        registry.register()
        created = registry.create(source, description=TEXT, origin=ORIGIN, accuracy="0.9", note=TEXT)
        found = registry.version(created.version)
        for version in (created, found):
            assert version is not None
            assert (version.name, version.version) == ("flights", created.version)
            assert (version.stage, version.aliases) == ("none", ())
            assert version.description == TEXT
            assert version.origin == ORIGIN, "a version lost where it comes from"
            assert {"accuracy": "0.9", "note": TEXT}.items() <= version.metadata.items()
            assert version.created is None or abs(version.created - time.time()) < 300
        assert not created.version.startswith("@")
        assert registry.create(source).origin is None

    def test_a_version_keeps_its_file(self, registry: RegistryHooks, source: Path, tmp_path: Path) -> None:
        """Whatever becomes of the file that it was made from."""
        registry.register()
        version = registry.create(source).version
        source.write_bytes(b"other")
        source.unlink()
        path = registry.download(version, tmp_path / "target")
        assert path.read_bytes() == b"weights", "the files of a version changed with their source"

    def test_a_version_keeps_its_directory(self, registry: RegistryHooks, tmp_path: Path) -> None:
        """With directories in it and any names."""
        files = {"config.json": b"{}", "a/b/weights 1.bin": bytes(range(256)) * 1000, "a/ü 日本.txt": b"", ".dot": b"x"}
        for name, content in files.items():
            path = tmp_path / "model" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        registry.register()
        version = registry.create(tmp_path / "model").version
        got = registry.download(version, tmp_path / "target")
        assert {str(path.relative_to(got)): path.read_bytes() for path in got.rglob("*") if path.is_file()} == files

    def test_a_version_without_files_is_none(self, registry: RegistryHooks, tmp_path: Path) -> None:
        """Nothing is found of a version whose files could not be had."""
        registry.register()
        with pytest.raises(OSError):
            registry.create(tmp_path / "no such file")
        assert registry.versions() == [], "a version without files is found"

    def test_versions_are_in_the_order_of_their_making(self, registry: RegistryHooks, source: Path) -> None:
        """Not of the text of their numbers: 10 comes after 9."""
        registry.register()
        made = [registry.create(source).version for _ in range(11)]
        assert len(set(made)) == 11
        assert registry.versions() == made, "versions are not in the order in which they were created"
        assert registry.versions(order="newest") == made[::-1]
        assert registry.versions(stage="production") == []

    def test_an_update_of_a_version_changes_what_it_names(self, registry: RegistryHooks, source: Path) -> None:
        """Never its source and origin."""
        self.need("update_version")
        registry.register()
        first, second = (registry.create(source, description="d", origin=ORIGIN, a="1", b="1") for _ in range(2))
        update = registry.hooks.model_registry_update_version
        updated = update(name="flights", version=first.version, description=None, metadata={"a": None, "c": "3"})
        assert updated == registry.version(first.version)
        assert "a" not in updated.metadata
        assert {"b": "1", "c": "3"}.items() <= updated.metadata.items()
        assert (updated.description, updated.origin, updated.source) == ("d", ORIGIN, first.source)
        other = registry.version(second.version)
        assert other is not None
        assert other.metadata == second.metadata, "another version was changed"

    def test_a_number_is_given_once(self, registry: RegistryHooks, source: Path) -> None:
        """Also when its version is deleted."""
        self.need("delete_version")
        registry.register()
        versions = [registry.create(source).version for _ in range(2)]
        assert registry.delete_version(versions[1]) is True
        assert registry.delete_version(versions[1]) is False
        assert registry.version(versions[1]) is None
        again = registry.create(source).version
        assert again not in versions, "the number of a deleted version was given again"
        assert registry.versions() == [versions[0], again]

    # Stages and aliases

    def test_a_version_moves_through_stages(self, registry: RegistryHooks, source: Path) -> None:
        """Alone, or in place of the others of the stage."""
        self.need("set_stage")
        registry.register()
        a, b, c = (registry.create(source).version for _ in range(3))
        for _ in range(2):
            registry.set_stage(a, "production")
            registry.set_stage(b, "production")
        registry.set_stage(c, "staging")
        assert registry.versions("production") == [a, b], "a version left its stage"
        for _ in range(2):
            registry.set_stage(c, "production", archive_others=True)
        assert registry.versions("production") == [c]
        assert registry.versions("archived") == [a, b], "the others of the stage were not archived"
        registry.set_stage(a, "none")
        assert registry.versions("none") == [a]

    def test_an_alias_means_one_version(self, registry: RegistryHooks, source: Path) -> None:
        """The one that it was given last, until it is removed."""
        self.need("set_alias")
        registry.register()
        first, second = (registry.create(source).version for _ in range(2))
        for version in (first, second, second):
            registry.set_alias("champion", version)
            found, model = registry.version("@champion"), registry.get()
            assert found is not None
            assert model is not None
            assert (found.version, found.aliases) == (version, ("champion",))
            assert dict(model.aliases) == {"champion": version}
        old = registry.version(first)
        assert old is not None
        assert old.aliases == (), "an alias means two versions"
        registry.set_alias("champion", None)
        registry.set_alias("champion", None)
        assert registry.version("@champion") is None
        assert registry.version("@") is None

    def test_an_alias_goes_with_its_version(self, registry: RegistryHooks, source: Path) -> None:
        """And leaves no name that leads nowhere."""
        self.need("set_alias")
        self.need("delete_version")
        registry.register()
        version = registry.create(source).version
        registry.set_alias("champion", version)
        registry.delete_version(version)
        assert registry.version("@champion") is None
        model = registry.get()
        assert model is not None
        assert dict(model.aliases) == {}, "an alias of a deleted version stayed"

    # What is not there

    def test_what_is_not_there_is_a_key_error(self, registry: RegistryHooks, source: Path, tmp_path: Path) -> None:
        """Unless it was only looked up."""
        assert registry.get("no") is None
        assert registry.version("1", "no") is None
        with pytest.raises(KeyError):
            registry.create(source, "no")
        with pytest.raises(KeyError):
            registry.versions(name="no")
        registry.register()
        version = registry.create(source).version
        for absent in ("999999", "", "no", f"0{version}", "@no", "../1"):
            assert registry.version(absent) is None, absent
        with pytest.raises(KeyError):
            registry.download("999999", tmp_path / "target")
        calls: dict[str, dict[str, Any]] = {
            "update": {"name": "no", "description": None, "metadata": {}},
            "update_version": {"name": "flights", "version": "999999", "description": None, "metadata": {"a": "1"}},
            "set_stage": {"name": "flights", "version": "999999", "stage": "staging", "archive_others": True},
            "set_alias": {"name": "flights", "version": "999999", "alias": "champion"},
            "load": {"name": "flights", "version": "999999"},
            "uri": {"name": "flights", "version": "999999"},
        }
        for capability, arguments in calls.items():
            if capability not in self.lacking:
                with pytest.raises(KeyError):
                    getattr(registry.hooks, f"model_registry_{capability}")(**arguments)
        assert registry.versions() == [version]

    @pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
    def test_a_hostile_name_is_refused_or_a_name_of_its_own(
        self, registry: RegistryHooks, source: Path, name: str
    ) -> None:
        """It never means another model."""
        registry.register("canary", "alive")
        registry.register("a")
        try:
            registry.register(name, "hostile")
        except (ValueError, OSError):
            expected = ["a", "canary"]
        else:
            expected = sorted(["a", "canary", name])
            found = registry.get(name)
            assert found is not None
            assert (found.name, found.description) == (name, "hostile"), "a name means something else"
            registry.create(source, name)
            assert len(registry.versions(name=name)) == 1
        assert registry.versions(name="a") == registry.versions(name="canary") == []
        if "list" not in self.lacking:
            assert registry.listed() == expected

    # Many at once

    def test_of_many_processes_one_registers_a_name(self, component: Any, registry: RegistryHooks) -> None:
        """The others are told that it is taken."""
        names = [f"model-{number}" for number in range(10)]
        scripts = [
            [call("model_registry_register", name=name, description=f"{number}", metadata={}) for name in names]
            for number in range(self.processes)
        ]
        outcomes = self.at_once(component, scripts)
        for position, name in enumerate(names):
            told = [script[position].error for script in outcomes]
            assert sum(error is None for error in told) == 1, f"{name} was registered by several, or by none: {told}"
            assert all(error is None or isinstance(error, FileExistsError) for error in told), told
            found = registry.get(name)
            assert found is not None
            assert found.description == f"{told.index(None)}", "the description is not of the one that registered"

    def test_versions_made_at_once_have_numbers_of_their_own(
        self, component: Any, registry: RegistryHooks, tmp_path: Path
    ) -> None:
        """Each with its own files, and none lost."""
        registry.register()
        scripts = []
        for number in range(self.processes):
            source = tmp_path / f"{number}"
            source.write_text(f"{number}")
            arguments = {"name": "flights", "source": source, "description": "", "metadata": {"by": f"{number}"}}
            scripts.append([call("model_registry_create_version", **arguments, origin=ORIGIN) for _ in range(5)])
        outcomes = [outcome for script in self.at_once(component, scripts) for outcome in script]
        assert not [outcome.error for outcome in outcomes if outcome.error], "a version was not created"
        versions = [outcome.value.version for outcome in outcomes]
        assert len(set(versions)) == len(versions), "a number was given twice"
        assert set(registry.versions()) == set(versions), "a version was lost"
        for position, version in enumerate(versions):
            found = registry.version(version)
            assert found is not None
            by = str(position // 5)
            assert (found.metadata["by"], found.origin) == (by, ORIGIN)
            assert registry.download(version, tmp_path / f"target-{version}").read_text() == by

    def test_updates_at_once_are_all_made(self, component: Any, registry: RegistryHooks) -> None:
        """Of several that name different things, none undoes another."""
        self.need("update")
        registry.register()
        scripts = [
            [
                call("model_registry_update", name="flights", description=None, metadata={f"{process}-{number}": "x"})
                for number in range(8)
            ]
            for process in range(self.processes)
        ]
        outcomes = self.at_once(component, scripts)
        assert not [outcome.error for script in outcomes for outcome in script if outcome.error]
        model = registry.get()
        assert model is not None
        expected = {f"{process}-{number}" for process in range(self.processes) for number in range(8)}
        assert expected <= model.metadata.keys(), "an update undid another"

    def test_an_alias_is_never_without_a_version(self, component: Any, registry: RegistryHooks, source: Path) -> None:
        """While another process moves it, and after that was killed."""
        self.need("set_alias")
        registry.register()
        versions = [registry.create(source).version for _ in range(2)]
        registry.set_alias("champion", versions[0])
        script = [
            call("model_registry_set_alias", name="flights", alias="champion", version=version)
            for version in versions[::-1]
        ]
        with self.over_and_over(component, script):
            ends = time.monotonic() + 0.7
            while time.monotonic() < ends:
                found = registry.version("@champion")
                assert found is not None, "an alias had no version for a moment"
                assert found.version in versions
        assert registry.version("@champion") is not None

    # What a registry may lack

    def test_the_uri_tells_versions_apart(self, registry: RegistryHooks, source: Path) -> None:
        """Each has its own."""
        self.need("uri")
        registry.register()
        versions = [registry.create(source).version for _ in range(2)]
        uris = {registry.hooks.model_registry_uri(name="flights", version=version) for version in versions}
        assert len(uris) == 2

    def test_what_is_lacking_answers_nothing(self, registry: RegistryHooks, source: Path) -> None:
        """A capability that is there is not declared as lacking."""
        registry.register()
        version = registry.create(source).version
        of_model: dict[str, Any] = {"name": "flights"}
        of_version: dict[str, Any] = {"name": "flights", "version": version}
        arguments: dict[str, dict[str, Any]] = {
            "list": {"metadata": {}},
            "update": {**of_model, "description": None, "metadata": {}},
            "update_version": {**of_version, "description": None, "metadata": {}},
            "load": of_version,
            "uri": of_version,
            "delete_version": of_version,
            "delete": of_model,
        }
        for capability in self.lacking.keys() & arguments.keys():
            hook = getattr(registry.hooks, f"model_registry_{capability}")
            assert hook(**arguments[capability]) is None, f"{capability} is there, and declared as lacking"
