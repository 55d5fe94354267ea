"""No method by which a vault is read gives a value of a hidden column, or finds a record by it.

Each hidden value in this story has the word "secret" in it, and no other text has it.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO

import pyarrow as pa
import pytest

from smallvault import IDENTITY, Row, SmallVault, rows
from sweeps import sampled
from unlost.model.errors import NotFound
from unlost.model.ports.vault import IncomingFile, Snapshot, Vault, VaultReader
from unlost.model.source.hidden_columns import HiddenColumns, hidden_columns
from unlost.model.source.reading import FileRef
from unlost.model.source.schema import (
    ChangeLog,
    Column,
    ColumnTrait,
    FileColumn,
    Schema,
    Table,
    WireKind,
)
from unlost.model.vault.erasure import PastErasure
from unlost.model.vault.past_salvage import PastSalvage
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo, TableCommit, Visibility
from unlost.testing.clock import START
from unlost.vault.maintenance.rewrite.tiers import MIN_TIERS
from unlost.vault.objects.segments import SegmentReader
from unlost.vault.read.big_cells import CELL_BYTES
from unlost.vault.reader import EncryptedReader

SECRET = "secret"
PERSON, LOG = "Person", "PersonHistory"
HIDDEN = hidden_columns(
    [
        (PERSON, "Mail"),
        (PERSON, "Notes"),
        (PERSON, "OwnerId"),
        (PERSON, "Photo"),
        (PERSON, "ScanName"),
        (PERSON, "ScanType"),
    ]
)
BIG = "x" * CELL_BYTES + f" {SECRET} big"


def column(name: str, *traits: ColumnTrait, kind: WireKind = WireKind.TEXT) -> Column:
    return Column(name, kind, traits=frozenset(traits))


PEOPLE = Table(
    PERSON,
    (
        column("Name", ColumnTrait.NAME),
        column("Mail", ColumnTrait.EMAIL),
        column("Notes"),
        column("OwnerId"),
        column("Open"),
        column("ScanName"),
        column("ScanType"),
        column("Photo", kind=WireKind.BINARY),
        column("Scan", kind=WireKind.BINARY),
    ),
    name_column="Name",
    files=(
        FileColumn("Photo", name_column="Name"),
        FileColumn("Scan", name_column="ScanName", type_column="ScanType"),
    ),
    change_log=ChangeLog(LOG, "Person", "Field", "Old", "New", "At", "By"),
)
HISTORY = Table(
    LOG,
    (
        column("Person"),
        column("Field"),
        column("Old"),
        column("New", ColumnTrait.EMAIL),
        column("At"),
        column("By"),
        column("Comment"),
    ),
)
SCHEMA = Schema((PEOPLE, HISTORY), "f")
CELLS = ("Name", "Mail", "Notes", "OwnerId", "Open", "ScanName", "ScanType")
NOTED = ("Person", "Field", "Old", "New", "At", "By", "Comment")
COMMENT = "x" * CELL_BYTES + " seen"


def person(record: str, number: int, **cells: str) -> Row:
    values = {
        "Name": f"Jo {record}",
        "Mail": f"{SECRET}{number}@example.com",
        "Notes": BIG if number % 2 else f"{SECRET} {number}",
        "OwnerId": f"{SECRET}-owner",
        "Open": f"open {number}",
        "ScanName": f"{SECRET}.png",
        "ScanType": f"image/{SECRET}",
    }
    return (record, "U", values | cells)


def note(record: str, field: str | None, *values: str) -> Row:
    cells = ("p1", field, *values, "2026-01-01", "u1", COMMENT)
    return (record, "U", dict(zip(NOTED, cells, strict=True)))


def notes(number: int) -> list[Row]:
    """The source's own notes: of hidden columns, and of others."""
    return [
        note(f"{number}mail", "Mail", f"{SECRET}{number}@example.com", f"{SECRET}x@example.com"),
        note(f"{number}big", "Notes", BIG, BIG),
        note(f"{number}owner", "Owner", f"{SECRET}-1", f"{SECRET}-2"),
        note(f"{number}nothing", None, f"{SECRET}-3", f"{SECRET}-4"),
        note(f"{number}open", "Open", f"open {number}", "x" * CELL_BYTES + "open big"),
    ]


def incoming(record: str, column: str, body: bytes, name: str, media_type: str) -> IncomingFile:
    @contextmanager
    def opened() -> Iterator[BinaryIO]:
        yield io.BytesIO(body)

    return IncomingFile(FileRef(PERSON, record, column, None, None, name, media_type), opened)


def night(small: SmallVault, number: int, *, schema: Schema = SCHEMA) -> None:
    """A backup in which all changes but "quiet", and "gone" is lost after the first one."""
    commit = small.begin(f"night-{number}", put=schema)
    people = [person("p1", number), person("p2", number)]
    if number == 1:
        people += [person("gone", number), person("quiet", number)]
    else:
        people.append(person("quiet", number, Open="open 1"))
        people.append(("gone", "M", None))
    files = [
        incoming("p1", "Photo", f"{SECRET} photo {number}".encode(), f"{SECRET}.png", "png"),
        incoming("p1", "Scan", f"scan {number}".encode(), f"{SECRET}.png", f"image/{SECRET}"),
    ]
    added = [
        commit.add(PERSON, [rows(*people, names=CELLS)]),
        commit.add_files(files),
        commit.mark(PERSON, visibility=Visibility.HIDDEN, columns=("Mail", "Open")),
    ]
    log = [commit.add(LOG, [rows(*notes(number), names=NOTED)])]
    commit.finish([TableCommit(PERSON, tuple(added)), TableCommit(LOG, tuple(log))], as_of=START)


def plain() -> SmallVault:
    """Two backups."""
    small = SmallVault()
    night(small, 1)
    night(small, 2)
    return small


def merged() -> SmallVault:
    """As many backups as are merged, and one more."""
    small = SmallVault()
    for number in range(1, MIN_TIERS + 2):
        night(small, number)
    assert small.vault.compact(small.org, run="merge").merged
    night(small, MIN_TIERS + 2)
    return small


def without_log() -> SmallVault:
    """A newer schema that does not say any more what the log is a log of."""
    small = plain()
    night(small, 3, schema=replace(SCHEMA, tables=(replace(PEOPLE, change_log=None), HISTORY)))
    return small


def log_known_later() -> SmallVault:
    """An older schema that does not say yet what the log is a log of."""
    small = SmallVault()
    night(small, 1, schema=replace(SCHEMA, tables=(replace(PEOPLE, change_log=None), HISTORY)))
    night(small, 2)
    return small


def gone_table() -> SmallVault:
    """A newer schema without the table that has hidden columns."""
    small = plain()
    commit = small.begin("night-3", put=Schema((HISTORY,), "f"))
    log = commit.add(LOG, [rows(*notes(3), names=NOTED)])
    commit.finish([TableCommit(LOG, (log,))], as_of=START)
    return small


STORIES = (merged, plain, without_log, log_known_later, gone_table)


@pytest.fixture(params=sampled(STORIES, every=5, name=lambda story: story.__name__), scope="module")
def small(request: pytest.FixtureRequest) -> SmallVault:
    return request.param()


def visible(small: SmallVault, hidden: HiddenColumns = HIDDEN) -> EncryptedReader:
    return small.vault.visible({small.org: hidden})


# --- each method of the ports, called in each way that gives values -------------------------------


def batches(reader: pa.RecordBatchReader) -> list[dict[str, Any]]:
    return reader.read_all().to_pylist()


def read_file(vault: VaultReader, org: str, blob: str) -> bytes:
    with vault.open_file(org, blob) as stream:
        return stream.read()


def every_file(vault: VaultReader, org: str) -> list[bytes]:
    """The bytes of all files of which the vault lets know."""
    infos = vault.snapshots(org)
    files = [f for info in infos for f in vault.at(org, info.number).files(PERSON, ["p1"])]
    return [read_file(vault, org, file.blob) for file in files]


def ends(infos: Sequence[SnapshotInfo]) -> list[SnapshotInfo]:
    """The first and the last."""
    return [infos[0], infos[-1]]


WORDS = (SECRET, "owner", f"{SECRET}1@example.com", "example", "p1", "1mail", "Jo")

VAULT: Mapping[str, Callable[[VaultReader, str], Any]] = {
    "orgs": lambda vault, _: vault.orgs(),
    "newest_backup": lambda vault, org: told(vault.newest_backup(org)),
    "snapshots": lambda vault, org: vault.snapshots(org),
    "commits": lambda vault, org: vault.commits(org),
    "at": lambda vault, org: [
        *(told(vault.at(org, i.number)) for i in ends(vault.snapshots(org))),
        *(told(vault.at(org, i.number, forgotten=True)) for i in ends(vault.commits(org))),
    ],
    "history": lambda vault, org: [
        *(vault.history(org, PERSON, record) for record in ("p1", "p2", "gone", "quiet")),
        *(vault.history(org, LOG, row[0]) for row in notes(1)),
    ],
    "changes": lambda vault, org: [
        part.to_pylist()
        for table in (PERSON, LOG)
        for part in vault.changes(org, table, after=0, until=2)
    ],
    "search": lambda vault, org: [
        vault.search(org, word, limit=99, former=former)
        for word in WORDS
        for former in (False, True)
    ],
    "search_help": lambda vault, org: [
        vault.search_help(org, word + ending) for word in WORDS for ending in ("", "x", "xy")
    ],
    "open_file": every_file,
    "journals": lambda vault, org: vault.journals(org),
    "lineage": lambda vault, org: [
        vault.lineage(org, superseded=superseded) for superseded in (False, True)
    ],
    "past_operations": lambda vault, org: [
        vault.past_operations(org, kind) for kind in (PastErasure, PastSalvage)
    ],
}
SNAPSHOT: Mapping[str, Callable[[Snapshot, str], Any]] = {
    "info": lambda snapshot, _: snapshot.info,
    "schema": lambda snapshot, _: snapshot.schema(),
    "tables": lambda snapshot, _: snapshot.tables(),
    "scan": lambda snapshot, table: batches(snapshot.scan(table)),
    "scan_deleted": lambda snapshot, table: batches(snapshot.scan_deleted(table)),
    "live_ids": lambda snapshot, table: [p.to_pylist() for p in snapshot.live_ids(table)],
    "get": lambda snapshot, table: [
        snapshot.get(table, ids(snapshot, table)).to_pylist(),
        *(snapshot.get(table, ids(snapshot, table), columns=[name]).to_pylist()
          for name in snapshot.columns(table)),
    ],
    "where": lambda snapshot, table: [
        snapshot.where(table, name, [value], columns=list(snapshot.columns(table))).to_pylist()
        for name in snapshot.columns(table)
        for value in (f"{SECRET}1@example.com", f"{SECRET}-1", "p1", "open 1")
    ],
    "row_bytes": lambda snapshot, table: snapshot.row_bytes(table),
    "hidden": lambda snapshot, table: [snapshot.hidden(), snapshot.hidden(table)],
    "files": lambda snapshot, table: snapshot.files(table, ["p1", "p2"]),
    "certificate": lambda snapshot, _: snapshot.certificate(),
    "columns": lambda snapshot, table: snapshot.columns(table),
    "salvaged": lambda snapshot, _: snapshot.salvaged,
    "unread": lambda snapshot, table: snapshot.unread(table, ids(snapshot, table)),
    "spans": lambda snapshot, table: snapshot.spans(table, rows=10),
    "read": lambda snapshot, table: few_and_all(snapshot, table, snapshot.read),
    "versions": lambda snapshot, table: few_and_all(snapshot, table, snapshot.versions),
    "newer": lambda snapshot, table: few_and_all(
        snapshot, table, lambda table, names: snapshot.newer(table, names, after=1)
    ),
}  # fmt: skip


def few_and_all(
    snapshot: Snapshot, table: str, read: Callable[[str, Sequence[str]], pa.RecordBatchReader]
) -> list[Any]:
    """A read of all columns, and one of each column alone."""
    names = list(snapshot.columns(table))
    return [batches(read(table, ["_u_id", *some])) for some in (names, *([name] for name in names))]


def ids(snapshot: Snapshot, table: str) -> list[str]:
    listed = [row["_u_id"] for part in snapshot.live_ids(table) for row in part.to_pylist()]
    return [*listed, "gone"]


def told(snapshot: Snapshot | None) -> dict[str, Any]:
    """All that the methods of a snapshot give, by method."""
    assert snapshot is not None
    tables = [table for table in (PERSON, LOG) if table in snapshot.tables()]
    return {name: [call(snapshot, table) for table in tables] for name, call in SNAPSHOT.items()}


def methods(port: type) -> set[str]:
    """The public names of a port, with those of the ports that it extends."""
    return {name for part in port.__mro__ for name in vars(part) if not name.startswith("_")}


# --- what is promised -----------------------------------------------------------------------------


def test_each_method_of_the_ports_is_called() -> None:
    assert methods(VaultReader) == set(VAULT)
    assert methods(Snapshot) == set(SNAPSHOT)


def test_a_reader_has_no_other_methods() -> None:
    """Only the whole vault has methods that write or maintain."""
    assert methods(EncryptedReader) == methods(VaultReader)
    assert methods(Vault) > methods(VaultReader)


def test_no_method_of_a_reader_gives_a_hidden_value(small: SmallVault) -> None:
    vault = visible(small)
    for name, call in VAULT.items():
        assert SECRET not in repr(call(vault, small.org)), name


def test_the_whole_vault_gives_them() -> None:
    """So that the test above would notice: by each method that gives values."""
    small = plain()
    giving = {name for name, call in VAULT.items() if SECRET in repr(call(small.vault, small.org))}
    assert giving == {"newest_backup", "at", "history", "search", "search_help", "open_file"}
    of_snapshot = {
        name
        for name, found in told(small.vault.newest_backup(small.org)).items()
        if SECRET in repr(found)
    }
    assert of_snapshot == {
        "scan",
        "scan_deleted",
        "get",
        "where",
        "files",
        "read",
        "versions",
        "newer",
    }


def test_hidden_columns_are_not_named(small: SmallVault) -> None:
    vault = visible(small)
    for info in vault.commits(small.org):
        snapshot = vault.at(small.org, info.number, forgotten=True)
        for table in snapshot.tables().keys() & HIDDEN.by_table.keys():
            assert not HIDDEN.of(table) & set(snapshot.columns(table))
            described = snapshot.schema().table(table)
            names = {one.name for one in described.columns} if described else set()
            assert not HIDDEN.of(table) & names
            assert not HIDDEN.of(table) & {mark.column for mark in snapshot.hidden()}
    for record in ("p1", "gone"):
        for version in vault.history(small.org, PERSON, record):
            assert not HIDDEN.of(PERSON) & version.cells.keys()


def test_a_hidden_column_is_refused_as_one_that_is_not_there(small: SmallVault) -> None:
    vault = visible(small)
    for info in vault.snapshots(small.org):
        snapshot = vault.at(small.org, info.number)
        for name in HIDDEN.of(PERSON):
            for read in (
                lambda n, s=snapshot: s.scan(PERSON, columns=[n]),
                lambda n, s=snapshot: s.scan_deleted(PERSON, columns=[n]),
                lambda n, s=snapshot: s.get(PERSON, ["p1"], columns=[n]),
                lambda n, s=snapshot: s.where(PERSON, n, [f"{SECRET}-owner"]),
                lambda n, s=snapshot: s.where(PERSON, "Open", ["open 1"], columns=[n]),
                lambda n, s=snapshot: s.read(PERSON, [n]),
                lambda n, s=snapshot: s.versions(PERSON, [n]),
                lambda n, s=snapshot: s.newer(PERSON, [n], after=1),
            ):
                with pytest.raises(NotFound) as caught:
                    read(name)
                assert caught.value.code == "column-unknown"


def test_all_else_is_the_same(small: SmallVault) -> None:
    """Ids, counts and visible values are those of the whole vault."""
    whole, vault = small.vault, visible(small)
    for info in whole.snapshots(small.org):
        full, part = whole.at(small.org, info.number), vault.at(small.org, info.number)
        assert part.info == full.info
        assert part.tables() == full.tables()
        names = list(part.columns(PERSON))
        assert "Open" in names
        for one, other in (
            (full.scan(PERSON, columns=names), part.scan(PERSON)),
            (full.scan_deleted(PERSON, columns=names), part.scan_deleted(PERSON)),
            (full.versions(PERSON, names), part.versions(PERSON, names)),
        ):
            assert other.read_all().equals(one.read_all())
        seen = {row["_u_id"]: row for row in batches(part.scan(LOG))}
        for row in batches(full.scan(LOG)):
            concerns = row["Field"] != "Open"
            values = {"Old": None, "New": None} if concerns else {}
            assert seen[row["_u_id"]] == row | values
    assert [v.snapshot for v in vault.history(small.org, PERSON, "quiet")] == [
        v.snapshot for v in whole.history(small.org, PERSON, "quiet")
    ]


def test_what_is_noted_of_visible_columns_is_found_by_its_value(small: SmallVault) -> None:
    head = visible(small).newest_backup(small.org)
    assert head is not None
    assert head.where(LOG, "Old", ["open 1"]).column("_u_id").to_pylist() == ["1open"]
    assert (
        head.where(LOG, "Old", ["open 1"], columns=["New"]).column("New")[0].as_py().endswith("big")
    )
    assert not len(head.where(LOG, "Old", [f"{SECRET}-1"], columns=[]))


def test_a_record_is_found_by_what_is_seen_where_a_hidden_value_matches_too() -> None:
    small = SmallVault()
    commit = small.begin("night", put=SCHEMA)
    row = person("p1", 1, Name="Alder", Mail="alder@example.com")
    added = commit.add(PERSON, [rows(row, names=CELLS)])
    commit.finish([TableCommit(PERSON, (added,))], as_of=START)
    (hit,) = visible(small).search(small.org, "alder")
    assert (hit.column, hit.value, hit.label) == ("Name", "Alder", "Alder")
    assert not visible(small).search(small.org, "alder@example")


def test_many_hidden_values_that_match_do_not_keep_a_record_from_being_found() -> None:
    small = SmallVault()
    commit = small.begin("night", put=SCHEMA)
    many = [person(f"a{n:03}", 1, Name="Alder") for n in range(50)]
    row = person("z", 1, Mail="alder@example.com")
    added = commit.add(PERSON, [rows(*many, row, names=CELLS)])
    commit.finish([TableCommit(PERSON, (added,))], as_of=START)
    vault = visible(small, hidden_columns([(PERSON, "Name")]))
    for word in ("alder", "ald"):
        assert [hit.record for hit in vault.search(small.org, word, limit=1)] == ["z"]


def test_a_hidden_name_labels_nothing() -> None:
    small = plain()
    (hit,) = visible(small, hidden_columns([(PERSON, "Name")])).search(small.org, "p1")
    assert hit.label == ""


def test_values_of_a_log_whose_field_is_hidden_are_all_hidden(small: SmallVault) -> None:
    hidden = hidden_columns([(LOG, "Field"), (PERSON, "Mail")])
    head = visible(small, hidden).newest_backup(small.org)
    assert head is not None
    for row in batches(head.scan(LOG)):
        assert (row["Old"], row["New"]) == (None, None)
        assert row["Person"] == "p1"


def test_a_log_that_cannot_be_looked_up_is_not_described() -> None:
    small = plain()
    hidden = hidden_columns([(LOG, "Person")])
    head = visible(small, hidden).newest_backup(small.org)
    assert head is not None
    described = head.schema().table(PERSON)
    assert described is not None
    assert described.change_log is None
    assert described.columns == PEOPLE.columns


def test_properties_of_a_file_are_hidden_with_their_columns() -> None:
    small = plain()
    head = visible(small).newest_backup(small.org)
    assert head is not None
    (scan,) = head.files(PERSON, ["p1"])
    assert (scan.column, scan.name, scan.media_type) == ("Scan", "", "")
    other = visible(small, hidden_columns([(PERSON, "Mail")])).newest_backup(small.org)
    assert other is not None
    assert {file.column: file.name for file in other.files(PERSON, ["p1"])} == {
        "Photo": f"{SECRET}.png",
        "Scan": f"{SECRET}.png",
    }


def test_every_column_can_be_hidden() -> None:
    small = plain()
    hidden = hidden_columns((PERSON, one.name) for one in PEOPLE.columns)
    vault = visible(small, hidden)
    head = vault.newest_backup(small.org)
    assert head is not None
    assert head.columns(PERSON) == ()
    assert {row["_u_id"] for row in batches(head.scan(PERSON))} == {"p1", "p2", "quiet"}
    assert [dict(version.cells) for version in vault.history(small.org, PERSON, "p1")] == [{}, {}]


def test_other_orgs_are_whole() -> None:
    small = plain()
    vault = small.vault.visible({"another": HIDDEN})
    assert vault.history(small.org, PERSON, "p1") == small.vault.history(small.org, PERSON, "p1")


def test_hidden_columns_are_not_read_from_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that does not exist cannot leak, and costs nothing."""
    small = plain()
    read: set[str] = set()
    for name in ("read", "read_keys", "read_group"):
        whole = getattr(SegmentReader, name)

        def spied(self: Any, entry: Any, *, whole: Any = whole, **options: Any) -> pa.Table:
            if entry.table == PERSON:
                read.update(options["columns"])
            return whole(self, entry, **options)

        monkeypatch.setattr(SegmentReader, name, spied)
    known = small.vault.org_vault(small.org).schemas.known(manifest_schema(small), PERSON)
    codes = {name: f"c{column.code}" for name, column in known.items()}
    told(visible(small).newest_backup(small.org))
    visible(small).history(small.org, PERSON, "p1")
    stored = {name for name, code in codes.items() if code in read}
    assert stored == {"Name", "Open"}
    told(small.vault.newest_backup(small.org))
    assert {name for name, code in codes.items() if code in read} == set(CELLS)


def manifest_schema(small: SmallVault) -> str:
    head = small.vault.newest_backup(small.org)
    assert head is not None
    return head.manifest.schema


def test_a_salvage_is_shown_without_its_sentences() -> None:
    small = plain()
    commit = small.vault.begin(small.org, run="s", kind=CommitKind.SALVAGE, identity=IDENTITY)
    commit.finish([], as_of=START)
    assert len(small.vault.past_operations(small.org, PastSalvage)) == 1
    assert [one.sentences for one in visible(small).past_operations(small.org, PastSalvage)] == [()]
