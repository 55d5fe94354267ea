"""Find records by number, name, e-mail, phone or id, live or deleted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.records.ids import other_ids
from unlost.app.records.record_facts import (
    MergeWinners,
    RecordDeletion,
    UserNames,
    deletion_of,
)
from unlost.app.records.restored_as import replacements
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.records.search import SearchResult
from unlost.engine.records.search import find as search
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Json
from unlost.model.typed_text import without_invisible
from unlost.model.vault.snapshot import SearchHit
from unlost.model.written import written

MOST = 20


@written(restored_as="came_back_as")
@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record that matched by the value of a column; ``gone`` is None while it is alive.

    ``restored_as`` is the record that a restore created for it in its org; empty if none did.
    ``zone`` is the org's, for times. ``exact``: the whole value or the id matches, not only its
    start. ``former``: ``value`` is an earlier one; the record has another by now.
    """

    org: str
    table: str
    table_label: str
    record: str
    name: str
    column: str
    column_label: str
    value: str
    exact: bool
    alive: bool
    gone: RecordDeletion | None
    zone: str
    restored_as: str
    former: bool = False


@dataclass(frozen=True, slots=True)
class FindResult:
    """The matches, best first. ``searched`` names the orgs that have a backup to search."""

    text: str
    searched: tuple[str, ...]
    hits: tuple[FoundRecord, ...]


def _hits(result: FindResult) -> Mapping[str, Json]:
    """Return the audit's details: the records shown, not the text, which may be a value."""
    return {"found": [f"{hit.org}/{hit.table}/{hit.record}" for hit in result.hits]}


@action("record.find", Right.READ, trace=Trace.READ, detail=_hits)
def find(
    app: Application, text: str, *, org: str | None = None, former: bool = False
) -> FindResult:
    """Search one org, or all; raises UsageError for an empty text, NotFound for an unknown org.

    ``former``: also search the values that records once had. This takes longer: all versions of
    every record that ever had one of the words are read.
    """
    if not without_invisible(text):
        raise UsageError(
            "text-empty", "The search text is empty.", next_step="Enter a number or a name."
        )
    known = {org_row.oid: org_row for org_row in ([get_org(org)] if org else app.orgs(Right.READ))}
    heads = {oid: head for oid in known if (head := app.vault.newest_backup(oid)) is not None}
    search_results = [*_by_other_ids(app, [known[oid] for oid in heads], text)]
    search_results += search(app.vault, text, orgs=list(heads), limit=MOST, former=former)
    hits = tuple(
        _described(
            app,
            known[search_result.hit.org],
            heads[search_result.hit.org],
            search_result.hit,
            exact=search_result.exact,
        )
        for search_result in _once(search_results)[:MOST]
    )
    # Orgs without a backup are not named: they were not searched.
    return FindResult(text, tuple(known[oid].name for oid in heads), hits)


def _by_other_ids(
    app: Application, orgs: Sequence[ProtectedOrg], text: str
) -> Iterator[SearchResult]:
    """Yield the records whose id was typed in another form than that of the vault."""
    for org in orgs:
        for record in other_ids(app, org, text):
            for search_result in search(app.vault, record, orgs=[org.oid], limit=MOST):
                if search_result.hit.record == record:
                    yield search_result


def _once(search_results: Sequence[SearchResult]) -> Sequence[SearchResult]:
    """Return each record once, at its first position."""
    return list(
        {
            (
                search_result.hit.org,
                search_result.hit.table,
                search_result.hit.record,
            ): search_result
            for search_result in reversed(search_results)
        }.values()
    )[::-1]


def _described(
    app: Application, org: ProtectedOrg, head: Snapshot, hit: SearchHit, *, exact: bool
) -> FoundRecord:
    table = head.schema().table(hit.table)
    column = table.column(hit.column) if table else None
    return FoundRecord(
        org=org.name,
        table=hit.table,
        table_label=(table.label if table else "") or hit.table,
        record=hit.record,
        name=hit.label,
        column=hit.column,
        column_label=(column.label if column else "") or hit.column,
        value=hit.value,
        exact=exact,
        alive=hit.alive,
        gone=None if hit.alive else _gone(app, org, head, hit),
        zone=org.identity.zone,
        restored_as="" if hit.alive else _replacement(app, org, hit),
        former=hit.former,
    )


def _replacement(app: Application, org: ProtectedOrg, hit: SearchHit) -> str:
    return replacements(app, org, hit.table, [hit.record]).get(hit.record, "")


def _gone(
    app: Application, org: ProtectedOrg, head: Snapshot, hit: SearchHit
) -> RecordDeletion | None:
    versions = app.vault.history(org.oid, hit.table, hit.record)
    return deletion_of(
        versions,
        app.vault.snapshots(org.oid),
        people=UserNames(head),
        winners=MergeWinners(head),
    )
