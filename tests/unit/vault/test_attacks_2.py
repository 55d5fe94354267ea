"""What strangers put among the commits, beside them and into their checkpoints: it misleads nobody.

Most attackers here have the service key and credentials that only add objects; some have no key.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa
import pytest
import zstandard

import vaultstory
from smallvault import IDENTITY, TABLE, SmallVault, finish, rows, schema
from thief import Thief
from unit.vault.test_rekey import another_night, fresh
from unlost.model.errors import IntegrityError, UnlostError
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import Added, CommitKind, PackEntry, VerifyLevel
from unlost.testing.system import MemoryWitness
from unlost.vault.commits.foreign_commits import ProcessLedger
from unlost.vault.commits.state import to_checkpoint
from unlost.vault.format.manifest import (
    Checkpoint,
    JournalProof,
    ObjectEntry,
    Redaction,
    TablePart,
    pack,
)
from unlost.vault.format.physical import FILES
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.layout import object_names
from unlost.vault.objects.files import blob_rows
from unlost.vault.objects.segment_writer import SegmentWriter
from unlost.vault.read.merge import key_rows
from unlost.vault.write.journal import EntryChain
from vaultstory import Story

FAR = 10**20 - 1  # the highest number that a name can have
SHOWN = {"a": "a2", "b": "b"}


def nights(small: SmallVault) -> SmallVault:
    for n in range(3):
        small.night(f"night-{n}", ("a", "U", {"Name": f"a{n}"}), ("b", "U", {"Name": "b"}))
    small.reopen().sweep(small.org, run="own-0")
    return small


@pytest.fixture
def small() -> SmallVault:
    return nights(SmallVault(witness=MemoryWitness()))


@pytest.fixture
def erased(small: SmallVault) -> SmallVault:
    """The first commits are redacted, and no checkpoint spares reading them."""
    return without_record_b(small)


def without_record_b(small: SmallVault) -> SmallVault:
    small.vault.apply(small.org, unconditional(Erase((RecordKey(TABLE, "b"),))), run="own-erase")
    no_checkpoints(small)
    small.reopen()
    return small


def no_checkpoints(small: SmallVault) -> None:
    for listed in list(small.store.list(object_names.checkpoints(small.org))):
        small.store.delete(listed.name)


def thief_of(small: SmallVault) -> Thief:
    return Thief(small.store, small.keys.for_store(small.store), small.org, clock=small.clock)


def names_at(small: SmallVault, number: int) -> dict[str, str | None]:
    return {ident: cells["Name"] for ident, cells in small.cells(number).items()}


def damages(small: SmallVault, level: VerifyLevel = VerifyLevel.DEEP) -> list[str]:
    return [damage.object for damage in small.reopen().verify(level).damages]


def unblocked(small: SmallVault) -> list[str]:
    removals = small.reopen().removals(small.org)
    return list(removals.unblock(keep=lambda _name, _data: None))


def rejected(small: SmallVault) -> None:
    for removal in small.reopen().removals(small.org).pending():
        if not removal.rejected:
            small.vault.removals(small.org).reject(removal.number)


def check_life_goes_on(small: SmallVault) -> None:
    """After what the documented commands do: backups, maintenance, all that was shown, no damage."""
    newest = small.reopen().snapshots(small.org)[-1].number
    assert names_at(small, newest)["a"] in ("a2", "new")
    assert names_at(small, 1)["a"] == "a0"
    number = small.night("afterwards", ("a", "U", {"Name": "last"})).number
    assert names_at(small, number)["a"] == "last"
    small.reopen().compact(small.org, run="own-compact")
    small.vault.sweep(small.org, run="own-sweep")
    small.ledger = ProcessLedger()  # a new home, which has to read everything
    no_checkpoints(small)
    small.reopen()
    assert names_at(small, 1)["a"] == "a0"
    assert damages(small) == []


# --- checkpoints ----------------------------------------------------------------------------------


def plant(small: SmallVault, thief: Thief, change: Callable[[Checkpoint], Checkpoint]) -> None:
    """A checkpoint of the newest commit that says other things, with the same live objects."""
    state = thief.org_vault.chain.live()
    written = thief.vault.sealed.put_new(
        ObjectKind.CHECKPOINT,
        org=small.org,
        name=object_names.checkpoint(small.org, state.seq),
        content=pack(change(to_checkpoint(state))),
    )
    assert written.created


def test_a_checkpoint_hid_a_commit_and_maintenance_deleted_all_data(small: SmallVault) -> None:
    thief = thief_of(small)
    gone = thief.commit(CommitKind.BACKUP, tables=thief.without(thief.segments()))
    thief.commit(CommitKind.CONDEMN, run="harmless")
    plant(small, thief, lambda doc: msgspec.structs.replace(
        doc, commits=tuple(info for info in doc.commits if info.number != gone)))  # fmt: skip
    before = {one.name for one in small.store.list(f"orgs/{small.org}/data/")}
    assert gone in [each.number for each in small.reopen().removals(small.org).pending()]
    for number in range(3):
        small.reopen().sweep(small.org, run=f"own-{number + 1}")
        small.clock.advance(days=8)
    assert before <= {one.name for one in small.store.list("")}
    rejected(small)
    check_life_goes_on(small)


def reversed_order(doc: Checkpoint) -> Checkpoint:
    """Older versions count as newer ones."""
    segments = tuple(msgspec.structs.replace(e, seq=10 - e.seq) for e in doc.segments)
    return msgspec.structs.replace(doc, segments=segments)


def nothing_in_them(doc: Checkpoint) -> Checkpoint:
    """No segment has any id."""
    segments = tuple(
        msgspec.structs.replace(e, entry=replace(e.entry, min_id="", max_id=""))
        for e in doc.segments
    )
    return msgspec.structs.replace(doc, segments=segments)


def all_forgotten(doc: Checkpoint) -> Checkpoint:
    return msgspec.structs.replace(doc, forgotten=(1, 2))


@pytest.mark.parametrize("change", [reversed_order, nothing_in_them, all_forgotten])
def test_a_checkpoint_showed_other_data_and_verify_called_the_vault_whole(
    small: SmallVault, change: Callable[[Checkpoint], Checkpoint]
) -> None:
    plant(small, thief_of(small), change)
    small.reopen()
    assert names_at(small, 3) == SHOWN
    assert len(small.vault.snapshots(small.org)) == 3
    small.ledger = ProcessLedger()  # a new home knows no checkpoint
    small.reopen()
    assert names_at(small, 3) == SHOWN


def test_an_own_checkpoint_spares_reading_the_commits_before_it(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.vault.org_vault(small.org).chain.renew_checkpoint()
    small.night("night-3", ("a", "U", {"Name": "a3"}))
    read: list[str] = []
    get = small.store.get

    def noted(name: str) -> bytes:
        read.append(name)
        return get(name)

    monkeypatch.setattr(small.store, "get", noted)
    small.reopen().org_vault(small.org).chain.live()
    commits = [name for name in read if "/commits/" in name]
    assert {object_names.sequence(name) for name in commits} == {3, 4}


def test_a_genuine_checkpoint_of_another_home_is_used(small: SmallVault) -> None:
    """Once its commits were read, and it says the same."""
    small.vault.org_vault(small.org).chain.renew_checkpoint()
    small.ledger = ProcessLedger()
    assert small.reopen().org_vault(small.org).chain.live().seq == 3
    assert len(small.ledger.checkpoints(small.org)) == 1


def test_without_a_commit_a_checkpoint_of_others_must_do(small: SmallVault) -> None:
    small.vault.org_vault(small.org).chain.renew_checkpoint()
    small.store.delete(object_names.commit(small.org, 1))
    small.ledger = ProcessLedger()
    assert names_at(small, 3) == SHOWN


@pytest.mark.parametrize("count", [1, 5])
def test_junk_among_the_checkpoints_pushed_out_the_genuine_ones(
    small: SmallVault, count: int
) -> None:
    small.vault.org_vault(small.org).chain.renew_checkpoint()
    genuine = object_names.checkpoint(small.org, 3)
    for number in range(count):
        small.store.put_new(object_names.checkpoint(small.org, 900 + number), b"junk")
    assert damages(small)
    small.vault.org_vault(small.org).chain.drop_checkpoints()
    small.reopen().sweep(small.org, run="own-1")
    assert [one.name for one in small.store.list(object_names.checkpoints(small.org))] == [genuine]
    assert damages(small) == []


@pytest.mark.parametrize("name", [object_names.commit, object_names.checkpoint])
def test_verify_never_ended_after_a_number_far_away(
    small: SmallVault, name: Callable[[str, int], str]
) -> None:
    small.store.put_new(name(small.org, FAR), b"junk")
    assert name(small.org, FAR) in damages(small, VerifyLevel.QUICK)
    unblocked(small)
    small.reopen().sweep(small.org, run="own-1")
    assert damages(small) == []


# --- redactions -----------------------------------------------------------------------------------


def redaction(small: SmallVault, seq: int, by: int) -> str:
    return object_names.redaction(small.org, seq, by=by, mark="00")


def forge(small: SmallVault, seq: int, by: int, *, head: str = "", **changes: Any) -> ObjectEntry:
    """A redaction that a thief made up."""
    thief = thief_of(small)
    manifest, true = thief.org_vault.chain.manifest(seq)
    made = Redaction(1, head or true, msgspec.structs.replace(manifest, **changes))
    name = redaction(small, seq, by)
    written = thief.vault.sealed.put_new(
        ObjectKind.REDACTION, org=small.org, name=name, content=pack(made)
    )
    return ObjectEntry(name, written.bytes, written.blake3)


@pytest.mark.parametrize("far", [False, True])
def test_junk_without_any_key_in_place_of_a_commit_to_come_blocked_an_org(
    small: SmallVault, far: bool
) -> None:
    small.store.put_new(redaction(small, 4, 5), b"junk")
    if far:
        small.store.put_new(object_names.commit(small.org, 5), b"junk")
        with pytest.raises(IntegrityError):
            small.reopen().snapshots(small.org)
        assert unblocked(small) == [object_names.commit(small.org, 5)]
    check_life_goes_on(small)


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_junk_at_a_place_that_an_erasure_freed_blocked_an_org(erased: SmallVault, seq: int) -> None:
    assert erased.store.put_new(object_names.commit(erased.org, seq), b"junk")
    check_life_goes_on(erased)


def test_a_commit_at_a_place_that_an_erasure_freed_blocked_an_org(erased: SmallVault) -> None:
    thief = thief_of(erased)
    manifest, _ = thief.org_vault.chain.manifest(1)
    thief.vault.sealed.put_new(
        ObjectKind.MANIFEST,
        org=erased.org,
        name=object_names.commit(erased.org, 1),
        content=pack(msgspec.structs.replace(manifest, run="evil", tables=())),
    )
    check_life_goes_on(erased)


FORGED: dict[str, dict[str, Any]] = {
    "another head": {"head": "ab" * 32},
    "another content": {"tables": (), "run": "evil"},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
@pytest.mark.parametrize("before", [False, True], ids=["no erasure", "erased"])
def test_a_redaction_that_no_commit_has_blocked_an_org(
    small: SmallVault, before: bool, forged: dict[str, Any]
) -> None:
    made = without_record_b(small) if before else small
    forge(made, 1, 2, **forged)
    made.ledger = ProcessLedger()
    assert unblocked(made) == []
    check_life_goes_on(made)


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
@pytest.mark.parametrize("before", [False, True], ids=["no erasure", "erased"])
def test_a_commit_with_a_false_redaction_blocked_an_org(
    small: SmallVault, before: bool, forged: dict[str, Any]
) -> None:
    made = without_record_b(small) if before else small
    seq = made.reopen().org_vault(made.org).chain.live().seq + 1
    thief = thief_of(made)
    thief.commit(CommitKind.ERASE, objects=(forge(made, 1, seq, **forged),))
    unblocked(made)
    rejected(made)
    check_life_goes_on(made)


def test_a_commit_that_withdraws_redactions_blocked_an_org(erased: SmallVault) -> None:
    thief = thief_of(erased)
    redactions = tuple(thief.documents(object_names.redactions(erased.org)))
    assert redactions
    thief.commit(CommitKind.ERASE, withdrawn=redactions)
    with pytest.raises(IntegrityError):
        erased.reopen().snapshots(erased.org)
    assert len(unblocked(erased)) == 1
    check_life_goes_on(erased)


def test_a_home_with_a_checkpoint_built_on_a_commit_that_withdraws_redactions(
    erased: SmallVault,
) -> None:
    erased.vault.org_vault(erased.org).chain.renew_checkpoint()
    thief = thief_of(erased)
    redactions = tuple(thief.documents(object_names.redactions(erased.org)))
    thief.commit(CommitKind.ERASE, withdrawn=redactions)
    erased.reopen()
    erased.night("night-9", ("a", "U", {"Name": "new"}))
    rejected(erased)
    check_life_goes_on(erased)


@pytest.mark.parametrize("distance", [0, 1, 2])
def test_a_redaction_of_a_commit_to_come_blocked_an_org_for_good(
    small: SmallVault, distance: int
) -> None:
    """The owner's next commit would be read from an object that does not exist."""
    seq = small.reopen().org_vault(small.org).chain.live().seq + 1
    entry = ObjectEntry(redaction(small, seq + distance, seq), 3, "ab" * 32)
    thief_of(small).commit(CommitKind.ERASE, objects=(entry,))
    assert unblocked(small) == [object_names.commit(small.org, seq)]
    check_life_goes_on(small)


def test_a_rejection_carried_on_what_a_false_redaction_says(small: SmallVault) -> None:
    """The newest own commit is redacted: with another schema, and other counts."""
    thief, own = thief_of(small), small.reopen().org_vault(small.org).chain.manifest(3)[0]
    entry = forge(small, 3, 4, schema="ab" * 32, states=())
    thief.commit(CommitKind.ERASE, objects=(entry,), schema="ab" * 32, states=())
    rejected(small)
    carried = small.reopen().org_vault(small.org).chain
    manifest = carried.manifest(carried.live().seq)[0]
    assert manifest.schema == own.schema
    assert [state.table for state in manifest.states] == [state.table for state in own.states]
    check_life_goes_on(small)


# --- commits that no writer makes -----------------------------------------------------------------


def raw(small: SmallVault, content: bytes) -> None:
    thief = thief_of(small)
    seq = thief.org_vault.chain.live().seq + 1
    thief.vault.sealed.put_new(
        ObjectKind.MANIFEST,
        org=small.org,
        name=object_names.commit(small.org, seq),
        content=content,
    )


HUGE = bytes.fromhex("28b52ffd") + b"\xe0" + (2**50).to_bytes(8, "little") + b"\x01\x00\x00"
DEEP = zstandard.compress(b'{"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}")


@pytest.mark.parametrize("content", [HUGE, DEEP, b""], ids=["huge", "deep", "empty"])
def test_a_document_that_no_reader_can_decode_crashed_every_command(
    small: SmallVault, content: bytes
) -> None:
    raw(small, content)
    assert damages(small) == [object_names.commit(small.org, 4)]
    with pytest.raises(IntegrityError):
        small.reopen().snapshots(small.org)
    assert unblocked(small) == [object_names.commit(small.org, 4)]
    check_life_goes_on(small)


TIMES = [datetime(2026, 1, 1), datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)]  # noqa: DTZ001


@pytest.mark.parametrize("time", TIMES, ids=["no zone", "the last", "the first"])
def test_a_commit_with_times_that_cannot_be_shown_was_accepted(
    small: SmallVault, time: datetime
) -> None:
    """They cannot be compared, or not be shown in another zone: pages and alerts would fail."""
    thief_of(small).commit(CommitKind.BACKUP, as_of=time, started=time, finished=time)
    assert damages(small) == [object_names.commit(small.org, 4)]
    assert unblocked(small) == [object_names.commit(small.org, 4)]
    check_life_goes_on(small)


def test_backups_to_come_were_hidden_for_good(small: SmallVault) -> None:
    thief_of(small).commit(CommitKind.FORGET, forgotten=tuple(range(5, 900)))
    assert unblocked(small) == [object_names.commit(small.org, 4)]
    check_life_goes_on(small)


def test_junk_below_the_folder_of_commits_blocked_an_org_for_good(small: SmallVault) -> None:
    """Its name ends like that of a commit, and no command removed it."""
    name = f"{object_names.commits(small.org)}x/{9:020d}"
    small.store.put_new(name, b"junk")
    assert unblocked(small) == []
    assert damages(small) == [name]
    small.store.delete(name)
    check_life_goes_on(small)


def test_junk_in_an_org_without_a_backup_blocked_its_first_one() -> None:
    other = SmallVault(witness=MemoryWitness())
    other.store.put_new(object_names.commit(other.org, 1), b"junk")
    with pytest.raises(IntegrityError):
        other.begin("night-0")
    assert unblocked(other) == [object_names.commit(other.org, 1)]
    other.reopen()
    assert names_at(nights(other), 3) == SHOWN


# --- rejecting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ident", ["ab" * 16, "../../../../x\0"])
def test_a_table_was_unreadable_after_a_segment_that_does_not_exist_was_rejected(
    small: SmallVault, ident: str
) -> None:
    thief = thief_of(small)
    entry = replace(thief.segments()[0].entry, id=ident, bundle="")
    thief.commit(CommitKind.BACKUP, tables=(TablePart(TABLE, segments=(entry,)),))
    with pytest.raises(UnlostError):
        small.night("night-9", ("a", "U", {"Name": "new"}))
    rejected(small)
    check_life_goes_on(small)


FALSE: dict[str, dict[str, Any]] = {
    "pack": {"packs": (PackEntry("ab" * 16, 3, "ab" * 32, 99),)},
    "document": {"objects": (ObjectEntry("orgs/x/schemas/y", 3, "ab" * 32),)},
    "journal": {"journal": JournalProof("never", 5, "ab" * 32)},
    "register": {"slots": 2**40},
    "schema": {"schema": "../../x"},
    "names": {"condemned": ("../x", "\0", ""), "withdrawn": ("..",), "unjournaled": ("a/b",)},
}


@pytest.mark.parametrize("fields", FALSE.values(), ids=FALSE.keys())
def test_a_vault_was_damaged_for_good_by_what_a_rejected_commit_claims(
    small: SmallVault, fields: dict[str, Any]
) -> None:
    thief_of(small).commit(CommitKind.RESTORE, **fields)
    rejected(small)
    check_life_goes_on(small)


def test_a_journal_that_a_thief_ended_is_open_again_after_the_rejection(small: SmallVault) -> None:
    journal = small.vault.journal(small.org, "restore-1")
    for number in range(4):
        journal.append(b'{"call": %d}' % number)
    chain = EntryChain(small.vault.sealed, org=small.org, run="restore-1")
    thief_of(small).commit(CommitKind.RESTORE, journal=chain.proof(2))
    rejected(small)
    small.reopen().sweep(small.org, run="own-1")
    assert small.vault.journals(small.org, unfinished=True) == ["restore-1"]
    assert len(list(small.vault.journal(small.org, "restore-1").read())) == 4


def test_a_legal_hold_that_a_rejected_commit_lifted_is_in_force_again(small: SmallVault) -> None:
    everything = HoldTarget(HoldScope.ORG)
    small.vault.change_holds(small.org, placed=[Hold(everything, "a lawsuit", "me")], run="h1")
    thief = thief_of(small)
    thief.vault.change_holds(thief.org, lifted=[everything], run="h2")
    assert small.reopen().holds(small.org) == ()
    rejected(small)
    assert [hold.reason for hold in small.reopen().holds(small.org)] == ["a lawsuit"]


def forge_files(story: Story, run: str) -> int:
    """Rows of ``$files`` by which the bytes of each file lie somewhere else."""
    thief = Thief(story.store, story.keys.for_store(story.store), story.org, clock=story.clock)
    org_vault, until = thief.org_vault, thief.org_vault.chain.live().seq
    idents = [
        json.loads(ident)[1]
        for rows in key_rows(org_vault.view(FILES, until=until), ())
        for ident in rows.column("_u_id").to_pylist()
        if ident.startswith('["blob"')
    ]
    commit = thief.vault.begin(
        story.org, run=run, kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    writer = commit._system_writer(FILES)
    forged = [
        replace(blob, extents=tuple(replace(e, offset=e.offset + 1) for e in blob.extents))
        for blob in org_vault.blobs(idents, until=until).values()
    ]
    writer.take([blob_rows(forged, observed_at=story.clock.now())])
    vaultstory.finish(story, commit, [Added(table=FILES, segments=tuple(writer.segments))])
    return until + 1


@pytest.mark.parametrize("later", [False, True], ids=["at once", "after a backup"])
def test_files_stayed_unreadable_after_a_commit_with_false_places_was_rejected(
    later: bool,
) -> None:
    story = vaultstory.copied()
    before = contents(story)
    number = forge_files(story, "thief")
    if later:
        fresh(story)
        another_night(story, "night-8")
    fresh(story)
    story.vault.removals(story.org).reject(number)
    fresh(story)
    assert {blob: contents(story)[blob] for blob in before} == before
    another_night(story, "night-9")
    fresh(story)
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()


def hostile(table: pa.Table, column: str, value: str) -> pa.Table:
    """The rows of a segment with another value in a column."""
    at = table.column_names.index(column)
    return table.set_column(at, table.schema.field(at), pa.array([value] * len(table)))


@pytest.mark.parametrize(("column", "value"), [("_u_blobs", "{"), ("_u_op", "X")])
def test_a_table_was_unreadable_after_rows_that_no_writer_makes_were_rejected(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch, column: str, value: str
) -> None:
    thief = thief_of(small)
    write = SegmentWriter.write

    def other(self: SegmentWriter, rows: pa.Table, **options: Any) -> Any:
        rows = hostile(rows, column, value) if options["label"].table == TABLE else rows
        return write(self, rows, **options)

    with monkeypatch.context() as patched:
        patched.setattr(SegmentWriter, "write", other)
        commit = thief.vault.begin(
            small.org, run="thief", kind=CommitKind.BACKUP, identity=IDENTITY
        )
        commit.put_schema(schema())
        finish(commit, commit.add(TABLE, [rows(("a", "U", {"Name": "evil"}))]))
    rejected(small)
    number = small.night("night-9", ("a", "U", {"Name": "a2"})).number
    assert names_at(small, number) == SHOWN
    check_life_goes_on(small)


def test_contents_that_a_rejected_commit_brought_stay_for_the_backups_after_it() -> None:
    """Another home of the owner made it; the next backup did not store the same bytes again."""
    story = vaultstory.copied()
    thief = Thief(story.store, story.keys.for_store(story.store), story.org, clock=story.clock)
    body = b"the same bytes, twice " * 50
    for vault, run, record in (
        (thief.vault, "thief", "068000000000010AAA"),
        (story.vault, "night-8", "068000000000011AAA"),
    ):
        commit = vault.begin(
            story.org, run=run, kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
        )
        commit.put_schema(vaultstory.WIDER)
        added = commit.add_files([vaultstory.file(record, body, "same.txt")])
        assert bool(added.packs) == (run == "thief")
        vaultstory.finish(story, commit, [added])
    fresh(story)
    story.vault.removals(story.org).reject(5)
    fresh(story)
    assert body in contents(story).values()
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()


def contents(story: Story) -> dict[str, bytes]:
    """The bytes of all files that the newest backup has, by blob."""
    at = story.vault.newest_backup(story.org)
    assert at is not None
    records = [*vaultstory.FILES, "068000000000010AAA", "068000000000011AAA"]
    found = {}
    for file in at.files("ContentVersion", records):
        with story.vault.open_file(story.org, file.blob) as stream:
            found[file.blob] = stream.read()
    return found
