"""Values that distinguish records of the same name in a list: parent record, e-mail, number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from unlost.app.records.record_facts import RecordNames
from unlost.model.source.schema import Column, ColumnTrait, Table, WireKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unlost.model.ports.vault import Snapshot

SHOWN = 2  # values of a record
READ = 12  # columns that are read for them
DISTINCT = (
    ColumnTrait.EMAIL,
    ColumnTrait.EXTERNAL_ID,
    ColumnTrait.UNIQUE,
    ColumnTrait.AUTO_NUMBER,
    ColumnTrait.PHONE,
)  # the best first


def distinguishing_values(
    head: Snapshot, names: RecordNames, table: Table, ids: Sequence[str]
) -> Mapping[str, str]:
    """Return a text for each of these records, such as "Account: Kaffeehaus · Email: a@b.example".

    Records for which nothing differs are left out.
    """
    # A column may be a candidate for several reasons.
    columns = list({column.name: column for column in _candidates(table)}.values())[:READ]
    rows = head.get(table.name, ids, columns=[column.name for column in columns])
    texts: dict[str, list[str]] = {}
    differing = [column for column in columns if len(_values(rows, column)) > 1][:SHOWN]
    for column in differing:
        meanings = names.meaning(column, _values(rows, column))
        cells = zip(rows["_u_id"].to_pylist(), rows[column.name].to_pylist(), strict=True)
        for record, value in cells:
            if value:
                known = meanings.get(value)
                shown = known.name if known is not None and known.name else value
                texts.setdefault(record, []).append(f"{column.label or column.name}: {shown}")
    return {record: " · ".join(parts) for record, parts in texts.items()}


def _candidates(table: Table) -> Iterator[Column]:
    """Yield the references to records that people know, then numbers and addresses."""
    by = table.column(table.modified_by_column or "")
    people = set(by.reference.tables) if by is not None and by.reference is not None else set()
    for column in table.columns:
        refers = column.kind is WireKind.REFERENCE and column.reference is not None
        if refers and column.reference and not people & set(column.reference.tables):
            yield column
    for trait in DISTINCT:
        yield from (column for column in table.columns if trait in column.traits)


def _values(rows: pa.Table, column: Column) -> Sequence[str]:
    return sorted({value for value in rows[column.name].to_pylist() if value})
