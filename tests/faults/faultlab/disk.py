"""A disk that may lose power: which states the calls made so far can leave, by POSIX on a file system with a journal.

What ``fsync`` has covered is there. The data of a file that was changed since may be missing, torn or whole. An entry of a
directory that was made or removed since the directory was flushed may be lost, each by itself; the two halves of a move
between directories are two such operations.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from attrs import define, field, frozen

State: TypeAlias = Mapping[str, "bytes | None"]
"""By path: the content of a file; ``None`` for a directory."""


@define(eq=False)
class _File:
    content: bytes = b""
    synced: bytes | None = None
    """What a flush has covered; ``None``: nothing."""

    @property
    def safe(self) -> bool:
        return self.content == self.synced

    def remains(self) -> list[bytes]:
        """What may be found of it after a crash: as a whole first."""
        if self.safe:
            return [self.content]
        return list(dict.fromkeys([self.content, self.content[: len(self.content) // 2], b"", self.synced or b""]))


@define(eq=False)
class _Directory:
    durable: dict[str, _File | _Directory] = field(factory=dict)
    entries: dict[str, _File | _Directory] = field(factory=dict)


@define(eq=False)
class _Change:
    """An entry that was made, replaced or (``node`` is ``None``) removed, and is not flushed."""

    directory: _Directory
    name: str
    node: _File | _Directory | None


@frozen
class Crash:
    """A state that a crash may leave."""

    at: int
    """After so many calls."""
    state: State
    promised: Mapping[str, bytes]
    """What durable writes that had returned have promised, by path."""


class Disk:
    """Plays the calls back."""

    def __init__(self, below: str) -> None:
        self._below = below
        self._root = _Directory()
        self._changes: list[_Change] = []
        self._promised: dict[str, bytes] = {}
        self._unnamed: dict[str, _File] = {}
        """Files that no directory has; whatever becomes of them, a crash leaves none."""

    def play(self, event: Mapping[str, Any]) -> None:
        """Do what a recorded call did."""
        op, path = event["op"], self._parts(event["path"])
        if op == "create":
            self._change(path, _File())
        elif op == "unnamed":
            self._unnamed["/".join(path)] = _File()
        elif op == "content":
            node = self._find(path)
            assert isinstance(node, _File), event["path"]
            node.content = base64.b64decode(event["data"])
        elif op == "sync":
            node = self._find(path)
            assert isinstance(node, _File), event["path"]
            node.synced = node.content
        elif op == "syncdir":
            self._flush(self._find(path))
        elif op == "settle":
            self._settle(self._root)
        elif op == "mkdir":
            self._change(path, _Directory())
        elif op in ("unlink", "rmdir"):
            self._change(path, None)
            self._promised.pop(event["path"], None)
        elif op in ("rename", "link"):
            to = self._parts(event["to"])
            self._promised.pop(event["to"], None)
            node = self._find(path)
            assert node is not None, event["path"]
            self._change(to, node)
            if op == "rename":
                self._change(path, None)
        elif op == "put" and event["durable"]:
            self._promised[event["path"]] = base64.b64decode(event["data"])

    def _parts(self, path: str) -> list[str]:
        return [part for part in path.removeprefix(self._below).split("/") if part]

    def _find(self, parts: Sequence[str]) -> _File | _Directory | None:
        unnamed = self._unnamed.get("/".join(parts))
        if unnamed is not None:
            return unnamed
        node: _File | _Directory | None = self._root
        for part in parts:
            assert isinstance(node, _Directory)
            node = node.entries.get(part)
        return node

    def _change(self, parts: Sequence[str], node: _File | _Directory | None) -> None:
        parent = self._find(parts[:-1])
        assert isinstance(parent, _Directory), parts
        _apply(parent.entries, parts[-1], node)
        self._changes.append(_Change(parent, parts[-1], node))

    def _flush(self, directory: _File | _Directory | None) -> None:
        assert isinstance(directory, _Directory)
        directory.durable = dict(directory.entries)
        self._changes = [change for change in self._changes if change.directory is not directory]

    def _settle(self, directory: _Directory) -> None:
        """Time has passed: the system has written everything."""
        self._flush(directory)
        for node in directory.entries.values():
            if isinstance(node, _Directory):
                self._settle(node)
            else:
                node.synced = node.content

    # -- losing power ----------------------------------------------------------------------------------------------

    def crashes(self, at: int, chance: Random, samples: int) -> Iterator[Crash]:
        """Yield states that a crash now may leave; equal ones too.

        Every prefix of the changes that are not flushed, each of them lost alone and kept alone, with whole and with
        spoiled files; and ``samples`` random subsets with random files.
        """
        changes = self._changes
        count = len(changes)
        kept = [set(range(length)) for length in range(count + 1)]
        kept += [set(range(count)) - {one} for one in range(count)]
        kept += [{one} for one in range(count)]
        for subset in kept:
            for worst in range(4):
                yield self._crash(at, subset, lambda remains, worst=worst: remains[min(worst, len(remains) - 1)])
        for _ in range(samples if count else 0):
            subset = {number for number in range(count) if chance.random() < 0.5}
            yield self._crash(at, subset, chance.choice)

    def every_crash(self, at: int) -> Iterator[Crash]:
        """Yield each state that a crash now may leave: each set of the changes that are not flushed, in whatever order the
        system has written them, with each content of each file that is not. What is waste is left as it is."""
        promised = {path[len(self._below) + 1 :]: content for path, content in self._promised.items()}
        for state in self._states([(self._root, "")], {}, {}):
            yield Crash(at, state, promised)

    def _states(
        self, todo: Sequence[tuple[_Directory, str]], state: State, remains: Mapping[int, bytes]
    ) -> Iterator[State]:
        if not todo:
            yield state
            return
        (directory, path), *rest = todo
        for entries in self._entries(directory, path):
            yield from self._filled(list(entries.items()), path, rest, state, remains)

    def _filled(
        self,
        entries: Sequence[tuple[str, _File | _Directory]],
        path: str,
        todo: Sequence[tuple[_Directory, str]],
        state: State,
        remains: Mapping[int, bytes],
    ) -> Iterator[State]:
        if not entries:
            yield from self._states(todo, state, remains)
            return
        (name, node), *rest = entries
        full = f"{path}{name}"
        if isinstance(node, _Directory):
            yield from self._filled(rest, path, [*todo, (node, f"{full}/")], {**state, full: None}, remains)
            return
        waste = _is_waste(f"/{full}")
        for content in [remains[id(node)]] if id(node) in remains else node.remains()[: 1 if waste else None]:
            yield from self._filled(rest, path, todo, {**state, full: content}, {**remains, id(node): content})

    def _entries(self, directory: _Directory, path: str) -> Iterator[dict[str, _File | _Directory]]:
        """The different entries that a directory may have after a crash."""
        changes = [change for change in self._changes if change.directory is directory]
        if _is_waste(f"/{path}"):
            yield dict(directory.entries)
            return
        seen = set()
        for kept in range(1 << len(changes)):
            entries = dict(directory.durable)
            for number, change in enumerate(changes):
                if kept >> number & 1:
                    _apply(entries, change.name, change.node)
            telling = frozenset((name, id(node)) for name, node in entries.items())
            if telling not in seen:
                seen.add(telling)
                yield entries

    def _crash(self, at: int, kept: set[int], choose: Callable[[list[bytes]], bytes]) -> Crash:
        entries: dict[int, dict[str, _File | _Directory]] = {}
        for number, change in enumerate(self._changes):
            if number in kept:
                of = entries.setdefault(id(change.directory), dict(change.directory.durable))
                _apply(of, change.name, change.node)
        state: dict[str, bytes | None] = {}
        remains: dict[int, bytes] = {}

        def walk(directory: _Directory, path: str) -> None:
            for name, node in entries.get(id(directory), directory.durable).items():
                if isinstance(node, _Directory):
                    state[f"{path}{name}"] = None
                    walk(node, f"{path}{name}/")
                else:
                    if id(node) not in remains:
                        remains[id(node)] = choose(node.remains())
                    state[f"{path}{name}"] = remains[id(node)]

        walk(self._root, "")
        cut = len(self._below) + 1
        return Crash(at, state, {path[cut:]: content for path, content in self._promised.items()})


def _apply(entries: dict[str, _File | _Directory], name: str, node: _File | _Directory | None) -> None:
    if node is None:
        entries.pop(name, None)
    else:
        entries[name] = node


def all_crashes(log: Path, below: Path, chance: Random, samples: int = 6) -> list[Crash]:
    """Every different state that a crash between any two of the recorded calls may leave, with all that was promised.

    States that differ only in what lies in the scratch directory or in the locks are one.
    """
    disk, found = Disk(str(below)), dict[tuple[Any, ...], Crash]()
    for at, line in enumerate(log.read_text().splitlines(), 1):
        disk.play(json.loads(line))
        for crash in disk.crashes(at, chance, samples):
            # the later of two equal states has more promises to keep; the promises of an object deleted since are gone
            found[_key(crash)] = crash
    return list(found.values())


def every_crash(log: Path, below: Path, *, after: int = 0) -> list[Crash]:
    """Every different state that a crash after any but the first recorded calls may leave: none is left out."""
    disk, found = Disk(str(below)), dict[tuple[Any, ...], Crash]()
    for at, line in enumerate(log.read_text().splitlines(), 1):
        disk.play(json.loads(line))
        if at > after:
            for crash in disk.every_crash(at):
                found[_key(crash)] = crash  # as above
    return list(found.values())


def _key(crash: Crash) -> tuple[Any, ...]:
    telling = [(path, content) for path, content in crash.state.items() if not _is_waste(path)]
    return tuple(sorted(telling, key=lambda item: item[0]))


def _is_waste(path: str) -> bool:
    return "/.scratch/" in path or "/locks/" in path


def materialise(state: State, directory: Path) -> None:
    """Make the files of a state."""
    directory.mkdir(parents=True)
    for path, content in state.items():
        if content is None:
            (directory / path).mkdir()
        else:
            (directory / path).write_bytes(content)
