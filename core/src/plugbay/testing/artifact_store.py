"""What every artifact store does."""

from __future__ import annotations

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, ClassVar
from urllib.parse import urlsplit

import pytest
from attrs import frozen

from plugbay.testing.component import ComponentContract
from plugbay.testing.processes import call
from plugbay_hookspecs.types import ObjectStat

KEYS = (
    "a",
    "a.b/c",
    "runs/20260101-aaaa/steps/s/1.json",
    "ü/日本/🎈",
    "e\u0301/é",
    "with space/%41/%2F",
    "-/~/+/=&?#",
    "a:b/*'\"<|>;$(x)`",
    "CON/nul",
)
HOSTILE_KEYS = (
    "../up",
    "a/../../up",
    "/etc/up",
    "a/../canary",
    "./canary",
    "a//b",
    "a\\..\\up",
    "a\0b",
    "",
    "..",
    "a/.",
)
MEBIBYTE = 1 << 20


@frozen
class StoreHooks:
    """The hooks of a store, with the usual arguments left out."""

    hooks: Any

    def put(self, key: str, source: bytes | Path, *, if_absent: bool = False, durable: bool = False) -> bool:
        """Write an object."""
        written: bool = self.hooks.artifact_store_put(key=key, source=source, if_absent=if_absent, durable=durable)
        return written

    def get(self, key: str) -> bytes:
        """Read an object."""
        content: bytes = self.hooks.artifact_store_get(key=key)
        return content

    def open(self, key: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        """Open an object or a range of it."""
        file: BinaryIO = self.hooks.artifact_store_open(key=key, offset=offset, length=length)
        return file

    def stat(self, key: str) -> ObjectStat | None:
        """Look an object up."""
        found: ObjectStat | None = self.hooks.artifact_store_stat(key=key)
        return found

    def listed(self, prefix: str = "", after: str | None = None, *, recursive: bool = True) -> list[ObjectStat]:
        """List objects."""
        return list(self.hooks.artifact_store_list(prefix=prefix, after=after, recursive=recursive))

    def keys(self, prefix: str = "", after: str | None = None, *, recursive: bool = True) -> list[str]:
        """List the keys of objects."""
        return [found.key for found in self.listed(prefix, after, recursive=recursive)]

    def delete(self, *keys: str) -> None:
        """Delete objects."""
        self.hooks.artifact_store_delete(keys=list(keys))


class ArtifactStoreContract(ComponentContract):
    """Tests of an artifact store."""

    component_type: ClassVar[str] = "artifact_store"
    capabilities: ClassVar[frozenset[str]] = frozenset({"local_path", "url", "scratch"})
    clock_step: ClassVar[float] = 0.05
    """Seconds by which the store's clock surely advances: a little over 1 where it counts whole seconds."""
    many: ClassVar[int] = 1100
    """Objects in a listing that must not end at the tool's page, which mostly has 1000."""

    @pytest.fixture
    def store(self, hooks: Any) -> StoreHooks:
        """The hooks of the store."""
        return StoreHooks(hooks)

    # One object

    @pytest.mark.parametrize("if_absent", [False, True])
    @pytest.mark.parametrize("durable", [False, True])
    def test_what_was_put_is_got(self, store: StoreHooks, if_absent: bool, durable: bool) -> None:
        """Under any key, and under no other."""
        for number, key in enumerate(KEYS):
            assert store.put(key, f"{number}".encode(), if_absent=if_absent, durable=durable) is True
        for number, key in enumerate(KEYS):
            assert store.get(key) == f"{number}".encode(), key
            found = store.stat(key)
            assert found is not None, key
            assert (found.key, found.size) == (key, 1)
        assert store.keys() == sorted(KEYS, key=_utf8)

    @pytest.mark.parametrize("size", [0, 1, 5 * MEBIBYTE + 1])
    def test_a_file_becomes_an_object(self, store: StoreHooks, tmp_path: Path, size: int) -> None:
        """Empty and large ones too; nobody minds what becomes of the file."""
        content = _random(size).randbytes(size)
        for if_absent in (False, True):
            source = tmp_path / "source"
            source.write_bytes(content)
            assert store.put(f"file/{if_absent}", source, if_absent=if_absent) is True
            assert store.get(f"file/{if_absent}") == content
            source.unlink(missing_ok=True)
            assert store.get(f"file/{if_absent}") == content, "the object is gone with the file it was made from"

    def test_the_time_of_an_object_is_now(self, store: StoreHooks) -> None:
        """In seconds since the epoch, within what clocks of two machines may differ by."""
        store.put("a", b"x")
        found = store.stat("a")
        assert found is not None
        assert abs(found.modified - time.time()) < 300

    def test_put_replaces(self, store: StoreHooks) -> None:
        """A shorter object leaves nothing of a longer one."""
        store.put("a/b", b"first and long")
        assert store.put("a/b", b"second") is True
        assert store.get("a/b") == b"second"
        assert [(found.key, found.size) for found in store.listed()] == [("a/b", 6)]

    def test_if_absent_leaves_an_object_alone_and_marks_it_as_wanted(self, store: StoreHooks, tmp_path: Path) -> None:
        """Garbage collection goes by the time at which it was modified."""
        store.put("a/b", b"first")
        before = store.stat("a/b")
        time.sleep(self.clock_step)
        source = tmp_path / "source"
        source.write_bytes(b"a second one")
        for other in (b"a second one", source):
            assert store.put("a/b", other, if_absent=True) is False
        assert store.get("a/b") == b"first"
        after = store.stat("a/b")
        assert before is not None
        assert after is not None
        assert after.modified > before.modified, "an object that is wanted again keeps its old time"

    def test_an_absent_object_is_not_found(self, store: StoreHooks) -> None:
        """Also when its key is the beginning of another object's."""
        store.put("a/b/c", b"x")
        for key in ("a", "a/b", "a/b/cc", "a/b/C", "no/such"):
            with pytest.raises(FileNotFoundError):
                store.get(key)
            with pytest.raises(FileNotFoundError):
                store.open(key).read()
            with pytest.raises(FileNotFoundError):
                store.open(key, 1, 2).read()
            assert store.stat(key) is None
            store.delete(key)
        assert store.keys() == ["a/b/c"]

    def test_deleting_is_idempotent_and_takes_no_other(self, store: StoreHooks) -> None:
        """Several keys at once, of which some are gone."""
        for key in ("a/b", "a/bc", "a/d/e", "ab"):
            store.put(key, b"x")
        store.delete()
        store.delete("a/b", "no/such", "a/d/e")
        store.delete("a/b", "a/b")
        assert store.keys() == ["a/bc", "ab"]
        assert store.put("a/b", b"again", if_absent=True) is True

    def test_a_put_that_fails_changes_nothing(self, store: StoreHooks, tmp_path: Path) -> None:
        """Here because the file to store is not there."""
        store.put("a", b"as it was")
        for key in ("a", "b/c"):
            with pytest.raises(OSError):
                store.put(key, tmp_path / "no such file")
        assert store.get("a") == b"as it was", "a put that failed left its object behind"
        assert store.keys() == ["a"], "a put that failed left an object"

    # Ranges

    @pytest.mark.parametrize(
        ("offset", "length", "expected"),
        [
            (0, None, b"0123456789"),
            (3, None, b"3456789"),
            (3, 4, b"3456"),
            (0, 0, b""),
            (9, 1, b"9"),
            (8, 100, b"89"),
            (10, None, b""),
            (100, 5, b""),
        ],
    )
    def test_a_range_ends_where_it_should(
        self, store: StoreHooks, offset: int, length: int | None, expected: bytes
    ) -> None:
        """Read at once and byte by byte."""
        store.put("a", b"0123456789")
        with store.open("a", offset, length) as file:
            assert file.read() == expected
            assert file.read() == b""
        with store.open("a", offset, length) as file:
            assert b"".join(iter(lambda: file.read(1), b"")) == expected

    def test_a_large_object_is_read_from_front_to_back(self, store: StoreHooks) -> None:
        """In pieces that are none of its size."""
        content = _random(5).randbytes(3 * MEBIBYTE + 7)
        store.put("a", content)
        for offset, length in ((0, None), (MEBIBYTE - 1, MEBIBYTE + 2)):
            with store.open("a", offset, length) as file:
                read = b"".join(iter(lambda: file.read(100_003), b""))
            assert read == content[offset:][:length]

    def test_a_reader_gets_one_object_when_it_is_replaced_meanwhile(self, store: StoreHooks) -> None:
        """The old one or the new one to its end, or an error; never a mixture."""
        size = 4 * MEBIBYTE
        store.put("a", b"o" * size)
        with store.open("a") as file:
            read = file.read(10)
            store.put("a", b"n" * size)
            try:
                read += file.read()
            except OSError:
                return
        assert read in (b"o" * size, b"n" * size), "a reader got parts of two objects"

    # Listings

    def test_a_listing_is_in_the_order_of_the_bytes_of_the_keys(self, store: StoreHooks) -> None:
        """Where a ``/`` is a byte as every other, and no locale matters."""
        keys = ["a-b", "a/b", "a0", "a.b", "B", "b", "é", "z", "\U0001f388", "\uff5e"]
        for key in keys:
            store.put(key, b"x")
        assert store.keys() == sorted(keys, key=_utf8), "a listing is not in the order of the keys' bytes"

    def test_a_listing_is_what_the_keys_say(self, store: StoreHooks) -> None:
        """Many prefixes and positions, each compared with the sorted keys."""
        chance = _random(7)
        parts = ["0", "a", "a-", "a.", "az", "é", "~"]
        keys = {"/".join(chance.choices(parts, k=3)) + ".x" for _ in range(60)}
        for key in sorted(keys, key=lambda _: chance.random()):
            store.put(key, key.encode())
        ordered = sorted(keys, key=_utf8)
        prefixes = ["", "no/such/", "a/", "é/", *(key.rpartition("/")[0] + "/" for key in chance.sample(ordered, 5))]
        positions = [None, "", "a", "a/", "a/a", "a0", "~~~", *chance.sample(ordered, 5)]
        for prefix in prefixes:
            deep = [key for key in ordered if key.startswith(prefix)]
            entries = {key[: len(prefix)] + _first_part(key[len(prefix) :]) for key in deep}
            for after in positions:
                behind = _utf8(after or "")
                listed = store.listed(prefix, after)
                assert [found.key for found in listed] == [key for key in deep if _utf8(key) > behind], (prefix, after)
                assert all(found.size == len(_utf8(found.key)) and found.modified > 0 for found in listed)
                shallow = store.listed(prefix, after, recursive=False)
                expected = [entry for entry in sorted(entries, key=_utf8) if _utf8(entry) > behind]
                assert [found.key for found in shallow] == expected, (prefix, after, "not recursive")
                for found in shallow:
                    if found.key.endswith("/"):
                        assert (found.size, found.modified) == (0, 0), "a common part has a size or a time"

    def test_a_listing_does_not_end_at_a_page(self, store: StoreHooks) -> None:
        """Objects and common parts, from the beginning and from the middle."""
        keys = [f"{number:05}/x" for number in range(self.many)]
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(lambda key: store.put(key, b""), keys))
        assert store.keys() == keys
        assert store.keys(after=keys[len(keys) // 2]) == keys[len(keys) // 2 + 1 :]
        assert store.keys(recursive=False) == [key[:-1] for key in keys]
        store.delete(*keys)
        assert store.keys() == []

    def test_a_listing_goes_on_when_objects_vanish(self, store: StoreHooks) -> None:
        """Whoever collects garbage deletes while it lists."""
        keys = [f"{number % 3}/{number}" for number in range(30)]
        for key in keys:
            store.put(key, b"x")
        listing = store.hooks.artifact_store_list(prefix="", after=None, recursive=True)
        first = next(listing)
        store.delete(*(key for key in keys if key != "2/29"))
        assert "2/29" in [first.key, *(found.key for found in listing)]
        assert store.keys() == ["2/29"]

    # Hostile keys

    @pytest.mark.parametrize("key", HOSTILE_KEYS, ids=ascii)
    def test_a_hostile_key_leads_nowhere_else(self, store: StoreHooks, key: str) -> None:
        """It is refused with ``ValueError`` or ``OSError``, or a key of its own as every other."""
        store.put("canary", b"alive")
        try:
            store.put(key, b"hostile")
        except (ValueError, OSError):
            assert store.keys() == ["canary"]
        else:
            assert store.keys() == sorted(["canary", key], key=_utf8), "written elsewhere than where it was put"
            assert store.get(key) == b"hostile"
            store.delete(key)
        assert store.get("canary") == b"alive"
        for look in (store.get, store.stat, store.delete):
            try:
                found = look(key)
            except (ValueError, OSError):
                continue
            assert found is None, f"{key!r} leads to something"
        assert store.get("canary") == b"alive"

    # Many at once

    def test_of_many_processes_one_writes_what_is_absent(self, component: Any, store: StoreHooks) -> None:
        """And what it wrote is what stays."""
        keys = [f"blobs/{number}/x" for number in range(25)]
        scripts = [
            [
                call("artifact_store_put", key=key, source=f"{number}".encode(), if_absent=True, durable=False)
                for key in keys
            ]
            for number in range(self.processes)
        ]
        outcomes = self.at_once(component, scripts)
        assert not [each.error for script in outcomes for each in script if each.error], "a put failed"
        for position, key in enumerate(keys):
            winners = [number for number, script in enumerate(outcomes) if script[position].value]
            assert len(winners) == 1, f"{len(winners)} of {self.processes} processes wrote {key}"
            assert store.get(key) == f"{winners[0]}".encode(), "the winner's object was replaced"
        assert store.keys() == sorted(keys)

    def test_an_object_is_whole_at_any_time(self, component: Any, store: StoreHooks) -> None:
        """While another process replaces it, and after that was killed."""
        contents = {letter: letter * size for letter, size in ((b"a", MEBIBYTE), (b"b", 700_001), (b"c", 3))}
        store.put("a/b", contents[b"a"])
        script = [
            call("artifact_store_put", key="a/b", source=content, if_absent=False, durable=False)
            for content in contents.values()
        ]
        seen = set()
        with self.over_and_over(component, script):
            ends = time.monotonic() + 1
            while time.monotonic() < ends:
                read = store.get("a/b")
                assert read in contents.values(), f"a reader got {len(read)} bytes that nobody put"
                seen.add(read[:1])
                with store.open("a/b") as file:
                    assert file.read() in contents.values(), "a reader got a part"
                assert store.keys() == ["a/b"], "what is half written is listed"
        assert seen, "nothing was read"
        assert store.get("a/b") in contents.values(), "a killed process left a torn object"
        assert store.keys() == ["a/b"], "a killed process left something that is listed"

    def test_what_one_process_did_the_next_sees(self, component: Any, store: StoreHooks) -> None:
        """At once, in lookups and in listings."""
        store.put("a/gone", b"x")
        store.put("a/kept", b"x")
        store.delete("a/gone")
        (outcomes,) = self.at_once(
            component,
            [
                [
                    call("artifact_store_get", key="a/kept"),
                    call("artifact_store_stat", key="a/gone"),
                    call("artifact_store_list", prefix="a/", after=None, recursive=True),
                    call("artifact_store_put", key="a/new", source=b"new", if_absent=True, durable=True),
                    call("artifact_store_get", key="a/gone"),
                ]
            ],
        )
        content, absent, listed, _, lost = outcomes
        assert content.value == b"x"
        assert absent.value is None
        assert [found.key for found in listed.value] == ["a/kept"]
        assert isinstance(lost.error, FileNotFoundError)
        assert store.get("a/new") == b"new"

    def test_threads_share_a_component(self, store: StoreHooks) -> None:
        """They put, read and delete under keys that share parts."""

        def work(number: int) -> bool:
            key = f"shared/{number % 5}/{number}"
            store.put(key, key.encode())
            same = store.get(key) == key.encode()
            if number % 2:
                store.delete(key)
            return same

        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(work, range(200)))
        assert sorted(store.keys()) == sorted(f"shared/{number % 5}/{number}" for number in range(0, 200, 2))

    # Durability

    @pytest.mark.skipif(not hasattr(os, "fdatasync"), reason="flushes are seen only where they are made with fsync")
    @pytest.mark.parametrize("if_absent", [False, True])
    def test_a_durable_object_is_flushed_before_it_has_its_name(
        self, store: StoreHooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, if_absent: bool
    ) -> None:
        """And its directory after. Seen only of a store whose objects lie on the local disk."""
        store.put("d/other", b"x")
        if store.hooks.artifact_store_local_path(key="d/other") is None:
            pytest.skip("the objects lie elsewhere, where nobody sees how they are flushed")
        source = tmp_path / "source"
        source.write_bytes(b"content")
        flushed: list[int] = []
        named: list[int] = []

        def watched_flush(original: Any) -> Any:
            def flush(file: Any) -> None:
                original(file)
                flushed.append(os.fstat(file).st_ino)

            return flush

        def watched_name(original: Any) -> Any:
            def name(*arguments: Any, **options: Any) -> None:
                named.append(len(flushed))
                original(*arguments, **options)

            return name

        for attribute, watched in (
            ("fsync", watched_flush),
            ("fdatasync", watched_flush),
            ("rename", watched_name),
            ("replace", watched_name),
            ("link", watched_name),
        ):
            monkeypatch.setattr(os, attribute, watched(getattr(os, attribute)))
        for key, content in (("d/bytes", b"content"), ("d/file", source)):
            flushed.clear()
            named.clear()
            store.put(key, content, if_absent=if_absent, durable=True)
            path = store.hooks.artifact_store_local_path(key=key)
            inode, directory = path.stat().st_ino, path.parent.stat().st_ino
            assert inode in flushed, "a durable object was not flushed"
            assert named, "an object was written under its name"
            assert inode in flushed[: named[-1]], "an object had its name before it was flushed"
            assert directory in flushed[named[-1] :], "the directory of a durable object was not flushed"

    # What a store may lack

    def test_the_local_path_holds_the_object(self, store: StoreHooks) -> None:
        """Each object has its own; one that is not there has none."""
        self.need("local_path")
        for key in ("a/b", "ü/日本 🎈"):
            store.put(key, key.encode())
        for key in ("a/b", "ü/日本 🎈"):
            assert store.hooks.artifact_store_local_path(key=key).read_bytes() == key.encode()
        assert store.hooks.artifact_store_local_path(key="no/such") is None

    def test_the_address_is_a_url(self, store: StoreHooks) -> None:
        """Also of an object that does not exist; two objects have two."""
        self.need("url")
        addresses = [store.hooks.artifact_store_url(key=key) for key in ("a b/ü#", "a", "a/b")]
        assert len(set(addresses)) == 3
        for address in addresses:
            assert urlsplit(address).scheme, f"{address!r} is no URL"
            assert address.isascii(), f"{address!r} is not quoted"
            assert " " not in address, f"{address!r} is not quoted"

    def test_a_file_in_scratch_is_no_object(self, store: StoreHooks) -> None:
        """Until it is put."""
        self.need("scratch")
        source = store.hooks.artifact_store_scratch() / "made"
        source.write_bytes(b"content")
        assert store.keys() == []
        assert store.put("a", source) is True
        assert store.get("a") == b"content"
        assert store.keys() == ["a"]
        source.unlink(missing_ok=True)

    @pytest.mark.parametrize("capability", ["local_path", "url", "scratch"])
    def test_what_is_lacking_answers_nothing(self, store: StoreHooks, capability: str) -> None:
        """A capability that is there is not declared as lacking."""
        if capability not in self.lacking:
            return
        store.put("a", b"x")
        arguments = {} if capability == "scratch" else {"key": "a"}
        assert getattr(store.hooks, f"artifact_store_{capability}")(**arguments) is None


def _utf8(key: str) -> bytes:
    return key.encode()


def _first_part(rest: str) -> str:
    first, slash, _ = rest.partition("/")
    return first + slash


def _random(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 -- the same bytes and keys in every run
