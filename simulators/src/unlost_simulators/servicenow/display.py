"""Display values: labels of choices, names of referred rows, instants in the user's zone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model import times
from unlost_simulators.servicenow.model.columns import ID, JOURNALS, Column, Kind
from unlost_simulators.servicenow.model.platform import JOURNAL
from unlost_simulators.servicenow.model.users import ApiUser
from unlost_simulators.servicenow.store.database import Row, quoted
from unlost_simulators.servicenow.store.store import Slice, Where

AT_ONCE = 500


class Displays:
    """Display values of rows for one user; referred rows are looked up for all rows together."""

    def __init__(self, instance: Instance, user: ApiUser) -> None:
        self.instance, self.user = instance, user
        self._names: dict[str, dict[str, str]] = defaultdict(dict)
        self._entries: dict[str, list[Row]] = defaultdict(list)

    def prepare(self, columns: Iterable[Column], rows: Sequence[Row]) -> None:
        """Look up what the columns of the rows refer to."""
        chosen = list(columns)
        wanted: dict[str, set[str]] = defaultdict(set)
        for column in chosen:
            if column.target:
                for row in rows:
                    wanted[column.target].update(filter(None, row[column.name].split(",")))
        for target, sys_ids in wanted.items():
            self._look_up(target, sorted(sys_ids - self._names[target].keys()))
        if any(column.kind in JOURNALS for column in chosen):
            self._read_entries([row[ID] for row in rows])

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

    def _read_entries(self, sys_ids: list[str]) -> None:
        for at in range(0, len(sys_ids), AT_ONCE):
            part = sys_ids[at : at + AT_ONCE]
            where = Where(f"element_id IN ({', '.join('?' * len(part))})", tuple(part))
            for row in self.instance.store.select(
                JOURNAL, where, Slice("sys_created_on DESC, sys_id")
            ):
                self._entries[row["element_id"]].append(row)

    def of(self, column: Column, row: Row) -> str:
        """Give the display value of a cell."""
        value = row[column.name]
        if column.kind in JOURNALS:
            return self._journal(column, row)
        if column.kind is Kind.INSTANT:
            return times.shown(value, self.user.zone)
        if column.choices:
            labels = {choice.value: choice.label for choice in column.choices}
            return labels.get(value, value)
        if column.target:
            names = self._names[column.target]
            return ", ".join(names.get(each, each) for each in value.split(",")) if value else ""
        return value

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
