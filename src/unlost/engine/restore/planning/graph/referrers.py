"""Records that refer to those that an undo would delete, as the org has them now."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.engine.restore.values.referrers import (
    QUERIES,
    Referrer,
    referrer_queries,
    referrers_in,
)
from unlost.model.plan import RecordKey
from unlost.model.source.writing import Birth


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
        queries = list(referrer_queries(self._survey.schema.tables, records))
        edges: list[Referrer] = []
        unlooked: set[str] = set()
        for at in range(0, len(queries), QUERIES):
            part = queries[at : at + QUERIES]
            answers = self._survey.ports.writer.referrers([query for query, _ in part])
            for (query, target), rows in zip(part, answers, strict=True):
                if rows is None:
                    unlooked.add(query.table.name)
                elif len(rows) and not self._is_of_org(query.table.name):
                    edges += referrers_in(query, target, rows)
        return FoundReferrers(tuple(edges), tuple(sorted(unlooked)))

    def _is_of_org(self, name: str) -> bool:
        return self._survey.capability(name).birth is Birth.NEVER
