"""Notes about rows that the org removes when the plan changes a column, such as an owner.

The run adds them again (``running.cleared``). The plan counts them as the org has them now.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from unlost.engine.restore.planning.survey import FETCH_IDS, RestoreSurvey, chunks
from unlost.model.plan import NoteWeight, PlanNote, PlanStep
from unlost.model.source.writing import ClearedRows, ReferrerQuery

ADDED_AGAIN = "rows-added-again"
UNREADABLE = "rows-unreadable"


def cleared_notes(survey: RestoreSurvey, steps: Iterable[PlanStep]) -> Iterator[PlanNote]:
    """A note for each table from which the org removes rows that belong to these records."""
    ids: dict[tuple[str, ClearedRows], list[str]] = defaultdict(list)
    for step in steps:
        if step.live is not None and step.columns:
            for cleared in survey.capability(step.table).clears:
                if cleared.column in step.columns and cleared.table in survey.tables:
                    ids[step.table, cleared].append(step.live)
    for (table, cleared), lives in sorted(ids.items(), key=lambda item: item[0][1].table):
        count = _count(survey, cleared, lives)
        if count is None:
            yield _unreadable(table, cleared, len(lives))
        elif count:
            yield _added_again(cleared, count)


def _count(survey: RestoreSurvey, cleared: ClearedRows, lives: Iterable[str]) -> int | None:
    """The rows of these records; None if the user may not read them."""
    table = survey.table(cleared.table)
    queries = [
        ReferrerQuery(table, cleared.parent_column, part) for part in chunks(list(lives), FETCH_IDS)
    ]
    count = 0
    for rows in survey.ports.writer.referrers(queries):
        if rows is None:
            return None
        count += len(rows)
    return count


def _added_again(cleared: ClearedRows, count: int) -> PlanNote:
    return PlanNote.of(
        ADDED_AGAIN,
        NoteWeight.NOTE,
        "{records} of {table} will be removed by the org when {column} changes. The restore adds "
        "them again, with new ids.",
        "",
        cleared.table,
        cleared.column,
        count,
    )


def _unreadable(table: str, cleared: ClearedRows, count: int) -> PlanNote:
    return PlanNote.of(
        UNREADABLE,
        NoteWeight.WARNING,
        "{column} of {records} of {table} will change. The org then removes their rows of "
        "{cleared}, which the write user may not read, so they cannot be added again.",
        "Give the write user the right to read them, then plan again.",
        table,
        cleared.column,
        count,
        cleared=cleared.table,
    )
