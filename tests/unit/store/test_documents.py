import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugbay.errors import StoreError
from plugbay.store.documents import (
    SCHEMA,
    AttemptRecord,
    CacheEntry,
    Driver,
    EndRecord,
    RunRecord,
    StepSummary,
    read,
    write,
)
from plugbay_hookspecs.types import (
    Artifact,
    CacheSource,
    ComponentInfo,
    Each,
    ErrorInfo,
    ItemsOf,
    Literal,
    NamedItemsOf,
    OutputOf,
    OutputSpec,
    Plan,
    PlannedStep,
    Resources,
    Retry,
)

words = st.text(max_size=5)
numbers = st.floats(allow_nan=False)
counts = st.integers(0, 10**12)
moments = st.floats(0, 2e11)
seconds = st.floats(-2e11, 2e11)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
# Of a number that JSON lacks there is a text in a tree, before it is written as afterwards.
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
tables = st.dictionaries(words, trees, max_size=2)
bindings: Any = st.recursive(
    st.builds(Literal, trees) | st.builds(OutputOf, words, words),
    lambda inner: (
        st.builds(ItemsOf, st.lists(inner, max_size=2).map(tuple))
        | st.builds(NamedItemsOf, st.dictionaries(words, inner, max_size=2))
        | st.builds(Each, inner)
    ),
    max_leaves=4,
)
plain_artifacts = st.builds(
    Artifact,
    name=words,
    digest=digests,
    size=counts,
    serializer=words,
    type=words,
    inline=st.none() | st.binary(max_size=5) | words.map(lambda text: text.encode("utf-8", "surrogatepass")),
    metadata=tables,
)
artifacts = st.recursive(
    plain_artifacts,
    lambda inner: st.builds(
        Artifact,
        name=words,
        digest=digests,
        size=counts,
        serializer=words,
        type=words,
        items=st.lists(inner, max_size=2).map(tuple),
    ),
    max_leaves=3,
)
several_artifacts = st.lists(artifacts, max_size=2).map(tuple)
errors = st.none() | st.builds(ErrorInfo, type=words, message=words, traceback=words)
sources = st.builds(CacheSource, run_id=words, step=words, attempt=counts)
statuses = st.sampled_from(["succeeded", "cached", "failed", "skipped", "cancelled"])
steps = st.builds(
    PlannedStep,
    id=words,
    name=words,
    function=words,
    inputs=st.dictionaries(words, bindings, max_size=2),
    outputs=st.lists(st.builds(OutputSpec, name=words, type=words, items=st.booleans()), max_size=2).map(tuple),
    after=st.lists(words, max_size=2).map(tuple),
    retry=st.builds(Retry, retries=counts, delay=numbers, backoff=numbers),
    timeout=st.none() | numbers,
    operator=st.none() | words,
    resources=st.builds(
        Resources, cpu=st.none() | numbers, memory=st.none() | counts, other=st.dictionaries(words, numbers, max_size=1)
    ),
    cache=st.booleans(),
    static_fingerprint=words,
)
drivers = st.builds(Driver, number=counts, host=words, boot=words, pid=counts, lock=words, at=moments)
documents = st.one_of(
    drivers,
    st.builds(
        RunRecord,
        id=words,
        plan=st.builds(
            Plan,
            pipeline=words,
            target=st.none() | words,
            parameters=tables,
            steps=st.lists(steps, max_size=2).map(tuple),
            failure=words,
        ),
        stack=words,
        components=st.lists(st.builds(ComponentInfo, type=words, name=words, flavor=words), max_size=2).map(tuple),
        created=moments,
        driver=drivers,
        code_root=st.none() | words,
        use_cache=st.booleans(),
        versions=st.dictionaries(words, words, max_size=2),
    ),
    st.builds(
        AttemptRecord,
        run_id=words,
        step=words,
        name=words,
        attempt=counts,
        status=statuses,
        started=moments,
        ended=moments,
        fingerprint=st.none() | words,
        inputs=st.dictionaries(words, st.lists(words, max_size=2).map(tuple), max_size=2),
        outputs=several_artifacts,
        error=errors,
        metrics=st.dictionaries(words, st.lists(st.tuples(numbers, numbers), max_size=2).map(tuple), max_size=2),
        params=tables,
        metadata=tables,
        log=st.booleans(),
    ),
    st.builds(
        EndRecord,
        run_id=words,
        status=st.sampled_from(["succeeded", "failed", "cancelled"]),
        driver=counts,
        ended=moments,
        steps=st.dictionaries(
            words,
            st.builds(
                StepSummary, status=statuses, attempt=counts, seconds=seconds, source=st.none() | sources, reason=words
            ),
            max_size=2,
        ),
        error=errors,
    ),
    st.builds(CacheEntry, source=sources, outputs=several_artifacts, seconds=seconds),
)


@given(documents)
def test_what_was_written_is_read(document: Any) -> None:
    assert read(write(document), type(document), "key") == document


ENTRY = CacheEntry(source=CacheSource(run_id="r", step="s", attempt=1), outputs=())


def test_a_document_says_its_version() -> None:
    assert json.loads(write(ENTRY))["schema"] == SCHEMA


def test_a_later_version_is_refused_with_advice() -> None:
    tree = {**json.loads(write(ENTRY)), "schema": SCHEMA + 1, "source": "something new"}
    with pytest.raises(StoreError) as caught:
        read(json.dumps(tree).encode(), CacheEntry, "cache/ab/abc.json")
    assert "cache/ab/abc.json was written by a later release" in str(caught.value)
    assert "upgrade plugbay" in str(caught.value)


def test_an_older_version_is_read() -> None:
    tree = json.loads(write(ENTRY))
    for older in ({**tree, "schema": 0}, {key: item for key, item in tree.items() if key != "schema"}):
        assert read(json.dumps(older).encode(), CacheEntry, "key").source == ENTRY.source


def test_a_field_that_a_later_release_added_is_ignored() -> None:
    tree = {**json.loads(write(ENTRY)), "added_since": 1}
    assert read(json.dumps(tree).encode(), CacheEntry, "key") == ENTRY


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"3",
        b"\xff\xfe",
        b"{}",
        write(ENTRY)[:-5],
        b'{"schema":"one"}',
        b'{"source":{"run_id":"r","step":"s","attempt":"x"},"outputs":[]}',
        b'{"source":{"run_id":"r","step":"s","attempt":1},"outputs":[{"name":"x"}]}',
        b'{"source":{"run_id":"r","step":"s","attempt":1},"outputs":3}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_document_is_told(content: bytes) -> None:
    with pytest.raises(StoreError, match=r"^runs/x/plan.json "):
        read(content, CacheEntry, "runs/x/plan.json")


@given(st.binary(max_size=40))
def test_whatever_bytes_there_are_the_error_is_one_of_the_store(content: bytes) -> None:
    with pytest.raises(StoreError):
        read(content, RunRecord, "key")


@given(documents, st.data())
def test_a_torn_document_is_told(document: Any, data: Any) -> None:
    content = write(document)
    torn = content[: data.draw(st.integers(0, len(content) - 1))]
    with pytest.raises(StoreError):
        read(torn, type(document), "key")
