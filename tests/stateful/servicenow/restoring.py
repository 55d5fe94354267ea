"""A desk that people damage by mistake, and that is restored while answers are lost and processes end.

What is restored comes back as the newest backup has it, and nothing comes twice. A note and the name
of an attachment are different for each, so that a double shows.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from stateful.servicenow.desk import ATTACHMENT, CLASSES, JOURNAL, PASSWORD, RECORDS, RESTORE
from stateful.servicenow.machine import LivingDesk
from stateful.servicenow.served import URL
from unlost.connectors.servicenow import ServiceNowConfig
from unlost.connectors.servicenow.writing.entries import ATTRIBUTION
from unlost.engine.restore.planning.plan import PlanPorts, plan_restore
from unlost.engine.restore.running.execute import execute
from unlost.engine.restore.running.session import RestorePorts
from unlost.engine.restore.values.outcome import ParkedRestore, RestoreOutcome
from unlost.model.errors import Conflict, TransientError
from unlost.model.plan import RecordKey, RestorePlan, Selection, SelectionKind
from unlost.model.ports.writer import Writer
from unlost.testing.faults import Crash, CrashPoint
from unlost.testing.system import memory_context
from unlost.testing.vault import reopened

WRITES = r"/v1/batch|/attachment/file"
TEXTS = ("number", "short_description", "category", "cause_notes", "close_notes", "priority")
TROUBLES = st.one_of(
    st.tuples(
        st.sampled_from(["reply_lost", "reply_lost", "cut", "unserviced"]), st.integers(0, 3)
    ),
    st.tuples(st.just("crash"), st.integers(1, 80)),
)
MOST_ATTEMPTS = 12
RESTORES = frozenset({
    "restored", "restored an overwritten record", "restore crashed", "answer lost",
    "entries restored", "attachments restored",
})  # fmt: skip


class RestoredDesk(LivingDesk):
    """Lives with restores, where nothing is taken from the users."""

    @precondition(lambda self: self.rights.whole)
    @rule(
        data=st.data(),
        table=st.sampled_from(CLASSES),
        lost=st.booleans(),
        entries=st.booleans(),
        troubles=st.lists(TROUBLES, max_size=3),
    )
    def make_a_mistake_and_restore(
        self,
        data: st.DataObject,
        table: str,
        lost: bool,
        entries: bool,
        troubles: list[tuple[str, int]],
    ) -> None:
        """A record is deleted (``entries``: and its notes are dropped), or overwritten."""
        record = self.pick(data, self.desk.rows(table), "restored" if lost else "overwritten")
        if record is None:
            return
        if lost:
            self.destroy_and_restore(table, record, entries=entries, troubles=troubles)
        else:
            self.overwrite_and_restore(table, record, troubles=troubles)

    def destroy_and_restore(
        self, table: str, record: str, *, entries: bool, troubles: list[tuple[str, int]]
    ) -> None:
        """A record is deleted and comes back; ``entries``: its notes are dropped, too."""
        self.complete(table, record)
        before, row = self.picture(), self.desk.rows(table)[record]
        right = self.desk.head.info.number
        self.desk.post("records/delete", table=table, sys_ids=[record])
        if entries:
            self.desk.post("records/clean", table=JOURNAL, query=f"element_id={record}")
        self.calm_night(1)
        self.run_to_the_end(self.plan(table, record, at=right), list(troubles))
        self.judge_restore(table, record, row, before)
        self.lived["entries restored"] += entries
        self.lived["attachments restored"] += 1

    def overwrite_and_restore(
        self, table: str, record: str, *, troubles: list[tuple[str, int]]
    ) -> None:
        """A record is overwritten, and becomes as it was."""
        self.complete(table, record)
        before, row = self.picture(), self.desk.rows(table)[record]
        right = self.desk.head.info.number
        self.desk.update(table, record, short_description="overwritten")
        self.calm_night(1)
        self.run_to_the_end(self.plan(table, record, at=right), list(troubles))
        self.judge_restore(table, record, row, before)
        self.lived["restored an overwritten record"] += 1

    def complete(self, table: str, record: str) -> None:
        """A record with a note and an attachment, in a backup."""
        self.desk.update(table, record, work_notes=self.desk.next_id())
        self.desk.attach(table, record, b"cocoa")
        self.calm_night(24)

    def picture(self) -> Counter[tuple[str, str, str]]:
        """What may come twice: attachments by owner and name, notes by record and first text."""
        files = self.desk.rows(ATTACHMENT).values()
        notes = self.desk.rows(JOURNAL).values()
        picture = Counter((ATTACHMENT, row["table_sys_id"], row["file_name"]) for row in files)
        picture.update((JOURNAL, row["element_id"], _first_text(row["value"])) for row in notes)
        return picture

    def judge_restore(
        self, table: str, record: str, row: Mapping[str, str], before: Counter[tuple[str, str, str]]
    ) -> None:
        """The record is as it was, with everything that belonged to it, and nothing comes twice."""
        live = self.desk.rows(table)
        assert record in live, f"{table} {record} did not come back"
        # The instance numbers a record that had no number.
        names = TEXTS if row["number"] else TEXTS[1:]
        assert {n: live[record].get(n) for n in names} == {n: row.get(n) for n in names}
        after = self.picture()
        doubled = {key: count for key, count in after.items() if count > max(1, before[key])}
        assert not doubled, f"came back twice: {doubled}"
        missing = {key for key in before if key[1] == record and key not in after}
        assert not missing, f"did not come back: {missing}"
        for name in RECORDS:
            new = self.desk.rows(name).keys() - {key for of, key in self.judge.seen if of == name}
            assert not new, f"{name}: a restore made {new}, which no backup has"

    def plan(self, table: str, record: str, *, at: int) -> RestorePlan:
        """A plan of everything that belongs to a record, as a backup has it."""
        self.desk.nights += 1
        with self.desk.opened() as source, self.writing() as writer:
            ports = PlanPorts(
                source=source,
                writer=writer,
                vault=self.desk.vault,
                clock=self.desk.clock,
                observer=self.desk.observer,
            )
            selection = Selection(SelectionKind.RECORDS, (RecordKey(table, record),))
            return plan_restore(
                self.desk.oid, ports, selection, at=at, plan_id=f"plan-{self.desk.nights}"
            )

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        config = ServiceNowConfig(url=URL, username=RESTORE, page_rows=self.desk.page_rows)
        context = memory_context({"password": PASSWORD}, clock=self.desk.clock)
        with self.desk.connector.open_writer(config, context) as writer:
            yield writer

    def run_to_the_end(self, plan: RestorePlan, troubles: list[tuple[str, int]]) -> RestoreOutcome:
        """Run a plan, again after each trouble; a crash ends the attempt, so the rest waits."""
        for _ in range(MOST_ATTEMPTS):
            point = self.plant(troubles)
            try:
                ended = self.attempt(plan, point)
            except Crash:
                self.lived["restore crashed"] += 1
                self.desk.reopen()
            except TransientError as error:
                if error.code != "restore-no-answer":
                    raise
            except Conflict as error:
                raise AssertionError("the restore cannot go on") from error
            else:
                assert not isinstance(ended, ParkedRestore)
                self.lived["answer lost"] += not self.desk.post("faults/clear")["unhit"]
                return ended
            self.desk.clock.advance(seconds=60)
        raise AssertionError("the restore does not end")

    def plant(self, troubles: list[tuple[str, int]]) -> CrashPoint:
        while troubles:
            kind, at = troubles.pop(0)
            if kind == "crash":
                return CrashPoint(at)
            parts: dict[str, Any] = {"after_bytes": 20} if kind == "cut" else {}
            self.desk.post("faults", kind=kind, path=WRITES, method="POST", skip=at, **parts)
        return CrashPoint(0)

    def attempt(self, plan: RestorePlan, point: CrashPoint) -> RestoreOutcome | ParkedRestore:
        desk = self.desk
        store = point.guard(desk.store, after=True, only={"put_new", "put_stream", "delete"})
        with self.writing() as writer:
            ports = RestorePorts(
                writer=point.guard(writer, after=True),
                vault=reopened(desk.vault, desk.clock, store=store),
                lease=desk.lease,
                clock=desk.clock,
                observer=desk.observer,
            )
            return execute(plan, ports)


def _first_text(text: str) -> str:
    match = ATTRIBUTION.fullmatch(text)
    return match["text"] if match else text
