"""What a run leaves beside rows: certificates, schemas, files, and the notes of an open run."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO

import msgspec
import pytest

from smallvault import COLUMNS, IDENTITY, TABLE, SmallVault, finish, rows, schema
from unlost.model.errors import Conflict, NotFound, SourceRefused
from unlost.model.finding import FindingKind
from unlost.model.ports.vault import IncomingFile
from unlost.model.source.reading import FileRef
from unlost.model.source.schema import Column, FileColumn, Schema, Table, WireKind
from unlost.model.vault.certificate import Certificate, Verdict
from unlost.model.vault.snapshot import CommitKind, TableCommit
from unlost.testing.clock import START
from unlost.vault.format.manifest import Manifest
from unlost.vault.layout import object_names
from unlost.vault.layout.parallel import spread, threads

A = {"Name": "Anna"}
NOW = datetime(2026, 3, 2, tzinfo=UTC)
WITH_FILES = Schema(
    (
        Table(
            TABLE,
            (COLUMNS["Name"], Column("Body", WireKind.BINARY)),
            files=(FileColumn("Body"),),
        ),
    ),
    "f",
)


@pytest.fixture
def small() -> SmallVault:
    return SmallVault()


def certificate(sentence: str) -> Certificate:
    return Certificate(IDENTITY, "r1", NOW, NOW, NOW, (), (), (), Verdict.COMPLETE, sentence)


def test_a_certificate_is_part_of_the_snapshot(small: SmallVault) -> None:
    commit = small.begin("r1")
    commit.put_certificate(certificate("first try"))
    commit.put_certificate(certificate("second try"))
    info = finish(commit)
    assert info.certificate is not None
    found = small.reopen().at(small.org, 1).certificate()
    assert found == certificate("second try")
    finish(small.begin("r2"))
    assert small.vault.at(small.org, 2).certificate() is None


def test_a_certificate_of_another_process_is_found(small: SmallVault) -> None:
    small.begin("r1").put_certificate(certificate("before the crash"))
    small.reopen()
    finish(small.begin("r1"))
    found = small.vault.at(small.org, 1).certificate()
    assert found is not None
    assert found.sentence == "before the crash"


def test_the_schema_of_a_run_is_known_to_the_next_process(small: SmallVault) -> None:
    small.begin("r1", put=schema("Name"))
    small.reopen()
    again = small.vault.begin(small.org, run="r1", kind=CommitKind.BACKUP, identity=IDENTITY)
    finish(again, again.add(TABLE, [rows(("a", "U", A), names=["Name"])]))
    assert small.vault.at(small.org, 1).schema() == schema("Name")


def test_a_run_that_puts_no_schema_goes_on_with_the_last(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A))
    commit = small.vault.begin(small.org, run="r2", kind=CommitKind.BACKUP, identity=IDENTITY)
    finish(commit, commit.add(TABLE, [rows(("b", "U", A))]))
    assert small.vault.at(small.org, 2).schema() == schema()
    assert len(small.vault.org_vault(small.org).chain.live().objects) == 1


def test_a_schema_is_stored_once_and_columns_keep_their_numbers(small: SmallVault) -> None:
    idents = []
    for number, names in enumerate((("Name", "Phone"), ("Phone", "Amount"), ("Name", "Phone"))):
        commit = small.begin(f"r{number}", put=schema(*names))
        idents.append(commit.put_schema(schema(*names)))
        finish(commit)
    org_vault = small.vault.org_vault(small.org)
    codes = [{n: c.code for n, c in org_vault.schemas.known(i, TABLE).items()} for i in idents]
    assert codes[0] == {"Name": 1, "Phone": 2}
    assert codes[1] == codes[2] == {"Name": 1, "Phone": 2, "Amount": 3}
    assert idents[0] != idents[2]
    stored = list(small.store.list(f"orgs/{small.org}/schemas/"))
    assert len(stored) == 3
    again = small.begin("r9", put=schema("Name", "Phone"))
    assert again.put_schema(schema("Name", "Phone")) == idents[2]


def test_a_hidden_column_gets_a_number_before_it_is_ever_seen(small: SmallVault) -> None:
    commit = small.begin("r1", put=schema("Name", hidden=["Phone"]))
    finish(commit, commit.add(TABLE, [rows(("a", "U", A), names=["Name"])], carry=["Phone"]))
    assert small.cells(1) == {"a": {"Name": "Anna", "Phone": None}}


# --- files ----------------------------------------------------------------------------------------


def incoming(record: str, body: bytes, *, fails: bool = False) -> IncomingFile:
    @contextmanager
    def open_body() -> Iterator[BinaryIO]:
        if fails:
            raise SourceRefused("no", "The source will not give it.")
        yield io.BytesIO(body)

    return IncomingFile(FileRef(TABLE, record, "Body", size=len(body), name="x.txt"), open_body)


def test_files(small: SmallVault) -> None:
    commit = small.begin("r1", put=WITH_FILES)
    added = commit.add(TABLE, [rows(("a", "U", A), ("b", "U", A), names=["Name"])])
    files = commit.add_files([incoming("a", b"one"), incoming("b", b"two"), incoming("c", b"one")])
    assert (files.files, files.file_bytes) == (3, 9)
    finish(commit, added, files)
    found = small.vault.at(small.org, 1).files(TABLE, ["a", "b", "c", "nobody"])
    assert [(f.record, f.column, f.size, f.name, f.since) for f in found] == [
        ("a", "Body", 3, "x.txt", 1),
        ("b", "Body", 3, "x.txt", 1),
        ("c", "Body", 3, "x.txt", 1),
    ]
    assert found[0].blob == found[2].blob
    with small.reopen().open_file(small.org, found[1].blob) as stream:
        assert stream.read() == b"two"
    with pytest.raises(NotFound) as caught:
        small.vault.open_file(small.org, "ab" * 32)
    assert caught.value.code == "file-unknown"
    assert small.vault.at(small.org, 1).columns(TABLE) == ("Name",)


def test_a_file_again_needs_no_room_and_changes_nothing(small: SmallVault) -> None:
    for run in ("r1", "r2"):
        commit = small.begin(run, put=WITH_FILES)
        files = commit.add_files([incoming("a", b"one")])
        finish(commit, files)
    assert files.packs == ()
    assert files.segments == ()
    assert small.vault.at(small.org, 2).files(TABLE, ["a"])[0].since == 1


def test_files_of_a_table_that_is_gone(small: SmallVault) -> None:
    commit = small.begin("r1", put=WITH_FILES)
    finish(commit, commit.add_files([incoming("a", b"one")]))
    later = small.begin("r2", put=Schema((), "f"))
    later.finish([], as_of=START)
    assert [f.size for f in small.vault.at(small.org, 2).files(TABLE, ["a"])] == [3]


def test_a_file_that_cannot_be_read_is_a_finding(small: SmallVault) -> None:
    commit = small.begin("r1", put=WITH_FILES)
    files = commit.add_files([incoming("a", b"one", fails=True), incoming("b", b"two")])
    assert [finding.kind for finding in files.findings] == [FindingKind.FILE_UNREADABLE]
    finish(commit, files)
    assert [f.record for f in small.vault.at(small.org, 1).files(TABLE, ["a", "b"])] == ["b"]


def test_what_is_stored_already_is_named_by_its_pack(small: SmallVault) -> None:
    """Files and long cells, whoever brings the same content again."""
    long = "x" * 70_000
    shape = Schema(
        (
            Table(
                TABLE,
                (COLUMNS["Name"], COLUMNS["Text"], Column("Body", WireKind.BINARY)),
                files=(FileColumn("Body"),),
            ),
        ),
        "f",
    )

    def night(run: str, record: str) -> Manifest:
        commit = small.begin(run, put=shape)
        cells = {"Name": record, "Text": long}
        added = commit.add(TABLE, [rows((record, "U", cells), names=["Name", "Text"])])
        finish(commit, added, commit.add_files([incoming(record, b"one")]))
        chain = small.vault.org_vault(small.org).chain
        return chain.manifest(chain.live().seq)[0]

    first, second = night("r1", "a"), night("r2", "b")
    assert first.reuses == second.packs == ()
    assert second.reuses == tuple(sorted(pack.id for pack in first.packs))
    assert len(second.reuses) == 2


def test_a_pack_that_was_removed_meanwhile_is_not_referred_to(small: SmallVault) -> None:
    small.night("r1", ("a", "U", {"Text": "x" * 70_000}))
    commit = small.begin("r2")
    added = commit.add(TABLE, [rows(("b", "U", {"Text": "x" * 70_000}))])
    assert len(added.reuses) == 1
    small.vault.org_vault(small.org).chain.live().packs.clear()
    with pytest.raises(Conflict) as refused:
        finish(commit, added)
    assert refused.value.code == "pack-removed"
    assert [info.run for info in small.reopen().snapshots(small.org)] == ["r1"]


def test_counts_of_files_stand_with_their_table(small: SmallVault) -> None:
    commit = small.begin("r1", put=WITH_FILES)
    added = commit.add_files([incoming("a", b"one")])
    commit.finish([TableCommit(TABLE, (added,))], as_of=START)
    manifest, _ = small.vault.org_vault(small.org).chain.manifest(1)
    part = next(part for part in manifest.tables if part.table == TABLE)
    assert (part.files, part.file_bytes) == (1, 3)


# --- the rest -------------------------------------------------------------------------------------


def test_the_live_root_proves_every_object(small: SmallVault) -> None:
    from unlost.vault.commits.state import live_objects, live_root

    small.night("r1", ("a", "U", A | {"Text": "x" * 70_000}))
    small.night("r2", *((f"{n:05d}", "U", A) for n in range(5000)))
    org_vault = small.vault.org_vault(small.org)
    state = org_vault.chain.live()
    objects = list(live_objects(state, org=small.org))
    kinds = {entry.name.split("/")[2] for entry in objects}
    assert kinds == {"data", "packs", "schemas"}
    assert any(entry.name.endswith(".idx") for entry in objects)
    for entry in objects:
        assert small.store.size(entry.name) == entry.bytes
    manifest, _ = org_vault.chain.manifest(2)
    assert manifest.live_root == live_root(state, org=small.org)
    name, entry = next(iter(state.objects.items()))
    other = state.copy()
    other.objects[name] = msgspec.structs.replace(entry, blake3="00" * 32)
    assert manifest.live_root != live_root(other, org=small.org)
    del other.objects[name]
    assert manifest.live_root != live_root(other, org=small.org)


def test_removed_segments_are_not_live_any_more() -> None:
    from unlost.model.vault.snapshot import SegmentEntry
    from unlost.vault.commits.state import LiveState
    from unlost.vault.format.manifest import TablePart

    state = LiveState()
    entry = SegmentEntry("aa", TABLE, 1, 1, "", "a", "a", 1)
    state._apply_part(TablePart(TABLE, segments=(entry, replace(entry, id="bb"))), seq=1)
    assert [live.precedence for live in state.of(TABLE, until=1)] == [(1, 0), (1, 1)]
    state._apply_part(TablePart(TABLE, removed=("aa",)), seq=2)
    assert [live.entry.id for live in state.of(TABLE, until=9)] == ["bb"]
    assert state.of(TABLE, until=0) == []
    assert state.tables(until=1) == [TABLE]


def test_names_of_objects() -> None:
    org = "ab" * 16
    assert object_names.commit(org, 7) == f"orgs/{org}/commits/00000000000000000007"
    assert object_names.sequence(object_names.commit(org, 7)) == 7
    assert object_names.sidecar(org, "0123") == f"orgs/{org}/data/01/0123.idx"
    assert object_names.pack(org, "0123") == f"orgs/{org}/packs/01/0123"
    assert object_names.note(org, "r", 2) == f"orgs/{org}/runs/r.0002"


def test_reading_in_parallel_keeps_the_order_and_stops_at_an_error() -> None:
    assert list(spread(lambda n: n * n, range(100))) == [n * n for n in range(100)]
    assert list(spread(str, ())) == []
    assert threads() >= 1
    done: list[int] = []

    def work(number: int) -> int:
        done.append(number)
        if number == 3:
            raise ValueError(number)
        return number

    with pytest.raises(ValueError, match="3"):
        list(spread(work, range(1000)))
    assert len(done) < 100


def test_a_finished_run_begun_again_writes_no_intent(small: SmallVault) -> None:
    small.night("r1", ("a", "U", A))
    again = small.begin("r1")
    assert again.finish([TableCommit(TABLE)], as_of=START).number == 1
    assert list(small.store.list(f"orgs/{small.org}/runs/")) == []
