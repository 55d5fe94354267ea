"""Find records by number, name, e-mail, phone or id, alive or deleted."""

from dataclasses import dataclass

from unlost.app.compose import Application
from unlost.app.records import Gone, Names, People, how_gone
from unlost.catalog.orgs import ProtectedOrg, get_org, list_orgs
from unlost.model.errors import UsageError
from unlost.model.ports import Snapshot
from unlost.model.snapshot import Hit

MOST = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A record that was found by the value of a column; ``gone`` is None while it is alive."""

    org: str
    table: str
    table_label: str
    record: str
    name: str
    column: str
    column_label: str
    value: str
    alive: bool
    gone: Gone | None


@dataclass(frozen=True, slots=True)
class FindResult:
    """What was found, best first. ``searched`` names the orgs that have a backup to search."""

    text: str
    searched: tuple[str, ...]
    hits: tuple[Found, ...]


def find(app: Application, text: str, *, org: str | None = None) -> FindResult:
    """Search one org, or all; raises UsageError for an empty text, NotFound for an unknown org."""
    if not text.strip():
        raise UsageError(
            "text-empty", "There is nothing to search for.", next_step="Give a number or a name."
        )
    hits: list[Found] = []
    searched: list[str] = []
    for known in [get_org(org)] if org else list_orgs():
        head = app.vault.head(known.oid)
        if head is not None:
            searched.append(known.name)
            hits += _in_org(app, known, head, text)
    ranked = sorted(hits, key=lambda hit: _distance(hit, text))
    return FindResult(text, tuple(searched), tuple(ranked[:MOST]))


def _distance(hit: Found, text: str) -> int:
    """How far a hit is from what was typed: the whole value, its beginning, a word inside."""
    value, typed = hit.value.casefold().strip(), text.casefold().strip()
    if typed in {value, hit.record.casefold()}:
        return 0
    return 1 if value.startswith(typed) else 2


def _in_org(app: Application, org: ProtectedOrg, head: Snapshot, text: str) -> list[Found]:
    hits = app.vault.search(org.oid, text, limit=MOST)
    if not hits:
        return []
    names, people = Names(head), People(head)
    nights = app.vault.snapshots(org.oid)
    found: dict[tuple[str, str], Found] = {}
    for hit in hits:
        if (hit.table, hit.record) in found:
            continue
        versions = [] if hit.alive else app.vault.history(org.oid, hit.table, hit.record)
        gone = how_gone(versions, nights, people=people)
        found[hit.table, hit.record] = _found(org.name, hit, head=head, names=names, gone=gone)
    return list(found.values())


def _found(org: str, hit: Hit, *, head: Snapshot, names: Names, gone: Gone | None) -> Found:
    table = head.schema().table(hit.table)
    column = table.column(hit.column) if table else None
    name = hit.label or names.of([hit.table], [hit.record]).get(hit.record, "")
    return Found(
        org=org,
        table=hit.table,
        table_label=(table.label if table else "") or hit.table,
        record=hit.record,
        name=name,
        column=hit.column,
        column_label=(column.label if column else "") or hit.column,
        value=hit.value,
        alive=hit.alive,
        gone=gone,
    )
