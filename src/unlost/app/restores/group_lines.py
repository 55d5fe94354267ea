"""Groups of planned or restored records, with the names and labels that the actor may see."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlost.app.records.record_facts import RecordNames
from unlost.app.records.table_words import TableWords
from unlost.engine.restore.planning.shown.groups import PlanGroup
from unlost.model.ports.vault import Snapshot


@dataclass(frozen=True, slots=True)
class TableCount:
    """The number of records of a table, with the label for so many."""

    table: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class GroupLine:
    """Records that belong together.

    ``record`` of ``table`` with its name and number, and all that comes with it. Without
    ``record``, all single records of the table. ``skipped`` of the ``count`` cannot be written.
    """

    table: str
    label: str
    record: str
    name: str
    number: str
    count: int
    skipped: int
    tables: tuple[TableCount, ...]


def group_lines(
    snapshot: Snapshot, groups: Sequence[PlanGroup], *, names: RecordNames
) -> tuple[GroupLine, ...]:
    """Name groups from a backup with its ``names``; each table is read once."""
    words = TableWords(snapshot.schema())
    ids: dict[str, list[str]] = defaultdict(list)
    for group in groups:
        if group.record:
            ids[group.table].append(group.record)
    numbers = {
        name: _numbers(snapshot, name, names.number_column(described), some)
        for name, some in ids.items()
        if (described := words.table(name)) is not None
    }
    for table, some in ids.items():
        names.of([table], some)
    return tuple(_line(group, words, names, numbers.get(group.table, {})) for group in groups)


def _line(
    group: PlanGroup, words: TableWords, names: RecordNames, numbers: Mapping[str, str]
) -> GroupLine:
    name = names.of([group.table], [group.record]).get(group.record, "") if group.record else ""
    number = numbers.get(group.record, "")
    return GroupLine(
        group.table,
        words.label(group.table, count=1 if group.record else group.count),
        group.record,
        name,
        number if number != name else "",
        group.count,
        group.skipped,
        tuple(
            TableCount(entry.table, words.label(entry.table, count=entry.count), entry.count)
            for entry in group.tables
        ),
    )


def _numbers(
    snapshot: Snapshot, table: str, column: str | None, ids: Sequence[str]
) -> Mapping[str, str]:
    """Return the numbers by which people know these records."""
    if column is None or table not in snapshot.tables():
        return {}
    rows = snapshot.get(table, ids, columns=[column])
    pairs = zip(rows["_u_id"].to_pylist(), rows[column].to_pylist(), strict=True)
    return {record: value or "" for record, value in pairs}
