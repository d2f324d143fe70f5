from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from plugbay_local.artifact_store import LocalArtifactStore

# Few characters, on both sides of "/", so that keys share parts and sort around it.
PARTS = st.text("-0az~é\U0001f388", min_size=1, max_size=3)
KEYS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


def utf8(key: str) -> bytes:
    return key.encode()


def without_parents(keys: set[str]) -> set[str]:
    """Drop keys that are a directory of another: a file system has no such objects."""
    return {key for key in keys if not any(other.startswith(f"{key}/") for other in keys)}


@contextmanager
def store_of(keys: set[str]) -> Iterator[LocalArtifactStore]:
    with tempfile.TemporaryDirectory() as directory:
        store = LocalArtifactStore(path=Path(directory))
        for key in keys:
            store.artifact_store_put(key, utf8(key), False, False)
        yield store


@settings(max_examples=150, deadline=None)
@given(
    keys=st.sets(KEYS, max_size=12).map(without_parents),
    parents=st.lists(PARTS, max_size=2),
    after=st.none() | KEYS | KEYS.map(lambda key: f"{key}/") | st.text(max_size=3),
    data=st.data(),
)
def test_listing_is_the_sorted_keys_behind_after(
    keys: set[str], parents: list[str], after: str | None, data: st.DataObject
) -> None:
    if keys:
        some_key = st.sampled_from(sorted(keys))
        if data.draw(st.booleans()):
            after = data.draw(some_key)
        if data.draw(st.booleans()):
            key = data.draw(some_key)
            parents = key.split("/")[: data.draw(st.integers(0, key.count("/")))]
    prefix = "".join(f"{part}/" for part in parents)
    deep = {key for key in keys if key.startswith(prefix)}
    shallow = {
        prefix + rest.partition("/")[0] + rest.partition("/")[1] for rest in (key[len(prefix) :] for key in deep)
    }
    with store_of(keys) as store:
        for recursive, expected in ((True, deep), (False, shallow)):
            listed = list(store.artifact_store_list(prefix, after, recursive))
            behind = (key for key in expected if after is None or utf8(key) > after.encode("utf-8", "surrogatepass"))
            assert [found.key for found in listed] == sorted(behind, key=utf8)
            assert all(found.size == (0 if found.key.endswith("/") else len(utf8(found.key))) for found in listed)
            assert all((found.modified == 0) == found.key.endswith("/") for found in listed)


def test_a_directory_sorts_as_its_keys_do() -> None:
    with store_of({"a-b", "a/b", "a0", "a.b"}) as store:
        assert [found.key for found in store.artifact_store_list("", None, True)] == ["a-b", "a.b", "a/b", "a0"]


def test_an_empty_directory_holds_no_object_and_is_not_listed() -> None:
    with store_of({"a/b"}) as store:
        root = Path(store.component_describe()["path"])
        (root / "empty" / "nested").mkdir(parents=True)
        assert [found.key for found in store.artifact_store_list("", None, False)] == ["a/"]


def test_listing_tolerates_what_vanishes_meanwhile() -> None:
    keys = {f"d{i}/{j}" for i in range(3) for j in range(3)}
    with store_of(keys) as store:
        listing = store.artifact_store_list("", None, True)
        assert next(listing).key == "d0/0"
        store.artifact_store_delete([key for key in keys if key != "d2/2"])
        assert [found.key for found in listing] == ["d2/2"]


def test_listing_looks_only_at_directories_it_gets_to() -> None:
    with store_of({f"d{i}/x" for i in range(5)}) as store:
        listing = store.artifact_store_list("", "d1/x", True)
        assert [found.key for found in islice(listing, 1)] == ["d2/x"]
        store.artifact_store_put("d4/late", b"", False, False)
        assert [found.key for found in listing] == ["d3/x", "d4/late", "d4/x"]
