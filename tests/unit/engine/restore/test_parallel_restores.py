"""Several calls at a time: what comes back is the same, whatever is lost, refused or broken off."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from patience import HANGING
from sweeps import parts_of
from unit.engine.restore.workshop import Workshop, of
from unlost.engine.restore.journal.entries import LiveLink, RecordsLinked
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.values.outcome import Ending, ParkedRestore
from unlost.model.errors import Conflict, LimitReached
from unlost.model.plan import Action, RestorePlan
from unlost.model.source.schema import Table
from unlost.model.source.writing import RowOutcome, WriteOp, WriteRow
from unlost.testing.faults import Crash
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused

LOCKS = frozenset({"Parent", "Account", "About"})
ACCOUNTS, CONTACTS = 12, 24


def wide(shop: Workshop) -> Workshop:
    """From now on three calls of two rows may be under way."""
    for table in ("Account", "Contact", "Memo"):
        known = shop.platform.capability(table)
        shop.platform.capabilities[table] = replace(
            known, calls_at_once=3, rows_per_call=2, locks=LOCKS & known.settable
        )
    return shop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return wide(Workshop(tmp_path))


def lost(shop: Workshop, *, same: bool = False) -> RestorePlan:
    """Accounts, of which each refers to another, and two contacts of each; all of them are lost."""
    accounts = [shop.make("Account", "Same" if same else f"a{n}") for n in range(ACCOUNTS)]
    for mine, other in zip(accounts, [*accounts[1:], accounts[0]], strict=True):
        shop.org.update("Account", mine, {"Parent": other})
    contacts = [
        shop.make("Contact", f"c{n // 4}" if same else f"c{n}", Account=accounts[n // 2])
        for n in range(CONTACTS)
    ]
    shop.night()
    for account in accounts:
        shop.lose("Account", account)
    first = [shop.step("Account", one, Action.CREATE, late=("Parent",)) for one in accounts]
    return shop.plan(*first, *(shop.step("Contact", c, Action.CREATE, level=1) for c in contacts))


def family(shop: Workshop) -> list[tuple[str, str]]:
    """Names of live contacts with those of their accounts."""
    accounts = shop.live("Account")
    return sorted(
        (str(cells["Name"]), str(accounts[str(cells["Account"])]["Name"]))
        for cells in shop.live("Contact").values()
    )


def parents(shop: Workshop) -> list[tuple[str, str]]:
    accounts = shop.live("Account")
    return sorted(
        (str(c["Name"]), str(accounts[str(c["Parent"])]["Name"])) for c in accounts.values()
    )


def assert_back(shop: Workshop) -> None:
    """Each record is there once, with its references."""
    assert family(shop) == sorted((f"c{n}", f"a{n // 2}") for n in range(CONTACTS))
    assert parents(shop) == sorted((f"a{n}", f"a{(n + 1) % ACCOUNTS}") for n in range(ACCOUNTS))


class Watching:
    """A writer that holds calls until several are under way, and notes what is locked together."""

    def __init__(self, writer: Any, together: int) -> None:
        self._writer = writer
        self._meeting = threading.Barrier(together)
        self._lock = threading.Lock()
        self._held: list[set[str]] = []
        self.most = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    @contextmanager
    def _noted(self, table: Table, rows: Sequence[WriteRow]) -> Iterator[None]:
        marks = {str(row.id) for row in rows if row.id}
        marks |= {v for row in rows for n, v in row.cells.items() if v and n in LOCKS}
        with self._lock:
            assert not any(marks & other for other in self._held), table.name
            self._held.append(marks)
            self.most = max(self.most, len(self._held))
        try:
            yield
        finally:
            with self._lock:
                self._held.remove(marks)

    def write(
        self, op: WriteOp, table: Table, rows: Sequence[WriteRow], *, token: str
    ) -> Sequence[RowOutcome]:
        with self._noted(table, rows):
            if op is WriteOp.CREATE and not self._meeting.broken:
                with suppress(threading.BrokenBarrierError):
                    self._meeting.wait(2)
            found: Sequence[RowOutcome] = self._writer.write(op, table, rows, token=token)
            return found


def test_calls_go_beside_one_another_and_never_two_that_lock_one_record(shop: Workshop) -> None:
    plan = lost(shop)
    watching = shop.writer = Watching(shop.writer, 3)
    assert shop.restore(plan).whole
    assert watching.most == 3
    assert_back(shop)


def test_calls_are_no_more_than_one_after_another(shop: Workshop) -> None:
    assert shop.restore(lost(shop)).whole
    creates = [call for call in shop.writes() if call[0] == "create"]
    assert len(creates) == (ACCOUNTS + CONTACTS) // 2


def test_several_lost_answers_double_nothing(shop: Workshop) -> None:
    """The records of one call were taken for strangers by the look for those of the other."""
    plan = lost(shop)
    for moment in ("write", "written"):
        for table in ("Account", "Contact"):
            shop.writer.faults.plant(moment, ReplyLost(), table=table, after=1, times=3)
    assert shop.restore(plan).whole
    shop.writer.faults.assert_met()
    assert_back(shop)


def test_equal_rows_of_several_calls_are_interchangeable(shop: Workshop) -> None:
    plan = lost(shop, same=True)
    shop.writer.faults.plant("row", RowRefused("LOCKED", "by a test"), after=1)
    shop.writer.retryable = {"LOCKED"}
    shop.writer.faults.plant("written", ReplyLost(), table="Account", times=3)
    shop.writer.faults.plant("written", ReplyLost(), table="Contact", times=2)
    assert shop.restore(plan).whole
    assert len(shop.live("Account")) == ACCOUNTS
    assert family(shop) == sorted((f"c{n // 4}", "Same") for n in range(CONTACTS))


def test_a_stranger_beside_several_lost_answers_stops_the_run(shop: Workshop) -> None:
    plan = lost(shop)
    create = shop.platform.create

    def stamped(table: str, cells: dict[str, str | None], *, by: str) -> str:
        made = create(table, cells, by=by)
        if cells.get("Name") == "a3":
            shop.org.tables[table].records[made].cells["Name"] = "stamped"
        return made

    shop.platform.create = stamped  # type: ignore[method-assign,assignment]
    shop.writer.faults.plant("written", ReplyLost(), table="Account", times=6)
    with pytest.raises(Conflict) as caught:
        shop.restore(plan)
    assert caught.value.code == "restore-uncertain"


def test_rows_that_are_refused_for_a_moment_are_sent_again(shop: Workshop) -> None:
    plan = lost(shop)
    shop.writer.retryable = {"UNABLE_TO_LOCK_ROW"}
    locked = RowRefused("UNABLE_TO_LOCK_ROW", "locked")
    for table in ("Account", "Contact"):
        shop.writer.faults.plant("row", locked, table=table, after=3, times=5)
    assert shop.restore(plan).whole
    assert_back(shop)


def test_a_record_whose_parent_did_not_come_is_not_sent(shop: Workshop) -> None:
    plan = lost(shop)
    shop.platform.capabilities["Contact"] = replace(
        shop.platform.capabilities["Contact"], needs_value=frozenset({"Account"})
    )
    shop.writer.faults.plant(
        "row", RowRefused("NO", "not this one"), table="Account", times=ACCOUNTS
    )
    outcome = shop.restore(plan)
    contacts = [step.record for step in plan.steps if step.table == "Contact"]
    assert {of(outcome, one).code for one in contacts} == {"restore-parent-missing"}
    assert {of(outcome, one).ending for one in contacts} == {Ending.FAILED}


def test_a_spent_allowance_parks_the_run_and_it_goes_on(shop: Workshop) -> None:
    plan = lost(shop)
    limit = LimitReached("calls-spent", "No calls are left today.")
    shop.writer.faults.plant("write", limit, table="Contact", after=4)
    assert isinstance(shop.try_restore(plan), ParkedRestore)
    assert shop.restore(plan).whole
    assert_back(shop)


class Dying:
    """Things whose n-th call, and every one after it, is the end of the process."""

    def __init__(self, at: int) -> None:
        self._left = at
        self._lock = threading.Lock()
        self.died = False

    def pass_by(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                self.died = True
                raise Crash

    def guard(self, thing: Any, only: frozenset[str]) -> Any:
        return _Guarded(self, thing, only)


class _Guarded:
    def __init__(self, dying: Dying, thing: Any, only: frozenset[str]) -> None:
        self._dying, self._thing, self._only = dying, thing, only

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        if name == "journal":
            return lambda *words: self._dying.guard(found(*words), self._only)
        if name not in self._only:
            return found

        def called(*words: Any, **named: Any) -> Any:
            self._dying.pass_by()
            told = found(*words, **named)
            self._dying.pass_by()
            return told

        return called


CALLS = frozenset({"append", "write", "begin"})


@pytest.fixture(scope="module")
def disaster(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workshop, RestorePlan]:
    """A workshop that lost all its accounts, to be copied, and the plan to bring them back."""
    shop = wide(Workshop(tmp_path_factory.mktemp("disaster")))
    return shop, lost(shop)


@pytest.mark.parametrize("part", parts_of(7, full=4))
def test_an_end_at_any_call_with_others_under_way_loses_and_doubles_nothing(
    disaster: tuple[Workshop, RestorePlan], tmp_path: Path, part: int
) -> None:
    before, plan = disaster
    for at in count(part, 7):
        shop, dying = before.copied(tmp_path / str(at)), Dying(at)
        writer, vault = shop.writer, shop.vault
        shop.writer, shop.vault = dying.guard(writer, CALLS), dying.guard(vault, CALLS)
        with suppress(Crash):
            shop.restore(plan)
        shop.writer, shop.vault = writer, vault
        shop.reopen()
        assert shop.restore(plan).whole
        assert_back(shop)
        if not dying.died:
            assert at > 50  # how many entries share an append depends on the machine
            return


def test_what_several_threads_write_becomes_durable_together() -> None:
    journal, entered, leave = SlowJournal(), threading.Event(), threading.Event()
    journal.before = lambda: (entered.set(), leave.wait(HANGING))
    log = RestoreLog(journal)
    numbers: list[int] = []
    writers = [
        threading.Thread(target=lambda at=at: numbers.append(log.write(linked(at))))
        for at in range(5)
    ]
    writers[0].start()
    assert entered.wait(HANGING)
    for writer in writers[1:]:
        writer.start()
    until(lambda: len(log._waiting) == 4)
    leave.set()
    for writer in writers:
        writer.join(10)
    assert sorted(numbers) == list(range(5))
    assert len(journal.entries) == 2
    assert RestoreLog(journal).state.links == log.state.links
    assert len(log.state.links) == 5


def test_who_waits_hears_that_it_could_not_become_durable() -> None:
    journal = SlowJournal()
    log = RestoreLog(journal)

    def full() -> None:
        raise OSError(28, "no space")

    journal.before = full
    for _ in range(2):
        with pytest.raises(OSError, match="no space"):
            log.write(linked(1))
    assert log.state.links == {}
    journal.before = lambda: None
    assert log.write(linked(1)) == 0


def linked(at: int) -> RecordsLinked:
    return RecordsLinked((LiveLink("Account", f"old{at}", f"new{at}"),))


def until(holds: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if holds():
            return
        threading.Event().wait(0.001)
    raise AssertionError


class SlowJournal:
    """A journal in memory, with something that happens before each entry."""

    run = "r"

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.before: Callable[[], object] = lambda: None

    def append(self, payload: bytes) -> int:
        self.before()
        self.entries.append(payload)
        return len(self.entries) - 1

    def read(self) -> Iterator[bytes]:
        return iter(list(self.entries))


def test_what_may_wait_becomes_durable_with_what_comes_next() -> None:
    journal = SlowJournal()
    log = RestoreLog(journal)
    log.flush()
    log.queue_entry(linked(1))
    assert (journal.entries, log.state.links) == ([], {})
    assert log.write(linked(2)) == 1
    assert len(journal.entries) == 1
    log.queue_entry(linked(3))
    log.flush()
    assert len(log.state.links) == 3
    assert RestoreLog(journal).state.links == log.state.links


def test_what_waits_and_cannot_become_durable_is_told() -> None:
    journal = SlowJournal()
    log = RestoreLog(journal)

    def full() -> None:
        raise OSError(28, "no space")

    journal.before = full
    log.queue_entry(linked(1))
    with pytest.raises(OSError, match="no space"):
        log.flush()
