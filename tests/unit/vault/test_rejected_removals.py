"""A rejected commit: nothing of what it took is removed, and a repair puts back what it can."""

from dataclasses import replace

import pytest

import vaultstory
from thief import (
    LONG_AGO,
    TABLES,
    backups,
    maintain,
    maintained,
    objects,
    redacted,
    thief_of,
    unjournaled,
    withdrawn,
    without_all,
)
from unit.vault.test_foreign_removals import small, story
from unit.vault.test_rekey import renewed
from unlost.model.errors import Conflict, NotFound, StoreError
from unlost.model.plan import RecordKey
from unlost.model.ports.removals import PATIENCE
from unlost.model.source.reading import Cursor
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.past_salvage import PastSalvage
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.model.vault.store import Store
from unlost.vault.format.manifest import ObjectEntry, TablePart
from unlost.vault.layout import object_names
from vaultstory import IDENTITY, Story

__all__ = ["small", "story"]


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
    (claimed,) = story.vault.past_operations(story.org, PastSalvage)  # the repair is none
    assert claimed.run == "by-a-thief"
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
        assert small.vault.removals(small.org).reject(number).tables == ()
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
    small.clock.advance(days=31)
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


def test_a_rekey_of_a_bundle_does_not_lose_a_part_of_it(each_store: Store) -> None:
    """Others took one table out of an object that other tables still need."""
    small = maintained(vaultstory.copied(each_store, few=True))
    shown, thief = backups(small), thief_of(small)
    lives = thief.segments("Contact")
    number = thief.commit(CommitKind.COMPACT, tables=thief.without(lives), finished=LONG_AGO)
    renewed(small)
    for _ in range(3):
        assert not small.vault.rekey(small.org, run="own-rekey").complete
        small.vault.sweep(small.org, run="own-sweep")
        small.clock.advance(days=8)
    assert small.vault.removals(small.org).reject(number).tables == ("Contact",)
    assert backups(small) == shown
    maintain(small)
    small.clock.advance(days=8)
    maintain(small)
    maintain(small)
    assert small.vault.rekey(small.org, run="own-rekey-9").complete
    assert backups(small) == shown
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_claims_of_others_about_the_org_are_not_carried_on(small: Story) -> None:
    """Cursors in the future, counts, another tenant: the next backup would read nothing."""
    chain = small.vault.org_vault(small.org).chain
    true = chain.manifest(4)[0]
    states = tuple(
        replace(state, cursor=Cursor("2999"), alive=0, deleted=0) for state in true.states
    )
    others = replace(IDENTITY, tenant="00D000000000099EAA")
    thief = thief_of(small)
    for run in ("thief-1", "thief-2"):
        thief.commit(CommitKind.BACKUP, states=states, identity=others, schema="", run=run)
    for removal in small.vault.removals(small.org).pending():
        small.vault.removals(small.org).reject(removal.number)
    now = chain.manifest(chain.live().seq)[0]
    assert (now.identity, now.schema) == (true.identity, true.schema)
    assert [(state.alive, state.deleted) for state in now.states] == [
        (state.alive, state.deleted) for state in true.states
    ]
    assert {state.cursor for state in now.states} == {None}
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
