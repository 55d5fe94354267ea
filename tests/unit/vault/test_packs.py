"""Packs keep each content once, in bounded memory, and drop cleanly what breaks off."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.model.errors import IntegrityError, NotFound, StoreError, UsageError
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.blobs import Encoding
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.objects.blob_stream import open_blob, whole_blobs
from unlost.vault.objects.packs import PACK_BYTES, Blob, Extent, PackWriter, StoredBlob
from unlost.vault.stores.fault import Fault, FaultKind, FaultStore, StoreOperation
from unlost.vault.stores.memory import MemoryStore

ORG = "0a" * 16
SMALL = 1000


class Org:
    def __init__(self, *, store=None, seed: int = 1) -> None:
        self.store = store or MemoryStore()
        entropy = SeededEntropy(seed)
        keys = Keyring.of_secret(self.store, vault=b"v" * 16, secret=b"m" * 32, entropy=entropy)
        keys.add_org(ORG)
        self.objects = SealedObjects(self.store, keys=keys, entropy=entropy)
        self.known: dict[str, Blob] = {}

    def held(self, blobs):
        return {blob: self.known[blob] for blob in blobs if blob in self.known}

    def writer(self, *, pack_bytes: int = SMALL) -> PackWriter:
        return PackWriter(self.objects, org=ORG, known=self.held, pack_bytes=pack_bytes)

    def read(self, blob: Blob) -> bytes:
        with open_blob(self.objects, org=ORG, blob=blob) as stream:
            return stream.read()

    def read_whole(self, blob: Blob) -> bytes:
        """Read it among its neighbours."""
        return dict(whole_blobs(self.objects, org=ORG, blobs=[blob]))[blob.id]

    def packs(self) -> set[str]:
        return {listed.name[-32:] for listed in self.store.list(f"orgs/{ORG}/packs/")}


def noise(size: int) -> bytes:
    """Bytes that nothing compresses."""
    return SeededEntropy(size).bytes(size)


def breaking(content: bytes) -> Iterator[bytes]:
    yield content
    raise UsageError("test", "broke off")


@pytest.fixture
def org() -> Org:
    return Org()


def put(writer: PackWriter, content: bytes) -> StoredBlob:
    return writer.put_all((content,))[0]


@given(st.lists(st.integers(0, 3 * SMALL), max_size=12), st.data())
def test_whatever_is_put_is_read_back(sizes: list[int], draw: st.DataObject) -> None:
    org, writer = Org(), None
    writer = org.writer()
    blobs: list[tuple[bytes, Blob]] = []
    for number, size in enumerate(sizes):
        content = SeededEntropy(number % 4).bytes(size)
        if draw.draw(st.booleans()):
            with pytest.raises(UsageError):
                writer.put_chunks(breaking(content))
        cut = draw.draw(st.integers(0, size))
        blobs.append((content, writer.put_chunks((content[:cut], content[cut:])).blob))
    entries = writer.finish()
    assert {entry.id for entry in entries} == org.packs()
    for content, blob in blobs:
        assert blob.size == len(content)
        assert org.read(blob) == content
    used = {extent.pack for _, blob in blobs for extent in blob.extents}
    assert used == {entry.id for entry in entries}
    for entry in entries:
        assert org.store.size(object_names.pack(ORG, entry.id)) == entry.bytes


def test_equal_contents_are_kept_once(org: Org) -> None:
    writer = org.writer()
    first, again, other = put(writer, b"a" * 300), put(writer, b"a" * 300), put(writer, b"b" * 300)
    assert (first.new, again.new, other.new) == (True, False, True)
    assert first.blob == again.blob
    assert sum(e.bytes for e in writer.finish()) < 800


def test_what_an_earlier_commit_holds_is_not_written_again(org: Org) -> None:
    writer = org.writer()
    content = noise(2500)
    big = put(writer, content).blob
    writer.finish()
    org.known[big.id] = big
    before = org.packs()
    later = org.writer()
    stored = later.put_chunks(iter([content[:1250], content[1250:]]))
    assert (stored.blob, stored.new) == (big, False)
    assert later.finish() == ()
    assert org.packs() == before
    assert later.reused == tuple(sorted(extent.pack for extent in big.extents))


def test_a_file_larger_than_a_pack_shares_none_but_its_last(org: Org) -> None:
    writer = org.writer()
    small = put(writer, b"s" * 10).blob
    big = put(writer, noise(2500)).blob
    after = put(writer, b"a" * 10).blob
    writer.finish()
    assert len(big.extents) == 3
    assert small.extents[0].pack not in {extent.pack for extent in big.extents}
    assert after.extents == (Extent(big.extents[-1].pack, 500, 10),)
    assert [org.read(blob) for blob in (small, big, after)] == [
        b"s" * 10,
        noise(2500),
        b"a" * 10,
    ]


def test_a_big_file_that_breaks_off_leaves_no_pack(org: Org) -> None:
    writer = org.writer()
    small = put(writer, b"s" * 10).blob
    with pytest.raises(UsageError):
        writer.put_chunks(breaking(noise(25_000)))
    after = put(writer, b"a" * 10).blob
    entries = writer.finish()
    assert {entry.id for entry in entries} == org.packs()
    assert len(entries) == 2
    assert org.read(small) + org.read(after) == b"s" * 10 + b"a" * 10


def test_a_content_that_fills_a_pack_exactly(org: Org) -> None:
    writer = org.writer()
    blob = put(writer, noise(SMALL)).blob
    nothing = put(writer, b"").blob
    assert len(writer.finish()) == 1
    assert org.read(blob) == noise(SMALL)
    assert (nothing.extents, org.read(nothing)) == ((), b"")
    assert writer.finish() == ()


def test_an_id_says_nothing_without_the_orgs_key(org: Org) -> None:
    other = Org(seed=2)
    assert put(org.writer(), b"same").blob.id != put(other.writer(), b"same").blob.id


def test_packs_of_equal_content_differ(org: Org) -> None:
    one, two = org.writer(), org.writer()
    put(one, b"same")
    put(two, b"same")
    first, second = one.finish()[0], two.finish()[0]
    assert first.blake3 != second.blake3


def test_parts_are_read_without_the_rest() -> None:
    store = FaultStore(MemoryStore())
    org = Org(store=store)
    writer = org.writer(pack_bytes=8 << 20)
    put(writer, noise(7 << 20))
    blob = put(writer, b"needle").blob
    writer.finish()
    name = object_names.pack(ORG, blob.extents[0].pack)
    header = org.objects.header(name)
    assert header.length == (7 << 20) + 6
    store.calls.clear()
    assert org.read(blob) == b"needle"
    assert [call.operation for call in store.calls] == [StoreOperation.GET, StoreOperation.GET]


@pytest.mark.parametrize("kind", ["noise", "text"])
def test_the_writer_needs_no_more_memory_than_a_pack(kind: str) -> None:
    class Nowhere(MemoryStore):
        def put_stream(self, name, chunks):
            for _ in chunks:
                pass
            return True

    org = Org(store=MemoryStore())
    org.objects.store = Nowhere()
    writer = org.writer(pack_bytes=PACK_BYTES)
    chunks = {"noise": noise(1 << 20), "text": b"Zartbitter " * 100_000}
    tracemalloc.start()
    writer.put_chunks(chunks[kind] for _ in range(100))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.5 * PACK_BYTES


@pytest.mark.parametrize("read", [1, 2])
@pytest.mark.parametrize("kind", [FaultKind.SHORT, FaultKind.FLIP])
def test_a_damaged_pack_gives_no_bytes(org: Org, kind: FaultKind, read: int) -> None:
    blob = put(writer := org.writer(), b"x" * 900).blob
    writer.finish()
    faulty = FaultStore(org.store, faults=[Fault(kind, read, StoreOperation.GET)])
    org.objects.store = faulty
    with pytest.raises(IntegrityError):
        org.read(blob)
    faulty.assert_all_hit()


def test_a_missing_pack_is_missing(org: Org) -> None:
    blob = put(writer := org.writer(), b"x").blob
    writer.finish()
    org.store.delete(object_names.pack(ORG, blob.extents[0].pack))
    with pytest.raises(NotFound):
        org.read(blob)


@pytest.mark.parametrize(
    "lie",
    [
        lambda blob: Blob("0" * 64, blob.size, blob.extents),
        lambda blob: Blob(blob.id, blob.size + 1, blob.extents),
        lambda blob: Blob(blob.id, blob.size - 1, blob.extents),
        lambda blob: Blob(blob.id, blob.size, ()),
        lambda blob: Blob(blob.id, blob.size, (Extent(blob.extents[0].pack, 1, blob.size),)),
        lambda blob: Blob(blob.id, blob.size, (Extent(blob.extents[0].pack, 0, 5000),)),
    ],
    ids=["id", "longer", "shorter", "no-extent", "beyond", "far-beyond"],
)
def test_a_row_that_lies_about_its_blob_is_noticed(org: Org, lie) -> None:
    blob = put(writer := org.writer(), b"x" * 100).blob
    writer.finish()
    with pytest.raises(IntegrityError):
        org.read(lie(blob))
    with pytest.raises(IntegrityError):
        org.read_whole(lie(blob))


@pytest.mark.parametrize(
    "lie",
    [
        lambda blob: replace(blob, size=blob.size + 1),
        lambda blob: replace(blob, size=blob.size - 1),
        lambda blob: replace(blob, size=0),
        lambda blob: replace(blob, encoding=Encoding.PLAIN),
        lambda blob: replace(blob, id="0" * 64),
        lambda blob: replace(blob, extents=cut(blob.extents[0], 0, -1)),
        lambda blob: replace(blob, extents=cut(blob.extents[0], 1, -1)),
        lambda blob: replace(blob, extents=cut(blob.extents[0], 0, 1)),
        lambda blob: replace(blob, extents=()),
    ],
    ids=["longer", "shorter", "none", "plain", "id", "cut", "begins-later", "more", "no-extent"],
)
def test_a_row_that_lies_about_a_compressed_blob_is_noticed(org: Org, lie) -> None:
    writer = org.writer()
    blob = put(writer, b"Zartbitter " * 1_000).blob
    put(writer, b"another one")
    writer.finish()
    assert blob.encoding is Encoding.ZSTD
    with pytest.raises(IntegrityError):
        org.read(lie(blob))
    with pytest.raises(IntegrityError):
        org.read_whole(lie(blob))


def cut(extent: Extent, later: int, longer: int) -> tuple[Extent, ...]:
    return (Extent(extent.pack, extent.offset + later, extent.length + longer),)


def test_text_takes_little_room_and_pictures_stay_as_they_are(org: Org) -> None:
    text, picture = b"Zartbitter, 70 %. " * 5_000, noise(90_000)
    writer = org.writer(pack_bytes=PACK_BYTES)
    stored = {
        (content, way): stored_blob.blob
        for content in (text, picture)
        for way in ("whole", "stream")
        for stored_blob in [
            put(writer, content)
            if way == "whole"
            else org.writer(pack_bytes=PACK_BYTES).put_chunks(
                content[at : at + 7_000] for at in range(0, len(content), 7_000)
            )
        ]
    }
    for (content, _), blob in stored.items():
        expected = Encoding.ZSTD if content is text else Encoding.PLAIN
        assert (blob.size, blob.encoding) == (len(content), expected)
        assert (sum(e.length for e in blob.extents) < 1_000) == (content is text)
    assert len({blob.id for blob in stored.values()}) == 2
    writer.finish()
    assert org.read(stored[text, "whole"]) == text


def test_a_compressed_blob_spans_packs_and_is_read_in_bounded_memory(org: Org) -> None:
    text = b"".join(bytes([65 + byte % 26]) for byte in noise(60_000))
    writer = org.writer(pack_bytes=5_000)
    blob = writer.put_chunks(text[at : at + 999] for at in range(0, len(text), 999)).blob
    writer.finish()
    assert blob.encoding is Encoding.ZSTD
    assert len(blob.extents) > 3
    assert org.read(blob) == text
    zeros = bytes(200 << 20)
    bomb = put(writer, zeros).blob
    writer.finish()
    del zeros
    tracemalloc.start()
    with open_blob(org.objects, org=ORG, blob=bomb) as stream:
        assert sum(len(part) for part in iter(lambda: stream.read(1 << 20), b"")) == 200 << 20
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_full_store_is_told_and_what_was_written_stays_whole() -> None:
    inner = MemoryStore()
    org = Org(store=inner)
    org.objects.store = FaultStore(inner, faults=[Fault(FaultKind.FULL, 2, StoreOperation.PUT)])
    writer = org.writer()
    with pytest.raises(StoreError) as full:
        put(writer, noise(3500))
    assert full.value.code == "store-full"
    assert org.packs() == set()


def test_many_contents_are_remembered_only_so_far(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.vault.objects.packs._REMEMBERED", 2)
    writer = org.writer()
    for content in (b"1", b"2", b"3"):
        assert put(writer, content).new
    assert not put(writer, b"3").new
    assert put(writer, b"1").new


def test_nothing_of_an_object_is_nothing(org: Org) -> None:
    blob = put(writer := org.writer(), b"abc").blob
    writer.finish()
    name = object_names.pack(ORG, blob.extents[0].pack)
    part = org.objects.get_range(
        ObjectKind.PACK, org=ORG, name=name, header=org.objects.header(name), start=1, length=0
    )
    assert part == b""


def store_many(org: Org, contents: list[bytes], *, pack_bytes: int = PACK_BYTES) -> list[Blob]:
    writer = org.writer(pack_bytes=pack_bytes)
    blobs = [put(writer, content).blob for content in contents]
    writer.finish()
    return blobs


def test_many_files_of_a_pack_need_few_reads(org: Org) -> None:
    contents = [noise(40_000 + number) for number in range(300)]
    blobs = store_many(org, contents)
    org.objects.store = counted = FaultStore(org.store, faults=[])
    read = dict(whole_blobs(org.objects, org=ORG, blobs=blobs))
    assert list(read.values()) == contents
    assert len(counted.calls) <= 2 * (1 + 9), (
        "the header and pieces of a megabyte, for each of two spans"
    )


def test_files_far_from_each_other_are_not_read_with_all_between_them(org: Org) -> None:
    blobs = store_many(org, [noise(1_000), noise(5 << 20), noise(1_001), b"Zartbitter " * 999])
    org.objects.store = counted = FaultStore(org.store, faults=[])
    sizes = [len(body) for _, body in whole_blobs(org.objects, org=ORG, blobs=blobs[::2])]
    assert sizes == [1_000, 1_001]
    assert len(counted.calls) == 2 * 2, "a header and a block each"


@given(st.lists(st.sampled_from([0, 1, 500, 999, 1_000, 2_500]), max_size=12), st.data())
def test_files_are_read_whole_in_any_choice_of_them(sizes: list[int], draw: st.DataObject) -> None:
    org = Org()
    contents = [noise(size) + bytes([place]) for place, size in enumerate(sizes)]
    blobs = store_many(org, contents, pack_bytes=SMALL)
    chosen = draw.draw(st.sets(st.sampled_from(range(len(sizes))))) if sizes else set()
    read = whole_blobs(org.objects, org=ORG, blobs=[blobs[place] for place in sorted(chosen)])
    assert [body for _, body in read] == [contents[place] for place in sorted(chosen)]


def test_a_damaged_file_is_not_given_with_its_neighbours(org: Org) -> None:
    blobs = store_many(org, [noise(size) for size in (100, 200, 300)])
    lie = replace(blobs[1], id="0" * 64)
    with pytest.raises(IntegrityError):
        dict(whole_blobs(org.objects, org=ORG, blobs=[blobs[0], lie, blobs[2]]))
