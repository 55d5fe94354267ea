"""The stop of inserts when storage is full: rows are taken until there is no room left."""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.salesforce.storage import FILE_SIZES, row_size_sql
from unlost_simulators.salesforce.store import database, tables
from unlost_simulators.salesforce.writing import refusals, rows
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job

_NEW = "_new_rows"


def check(job: Job, drafts: Sequence[Draft]) -> None:
    """Refuse the new rows that come when data or file storage is used up."""
    if job.by_platform:
        return
    refuse_surplus(job, [draft for draft in drafts if draft.sound])
    sound = [draft for draft in drafts if draft.sound]
    if not sound:
        return
    size = row_size_sql(job.of)
    if size is not None:
        _refuse_beyond(sound, _data_sizes(job, sound, size), job.org.figures.data_left())
    if job.of.name in FILE_SIZES:
        _refuse_beyond(sound, [_file_size(draft) for draft in sound], job.org.figures.file_left())


def refuse_surplus(job: Job, drafts: Sequence[Draft]) -> None:
    """Refuse the new rows for which a mishap leaves no room."""
    fitting = None if job.by_platform else job.org.mishaps.fitting_rows(job.subject, len(drafts))
    for draft in () if fitting is None else drafts[fitting:]:
        draft.refuse(refusals.NO_ROOM)


def _refuse_beyond(drafts: Sequence[Draft], sizes: Sequence[int], storage: float) -> None:
    """Refuse rows once the storage is full; a row is accepted if any space is left."""
    used = 0
    for draft, size in zip(drafts, sizes, strict=True):
        if used >= storage:
            draft.refuse(refusals.NO_ROOM)
        else:
            used += size


def _data_sizes(job: Job, drafts: Sequence[Draft], size: str) -> list[int]:
    if size.isdigit():
        return [int(size)] * len(drafts)
    table = rows.staged(job, drafts)
    missing = "".join(
        f", CAST(NULL AS {tables.sql_type(field)}) AS {tables.name(field.name)}"
        for field in job.of.stored
        if field.name not in table.column_names
    )
    cursor = job.store.cursor()
    cursor.register(_NEW, table)
    try:
        return [int(cell) for cell in database.column(cursor, _size_sql(size, missing))]
    finally:
        cursor.unregister(_NEW)


def _size_sql(size: str, missing: str) -> str:
    return f"SELECT {size} FROM (SELECT *{missing} FROM {_NEW})"


def _file_size(draft: Draft) -> int:
    """Bytes that came with the row; a link to something outside has none."""
    return sum(len(cell) for cell in draft.cells.values() if isinstance(cell, bytes))
