"""Rectifying: the wrong value is nowhere afterwards, the right one everywhere, all else is as it was."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

import scanner
import vaultstory
from smallvault import TABLE, SmallVault, finish, rows, schema
from sweeps import in_full
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.plan import RecordKey
from unlost.model.source.schema import ChangeLog, Column, FileColumn, Schema, Table, WireKind
from unlost.model.vault.erasure import PastErasure
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.rectification import Rectify, RightValue, check_free
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import CommitKind, TableCommit, VerifyLevel
from unlost.vault.maintenance.rectify import rectifier
from unlost.vault.maintenance.rewrite import merging, tiers
from unlost.vault.read import big_cells
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, open_vault
from vaultstory import Story

NEW = "anna@right.example"
ACCOUNT = RecordKey("Account", vaultstory.account_id(5))
NOTED = RecordKey("Account", vaultstory.account_id(57))
DELETED = RecordKey("Account", vaultstory.account_id(20))
LOST = RecordKey("Account", vaultstory.account_id(30))
ZOE = RecordKey("Contact", "003000000000003AAA")
EMAIL = "zoe.3@chocolate.example"


def wish(key: RecordKey, was: str | None = None, **values: str | None) -> Rectify:
    """What is to be corrected."""
    told = tuple(RightValue(column, value) for column, value in values.items())
    return Rectify(key, told, was, by="admin")


def pictures(story: Story, *, corrected: dict[str, dict[str, str | None]]) -> list[Any]:
    """What all nights show, with some cells of records by id as they were corrected."""

    def right(row: dict[str, Any]) -> dict[str, str | None]:
        return corrected.get(row["_u_id"], {})

    told: list[Any] = []
    for info in story.vault.snapshots(story.org):
        at = story.vault.at(story.org, info.number)
        for table in ("Account", "Contact", "Task", "ContentVersion"):
            for found in (at.scan(table).read_all(), at.scan_deleted(table).read_all()):
                if table == "Task":  # many, none of which is ever corrected
                    told.append(found)
                else:
                    told += [
                        row | {name: cell for name, cell in right(row).items() if name in row}
                        for row in found.to_pylist()
                    ]
        told.append(at.hidden())
    return told


def reopened(story: Story) -> EncryptedVault:
    """As another process finds it."""
    story.vault = open_vault(
        story.store,
        keys=story.keys,
        clock=story.clock,
        entropy=story.entropy,
        witness=story.witness,
        ledger=story.ledger,
    )
    return story.vault


def check_whole(vault: EncryptedVault) -> None:
    assert vault.verify(VerifyLevel.DEEP).damages == ()


@pytest.mark.parametrize(
    ("key", "column", "value", "gone"),
    [
        (ZOE, "Email", NEW, EMAIL),
        in_full(ZOE, "Email", None, EMAIL),
        in_full(ZOE, "Salary", "77", "'3000'"),
        in_full(ACCOUNT, "Name", "Maison Blanche", "Maison Noir 5'"),
        (ACCOUNT, "Revenue", "7.25", "5.50'"),
        (DELETED, "Customer_Number__c", "x-20", "000020'"),
        (NOTED, "Notes__c", "short", "quoted”\tand\0nul. 57"),
    ],
)
def test_the_wrong_value_is_nowhere_and_all_else_is_as_it_was(
    key: RecordKey, column: str, value: str | None, gone: str
) -> None:
    story = vaultstory.copied()
    before = pictures(story, corrected={key.record: {column: value}})
    plan = story.vault.plan(story.org, wish(key, **{column: value})).effect
    done = story.vault.apply(
        story.org, unconditional(wish(key, **{column: value})), run="rectify-1"
    )
    assert replace(done, snapshot=None, removed=0) == plan
    assert done.snapshot == 5
    assert done.removed > 0
    assert done.columns == (f"{key.table}.{column}",)
    found = [line for line in _lines(story.vault) if gone in line and key.record in line]
    assert found == []
    assert pictures(story, corrected={}) == before
    check_whole(story.vault)
    reopened(story)
    assert pictures(story, corrected={}) == before
    check_whole(story.vault)
    again = story.vault.apply(
        story.org, unconditional(wish(key, **{column: value})), run="rectify-2"
    )
    assert (again.snapshot, again.tables, again.columns) == (None, (), ())


def _lines(vault: EncryptedVault) -> list[str]:
    texts = (content.decode("utf-8", "replace") for _, content in scanner.opened(vault))
    return [
        line.replace("\\t", "\t").replace("\\x00", "\0")
        for text in texts
        for line in text.split("\n")
    ]


def test_no_byte_of_a_value_that_only_one_record_had() -> None:
    story = vaultstory.copied()
    note = "quoted”\tand\0nul. 57"
    for value in (EMAIL, note):
        assert scanner.found(story.vault, value)
    done = story.vault.apply(story.org, unconditional(wish(ZOE, Email=NEW, Name="Anna")), run="r1")
    assert done.current == ("Contact.Email", "Contact.Name")
    assert scanner.found(story.vault, EMAIL) == set()
    done = story.vault.apply(story.org, unconditional(wish(NOTED, Notes__c=None)), run="r2")
    assert done.files == 1
    assert scanner.found(story.vault, EMAIL, note) == set()
    check_whole(story.vault)


def test_search_finds_the_new_words_and_not_the_old() -> None:
    story = vaultstory.copied()
    story.vault.apply(story.org, unconditional(wish(ZOE, Email=NEW)), run="r1")

    def hits(word: str) -> list[str]:
        return [one.record for one in story.vault.search(story.org, word, limit=9)]

    assert hits(NEW) == [ZOE.record]
    assert hits(EMAIL) == []
    assert ZOE.record in hits("Zoë")


def test_only_where_it_had_the_wrong_value() -> None:
    small = SmallVault()
    for number, name in enumerate(["Anna", "Ana", "Anna", "Hanna"], start=1):
        small.night(f"n{number}", ("a", "U", {"Name": name}), ("b", "U", {"Name": "Ana"}))
    key = RecordKey(TABLE, "a")
    done = small.vault.apply(small.org, unconditional(wish(key, "Ana", Name="Anna")), run="r1")
    assert [(one.records, one.versions, one.alive) for one in done.tables] == [(1, 1, 1)]
    assert done.current == ()
    names = [one.cells["Name"] for one in small.vault.history(small.org, TABLE, "a")]
    assert sorted(names) == ["Anna", "Hanna"]  # versions that are alike now are told as one
    assert small.cells(2)["b"]["Name"] == "Ana"
    assert [small.changed(n, n + 1) for n in (1, 2, 3)] == [{}, {}, {"a": "changed"}]
    check_whole(small.vault)


def test_numbers_are_wrong_however_they_are_written() -> None:
    story = vaultstory.copied()
    done = story.vault.apply(story.org, unconditional(wish(ACCOUNT, "5.5", Revenue="6")), run="r1")
    assert sum(one.versions for one in done.tables) == 2
    done = story.vault.apply(
        story.org, unconditional(wish(LOST, "", Notes__c="now something")), run="r2"
    )
    assert done.columns == ("Account.Notes__c",)
    assert done.records == (LOST, RecordKey("Account", vaultstory.RESTORED[LOST.record]))
    check_whole(story.vault)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds so small that everything crosses them."""
    monkeypatch.setattr(merging, "GROUP_ROWS", 2)
    monkeypatch.setattr(merging, "SEGMENT_ROWS", 5)
    monkeypatch.setattr(merging, "AT_ONCE", 4)
    monkeypatch.setattr(tiers, "MIN_TIERS", 3)
    monkeypatch.setattr(big_cells, "CELL_BYTES", 100)


def differs(shown: dict[int, Any], record: str, after: int) -> bool:
    """Whether a record is another one the night after."""
    return bool(shown[after].get(record) != shown[after + 1].get(record))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("compacted", [False, True])
@pytest.mark.parametrize("was", ["wrong 3", in_full(None), in_full("wrong 3" * 30)])
def test_merged_history_and_its_index(compacted: bool, was: str | None) -> None:
    small = SmallVault()
    ids = [f"{n:02d}" for n in range(12)]
    wrong = was or "wrong 3"
    small.night("n1", *((i, "U", {"Name": f"Jo {i}"}) for i in ids))
    for number in range(2, 11):
        changed = [(i, "U", {"Name": f"Jo {number}"}) for i in ids[number % 4 :: 4]]
        bad = [(ids[0], "U", {"Name": wrong if number % 3 == 0 else f"fine {number}"})]
        small.night(f"n{number}", *changed[1:], *bad, (ids[number], "M", None))
    if compacted:
        small.vault.compact(small.org, run="c1")
    shown = {n: small.cells(n) for n in range(1, 11)}
    for cells in shown.values():
        if was is None or cells[ids[0]]["Name"] == was:
            cells[ids[0]] = {**cells[ids[0]], "Name": "right"}
    differing = [
        {i: kind for i, kind in small.changed(n, n + 1).items() if n == 0 or differs(shown, i, n)}
        for n in range(10)
    ]
    key = RecordKey(TABLE, ids[0])
    small.vault.apply(small.org, unconditional(wish(key, was, Name="right")), run="r1")
    assert {n: small.cells(n) for n in range(1, 11)} == shown
    assert [small.changed(n, n + 1) for n in range(10)] == differing
    assert scanner.found(small.vault, wrong) == set()
    check_whole(small.vault)
    small.reopen()
    small.vault.compact(small.org, run="c2")
    assert {n: small.cells(n) for n in range(1, 11)} == shown
    assert [small.changed(n, n + 1) for n in range(10)] == differing
    check_whole(small.vault)
    small.night("n20", (ids[0], "U", {"Name": "right"}))
    last = small.vault.commits(small.org)[-1].number
    assert small.changed(10, last) == ({} if was is None else {ids[0]: "changed"})


@pytest.mark.usefixtures("tiny")
def test_a_long_text_that_another_version_or_record_has_stays() -> None:
    small = SmallVault()
    long = "long text " * 20
    small.night("n1", ("a", "U", {"Name": long}), ("b", "U", {"Name": long}))
    done = small.vault.apply(
        small.org, unconditional(wish(RecordKey(TABLE, "a"), Name="x")), run="r1"
    )
    assert done.files == 0
    assert small.cells(1)["b"]["Name"] == long
    check_whole(small.vault)


@pytest.mark.usefixtures("tiny")
def test_versions_of_several_shapes_and_columns_that_some_do_not_have() -> None:
    small = SmallVault()
    shapes = [("Name", "Phone"), ("Name", "Phone", "Text"), ("Name", "Phone"), ("Name", "Text")]
    for number, names in enumerate(shapes, start=1):
        commit = small.begin(f"n{number}", put=schema(*names, fingerprint=str(number)))
        cells = {"Name": "Ana" if number == 3 else f"Anna {number}", "Phone": "1", "Text": "t"}
        told = rows(("a", "U", {name: cells[name] for name in names}), names=names)
        finish(commit, commit.add(TABLE, [told]))
    small.vault.compact(small.org, run="c1")
    key = RecordKey(TABLE, "a")
    done = small.vault.apply(small.org, unconditional(wish(key, Text="x", Name="Anna")), run="r1")
    assert sum(one.versions for one in done.tables) == 4
    told = [
        (one.snapshot, one.cells.get("Text", "-"), one.cells.get("Phone", "-"))
        for one in small.vault.history(small.org, TABLE, "a")
    ]
    assert told == [(1, "-", "1"), (2, "x", "1"), (3, "-", "1"), (4, "x", "-")]
    assert [small.changed(n, n + 1) for n in (1, 2, 3)] == [{"a": "changed"}] * 3
    assert scanner.found(small.vault, "Ana'") == set()
    check_whole(small.vault)


def test_what_the_org_itself_tells_of_the_column_is_corrected_too() -> None:
    log = ChangeLog("Thing", "Text", "Name", "Phone", "Seen", "Amount", "Amount")
    other = Table(
        "Person",
        (Column("Name", WireKind.TEXT), Column("Age", WireKind.INTEGER)),
        name_column="Name",
        change_log=log,
    )
    small = SmallVault()
    commit = small.begin("n1", put=Schema((*schema().tables, other), "f"))
    lines = [
        ("l1", "U", {"Text": "p", "Name": "Age", "Phone": "7", "Seen": "8"}),
        ("l2", "U", {"Text": "p", "Name": "Name", "Phone": "7", "Seen": "8"}),
        ("l3", "U", {"Text": "q", "Name": "Age", "Phone": "7", "Seen": "8"}),
        ("l4", "P", None),
    ]
    person = rows(("p", "U", {"Name": "Anna", "Age": "07"}), names=("Name", "Age"))
    added = commit.add("Person", [person]), commit.add(TABLE, [rows(*lines)])
    parts = [TableCommit(name, (one,)) for name, one in zip(("Person", TABLE), added, strict=True)]
    commit.finish(parts, as_of=small.clock.now())
    done = small.vault.apply(
        small.org, unconditional(wish(RecordKey("Person", "p"), "7", Age="9")), run="r1"
    )
    assert done.columns == ("Person.Age", "Thing.Phone")
    assert done.records == (RecordKey("Person", "p"),)
    told = {key: (one["Phone"], one["Seen"]) for key, one in small.cells(1).items()}
    assert told == {"l1": ("9", "8"), "l2": ("7", "8"), "l3": ("7", "8")}
    check_whole(small.vault)


def test_documents_that_tell_of_the_value() -> None:
    story = vaultstory.copied()
    for run, detail in (("n5", f"{ZOE.record}: {EMAIL}"), ("n6", f"{ZOE.record} only")):
        commit = story.vault.begin(
            story.org, run=run, kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
        )
        finding = Finding(FindingKind.FILE_UNREADABLE, Severity.GAP, "No.", detail=detail)
        commit.put_certificate(replace(vaultstory.certificate(story, run), findings=(finding,)))
        vaultstory.finish(story, commit, [])
    commit = story.vault.begin(
        story.org, run="back", kind=CommitKind.RESTORE, identity=vaultstory.IDENTITY
    )
    story.vault.journal(story.org, "back").append(f'["{ZOE.record}", "{EMAIL}"]'.encode())
    vaultstory.finish(story, commit, [])
    done = story.vault.apply(story.org, unconditional(wish(ZOE, Email=NEW)), run="r1")
    assert (done.journals, done.certificates) == (("back",), 1)
    assert scanner.found(story.vault, EMAIL) == set()
    details = [
        story.vault.at(story.org, number).certificate().findings[0].detail for number in (5, 6)
    ]
    assert details == ["", f"{ZOE.record} only"]
    (told,) = story.vault.past_operations(story.org, PastErasure)
    assert (told.proof.run, told.proof.by, told.proof.journals) == ("r1", "admin", 1)
    assert (told.proof.columns, told.proof.listed, told.complete) == (("Contact.Email",), 0, True)
    check_whole(story.vault)


@pytest.mark.parametrize(
    ("wished", "code"),
    [
        (wish(RecordKey("Contact", "never"), Email="x"), "record-unknown"),
        (wish(RecordKey("Nothing", "never"), Email="x"), "column-unknown"),
        (wish(ZOE, Nothing="x"), "column-unknown"),
        (
            wish(RecordKey("ContentVersion", "068000000000001AAA"), VersionData="x"),
            "column-unknown",
        ),
        (wish(ZOE), "rectify-unclear"),
        (wish(ZOE, Id="x"), "rectify-fixed"),
        (Rectify(ZOE, (RightValue("Email", "x"),) * 2), "rectify-unclear"),
        (wish(ZOE, "old", Email="x", Name="y"), "rectify-unclear"),
        (wish(ZOE, Email="x" * 70_000), "rectify-too-long"),
        (wish(RecordKey("$search", "x"), Email="x"), "table-unknown"),
    ],
)
def test_what_cannot_be_corrected(wished: Rectify, code: str) -> None:
    story = vaultstory.copied()
    for call in (
        lambda: story.vault.plan(story.org, wished).effect,
        lambda: story.vault.apply(story.org, unconditional(wished), run="r1"),
    ):
        with pytest.raises((NotFound, UsageError)) as caught:
            call()
        assert caught.value.code == code
    assert len(story.vault.commits(story.org)) == 4


@pytest.mark.parametrize(
    ("column", "free"),
    [
        ("Id", False),
        ("At", False),
        ("By", False),
        ("Title", False),
        ("Kind", False),
        ("Name", True),
    ],
)
def test_columns_that_are_kept_elsewhere_too_are_fixed(column: str, free: bool) -> None:
    table = Table(
        "File",
        tuple(Column(name, WireKind.TEXT) for name in ("Id", "At", "By", "Title", "Kind", "Name")),
        modified_column="At",
        modified_by_column="By",
        files=(FileColumn("Body", name_column="Title", type_column="Kind"),),
    )
    wished = wish(RecordKey("File", "f"), **{column: "x"})
    if free:
        check_free(table, wished)
        return
    with pytest.raises(UsageError) as caught:
        check_free(table, wished)
    assert caught.value.code == "rectify-fixed"


def test_an_empty_org_has_nothing_to_correct() -> None:
    story = vaultstory.found(MemoryStore())
    with pytest.raises(NotFound):
        story.vault.plan(story.org, wish(ZOE, Email="x"))


def test_holds_and_open_runs_stand_in_the_way() -> None:
    story = vaultstory.copied()
    thing = HoldTarget(HoldScope.RECORD, "Contact", ZOE.record)
    story.vault.change_holds(story.org, placed=(Hold(thing),), run="hold-1")
    with pytest.raises(Conflict) as caught:
        story.vault.apply(story.org, unconditional(wish(ZOE, Email=NEW)), run="r1")
    assert caught.value.code == "rectify-held"
    story.vault.change_holds(story.org, lifted=(thing,), run="hold-2")
    commit = story.vault.begin(
        story.org, run="night-5", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    with pytest.raises(Conflict) as caught:
        story.vault.apply(story.org, unconditional(wish(ZOE, Email=NEW)), run="r1")
    assert caught.value.code == "runs-open"
    commit.abandon()
    with pytest.raises(ZeroDivisionError):
        story.vault.apply(
            story.org,
            unconditional(wish(ZOE, Email=NEW)),
            run="r1",
            before_write=lambda _: divmod(1, 0),
        )
    assert (
        story.vault.apply(story.org, unconditional(wish(ZOE, Email=NEW)), run="r2").snapshot
        is not None
    )


def test_a_failure_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    story = vaultstory.copied()
    before = {one.name for one in story.store.list("")}

    def fails(*_: object) -> Sequence[object]:
        raise ZeroDivisionError

    monkeypatch.setattr(rectifier._Rectifying, "_commit_written", fails)
    with pytest.raises(ZeroDivisionError):
        story.vault.apply(story.org, unconditional(wish(NOTED, Notes__c="x")), run="r1")
    assert {one.name for one in story.store.list("")} == before
    assert scanner.found(story.vault, EMAIL)


def test_a_backup_that_began_before_does_not_commit() -> None:
    story = vaultstory.copied()
    commit = story.vault.begin(
        story.org, run="night-5", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    other = reopened(story)
    intents = [one.name for one in story.store.list("") if "/runs/" in one.name]
    kept = {name: story.store.get(name) for name in intents}
    for name in intents:
        story.store.delete(name)
    other.apply(story.org, unconditional(wish(ZOE, Email=NEW)), run="r1")
    for name, data in kept.items():
        story.store.put_new(name, data)
    added = commit.add("Contact", [story.rows(vaultstory.contacts(4))])
    with pytest.raises(Conflict) as caught:
        vaultstory.finish(story, commit, [added])
    assert caught.value.code == "forgotten-meanwhile"
    assert scanner.found(other, EMAIL) == set()


@pytest.mark.parametrize("compacted", [False, True])
def test_a_version_beside_another_run_s_is_still_compared_with_it(
    monkeypatch: pytest.MonkeyPatch, compacted: bool
) -> None:
    """A run that another one overtook does not know what its versions replaced."""
    small = SmallVault()
    mine, rival = small.begin("mine"), small.begin("rival")
    added = mine.add(TABLE, [rows(("a", "U", {"Name": "Anna"}), ("b", "U", {"Name": "Bert"}))])
    piece = rival.add(TABLE, [rows(("a", "U", {"Name": "Ann"}), ("b", "U", {"Name": "Bert"}))])
    finish(rival, piece)
    finish(mine, added)
    if compacted:
        monkeypatch.setattr(merging, "GROUP_ROWS", 1)
        small.vault.compact(small.org, run="compact-1")
    assert small.changed(1, 2) == {"a": "changed"}
    for record in ("a", "b"):
        right = wish(RecordKey(TABLE, record), Name="Anna!")
        small.vault.apply(small.org, unconditional(right), run=f"rectify-{record}")
    assert small.changed(1, 2) == {}, "both versions have what was corrected"
    small.vault.apply(
        small.org, unconditional(wish(RecordKey(TABLE, "a"), Amount="7")), run="rectify-c"
    )
    assert small.changed(0, 2) == {"a": "created", "b": "created"}
    assert small.changed(1, 4) == {}
