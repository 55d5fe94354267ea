"""Display values: labels of choices, names of referred rows, instants in the user's zone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from unlost_simulators.kit.sqlite import Row, Where, quoted
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model import times
from unlost_simulators.servicenow.model.columns import ID, JOURNALS, Column, Kind
from unlost_simulators.servicenow.model.platform import JOURNAL
from unlost_simulators.servicenow.model.users import ApiUser
from unlost_simulators.servicenow.store.store import Slice

AT_ONCE = 500


class Displays:
    """Display values of rows for one user; referred rows are looked up for all rows together."""

    def __init__(self, instance: Instance, user: ApiUser) -> None:
        self.instance, self.user = instance, user
        self._names: dict[str, dict[str, str]] = defaultdict(dict)
        self._entries: dict[str, list[Row]] = {}

    def labels(self, column: Column, rows: Sequence[Row]) -> list[str]:
        """Give the display values of a column of rows."""
        values = [row[column.name] for row in rows]
        if column.kind in JOURNALS:
            self._read_entries([row[ID] for row in rows])
            return [self._journal(column, row) for row in rows]
        if column.kind is Kind.INSTANT:
            return [times.shown(value, self.user.zone) for value in values]
        if column.choices:
            names = {choice.value: choice.label for choice in column.choices}
            return [names.get(value, value) for value in values]
        if column.target:
            return self._referred(column.target, values)
        return values

    def _referred(self, target: str, values: Sequence[str]) -> list[str]:
        lists = [value.split(",") if value else [] for value in values]
        self._look_up(
            target, sorted({each for ids in lists for each in ids} - self._names[target].keys())
        )
        names = self._names[target]
        return [", ".join([names.get(each, each) for each in ids]) for ids in lists]

    def _look_up(self, target: str, sys_ids: list[str]) -> None:
        schema = self.instance.schema
        shown = schema.display_column(target) if schema.get(target) else None
        if shown is None:
            return
        for at in range(0, len(sys_ids), AT_ONCE):
            part = sys_ids[at : at + AT_ONCE]
            rows = self.instance.store.database.rows(
                f"SELECT sys_id, {quoted(shown)} AS shown FROM {quoted(schema.root(target))} "
                f"WHERE sys_id IN ({', '.join('?' * len(part))})",
                part,
            )
            self._names[target].update({row[ID]: row["shown"] for row in rows})

    def _read_entries(self, rows: Sequence[str]) -> None:
        sys_ids = [each for each in rows if each not in self._entries]
        for at in range(0, len(sys_ids), AT_ONCE):
            part = sys_ids[at : at + AT_ONCE]
            where = Where(f"element_id IN ({', '.join('?' * len(part))})", tuple(part))
            self._entries.update({each: [] for each in part})
            for row in self.instance.store.select(
                JOURNAL, where, Slice("sys_created_on DESC, sys_id")
            ):
                self._entries[row["element_id"]].append(row)

    def _journal(self, column: Column, row: Row) -> str:
        elements = (
            ("comments", "work_notes") if column.kind is Kind.JOURNAL_LIST else (column.name,)
        )
        entries = [each for each in self._entries[row[ID]] if each["element"] in elements]
        return "".join(
            f"{times.shown(entry['sys_created_on'], self.user.zone)} - {entry['sys_created_by']} "
            f"({entry['element']})\n{entry['value']}\n\n"
            for entry in entries
        )
