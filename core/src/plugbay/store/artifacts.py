"""Saving values as artifacts and loading them back, with the digest checked whenever bytes are read."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import attrs

from plugbay.code.project import Project
from plugbay.errors import CorruptArtifactError, OutputError, StoreError
from plugbay.reference import reference_to, resolve_named
from plugbay.serializers.builtin import FILE, PICKLE, save
from plugbay.serializers.choice import Serializers
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.store.distant import each
from plugbay.store.layout import blob_key
from plugbay.store.spool import HashAside, Spool
from plugbay.values import EncodingError, canonical, encode
from plugbay_hookspecs.types import Artifact, Serializer

if TYPE_CHECKING:
    from plugbay.store.directories import Entry
    from plugbay.store.fetched import FetchedDirectory

INLINE_LIMIT = 4096
"""Outputs of at most this many bytes are kept in the record itself."""
_CHUNK = 1 << 20
_LONGEST_REASON = 500
LIST, TREE, LINK = "list", "directory", "link"
"""What stands in the place of a serializer's name: a list, a directory, and a symbolic link in one."""


class Artifacts:
    """Saves and loads artifacts of one store."""

    def __init__(self, store: ArtifactStore, serializers: Serializers) -> None:
        """Work on ``store``, choosing among ``serializers``."""
        self._store = store
        self._serializers = serializers
        self._scratch: weakref.finalize[..., Any] | None = None
        self._fetched_files: FetchedDirectory | None = None
        self._lock = threading.Lock()

    def save(self, name: str, value: Any, *, items: bool = False, project: Project | None = None) -> Artifact:
        """Save a value durably and return its artifact.

        :param items: save each element of a list as an artifact of its own.
        :param project: what the project is whose classes are noted; the user's own code when left out.
        :raises OutputError: when ``items`` is asked for and the value is no list, or the value is a missing file.
        :raises StoreError: when the store cannot take it.
        """
        if items:
            if not isinstance(value, (list, tuple)):
                msg = (
                    f"output {name!r} is mapped over by another step, so it must be a list, not {type(value).__name__}"
                )
                raise OutputError(msg)
            parts = tuple(self.save(str(index), item, project=project) for index, item in enumerate(value))
            return collection(name, LIST, parts)
        if isinstance(value, Path):
            artifact = self._save_path(name, value)
            return attrs.evolve(artifact, type=_class_of(name, value) or artifact.type)
        kind = type(value)
        type_name = reference_to(kind) or f"{kind.__module__}:{kind.__qualname__}"
        try:
            return self._save_value(name, value, type_name, project)
        except Exception as error:
            error.add_note(f"while output {name!r}, a {type_name}, was saved")
            raise

    def _save_value(self, name: str, value: Any, type_name: str, project: Project | None) -> Artifact:
        serializer = self._serializers.for_value(value)
        if serializer is PICKLE:
            return self._save_pickle(name, value, type_name, project)
        try:
            return self._save_bytes(name, value, serializer, type_name, project)
        except TypeError as error:
            self._serializers.refuse_pickle(f"{error}")
            reason = f"{error}"
        return self._save_pickle(name, value, type_name, project, reason)

    def _save_pickle(
        self, name: str, value: Any, type_name: str, project: Project | None, reason: str | None = None
    ) -> Artifact:
        """Save what nothing else keeps; ``reason`` tells why what should have kept it did not."""
        from plugbay.serializers.lost_in_pickle import explained  # few values are pickled

        with explained(reason):
            artifact = self._save_bytes(name, value, PICKLE, type_name, project)
        if reason is None:
            return artifact
        return attrs.evolve(artifact, metadata={"pickled_because": reason[:_LONGEST_REASON]})

    def _save_path(self, name: str, path: Path) -> Artifact:
        from plugbay.store.directories import entries_of, kind_of  # few steps return files

        if path.is_dir():
            parts = each(self._store, lambda entry: self._save_entry(entry, name), entries_of(path, name))
            return collection(name, TREE, tuple(parts), _own_name(path))
        if not path.is_file():
            reason = f"is {kind_of(path.stat().st_mode)}" if path.exists() else "where there is no file or directory"
            msg = f"output {name!r} is the path {path}, {reason}"
            raise OutputError(msg)
        return self._save_file(name, path, name)

    def _save_entry(self, entry: Entry, output: str) -> Artifact:
        if entry.file is not None:
            return self._save_file(entry.name, entry.file, output)
        return _link(entry.name, entry.link) if entry.link is not None else collection(entry.name, TREE, ())

    def _save_file(self, name: str, path: Path, output: str) -> Artifact:
        try:
            return self._save_bytes(name, path, FILE, "pathlib:Path")
        except OSError as error:
            from plugbay.store.directories import unreadable

            raise unreadable(path, error, output) from error

    def _save_bytes(
        self, name: str, value: Any, serializer: Serializer, type_name: str, project: Project | None = None
    ) -> Artifact:
        with Spool(self._store.scratch) as spool:
            mentions = save(serializer, value, cast(BinaryIO, spool))
            digest, size, content, path = spool.finish()
            if serializer is PICKLE and content is not None:
                from plugbay.serializers.lost_in_pickle import refuse_changed  # as above

                refuse_changed(value, content)
            metadata = encode(dict(serializer.metadata(value)), f"metadata of output {name!r}")
            if serializer is FILE:
                metadata |= _facts(value)
            inline = content if content is not None and size <= INLINE_LIMIT else None
            if inline is None:
                self._store.put(blob_key(digest), content if path is None else path, if_absent=True)  # type: ignore[arg-type]
        code = [type_name] if mentions is None else [*mentions.code, type_name]
        return Artifact(
            name=name,
            digest=digest,
            size=size,
            serializer=serializer.name,
            type=type_name,
            inline=inline,
            metadata=metadata,
            paths={} if mentions is None or not mentions.paths else _contents(mentions.paths),
            code=() if serializer is FILE else _owned(dict.fromkeys(code), project or Project.of_module(None)),
        )

    def load(self, artifact: Artifact) -> Any:
        """Read the value of an artifact.

        Raises :class:`CorruptArtifactError` when the bytes are not those that were saved, :class:`StoreError` when they
        are gone, or cannot be read or copied.
        """
        try:
            return self._loaded(artifact)
        except OSError as error:
            raise _failed(artifact, error) from error

    def _loaded(self, artifact: Artifact) -> Any:
        if artifact.items is not None:
            _check(artifact, _digest_of_items(artifact.items))
            if artifact.serializer == TREE:
                return _with_class(artifact, self._load_tree(artifact))
            return [self.load(item) for item in artifact.items]
        serializer = self._serializers.named(artifact.serializer, artifact.type)
        if serializer is FILE:
            return _with_class(artifact, self._file(artifact))
        return serializer.load(self._source(artifact))

    def load_copy(self, artifact: Artifact, copy: Path) -> Any:
        """Read the value of an artifact from a copy of its bytes elsewhere, which is taken; of a file or directory, the value is
        the copy.

        What the other place did not keep of a directory is put back: links, empty directories, which files are executable.

        Raises :class:`CorruptArtifactError` when the bytes are not those of the artifact.
        """
        if artifact.serializer == TREE:
            return self._tree_of_copy(artifact, copy)
        if copy.is_dir() or digest_of_path(copy) != artifact.digest:
            raise _no_copy(artifact, copy)
        serializer = self._serializers.named(artifact.serializer, artifact.type)
        if serializer is not FILE:
            return serializer.load(copy)
        if is_executable_by(artifact):
            copy.chmod(copy.stat().st_mode | stat.S_IXUSR)
        return copy

    def _tree_of_copy(self, artifact: Artifact, copy: Path) -> Path:
        from plugbay.store.restoring import filling, layout_of  # few models are read so

        layout = layout_of(artifact)
        names = {file.name for file in layout.files}
        further = (
            relative
            for path in copy.rglob("*")
            if path.is_file() and not path.is_symlink() and (relative := path.relative_to(copy).as_posix()) not in names
        )
        behind_links = tuple(f"{name}/" for name in layout.links)
        if not copy.is_dir() or any(not f"{name}/".startswith(behind_links) for name in further):
            raise _no_copy(artifact, copy)

        root = self._new_directory(artifact)
        with filling(root, layout) as files:
            for file, target in files:
                source = (copy / file.name).resolve()
                if not source.is_file() or digest_of_path(source) != file.digest:
                    raise _no_copy(artifact, copy / file.name)
                shutil.copyfile(source, target)
                if is_executable_by(file):
                    target.chmod(target.stat().st_mode | stat.S_IXUSR)
        return root

    def _source(self, artifact: Artifact) -> Path | BinaryIO:
        if artifact.inline is not None:
            _check(artifact, hashlib.sha256(artifact.inline).hexdigest())
            return io.BytesIO(artifact.inline)
        path = self._store.local_path(blob_key(artifact.digest))
        if path is not None:
            _check(artifact, self._digest_of(path, artifact))
            return path
        if artifact.size <= _CHUNK:
            content = b"".join(self._chunks(artifact))
            _check(artifact, hashlib.sha256(content).hexdigest())
            return io.BytesIO(content)
        return self._fetched(artifact, self.directory() / artifact.digest)

    def chunks(self, artifact: Artifact) -> Iterator[bytes]:
        """Yield the checked bytes of an artifact that is no collection."""
        source = self._source(artifact)
        try:
            file = source.open("rb") if isinstance(source, Path) else source
        except OSError as error:
            raise _unreadable(artifact, error) from error
        with file:
            yield from _read(artifact, file)

    def exists(self, artifact: Artifact) -> bool:
        """Whether the store still has every byte of it."""
        if artifact.items is not None:
            return all(each(self._store, self.exists, artifact.items))
        return artifact.inline is not None or self._store.stat(blob_key(artifact.digest)) is not None

    def _file(self, artifact: Artifact) -> Path:
        """The artifact as a file of its own with the name it had; a private copy, which a step may change."""
        from plugbay.store.restoring import own_name_of

        name = own_name_of(artifact) or "file"
        return self._written(artifact, Path(tempfile.mkdtemp(dir=self.directory()), name))

    def _load_tree(self, artifact: Artifact) -> Path:
        from plugbay.store.restoring import filling, layout_of

        layout, root = layout_of(artifact), self._new_directory(artifact)
        with filling(root, layout) as files:
            each(self._store, lambda pair: self._written(*pair), files)
        return root

    def _new_directory(self, artifact: Artifact) -> Path:
        """An empty directory of its own, with the name that the artifact had."""
        from plugbay.store.restoring import own_name_of

        root, name = Path(tempfile.mkdtemp(dir=self.directory())), own_name_of(artifact)
        if name is None:
            return root
        (root / name).mkdir()
        return root / name

    def _written(self, artifact: Artifact, target: Path) -> Path:
        """Write the bytes to a new file, executable where the artifact was."""
        mode = 0o777 if is_executable_by(artifact) else 0o666
        with open(target, "xb", opener=lambda path, flags: os.open(path, flags, mode)) as file:
            self._write(artifact, file)
        return target

    def _fetched(self, artifact: Artifact, target: Path) -> Path:
        """Write the bytes to a file that several threads may fetch at once."""
        handle, name = tempfile.mkstemp(dir=self.directory())
        with os.fdopen(handle, "wb") as file:
            self._write(artifact, file)
        return Path(name).replace(target)

    def _write(self, artifact: Artifact, file: BinaryIO) -> None:
        chunks = [artifact.inline] if artifact.inline is not None else self._chunks(artifact)
        with closing(HashAside()) as hashed:
            for chunk in chunks:
                hashed.update(chunk)
                file.write(chunk)
            _check(artifact, hashed.hexdigest())

    def _chunks(self, artifact: Artifact) -> Iterator[bytes]:
        try:
            with self._store.open(blob_key(artifact.digest)) as file:
                yield from _read(artifact, file)
        except FileNotFoundError as error:
            raise _gone(artifact) from error

    def _digest_of(self, path: Path, artifact: Artifact) -> str:
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(artifact, error) from error

    def directory(self) -> Path:
        """Where files are put that were fetched from the store; it goes with :meth:`close`, or when the process ends.

        Not with this object: who loads a file from ``pipeline.run()["step"].output`` has just its path.
        """
        with self._lock:
            if self._scratch is None or self._fetched_files is None:
                from plugbay.store.fetched import FetchedDirectory  # few processes fetch files

                self._fetched_files = FetchedDirectory()
                lasting = sys.modules[__name__]
                self._scratch = weakref.finalize(lasting, self._fetched_files.remove)
            return self._fetched_files.path

    def close(self) -> None:
        """Remove what was fetched."""
        with self._lock:
            if self._scratch is not None:
                self._scratch()
                self._scratch = None


def _class_of(output: str, path: Path) -> str | None:
    """The class of a path where it is one of the project's, derived from ``pathlib``'s."""
    if type(path) is type(Path()):
        return None
    try:
        return str(encode(path, f"output {output!r}")["class"])
    except EncodingError as error:
        msg = f"{error}; return Path(value) to have the file or directory kept, or str(value) for its name alone"
        raise OutputError(msg) from error


def _with_class(artifact: Artifact, path: Path) -> Path:
    """The path to what was loaded, as an instance of the class that the step returned."""
    if artifact.type in (f"builtins:{TREE}", "pathlib:Path"):
        return path
    kind = resolve_named(artifact.type)
    if isinstance(kind, type) and issubclass(kind, Path):
        return kind(path)
    msg = f"artifact {artifact.name!r} should be a path of the class {artifact.type}, which is none"
    raise CorruptArtifactError(msg)


def collection(name: str, kind: str, items: tuple[Artifact, ...], own_name: str | None = None) -> Artifact:
    """An artifact made of others: a ``list`` or a ``directory``.

    :param own_name: the name that a directory has on the disk.
    """
    digest = _digest_of_items(items)
    size = sum(item.size for item in items)
    facts = {"filename": own_name} if own_name else {}
    return Artifact(
        name=name, digest=digest, size=size, serializer=kind, type=f"builtins:{kind}", items=items, metadata=facts
    )


def _link(name: str, text: str) -> Artifact:
    """A symbolic link in a directory."""
    content = os.fsencode(text)
    digest = hashlib.sha256(content).hexdigest()
    return Artifact(name=name, digest=digest, size=len(content), serializer=LINK, type="pathlib:Path", inline=content)


def digest_of_path(path: Path) -> str:
    """The digest that a file or a directory has as an artifact, without saving it."""
    if path.is_dir():
        from plugbay.store.directories import entries_of

        return _digest_of_items(tuple(map(_described, entries_of(path, path.name))))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _described(entry: Entry) -> Artifact:
    """The artifact of a part of a directory, as far as it counts in the digest."""
    if entry.file is None:
        return _link(entry.name, entry.link) if entry.link is not None else collection(entry.name, TREE, ())
    digest, facts = digest_of_path(entry.file), _facts(entry.file)
    return Artifact(name=entry.name, digest=digest, size=0, serializer=FILE.name, type="pathlib:Path", metadata=facts)


def _facts(file: Path) -> dict[str, object]:
    """What a file is beside its bytes."""
    from plugbay.store.directories import is_executable

    return {"filename": file.name, **({"executable": True} if is_executable(file) else {})}


def _own_name(directory: Path) -> str:
    return directory.name if directory.name not in ("", "..") else directory.resolve().name


def _digest_of_items(items: tuple[Artifact, ...]) -> str:
    return hashlib.sha256(canonical([[item.name, *identity(item)] for item in items])).hexdigest()


def identity(artifact: Artifact) -> list[object]:
    """What tells the value of an artifact from any other: its bytes, how they are read, and what a file is beside them."""
    facts = artifact.metadata
    told: list[object] = [artifact.digest, artifact.serializer, artifact.type, facts.get("filename")]
    return [*told, "executable"] if facts.get("executable") else told


def is_executable_by(artifact: Artifact) -> bool:
    """Whether it is a file that its owner may execute, by its record."""
    return bool(artifact.metadata.get("executable"))


def blobs_of(artifact: Artifact) -> Iterator[str]:
    """Yield the digests of all the blobs that an artifact needs."""
    if artifact.items is not None:
        for item in artifact.items:
            yield from blobs_of(item)
    elif artifact.inline is None:
        yield artifact.digest


def _no_copy(artifact: Artifact, copy: Path) -> CorruptArtifactError:
    return CorruptArtifactError(
        f"{copy.name} has not the bytes of artifact {artifact.name!r} ({artifact.digest}), of which it should be a copy"
    )


def _owned(references: Iterable[str], project: Project) -> tuple[str, ...]:
    """Those that name what the project defines, and another process can import."""
    named = [(reference, *reference.split(":", 1)) for reference in references]
    return tuple(found for found, module, name in named if "<" not in name and project.owns(module))


def _contents(paths: Iterable[str]) -> dict[str, str]:
    """What the paths lead to now."""
    from plugbay.contents import Contents  # few values hold paths

    contents, found = Contents(), {}
    for path in paths:
        try:
            found[path] = contents.of(path).digest
        except OSError:
            found[path] = ""
    return found


def _check(artifact: Artifact, digest: str) -> None:
    if digest != artifact.digest:
        msg = (
            f"artifact {artifact.name!r} (blob {artifact.digest}) is damaged: its bytes have the digest {digest}; "
            "delete the blob and run the step again"
        )
        raise CorruptArtifactError(msg)


def _read(artifact: Artifact, file: BinaryIO) -> Iterator[bytes]:
    while True:
        try:
            chunk = file.read(_CHUNK)
        except OSError as error:
            raise _unreadable(artifact, error) from error
        if not chunk:
            return
        yield chunk


def _unreadable(artifact: Artifact, error: OSError) -> StoreError:
    return _gone(artifact) if isinstance(error, FileNotFoundError) else _failed(artifact, error)


def _failed(artifact: Artifact, error: OSError) -> StoreError:
    where = f" ({error.filename})" if error.filename else ""
    msg = f"the bytes of artifact {artifact.name!r} (blob {artifact.digest}) cannot be read: {error.strerror or error}{where}"
    return StoreError(msg)


def _gone(artifact: Artifact) -> StoreError:
    msg = f"the bytes of artifact {artifact.name!r} (blob {artifact.digest}) are gone from the artifact store; run the step again"
    return StoreError(msg)
