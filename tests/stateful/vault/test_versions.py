"""The vault against a dictionary of versions, over everything that runs may do, in any order."""

from contextlib import suppress
from datetime import timedelta
from itertools import combinations, count
from random import Random

import pyarrow as pa
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from stateful.vault.lives import let_live
from stateful.vault.model import Model, Run, Seen
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.model.org import OrgIdentity
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Journal
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Column, ColumnTrait, Schema, Table, WireKind
from unlost.model.vault.erasure import Erase, PastErasure
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.rectification import Rectify, RightValue
from unlost.model.vault.retention import Forget, Hold, HoldScope, HoldTarget, KeepRules
from unlost.model.vault.snapshot import (
    Added,
    CommitKind,
    Lineage,
    SnapshotInfo,
    TableCommit,
    VerifyLevel,
    Visibility,
)
from unlost.model.vault.store import Store
from unlost.testing.clock import START, VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.vault.commits.foreign_commits import ProcessLedger
from unlost.vault.keys.founding import draft_keyring
from unlost.vault.keys.renewal import finish_renewal, renew_master
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.mirror.repair import repair_from
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, VaultOptions, create_vault, open_vault
from unlost.vault.write.open_commit import OpenCommit

IDENTITY = OrgIdentity("fake", "T1", label="The org")
TABLE = "Thing"
MANY = 5  # nights in a row
PAIRS = 20  # of backups that are compared at the end of a life
RULES = KeepRules(daily=1)  # all nights of a life are of one day
IDS = ("a", "b", "B", "bb", "c-3", "ç", "𝄞", "z" * 18, "0001", "0002")
COLUMNS = {
    "Name": Column("Name", WireKind.TEXT, traits=frozenset({ColumnTrait.NAME})),
    "name": Column("name", WireKind.TEXT),
    "Amount": Column("Amount", WireKind.DECIMAL),
    "Seen": Column("Seen", WireKind.TEXT, traits=frozenset({ColumnTrait.VOLATILE})),
    "Late": Column("Late", WireKind.TEXT),
}
HASHED = {"Name", "name", "Amount", "Late"}
SHAPES = (
    ("Name", "name", "Amount", "Seen"),
    ("Name", "name", "Amount", "Seen", "Late"),
    ("Amount", "Name", "Seen"),
)
TEXTS = st.sampled_from([None, "", "x", "NA", "\0", "a\r\n\"'", "🍫", "0007", "B" * 40, "C" * 41])
AMOUNTS = st.sampled_from([None, "1", "2.5", "70"])  # all canonical: the model knows no kinds


def cells_of(shape: tuple[str, ...]) -> st.SearchStrategy[dict[str, str | None]]:
    return st.fixed_dictionaries({n: AMOUNTS if n == "Amount" else TEXTS for n in shape})


@st.composite
def observations(draw: st.DrawFn, shape: tuple[str, ...]) -> list[Seen]:
    found = []
    for key in draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=8, unique=True)):
        op = draw(st.sampled_from("UUUUUDPMA"))
        found.append(Seen(key, op, draw(cells_of(shape)) if op in "UDA" else None))
    return found


def rows_of(seen: list[Seen], shape: tuple[str, ...], minute: int) -> Rows:
    count = len(seen)
    cells = None
    if any(row.cells is not None for row in seen):
        arrays = [pa.array([(row.cells or {}).get(n) for row in seen], pa.string()) for n in shape]
        cells = pa.RecordBatch.from_arrays(arrays, names=list(shape))
    return Rows(
        ids=pa.array([row.id for row in seen], pa.string()),
        ops=pa.array([row.op for row in seen], pa.string()),
        modified_at=pa.nulls(count, pa.timestamp("ms", tz="UTC")),
        modified_by=pa.nulls(count, pa.string()),
        cells=cells,
        observed_at=START + timedelta(minutes=minute),
    )


class Versions(RuleBasedStateMachine):
    """One org, one table, at most one open backup with one rival, and one open restore."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.second = MemoryStore()
        self.clock = VirtualClock()
        self.entropy = SeededEntropy(7)
        self.options = VaultOptions(buffer_bytes=150, bundle_from=1)
        self.model = Model(HASHED)
        self.run: Run | None = None
        self.commit: OpenCommit | None = None
        self.added: list[TableCommit] = []
        self.shape = SHAPES[0]
        self.number = self.rivals = self.restores = self.upkeeps = self.renewals = 0
        self.pinned: set[int] = set()
        self.restore: OpenCommit | None = None
        self.journal: Journal | None = None
        self.lineage: list[Added] = []
        self.kept: dict[int, object] = {}

    @initialize()
    def found(self) -> None:
        self.keys, self.ledger = draft_keyring(self.store, entropy=self.entropy), ProcessLedger()
        self.vault = create_vault(
            self.store,
            keys=self.keys,
            clock=self.clock,
            entropy=self.entropy,
            ledger=self.ledger,
            options=self.options,
        )
        self.org = self.vault.ensure_org(IDENTITY)

    # --- what runs do -------------------------------------------------------------------------

    @precondition(lambda self: self.run is None)
    @rule(shape=st.sampled_from(SHAPES))
    def begin(self, shape: tuple[str, ...]) -> None:
        self.number += 1
        self.run = Run(base=self.model.commits)
        self.added = []
        self.open()
        self.set_shape(shape)

    def open(self) -> None:
        self.commit = self.vault.begin(
            self.org, run=f"run-{self.number}", kind=CommitKind.BACKUP, identity=IDENTITY
        )

    def set_shape(self, shape: tuple[str, ...]) -> None:
        self.shape = shape
        assert self.commit is not None
        self.commit.put_schema(schema_of(shape))

    @precondition(lambda self: self.run is None)
    @rule(
        data=st.data(),
        after=st.lists(st.sampled_from(["", "compact", "forget"]), min_size=1, max_size=MANY),
        shape=st.sampled_from(SHAPES),
    )
    def whole_nights(self, data: st.DataObject, after: list[str], shape: tuple[str, ...]) -> None:
        """Most of a vault's life is this; a rule of its own, so that lives have many nights."""
        for upkeep in after:
            self.begin(shape)
            self.add(data, kept=True)
            self.finish(twice=False)
            if upkeep == "compact":
                self.compact()
            elif upkeep:
                self.forget(data)

    @precondition(lambda self: self.run is not None)
    @rule(data=st.data(), kept=st.sampled_from([True, True, True, False]))
    def add(self, data: st.DataObject, kept: bool) -> None:
        few = data.draw(st.booleans())
        self.write(data.draw(observations(self.shape)), self.shape, [], kept=kept, few=few)

    @precondition(lambda self: self.run is not None)
    @rule(data=st.data())
    def add_with_hidden_column(self, data: st.DataObject) -> None:
        visible = tuple(name for name in self.shape if name != "Name")
        seen = data.draw(observations(visible))
        self.write(seen, visible, ["Name"], kept=True, few=data.draw(st.booleans()))

    def write(
        self,
        seen: list[Seen],
        shape: tuple[str, ...],
        carry: list[str],
        *,
        kept: bool,
        few: bool,
    ) -> None:
        assert self.run is not None
        assert self.commit is not None
        add = self.commit.add_few if few else self.commit.add
        added = add(TABLE, [rows_of(seen, shape, minute=self.number)], carry=carry)
        self.model.add(self.run, [whole(row, shape) for row in seen], carry, kept=kept)
        assert added.counts.seen == sum(row.id not in self.model.erased for row in seen)
        if kept:
            self.added.append(TableCommit(TABLE, (added,)))

    @precondition(lambda self: self.run is not None)
    @rule(key=st.sampled_from(IDS), hidden=st.booleans())
    def mark(self, key: str, hidden: bool) -> None:
        assert self.run is not None
        assert self.commit is not None
        word = Visibility.HIDDEN if hidden else Visibility.VISIBLE
        added = self.commit.mark(TABLE, visibility=word, records=[key], columns=["Name"])
        records = [("record", key, hidden)] if key not in self.model.erased else []
        self.run.marks += [*records, ("column", "Name", hidden)]
        self.added.append(TableCommit(TABLE, (added,)))

    @rule()
    def another_process(self) -> None:
        """The process dies; the next one finds the run by its name."""
        self.vault = open_vault(
            self.store,
            keys=self.keys,
            clock=self.clock,
            entropy=self.entropy,
            ledger=self.ledger,
            options=self.options,
        )
        if self.run is not None:
            self.open()
            assert self.commit is not None
            self.commit.recall(piece for one in self.added for piece in one.added)
            self.run.reopened()
        if self.restore is not None:
            self.open_restore()

    # --- runs that write to the org -----------------------------------------------------------

    @precondition(lambda self: self.restore is None)
    @rule()
    def begin_restore(self) -> None:
        self.restores += 1
        self.lineage = []
        self.model.begin_restore(f"restore-{self.restores}")
        self.open_restore()

    def open_restore(self) -> None:
        run = f"restore-{self.restores}"
        self.restore = self.vault.begin(
            self.org, run=run, kind=CommitKind.RESTORE, identity=IDENTITY
        )
        self.journal = self.vault.journal(self.org, run)
        assert list(self.journal.read()) == self.model.journals[run]

    @precondition(lambda self: self.restore is not None)
    @rule(payload=st.binary(max_size=40))
    def keep_an_entry(self, payload: bytes) -> None:
        assert self.restore is not None
        assert self.journal is not None
        entries = self.model.journals[self.restore.run]
        assert self.journal.append(payload) == len(entries)
        entries.append(payload)

    @precondition(lambda self: self.restore is not None)
    @rule(payload=st.binary(max_size=4), read=st.integers(0, 3))
    def another_process_keeps_an_entry(self, payload: bytes, read: int) -> None:
        """One that has read less than there is: it learns so, or says what was said."""
        assert self.restore is not None
        entries = self.model.journals[self.restore.run]
        if not entries:
            return
        number = min(read, len(entries) - 1)
        other = self.vault.journal(self.org, self.restore.run)
        for at in range(number):
            assert other.append(entries[at]) == at
        if entries[number] == payload:
            assert other.append(payload) == number
            return
        with pytest.raises(Conflict):
            other.append(payload)

    @precondition(lambda self: self.restore is not None)
    @rule(pairs=st.dictionaries(st.sampled_from(IDS), st.sampled_from(IDS), max_size=4))
    def say_what_came_back(self, pairs: dict[str, str]) -> None:
        assert self.restore is not None
        run = self.restore.run
        rows = [Lineage(TABLE, old, live, self.org, run) for old, live in pairs.items()]
        self.lineage.append(self.restore.lineage(rows))
        self.model.open_lineage.update(pairs)

    @precondition(lambda self: self.restore is not None)
    @rule()
    def finish_restore(self) -> None:
        assert self.restore is not None
        tables = [TableCommit(added.table, (added,)) for added in self.lineage]
        info = self.restore.finish(tables, as_of=START)
        assert self.restore.finish(tables, as_of=START) == info
        self.model.finish_restore(self.restore.run)
        assert info.number == self.model.commits
        self.restore = self.journal = None

    @invariant()
    def journals_agree(self) -> None:
        kept = {run for run, entries in self.model.journals.items() if entries}
        told = list(self.vault.journals(self.org))
        assert set(told) == kept
        assert len(told) == len(kept)
        assert set(self.vault.journals(self.org, unfinished=True)) == kept - self.model.ended
        for run in self.model.ended & kept:
            assert list(self.vault.journal(self.org, run).read()) == self.model.journals[run]

    @invariant()
    def lineage_agrees(self) -> None:
        rows = self.vault.lineage(self.org)
        told = {row.old: (row.live, row.run, row.since) for row in rows}
        assert told == self.model.lineage
        for key in IDS[:3]:
            found = self.vault.lineage(self.org, table=TABLE, records=[key])
            assert {row.old for row in found} == self.model.reached(key)

    # --- upkeep -------------------------------------------------------------------------------

    @rule()
    def compact(self) -> None:
        """Merge what is due, whatever else is under way: nothing that anybody reads may change."""
        self.upkeeps += 1
        made = self.vault.compact(self.org, run=f"compact-{self.upkeeps}")
        if made.snapshot is not None:
            assert made.merged
            self.model.maintain()
            assert made.snapshot == self.model.commits

    @rule(days=st.integers(0, 9))
    def sweep(self, days: int) -> None:
        self.clock.advance(days=days)
        self.upkeeps += 1
        found = self.vault.sweep(self.org, run=f"sweep-{self.upkeeps}")
        if found.stray:
            self.model.maintain()

    @precondition(lambda self: self.model.nights)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        """Some nights go; where a run is open, none."""
        self.upkeeps += 1
        name = f"forget-{self.upkeeps}"
        if self.run is not None or self.restore is not None:
            with pytest.raises(Conflict, match="is still open"):
                self.vault.apply(self.org, unconditional(Forget(RULES)), run=name)
            return
        nights = self.model.nights
        pins = data.draw(st.sets(st.sampled_from(nights), max_size=2))
        holds = tuple(
            Hold(HoldTarget(HoldScope.NIGHT, backup=n)) for n in sorted(pins - self.pinned)
        )
        if holds:
            self.vault.change_holds(self.org, placed=holds, run=f"hold-{self.upkeeps}")
            self.model.maintain()
        self.pinned |= pins
        kept = {nights[-1], *self.pinned}
        done = self.vault.apply(self.org, unconditional(Forget(RULES)), run=name)
        assert set(done.staying) == kept
        before = len(self.model.forgotten)
        self.model.forget(kept)
        assert len(done.nights) == len(self.model.forgotten) - before
        if done.snapshot is not None:
            self.model.maintain()
        self.kept = {number: shown for number, shown in self.kept.items() if number in kept}

    @precondition(lambda self: self.model.commits)
    @rule(keys=st.sets(st.sampled_from(IDS), min_size=1, max_size=2))
    def erase(self, keys: set[str]) -> None:
        """Records leave all history; not while a run is open, nor what a held night has."""
        self.upkeeps += 1
        name = f"erase-{self.upkeeps}"
        wish = Erase(tuple(RecordKey(TABLE, key) for key in sorted(keys)))
        gone = self.model.same(keys)
        held = any(
            row.snap <= max(self.pinned, default=0)
            for key in gone
            for row in self.model.rows.get(key, ())
        )
        if held or self.run is not None or self.restore is not None:
            with pytest.raises(Conflict):
                self.vault.apply(self.org, unconditional(wish), run=name)
            return
        done = self.vault.apply(self.org, unconditional(wish), run=name)
        assert {key.record for key in done.records} == gone
        self.model.erase(gone)
        if done.snapshot is not None:
            self.model.maintain()
            assert done.snapshot == self.model.commits
        self.kept.clear()
        assert all(one.complete for one in self.vault.past_operations(self.org, PastErasure))

    @precondition(lambda self: self.model.commits)
    @rule(
        key=st.sampled_from(IDS),
        column=st.sampled_from(["Name", "Seen", "Amount"]),
        value=AMOUNTS,
        was=st.sampled_from([None, None, "", "x", "1", "B" * 40]),
    )
    def rectify(self, key: str, column: str, value: str | None, was: str | None) -> None:
        """A value is replaced in all history; not while a run is open, nor what a held night has."""
        self.upkeeps += 1
        name = f"rectify-{self.upkeeps}"
        wish = Rectify(RecordKey(TABLE, key), (RightValue(column, value),), was)
        same = self.model.same({key})
        rows = [row for one in same for row in self.model.rows.get(one, ())]
        held = any(row.snap <= max(self.pinned, default=0) for row in rows)
        if held or not rows or self.run is not None or self.restore is not None:
            with pytest.raises((Conflict, NotFound, UsageError)):
                self.vault.apply(self.org, unconditional(wish), run=name)
            return
        done = self.vault.apply(self.org, unconditional(wish), run=name)
        assert {one.record for one in done.records} == same
        changed = self.model.rectify(same, column, value, was)
        assert bool(done.columns) == changed
        if done.snapshot is not None:  # also for what no snapshot shows
            self.model.drop_journals(same)
            self.model.maintain()
            self.kept.clear()
        else:
            assert not changed

    @precondition(lambda self: self.renewals < 3)
    @rule()
    def renew(self) -> None:
        """A new master key, as other processes find it from then on."""
        self.renewals += 1
        new = self.keys.successor()
        key = ServiceKey.new(new, entropy=self.entropy, slot=f"service-{self.renewals}")
        now = self.clock.now()
        renew_master(
            self.store, self.keys, new, key=key, sheet_confirmed_at=now, entropy=self.entropy
        )
        finish_renewal(self.store, new)
        self.keys = new
        self.another_process()

    @precondition(lambda self: self.renewals)
    @rule(most=st.sampled_from([None, None, 1]))
    def rekey(self, most: int | None) -> None:
        """What is there is sealed anew; nothing that anybody reads may change."""
        self.upkeeps += 1
        newest = self.model.commits
        done = self.vault.rekey(self.org, run=f"rekey-{self.upkeeps}", most=most)
        for _ in range(newest, done.snapshot or newest):
            self.model.maintain()
        if self.run is None and self.restore is None and most is None:
            assert done.held_by == ""
            assert done.complete or done.waiting
        if done.complete:
            assert self.keys.epochs(self.org) == (self.keys.epoch(self.org),)
            self.another_process()

    @precondition(lambda self: self.renewals and self.model.commits)
    @rule(keys=st.sets(st.sampled_from(IDS), min_size=1, max_size=2), call=st.integers(0, 8))
    def rekey_beside_an_erasure(self, keys: set[str], call: int) -> None:
        """Somebody erases just before an object is sealed anew: what that step had done is for nothing."""
        self.upkeeps += 1
        calls = count()

        def erase() -> None:
            if next(calls) == call:
                self.catch_up()
                self.erase(keys)

        with suppress(Conflict):
            self.vault.rekey(self.org, run=f"rekey-{self.upkeeps}", pause=erase)
        self.catch_up()
        self.another_process()

    def catch_up(self) -> None:
        """Tell the model of commits that the rekey has made."""
        for _ in range(self.model.commits, len(self.vault.commits(self.org))):
            self.model.maintain()

    @precondition(lambda self: self.model.commits)
    @rule(number=st.integers(0, 30), lost=st.booleans())
    def mirror(self, number: int, lost: bool) -> None:
        """The second copy has all that is live, and gives back what is destroyed."""
        done = update_mirror(self.vault, self.second)
        assert (done.damaged, done.strange, done.not_removed, done.broken) == ((), (), (), {})
        names = [one.name for one in self.second.list("") if "/runs/" not in one.name]
        name = names[number % len(names)]
        data = self.store.get(name)
        self.store.delete(name)
        if not lost:
            self.store.put_new(name, data[:-1])
        mended = repair_from(self.store, self.second, opened=self.opened_on)
        assert mended.still_damaged == ()
        if "/checkpoints/" in name or mended.objects == ():  # a cache, or replaced and not gone yet
            self.store.delete(name)
            self.store.put_new(name, data)
        assert self.store.get(name) == data

    def opened_on(self, store: Store) -> EncryptedVault:
        """The vault in another store, or as it would be."""
        keys = self.vault.sealed.keys
        own = keys.for_store(store)
        return open_vault(
            store, keys=own, clock=self.clock, entropy=self.entropy, ledger=self.ledger
        )

    def teardown(self) -> None:
        pairs = list(combinations(self.shown, 2))
        for after, until in Random(len(pairs)).sample(pairs, min(PAIRS, len(pairs))):
            self.check_changes(after, until)
        if self.model.commits:
            assert self.vault.verify(VerifyLevel.DEEP).damages == ()

    # --- rivals and ends ----------------------------------------------------------------------

    @precondition(lambda self: self.run is not None)
    @rule(data=st.data())
    def rival_commits(self, data: st.DataObject) -> None:
        """Another run commits while this one is open."""
        run = Run(base=self.model.commits)
        self.rivals += 1
        commit = self.vault.begin(
            self.org, run=f"rival-{self.rivals}", kind=CommitKind.BACKUP, identity=IDENTITY
        )
        commit.put_schema(schema_of(self.shape))
        seen = data.draw(observations(self.shape))
        add = commit.add_few if data.draw(st.booleans()) else commit.add
        added = add(TABLE, [rows_of(seen, self.shape, minute=0)])
        self.model.add(run, [whole(row, self.shape) for row in seen], [], kept=True)
        commit.finish([TableCommit(TABLE, (added,))], as_of=START)
        self.model.finish(run)

    @precondition(lambda self: self.run is not None)
    @rule(twice=st.booleans())
    def finish(self, twice: bool) -> None:
        assert self.run is not None
        assert self.commit is not None
        info = self.commit.finish(self.added, as_of=START)
        if twice:
            again = self.vault.begin(
                self.org, run=self.commit.run, kind=CommitKind.BACKUP, identity=IDENTITY
            )
            assert again.finish(self.added, as_of=START) == info
        self.model.finish(self.run)
        self.run = self.commit = None
        self.check_counts(info)

    @precondition(lambda self: self.run is not None)
    @rule()
    def abandon(self) -> None:
        assert self.commit is not None
        self.commit.abandon()
        self.run = self.commit = None

    # --- what must agree ----------------------------------------------------------------------

    def check_counts(self, info: SnapshotInfo) -> None:
        assert info.number == self.model.commits
        found = dict(self.model.changes(info.number - 1, info.number))
        new = {
            key
            for key in self.model.rows
            if self.model.newest(key, info.number - 1) is None
            and self.model.newest(key, info.number) is not None
        }
        assert info.counts.created == len(new)
        assert info.counts.revived == sum(kind == "revived" for kind in found.values())

    @invariant()
    def snapshots_agree(self) -> None:
        if not self.model.commits:
            return
        every = list(range(1, self.model.commits + 1))
        assert [info.number for info in self.vault.snapshots(self.org)] == self.model.nights
        assert [info.number for info in self.vault.commits(self.org)] == every
        newest = self.model.commits
        wanted = {1, newest, max(1, newest // 2)}
        for number in wanted if not self.model.forgotten else wanted & set(self.model.nights):
            self.check_snapshot(number)

    def check_snapshot(self, number: int) -> None:
        snapshot = self.vault.at(self.org, number)
        state = snapshot.tables().get(TABLE)
        live, dead = self.model.live(number), self.model.dead(number)
        if state is None:
            assert not live
            assert not dead
            return
        assert (state.alive, state.deleted) == (len(live), len(dead))
        scanned = snapshot.scan(TABLE).read_all()
        names = list(snapshot.columns(TABLE))
        picture = (scanned.to_pydict(), snapshot.scan_deleted(TABLE).read_all().to_pydict())
        assert self.kept.setdefault(number, picture) == picture
        self.check_rows(scanned, live, names, number)
        self.check_rows(snapshot.scan_deleted(TABLE).read_all(), dead, names, number)
        ids = [i for part in snapshot.live_ids(TABLE) for i in part.column("_u_id").to_pylist()]
        assert ids == sorted(live, key=str.encode)
        self.check_rows(snapshot.get(TABLE, IDS), live | dead, names, number)
        marks = {
            ("record", h.record, h.since) if h.record else ("column", h.column, h.since)
            for h in snapshot.hidden(TABLE)
        }
        assert marks == self.model.hidden(number)

    def check_rows(
        self, table: pa.Table, wanted: dict[str, Seen], names: list[str], number: int
    ) -> None:
        rows = table.to_pylist()
        assert [row["_u_id"] for row in rows] == sorted(wanted, key=str.encode)
        for row in rows:
            expected = wanted[row["_u_id"]]
            state = self.model.state(row["_u_id"], number)
            cells = (state.cells if state else None) or {}
            assert (row["_u_op"], row["_u_snap"]) == (expected.op, expected.snap)
            assert {n: row[n] for n in names} == {n: cells.get(n) for n in names}

    @invariant()
    def history_agrees(self) -> None:
        for key in IDS[:5] if self.model.commits else ():
            told = self.vault.history(self.org, TABLE, key)
            expected = self.model.history(key)
            assert [(v.snapshot, v.op.value, dict(v.cells)) for v in told] == [
                (s.snap, s.op, s.cells or {}) for s in expected
            ]

    @precondition(lambda self: self.model.commits > 0)
    @rule(data=st.data())
    def changes_agree(self, data: st.DataObject) -> None:
        after, until = sorted(data.draw(st.sampled_from(self.shown)) for _ in range(2))
        self.check_changes(after, until)

    @property
    def shown(self) -> list[int]:
        """Numbers between which the vault tells what differs."""
        every = list(range(self.model.commits + 1))
        return every if not self.model.forgotten else [0, *self.model.nights]

    def check_changes(self, after: int, until: int) -> None:
        found: dict[str, str] = {}
        for part in self.vault.changes(self.org, TABLE, after=after, until=until):
            ids, kinds = (part.column(n).to_pylist() for n in ("_u_id", "change"))
            found |= dict(zip(ids, kinds, strict=True))
        assert found == self.model.changes(after, until)
        assert list(found) == sorted(found, key=str.encode)


def whole(row: Seen, shape: tuple[str, ...]) -> Seen:
    """The row with the cells that a segment of this shape has."""
    return row if row.cells is None else Seen(row.id, row.op, {n: row.cells[n] for n in shape})


def schema_of(shape: tuple[str, ...]) -> Schema:
    table = Table(TABLE, tuple(COLUMNS[name] for name in shape), name_column="Name")
    return Schema((table,), fingerprint="same")


@pytest.mark.parametrize(
    "examples", [pytest.param(8, id="few"), pytest.param(16, id="more", marks=pytest.mark.deep)]
)
def test_the_vault_is_a_dictionary_of_versions(examples: int) -> None:
    let_live(Versions, examples=examples, steps=12)


@pytest.mark.deep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(4))  # each is other lives: nothing is derandomized
def test_the_vault_is_a_dictionary_of_versions_for_long(part: int) -> None:
    let_live(Versions, examples=1_250, steps=20)
