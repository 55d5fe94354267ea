"""A thief who can only add objects makes commits that remove; the owner's maintenance waits."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import vaultstory
from fakes.bucket_server import BUCKET, serving
from thief import Thief
from unit.vault.test_rekey import renewed
from unlost.model.errors import Conflict, NotFound, StoreError
from unlost.model.plan import RecordKey
from unlost.model.ports.removals import PATIENCE
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.rectification import Rectify, RightValue
from unlost.model.vault.retention import Forget, Hold, HoldScope, HoldTarget, KeepRules
from unlost.model.vault.salvage import Salvage
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.model.vault.store import Store
from unlost.testing.clock import START
from unlost.vault.commits.foreign_commits import ProcessLedger
from unlost.vault.format.manifest import ObjectEntry, TablePart
from unlost.vault.layout import object_names
from unlost.vault.maintenance.erase.redact import put_redaction
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.address import BucketOptions, read_address
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.stores.reach import open_store
from unlost.vault.vault import EncryptedVault, open_vault
from vaultstory import IDENTITY, Story

LONG_AGO = START - timedelta(days=400)
SECOND = timedelta(seconds=1)
TABLES = ("Account", "Contact", "Task", "ContentVersion")
REMOVING = [CommitKind.ERASE, CommitKind.RECTIFY, CommitKind.SALVAGE, CommitKind.REKEY,
            CommitKind.COMPACT, CommitKind.CONDEMN, CommitKind.FORGET]  # fmt: skip


@pytest.fixture(params=["memory", "local", pytest.param("s3", marks=pytest.mark.network)])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "local":
        yield LocalStore(tmp_path / "vault")
    else:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        with serving() as bucket:
            reach = BucketOptions(bucket.url)
            yield open_store(
                read_address(f"s3://{BUCKET}/v", reach=reach, base=Path("/")), sleep=lambda _: None
            )


@pytest.fixture
def story(store: Store) -> Story:
    """Three nights with files and a restore, as the owner's last maintenance left them."""
    return maintained(vaultstory.copied(store))


@pytest.fixture
def small() -> Story:
    """The same in memory."""
    return maintained(vaultstory.copied())


def maintained(story: Story) -> Story:
    story.vault.sweep(story.org, run="owner-0")
    return story


def thief_of(story: Story) -> Thief:
    return Thief(story.store, story.keys.for_store(story.store), story.org, clock=story.clock)


def objects(story: Story) -> dict[str, bytes]:
    """All that the owner may lose: everything but notes of runs, checkpoints and keys."""
    caches = (object_names.checkpoints(story.org), object_names.intents(story.org))
    names = [one.name for one in story.store.list(f"orgs/{story.org}/")]
    return {name: story.store.get(name) for name in names if not name.startswith(caches)}


def backups(story: Story, number: int = 3) -> dict[str, pa.Table]:
    """All that a backup shows."""
    snapshot = story.vault.at(story.org, number, forgotten=True)
    return {table: snapshot.scan(table).read_all().sort_by("_u_id") for table in TABLES}


def maintain(story: Story) -> None:
    """What the owner runs by night, with credentials that may delete."""
    number = story.clock.now().timestamp()
    story.vault.compact(story.org, run=f"owner-compact-{number:.0f}")
    story.vault.rekey(story.org, run=f"owner-rekey-{number:.0f}")
    story.vault.sweep(story.org, run=f"owner-sweep-{number:.0f}")


def thirty_days(story: Story) -> None:
    """Maintenance by night until the second before the time is over."""
    maintain(story)
    first = next(iter(story.vault.removals(story.org).pending())).first_seen
    for days in (1, 8, 9, 20):
        story.clock.advance(
            seconds=(first + timedelta(days=days) - story.clock.now()).total_seconds()
        )
        maintain(story)
    story.clock.advance(seconds=(first + PATIENCE - SECOND - story.clock.now()).total_seconds())
    maintain(story)


def without_all(thief: Thief) -> dict[str, Any]:
    lives = thief.segments()
    return {
        "tables": thief.without(lives),
        "dropped": tuple(pack.id for pack in thief.packs()),
    }


# --- nothing of it is removed ---------------------------------------------------------------------


def erased(kind: CommitKind) -> Callable[[Thief], object]:
    """Takes all segments and packs away, and condemns them at a time long ago."""

    def act(thief: Thief) -> object:
        return thief.commit(
            kind,
            **without_all(thief),
            condemned=tuple(thief.everything()),
            finished=LONG_AGO,
        )

    return act


def dropped_silently(thief: Thief) -> object:
    """A backup takes all away and condemns nothing: all of it looks like stray objects."""
    return thief.commit(CommitKind.BACKUP, **without_all(thief))


def withdrawn(kind: CommitKind) -> Callable[[Thief], object]:
    """Schemas and certificates."""

    def act(thief: Thief) -> object:
        return thief.commit(kind, withdrawn=tuple(thief.documents("orgs/")), finished=LONG_AGO)

    return act


def unjournaled(kind: CommitKind) -> Callable[[Thief], object]:
    """The journals of a finished restore, and of an open one."""

    def act(thief: Thief) -> object:
        return thief.commit(kind, unjournaled=("restore-1", "restore-open"))

    return act


def redacted(thief: Thief) -> object:
    """Each manifest is replaced by another text of it."""
    chain, seq = thief.org_vault.chain, thief.org_vault.chain.proved().seq + 1
    entries = []
    for number in range(1, seq):
        manifest, head = chain.manifest(number)
        entries.append(put_redaction(thief.org_vault, manifest, head=head, by=seq))
    return thief.commit(CommitKind.ERASE, objects=tuple(entries))


def keys_condemned(thief: Thief) -> object:
    """The keys of the org lie in its folder, too."""
    names = [one.name for one in thief.org_vault.sealed.store.list(f"orgs/{thief.org}/keys/")]
    return thief.commit(CommitKind.ERASE, condemned=tuple(names), withdrawn=tuple(names))


def in_three_steps(thief: Thief) -> object:
    """One commit after the other, each with a part of it."""
    for table in ("Account", "Task"):
        lives = thief.segments(table)
        thief.commit(
            CommitKind.COMPACT,
            tables=thief.without(lives),
            condemned=thief.names(live.entry for live in lives),
            finished=LONG_AGO,
            run=f"thief-{table.lower()}",
        )
    return erased(CommitKind.ERASE)(thief)


ATTACKS: dict[str, Callable[[Thief], object]] = {
    **{f"all condemned by {kind.value}": erased(kind) for kind in REMOVING},
    **{f"documents withdrawn by {kind.value}": withdrawn(kind) for kind in REMOVING[:4]},
    **{f"journals dropped by {kind.value}": unjournaled(kind) for kind in REMOVING[:3]},
    "taken away by a backup": dropped_silently,
    "manifests redacted": redacted,
    "keys condemned": keys_condemned,
    "in three steps": in_three_steps,
}
EVERYWHERE = ("all condemned by erase", "taken away by a backup", "manifests redacted",
              "journals dropped by erase", "documents withdrawn by rekey")  # fmt: skip


def check_all_stays(story: Story, attack: Callable[[Thief], object]) -> None:
    journal = story.vault.journal(story.org, "restore-open")
    journal.append(b'{"plan": 1}')
    before, shown = objects(story), backups(story)
    attack(thief_of(story))
    thirty_days(story)
    after = objects(story)
    assert {name: after.get(name) for name in before} == before
    for removal in story.vault.removals(story.org).pending():
        story.vault.removals(story.org).reject(removal.number)
    assert backups(story) == shown
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_maintenance_removes_nothing_for_thirty_days(
    small: Story, attack: Callable[[Thief], object]
) -> None:
    check_all_stays(small, attack)


@pytest.mark.parametrize("name", EVERYWHERE)
def test_maintenance_removes_nothing_in_any_store(story: Story, name: str) -> None:
    check_all_stays(story, ATTACKS[name])


def test_the_30_days_are_by_the_clock_of_the_home(story: Story) -> None:
    ATTACKS["all condemned by erase"](thief_of(story))
    thirty_days(story)
    before = set(objects(story))
    story.clock.advance(seconds=1)
    assert story.vault.removals(story.org).pending() == ()
    maintain(story)
    assert len(set(objects(story))) < len(before) / 2  # as if the owner had ordered it


def test_own_removals_act_at_once(story: Story) -> None:
    record = RecordKey("Account", vaultstory.account_id(7))
    erase = unconditional(Erase((record,)))
    assert story.vault.apply(story.org, erase, run="own-erase").removed > 0
    assert story.vault.removals(story.org).pending() == ()


def test_an_own_commit_whose_process_died_is_none_of_others(
    small: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = RecordKey("Account", vaultstory.account_id(7))
    removing = "unlost.vault.maintenance.erase.erase_commit.remove_erased"
    monkeypatch.setattr(removing, lambda _vault, state: 1 // (state.seq < 5))
    with pytest.raises(ZeroDivisionError):  # killed between its commit and its cleanup
        small.vault.apply(small.org, unconditional(Erase((record,))), run="own-erase")
    monkeypatch.undo()
    reopened(small)
    before = len(objects(small))
    small.vault.sweep(small.org, run="own-sweep")
    assert small.vault.removals(small.org).pending() == ()
    assert len(objects(small)) < before


def reopened(story: Story) -> EncryptedVault:
    story.vault = open_vault(
        story.store,
        keys=story.keys,
        clock=story.clock,
        entropy=story.entropy,
        witness=story.witness,
        ledger=story.ledger,
    )
    return story.vault


def test_the_pieces_of_an_open_backup_stay(story: Story) -> None:
    """A commit condemns what is in no commit yet."""
    commit = story.vault.begin(story.org, run="night-4", kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(vaultstory.WIDER)
    piece = story.add(commit, "Task", [story.rows(vaultstory.tasks(3_100))])
    thief = thief_of(story)
    written = [one.name for one in story.store.list(object_names.segments(story.org))]
    thief.commit(CommitKind.ERASE, condemned=tuple(written), withdrawn=tuple(written))
    maintain(story)
    made = story.vault.begin(story.org, run="night-5", kind=CommitKind.BACKUP, identity=IDENTITY)
    made.put_schema(vaultstory.WIDER)
    piece = story.add(made, "Task", [story.rows(vaultstory.tasks(3_100))])
    vaultstory.finish(story, made, [piece])
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()


def test_the_mirror_keeps_what_others_removed_from_the_vault(small: Story) -> None:
    """A thief who may delete from the vault, and not from the mirror."""
    mirror = MemoryStore()
    update_mirror(small.vault, mirror)
    before = {one.name for one in mirror.list(f"orgs/{small.org}/data/")}
    thief = thief_of(small)
    erased(CommitKind.COMPACT)(thief)
    for name in before:
        small.store.delete(name)
    done = update_mirror(small.vault, mirror)
    assert before <= {one.name for one in mirror.list("")}
    assert before <= set(done.not_removed)
    for removal in small.vault.removals(small.org).pending():
        small.vault.removals(small.org).confirm(removal.number)
    update_mirror(small.vault, mirror)
    assert not before & {one.name for one in mirror.list("")}


# --- the owner's own work does not follow the state of others -------------------------------------


def test_a_compaction_merges_nothing_by_rows_of_others(
    small: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment that claims to be of an old commit would win over the true one in a merge."""
    merged: list[str] = []
    compacted = "unlost.vault.maintenance.maintained.compact"
    monkeypatch.setattr(compacted, lambda _vault, run, pause: merged.append(run))
    thief = thief_of(small)
    true = thief.segments("Account")[0].entry
    forged = TablePart("Account", segments=(true.__replace__(first=1, last=1),))
    thief.commit(CommitKind.BACKUP, tables=(forged,))
    assert small.vault.compact(small.org, run="c1").snapshot is None
    small.clock.advance(seconds=PATIENCE.total_seconds())
    small.vault.compact(small.org, run="c2")
    assert merged == ["c2"]


OPERATIONS = [
    Forget(KeepRules(days=1)),
    Erase((RecordKey("Account", vaultstory.account_id(7)),)),
    Rectify(RecordKey("Account", vaultstory.account_id(7)), (RightValue("Name", "Anne"),)),
    Salvage(),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: type(each).__name__)
def test_nothing_is_forgotten_or_erased_while_a_commit_of_others_waits(
    small: Story, operation: Any
) -> None:
    thief_of(small).commit(CommitKind.BACKUP)
    with pytest.raises(Conflict) as refused:
        small.vault.apply(small.org, unconditional(operation), run="own-1")
    assert refused.value.code == "removals-wait"
    (removal,) = small.vault.removals(small.org).pending()
    assert (removal.objects, removal.bytes, removal.hidden) == (0, 0, ())
    small.vault.removals(small.org).confirm(removal.number)
    small.vault.apply(small.org, unconditional(operation), run="own-2")


def test_a_legal_hold_lifted_by_others_forgets_nothing(small: Story) -> None:
    everything = HoldTarget(HoldScope.ORG)
    held = Hold(everything, reason="a lawsuit", by="the owner")
    small.vault.change_holds(small.org, placed=[held], run="own-hold")
    maintained(small)
    thief_of(small).vault.change_holds(small.org, lifted=[everything], run="by-a-thief")
    with pytest.raises(Conflict):
        small.vault.apply(small.org, unconditional(Forget(KeepRules(days=1))), run="own-1")


def test_backups_that_others_hid_are_not_forgotten_after_a_rejection(small: Story) -> None:
    """No commit can show them again, so all of their versions stay."""
    shown = backups(small, 1)
    number = thief_of(small).commit(CommitKind.FORGET, forgotten=(1, 2, 3))
    (removal,) = small.vault.removals(small.org).pending()
    assert removal.hidden == (1, 2, 3)
    done = small.vault.removals(small.org).reject(number)
    assert (done.snapshot, done.hidden, done.remaining) == (None, (1, 2, 3), 0)
    with pytest.raises(Conflict) as refused:
        small.vault.apply(small.org, unconditional(Forget(KeepRules(days=1))), run="own-1")
    assert refused.value.code == "removals-wait"
    assert backups(small, 1) == shown
    (kept,) = small.vault.removals(small.org).pending()
    assert kept.rejected
    record = RecordKey("Account", vaultstory.account_id(7))
    small.vault.apply(small.org, unconditional(Erase((record,))), run="own-2")
    small.vault.removals(small.org).confirm(number)
    assert small.vault.removals(small.org).pending() == ()


# --- which commits are of others ------------------------------------------------------------------


def test_a_commit_under_the_name_of_an_own_run_is_of_others(small: Story) -> None:
    """The owner's run finds it, and makes it durable again."""
    thief_of(small).commit(CommitKind.BACKUP, run="night-4", **without_all(thief_of(small)))
    commit = small.vault.begin(small.org, run="night-4", kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.finish([], as_of=small.clock.now())
    (removal,) = small.vault.removals(small.org).pending()
    assert removal.number == 5


def test_a_new_home_knows_what_still_exists(small: Story) -> None:
    """It has no list of own commits, and what is gone for good is no news."""
    record = RecordKey("Account", vaultstory.account_id(7))
    small.vault.apply(small.org, unconditional(Erase((record,))), run="own-erase")
    erased(CommitKind.COMPACT)(thief_of(small))
    small.ledger = ProcessLedger()
    removals = reopened(small).removals(small.org).pending()
    assert [removal.number for removal in removals] == [6]
    assert removals[0].bytes > 0


def test_a_vault_without_a_home_removes_nothing_of_others(small: Story) -> None:
    before = set(objects(small))
    erased(CommitKind.ERASE)(thief_of(small))
    vault = open_vault(small.store, keys=small.keys, clock=small.clock, entropy=small.entropy)
    vault.sweep(small.org, run="s1")
    assert before <= set(objects(small))


def test_folders_and_names_outside_the_org_are_not_taken(small: Story) -> None:
    others = (f"orgs/{small.org}/data/", "vault.json", "orgs/" + "0" * 32 + "/data/00/00")
    thief_of(small).commit(CommitKind.CONDEMN, condemned=others, unjournaled=("../..",))
    (commit,) = small.vault.org_vault(small.org).foreign.undecided()
    assert commit.objects == (f"orgs/{small.org}/journal/../../",)


def test_a_look_at_own_commits_reads_no_object(
    small: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        small.vault.change_holds(
            small.org, placed=[Hold(HoldTarget(HoldScope.ORG), "why", "me")], run=f"h{number}"
        )
    foreign = small.vault.org_vault(small.org).foreign
    monkeypatch.setattr(small.store, "get", pytest.fail)
    foreign.look()
    assert small.ledger.examined(small.org) == 7
    assert small.ledger.foreign(small.org) == []


# --- rejecting ------------------------------------------------------------------------------------


def test_a_rejection_puts_everything_back(story: Story) -> None:
    shown = {number: backups(story, number) for number in (1, 2, 3)}
    thief = thief_of(story)
    number = thief.commit(
        CommitKind.SALVAGE,
        **without_all(thief),
        condemned=tuple(thief.everything()),
        withdrawn=tuple(thief.documents("orgs/")),
        unjournaled=("restore-1",),
    )
    done = story.vault.removals(story.org).reject(number)
    assert done.snapshot == number + 1
    assert set(TABLES) <= set(done.tables)
    assert (done.packs > 0, done.documents > 0, done.journals) == (True, True, ("restore-1",))
    assert done.remaining == 0
    assert {number: backups(story, number) for number in (1, 2, 3)} == shown
    assert list(story.vault.journal(story.org, "restore-1").read()) == list(vaultstory.ENTRIES)
    states = {
        state.table: state
        for state in story.vault.at(story.org, done.snapshot, forgotten=True).tables().values()
    }
    assert states["Account"].cursor is None
    assert story.vault.removals(story.org).pending() == ()
    story.clock.advance(days=8)
    maintain(story)  # the earlier segments go, as after a merge
    assert {number: backups(story, number) for number in (1, 2, 3)} == shown
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_rejection_can_be_repeated(small: Story) -> None:
    shown = backups(small)
    thief = thief_of(small)
    number = thief.commit(CommitKind.BACKUP, **without_all(thief), unjournaled=("restore-1",))
    first = small.vault.removals(small.org).reject(number)
    # As after a crash before the home has noted what remains.
    before = small.ledger.foreign(small.org)[0]
    taken = small.vault.org_vault(small.org).foreign
    assert taken.known_guard().refused == {number}
    again = small.vault.removals(small.org).reject(before.seq)
    assert again.snapshot == first.snapshot
    assert backups(small) == shown
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_commits_are_rejected_in_their_order(small: Story) -> None:
    thief = thief_of(small)
    first = thief.commit(CommitKind.BACKUP, run="thief-1")
    second = thief.commit(CommitKind.BACKUP, run="thief-2")
    with pytest.raises(Conflict) as refused:
        small.vault.removals(small.org).reject(second)
    assert refused.value.code == "removal-order"
    for number in (first, second):
        assert small.vault.removals(small.org).reject(number).snapshot is None
    assert small.vault.removals(small.org).pending() == ()


def test_what_does_not_wait_cannot_be_decided(small: Story) -> None:
    removals = small.vault.removals(small.org)
    for decide in (removals.confirm, removals.reject):
        with pytest.raises(NotFound) as refused:
            decide(2)
        assert refused.value.code == "removal-unknown"


def test_objects_that_cannot_be_put_back_stay_until_they_are_confirmed(small: Story) -> None:
    """Remains of a failed run that the owner would have swept."""
    stray = f"orgs/{small.org}/data/ff/{'f' * 40}"
    small.store.put_new(stray, b"remains")
    number = thief_of(small).commit(CommitKind.CONDEMN, condemned=(stray,), finished=LONG_AGO)
    assert small.vault.removals(small.org).reject(number).remaining == 1
    small.clock.advance(days=40)
    maintain(small)
    assert small.store.size(stray) is not None
    small.vault.removals(small.org).confirm(number)
    maintain(small)
    small.clock.advance(days=8)
    maintain(small)
    assert small.store.size(stray) is None


def test_segments_in_the_place_of_others_are_taken_out_again(small: Story) -> None:
    """A compaction of others that changed what it merged."""
    shown = backups(small)
    thief = thief_of(small)
    lives = thief.segments("Contact")
    forged = thief.segments("Contact")[-1].entry
    part = TablePart(
        "Contact",
        segments=(forged.__replace__(first=1, last=3),),
        removed=tuple(live.entry.id for live in lives),
    )
    number = thief.commit(CommitKind.COMPACT, tables=(part,))
    small.vault.removals(small.org).reject(number)
    assert backups(small) == shown
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_certificate_in_the_place_of_another_is_taken_out_again(small: Story) -> None:
    thief = thief_of(small)
    (old, *_) = thief.documents(object_names.certificates(small.org))
    new = object_names.certificate(small.org, "night-1", 7)
    small.store.put_new(new, small.store.get(old))
    entry = thief.org_vault.chain.live().objects[old]
    number = thief.commit(
        CommitKind.SALVAGE,
        objects=(ObjectEntry(new, entry.bytes, entry.blake3),),
        withdrawn=(old,),
        recertified={old: new},
    )
    small.vault.removals(small.org).reject(number)
    assert small.vault.snapshots(small.org)[0].certificate == old


def test_an_earlier_redaction_stands_again(small: Story) -> None:
    """Own redactions, which others replaced by theirs."""
    record = RecordKey("Account", vaultstory.account_id(7))
    small.vault.apply(small.org, unconditional(Erase((record,))), run="own-erase")
    maintained(small)
    shown = backups(small)
    redacted(thief_of(small))
    (removal,) = small.vault.removals(small.org).pending()
    small.vault.removals(small.org).reject(removal.number)
    thirty = timedelta(days=31)
    small.clock.advance(seconds=thirty.total_seconds())
    maintain(small)
    assert backups(small) == shown
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_repair_that_fails_is_done_the_next_time(
    small: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, thief = backups(small), thief_of(small)
    number = thief.commit(CommitKind.BACKUP, **without_all(thief))

    def full(*_: object) -> None:
        raise StoreError("store-full", "The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr("unlost.vault.maintenance.put_back.Merger.merge", full)
        with pytest.raises(StoreError):
            small.vault.removals(small.org).reject(number)
    (removal,) = small.vault.removals(small.org).pending()
    assert removal.rejected
    small.clock.advance(seconds=(2 * PATIENCE).total_seconds())
    maintain(small)
    assert small.vault.removals(small.org).reject(number).snapshot == number + 1
    assert backups(small) == shown


def test_a_repair_that_was_killed_is_finished(
    small: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its commit, before the other journal is proved and the home has noted the rest."""
    second_restore(small)
    shown, thief = backups(small), thief_of(small)
    lost = {**without_all(thief), "unjournaled": ("restore-1", "restore-2")}
    number = thief.commit(CommitKind.SALVAGE, **lost)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("unlost.vault.maintenance.put_back._prove_again", killed)
        with pytest.raises(KeyboardInterrupt):
            small.vault.removals(small.org).reject(number)
    done = small.vault.removals(small.org).reject(number)
    assert (done.snapshot, done.remaining) == (number + 1, 0)
    assert small.vault.commits(small.org)[-1].number == number + 2
    assert set(small.vault.journals(small.org)) == {"restore-1", "restore-2"}
    assert backups(small) == shown
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def second_restore(story: Story) -> None:
    commit = story.vault.begin(
        story.org, run="restore-2", kind=CommitKind.RESTORE, identity=IDENTITY
    )
    story.vault.journal(story.org, "restore-2").append(b"{}")
    commit.finish([], as_of=story.clock.now())
    maintained(story)


def test_all_journals_are_proved_again(small: Story) -> None:
    second_restore(small)
    unjournaled(CommitKind.ERASE)(thief_of(small))
    number = thief_of(small).commit(CommitKind.ERASE, unjournaled=("restore-2",))
    for removal in small.vault.removals(small.org).pending():
        small.vault.removals(small.org).reject(removal.number)
    assert number == 7
    assert set(small.vault.journals(small.org)) == {"restore-1", "restore-2"}
    small.clock.advance(seconds=(2 * PATIENCE).total_seconds())
    maintain(small)
    assert list(small.vault.journal(small.org, "restore-1").read()) == list(vaultstory.ENTRIES)


def test_own_commits_between_those_of_others_are_own(small: Story) -> None:
    thief_of(small).commit(CommitKind.BACKUP, run="thief-1")
    hold = Hold(HoldTarget(HoldScope.ORG), "why", "me")
    own = small.vault.change_holds(small.org, placed=[hold], run="own-hold").number
    thief_of(small).commit(CommitKind.BACKUP, run="thief-2")
    numbers = [removal.number for removal in small.vault.removals(small.org).pending()]
    assert numbers == [own - 1, own + 1]


def test_redactions_that_were_replaced_since_are_left_alone(small: Story) -> None:
    """Others redact a manifest twice; the first redaction is not live any more."""
    redacted(thief_of(small))
    redacted(thief_of(small))
    first, second = small.vault.removals(small.org).pending()
    for removal in (first, second):
        small.vault.removals(small.org).reject(removal.number)
    assert backups(small)
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_rekey_does_not_lose_what_waits_under_an_earlier_key(small: Story) -> None:
    """Manifests that others redacted, and documents that they withdrew."""
    redacted(thief_of(small))
    withdrawn(CommitKind.REKEY)(thief_of(small))
    before = objects(small)
    renewed(small)
    done = small.vault.rekey(small.org, run="own-rekey")
    assert (done.complete, done.objects) == (False, 0)
    assert done.waiting > 0
    keys = f"orgs/{small.org}/keys/"  # wrapped anew
    assert {name for name in before if not name.startswith(keys)} <= set(objects(small))
    for removal in small.vault.removals(small.org).pending():
        small.vault.removals(small.org).reject(removal.number)
    small.vault.rekey(small.org, run="own-rekey-2")
    maintain(small)
    small.clock.advance(days=8)
    maintain(small)
    maintain(small)
    assert small.vault.rekey(small.org, run="own-rekey-3").complete
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_bundles_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """One object has segments of many tables."""
    small = maintained(vaultstory.copied(few=True))
    shown, thief = backups(small), thief_of(small)
    number = thief.commit(
        CommitKind.COMPACT,
        tables=thief.without(thief.segments("Account")),
        condemned=tuple(thief.everything()),
        finished=LONG_AGO,
    )
    small.vault.removals(small.org).reject(number)
    assert backups(small) == shown
    small.clock.advance(days=8)
    maintain(small)
    assert backups(small) == shown
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_records_that_others_suppressed_are_read_again(small: Story) -> None:
    """The repair takes the entries out, and the next backup reads every table in full."""
    thief = thief_of(small)
    record = RecordKey("Account", vaultstory.account_id(7))
    erase = unconditional(Erase((record,)))
    with pytest.raises(StoreError):
        thief.vault.apply(small.org, erase, run="by-a-thief")  # may not delete; but committed
    assert small.vault.erased(small.org, [record]) == {record}
    (removal,) = small.vault.removals(small.org).pending()
    done = small.vault.removals(small.org).reject(removal.number)
    assert small.vault.erased(small.org, [record]) == set()
    tables = small.vault.at(small.org, done.snapshot or 0, forgotten=True).tables()
    assert {state.cursor for state in tables.values()} == {None}
    small.clock.advance(days=8)
    maintain(small)
    assert small.vault.history(small.org, *("Account", record.record))
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()
