"""Records that hold keys: a table of a snapshot is read by its key column, and no record looked up."""

from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.model.runs.progress import Phase

type TextInColumn = tuple[str, str, str]
"""A table, a column of it, and a text in that column."""


def holders_of(
    survey: RestoreSurvey, number: int, place: tuple[str, str], texts: Collection[str]
) -> Mapping[str, str]:
    """The ids of live records of a snapshot, by those of ``texts`` that they have as their key.

    ``place``: the table, and the column with the key.
    """
    table, key_column = place
    shape = survey.shape(number, table)
    if not texts or shape is None or shape.column(key_column) is None:
        return {}
    wanted = pa.array(sorted(texts), pa.string())
    holders: dict[str, str] = {}
    for batch in survey.snapshot(number).scan(table, columns=[key_column]):
        keys = batch.column(key_column).cast(pa.string())
        met = pc.is_in(keys, value_set=wanted)
        ids = batch.column("_u_id").cast(pa.string()).filter(met)
        holders.update(zip(keys.filter(met).to_pylist(), ids.to_pylist(), strict=True))
    survey.report_progress(Phase.READ, table)
    return holders
