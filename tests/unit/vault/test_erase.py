"""Erasing: no byte of it is left anywhere, everything else is as it was, and it does not come back."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import scanner
import vaultstory
from smallvault import TABLE, SmallVault, finish, rows
from sweeps import in_full
from unlost.model.errors import Conflict, IntegrityError, StoreError, UsageError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import IncomingFile
from unlost.model.vault.erasure import Erase, MatchColumn, PastErasure
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, Hold, HoldScope, HoldTarget, KeepRules
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.vault.format.sealed import HEADER_BYTES, KIB256, SealedHeader
from unlost.vault.layout import object_names
from unlost.vault.maintenance import compactor
from unlost.vault.maintenance.erase import erase_commit, eraser
from unlost.vault.maintenance.erase.packs import content_bytes
from unlost.vault.maintenance.erase.redact import put_redaction
from unlost.vault.maintenance.rewrite import merging, tiers
from unlost.vault.read import big_cells
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, open_vault
from vaultstory import Story

ZOE = RecordKey("Contact", "003000000000003AAA")
EMAIL = "zoe.3@chocolate.example"
PRICES = RecordKey("ContentVersion", "068000000000003AAA")
MENU = RecordKey("ContentVersion", "068000000000001AAA")
NOTED = RecordKey("Account", vaultstory.account_id(57))
LOST = RecordKey("Account", vaultstory.account_id(30))
CHILD = RecordKey("Contact", "003000000000030AAA")  # it refers to the one that was lost
BACK = RecordKey("Account", vaultstory.RESTORED[LOST.record])


def wish(*records: RecordKey, match: Sequence[MatchColumn] = ()) -> Erase:
    return Erase(records, tuple(match), by="admin")


def thing(record: str) -> RecordKey:
    return RecordKey(TABLE, record)


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


def pictures(story: Story, *, without: Sequence[RecordKey] = ()) -> list[Any]:
    """What all nights show, but for some records."""
    gone = {key.record for key in without}
    told: list[Any] = []
    for info in story.vault.snapshots(story.org):
        at = story.vault.at(story.org, info.number)
        for table in ("Account", "Contact", "Task", "ContentVersion"):
            for shown in (at.scan(table).read_all(), at.scan_deleted(table).read_all()):
                erased = pc.is_in(shown.column("_u_id"), value_set=pa.array(gone, pa.string()))
                told.append(shown.filter(pc.invert(erased)))
        ids = [f"06800000000000{n}AAA" for n in range(1, 5)]
        files = at.files("ContentVersion", [one for one in ids if one not in gone])
        told += [story.vault.read_files(story.org, [one.blob]) for one in files]
        told.append([one for one in at.hidden() if one.record not in gone])
    return told


def check_whole(vault: EncryptedVault) -> None:
    assert vault.verify(VerifyLevel.DEEP).damages == ()


@pytest.mark.parametrize(
    ("records", "values"),
    [
        ([ZOE], [ZOE.record, EMAIL, "Ånström 3'"]),
        in_full([PRICES], [PRICES.record, "Prix spécial", "a new menu", "new.txt"]),
        in_full([NOTED], [NOTED.record, f"{vaultstory.NOTE[:40]}", "000057"]),
        in_full([MENU, PRICES], [MENU.record, PRICES.record]),
        ([LOST, CHILD, ZOE], [LOST.record, BACK.record, EMAIL]),
    ],
    ids=["words", "file", "long text", "shared content", "came back"],
)
def test_no_byte_is_left_and_all_else_is_as_it_was(
    records: list[RecordKey], values: list[str]
) -> None:
    story = vaultstory.copied()
    gone = [*records, BACK] if LOST in records else records
    before = pictures(story, without=gone)
    if NOTED in records:  # all notes begin alike: only this one's end tells it
        values = [NOTED.record, "quoted”\tand\0nul. 57"]
    assert all(scanner.found(story.vault, value) for value in values if value != "Ånström 3'")
    plan = story.vault.plan(story.org, wish(*records)).effect
    done = story.vault.apply(story.org, unconditional(wish(*records)), run="erase-1")
    assert replace(done, snapshot=None, removed=0) == plan
    assert set(done.records) == set(gone)
    assert done.snapshot == 5
    assert done.removed > 0
    assert scanner.found(story.vault, *values) == set()
    assert pictures(story) == before
    check_whole(story.vault)
    assert pictures(Story(**_told(story, reopened(story)))) == before
    check_whole(story.vault)
    for key in gone:
        assert list(story.vault.history(story.org, key.table, key.record)) == []


def _told(story: Story, vault: EncryptedVault) -> dict[str, Any]:
    return {name: getattr(story, name) for name in Story.__slots__} | {"vault": vault}


def test_what_is_told_of_it() -> None:
    story = vaultstory.copied()
    match = MatchColumn("Contact", "Email")
    unknown = RecordKey("Contact", "never")
    done = story.vault.apply(
        story.org, unconditional(wish(ZOE, PRICES, unknown, match=[match])), run="erase-1"
    )
    told = [(one.table, one.records, one.versions, one.alive) for one in done.tables]
    assert told == [("Contact", 1, 1, 1), ("ContentVersion", 1, 1, 1)]
    assert done.unknown == (unknown,)
    assert (done.values, done.files, done.journals, done.certificates) == (1, 2, (), 0)
    (one,) = story.vault.past_operations(story.org, PastErasure)
    assert (one.snapshot, one.complete, one.proof.by) == (5, True, "admin")
    assert (one.proof.run, one.proof.tables, one.proof.files) == ("erase-1", done.tables, 2)
    assert len(one.pseudonyms) == one.proof.listed == 4
    assert scanner.found(story.vault, "never") == set()
    assert str(match) == "Contact.Email"


def test_counts_of_tables_are_those_of_what_is_left() -> None:
    small = SmallVault()
    small.night("n1", *((i, "U", {"Name": i}) for i in "abcd"))
    small.night("n2", ("a", "M", None))
    small.vault.apply(small.org, unconditional(wish(thing("a"), thing("b"))), run="e1")
    small.night("n3", ("c", "U", {"Name": "new"}))
    head = small.vault.newest_backup(small.org)
    assert head is not None
    assert (head.tables()[TABLE].alive, head.tables()[TABLE].deleted) == (2, 0)
    check_whole(small.vault)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds so small that everything crosses them."""
    monkeypatch.setattr(merging, "GROUP_ROWS", 2)
    monkeypatch.setattr(merging, "SEGMENT_ROWS", 5)
    monkeypatch.setattr(merging, "AT_ONCE", 4)
    monkeypatch.setattr(tiers, "MIN_TIERS", 3)
    monkeypatch.setattr(big_cells, "CELL_BYTES", 100)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("compacted", [False, True])
def test_merged_history_and_its_index(compacted: bool) -> None:
    small = SmallVault()
    ids = [f"{n:02d}" for n in range(12)]
    small.night("n1", *((i, "U", {"Name": f"Jo {i}"}) for i in ids))
    for number in range(2, 11):
        changed = [(i, "U", {"Name": f"Jo {number}"}) for i in ids[number % 4 :: 4]]
        small.night(f"n{number}", *changed, (ids[number], "M", None))
    if compacted:
        small.vault.compact(small.org, run="c1")
    gone = [thing(ids[3]), thing(ids[10])]
    shown = {n: small.cells(n) for n in range(1, 11)}
    for cells in shown.values():
        for key in gone:
            cells.pop(key.record, None)
    changes = [small.changed(n, n + 1) for n in range(10)]
    small.vault.apply(small.org, unconditional(wish(*gone)), run="e1")
    left = [{i: c for i, c in one.items() if i not in (ids[3], ids[10])} for one in changes]
    assert {n: small.cells(n) for n in range(1, 11)} == shown
    assert [small.changed(n, n + 1) for n in range(10)] == left
    check_whole(small.vault)
    small.reopen()
    assert [small.changed(n, n + 1) for n in range(10)] == left
    small.vault.compact(small.org, run="c2")
    assert {n: small.cells(n) for n in range(1, 11)} == shown
    check_whole(small.vault)


@pytest.mark.usefixtures("tiny")
def test_where_the_first_commit_goes_the_index_tells_nothing_of_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = SmallVault()
    small.night("n1", ("a", "U", {"Name": "Anna"}))
    for number in range(2, 6):
        small.night(f"n{number}", ("b", "U", {"Name": f"Ben {number}"}), (f"c{number}", "U", None))
    monkeypatch.setattr(compactor, "due", lambda found, **_: [found[1:]] if found[2:] else [])
    small.vault.compact(small.org, run="c1")
    check_whole(small.vault)
    small.vault.apply(small.org, unconditional(wish(thing("a"))), run="e1")
    check_whole(small.vault)
    assert small.changed(2, 3) == {"b": "changed", "c3": "created"}


def test_only_segments_that_hold_it_are_written_again() -> None:
    small = SmallVault()
    commit = small.begin("n1")
    added = [commit.add(TABLE, [rows((i, "U", {"Name": f"Jo {i}"}))]) for i in "abcdef"]
    finish(commit, *added)
    before = small.vault.org_vault(small.org).chain.live().segments[TABLE].keys()
    kept = set(before)
    small.vault.apply(small.org, unconditional(wish(thing("c"))), run="e1")
    after = small.vault.org_vault(small.org).chain.live().segments[TABLE].keys()
    assert len(kept & set(after)) == 5
    check_whole(small.vault)


def test_of_two_rows_of_one_commit_both_go() -> None:
    small = SmallVault()
    commit = small.begin("n1")
    first = commit.add(TABLE, [rows(("a", "U", {"Name": "Anna"}), ("b", "U", {"Name": "Ben"}))])
    second = commit.add(TABLE, [rows(("a", "U", {"Name": "Anne"}), ("b", "U", {"Name": "Benno"}))])
    finish(commit, first, second)
    small.vault.apply(small.org, unconditional(wish(thing("a"))), run="e1")
    assert scanner.found(small.vault, "Anna", "Anne") == set()
    assert small.cells(1)["b"]["Name"] == "Benno"
    check_whole(small.vault)


@pytest.mark.usefixtures("tiny")
def test_contents_go_also_where_forgetting_left_them_in_their_pack() -> None:
    small = SmallVault()
    texts = [(f"{n:02d}", "U", {"Text": f"{n:02d} " + "long " * 40}) for n in range(12)]
    small.night("n1", *texts)
    small.night("n2", ("00", "U", {"Text": "short"}))
    assert (
        small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1").packs == 0
    )
    assert scanner.found(small.vault, "00 long ")
    small.vault.apply(small.org, unconditional(wish(thing("00"))), run="e1")
    assert scanner.found(small.vault, "00 long ") == set()
    assert small.cells(2)["07"]["Text"] == "07 " + "long " * 40
    check_whole(small.vault)


@pytest.mark.usefixtures("tiny")
def test_a_content_that_another_record_has_stays() -> None:
    small = SmallVault()
    text = "long " * 40
    small.night("n1", ("a", "U", {"Text": text}), ("b", "U", {"Text": text}))
    assert small.vault.apply(small.org, unconditional(wish(thing("a"))), run="e1").files == 0
    assert small.cells(1)["b"]["Text"] == text
    done = small.vault.apply(small.org, unconditional(wish(thing("b"))), run="e2")
    assert done.files == 1
    assert scanner.found(small.vault, "long long") == set()
    assert list(small.store.list(f"orgs/{small.org}/packs/")) == []


def test_a_file_that_broke_off_leaves_no_bytes() -> None:
    story = vaultstory.found(MemoryStore())
    whole = vaultstory.file("068000000000001AAA", b"menu " * 300, "menu.txt")
    broken = vaultstory.file("068000000000003AAA", b"Lebenslauf " * 9_000, "cv.txt")
    broken = IncomingFile(replace(broken.ref, checksum="md5:0"), broken.open)
    commit = story.vault.begin(
        story.org, run="n1", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    commit.put_schema(vaultstory.SCHEMA)
    cells = [{"Id": one, "Title": "T"} for one in (whole.ref.record, broken.ref.record)]
    added = [
        commit.add("ContentVersion", [story.rows(cells)]),
        commit.add_files([broken, whole]),
    ]
    (finding,) = added[1].findings
    line = vaultstory.certificate(story, "n1")
    told = f"Not everything: {finding.sentence}"
    commit.put_certificate(replace(line, findings=(finding,), sentence=told))
    vaultstory.finish(story, commit, added)
    # The name of a file that is not stored stands nowhere; its record stands in the certificate.
    assert scanner.found(story.vault, "cv.txt") == set()
    assert scanner.found(story.vault, PRICES.record)
    done = story.vault.apply(story.org, unconditional(wish(PRICES)), run="e1")
    assert done.certificates == 1
    assert scanner.found(story.vault, "cv.txt", "Lebenslauf", PRICES.record) == set()
    night = story.vault.at(story.org, 1)
    certificate = night.certificate()
    assert certificate is not None
    assert [one.kind for one in certificate.findings] == [FindingKind.FILE_UNREADABLE]
    check_whole(story.vault)
    reopened(story)
    assert story.vault.at(story.org, 1).certificate() == certificate


def test_certificates_that_were_put_and_not_taken_go_too() -> None:
    story = vaultstory.found(MemoryStore())
    commit = story.vault.begin(
        story.org, run="n1", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    commit.put_schema(vaultstory.SCHEMA)
    finding = Finding(FindingKind.FILE_UNREADABLE, Severity.GAP, "It fails.", detail=ZOE.record)
    proof = vaultstory.certificate(story, "n1")
    commit.put_certificate(replace(proof, findings=(finding,)))
    commit.put_certificate(proof)
    vaultstory.finish(story, commit, [commit.add("Contact", [story.rows(vaultstory.contacts(5))])])
    assert story.vault.apply(story.org, unconditional(wish(ZOE)), run="e1").certificates == 0
    assert scanner.found(story.vault, ZOE.record) == set()
    check_whole(story.vault)


def test_a_journal_that_names_it_goes_and_others_stay() -> None:
    story = vaultstory.copied()
    for run, record in (("restore-2", ZOE.record), ("restore-3", "003000000000004AAA")):
        commit = story.vault.begin(
            story.org, run=run, kind=CommitKind.RESTORE, identity=vaultstory.IDENTITY
        )
        journal = story.vault.journal(story.org, run)
        journal.append(f'{{"before": {{"{record}": "x"}}}}'.encode())
        vaultstory.finish(story, commit, [])
    done = story.vault.apply(story.org, unconditional(wish(ZOE)), run="e1")
    assert done.journals == ("restore-2",)
    assert list(story.vault.journal(story.org, "restore-2").read()) == []
    assert story.vault.journals(story.org) == ["restore-1", "restore-3"]
    check_whole(story.vault)
    check_whole(reopened(story))


@pytest.mark.parametrize(
    "held",
    [
        HoldTarget(HoldScope.ORG),
        HoldTarget(HoldScope.TABLE, "Contact"),
        HoldTarget(HoldScope.RECORD, *(ZOE.table, ZOE.record)),
        HoldTarget(HoldScope.NIGHT, backup=2),
    ],
)
def test_a_hold_stands_above_it(held: HoldTarget) -> None:
    story = vaultstory.copied()
    before = pictures(story)
    story.vault.change_holds(story.org, placed=(Hold(held, "lawsuit"),), run="h1")
    for act in (
        lambda: story.vault.plan(story.org, wish(ZOE, PRICES)).effect,
        lambda: story.vault.apply(story.org, unconditional(wish(ZOE, PRICES)), run="e1"),
    ):
        with pytest.raises(Conflict) as caught:
            act()
        assert caught.value.code == "erase-held"
        both = held.scope in (HoldScope.ORG, HoldScope.NIGHT)
        told = " and 1 more of 2 records are under" if both else " is under a legal hold"
        assert told in caught.value.sentence
        assert caught.value.next_step.startswith("Leave them out, or first lift the legal hold")
    with pytest.raises(Conflict) as caught:
        story.vault.apply(story.org, unconditional(wish(ZOE)), run="e1")
    assert caught.value.next_step.startswith("First lift the legal hold")
    assert pictures(story) == before
    assert story.vault.past_operations(story.org, PastErasure) == ()
    story.vault.change_holds(story.org, lifted=(held,), run="h2")
    assert story.vault.apply(story.org, unconditional(wish(ZOE)), run="e2").snapshot == 7
    assert scanner.found(story.vault, ZOE.record) == set()
    check_whole(story.vault)


def test_a_held_night_does_not_hold_what_came_later() -> None:
    small = SmallVault()
    small.night("n1", ("a", "U", {"Name": "Anna"}))
    small.night("n2", ("b", "U", {"Name": "Ben"}))
    small.vault.change_holds(
        small.org, placed=(Hold(HoldTarget(HoldScope.NIGHT, backup=1)),), run="h1"
    )
    assert small.vault.apply(small.org, unconditional(wish(thing("b"))), run="e1").snapshot == 4


def test_marks_of_hidden_rows_go_too() -> None:
    story = vaultstory.copied()
    hidden = RecordKey("Account", vaultstory.account_id(40))
    story.vault.apply(story.org, unconditional(wish(hidden)), run="e1")
    assert scanner.found(story.vault, hidden.record) == set()
    assert [one.record for one in story.vault.at(story.org, 2).hidden()] == [None]
    check_whole(story.vault)


def test_one_after_the_other_and_once_more() -> None:
    story = vaultstory.copied()
    people = [RecordKey("Contact", f"003{n:012d}AAA") for n in (3, 4, 5)]
    for number, key in enumerate(people, start=1):
        story.vault.apply(story.org, unconditional(wish(key)), run=f"e{number}")
        if number == 2:
            reopened(story)
    assert scanner.found(story.vault, *(key.record for key in people)) == set()
    commits = len(story.vault.commits(story.org))
    again = story.vault.apply(story.org, unconditional(wish(*people)), run="e4")
    assert (again.snapshot, again.tables, again.removed) == (None, (), 0)
    assert len(story.vault.commits(story.org)) == commits
    assert [one.proof.listed for one in story.vault.past_operations(story.org, PastErasure)] == [
        1,
        1,
        1,
    ]
    check_whole(reopened(story))
    with pytest.raises(Conflict):
        story.vault.apply(
            story.org, unconditional(wish(people[0], ZOE)), run="e5", before_write=_refuse
        )


def _refuse(_: object) -> None:
    raise Conflict("no", "No.")


def test_what_it_needs() -> None:
    small = SmallVault()
    with pytest.raises(UsageError) as caught:
        small.vault.plan(small.org, wish(thing("a")))
    assert caught.value.code == "erase-empty"
    assert small.vault.past_operations(small.org, PastErasure) == ()
    small.night("n1", ("a", "U", {"Name": "Anna"}))
    for wrong, code in (
        (wish(), "erase-nothing"),
        (wish(thing("a"), match=[MatchColumn(TABLE, "Nope")]), "column-unknown"),
        (wish(RecordKey("$files", "a")), "table-unknown"),
    ):
        with pytest.raises(UsageError) as caught:
            small.vault.plan(small.org, wrong)
        assert caught.value.code == code


def test_while_a_run_is_open_nothing_is_erased() -> None:
    small = SmallVault()
    small.night("n1", ("a", "U", {"Name": "Anna"}))
    commit = small.begin("open")
    with pytest.raises(Conflict) as caught:
        small.vault.apply(small.org, unconditional(wish(thing("a"))), run="e1")
    assert caught.value.code == "runs-open"
    commit.abandon()
    assert small.vault.apply(small.org, unconditional(wish(thing("a"))), run="e1").snapshot == 2


def test_a_backup_that_began_before_it_begins_again() -> None:
    small = SmallVault()
    small.night("n1", ("a", "U", {"Name": "Anna"}))
    begun: list[Any] = []

    def meanwhile(_: object) -> None:
        begun.append(small.begin("n2"))

    with pytest.raises(Conflict) as caught:
        small.vault.apply(
            small.org, unconditional(wish(thing("a"))), run="e1", before_write=meanwhile
        )
    assert caught.value.code == "runs-open"
    begun[0].abandon()
    commit = small.begin("n3")
    text = "Anne " * 20_000
    added = commit.add(TABLE, [rows(("a", "U", {"Name": "Anne", "Text": text}))])
    commit.put_certificate(vaultstory.certificate(vaultstory.found(MemoryStore()), "n3"))
    small.store.delete(object_names.intent(small.org, "n3"))  # as if it was not seen in time
    hidden = {one.name: small.store.get(one.name) for one in small.store.list(f"orgs/{small.org}/")}
    small.vault.apply(small.org, unconditional(wish(thing("a"))), run="e2")
    for name, content in hidden.items():  # as if it was written a moment later
        if name.startswith((f"orgs/{small.org}/data", f"orgs/{small.org}/packs")):
            small.store.put_new(name, content)
    commit._open_run.open(commit._intent)
    with pytest.raises(Conflict) as late:
        finish(commit, added)
    assert late.value.code == "forgotten-meanwhile"
    assert scanner.found(small.vault, "Anne") == set()
    commit.abandon()
    small.night("n4", ("a", "U", {"Name": "Anne"}), ("b", "U", {"Name": "Ben"}))
    assert scanner.found(small.vault, "Anne") == set()
    assert small.cells(3).keys() == {"b"}


def test_what_was_written_for_it_is_removed_where_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    story = vaultstory.copied()
    before = sorted(one.name for one in story.store.list(""))

    def fails(*_: object, **__: object) -> None:
        raise StoreError("store-full", "The store is full.")

    monkeypatch.setattr(eraser._Erasing, "_commit_written", fails)
    with pytest.raises(StoreError):
        story.vault.apply(story.org, unconditional(wish(ZOE, PRICES)), run="e1")
    assert sorted(one.name for one in story.store.list("")) == before


def test_a_sweep_finishes_what_was_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    story = vaultstory.copied()
    monkeypatch.setattr(erase_commit, "remove_erased", lambda *_: 0)
    story.vault.apply(story.org, unconditional(wish(ZOE)), run="e1")
    monkeypatch.undo()
    assert scanner.found(story.vault, ZOE.record)
    assert [one.complete for one in story.vault.past_operations(story.org, PastErasure)] == [False]
    check_whole(story.vault)
    story.vault.sweep(story.org, run="s1")
    assert scanner.found(story.vault, ZOE.record) == set()
    assert [one.complete for one in story.vault.past_operations(story.org, PastErasure)] == [True]
    check_whole(reopened(story))


def without_checkpoints(story: Story) -> None:
    """So that the whole chain is read."""
    for one in list(story.store.list(object_names.checkpoints(story.org))):
        story.store.delete(one.name)


def test_what_stands_in_place_of_a_manifest_is_missed_and_proved() -> None:
    story = vaultstory.copied()
    story.vault.apply(story.org, unconditional(wish(ZOE)), run="e1")
    without_checkpoints(story)
    check_whole(reopened(story))
    folder = object_names.redactions(story.org)
    (name, *_) = [one.name for one in story.store.list(folder)]
    data = story.store.get(name)
    story.store.delete(name)
    assert {one.object for one in story.vault.verify(VerifyLevel.QUICK).damages} >= {name}
    with pytest.raises(IntegrityError) as caught:
        reopened(story).snapshots(story.org)
    assert caught.value.code == "chain-hole"
    story.store.put_new(name, data)
    check_whole(reopened(story))
    story.vault.snapshots(story.org)
    story.store.delete(name)
    with pytest.raises(IntegrityError):  # also for who has followed the chain before
        story.vault.at(story.org, object_names.redacted(name))


@pytest.mark.parametrize("beside", [True, False])
def test_nobody_else_puts_something_there(beside: bool) -> None:
    story = vaultstory.copied()
    story.vault.apply(story.org, unconditional(wish(ZOE)), run="e1")
    without_checkpoints(story)
    org_vault = story.vault.org_vault(story.org)
    (name, *_) = [one.name for one in story.store.list(object_names.redactions(story.org))]
    seq = object_names.redacted(name)
    manifest, head = org_vault.chain.manifest(seq)
    other = msgspec.structs.replace(manifest, rows_seen=7)
    if not beside:
        story.store.delete(name)
    forged = put_redaction(org_vault, other, head=head, by=1)
    assert forged.name in {one.object for one in story.vault.verify(VerifyLevel.QUICK).damages}
    if beside:  # the commits have the genuine one, which is read: nobody is locked out
        snapshots = {info.number: info for info in reopened(story).snapshots(story.org)}
        assert snapshots[seq].rows_seen == manifest.rows_seen != 7
        return
    with pytest.raises(IntegrityError) as caught:
        reopened(story).snapshots(story.org)
    assert caught.value.code == "chain-replaced"


def test_one_that_came_to_nothing_does_no_harm() -> None:
    story = vaultstory.copied()
    story.vault.apply(story.org, unconditional(wish(ZOE)), run="e1")
    without_checkpoints(story)
    org_vault = story.vault.org_vault(story.org)
    (name, *_) = [one.name for one in story.store.list(object_names.redactions(story.org))]
    manifest, head = org_vault.chain.manifest(object_names.redacted(name))
    other = put_redaction(org_vault, manifest, head=head, by=1).name
    assert len(reopened(story).snapshots(story.org)) == 3
    assert [one.object for one in story.vault.verify(VerifyLevel.DEEP).damages] == [other]
    story.vault.sweep(story.org, run="s1")
    assert [one.name for one in story.store.list(name.rpartition(".")[0])] == [name]
    check_whole(reopened(story))


def test_who_began_to_read_before_is_told_to_try_again() -> None:
    small = SmallVault()
    small.night("n1", ("a", "U", {"Name": "Anna"}), ("b", "U", {"Name": "Ben"}))
    before = small.vault.at(small.org, 1)
    small.vault.apply(small.org, unconditional(wish(thing("a"))), run="e1")
    with pytest.raises(IntegrityError) as caught:
        before.scan(TABLE).read_all()
    assert "Try again" in caught.value.next_step
    assert small.cells(1).keys() == {"b"}


def test_a_run_that_is_finished_again_puts_no_manifest_back() -> None:
    story = vaultstory.copied()
    first = story.vault.commits(story.org)[0]
    story.vault.apply(story.org, unconditional(wish(ZOE)), run="e1")
    reopened(story)
    again = story.vault.begin(
        story.org, run="night-1", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    assert again.finish([], as_of=story.clock.now()).head == first.head
    assert story.store.size(object_names.commit(story.org, 1)) is None
    check_whole(story.vault)


def test_where_a_commit_was_overtaken_all_of_it_is_written_again() -> None:
    small = SmallVault()
    small.night("n1", ("a", "U", {"Name": "Anna"}))
    late = small.begin("n2")
    added = [late.add(TABLE, [rows((i, "U", {"Name": f"Jo {i}"}))]) for i in "bcd"]
    small.night("n3", ("a", "U", {"Name": "Anne"}), ("c", "U", {"Name": "Caro"}))
    finish(late, *added)
    before = {n: small.changed(n, n + 1) for n in (1, 2)}
    small.vault.apply(small.org, unconditional(wish(thing("b"))), run="e1")
    left = {n: {i: kind for i, kind in told.items() if i != "b"} for n, told in before.items()}
    assert {n: small.changed(n, n + 1) for n in (1, 2)} == left
    check_whole(small.vault)


def test_content_bytes_follow_from_the_size_of_a_pack() -> None:
    for length in (0, 1, 1 << KIB256, (1 << KIB256) + 1, 3 << 20, (16 << 20) - 1):
        sealed = SealedHeader(power=KIB256, epoch=1, length=length).sealed_length
        assert sealed > HEADER_BYTES
        assert content_bytes(sealed) == length


def test_a_late_run_is_over_after_an_erasure_also_where_nothing_may_be_deleted() -> None:
    small = SmallVault()
    small.night("n1", ("a", "U", {"Name": "Anne"}))
    commit = small.begin("n2")
    added = commit.add(TABLE, [rows(("a", "U", {"Name": "Anne"}))])
    small.store.delete(object_names.intent(small.org, "n2"))  # as if it was not seen in time
    small.vault.apply(small.org, unconditional(wish(thing("a"))), run="e1")
    commit._open_run.open(commit._intent)
    key = object_names.run_key(small.org, "n2")
    small.store.put_new(key, b"k")

    def refuse(name: str) -> bool:
        asked.append(name)
        raise StoreError("store-may-not-delete", "It stays.", next_step="Take others.")

    asked: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small.store, "delete", refuse)
        with pytest.raises(Conflict) as late:
            finish(commit, added)
    assert late.value.code == "forgotten-meanwhile"
    assert asked == [key]
    assert not commit._open_run.is_open()
    small.night("n3", ("b", "U", {"Name": "Ben"}))
