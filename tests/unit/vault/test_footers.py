"""Footers of segments are read once, kept in bounds, and hide no damage."""

import pytest

from smallvault import TABLE, SmallVault
from unlost.model.errors import IntegrityError
from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.format.physical import U_ID
from unlost.vault.layout import object_names
from unlost.vault.objects import segments
from unlost.vault.objects.segments import SegmentReader
from unlost.vault.stores.memory import MemoryStore


class Counting(MemoryStore):
    read = 0

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        self.read += length
        return super().get_range(name, start=start, length=length)


def three_nights(store: Counting) -> tuple[SmallVault, SegmentReader, list[SegmentEntry]]:
    small = SmallVault(store=store)
    for night in range(3):
        small.night(f"r{night}", *((f"{n:03d}", "U", {"Text": f"{night}"}) for n in range(50)))
    org_vault = small.reopen().org_vault(small.org)
    return small, org_vault.reader, [live.entry for live in org_vault.view(TABLE, until=3).segments]


def ids(reader: SegmentReader, entry: SegmentEntry) -> list[str]:
    found: list[str] = reader.read_keys(entry, groups=[0], columns=[U_ID])[U_ID].to_pylist()
    return found


def test_a_footer_is_read_once() -> None:
    store = Counting()
    _, reader, (entry, *_) = three_nights(store)
    store.read = 0
    first = ids(reader, entry)
    cold, store.read = store.read, 0
    assert ids(reader, entry) == first == [f"{n:03d}" for n in range(50)]
    assert store.read < cold / 2


def test_only_so_many_footers_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_FOOTER_CACHE_BYTES", 1)
    _, reader, entries = three_nights(Counting())
    for entry in (*entries, *entries):
        assert len(ids(reader, entry)) == 50
        assert len(reader._footers) == 1
    assert reader._footer_bytes == reader._footers[entries[-1].id].serialized_size


def test_the_total_of_cached_sidecars_does_not_drift_when_some_are_evicted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(segments, "_SIDECAR_CACHE_BYTES", 1)
    _, reader, entries = three_nights(Counting())
    for entry in (*entries, *entries):
        reader.sidecar(entry)
    assert reader._sidecar_bytes == reader.sidecar(entries[-1]).filter.nbytes


@pytest.mark.parametrize("how", ["missing", "flipped"])
def test_a_kept_footer_hides_no_damage(how: str) -> None:
    store = Counting()
    small, reader, (entry, *_) = three_nights(store)
    ids(reader, entry)
    name = object_names.segment(small.org, entry.id)
    data = bytearray(store._objects.pop(name))
    if how == "flipped":
        data[100] ^= 1
        store._objects[name] = bytes(data)
    with pytest.raises(IntegrityError, match=entry.id):
        reader.read(entry, groups=[0], columns=[U_ID, "_u_op", "_u_row_hash"])
