"""A thief who can only add objects makes commits that remove; the owner's maintenance waits."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

import vaultstory
from smallvault import SmallVault
from thief import (
    LONG_AGO,
    Thief,
    backups,
    dropped_silently,
    erased,
    maintain,
    maintained,
    objects,
    redacted,
    thief_of,
    unjournaled,
    withdrawn,
    without_all,
)
from unlost.model.errors import Conflict
from unlost.model.plan import RecordKey
from unlost.model.ports.removals import PATIENCE
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.rectification import Rectify, RightValue
from unlost.model.vault.retention import Forget, Hold, HoldScope, HoldTarget, KeepRules
from unlost.model.vault.salvage import Salvage
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.model.vault.store import Store
from unlost.vault.commits.foreign_commits import ProcessLedger, ReaderLedger
from unlost.vault.format.manifest import TablePart
from unlost.vault.layout import object_names
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, open_vault
from vaultstory import IDENTITY, Story

SECOND = timedelta(seconds=1)
REMOVING = [CommitKind.ERASE, CommitKind.RECTIFY, CommitKind.SALVAGE, CommitKind.REKEY,
            CommitKind.COMPACT, CommitKind.CONDEMN, CommitKind.FORGET]  # fmt: skip


@pytest.fixture
def story(each_store: Store) -> Story:
    """Three nights with files and a restore, as the owner's last maintenance left them."""
    return maintained(vaultstory.copied(each_store))


@pytest.fixture
def small() -> Story:
    """The same in memory."""
    return maintained(vaultstory.copied())


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


# --- nothing of it is removed ---------------------------------------------------------------------


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
    compacted = "unlost.vault.maintenance.compactor.compact"
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
    assert (done.hidden, done.remaining) == ((1, 2, 3), 0)
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


def test_names_that_no_object_of_the_org_has_are_not_noted(small: Story) -> None:
    """A thief could fill the home with them."""
    others = (f"orgs/{small.org}/data/", f"orgs/{small.org}/data/00/00", "vault.json")
    thief_of(small).commit(CommitKind.CONDEMN, condemned=others, unjournaled=("../..", "other"))
    (commit,) = small.vault.org_vault(small.org).foreign.undecided()
    assert commit.objects == ()


def test_two_homes_wait_for_each_other(small: Story) -> None:
    """Each removes what it ordered, and asks about the rest."""
    other = open_vault(small.store, keys=small.keys, clock=small.clock, entropy=small.entropy)
    record = RecordKey("Account", vaultstory.account_id(7))
    other.apply(small.org, unconditional(Erase((record,))), run="of-the-other")
    (removal,) = small.vault.removals(small.org).pending()
    assert (removal.kind, removal.objects, removal.bytes) == (CommitKind.ERASE, 0, 0)
    assert other.removals(small.org).pending() == ()
    small.vault.removals(small.org).confirm(removal.number)
    small.vault.apply(small.org, unconditional(Erase((record,))), run="own-erase")


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


def test_a_program_without_a_home_read_the_commits_of_years_at_each_start() -> None:
    """It uses the checkpoints of the home; a home uses only its own."""
    small = SmallVault()
    for number in range(40):
        small.night(f"night-{number}", ("a", "U", {"Name": str(number)}))
    reads: dict[str, int] = {}
    for name, ledger in (("reader", ReaderLedger()), ("home", ProcessLedger())):
        counted = CountedStore(small.store)
        vault = open_vault(cast("Store", counted), keys=small.keys.for_store(small.store),
                           clock=small.clock, entropy=small.entropy, ledger=ledger)  # fmt: skip
        assert vault.orgs().keys() == {small.org}
        reads[name] = sum("/commits/" in read for read in counted.reads)
    assert reads["reader"] <= 16 + 1 < 40 <= reads["home"]


class CountedStore:
    """A store that notes which objects are read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reads: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def get(self, name: str) -> bytes:
        """Note the name, and read."""
        self.reads.append(name)
        return self._store.get(name)
