"""A service desk lives under backups; see ``judge``.

Not in these lives: people who work while a backup runs. What a backup saw could not be told then.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from stateful.servicenow.desk import (
    ATTACHMENT,
    AUDIT,
    CLASSES,
    DELETIONS,
    INCIDENT,
    ITEM,
    JOURNAL,
    LINK,
    PROBLEM,
    RECORDS,
    STAMPS,
    TASK,
    Desk,
)
from stateful.servicenow.judge import Judge
from stateful.servicenow.rights import Administrators
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup
from unlost.engine.backup.policy import RowCheckPolicy
from unlost.model.errors import IntegrityError, SourceRefused, TransientError
from unlost.testing.faults import Crash, CrashPoint
from unlost_simulators.servicenow.access.acls import Operation
from unlost_simulators.servicenow.model import ids

TEXTS = st.sampled_from(["", "a", "NA", "línea\nzwei", "🍫", '"', "1.0E7"])
BODIES = st.sampled_from([b"cocoa", b"milk"])
NAMES = {INCIDENT: "short_description", PROBLEM: "short_description", ITEM: "name"}
NAMED = st.sampled_from(sorted(NAMES))
HIDING = st.sampled_from([INCIDENT, PROBLEM, LINK, ITEM, ATTACHMENT, JOURNAL])
RULED = st.sampled_from([TASK, INCIDENT, ITEM, ATTACHMENT])
COLUMNS = st.sampled_from([
    (INCIDENT, "short_description"), (INCIDENT, "category"), (INCIDENT, "sys_updated_on"),
    (INCIDENT, "sys_class_name"), (TASK, "sys_updated_on"), (ITEM, "name"),
    (ITEM, "sys_updated_on"), (PROBLEM, "sys_created_on"), (JOURNAL, "sys_created_on"),
    (ATTACHMENT, "hash"), (AUDIT, "sys_created_on"),
])  # fmt: skip
QUERIES = st.sampled_from([
    (INCIDENT, "sys_class_name", Operation.QUERY_MATCH), (INCIDENT, "sys_id", Operation.QUERY_RANGE),
    (INCIDENT, "sys_updated_on", Operation.QUERY_RANGE), (ITEM, "*", Operation.QUERY_RANGE),
    (TASK, "sys_class_name", Operation.QUERY_MATCH), (PROBLEM, "sys_id", Operation.QUERY_MATCH),
    (TASK, "sys_id", Operation.QUERY_MATCH), (INCIDENT, "", Operation.CONDITIONAL_RANGE),
    (ITEM, "sys_updated_on", Operation.CONDITIONAL_RANGE),
    (AUDIT, "fieldname", Operation.QUERY_MATCH), (DELETIONS, "sys_created_on", Operation.QUERY_RANGE),
])  # fmt: skip
FAULTS = st.sampled_from([
    "cancelled_key", "cancelled_text", "throttled_429", "unavailable_html", "empty_500", "garbage",
    "reply_lost", "cut",
])  # fmt: skip
STRUCK = st.sampled_from([*RECORDS, ATTACHMENT, JOURNAL, AUDIT, DELETIONS, "sys_dictionary"])
MOST_ATTEMPTS = 8

# What must have happened in some example: a rule that finds nothing to act upon proves nothing.
LIFE = frozenset({
    "created", "changed", "deleted", "noted", "attached", "archived", "cleaned", "undeleted",
    "class changed", "changed quietly", "created quietly", "row hidden", "row ruled away",
    "column hidden", "cells hidden", "query refused", "table closed", "table shut", "role lost",
    "domain", "rights returned", "crashed", "parked", "faulty", "shortened", "read whole",
})  # fmt: skip


class LivingDesk(RuleBasedStateMachine):
    """``lived`` counts what was met, over all examples."""

    lived: ClassVar[Counter[str]] = Counter()

    @initialize(
        page_rows=st.integers(1, 4),
        checked=st.booleans(),
        absent=st.booleans(),
        empty=st.booleans(),
    )
    def begin(self, page_rows: int, checked: bool, absent: bool, empty: bool) -> None:
        """``checked``: each backup compares all rows, so that quiet changes are seen."""
        self.folder = Path(tempfile.mkdtemp())
        self.desk = Desk(self.folder, page_rows=page_rows)
        self.fresh = mock.patch.object(ids, "fresh", self.desk.next_id)
        self.fresh.start()  # ids are the same when an example is tried again
        self.checked = checked
        parts = RowCheckPolicy(nights=1 if checked else 0, fewest_rows=1)
        self.desk.policy = replace(self.desk.policy, row_check=parts)
        self.desk.post(
            "settings",
            hidden_column="absent" if absent else "empty",
            refused_condition="empty" if empty else "dropped",
        )
        self.rights = Administrators(self.desk)
        self.judge = Judge(self.desk, self.rights)
        item = self.desk.insert(ITEM, name="server")
        for table in CLASSES:
            for text in ("first", "second"):
                task = self.desk.insert(table, short_description=text, cmdb_ci=item)
                self.desk.insert(LINK, task=task, ci_item=item)
        self.calm_night(24)

    def teardown(self) -> None:
        if not hasattr(self, "judge"):
            return
        try:
            self.calm_night(24)
            self.judge.histories()
        finally:
            self.end()

    def end(self) -> None:
        """Leave nothing of this life."""
        self.fresh.stop()
        self.desk.close()
        shutil.rmtree(self.folder)

    # --- people ------------------------------------------------------------------------------------

    @rule(table=NAMED, name=TEXTS)
    def create(self, table: str, name: str) -> None:
        if table not in self.rights.shut:
            self.desk.insert(table, **{NAMES[table]: name})
            self.lived["created"] += 1

    @rule(data=st.data(), table=NAMED, name=TEXTS)
    def change(self, data: st.DataObject, table: str, name: str) -> None:
        record = self.pick(data, self.reach(table), "changed")
        if record is not None:
            self.desk.update(table, record, **{NAMES[table]: name})

    @rule(data=st.data(), table=st.sampled_from(CLASSES), name=TEXTS)
    def note(self, data: st.DataObject, table: str, name: str) -> None:
        record = self.pick(data, self.reach(table), "noted")
        if record is not None:
            self.desk.update(table, record, work_notes=f"{self.desk.next_id()} {name}")

    @rule(data=st.data(), table=st.sampled_from([*CLASSES, ITEM]), body=BODIES)
    def attach(self, data: st.DataObject, table: str, body: bytes) -> None:
        pool = () if ATTACHMENT in self.rights.shut else self.reach(table)
        record = self.pick(data, pool, "attached")
        if record is not None:
            self.desk.attach(table, record, body)

    @rule(data=st.data(), table=st.sampled_from([*RECORDS, ATTACHMENT]))
    def delete(self, data: st.DataObject, table: str) -> None:
        """What refers to an item or a problem is cleared with it, quietly."""
        if table in (ITEM, PROBLEM) and not self.checked:
            return
        record = self.pick(data, self.reach(table), "deleted")
        if record is not None:
            self.desk.post("records/delete", table=table, sys_ids=[record])

    @rule(data=st.data())
    def undelete(self, data: st.DataObject) -> None:
        rows = self.desk.rows(DELETIONS).values()
        record = self.pick(data, {row["documentkey"] for row in rows}, "undeleted")
        if record is not None:
            table = next(row["tablename"] for row in rows if row["documentkey"] == record)
            if record not in self.rights.existing(table) and not self.rights.moved(table) & {
                record
            }:
                self.desk.post("records/undelete", table=table, sys_id=record)

    # --- the platform ------------------------------------------------------------------------------

    @rule(data=st.data(), table=NAMED, name=TEXTS)
    def change_quietly(self, data: st.DataObject, table: str, name: str) -> None:
        """Scripts and imports change a row without its stamps."""
        if not self.checked:
            return
        record = self.pick(data, self.desk.rows(table), "changed quietly")
        if record is not None:
            values = {NAMES[table]: f"quiet {name}"}
            self.desk.post("records/quiet-update", table=table, sys_id=record, values=values)

    @rule(table=NAMED, name=TEXTS)
    def create_quietly(self, table: str, name: str) -> None:
        row = {**STAMPS, "sys_id": self.desk.next_id(), NAMES[table]: name}
        self.desk.post("records/quiet-insert", table=table, rows=[row])
        self.lived["created quietly"] += 1

    @rule(data=st.data(), table=st.sampled_from(CLASSES))
    def change_class(self, data: st.DataObject, table: str) -> None:
        record = self.pick(data, self.desk.rows(table), "class changed")
        if record is not None:
            (other,) = set(CLASSES) - {table}
            self.desk.post("records/reclass", table=table, sys_id=record, to=other)

    @rule(data=st.data(), table=st.sampled_from([*RECORDS, JOURNAL, AUDIT, ATTACHMENT]))
    def clean(self, data: st.DataObject, table: str) -> None:
        """The table cleaner leaves no trail."""
        record = self.pick(data, self.desk.rows(table), "cleaned")
        if record is not None:
            self.desk.post("records/clean", table=table, query=f"sys_id={record}")

    @rule(data=st.data(), table=NAMED)
    def archive(self, data: st.DataObject, table: str) -> None:
        record = self.pick(data, self.desk.rows(table), "archived")
        if record is not None:
            self.desk.post("records/archive", table=table, query=f"sys_id={record}")

    # --- administrators ----------------------------------------------------------------------------

    @rule(data=st.data(), table=HIDING)
    def hide_row(self, data: st.DataObject, table: str) -> None:
        record = self.pick(data, self.desk.rows(table), "row hidden")
        if record is not None:
            self.rights.hidden_rows.setdefault(table, set()).add(record)
            self.rights.apply()

    @rule(data=st.data(), table=RULED)
    def rule_row_away(self, data: st.DataObject, table: str) -> None:
        pool = self.desk.rows(INCIDENT if table == TASK else table)
        record = self.pick(data, pool, "row ruled away")
        if record is not None:
            self.rights.ruled_rows.setdefault(table, set()).add(record)
            self.rights.apply()

    @rule(place=COLUMNS)
    def hide_column(self, place: tuple[str, str]) -> None:
        self.rights.hidden_columns[place] = set()
        self.rights.apply()
        self.lived["column hidden"] += 1

    @rule(data=st.data(), place=COLUMNS)
    def hide_cells(self, data: st.DataObject, place: tuple[str, str]) -> None:
        """A column is hidden in some records."""
        pool = self.desk.rows(INCIDENT if place[0] == TASK else place[0])
        record = self.pick(data, pool, "cells hidden")
        if record is not None:
            self.rights.hidden_columns[place] = {record}
            self.rights.apply()

    @rule(query=QUERIES)
    def refuse_query(self, query: tuple[str, str, str]) -> None:
        self.rights.query_acls.add(query)
        self.rights.apply()
        self.lived["query refused"] += 1

    @rule(table=st.sampled_from([*RECORDS, ATTACHMENT, JOURNAL]), rest=st.booleans())
    def close_table(self, table: str, rest: bool) -> None:
        (self.rights.shut if rest else self.rights.closed).add(table)
        self.rights.apply()
        self.lived["table shut" if rest else "table closed"] += 1

    @rule(domains=st.booleans())
    def lose_role(self, domains: bool) -> None:
        self.rights.admin, self.rights.domains = False, domains
        self.rights.apply()
        self.lived["role lost"] += 1

    @rule(data=st.data(), table=st.sampled_from(CLASSES))
    def give_to_domain(self, data: st.DataObject, table: str) -> None:
        record = self.pick(data, self.reach(table), "domain")
        if record is not None:
            self.rights.in_domain(record)

    @rule()
    def give_rights_back(self) -> None:
        self.rights.give_back()
        self.lived["rights returned"] += 1

    # --- backups -----------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 24]))
    def calm_night(self, hours: int) -> None:
        self.desk.clock.advance(hours=hours)
        self.settle(self.desk.attempt())

    @rule()
    def whole_night(self) -> None:
        self.desk.clock.advance(hours=24)
        self.settle(self.desk.attempt(full=True))
        self.lived["read whole"] += 1

    @rule(at=st.integers(1, 200))
    def crashed_night(self, at: int) -> None:
        run = self.next_run()
        try:
            done = self.desk.attempt(run=run, point=CrashPoint(at))
        except Crash:
            self.lived["crashed"] += 1
            done = self.desk.attempt(run=run)
        self.settle(done)

    @rule(limit=st.sampled_from([40, 60, 80]))
    def parked_night(self, limit: int) -> None:
        """A rate rule stops the backup, which goes on later."""
        self.desk.post("rates", name="REST", limit=limit)
        run = self.next_run()
        done = self.desk.attempt(run=run)
        self.desk.post("rates/clear")
        if isinstance(done, ParkedBackup):
            self.lived["parked"] += 1
            self.desk.clock.advance(hours=1)
            done = self.desk.attempt(run=run)
        self.settle(done)

    @rule(kind=FAULTS, table=STRUCK, skip=st.integers(0, 2), times=st.integers(1, 4))
    def faulty_night(self, kind: str, table: str, skip: int, times: int) -> None:
        parts = {"after_bytes": 20} if kind == "cut" else {}
        self.desk.post("faults", kind=kind, object=table, skip=skip, times=times, **parts)
        run = self.next_run()
        self.settle(self.persist(run), faulty=True)
        unhit = self.desk.post("faults/clear")["unhit"]
        self.lived["faulty"] += not unhit

    @rule(table=st.sampled_from([*RECORDS, ATTACHMENT, JOURNAL, AUDIT]), times=st.integers(1, 3))
    def shortened_night(self, table: str, times: int) -> None:
        """Pages lack their last row, and nothing says so."""
        self.desk.served.transport.shortened[table] = times
        self.settle(self.persist(self.next_run()), faulty=True)
        self.lived["shortened"] += not self.desk.served.transport.shortened.pop(table)

    def next_run(self) -> str:
        """A name of a run, at a later time."""
        self.desk.clock.advance(hours=24)
        self.desk.nights += 1
        return f"run-{self.desk.nights}"

    def persist(self, run: str) -> object:
        """The end of a run that is started again as long as it fails."""
        for _ in range(MOST_ATTEMPTS):
            try:
                done = self.desk.attempt(run=run)
            except (TransientError, IntegrityError, SourceRefused):
                self.desk.clock.advance(hours=1)
            else:
                return done
        raise AssertionError("the backup never ends")

    def settle(self, done: Any, *, faulty: bool = False) -> None:
        """Judge a backup that ended."""
        assert isinstance(done, FinishedBackup), done
        self.judge.backup(done, faulty=faulty)

    def reach(self, table: str) -> Iterable[str]:
        """The records on which people can act: a table that is shut to REST is shut to them, too."""
        return () if table in self.rights.shut else self.desk.rows(table)

    def pick(self, data: st.DataObject, records: Iterable[str], deed: str) -> str | None:
        """One of these records, if there is one: then the deed is done."""
        pool = sorted(records)
        self.lived[deed] += bool(pool)
        return data.draw(st.sampled_from(pool)) if pool else None
