"""Commits: what is a version, what is kept, and what finishing promises."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from smallvault import IDENTITY, TABLE, SmallVault, finish, rows, schema
from unlost.model.errors import Conflict, IntegrityError, NotFound, StoreError, UsageError
from unlost.model.org import OrgIdentity
from unlost.model.source.reading import Cursor, Rows
from unlost.model.vault.snapshot import CommitKind, Counts, TableCommit, Visibility
from unlost.testing.clock import START
from unlost.vault.stores.fault import Fault, FaultKind, FaultStore, StoreCrash, StoreOperation
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import VaultOptions

A = {"Name": "Anna", "Amount": "1.50"}
B = {"Name": "Bert"}


@pytest.fixture
def small() -> SmallVault:
    return SmallVault()


# --- what is a version ----------------------------------------------------------------------------


def test_first_night(small: SmallVault) -> None:
    info = small.night("r1", ("b", "U", B), ("a", "U", A))
    assert info.counts == Counts(seen=2, created=2)
    assert list(small.cells(1)) == ["a", "b"]
    state = small.vault.at(small.org, 1).tables()[TABLE]
    assert (state.alive, state.deleted, state.last_read_in) == (2, 0, 1)


def test_unchanged_rows_write_nothing(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A))
    commit = small.begin("r2")
    added = commit.add(TABLE, [rows(("a", "U", {"Name": "Anna", "Amount": "1.5E0"}))])
    assert added.segments == ()
    assert added.counts == Counts(seen=1, unchanged=1)


def test_a_volatile_column_moves_nothing_but_is_kept(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A | {"Seen": "2026-01-01T00:00:00.000Z"}))
    info = small.night("r2", ("a", "U", A | {"Seen": "2026-01-02T00:00:00.000Z"}))
    assert info.counts.unchanged == 1
    assert small.cells(2)["a"]["Seen"] == "2026-01-01T00:00:00.000Z"


def test_another_way_of_reading_is_stored_as_it_was_first_read(small: SmallVault) -> None:
    small.night("r1", ("a", "U", {"Amount": "10000000.00"}))
    small.night("r2", ("a", "U", {"Amount": "1.0E7"}))
    assert small.cells(2)["a"]["Amount"] == "10000000.00"


OVER = [
    # before, observed, version?, (created, changed, deleted, revived)
    ("U", "D", True, (0, 0, 1, 0)),
    ("U", "P", True, (0, 0, 1, 0)),
    ("U", "M", True, (0, 0, 1, 0)),
    ("U", "A", True, (0, 0, 1, 0)),
    ("D", "U", True, (0, 0, 0, 1)),
    ("A", "U", True, (0, 0, 0, 1)),
    ("M", "U", True, (0, 0, 0, 1)),
    ("P", "D", True, (0, 1, 0, 0)),
    ("M", "D", True, (0, 1, 0, 0)),
    ("D", "D", False, (0, 0, 0, 0)),
    ("D", "P", False, (0, 0, 0, 0)),
    ("P", "M", False, (0, 0, 0, 0)),
    ("A", "D", False, (0, 0, 0, 0)),
    ("A", "P", False, (0, 0, 0, 0)),
    ("A", "M", False, (0, 0, 0, 0)),
    ("A", "A", False, (0, 0, 0, 0)),
    # A backup may see that a record is gone before the archive run that removed it commits.
    ("D", "A", True, (0, 1, 0, 0)),
    ("P", "A", True, (0, 1, 0, 0)),
    ("M", "A", True, (0, 1, 0, 0)),
]


@pytest.mark.parametrize(("before", "observed", "version", "counts"), OVER)
def test_tombstones(
    small: SmallVault,
    before: str,
    observed: str,
    version: bool,
    counts: tuple[int, int, int, int],
) -> None:
    small.night("r1", ("a", "U", A))
    if before != "U":
        small.night("r2", ("a", before, A if before in "DA" else None))
    known = len(small.vault.history(small.org, TABLE, "a"))
    info = small.night("r3", ("a", observed, B if observed in "UDA" else None))
    told = small.vault.history(small.org, TABLE, "a")
    assert len(told) == known + version
    found = info.counts
    assert (found.created, found.changed, found.deleted, found.revived) == counts


@pytest.mark.parametrize("op", ["P", "M"])
def test_an_id_alone_of_a_record_never_seen_is_nothing(small: SmallVault, op: str) -> None:
    info = small.night("r1", ("a", op, None))
    assert info.counts == Counts(seen=1, unchanged=1)
    assert small.vault.history(small.org, TABLE, "a") == []
    assert small.vault.at(small.org, 1).get(TABLE, ["a"]).num_rows == 0


def test_a_record_first_seen_deleted_is_held_as_deleted(small: SmallVault) -> None:
    info = small.night("r1", ("a", "D", A))
    assert info.counts == Counts(seen=1, created=1, deleted=1)
    snapshot = small.vault.at(small.org, 1)
    assert (snapshot.tables()[TABLE].alive, snapshot.tables()[TABLE].deleted) == (0, 1)
    assert snapshot.scan_deleted(TABLE).read_all().column("Name").to_pylist() == ["Anna"]


def test_the_last_state_of_a_deleted_record(small: SmallVault) -> None:
    """The row that the source delivers with the delete tells more than the one before."""
    small.night("r1", ("a", "U", A), ("b", "U", B))
    small.night("r2", ("a", "D", {"Name": "Anna, at the end"}), ("b", "P", None))
    dead = small.vault.at(small.org, 2).scan_deleted(TABLE).read_all().to_pylist()
    assert [(r["_u_id"], r["_u_op"], r["_u_snap"], r["Name"]) for r in dead] == [
        ("a", "D", 2, "Anna, at the end"),
        ("b", "P", 2, "Bert"),
    ]


# --- one run, several pieces ----------------------------------------------------------------------


def test_the_later_of_two_pieces_wins(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A))
    commit = small.begin("r2")
    first = commit.add(TABLE, [rows(("a", "U", {"Name": "one"}), ("b", "U", B))])
    second = commit.add(TABLE, [rows(("a", "U", {"Name": "two"}))])
    info = finish(commit, first, second)
    assert small.cells(2)["a"]["Name"] == "two"
    assert info.counts == Counts(seen=3, created=1, changed=1, unchanged=1)
    assert [v.cells["Name"] for v in small.vault.history(small.org, TABLE, "a")] == ["Anna", "two"]
    assert small.changed(1, 2) == {"a": "changed", "b": "created"}


def test_the_later_of_two_rows_in_one_piece_wins(small: SmallVault) -> None:
    small.night("r1", ("a", "U", {"Name": "one"}), ("b", "U", B), ("a", "U", {"Name": "two"}))
    assert small.cells(1)["a"]["Name"] == "two"
    assert small.vault.at(small.org, 1).tables()[TABLE].alive == 2


@pytest.mark.parametrize("resumed", [False, True])
def test_what_changes_back_during_a_run_is_as_it_was(small: SmallVault, resumed: bool) -> None:
    """A second look that sees the old value again must not leave the value of the first look."""
    small.night("r1", ("a", "U", A), ("b", "U", B))
    commit = small.begin("r2")
    first = commit.add(TABLE, [rows(("a", "U", {"Name": "moment"}), ("b", "P", None))])
    if resumed:
        small.reopen()
        commit = small.begin("r2")
    second = commit.add(TABLE, [rows(("a", "U", A), ("b", "U", B))])
    info = finish(commit, first, second)
    assert {k: v["Name"] for k, v in small.cells(2).items()} == {"a": "Anna", "b": "Bert"}
    assert (info.counts.changed, info.counts.deleted, info.counts.revived) == (0, 0, 0)
    assert small.changed(1, 2) == {}
    assert len(small.vault.history(small.org, TABLE, "a")) == 1
    assert small.vault.at(small.org, 2).tables()[TABLE].alive == 2


def test_a_piece_that_was_never_handed_over_is_not_there(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A))
    commit = small.begin("r2")
    commit.add(TABLE, [rows(("a", "U", B), ("lost", "U", B))])
    small.reopen()
    again = small.begin("r2")
    added = again.add(TABLE, [rows(("a", "U", B), ("c", "U", B))])
    info = finish(again, added)
    assert info.counts == Counts(seen=2, created=1, changed=1)
    assert set(small.cells(2)) == {"a", "c"}


def test_a_piece_handed_over_twice_counts_once(small: SmallVault) -> None:
    commit = small.begin("r1")
    added = commit.add(TABLE, [rows(("a", "U", A))])
    info = finish(commit, added, added)
    assert info.counts == Counts(seen=1, created=1)


def test_pieces_of_another_table_are_refused(small: SmallVault) -> None:
    commit = small.begin("r1")
    added = commit.add(TABLE, [rows(("a", "U", A))])
    with pytest.raises(UsageError) as caught:
        commit.finish([TableCommit("Other", (added,))], as_of=START)
    assert caught.value.code == "table-mixed"


def test_pieces_are_json(small: SmallVault) -> None:
    import msgspec

    from unlost.model.vault.snapshot import Added

    commit = small.begin("r1")
    added = commit.add(TABLE, [rows(("a", "U", A | {"Text": "x" * 70_000}))])
    back = msgspec.json.decode(msgspec.json.encode(added), type=Added)
    assert back == added
    finish(commit, back)
    assert small.cells(1)["a"]["Text"] == "x" * 70_000


# --- columns --------------------------------------------------------------------------------------


def test_a_hidden_column_changes_no_record(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A | {"Phone": "1"}), ("b", "U", B | {"Phone": "2"}))
    seen = ("Name", "Amount", "Seen", "Text")
    narrow = schema(*seen, hidden=["Phone"])
    commit = small.begin("r2", put=narrow)
    piece = rows(("a", "U", A), ("b", "U", {"Name": "Berta"}), ("c", "U", B), names=seen)
    added = commit.add(TABLE, [piece], carry=["Phone"])
    assert added.counts == Counts(seen=3, created=1, changed=1, unchanged=1)
    marked = commit.mark(TABLE, visibility=Visibility.HIDDEN, columns=["Phone"])
    finish(commit, added, marked)
    snapshot = small.vault.at(small.org, 2)
    assert snapshot.columns(TABLE) == (*seen, "Phone")
    assert {k: v["Phone"] for k, v in small.cells(2).items()} == {"a": "1", "b": "2", "c": None}
    assert [(h.column, h.record, h.since) for h in snapshot.hidden(TABLE)] == [("Phone", None, 2)]
    info = small.night("r3", ("b", "U", {"Name": "Berta", "Phone": "2"}))
    assert info.counts.unchanged == 1  # it came back as it was


def test_a_carried_big_cell(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A | {"Text": "x" * 70_000}))
    seen = ("Name", "Phone", "Amount", "Seen")
    commit = small.begin("r2", put=schema(*seen, hidden=["Text"]))
    added = commit.add(TABLE, [rows(("a", "U", B), names=seen)], carry=["Text"])
    assert added.packs == ()  # its bytes are there already
    finish(commit, added)
    assert small.cells(2)["a"]["Text"] == "x" * 70_000


def test_a_tombstone_carries_nothing(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A | {"Phone": "1"}))
    seen = ("Name", "Amount", "Seen", "Text")
    commit = small.begin("r2", put=schema(*seen, hidden=["Phone"]))
    finish(commit, commit.add(TABLE, [rows(("a", "P", None))], carry=["Phone"]))
    told = small.vault.history(small.org, TABLE, "a")
    assert told[-1].cells == {}
    assert small.vault.at(small.org, 2).get(TABLE, ["a"]).column("Phone").to_pylist() == ["1"]


def test_a_new_column_that_is_empty_changes_nothing(small: SmallVault) -> None:
    commit = small.begin("r1", put=schema("Name"))
    finish(commit, commit.add(TABLE, [rows(("a", "U", A), names=["Name"])]))
    info = small.night("r2", ("a", "U", {"Name": "Anna"}))
    assert info.counts.unchanged == 1
    versions = small.vault.history(small.org, TABLE, "a")
    assert versions[0].cells == {"Name": "Anna"}  # not in the schema is not the same as null
    assert small.cells(2)["a"]["Amount"] is None


def test_names_that_differ_by_case_are_two_columns(small: SmallVault) -> None:
    from unlost.model.source.schema import Column, Schema, Table, WireKind

    columns = (Column("name", WireKind.TEXT), Column("Name", WireKind.TEXT))
    commit = small.begin("r1", put=Schema((Table(TABLE, columns),), "f"))
    piece = rows(("a", "U", {"name": "low", "Name": "high"}), names=["name", "Name"])
    finish(commit, commit.add(TABLE, [piece]))
    assert small.cells(1)["a"] == {"name": "low", "Name": "high"}


def test_a_table_that_is_gone_keeps_its_columns(small: SmallVault) -> None:
    from unlost.model.source.schema import Schema

    small.night("r1", ("a", "U", A))
    commit = small.begin("r2", put=Schema((), "f"))
    commit.finish([], as_of=START)
    assert small.cells(2)["a"]["Name"] == "Anna"


def test_unknown_tables_and_columns_are_refused(small: SmallVault) -> None:
    commit = small.begin("r1")
    with pytest.raises(UsageError, match="no table “Else”"):
        commit.add("Else", [rows(("a", "U", A))])
    with pytest.raises(UsageError, match="a column “New”"):
        commit.add(TABLE, [rows(("a", "U", {"New": "x"}), names=["New"])])
    with pytest.raises(UsageError, match="never had a column “Old”"):
        commit.add(TABLE, [rows(("a", "U", A))], carry=["Old"])
    bare = small.vault.begin(small.org, run="r0", kind=CommitKind.BACKUP, identity=IDENTITY)
    with pytest.raises(UsageError, match="no table “Thing”"):
        bare.add(TABLE, [rows(("a", "U", A))])


# --- text -----------------------------------------------------------------------------------------

TEXTS = [
    None,
    "",
    "\0",
    "a\0b",
    "\r\n",
    "\n",
    '"',
    '""',
    "'",
    "🍫 naïve 東京 \u200fעברית",
    "e\u0301",
    "é",
    "000123",
    "123456789012345678",
    "NA",
    "null",
    "NaN",
    " ",
    "x" * 65_536,
    "x" * 65_537,
    "ß" * 131_072,
]


def test_text_is_verbatim(small: SmallVault) -> None:
    seen = [(f"{n:02d}", "U", {"Text": text}) for n, text in enumerate(TEXTS)]
    small.night("r1", *seen)
    assert [row["Text"] for row in small.cells(1).values()] == TEXTS
    info = small.night("r2", *seen)
    assert info.counts == Counts(seen=len(TEXTS), unchanged=len(TEXTS))
    got = small.vault.at(small.org, 2).get(TABLE, [row[0] for row in seen])
    assert got.column("Text").to_pylist() == TEXTS
    history = [small.vault.history(small.org, TABLE, row[0])[0].cells["Text"] for row in seen]
    assert history == TEXTS


def test_a_change_in_a_big_cell_is_noticed(small: SmallVault) -> None:
    small.night("r1", ("a", "U", {"Text": "x" * 70_000}))
    info = small.night("r2", ("a", "U", {"Text": "x" * 69_999 + "y"}))
    assert info.counts.changed == 1
    texts = [v.cells["Text"] for v in small.vault.history(small.org, TABLE, "a")]
    assert [t and t[-1] for t in texts] == ["x", "y"]


def test_other_string_types_are_taken(small: SmallVault) -> None:
    commit = small.begin("r1")
    plain = rows(("a", "U", A))
    assert plain.cells is not None
    large = pa.RecordBatch.from_arrays(
        [column.cast(pa.large_string()) for column in plain.cells.columns],
        names=plain.cells.schema.names,
    )
    odd = Rows(
        ids=plain.ids.cast(pa.large_string()),
        ops=plain.ops.dictionary_encode(),
        modified_at=plain.modified_at,
        modified_by=plain.modified_by,
        cells=large,
        observed_at=plain.observed_at,
    )
    finish(commit, commit.add(TABLE, [odd, rows()]))
    assert small.cells(1)["a"]["Name"] == "Anna"


# --- begin and finish -----------------------------------------------------------------------------


def test_finish_is_the_same_when_done_again(small: SmallVault) -> None:
    commit = small.begin("r1")
    added = commit.add(TABLE, [rows(("a", "U", A))])
    info = finish(commit, added)
    assert finish(commit, added) == info
    small.reopen()
    assert finish(small.begin("r1"), added) == info
    assert [i.number for i in small.vault.snapshots(small.org)] == [1]


def test_what_the_run_tells_is_kept(small: SmallVault) -> None:
    commit = small.begin("r1")
    added = commit.add(TABLE, [rows(("a", "U", A))])
    told = TableCommit(TABLE, (added,), cursor=Cursor("now"), window_start=START, window_end=START)
    commit.finish([told], as_of=START)
    state = small.vault.at(small.org, 1).tables()[TABLE]
    assert (state.cursor, state.window_start, state.last_read_in) == (Cursor("now"), START, 1)
    later = small.begin("r2")
    later.finish([TableCommit(TABLE, cursor=Cursor("now"), window_start=START)], as_of=START)
    state = small.vault.at(small.org, 2).tables()[TABLE]
    assert (state.cursor, state.last_read_in, state.alive) == (Cursor("now"), 1, 1)


def test_a_rival_that_commits_first(small: SmallVault) -> None:
    """The later run rebases: counts are held against what the rival brought."""
    small.night("r1", ("a", "U", A), ("b", "U", B))
    mine, rival = small.begin("mine"), small.begin("rival")
    piece = rival.add(TABLE, [rows(("a", "P", None), ("c", "U", B))])
    finish(rival, piece)
    added = mine.add(TABLE, [rows(("a", "D", A), ("b", "P", None), ("c", "U", B), ("d", "U", B))])
    info = finish(mine, added)
    assert info.number == 3
    assert info.counts == Counts(seen=4, created=1, changed=1, deleted=1)
    state = small.vault.at(small.org, 3).tables()[TABLE]
    assert (state.alive, state.deleted) == (2, 2)
    assert small.changed(2, 3) == {"b": "deleted", "d": "created"}
    assert small.changed(1, 3) == {
        "a": "deleted",
        "b": "deleted",
        "c": "created",
        "d": "created",
    }


class Crowded(MemoryStore):
    """A store in which another run always commits in the last moment."""

    def __init__(self) -> None:
        super().__init__()
        self.before_commit = lambda: None

    def put_stream(self, name: str, chunks: Iterator[bytes]) -> bool:  # type: ignore[override]
        if "/commits/" in name:
            before, self.before_commit = self.before_commit, lambda: None
            before()
        return super().put_stream(name, chunks)


def test_a_rival_that_commits_in_the_last_moment() -> None:
    store = Crowded()
    small = SmallVault(store=store)
    small.night("r1", ("a", "U", A))
    mine, rival = small.begin("mine"), small.begin("rival")
    added = mine.add(TABLE, [rows(("a", "U", B))])
    piece = rival.add(TABLE, [rows(("b", "U", B))])
    store.before_commit = lambda: finish(rival, piece) and None
    info = finish(mine, added)
    assert info.number == 3
    assert [i.run for i in small.vault.snapshots(small.org)] == ["r1", "rival", "mine"]
    assert set(small.cells(3)) == {"a", "b"}


def test_a_store_that_answers_taken_and_has_written_nothing() -> None:
    class Wavering(MemoryStore):
        refused = 0

        def put_stream(self, name: str, chunks: Iterator[bytes]) -> bool:  # type: ignore[override]
            if "/commits/" in name and self.refused < 3:
                self.refused += 1
                return False
            return super().put_stream(name, chunks)

    store = Wavering()
    small = SmallVault(store=store)
    assert small.night("r1", ("a", "U", A)).number == 1
    assert store.refused == 3


def test_a_store_that_never_takes_a_commit_ends_in_words() -> None:
    class Refusing(MemoryStore):
        def put_stream(self, name: str, chunks: Iterator[bytes]) -> bool:  # type: ignore[override]
            return "/commits/" not in name and super().put_stream(name, chunks)

    with pytest.raises(Conflict) as caught:
        SmallVault(store=Refusing()).night("r1", ("a", "U", A))
    assert caught.value.code == "commit-crowded"


def test_abandoned_runs_leave_no_snapshot_and_no_intent(small: SmallVault) -> None:
    commit = small.begin("r1")
    commit.add(TABLE, [rows(("a", "U", A))])
    commit.abandon()
    assert small.vault.newest_backup(small.org) is None
    assert list(small.store.list(f"orgs/{small.org}/runs/")) == []


def test_the_intent_lives_as_long_as_the_run(small: SmallVault) -> None:
    commit = small.begin("r1")
    assert list(small.store.list(f"orgs/{small.org}/runs/"))
    finish(commit)
    assert list(small.store.list(f"orgs/{small.org}/runs/")) == []


@pytest.mark.parametrize("run", ["", "../x", "A", "a b", "x" * 65, "-a"])
def test_odd_run_ids_are_refused(small: SmallVault, run: str) -> None:
    with pytest.raises(UsageError) as caught:
        small.begin(run)
    assert caught.value.code == "run-name"


def test_another_org_behind_the_same_name_is_refused(small: SmallVault) -> None:
    other = OrgIdentity("fake", "T2", label="Elsewhere")
    with pytest.raises(Conflict) as caught:
        small.vault.begin(small.org, run="r1", kind=CommitKind.BACKUP, identity=other)
    assert caught.value.code == "org-identity"
    assert "Elsewhere" in caught.value.sentence


def test_orgs(small: SmallVault) -> None:
    other = OrgIdentity("fake", "T2")
    second = small.vault.ensure_org(other)
    assert second != small.org
    assert small.vault.ensure_org(OrgIdentity("fake", "T2", label="renamed")) == second
    assert small.reopen().orgs() == {small.org: IDENTITY, second: other}
    with pytest.raises(NotFound) as caught:
        small.vault.snapshots("ab" * 16)
    assert caught.value.code == "org-unknown"


def test_the_label_is_the_newest(small: SmallVault) -> None:
    renamed = OrgIdentity("fake", "T1", label="New name")
    commit = small.vault.begin(small.org, run="r1", kind=CommitKind.BACKUP, identity=renamed)
    commit.finish([], as_of=START)
    assert small.vault.orgs()[small.org].label == "New name"


def test_only_backups_are_nights(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A))
    commit = small.vault.begin(small.org, run="x", kind=CommitKind.RESTORE, identity=IDENTITY)
    assert commit.finish([], as_of=START).number == 2
    assert [info.number for info in small.vault.snapshots(small.org)] == [1]
    head = small.vault.newest_backup(small.org)
    assert head is not None
    assert head.info.number == 1
    assert small.vault.at(small.org, 2).info.kind is CommitKind.RESTORE


# --- many at once ---------------------------------------------------------------------------------


def test_pieces_from_many_threads() -> None:
    small = SmallVault(options=VaultOptions(buffer_bytes=4_000))
    commit = small.begin("r1")
    barrier = threading.Barrier(6)

    def part(number: int) -> object:
        barrier.wait()
        seen = [(f"{number}-{n:03d}", "U", {"Name": f"n{n}"}) for n in range(300)]
        return commit.add(TABLE, [rows(*seen[at : at + 50]) for at in range(0, 300, 50)])

    with ThreadPoolExecutor(6) as pool:
        added = list(pool.map(part, range(6)))
    info = finish(commit, *added)  # type: ignore[arg-type]
    assert info.counts == Counts(seen=1800, created=1800)
    assert len(small.cells(1)) == 1800


def test_readers_while_a_run_writes(small: SmallVault) -> None:
    small.night("r1", *((f"{n:03d}", "U", A) for n in range(200)))
    with ThreadPoolExecutor(4) as pool:
        reads = [pool.submit(small.cells, 1) for _ in range(8)]
        small.night("r2", *((f"{n:03d}", "U", B) for n in range(200)))
        assert all(len(read.result()) == 200 for read in reads)
    assert {row["Name"] for row in small.cells(1).values()} == {"Anna"}


# --- what goes wrong ------------------------------------------------------------------------------


def crashes() -> Iterator[int]:
    """Every writing call of a night."""
    store = FaultStore(MemoryStore())
    small = SmallVault(store=store)
    small.night("r1", ("a", "U", A))
    before = sum(call.operation is StoreOperation.PUT for call in store.calls)
    small.night("r2", ("a", "U", B), ("b", "U", A | {"Text": "x" * 70_000}))
    after = sum(call.operation is StoreOperation.PUT for call in store.calls)
    assert after - before >= 7
    yield from range(before + 1, after + 1)


@pytest.mark.parametrize("kind", [FaultKind.CRASH_BEFORE, FaultKind.CRASH_AFTER])
@pytest.mark.parametrize("at", list(crashes()))
def test_a_crash_at_every_write(at: int, kind: FaultKind) -> None:
    inner = MemoryStore()
    store = FaultStore(inner, faults=[Fault(kind, at=at, on=StoreOperation.PUT)])
    small = SmallVault(store=store)
    small.night("r1", ("a", "U", A))
    with pytest.raises(StoreCrash):
        small.night("r2", ("a", "U", B), ("b", "U", A | {"Text": "x" * 70_000}))
    store.assert_all_hit()
    small.store, small.keys._store = inner, inner
    small.reopen()
    assert small.cells(1)["a"]["Name"] == "Anna"
    info = small.night("r2", ("a", "U", B), ("b", "U", A | {"Text": "x" * 70_000}))
    assert info.number == 2
    assert [i.run for i in small.vault.snapshots(small.org)] == ["r1", "r2"]
    assert {k: v["Name"] for k, v in small.cells(2).items()} == {"a": "Bert", "b": "Anna"}
    state = small.vault.at(small.org, 2).tables()[TABLE]
    assert (state.alive, state.deleted) == (2, 0)


def test_a_full_store_stops_the_run_and_loses_nothing() -> None:
    store = FaultStore(MemoryStore())
    small = SmallVault(store=store)
    small.night("r1", ("a", "U", A))
    puts = sum(call.operation is StoreOperation.PUT for call in store.calls)
    store._faults = [Fault(FaultKind.FULL, at=puts + 4, on=StoreOperation.PUT)]
    commit = small.begin("r2")
    with pytest.raises(StoreError):
        commit.add(TABLE, [rows(("a", "U", B))])
    store.assert_all_hit()
    assert small.cells(1)["a"]["Name"] == "Anna"
    finish(commit, commit.add(TABLE, [rows(("a", "U", B))]))
    assert small.cells(2)["a"]["Name"] == "Bert"


def test_randomness_that_repeats_itself_is_noticed(small: SmallVault) -> None:
    commit = small.begin("r1")
    commit.add(TABLE, [rows(("a", "U", A))])
    segment = next(
        listed.name
        for listed in small.store.list(f"orgs/{small.org}/data/")
        if not listed.name.endswith(".idx")
    )
    suffix = bytes.fromhex(segment[-16:])

    class Stuck:
        def bytes(self, size: int) -> bytes:
            return (suffix + bytes(size))[:size]

        def fraction(self) -> float:
            return 0.5

    small.vault.sealed.entropy = Stuck()
    with pytest.raises(IntegrityError) as caught:
        commit.add(TABLE, [rows(("b", "U", A))])
    assert caught.value.code == "name-taken"
