"""An org lives under nightly backups: edits, deletes, purges, schema changes, rights taken away
and given back, late commits, and faults. After each night the snapshot is what the user can see.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from stateful.engine.oracle import Oracle
from unit.engine.scene import Scene
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup, backup
from unlost.engine.backup.partial import DeferredTables
from unlost.engine.backup.policy import RowCheckPolicy
from unlost.model.errors import IntegrityError, LimitReached, TransientError
from unlost.model.finding import FindingKind
from unlost.model.source.schema import TableTrait, WireKind
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.faults import Crash, CrashPoint
from unlost.testing.org import ALL_TRAITS
from unlost.testing.source import MemorySource

TABLES = ("Account", "Junction", "Setting")
CHOSEN = st.sets(st.sampled_from(TABLES), min_size=1)
TEXTS = st.sampled_from(["", "a", "0012", "NA", "línea\nzwei", "🍫", '"', "1.0E7", None])
NUMBERS = st.sampled_from(["1", "1.0", "10000000.00", "1.0E7", "-3", "0", "0.0", None])
FAILED = (FindingKind.TABLE_REFUSED, FindingKind.TABLE_UNREADABLE)


# What must have happened in some example: rules that draw nothing to act upon prove nothing.
LIFE = frozenset({
    "updated", "renumbered", "deleted", "undeleted", "purged", "row hidden", "row shown",
    "row shared", "column hidden", "column shown", "column added", "column dropped",
    "column retyped", "table lost", "table returned", "committed late", "parked", "crashed",
    "changed without a stamp", "read broke", "prepare broke", "census_page broke",
})  # fmt: skip


HOURS = frozenset({
    "hour read", "hour left", "hour without one of its tables", "hour parked", "hour failed",
    "hour crashed", "hour crashed for good", "hour of a shared row",
})  # fmt: skip


class LivingOrg(RuleBasedStateMachine):
    lived: ClassVar[Counter[str]] = Counter()

    @initialize(
        job_seconds=st.sampled_from([0, 0, 7]),
        page_rows=st.integers(1, 4),
        audit=st.sampled_from([0, 1, 3]),
    )
    def begin(self, job_seconds: int, page_rows: int, audit: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.scene = Scene(self.folder)
        parts = RowCheckPolicy(nights=audit, fewest_rows=1 if audit > 1 else 100)
        self.scene.policy = replace(self.scene.policy, row_check=parts)
        self.scene.source = MemorySource(
            self.scene.org, job_seconds=job_seconds, page_rows=page_rows
        )
        org = self.scene.org
        cells = {"Name": WireKind.TEXT, "Phone": WireKind.TEXT, "Turnover": WireKind.DECIMAL}
        cells |= {"Extra0": WireKind.TEXT}  # one that may go, or become another
        org.add_table("Account", cells, logged=True)
        org.add_table("Junction", cells, traits=ALL_TRAITS - {TableTrait.REPORTS_DELETES})
        org.add_table("Setting", cells, traits=frozenset({TableTrait.CENSUS}))
        for at, table in enumerate(TABLES * 2):
            org.create(table, {"Name": f"first {at}", "Turnover": "5.50"})
        for table in TABLES:
            org.delete(table, org.create(table, {"Name": "in the bin"}))
        self.oracle = Oracle(self.scene)
        self.added = self.quiet = 0

    def teardown(self) -> None:
        if not hasattr(self, "oracle"):
            return
        try:
            self.scene.source.faults.clear()
            self._quiet_night()
            self.oracle.histories()
        finally:
            self.scene.close()
            shutil.rmtree(self.folder)

    # --- people ----------------------------------------------------------------------------------

    @rule(table=st.sampled_from(TABLES), name=TEXTS, turnover=NUMBERS, late=st.booleans())
    def create(self, table: str, name: str | None, turnover: str | None, late: bool) -> None:
        cells = {"Name": name, "Turnover": turnover}
        self.scene.org.create(table, cells, commit_after=1800 if late else 0)

    @rule(
        data=st.data(),
        table=st.sampled_from(TABLES),
        column=st.sampled_from(["Name", "Phone"]),
        value=TEXTS,
        late=st.booleans(),
    )
    def update(
        self, data: st.DataObject, table: str, column: str, value: str | None, late: bool
    ) -> None:
        record = self._pick(data, table, lambda held: not held.deleted)
        if record is not None:
            self.scene.org.update(table, record, {column: value}, commit_after=1800 if late else 0)
            self.lived["updated"] += 1
            self.lived["committed late"] += late

    @rule(data=st.data(), table=st.sampled_from(TABLES), value=NUMBERS)
    def renumber(self, data: st.DataObject, table: str, value: str | None) -> None:
        record = self._pick(data, table, lambda held: not held.deleted)
        if record is not None:
            self.scene.org.update(table, record, {"Turnover": value})
            self.lived["renumbered"] += 1

    @rule(data=st.data(), table=st.sampled_from(TABLES))
    def delete(self, data: st.DataObject, table: str) -> None:
        record = self._pick(data, table, lambda held: not held.deleted)
        if record is not None:
            self.scene.org.delete(table, record)
            self.lived["deleted"] += 1

    @rule(data=st.data(), table=st.sampled_from(TABLES))
    def undelete(self, data: st.DataObject, table: str) -> None:
        record = self._pick(data, table, lambda held: held.deleted)
        if record is not None:
            self.scene.org.undelete(table, record)
            self.lived["undeleted"] += 1

    @rule(data=st.data(), table=st.sampled_from(TABLES))
    def purge(self, data: st.DataObject, table: str) -> None:
        record = self._pick(data, table, lambda held: True)
        if record is not None:
            self.scene.org.purge(table, record)
            self.lived["purged"] += 1

    # --- administrators --------------------------------------------------------------------------

    @rule(data=st.data(), table=st.sampled_from(TABLES))
    def hide_row(self, data: st.DataObject, table: str) -> None:
        record = self._pick(data, table, lambda held: True)
        if record is not None:
            self.scene.org.hide_row(table, record)
            self.lived["row hidden"] += 1

    @precondition(lambda self: self.scene.org.hidden_rows)
    @rule(data=st.data())
    def show_row(self, data: st.DataObject) -> None:
        table, record = data.draw(st.sampled_from(sorted(self.scene.org.hidden_rows)))
        self.scene.org.show_row(table, record)
        self.lived["row shown"] += 1

    @rule(table=st.sampled_from(TABLES), name=TEXTS)
    def create_unshared(self, table: str, name: str | None) -> None:
        record = self.scene.org.create(table, {"Name": name})
        self.scene.org.unshared_rows.add((table, record))

    @precondition(lambda self: self.scene.org.unshared_rows)
    @rule(data=st.data())
    def share_row(self, data: st.DataObject) -> None:
        """Becomes visible: no stamp and no right moves."""
        row = data.draw(st.sampled_from(sorted(self.scene.org.unshared_rows)))
        self.scene.org.unshared_rows.discard(row)
        self.oracle.shared.add(row)
        self.lived["row shared"] += 1

    @rule(
        data=st.data(),
        table=st.sampled_from(TABLES),
        column=st.sampled_from(["Phone", "Turnover"]),
        show=st.booleans(),
    )
    def hide_or_show_column(self, data: st.DataObject, table: str, column: str, show: bool) -> None:
        hidden = sorted(self.scene.org.hidden_columns)
        if hidden and show:
            self.scene.org.show_column(*data.draw(st.sampled_from(hidden)))
            self.lived["column shown"] += 1
        else:
            self.scene.org.hide_column(table, column)
            self.lived["column hidden"] += 1

    @rule(table=st.sampled_from(TABLES), value=TEXTS)
    def add_column(self, table: str, value: str | None) -> None:
        self.added += 1
        self.scene.org.add_column(table, f"Extra{self.added}", value=value)
        self.lived["column added"] += 1

    @rule(data=st.data(), table=st.sampled_from(TABLES), value=NUMBERS)
    def change_column(self, data: st.DataObject, table: str, value: str | None) -> None:
        extra = sorted(c for c in self.scene.org.tables[table].columns if c.startswith("Extra"))
        if not extra:
            return
        column = data.draw(st.sampled_from(extra))
        if data.draw(st.booleans()):
            kind = data.draw(st.sampled_from([WireKind.DECIMAL, WireKind.TEXT, WireKind.INTEGER]))
            if kind is self.scene.org.tables[table].columns[column].kind:
                return  # nobody could tell: no stamp moves, and no kind
            self.oracle.forget_column(table, column)
            self.scene.org.retype_column(table, column, kind, value)
            self.lived["column retyped"] += 1
        else:
            self.oracle.forget_column(table, column)
            self.scene.org.drop_column(table, column)
            self.lived["column dropped"] += 1

    @rule(
        table=st.sampled_from(TABLES),
        how=st.sampled_from(["refused", "dropped"]),
        back=st.booleans(),
    )
    def lose_or_return_table(self, table: str, how: str, back: bool) -> None:
        away = [t for t in map(self.scene.org.tables.get, TABLES) if t and (t.refused or t.dropped)]
        if away and back:
            away[0].refused = away[0].dropped = False
            self.lived["table returned"] += 1
        else:
            setattr(self.scene.org.tables[table], how, True)
            self.lived["table lost"] += 1

    @rule(minutes=st.sampled_from([10, 40, 600]))
    def wait(self, minutes: int) -> None:
        self.scene.clock.advance(seconds=60 * minutes)

    # --- nights ----------------------------------------------------------------------------------

    @rule()
    def calm_night(self) -> None:
        self._quiet_night()

    @precondition(lambda self: self.scene.policy.row_check.nights == 1)
    @rule(data=st.data(), table=st.sampled_from(TABLES), column=st.sampled_from(["Name", "Phone"]))
    def night_after_a_change_that_moved_no_stamp(
        self, data: st.DataObject, table: str, column: str
    ) -> None:
        record = self._pick(data, table, lambda held: not held.deleted)
        if record is not None and (table, record) in self.oracle.seen:
            self.quiet += 1
            self.lived["changed without a stamp"] += 1
            cells = self.scene.org.tables[table].records[record].cells
            cells[column] = f"quiet {self.quiet}"
        self._quiet_night()

    @rule(full=st.booleans())
    def asked_night(self, full: bool) -> None:
        self._settle()
        self._judge(self.scene.attempt(full=full))

    @rule(
        call=st.sampled_from(["read", "plan_reads", "prepare", "read_ids", "count", "open_read"]),
        table=st.sampled_from(TABLES),
        times=st.integers(1, 3),
        after=st.integers(0, 1),
        broken=st.booleans(),
    )
    def faulty_night(self, call: str, table: str, times: int, after: int, broken: bool) -> None:
        error = IntegrityError("short-page", "cut") if broken else TransientError("busy", "busy")
        self.scene.source.faults.plant(call, error, table=table, times=times, after=after)
        self._quiet_night()
        self._end_faults()

    @rule(table=st.sampled_from(TABLES), page=st.integers(0, 2))
    def night_with_a_broken_census(self, table: str, page: int) -> None:
        error = IntegrityError("census-cut", "cut")
        self.scene.source.faults.plant("census_page", error, table=table, after=page)
        self._quiet_night()
        self._end_faults()

    @rule(after=st.integers(0, 4), call=st.sampled_from(["read", "census", "prepare"]))
    def parked_night(self, after: int, call: str) -> None:
        self.scene.source.faults.plant(call, LimitReached("limit", "spent"), after=after)
        self._quiet_night()
        self._end_faults()

    @rule(at=st.integers(1, 150))
    def crashed_night(self, at: int) -> None:
        self._settle()
        self.scene.nights += 1
        run = f"run-{self.scene.nights}"
        ports, point = self.scene.ports(run), CrashPoint(at)
        guarded: Any = {"source": point.guard(ports.source), "vault": point.guard(ports.vault)}
        try:
            done = backup(self.scene.oid, _replaced(ports, guarded), policy=self.scene.policy)
        except Crash:
            self.lived["crashed"] += 1
            done = self.scene.attempt(run=run)
        self._judge(done)

    def _quiet_night(self) -> None:
        self._settle()
        self.scene.nights += 1
        run = f"run-{self.scene.nights}"
        done = self.scene.attempt(run=run)
        while isinstance(done, ParkedBackup):
            self.lived["parked"] += 1
            done = self.scene.attempt(run=run)
        self._judge(done)

    def _end_faults(self) -> None:
        faults = self.scene.source.faults
        self.lived.update(f"{fault.call} broke" for fault in faults.planted if fault.met)
        faults.clear()

    def _settle(self) -> None:
        """Time passes, and nothing becomes visible while a night runs: when could not be told."""
        self.scene.clock.advance(seconds=60)
        soon = self.scene.clock.now() + timedelta(minutes=5)
        if any(change.at <= soon for change in self.scene.org._uncommitted):
            self.scene.clock.advance(seconds=301)

    def _judge(self, done: FinishedBackup | ParkedBackup | DeferredTables) -> None:
        assert isinstance(done, FinishedBackup)
        lines = done.certificate.tables
        states = self.scene.head.tables()
        assert {line.table: line.stored for line in lines} == {
            t: s.alive for t, s in states.items()
        }
        found = {kind: set[str]() for kind in FindingKind}
        for line in lines:
            for finding in line.findings:
                found[finding.kind].add(line.table)
            rows, _ = self.scene.hidden(line.table)
            assert line.hidden_rows == len(rows) or line.live is None
        failed = frozenset().union(*(found[kind] for kind in FAILED))
        self.oracle.night(
            failed=frozenset(failed), unproved=frozenset(found[FindingKind.DELETES_UNPROVED])
        )

    def _pick(self, data: st.DataObject, table: str, wanted: Callable[[Any], bool]) -> str | None:
        records = self.scene.org.tables[table].records
        found = sorted(key for key, held in records.items() if wanted(held))
        return data.draw(st.sampled_from(found)) if found else None


def _replaced(ports: Any, guarded: dict[str, Any]) -> Any:
    import dataclasses

    return dataclasses.replace(ports, **guarded)


class LivingHours(LivingOrg):
    """The same, and between the nights a few tables are read."""

    @rule(chosen=CHOSEN)
    def calm_hour(self, chosen: set[str]) -> None:
        with self._hour(chosen) as run:
            self._judge_hour(self.scene.attempt(run=run, only=tuple(sorted(chosen))))

    @rule(chosen=CHOSEN)
    def hour_of_a_shared_row(self, chosen: set[str]) -> None:
        self._share_after_a_night(min(chosen))
        self.calm_hour(chosen)

    @rule(
        chosen=CHOSEN,
        call=st.sampled_from(["read", "plan_reads", "prepare", "count"]),
        after=st.integers(0, 2),
    )
    def parked_hour(self, chosen: set[str], call: str, after: int) -> None:
        self.scene.source.faults.plant(call, LimitReached("limit", "spent"), after=after)
        with self._hour(chosen) as run:
            self._broken_hour(run, chosen)

    @rule(chosen=CHOSEN, one=st.booleans())
    def failed_hour(self, chosen: set[str], one: bool) -> None:
        """One of its tables cannot be read, or none."""
        error = TransientError("busy", "busy")
        table = min(chosen) if one else None
        self.scene.source.faults.plant("plan_reads", error, table=table, times=9)
        with self._hour(chosen) as run:
            self._broken_hour(run, chosen)

    @rule(
        chosen=CHOSEN,
        at=st.integers(1, 60),
        for_good=st.booleans(),
    )
    def crashed_hour(self, chosen: set[str], at: int, for_good: bool) -> None:
        with self._hour(chosen) as run:
            self._crashed_hour(run, chosen, at=at, for_good=for_good)

    def _share_after_a_night(self, table: str) -> None:
        """A row becomes visible after a night: no stamp and no right moves."""
        row = (table, self.scene.org.create(table, {"Name": "unshared"}))
        self.scene.org.unshared_rows.add(row)
        self._quiet_night()
        self.scene.clock.advance(seconds=2 * 3600)
        self.scene.org.unshared_rows.discard(row)
        self.oracle.shared.add(row)

    def _broken_hour(self, run: str, chosen: set[str]) -> None:
        """Nobody goes on with an hour: what it could not do is given up."""
        try:
            done = self.scene.attempt(run=run, only=tuple(sorted(chosen)))
        except TransientError:
            self.lived["hour failed"] += 1
            self._abandon(run)
        else:
            self.scene.source.faults.clear()
            self._judge_hour(done)
        self.scene.source.faults.clear()

    def _crashed_hour(self, run: str, chosen: set[str], *, at: int, for_good: bool) -> None:
        """It goes on within the hour, or is given up by the next."""
        only = tuple(sorted(chosen))
        ports, point = self.scene.ports(run), CrashPoint(at)
        guarded: Any = {"source": point.guard(ports.source), "vault": point.guard(ports.vault)}
        ports = _replaced(ports, guarded)
        try:
            done = backup(self.scene.oid, ports, policy=self.scene.policy, only=only)
        except Crash:
            self.lived["hour crashed for good" if for_good else "hour crashed"] += 1
            if for_good:
                self._abandon(run)
                return
            done = self.scene.attempt(run=run, only=only)
        self._judge_hour(done)

    @contextmanager
    def _hour(self, chosen: set[str]) -> Iterator[str]:
        """The run of an hour, which leaves all other tables to the letter as they were."""
        self._settle()
        self.scene.nights += 1
        before = self._picture()
        self.commits = len(self.scene.vault.commits(self.scene.oid))
        yield f"hour-{self.scene.nights}"
        after = self._picture()
        read: set[str] = set()
        if len(self.scene.vault.commits(self.scene.oid)) > self.commits:
            read = set(self.scene.head.info.only)
            assert read <= chosen
        assert {t: p for t, p in after.items() if t not in read} == {
            t: p for t, p in before.items() if t not in read
        }

    def _picture(self) -> dict[str, Any]:
        """All that the vault knows of each table."""
        head = self.scene.vault.newest_backup(self.scene.oid)
        states = head.tables() if head is not None else {}
        return {
            name: (
                state,
                head.schema().table(name),
                sorted(map(str, head.scan(name).read_all().to_pylist())),
                self.scene.dead(name),
                self.scene.hidden(name),
            )
            for name, state in states.items()
        }

    def _judge_hour(self, done: FinishedBackup | ParkedBackup | DeferredTables) -> None:
        commits = len(self.scene.vault.commits(self.scene.oid))
        if not isinstance(done, FinishedBackup):
            self.lived["hour parked" if isinstance(done, ParkedBackup) else "hour left"] += 1
            assert commits == self.commits
            self._abandon(done.run)
            return
        assert commits == self.commits + 1
        info, lines = done.snapshot, {line.table: line for line in done.certificate.tables}
        assert info == self.scene.head.info
        assert set(info.only) == {name for name, line in lines.items() if not line.carried}
        self.lived["hour read"] += 1
        self.lived["hour without one of its tables"] += bool(done.certificate.findings)
        self.lived["hour of a shared row"] += bool(self.oracle.shared)
        states = self.scene.head.tables()
        assert {name: states[name].alive for name in lines} == {
            name: line.stored for name, line in lines.items()
        }
        unproved = {
            name
            for name in info.only
            if any(f.kind is FindingKind.DELETES_UNPROVED for f in lines[name].findings)
        }
        self.oracle.night(
            failed=frozenset(), unproved=frozenset(unproved), only=frozenset(info.only)
        )

    def _abandon(self, run: str) -> None:
        org = self.scene.org.identity
        kind = CommitKind.BACKUP
        self.scene.vault.begin(self.scene.oid, run=run, kind=kind, identity=org).abandon()


def test_a_row_that_only_a_broken_read_saw_is_kept_when_it_is_hidden() -> None:
    """As found by the hours' lives: the row was held, and no whole night had seen it."""
    life = LivingHours()
    life.begin(job_seconds=0, page_rows=1, audit=0)
    life.create_unshared("Account", "")
    life.faulty_night("read", "Junction", times=3, after=0, broken=False)
    life.scene.org.hide_row("Junction", "Jun000000002")
    life.teardown()


@pytest.mark.full
@settings(max_examples=1, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_rule_does_what_it_is_there_for(data: st.DataObject) -> None:
    """A rule that finds nothing to act upon proves nothing: here each meets what it needs."""
    LivingHours.lived.clear()
    life = LivingHours()
    life.begin(job_seconds=0, page_rows=1, audit=1)
    try:
        _people(life, data)
        _administrators(life, data)
        _nights(life, data)
        _hours(life)
    finally:
        life.teardown()
    assert not (LIFE | HOURS) - {event for event, times in life.lived.items() if times}


@dataclass(frozen=True)
class Decided:
    """Draws as ever, but for whether a column becomes another or goes."""

    data: st.DataObject
    retype: bool

    def draw(self, strategy: Any) -> Any:
        value = self.data.draw(strategy)
        if isinstance(value, bool):
            return self.retype
        return WireKind.DECIMAL if isinstance(value, WireKind) else value


def _people(life: LivingHours, data: st.DataObject) -> None:
    life.calm_night()
    life.update(data, "Account", "Phone", "a", late=True)
    life.renumber(data, "Account", "-3")
    life.delete(data, "Account")
    life.calm_night()
    life.undelete(data, "Account")
    life.purge(data, "Account")
    life.night_after_a_change_that_moved_no_stamp(data, "Setting", "Name")


def _administrators(life: LivingHours, data: st.DataObject) -> None:
    life.hide_row(data, "Account")
    life.hide_or_show_column(data, "Account", "Phone", show=False)
    life.calm_night()
    life.show_row(data)
    life.hide_or_show_column(data, "Account", "Phone", show=True)
    life.create_unshared("Setting", "a")
    life.calm_night()
    life.share_row(data)
    life.add_column("Setting", "a")
    life.lose_or_return_table("Junction", "refused", back=False)
    life.calm_night()
    life.lose_or_return_table("Junction", "refused", back=True)
    for retype in (True, False):
        life.add_column("Setting", "a")
        life.change_column(Decided(data, retype), "Setting", "1")


def _nights(life: LivingHours, data: st.DataObject) -> None:
    life.parked_night(0, "read")
    life.crashed_night(20)
    for call in ("read", "prepare"):
        life.create("Account", "a", "1", late=False)
        life.faulty_night(call, "Account", times=1, after=0, broken=False)
    life.add_column("Junction", "a")  # asks for a census
    life.night_with_a_broken_census("Junction", 0)


def _hours(life: LivingHours) -> None:
    life.calm_night()
    life.add_column("Account", "a")
    life.calm_hour({"Account"})  # left to the night
    life.calm_night()
    for again in (False, True):
        life.scene.clock.advance(seconds=2 * 3600)
        life.create("Account", "a", "1", late=False)
        life.calm_hour({"Account"})
        life.hour_of_a_shared_row({"Account"})
        life.parked_hour({"Account"}, "read", 0)
        life.failed_hour({"Account", "Junction"}, one=again)
        life.crashed_hour({"Account"}, 3, for_good=again)


EXAMPLES = settings().max_examples
MANY = 1000


def lives(least: int) -> settings:
    """So many lives in the quick profile, a third of its examples where there are many."""
    many = EXAMPLES // 3 if EXAMPLES >= MANY else least
    return settings(stateful_step_count=20, max_examples=many)


@pytest.mark.full
@pytest.mark.timeout(7200)
class TestLivingOrg(LivingOrg.TestCase):
    """Where there are many examples, they must together have lived through everything."""

    def runTest(self) -> None:  # noqa: N802
        LivingOrg.lived.clear()
        super().runTest()
        never = LIFE - {event for event, times in LivingOrg.lived.items() if times}
        assert not never or EXAMPLES < MANY, LivingOrg.lived


TestLivingOrg.settings = lives(1)


@pytest.mark.full
@pytest.mark.timeout(7200)
class TestLivingHours(LivingHours.TestCase):
    """The same, of everything that an hour may meet."""

    def runTest(self) -> None:  # noqa: N802
        LivingHours.lived.clear()
        super().runTest()
        never = HOURS - {event for event, times in LivingHours.lived.items() if times}
        assert not never or EXAMPLES < MANY, LivingHours.lived


TestLivingHours.settings = lives(1)


@pytest.mark.deep
class TestMoreLivingOrgs(LivingOrg.TestCase):
    """More lives than each change needs."""


@pytest.mark.deep
class TestMoreLivingHours(LivingHours.TestCase):
    """More lives than each change needs."""


TestMoreLivingOrgs.settings = TestMoreLivingHours.settings = settings(
    stateful_step_count=20, max_examples=8
)
