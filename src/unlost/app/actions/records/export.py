"""Export tables of a snapshot for other programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from unlost.app.access import action
from unlost.app.backups.moments import LATEST, parse_past, snapshot_at
from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound, UsageError
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Json
from unlost.outside.exporting import (
    ExportKind,
    TableExport,
    check_kind,
    export_files,
)
from unlost.outside.formats import ExportFormat
from unlost.outside.source import TableContent, table_called


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """The tables to export and their format; without ``tables`` all are exported.

    ``values``: columns have types. ``history``: all versions instead of the snapshot's records.
    ``people``: in CSV, texts that a spreadsheet would run as formulas get an apostrophe.
    """

    form: ExportFormat
    tables: tuple[str, ...] = ()
    as_of: str = LATEST
    values: bool = False
    history: bool = False
    people: bool = False


@dataclass(frozen=True, slots=True)
class ExportResult:
    """The exported tables. ``people``: CSV texts were made safe for spreadsheets."""

    org: str
    zone: str
    out: str
    form: ExportFormat
    snapshot: int
    as_of: datetime
    people: bool
    tables: tuple[TableExport, ...]


def _tables(result: ExportResult) -> Mapping[str, Json]:
    """Return the audit's details: the exported tables, their snapshot and the target."""
    return {
        "snapshot": result.snapshot,
        "format": result.form.value,
        "out": result.out,
        "tables": {table.table: table.rows for table in result.tables},
    }


@action(
    "data.export", Right.READ, trace=Trace.READ, subject=("out",), detail=_tables, writes_files=True
)
def export(app: Application, org: str, export_request: ExportRequest, *, out: Path) -> ExportResult:
    """Export tables of a backup to a folder outside the vault, unencrypted.

    The folder must be new; an export of Delta tables is continued. Raises NotFound for an unknown
    org, table or backup, UsageError (``export-in-vault``, ``csv-has-no-types``, ``delta-missing``
    and others), Conflict (``export-exists``, ``export-other``, ``delta-newer`` and others),
    StoreError.
    """
    known = get_org(org)
    what = TableContent.VERSIONS if export_request.history else TableContent.RECORDS
    kind = ExportKind(
        known.oid, export_request.form, what, export_request.values, export_request.people
    )
    check_kind(kind)
    out = out.absolute()
    check_outside(out, vault=app.home.vault)
    snapshot = snapshot_at(app, known, parse_past(export_request.as_of, zone=known.identity.zone))
    tables = _chosen(snapshot, export_request.tables)
    if export_request.form is ExportFormat.DELTA:
        # The library for Delta tables is optional, and slow to import.
        from unlost.outside.delta import export_delta

        def before(number: int) -> Snapshot | None:
            try:
                return app.vault.at(known.oid, number)
            except NotFound:
                return None

        written = export_delta(snapshot, tables, kind, out=out, before=before)
    else:
        written = export_files(snapshot, tables, kind, out=out).tables
    info = snapshot.info
    return ExportResult(
        org=org,
        zone=known.identity.zone,
        out=str(out),
        form=export_request.form,
        snapshot=info.number,
        as_of=info.as_of,
        people=export_request.people,
        tables=written,
    )


def _chosen(snapshot: Snapshot, names: Sequence[str]) -> list[str]:
    """Return the requested tables, or all that the vault has."""
    every = sorted(name for name in snapshot.tables() if not name.startswith("$"))
    if not names:
        return every
    return list(dict.fromkeys(table_called(snapshot.schema(), every, name) for name in names))


def check_outside(out: Path, *, vault: Path | None) -> None:
    """Raise UsageError (``export-in-vault``) for a path inside the vault."""
    if vault is not None and out.resolve().is_relative_to(vault.resolve()):
        raise UsageError(
            "export-in-vault",
            "{out} is inside the vault, where nothing may be stored unencrypted.",
            next_step="Choose a folder outside the vault.",
            out=out,
        )
