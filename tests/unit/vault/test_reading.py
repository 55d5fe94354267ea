"""Reading snapshots, changes and damaged segments."""

from dataclasses import replace
from datetime import timedelta

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from smallvault import TABLE, SmallVault, finish, rows
from unlost.model.errors import IntegrityError, NotFound
from unlost.model.vault.snapshot import Visibility
from unlost.vault.layout import object_names
from unlost.vault.objects import segment_writer
from unlost.vault.objects.segment_writer import split_groups
from unlost.vault.read import merge

A, B = {"Name": "Anna", "Amount": "1.5"}, {"Name": "Bert"}


@pytest.fixture
def small() -> SmallVault:
    return SmallVault()


def test_columns_of_a_scan(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A))
    reader = small.vault.at(small.org, 1).scan(TABLE, columns=["Amount", "Name"])
    system = ["_u_id", "_u_op", "_u_snap", "_u_observed_at", "_u_modified_at", "_u_modified_by"]
    assert reader.schema.names == [*system, "Amount", "Name"]
    assert reader.schema.field("_u_observed_at").type == pa.timestamp("ms", tz="UTC")
    row = reader.read_all().to_pylist()[0]
    assert (row["Amount"], row["Name"], row["_u_op"], row["_u_snap"]) == ("1.5", "Anna", "U", 1)


def test_an_empty_table_has_a_schema(small: SmallVault) -> None:
    commit = small.begin("r1")
    finish(commit, commit.add(TABLE, []))
    snapshot = small.vault.at(small.org, 1)
    assert snapshot.scan(TABLE).read_all().num_rows == 0
    assert snapshot.scan_deleted(TABLE).read_all().num_rows == 0
    assert snapshot.get(TABLE, ["a"]).num_rows == 0
    assert "Name" in snapshot.get(TABLE, []).column_names
    assert list(snapshot.live_ids(TABLE)) == []
    assert snapshot.hidden() == []
    assert list(small.vault.changes(small.org, TABLE, after=0, until=1)) == []


def test_unknown_names_are_told(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A))
    snapshot = small.vault.at(small.org, 1)
    with pytest.raises(NotFound, match="no table “Nothing”"):
        snapshot.scan("Nothing")
    with pytest.raises(NotFound, match="no column “name”"):
        snapshot.scan(TABLE, columns=["name"])
    assert small.vault.history(small.org, "Nothing", "a") == []
    assert small.vault.history(small.org, TABLE, "nobody") == []


def test_the_same_rows_in_duckdb_and_polars(small: SmallVault) -> None:
    small.night("r1", *((f"{n:03d}", "U", {"Amount": str(n)}) for n in range(50)))
    small.night("r2", ("007", "P", None), ("008", "U", {"Amount": "800"}))
    snapshot = small.vault.at(small.org, 2)
    expected = sum(n for n in range(50) if n not in (7, 8)) + 800
    things = snapshot.scan(TABLE)
    query = "select sum(Amount::bigint)::bigint, count(*) from things"
    assert duckdb.from_arrow(things).query("things", query).fetchall() == [(expected, 49)]
    frame = pl.DataFrame(snapshot.scan(TABLE).read_all())
    assert frame["Amount"].cast(pl.Int64).sum() == expected


def test_pieces_of_any_size_give_the_same_rows(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_writer, "NIGHT_GROUP_ROWS", 7)
    for night in range(6):
        seen = [(f"{n:03d}", "U", {"Name": f"{night}"}) for n in range(night, 200, night + 1)]
        small.night(f"r{night}", *seen)
    whole = small.vault.at(small.org, 6).scan(TABLE).read_all()
    for size, cache in ((1, 0), (5, 1), (13, 10**9), (1000, 0)):
        monkeypatch.setattr(merge, "RANGE_ROWS", size)
        monkeypatch.setattr(merge, "CACHE_BYTES", cache)
        assert small.vault.at(small.org, 6).scan(TABLE).read_all().equals(whole)


def test_row_groups_are_bounded_in_rows_and_bytes() -> None:
    fat = pa.table({"_u_id": ["a"] * 10, "c1": ["x" * 1000] * 10})
    assert [count for _, count, _ in split_groups(fat, most=4, most_bytes=10**9)] == [4, 4, 2]
    assert [count for _, count, _ in split_groups(fat, most=99, most_bytes=3500)] == [3, 3, 3, 1]
    assert [count for _, count, _ in split_groups(fat, most=99, most_bytes=10)] == [1] * 10
    assert [size for *_, size in split_groups(fat.slice(2, 3), most=99, most_bytes=10**9)] == [3003]
    chunked = pa.concat_tables([fat.slice(0, 3), fat.slice(5, 1), fat.slice(1, 0)])
    assert split_groups(chunked, most=9, most_bytes=10**9) == [(0, 4, 4004)]


def test_big_cells_come_back_in_bounded_batches(small: SmallVault) -> None:
    text = "y" * (3 << 20)
    small.night("r1", *((f"{n}", "U", {"Text": text + str(n)}) for n in range(7)))
    batches = list(small.vault.at(small.org, 1).scan(TABLE))
    assert max(len(batch) for batch in batches) == 2
    texts = [t for batch in batches for t in batch.column("Text").to_pylist()]
    assert texts == [text + str(n) for n in range(7)]


def test_hidden_rows_and_columns(small: SmallVault) -> None:
    commit = small.begin("r1")
    added = commit.add(TABLE, [rows(("a", "U", A))])
    marked = commit.mark(TABLE, visibility=Visibility.HIDDEN, records=["a", "b"], columns=["Name"])
    finish(commit, added, marked)
    again = small.begin("r2")
    finish(again, again.mark(TABLE, visibility=Visibility.HIDDEN, records=["a"]))
    back = small.begin("r3")
    finish(back, back.mark(TABLE, visibility=Visibility.VISIBLE, records=["a", "c"]))
    marks = [
        [(h.record, h.column, h.since) for h in small.vault.at(small.org, n).hidden(TABLE)]
        for n in (1, 2, 3)
    ]
    column = (None, "Name", 1)
    assert sorted(marks[0], key=str) == sorted([column, ("a", None, 1), ("b", None, 1)], key=str)
    assert sorted(marks[1], key=str) == sorted(marks[0], key=str)
    assert sorted(marks[2], key=str) == sorted([column, ("b", None, 1)], key=str)
    assert small.vault.at(small.org, 3).hidden("Other") == []
    empty = small.begin("r4")
    assert empty.mark(TABLE, visibility=Visibility.HIDDEN).segments == ()


def test_who_and_when_of_a_deleted_record(small: SmallVault) -> None:
    """A tombstone without a time and a user shows those of the last state."""
    commit = small.begin("r1")
    seen = rows(("a", "U", A))
    object.__setattr__(seen, "modified_by", pa.array(["user"]))
    finish(commit, commit.add(TABLE, [seen]))
    small.night("r2", ("a", "P", None))
    dead = small.vault.at(small.org, 2).scan_deleted(TABLE).read_all()
    assert dead.column("_u_modified_by").to_pylist() == ["user"]


# --- changes --------------------------------------------------------------------------------------


def test_the_last_editor_was_named_beside_the_time_of_a_deletion(small: SmallVault) -> None:
    """A list of deletions has times and no users."""
    at = pa.timestamp("ms", tz="UTC")
    seen, gone = rows(("a", "U", A)), rows(("a", "P", None))
    edited, deleted = small.clock.now(), small.clock.now() + timedelta(days=1)
    seen = replace(seen, modified_at=pa.array([edited], at), modified_by=pa.array(["editor"]))
    commit = small.begin("r1")
    finish(commit, commit.add(TABLE, [seen]))
    commit = small.begin("r2")
    finish(commit, commit.add(TABLE, [replace(gone, modified_at=pa.array([deleted], at))]))
    (row,) = small.vault.at(small.org, 2).get(TABLE, ["a"]).to_pylist()
    assert (row["_u_modified_at"], row["_u_modified_by"]) == (deleted, None)


def test_changes(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A), ("b", "U", B), ("c", "U", A), ("d", "U", A))
    small.night("r2", ("a", "U", B), ("b", "P", None), ("d", "U", B), ("e", "D", A))
    small.night("r3", ("a", "U", A), ("b", "U", B), ("d", "P", None), ("f", "U", A))
    small.night("r4", ("d", "U", A), ("f", "P", None))
    assert small.changed(0, 1) == dict.fromkeys("abcd", "created")
    assert small.changed(1, 2) == {"a": "changed", "b": "deleted", "d": "changed"}
    assert small.changed(2, 3) == {
        "a": "changed",
        "b": "revived",
        "d": "deleted",
        "f": "created",
    }
    assert small.changed(1, 3) == {"d": "deleted", "f": "created"}
    assert small.changed(1, 4) == {}
    assert small.changed(0, 4) == dict.fromkeys("abcd", "created")
    assert small.changed(3, 3) == {}
    assert small.changed(2, 1) == {"a": "changed", "b": "revived", "d": "changed"}
    assert small.changed(3, 2) == {
        "a": "changed",
        "b": "deleted",
        "d": "revived",
        "f": "deleted",
    }
    with pytest.raises(NotFound):
        small.changed(1, 5)


def test_archived_records_do_not_count_as_deleted(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A), ("b", "U", B), ("c", "U", A))
    small.night("r2", ("a", "A", A), ("b", "D", B))
    assert small.changed(1, 2) == {"a": "archived", "b": "deleted"}
    assert small.changed(2, 1) == {"a": "revived", "b": "revived"}


def test_a_record_that_is_gone_before_its_archive_ends_is_archived(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A))
    small.night("r2", ("a", "P", None))
    small.night("r3", ("a", "A", A))
    assert small.changed(1, 3) == {"a": "archived"}
    assert small.changed(2, 3) == {}


def test_an_archived_record_that_came_back_is_no_difference(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A), ("b", "U", A))
    small.night("r2", ("a", "A", A), ("b", "A", A))
    small.night("r3", ("a", "U", A), ("b", "U", B))
    assert small.changed(2, 3) == {"a": "revived", "b": "revived"}
    assert small.changed(1, 3) == {"b": "changed"}
    assert small.changed(3, 2) == {"a": "archived", "b": "archived"}


# --- damage ---------------------------------------------------------------------------------------


def damage(small: SmallVault, suffix: str, how: str) -> str:
    """Spoil the newest segment, or its sidecar."""
    names = [n.name for n in small.store.list(f"orgs/{small.org}/data/")]
    table = small.vault.org_vault(small.org).chain.live().of(TABLE, until=99)[-1].entry
    name = next(n for n in names if n == object_names.segment(small.org, table.id) + suffix)
    data = small.store.get(name)
    small.store.delete(name)
    if how == "flip":
        small.store.put_new(name, data[:200] + bytes([data[200] ^ 1]) + data[201:])
    elif how == "cut":
        small.store.put_new(name, data[:-20])
    elif how == "swap":
        other = next(n for n in names if n.endswith(suffix) and n != name and ".idx" not in n)
        small.store.put_new(name, small.store.get(other))
    return name


@pytest.mark.parametrize(
    ("suffix", "how"),
    [
        *(("", how) for how in ("flip", "cut", "swap", "missing")),
        *((".idx", how) for how in ("flip", "cut", "missing")),
    ],
)
def test_damaged_objects_are_named(small: SmallVault, how: str, suffix: str) -> None:
    small.night("r1", *((f"{n:05d}", "U", A | {"Text": str(n)}) for n in range(4000)))
    name = damage(small, suffix, how)
    small.reopen()
    with pytest.raises(IntegrityError) as caught:
        small.vault.at(small.org, 1).scan(TABLE).read_all()
    assert caught.value.code == "object-damaged"
    assert name in caught.value.sentence
    with pytest.raises(IntegrityError):
        small.vault.history(small.org, TABLE, "02000")


def test_a_key_of_another_place_does_not_open_a_segment(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A))
    entry = small.vault.org_vault(small.org).chain.live().of(TABLE, until=1)[0].entry
    secret = small.store.get(object_names.segment(small.org, entry.id))
    assert b"Anna" not in secret
    assert secret[-4:] == b"PARE"  # the footer is encrypted too


def test_long_cells_of_deleted_records_come_in_bounded_batches(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.vault.read.big_cells.BLOB_BYTES", 500_000)
    ids = [f"{n:03d}" for n in range(40)]
    small.night("r1", *((id_, "U", {"Text": id_ * 30_000}) for id_ in ids))
    small.night("r2", *((id_, "P", None) for id_ in ids))
    batches = list(small.vault.at(small.org, 2).scan_deleted(TABLE, columns=["Text"]))
    assert len(batches) >= 8
    assert max(batch.nbytes for batch in batches) < 600_000
    told = [row for batch in batches for row in batch.to_pylist()]
    assert [row["_u_id"] for row in told] == ids
    assert all(row["Text"] == row["_u_id"] * 30_000 for row in told)
    states = small.vault.at(small.org, 2).get(TABLE, ids, columns=["Text"])
    assert (
        states.column_names
        == small.vault.at(small.org, 2).scan(TABLE, columns=["Text"]).schema.names
    )
    assert states.column("Text").to_pylist() == [row["Text"] for row in told]
