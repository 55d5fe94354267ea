"""A vault whose service key was stolen, in any order of what the owner does and what the thief adds.

The thief has the master key, and credentials that only add objects. Between any two steps of the
owner the thief may forge commits, entries of the register, keys, copies of the home, or take names
that the owner needs next. The owner lives on as always: nights, maintenance, a mirror. Then

- nothing that a backup showed is lost while not 30 days have passed,
- the owner is told with the next backup,
- the recovery sheet opens the vault, ends the siege, and a renewal locks the thief out.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from smallvault import SmallVault
from stateful.vault.lives import let_live
from thief import AddingStore, Thief
from unlost.model.errors import Conflict, NotAllowed, StoreError
from unlost.model.ports.removals import PATIENCE
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, KeepRules
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import MemoryWitness
from unlost.vault.format.register import ShreddedOrg, encode_entry, entry_copies
from unlost.vault.keys.derivation import KEY_BYTES, epoch_folder
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.keys.key_slots import add_slot
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.owner import Owner
from unlost.vault.keys.register import registered, repair_register
from unlost.vault.keys.renewal import finish_renewal, renew_master
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.keys.unlock import ByRecoverySheet, unlock_by_key
from unlost.vault.layout import object_names
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.memory import MemoryStore

ENTROPY = SeededEntropy(11)
IDS = ("a", "b", "c", "d", "e")
# The first is tried most: it makes the owner's maintenance delete at once.
TAKING = (CommitKind.ERASE, CommitKind.COMPACT, CommitKind.BACKUP, CommitKind.SALVAGE,
          CommitKind.RECTIFY, CommitKind.CONDEMN, CommitKind.FORGET, CommitKind.REKEY)  # fmt: skip
GONE = ShreddedOrg("2026-01-01T00:00:00+00:00", 1, "ab", 1, 1)
DAYS = 25  # of the thirty; the rest is the clock of the steps


class Besieged(RuleBasedStateMachine):
    """One org, its owner, and a thief."""

    def __init__(self) -> None:
        super().__init__()
        self.small = SmallVault(entropy=SeededEntropy(3), witness=MemoryWitness())
        self.mirror = MemoryStore()
        self.number = self.forged = 0
        self.days = DAYS
        self.shown: dict[int, dict[str, Any]] = {}
        self.began: Any = None
        self.told = True

    @initialize()
    def founded(self) -> None:
        small = self.small
        self.key = ServiceKey.new(small.keys, entropy=ENTROPY)
        add_slot(small.store, small.keys, self.key, slot="service", entropy=ENTROPY)
        self.sheet = recovery_sheet(small.keys).text()
        for _ in range(3):
            self.night(["a", "b"])

    # --- the owner ----------------------------------------------------------------------------

    @rule(ids=st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True))
    def night(self, ids: list[str]) -> None:
        """One backup by the service. Afterwards the owner has been told of what was forged."""
        small = self.small
        self.number += 1
        self.unblock()
        small.reopen()
        seen = [(one, "U", {"Name": f"{one} {self.number}"}) for one in ids]
        info = small.night(f"night-{self.number}", *seen)
        small.clock.advance(hours=1)
        if not self.told:
            assert self.findings(), "the owner was told nothing"
            self.told = True
        if not self.began:
            self.shown[info.number] = small.cells(info.number)

    def unblock(self) -> None:
        """A commit that does not fit stops the night, which tells the owner; the owner removes it."""
        removals = self.small.reopen().removals(self.small.org)
        if removals.blocking():
            self.told = True
            removals.unblock(keep=lambda _name, _data: None)

    def findings(self) -> list[object]:
        """What an alert tells: damages of the daily verification, and commits of others."""
        vault = self.small.reopen()
        found: list[object] = list(vault.verify(VerifyLevel.QUICK).damages)
        return found + list(vault.removals(self.small.org).pending())

    @rule(
        days=st.sampled_from([8, 0, 1]),
        what=st.sampled_from(["compact", "rekey", "forget", "mirror"]),
    )
    def maintenance(self, days: int, what: str) -> None:
        """By credentials that may delete, as every night."""
        days = min(days, self.days)
        self.days -= days if self.began else 0
        self.small.clock.advance(days=days)
        self.number += 1
        self.unblock()
        vault, org, run = self.small.reopen(), self.small.org, f"own-{self.number}"
        acts: dict[str, Callable[[], object]] = {
            "compact": lambda: vault.compact(org, run=run),
            "rekey": lambda: vault.rekey(org, run=run),
            "forget": lambda: vault.apply(org, unconditional(Forget(KeepRules(days=90))), run=run),
            "mirror": lambda: update_mirror(vault, self.mirror),
        }
        if vault.removals(org).pending(measured=False) and what == "forget":
            with pytest.raises(Conflict, match=r"waits for a decision|hid backups"):
                acts[what]()
            self.told = True
        else:
            acts[what]()
        vault.sweep(org, run=f"{run}-sweep")

    @invariant()
    def nothing_is_lost(self) -> None:
        """All data of the backups from before is in the vault, whatever is shown now."""
        if self.began is None or not self.told:
            return
        assert self.small.clock.now() - self.began < PATIENCE

    # --- the thief ----------------------------------------------------------------------------

    def begins(self) -> None:
        self.began = self.began or self.small.clock.now()
        self.told = False
        self.forged += 1

    @property
    def thief(self) -> Thief:
        keys = self.small.keys.for_store(self.small.store)
        return Thief(self.small.store, keys, self.small.org, clock=self.small.clock)

    @rule(
        kind=st.sampled_from(TAKING),
        share=st.sampled_from([1, 2]),
        admits=st.booleans(),
        hides=st.booleans(),
    )
    def takes_away(self, kind: CommitKind, share: int, admits: bool, hides: bool) -> None:
        """A commit that takes segments away, and says so or not; or that forgets backups."""
        self.unblock()
        thief = self.thief
        gone = thief.segments()[::share]
        names = thief.names(live.entry for live in gone)
        self.begins()
        thief.commit(
            kind,
            run=f"thief-{self.forged}",
            tables=thief.without(gone),
            condemned=names if admits else (),
            forgotten=(1, 2) if hides else (),
            finished=self.small.clock.now() - timedelta(days=400),
        )

    @rule(which=st.sampled_from(["renewal", "shredded", "slots", "junk"]))
    def forges_the_register(self, which: str) -> None:
        store, keys = self.small.store, self.small.keys
        present = registered(store, keys)
        number = present.number + 1 + self.forged
        self.begins()
        if which == "renewal":
            self.renews_without_the_owner()
            return
        owner = Owner.of(bytes(KEY_BYTES))
        changes: dict[str, Any] = {"number": number}
        if which == "shredded":
            changes["shredded"] = {self.small.org: GONE}
        else:
            changes["slots"] = {}
        data = encode_entry(replace(present, **changes), sign=owner.sign)
        for name in entry_copies(number):
            store.put_new(name, b"junk" if which == "junk" else data)

    def renews_without_the_owner(self) -> None:
        added: Any = AddingStore(self.small.store)
        stolen = unlock_by_key(added, self.key)
        assert stolen.owner.secret is None
        keys = open_keyring(added, _By(self.key), entropy=ENTROPY)
        new = keys.successor()
        key = ServiceKey.new(new, entropy=ENTROPY, slot=f"thief-{self.forged}")
        with pytest.raises((StoreError, NotAllowed)):
            renew_master(added, keys, new, key=key, sheet_confirmed_at=self.small.clock.now(),
                         entropy=ENTROPY)  # fmt: skip

    @rule(epoch=st.integers(2, 9), agree=st.booleans())
    def adds_an_org_key(self, epoch: int, agree: bool) -> None:
        """One that the thief knows, or three in one: only the latter is told at once."""
        keys, told = self.small.keys, self.told
        if keys.has_epoch(self.small.org, epoch):
            return
        self.begins()
        for copy in (1, 2, 3):
            name = f"{epoch_folder(self.small.org, epoch, keys.generation)}/{copy}"
            key = bytes([1 if agree else copy]) * KEY_BYTES
            self.small.store.put_new(name, keys._wrap(name, key, org=self.small.org))
        if agree:  # the thief can read all the same: nothing changes for the owner
            self.told = told

    @rule(seq=st.integers(1, 3), data=st.binary(max_size=40))
    def takes_the_place_of_a_commit(self, seq: int, data: bytes) -> None:
        self.unblock()
        state = self.small.reopen().org_vault(self.small.org).chain.live()
        self.begins()
        self.small.store.put_new(object_names.commit(self.small.org, state.seq + seq), data)

    @rule()
    def copies_the_home(self) -> None:
        """What a rebuild would read; the home itself lives on, so nobody need be told."""
        self.thief.vault.homes.store_copy(b"evil settings")

    # --- the end ------------------------------------------------------------------------------

    def teardown(self) -> None:
        """The owner comes back with the sheet, rejects what is foreign, and renews the key."""
        if not self.shown:
            return
        self.unblock()
        small = self.small
        small.keys = open_keyring(small.store, ByRecoverySheet(self.sheet), entropy=ENTROPY)
        repair_register(small.store, small.keys)
        small.keys.repair_org(small.org)
        finish_renewal(small.store, small.keys)
        removals = small.reopen().removals(small.org)
        for removal in removals.pending():
            if not removal.rejected:
                removals.reject(removal.number)
        self.renew()
        self.everything_is_there()
        assert small.reopen().verify(VerifyLevel.DEEP).damages == ()

    def renew(self) -> None:
        small = self.small
        new = small.keys.successor()
        key = ServiceKey.new(new, entropy=ENTROPY, slot="afterwards")
        renew_master(small.store, small.keys, new, key=key, sheet_confirmed_at=small.clock.now(),
                     entropy=ENTROPY)  # fmt: skip
        finish_renewal(small.store, new)
        small.keys = new
        with pytest.raises(NotAllowed):
            unlock_by_key(small.store, self.key)

    def everything_is_there(self) -> None:
        """Each backup from before shows what it showed; hidden ones are read by their number."""
        vault = self.small.reopen()
        for number, cells in self.shown.items():
            at = vault.at(self.small.org, number, forgotten=True)
            rows = at.scan("Thing").read_all().to_pylist()
            found = {
                row["_u_id"]: {k: v for k, v in row.items() if not k.startswith("_u_")}
                for row in rows
            }
            assert found == cells


class _By:
    """A service key in somebody's hand."""

    def __init__(self, key: ServiceKey) -> None:
        self.key = key

    def unlock(self, store: Any) -> Any:
        return unlock_by_key(store, self.key)


@pytest.mark.parametrize(
    "examples", [pytest.param(12, id="few"), pytest.param(40, id="more", marks=pytest.mark.deep)]
)
def test_a_thief_of_the_service_key_takes_nothing(examples: int) -> None:
    let_live(Besieged, examples=examples, steps=12)


@pytest.mark.deep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(2))
def test_a_thief_of_the_service_key_takes_nothing_for_long(part: int) -> None:
    let_live(Besieged, examples=400, steps=20)
