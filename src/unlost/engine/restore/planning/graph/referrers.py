"""Records that refer to those that an undo would delete, as the org has them now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.model.plan import RecordKey
from unlost.model.source.reading import Rows
from unlost.model.source.writing import Birth, ReferrerQuery

QUERIES = 200  # sent together


@dataclass(frozen=True, slots=True)
class Referrer:
    """A live record ``key`` whose ``column`` refers to ``target``."""

    key: RecordKey
    column: str
    target: RecordKey


@dataclass(frozen=True, slots=True)
class FoundReferrers:
    """The records that refer to others. ``unlooked``: tables of which the org does not tell it."""

    edges: tuple[Referrer, ...]
    unlooked: tuple[str, ...]


class Referrers:
    """Asks the org for all records that refer to others."""

    def __init__(self, survey: RestoreSurvey) -> None:
        self._survey = survey

    def of(self, records: Sequence[RecordKey]) -> FoundReferrers:
        """The live records that refer to any of these.

        Rows that only the org writes, such as histories, need no record: they go into the bin with
        the record that they describe, and leave it with that record.
        """
        by_table: dict[str, list[str]] = {}
        for key in records:
            by_table.setdefault(key.table, []).append(key.record)
        queries = [query for name, ids in by_table.items() for query in self._queries(name, ids)]
        edges: list[Referrer] = []
        unlooked: set[str] = set()
        for at in range(0, len(queries), QUERIES):
            part = queries[at : at + QUERIES]
            answers = self._survey.ports.writer.referrers([query for query, _ in part])
            for (query, target), rows in zip(part, answers, strict=True):
                if rows is None:
                    unlooked.add(query.table.name)
                elif len(rows) and not self._is_of_org(query.table.name):
                    edges += _edges(query, target, rows)
        return FoundReferrers(tuple(edges), tuple(sorted(unlooked)))

    def _is_of_org(self, name: str) -> bool:
        return self._survey.capability(name).birth is Birth.NEVER

    def _queries(self, name: str, ids: Sequence[str]) -> Iterator[tuple[ReferrerQuery, str]]:
        """One query for each reference to this table."""
        for table in self._survey.schema.tables:
            for column in table.columns:
                if column.reference is not None and name in column.reference.tables:
                    yield ReferrerQuery(table, column.name, ids), name


def _edges(query: ReferrerQuery, target: str, rows: Rows) -> Iterator[Referrer]:
    assert rows.cells is not None
    values = rows.cells.column(query.column).to_pylist()
    for record, value in zip(rows.ids.to_pylist(), values, strict=True):
        yield Referrer(RecordKey(query.table.name, record), query.column, RecordKey(target, value))
