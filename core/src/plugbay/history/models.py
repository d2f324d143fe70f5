"""Reading a version of a model whose registry keeps files and has no loader."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from plugbay.errors import DamagedDocumentError, NotFoundError
from plugbay.history.reader import Reader
from plugbay.stack import Stack
from plugbay.stack.facades.model_registry import ModelRegistry
from plugbay.store.artifacts import Artifacts
from plugbay.store.documents import AttemptRecord
from plugbay.store.layout import is_run_id
from plugbay_hookspecs.types import Artifact, ModelOrigin, ModelVersion


def read_version(stack: Stack, registry: ModelRegistry, version: ModelVersion, inputs: Sequence[Artifact]) -> Any:
    """Read the artifact that a version comes from, with the serializer that wrote it.

    Its bytes are taken from the artifact store, or from the registry where they are gone from there. What no record tells
    how to read is the path of a copy, as a file is that a step returned: nothing is guessed and nothing unpickled. The
    copy lasts as long as the process.

    :param inputs: artifacts that may be the one, beside those of the run that the version comes from.
    :raises CorruptArtifactError: when the bytes are not those that the version's origin names.
    :raises OSError: when the registry has no files to read: it only refers to where they are.
    """
    artifacts = Reader(stack).artifacts
    artifact = _artifact(stack, version.origin, inputs)
    if artifact is not None and artifacts.exists(artifact):
        return artifacts.load(artifact)
    copy = _downloaded(registry, version, artifacts)
    return copy if artifact is None else artifacts.load_copy(artifact, copy)


def _downloaded(registry: ModelRegistry, version: ModelVersion, artifacts: Artifacts) -> Path:
    return registry.download(version.name, version.version, Path(tempfile.mkdtemp(dir=artifacts.directory())))


def _artifact(stack: Stack, origin: ModelOrigin | None, inputs: Sequence[Artifact]) -> Artifact | None:
    """The artifact that a version comes from; ``None`` when it comes from none, or the run's records are gone."""
    if origin is None or not origin.digest or not is_run_id(origin.run_id):
        return None
    for artifact in (*_parts(inputs), *_outputs(Reader(stack), origin)):
        if artifact.digest == origin.digest:
            return artifact
    return None


def _outputs(reader: Reader, origin: ModelOrigin) -> Iterator[Artifact]:
    """What the origin's run has made or taken from the cache, that of its step first."""
    for record in _records(reader, origin):
        yield from _parts(record.outputs)


def _records(reader: Reader, origin: ModelOrigin) -> Iterator[AttemptRecord]:
    with suppress(DamagedDocumentError):
        yield from reader.attempts_of(origin.run_id, origin.step)
    yield from reader.attempts(origin.run_id)
    with suppress(DamagedDocumentError):
        end = reader.end_record(origin.run_id)
        sources = [summary.source for summary in end.steps.values()] if end is not None else []
        for source in sources:
            if source is not None:
                with suppress(NotFoundError, DamagedDocumentError):
                    yield reader.attempt(source.run_id, source.step, source.attempt)


def _parts(artifacts: Sequence[Artifact]) -> Iterator[Artifact]:
    for artifact in artifacts:
        yield artifact
        yield from _parts(artifact.items or ())
