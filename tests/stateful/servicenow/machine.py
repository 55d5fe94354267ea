"""A service desk lives under backups; see ``judge``."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from stateful.servicenow.desk import CLASSES, INCIDENT, ITEM, LINK, PROBLEM, RECORDS, Desk
from stateful.servicenow.judge import Judge
from stateful.servicenow.rights import Administrators
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup
from unlost.engine.backup.policy import RowCheckPolicy

TEXTS = st.sampled_from(["", "a", "NA", "línea\nzwei", "🍫", '"', "1.0E7"])
NAMES = {INCIDENT: "short_description", PROBLEM: "short_description", ITEM: "name"}


class LivingDesk(RuleBasedStateMachine):
    """``lived`` counts what was met, over all examples."""

    lived: ClassVar[Counter[str]] = Counter()

    @initialize(
        page_rows=st.integers(1, 4), checked=st.booleans(), absent=st.booleans(), empty=st.booleans()
    )
    def begin(self, page_rows: int, checked: bool, absent: bool, empty: bool) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.desk = Desk(self.folder, page_rows=page_rows)
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
        self.night()

    def teardown(self) -> None:
        if not hasattr(self, "judge"):
            return
        try:
            self.night()
            self.judge.histories()
            self.judge.files()
        finally:
            self.desk.close()
            shutil.rmtree(self.folder)

    # --- people ------------------------------------------------------------------------------------

    @rule(table=st.sampled_from([*CLASSES, ITEM]), name=TEXTS)
    def create(self, table: str, name: str) -> None:
        self.desk.insert(table, **{NAMES[table]: name})
        self.lived["created"] += 1

    @rule(data=st.data(), table=st.sampled_from([*CLASSES, ITEM]), name=TEXTS)
    def change(self, data: st.DataObject, table: str, name: str) -> None:
        record = self.pick(data, self.desk.rows(table))
        if record is not None:
            self.desk.update(table, record, **{NAMES[table]: name})
            self.lived["changed"] += 1

    @rule(data=st.data(), table=st.sampled_from(RECORDS))
    def delete(self, data: st.DataObject, table: str) -> None:
        record = self.pick(data, self.desk.rows(table))
        if record is not None:
            self.desk.post("records/delete", table=table, sys_ids=[record])
            self.lived["deleted"] += 1

    # --- backups -----------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 24]))
    def night(self, hours: int = 24) -> None:
        self.desk.clock.advance(hours=hours)
        self.settle(self.desk.attempt())

    def settle(self, done: object, *, faulty: bool = False) -> None:
        """Judge a backup that ended."""
        assert isinstance(done, FinishedBackup), done
        self.judge.backup(done, faulty=faulty)

    def pick(self, data: st.DataObject, records: Iterable[str]) -> str | None:
        """One of these records, if there is one."""
        pool = sorted(records)
        return data.draw(st.sampled_from(pool)) if pool else None
