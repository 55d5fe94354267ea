"""The records that a record was restored as, and the records that it was restored from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.model.access import Right
from unlost.model.vault.snapshot import Lineage

if TYPE_CHECKING:
    from unlost.model.plan import RecordKey


@dataclass(frozen=True, slots=True)
class RestoredAs:
    """A record that a restore created for another. ``org`` is its org, ``run`` the restore."""

    org: str
    record: str
    run: str


def restored_as(
    app: Application, org: ProtectedOrg, table: str, record: str
) -> tuple[RestoredAs, ...]:
    """Return the records that replace this one, its own org first, in orgs the actor may read."""
    rows = app.vault.lineage(org.oid, table=table, records=[record])
    if not rows:
        return ()
    # Most records were never restored, and plans take long to import.
    from unlost.model.plan import RecordKey

    readable = sorted(app.orgs(Right.READ), key=lambda readable_org: readable_org.oid != org.oid)
    restored = (
        (org_row, _last(rows, RecordKey(table, record), org.oid, org_row.oid))
        for org_row in readable
    )
    return tuple(
        RestoredAs(org_row.name, last.live, last.run)
        for org_row, last in restored
        if last is not None and (org_row.oid, last.live) != (org.oid, record)
    )


def restored_from(
    app: Application, org: ProtectedOrg, table: str, record: str
) -> tuple[RestoredAs, ...]:
    """Return the records that this one was restored from, with the restores."""
    rows = app.vault.lineage(org.oid, table=table, lives=[record])
    return tuple(
        RestoredAs(org.name, row.old, row.run)
        for row in rows
        if row.target == org.oid and row.old != record
    )


def replacements(
    app: Application, org: ProtectedOrg, table: str, records: Sequence[str]
) -> Mapping[str, str]:
    """Return the new ids of the records that were restored in their org under another id."""
    rows = app.vault.lineage(org.oid, table=table, records=records)
    if not rows:
        return {}
    from unlost.model.plan import RecordKey
    from unlost.model.vault.lineage import resolve

    lives = resolve(rows, org=org.oid, target=org.oid)
    by_record = {record: lives.get(RecordKey(table, record)) for record in records}
    return {record: live for record, live in by_record.items() if live and live != record}


def _last(rows: Iterable[Lineage], key: RecordKey, org: str, target: str) -> Lineage | None:
    """Return the lineage row that leads to the current replacement of a record in ``target``."""
    from unlost.model.vault.lineage import resolve

    lineages = [row for row in rows if row.target == target]
    live = resolve(lineages, org=org, target=target).get(key)
    return next((row for row in lineages if row.live == live), None)
