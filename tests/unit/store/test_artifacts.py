import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugbay.errors import CorruptArtifactError, OutputError, StoreError
from plugbay.serializers.choice import SerializationError, Serializers
from plugbay.stack import Stack
from plugbay.store.artifacts import INLINE_LIMIT, Artifacts, blobs_of, collection
from plugbay.store.layout import blob_key
from plugbay_hookspecs.types import Artifact


class Custom:
    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Custom) and other.value == self.value

    __hash__ = None  # type: ignore[assignment]


def path_of(stack: Stack, artifact: Artifact) -> Path:
    path = stack.artifact_store.local_path(blob_key(artifact.digest))
    assert path is not None
    return path


def overwrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


@pytest.mark.parametrize(("size", "inline"), [(0, True), (INLINE_LIMIT, True), (INLINE_LIMIT + 1, False)])
def test_few_bytes_are_kept_in_the_record_and_more_in_a_blob(
    artifacts: Artifacts, stack: Stack, size: int, inline: bool
) -> None:
    artifact = artifacts.save("output", b"x" * size)
    assert (artifact.inline is not None) == inline
    assert (stack.artifact_store.stat(blob_key(artifact.digest)) is None) == inline
    assert artifact.size == size
    assert artifacts.load(artifact) == b"x" * size


@pytest.mark.parametrize("size", [10, 70_000, 200_000, 40_000_000])
def test_bytes_of_any_size_come_back(artifacts: Artifacts, size: int) -> None:
    content = os.urandom(1024) * (size // 1024) + b"end"
    assert artifacts.load(artifacts.save("output", content)) == content


@pytest.mark.parametrize("value", [None, 1, "a\ud800", {"a": (1, {2})}, [1.5] * 5000, Custom(3), Path])
def test_values_come_back(artifacts: Artifacts, value: Any) -> None:
    assert artifacts.load(artifacts.save("output", value)) == value


def test_nothing_is_left_behind_in_the_scratch_directory(artifacts: Artifacts, stack: Stack) -> None:
    artifacts.save("output", b"x" * 1_000_000)
    with pytest.raises(Exception, match="local"):
        artifacts.save("output", [b"x" * 1_000_000, lambda: None])
    scratch = stack.artifact_store.scratch()
    assert scratch is not None
    assert list(scratch.iterdir()) == []


def test_an_output_that_cannot_be_saved_is_named(artifacts: Artifacts) -> None:
    with pytest.raises(Exception, match="lambda") as caught:
        artifacts.save("model", lambda: None)
    assert any("output 'model'" in note for note in caught.value.__notes__)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "tampered": lambda content: content[:-1] + b"!",
    "truncated": lambda content: content[:100],
    "emptied": lambda content: b"",
    "swapped": lambda content: b"y" * len(content),
    "extended": lambda content: content + b"x",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("kind", ["value", "file", "directory", "list", "large file"])
def test_a_damaged_blob_is_an_error_that_names_the_artifact(
    artifacts: Artifacts, stack: Stack, tmp_path: Path, damage: Callable[[bytes], bytes], kind: str
) -> None:
    content = b"x" * (3_000_000 if kind == "large file" else 10_000)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "weights").write_bytes(content)
    value = {"value": content, "directory": tmp_path / "d", "list": [content]}.get(kind, tmp_path / "d" / "weights")
    artifact = artifacts.save("model", value, items=kind == "list")
    (digest,) = blobs_of(artifact)
    path = stack.artifact_store.local_path(blob_key(digest))
    assert path is not None
    overwrite(path, damage(content))
    with pytest.raises(CorruptArtifactError) as caught:
        artifacts.load(artifact)
    named = {"directory": "'weights'", "list": "'0'"}.get(kind, "'model'")
    assert named in str(caught.value)
    assert digest in str(caught.value)


def test_inlined_bytes_are_checked_too(artifacts: Artifacts) -> None:
    artifact = attrs.evolve(artifacts.save("model", [1, 2]), inline=b"[1,3]")
    with pytest.raises(CorruptArtifactError, match="'model'"):
        artifacts.load(artifact)


def test_chunks_are_checked_before_the_first_is_given(artifacts: Artifacts, stack: Stack) -> None:
    artifact = artifacts.save("model", b"x" * 10_000)
    overwrite(path_of(stack, artifact), b"y" * 10_000)
    with pytest.raises(CorruptArtifactError):
        next(artifacts.chunks(artifact))


def test_a_blob_that_is_gone_is_told(artifacts: Artifacts, stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"y" * 10_000)
    for value in (b"x" * 10_000, tmp_path / "file"):
        artifact = artifacts.save("model", value)
        assert artifacts.exists(artifact)
        stack.artifact_store.delete([blob_key(artifact.digest)])
        assert not artifacts.exists(artifact)
        with pytest.raises(StoreError, match=r"'model' .* are gone from the artifact store; run the step again"):
            artifacts.load(artifact)


def test_pickles_are_neither_written_nor_read_where_they_are_refused(artifacts: Artifacts, stack: Stack) -> None:
    strict = Artifacts(stack.artifact_store, Serializers(allow_pickle=False))
    artifact = artifacts.save("model", Custom(1))
    assert artifact.serializer == "pickle"
    for attempt in (lambda: strict.load(artifact), lambda: strict.save("model", Custom(1))):
        with pytest.raises(SerializationError, match="allow_pickle = false"):
            attempt()


HOSTILE = ["a b", "-rf", "ünï\n", "x" * 250, ".hidden", "'\"$(x)`", "a\\b", "con", "%2e%2e", "\udcff"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_keeps_its_name_and_content(artifacts: Artifacts, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"content")
    loaded = artifacts.load(artifacts.save("output", tmp_path / name))
    assert (loaded.name, loaded.read_bytes()) == (name, b"content")


def test_a_directory_keeps_hostile_names_and_its_tree(artifacts: Artifacts, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    for number, name in enumerate(HOSTILE):
        directory = root / name / "inner"
        directory.mkdir(parents=True)
        (directory / name).write_bytes(b"%d" % number * 3000 * (number % 3))
    (root / "link").symlink_to(root / HOSTILE[0] / "inner" / HOSTILE[0])
    artifact = artifacts.save("output", root)
    loaded = artifacts.load(artifact)
    assert loaded != root
    assert tree_of(loaded) == tree_of(root)
    artifacts.close()
    assert not loaded.exists()


def tree_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_path_to_nothing_is_told(artifacts: Artifacts, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"'model' is the path .*nowhere, where there is no file or directory"):
        artifacts.save("model", tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "a/../../escaped", "..", ".", "", "a//b", "a\0b"])
def test_a_record_cannot_have_files_written_elsewhere(artifacts: Artifacts, tmp_path: Path, name: str) -> None:
    part = attrs.evolve(artifacts.save("x", tmp_path_file(tmp_path)), name=name)
    with pytest.raises(CorruptArtifactError, match="no file below its directory"):
        artifacts.load(collection("output", "directory", (part,)))
    if name:
        file = attrs.evolve(part, name="output", metadata={"filename": name})
        with pytest.raises(CorruptArtifactError):
            artifacts.load(file)


def tmp_path_file(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(b"w")
    return path


def test_each_load_of_a_file_gives_a_copy_of_its_own(artifacts: Artifacts, tmp_path: Path) -> None:
    artifact = artifacts.save("output", tmp_path_file(tmp_path))
    first = artifacts.load(artifact)
    first.write_bytes(b"changed")
    assert artifacts.load(artifact).read_bytes() == b"w"
    assert first.read_bytes() == b"changed"


def test_a_list_has_an_artifact_for_each_element(artifacts: Artifacts, tmp_path: Path) -> None:
    values = [1, "a" * 10_000, None, [2], tmp_path_file(tmp_path)]
    artifact = artifacts.save("parts", values, items=True)
    assert artifact.items is not None
    assert [part.name for part in artifact.items] == ["0", "1", "2", "3", "4"]
    assert artifact.size == sum(part.size for part in artifact.items)
    assert artifacts.load(artifact)[:4] == values[:4]
    assert artifacts.load(artifacts.save("parts", [], items=True)) == []


def test_a_list_that_is_none_is_told(artifacts: Artifacts) -> None:
    with pytest.raises(OutputError, match="'parts' is mapped over by another step, so it must be a list, not dict"):
        artifacts.save("parts", {"a": 1}, items=True)


def test_collections_of_equal_bytes_but_other_values_differ(artifacts: Artifacts, tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(b'"1"')
    found = [
        artifacts.save("parts", ["1"], items=True),
        artifacts.save("parts", [b'"1"'], items=True),
        artifacts.save("parts", [tmp_path / "0"], items=True),
    ]
    assert len({artifact.digest for artifact in found}) == 3


contents = st.dictionaries(st.text("ab", min_size=1, max_size=3), st.binary(max_size=20), max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(contents, contents)
def test_two_directories_share_a_digest_only_if_they_are_alike(
    artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory, one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    digests = []
    for tree in (one, other):
        root = tmp_path_factory.mktemp("tree")
        for name, content in tree.items():
            (root / name).write_bytes(content)
        digests.append(artifacts.save("output", root).digest)
    assert (digests[0] == digests[1]) == (one == other)


def test_a_blob_that_cannot_be_read_is_an_error_that_names_it(
    artifacts: Artifacts, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = artifacts.save("table", b"x" * 10_000)
    path = path_of(stack, artifact)
    opened = Path.open

    def fail(self: Path, *arguments: Any) -> Any:
        if self == path:
            raise OSError(5, "Input/output error", str(path))
        return opened(self, *arguments)

    monkeypatch.setattr(Path, "open", fail)
    for read in (artifacts.load, lambda artifact: list(artifacts.chunks(artifact))):
        with pytest.raises(StoreError, match=r"'table' \(blob \w+\) cannot be read: Input/output error"):
            read(artifact)
