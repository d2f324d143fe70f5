from __future__ import annotations

import inspect
import pickle
from pathlib import Path
from typing import Any

import pytest
from attrs import field

from plugbay.stack import Stack
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.stack.own_store import OwnStore, own_prefix
from plugbay.testing.fakes.artifact_store import FakeArtifactStore
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import ComponentInfo, ObjectStore
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.objects.directory import Directory
from plugbay_local.orchestrator import LocalOrchestrator


@component
class Keeper:
    store: Any = field(default=None, init=False)

    @hookimpl
    def component_start(self, store: ObjectStore) -> None:
        self.store = store


def test_it_has_what_the_protocol_says_as_the_facade_has_it() -> None:
    specified = {name: method for name, method in vars(ObjectStore).items() if not name.startswith("_")}
    facade = {name for name, found in vars(ArtifactStore).items() if inspect.isfunction(found)}
    assert specified.keys() == {name for name in facade if not name.startswith("_")}
    for owner in (OwnStore, Directory, ArtifactStore):
        for name, method in specified.items():
            assert inspect.signature(getattr(owner, name)) == inspect.signature(method), (owner, name)


def built(tmp_path: Path, **components: Any) -> Stack:
    store = LocalArtifactStore(path=tmp_path / "store")
    return Stack(**{"orchestrator": LocalOrchestrator(), "artifact_store": store, **components})


@pytest.fixture
def own(tmp_path: Path) -> Any:
    keeper = Keeper()
    with built(tmp_path, observers=[keeper]):
        yield keeper.store


def test_what_it_keeps_lies_in_the_artifact_store(own: Any, tmp_path: Path) -> None:
    assert own.put("a/b", b"one") is True
    assert own.put("a/b", b"two", if_absent=True) is False
    (file,) = (path for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert file == tmp_path / "store/components/observer/Keeper_0/a/b"
    assert own.get("a/b") == b"one"
    assert own.open("a/b", offset=1, length=1).read() == b"n"
    assert own.local_path("a/b") == file
    assert own.url("a/b") == file.as_uri()
    assert own.scratch() == tmp_path / "store/.scratch"


def test_keys_are_its_own(own: Any) -> None:
    for key in ("a/b", "a/c/d", "e"):
        own.put(key, b"x")
    assert [found.key for found in own.list()] == ["a/b", "a/c/d", "e"]
    assert [found.key for found in own.list("a/", recursive=False)] == ["a/b", "a/c/"]
    assert [found.key for found in own.list(after="a/b")] == ["a/c/d", "e"]
    assert own.stat("e").key == "e"
    own.delete(["e", "nothing"])
    assert own.stat("e") is None


@pytest.mark.parametrize("key", ["", "../up", "/up", "a/../../up", ".hidden", "a\\b", "a\0"])
def test_no_key_leads_out(own: Any, key: str) -> None:
    for call in (
        own.get,
        own.stat,
        own.local_path,
        own.url,
        lambda key: own.put(key, b""),
        lambda key: own.delete([key]),
    ):
        with pytest.raises(ValueError, match="key"):
            call(key)
    with pytest.raises(ValueError):
        list(own.list(f"{key or '..'}/"))


def test_what_the_store_cannot_do_is_an_os_error(own: Any, tmp_path: Path) -> None:
    own.put("a", b"x")
    with pytest.raises(FileNotFoundError):
        own.get("b")
    with pytest.raises(OSError, match="the artifact store 'local' cannot write components/observer/Keeper_0/a/b"):
        own.put("a/b", b"x")


def test_components_of_a_type_have_a_part_each(tmp_path: Path) -> None:
    one, other, registry = Keeper(), Keeper(), LocalRegistry()
    with built(tmp_path, observers=[one, other], model_registry=registry):
        for each in (one, other, registry):
            each.store.put("a", b"x")
        assert len({each.store.url("a") for each in (one, other, registry)}) == 3
        assert registry.store.local_path("a") == tmp_path / "store/components/model_registry/a"


@component
class LocalRegistry(Keeper):
    @hookimpl
    def model_registry_register(self) -> None: ...
    @hookimpl
    def model_registry_get(self) -> None: ...
    @hookimpl
    def model_registry_create_version(self) -> None: ...
    @hookimpl
    def model_registry_get_version(self) -> None: ...
    @hookimpl
    def model_registry_list_versions(self) -> None: ...
    @hookimpl
    def model_registry_download(self) -> None: ...


def test_any_name_is_a_part_of_a_key_of_its_own() -> None:
    names = ["./chat.py:Chat", "../chat.py:Chat", ".", "..", "%2E", "a/b", "a%2Fb", "ü", "a b"]
    prefixes = {
        own_prefix(ComponentInfo(type="observer", name=name, flavor="x", distribution=None, version=None))
        for name in names
    }
    assert len(prefixes) == len(names)
    with Stack(orchestrator=LocalOrchestrator(), artifact_store=FakeArtifactStore()) as stack:
        for prefix in prefixes:
            stack.artifact_store.put(f"{prefix}key", b"x")
            assert prefix.count("/") == 3


def test_a_pickled_component_leaves_it_behind(own: Any) -> None:
    copy = pickle.loads(pickle.dumps(own))
    with pytest.raises(OSError, match="start the component in this one"):
        copy.get("a")
