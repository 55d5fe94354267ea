"""The vault on a disk that forgets what was not synced: the power goes while it does anything, in any order.

What is cut off has happened wholly or not at all, and what was done before stays. A copy of the vault in
memory, to which the same is done in peace, says how it looks when it is done; a dictionary of nights, written
without a look at the code, says what they show.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from stateful.vault.lives import let_live
from stateful.vault.model import Seen
from stateful.vault.test_versions import (
    HASHED,
    IDENTITY,
    IDS,
    SHAPES,
    TABLE,
    cells_of,
    rows_of,
    schema_of,
)
from unlost.model.errors import Conflict, NotFound, UnlostError, UsageError
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase, PastErasure
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.rectification import Rectify, RightValue
from unlost.model.vault.retention import Forget, Hold, HoldScope, HoldTarget, KeepRules
from unlost.model.vault.snapshot import CommitKind, TableCommit, VerifyLevel
from unlost.model.vault.store import Store
from unlost.testing.clock import START, VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.vault.commits.foreign_commits import ProcessLedger
from unlost.vault.commits.state import live_objects
from unlost.vault.keys.founding import draft_keyring, recovery_sheet
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.renewal import finish_renewal, renew_master
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.layout import object_names
from unlost.vault.mirror.copying import copy_vault
from unlost.vault.mirror.repair import repair_from
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.stores.unsynced import UnsyncedDisk
from unlost.vault.vault import EncryptedVault, VaultOptions, create_vault, open_vault

KEYS = IDS[:6]
RULES = KeepRules(daily=1)  # all nights of a life are of one day
OPTIONS = VaultOptions(buffer_bytes=150, bundle_from=1)
ROOT = Path("/vault")

type Work = Callable[[EncryptedVault], object]
type Live = dict[str, dict[str, str | None]]


@dataclass(frozen=True)
class Cut:
    """The power goes at this change of the disk (from 1), or behind the last one; None: it stays."""

    at: int | None
    names_survive: bool


CUTS = st.builds(Cut, st.one_of(st.none(), st.integers(1, 12), st.integers(1, 90)), st.booleans())


@st.composite
def seen_rows(draw: st.DrawFn, shape: tuple[str, ...]) -> list[Seen]:
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=5, unique=True))
    ops = [draw(st.sampled_from("UUUUDM")) for _ in keys]
    return [
        Seen(key, op, draw(cells_of(shape)) if op != "M" else None)
        for key, op in zip(keys, ops, strict=True)
    ]


@dataclass(frozen=True)
class Night:
    """A backup that is to be made, or was begun."""

    run: str
    seen: list[Seen]
    shape: tuple[str, ...]
    few: bool

    def backup(self, vault: EncryptedVault) -> None:
        """From its beginning to its commit, whatever of it is there already."""
        org = vault.ensure_org(IDENTITY)
        commit = vault.begin(org, run=self.run, kind=CommitKind.BACKUP, identity=IDENTITY)
        commit.put_schema(schema_of(self.shape))
        add = commit.add_few if self.few else commit.add
        added = add(TABLE, [rows_of(self.seen, self.shape, minute=1)])
        commit.finish([TableCommit(TABLE, (added,))], as_of=START)


def picture(vault: EncryptedVault) -> list[object]:
    """All that is shown."""
    org = vault.ensure_org(IDENTITY)
    told: list[object] = []
    for info in vault.snapshots(org):
        at = vault.at(org, info.number)
        told += [info.number, at.tables(), list(at.columns(TABLE))]
        told += [
            at.scan(TABLE).read_all().to_pylist(),
            at.scan_deleted(TABLE).read_all().to_pylist(),
        ]
    for key in KEYS:
        told += [(v.snapshot, v.op, dict(v.cells)) for v in vault.history(org, TABLE, key)]
    told += [sorted(hit.record for hit in vault.search(org, word)) for word in ("x", "NA", "0007")]
    told += [
        vault.holds(org),
        [one.proof.tables for one in vault.past_operations(org, PastErasure)],
    ]
    return told


def counting(cells: dict[str, str | None]) -> dict[str, str]:
    """What makes a version another one: what is not volatile and not empty."""
    return {name: value for name, value in cells.items() if name in HASHED and value is not None}


class Cuts(RuleBasedStateMachine):
    """One org and one table on a disk, a second copy on another one, and at most one open backup."""

    def __init__(self) -> None:
        super().__init__()
        self.disk, self.second = UnsyncedDisk(root=Path("/")), UnsyncedDisk(root=Path("/"))
        self.clock, self.entropy = VirtualClock(), SeededEntropy(7)
        self.runs = count(1)
        self.nights: dict[int, Live] = {}
        self.present: Live = {}
        self.pinned: set[int] = set()
        self.held: set[str] = set()
        self.erased: set[str] = set()
        self.open: Night | None = None
        self.renewals = 0
        self.ledger = ProcessLedger()

    @initialize(data=st.data(), nights=st.integers(0, 4), compacted=st.booleans())
    def found(self, data: st.DataObject, nights: int, compacted: bool) -> None:
        """A vault that has seen some nights."""
        store = self.store(self.disk)
        keys = draft_keyring(store, entropy=self.entropy)
        create_vault(
            store,
            keys=keys,
            clock=self.clock,
            entropy=self.entropy,
            ledger=self.ledger,
            options=OPTIONS,
        )
        self.sheet = recovery_sheet(keys).text()
        self.vault = self.opened(store)
        self.vault.ensure_org(IDENTITY)
        peace = Cut(None, names_survive=True)
        for number in range(nights):
            shape = SHAPES[number % len(SHAPES)]
            few = data.draw(st.booleans())
            self.open = Night(f"run-{next(self.runs)}", data.draw(seen_rows(shape)), shape, few)
            self.go_on(peace)
        if compacted:
            self.compact(peace)

    # --- the power ----------------------------------------------------------------------------

    def store(self, disk: UnsyncedDisk) -> LocalStore:
        store = LocalStore(ROOT, disk=disk)
        store.sweep()
        return store

    def opened(self, store: Store) -> EncryptedVault:
        """The vault as a process finds it that has nothing but the recovery sheet."""
        keys = open_keyring(store, ByRecoverySheet(self.sheet), entropy=self.entropy)
        return open_vault(
            store,
            keys=keys,
            clock=self.clock,
            entropy=self.entropy,
            ledger=self.ledger,
            options=OPTIONS,
        )

    def cut_off(self, disk: UnsyncedDisk, cut: Cut, work: Callable[[], object]) -> bool:
        """Do something until the power goes; True if it came to its end."""
        disk.crash_at = None if cut.at is None else disk.changes + cut.at
        try:
            work()
        except StoreCrash:
            done = False
        else:
            done = True
        disk.crash_at = None
        if cut.at is not None:
            disk.power_cut(names_survive=cut.names_survive)
        return done

    def in_peace(self, work: Work) -> list[object] | type[UnlostError]:
        """What a copy shows to which it is done undisturbed, or how it is refused."""
        copy, source = MemoryStore(), self.vault.sealed.store
        for one in source.list(""):
            copy.put_new(one.name, source.get(one.name))
        vault = self.opened(copy)
        try:
            work(vault)
        except (Conflict, NotFound, UsageError) as error:
            return type(error)
        return picture(self.opened(copy))

    def attempt(self, work: Work, cut: Cut) -> bool:
        """Do something to the vault, perhaps without power; True if it is done."""
        before, after = picture(self.vault), self.in_peace(work)
        if isinstance(after, type):
            with pytest.raises(after):
                work(self.vault)
            assert picture(self.vault) == before
            assert after is not Conflict or self.open or self.pinned or self.held
            return False
        done = self.cut_off(self.disk, cut, lambda: work(self.vault))
        self.vault = self.opened(self.store(self.disk))
        shown = picture(self.vault)
        assert shown == after if done else shown in (before, after)
        return shown == after

    # --- what is done -------------------------------------------------------------------------

    @precondition(lambda self: self.open is None)
    @rule(data=st.data(), shape=st.sampled_from(SHAPES), few=st.booleans(), cut=CUTS)
    def night(self, data: st.DataObject, shape: tuple[str, ...], few: bool, cut: Cut) -> None:
        self.open = Night(f"run-{next(self.runs)}", data.draw(seen_rows(shape)), shape, few)
        self.go_on(cut)

    @precondition(lambda self: self.open is not None)
    @rule(cut=CUTS)
    def go_on(self, cut: Cut) -> None:
        """The next process goes on with the run."""
        own = self.open
        assert own is not None
        if self.attempt(own.backup, cut):
            self.open = None
            for row in own.seen:
                before = self.present.pop(row.id, None)
                if row.op == "U" and row.cells is not None and row.id not in self.erased:
                    same = before is not None and counting(before) == counting(row.cells)
                    self.present[row.id] = before if same and before else row.cells
            self.nights[self.numbers()[-1]] = dict(self.present)

    @precondition(lambda self: self.open is not None)
    @rule(cut=CUTS)
    def give_up(self, cut: Cut) -> None:
        run = self.open.run if self.open else ""

        def work(vault: EncryptedVault) -> None:
            org = vault.ensure_org(IDENTITY)
            vault.begin(org, run=run, kind=CommitKind.BACKUP, identity=IDENTITY).abandon()

        before = picture(self.vault)
        if self.cut_off(self.disk, cut, lambda: work(self.vault)):
            self.open = None
        self.vault = self.opened(self.store(self.disk))
        assert picture(self.vault) == before

    @rule(cut=CUTS)
    def compact(self, cut: Cut) -> None:
        run = f"compact-{next(self.runs)}"
        self.attempt(lambda vault: vault.compact(vault.ensure_org(IDENTITY), run=run), cut)

    @rule(days=st.integers(0, 9), cut=CUTS)
    def sweep(self, days: int, cut: Cut) -> None:
        self.clock.advance(days=days)
        run = f"sweep-{next(self.runs)}"
        self.attempt(lambda vault: vault.sweep(vault.ensure_org(IDENTITY), run=run), cut)

    @precondition(lambda self: self.nights)
    @rule(data=st.data(), cut=CUTS)
    def hold_a_night(self, data: st.DataObject, cut: Cut) -> None:
        number = data.draw(st.sampled_from(sorted(self.nights)))
        if self.hold(HoldTarget(HoldScope.NIGHT, backup=number), cut):
            self.pinned.add(number)

    @rule(key=st.sampled_from(KEYS), cut=CUTS)
    def hold_a_record(self, key: str, cut: Cut) -> None:
        if self.hold(HoldTarget(HoldScope.RECORD, table=TABLE, record=key), cut):
            self.held.add(key)

    def hold(self, thing: HoldTarget, cut: Cut) -> bool:
        """Cut off before its commit, it leaves a run that whoever holds next closes."""
        run, holds = f"hold-{next(self.runs)}", (Hold(thing),)
        return self.attempt(
            lambda vault: vault.change_holds(vault.ensure_org(IDENTITY), placed=holds, run=run), cut
        )

    @precondition(lambda self: self.pinned or self.held)
    @rule(cut=CUTS)
    def lift_all(self, cut: Cut) -> None:
        nights = (HoldTarget(HoldScope.NIGHT, backup=number) for number in sorted(self.pinned))
        records = (
            HoldTarget(HoldScope.RECORD, table=TABLE, record=key) for key in sorted(self.held)
        )
        run, things = f"lift-{next(self.runs)}", (*nights, *records)
        if self.attempt(
            lambda vault: vault.change_holds(vault.ensure_org(IDENTITY), lifted=things, run=run),
            cut,
        ):
            self.pinned, self.held = set(), set()

    @precondition(lambda self: self.nights)
    @rule(cut=CUTS)
    def forget(self, cut: Cut) -> None:
        run = f"forget-{next(self.runs)}"
        if self.attempt(
            lambda vault: vault.apply(
                vault.ensure_org(IDENTITY), unconditional(Forget(RULES)), run=run
            ),
            cut,
        ):
            kept = {max(self.nights), *self.pinned}
            self.nights = {number: live for number, live in self.nights.items() if number in kept}

    @precondition(lambda self: self.nights)
    @rule(keys=st.sets(st.sampled_from(KEYS), min_size=1, max_size=2), cut=CUTS)
    def erase(self, keys: set[str], cut: Cut) -> None:
        run = f"erase-{next(self.runs)}"
        wish = Erase(tuple(RecordKey(TABLE, key) for key in sorted(keys)))
        if self.attempt(
            lambda vault: vault.apply(vault.ensure_org(IDENTITY), unconditional(wish), run=run), cut
        ):
            self.erased |= keys
            for live in (self.present, *self.nights.values()):
                for key in keys:
                    live.pop(key, None)

    @precondition(lambda self: self.nights)
    @rule(key=st.sampled_from(KEYS), value=st.sampled_from([None, "right"]), cut=CUTS)
    def rectify(self, key: str, value: str | None, cut: Cut) -> None:
        run = f"rectify-{next(self.runs)}"
        wish = Rectify(RecordKey(TABLE, key), (RightValue("Name", value),))
        if self.attempt(
            lambda vault: vault.apply(vault.ensure_org(IDENTITY), unconditional(wish), run=run), cut
        ):
            for live in (self.present, *self.nights.values()):
                if key in live:
                    live[key] = live[key] | {"Name": value}

    @precondition(lambda self: self.renewals < 2)
    @rule(cut=CUTS)
    def renew(self, cut: Cut) -> None:
        """One of the two sheets opens, and what is left is done by whoever comes next."""
        self.renewals += 1
        store, keys = self.vault.sealed.store, self.vault.sealed.keys
        assert isinstance(keys, Keyring)
        before, new = picture(self.vault), keys.successor()
        key = ServiceKey.new(new, entropy=self.entropy, slot=f"service-{self.renewals}")

        def work() -> None:
            now = self.clock.now()
            renew_master(store, keys, new, key=key, sheet_confirmed_at=now, entropy=self.entropy)
            finish_renewal(store, new)

        done = self.cut_off(self.disk, cut, work)
        found = list(self.sheets_that_open(self.sheet, recovery_sheet(new).text()))
        assert len(found) == 1
        assert not done or found[0] != self.sheet
        self.sheet = found[0]
        self.vault = self.opened(self.store(self.disk))
        finish_renewal(self.vault.sealed.store, self.vault.sealed.keys)
        self.vault = self.opened(self.store(self.disk))
        assert picture(self.vault) == before

    def sheets_that_open(self, *sheets: str) -> Iterator[str]:
        for sheet in sheets:
            try:
                open_keyring(self.store(self.disk), ByRecoverySheet(sheet), entropy=self.entropy)
            except UnlostError:
                continue
            yield sheet

    @precondition(lambda self: self.renewals)
    @rule(most=st.sampled_from([None, 1]), cut=CUTS)
    def rekey(self, most: int | None, cut: Cut) -> None:
        run = f"rekey-{next(self.runs)}"
        self.attempt(lambda v: v.rekey(v.ensure_org(IDENTITY), run=run, most=most), cut)
        self.vault = self.opened(self.store(self.disk))

    # --- other places -------------------------------------------------------------------------

    @rule(number=st.integers(0, 60), lost=st.booleans(), there=CUTS, back=CUTS)
    def mirror(self, number: int, lost: bool, there: Cut, back: Cut) -> None:
        """The second copy gives back what is destroyed, whichever of the two was cut off meanwhile."""
        before = picture(self.vault)
        if not self.cut_off(
            self.second, there, lambda: update_mirror(self.vault, self.store(self.second))
        ):
            update_mirror(self.vault, self.store(self.second))
        mirror, store = self.store(self.second), self.vault.sealed.store
        names = sorted({one.name for one in mirror.list("")} & {one.name for one in store.list("")})
        name = names[number % len(names)]
        data = store.get(name)
        store.delete(name)
        if not lost:
            store.put_new(name, data[:-1])
        self.cut_off(self.disk, back, lambda: repair_from(store, mirror, opened=self.opened))
        store = self.store(self.disk)
        assert repair_from(store, mirror, opened=self.opened).still_damaged == ()
        self.vault = self.opened(store)
        assert picture(self.vault) == before
        assert self.vault.verify(VerifyLevel.FULL).damages == ()

    @rule(cut=CUTS)
    def move(self, cut: Cut) -> None:
        """Copied to another disk, where it lives on."""
        before, target = picture(self.vault), UnsyncedDisk(root=Path("/"))
        source = self.vault.sealed.store
        self.cut_off(target, cut, lambda: copy_vault(source, self.store(target)))
        assert copy_vault(source, self.store(target)).damaged == ()
        self.disk = target
        self.vault = self.opened(self.store(target))
        assert picture(self.vault) == before

    # --- what must be so ----------------------------------------------------------------------

    def numbers(self) -> list[int]:
        return [info.number for info in self.vault.snapshots(self.vault.ensure_org(IDENTITY))]

    @rule()
    def nights_show_what_they_saw(self) -> None:
        assert self.numbers() == sorted(self.nights)
        for number, live in self.nights.items():
            at = self.vault.at(self.vault.ensure_org(IDENTITY), number)
            names = list(at.columns(TABLE))
            told = {row["_u_id"]: row for row in at.scan(TABLE).read_all().to_pylist()}
            assert told.keys() == live.keys()
            for key, cells in live.items():
                assert {n: told[key][n] for n in names} == {n: cells.get(n) for n in names}

    def teardown(self) -> None:
        if self.open is not None:
            self.go_on(Cut(None, names_survive=True))
        self.nights_show_what_they_saw()
        org = self.vault.ensure_org(IDENTITY)
        for days in (0, 8, 8):
            self.clock.advance(days=days)
            self.vault.sweep(org, run=f"sweep-{next(self.runs)}")
        if self.vault.commits(org):  # before the first one nothing can say that it goes
            assert self.strays() == set()
        assert self.vault.verify(VerifyLevel.DEEP).damages == ()
        self.nights_show_what_they_saw()

    def strays(self) -> set[str]:
        """Objects that nothing needs, some days after."""
        org = self.vault.ensure_org(IDENTITY)
        state = self.vault.org_vault(org).chain.live()
        live = {entry.name for entry in live_objects(state, org=org)}
        folders = (object_names.segments(org), object_names.packs(org))
        listed = {one.name for each in folders for one in self.vault.sealed.store.list(each)}
        return listed - live


@pytest.mark.full
@pytest.mark.long
def test_what_is_cut_off_has_happened_or_has_not() -> None:
    let_live(Cuts, examples=6, steps=10)


@pytest.mark.deep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(4))  # each is other lives: nothing is derandomized
def test_what_is_cut_off_has_happened_or_has_not_for_long(part: int) -> None:
    let_live(Cuts, examples=250, steps=15)
