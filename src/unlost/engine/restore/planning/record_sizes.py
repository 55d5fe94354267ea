"""The storage that records need when they come back, by the rules of the org.

An org counts most records by a fixed size, whatever their text. The bytes of files are counted apart.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.planning.survey import FETCH_IDS, RestoreSurvey, chunks
from unlost.engine.restore.planning.undo_step import UndoStep
from unlost.model.plan import Action, RecordKey
from unlost.model.storage import StorageRule, StorageWeight

type StorageRules = Mapping[str, StorageRule]


def sizes_of(rows: pa.Table, table: str, columns: Sequence[str], rules: StorageRules) -> list[int]:
    """The bytes that each row needs. Without rules of the org, it is the text of ``columns``."""
    if not rules:
        return _text_sizes(rows, columns)
    sizes = np.zeros(rows.num_rows, dtype=np.int64)
    for weight in _data_weights(table, rules):
        texts = [name for name in weight.texts if name in rows.column_names]
        sizes += np.maximum(weight.least, np.array(_text_sizes(rows, texts), dtype=np.int64))
    return [int(size) for size in sizes]


def size_of_cells(cells: Mapping[str, str | None], table: str, rules: StorageRules) -> int:
    """The bytes that a record with these cells needs; as ``sizes_of``."""
    if not rules:
        return _text_size(cells, tuple(cells))
    return sum(
        max(weight.least, _text_size(cells, weight.texts)) for weight in _data_weights(table, rules)
    )


def returning_file_bytes(survey: RestoreSurvey, steps: Sequence[UndoStep]) -> int:
    """The bytes of the files of records that an undo brings back."""
    back = [step for step in steps if step.action.creates or step.action is Action.UNDELETE]
    total = 0
    for name in sorted({step.effect.table for step in back}):
        roles = survey.capability(name)
        files = [file for file in survey.table(name).files if file.column == roles.file_column]
        for file in files:
            of_table = [step for step in back if step.effect.table == name]
            sizes = {step.key: step.effect.before.get(file.size_column or "") for step in of_table}
            unknown = [key for key, size in sizes.items() if not (size or "").isdecimal()]
            total += sum(int(size) for size in sizes.values() if size and size.isdecimal())
            total += sum(_stored_sizes(survey, name, unknown, column=file.column))
    return total


def _stored_sizes(
    survey: RestoreSurvey, table: str, keys: Sequence[RecordKey], *, column: str
) -> Iterator[int]:
    """The bytes of the newest files of records in the vault, under any of their ids."""
    ids = sorted({record for key in keys for record in survey.lives(key)})
    alive = survey.newest_alive(table, ids, upto=survey.newest)
    sizes: dict[RecordKey, int] = {}
    for number in sorted(set(alive.values())):
        records = [record for record in ids if alive.get(record) == number]
        for part in chunks(records, FETCH_IDS):
            for file in survey.snapshot(number).files(table, part):
                if file.column == column:
                    sizes[survey.life(RecordKey(table, file.record))] = file.size
    yield from sizes.values()


def _data_weights(table: str, rules: StorageRules) -> Iterator[StorageWeight]:
    """The weights of a record itself; those with the size of a file are counted with the files."""
    rule = rules.get(table)
    for weight in rule.weights if rule is not None else ():
        if weight.size_column is None:
            yield weight


def _text_sizes(rows: pa.Table, columns: Sequence[str]) -> list[int]:
    sizes = np.zeros(rows.num_rows, dtype=np.int64)
    for name in columns:
        lengths = pc.fill_null(pc.binary_length(rows[name].cast(pa.string())), 0)
        sizes += lengths.to_numpy()
    return [int(size) for size in sizes]


def _text_size(cells: Mapping[str, str | None], names: Sequence[str]) -> int:
    return sum(len((cells.get(name) or "").encode()) for name in names)
