"""Export the data of a person, as one archive that the person can read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from unlost.app.access import action
from unlost.app.actions.records.export import check_outside
from unlost.app.actions.records.file import written
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.record_facts import UserNames
from unlost.app.records.record_selectors import chosen_records
from unlost.app.records.relations.person import PersonRecords, gather
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right, Trace
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Json
from unlost.model.source.schema import Table
from unlost.outside.exporting import safe_names
from unlost.outside.person.archive import person_zip
from unlost.outside.person.parts import ExportedTable, FilePart, PersonExport, PersonReader
from unlost.outside.source import distinct
from unlost.outside.zipping import file_path

NOTED = 100  # of the records that were named, in the audit


@dataclass(frozen=True, slots=True)
class PersonRequest:
    """The records of a person, as TABLE/ID; ``related``: with all that belongs to them."""

    records: tuple[str, ...]
    related: bool = False


@dataclass(frozen=True, slots=True)
class PersonTable:
    """The number of the person's records in a table."""

    table: str
    records: int


@dataclass(frozen=True, slots=True)
class PersonData:
    """The content of an archive; ``out``: its path, if it was written to a file.

    ``named``: the requested records; ``unknown``: how many of them the vault does not have. Each
    record comes with all of its versions. ``unsearched``: tables that were too large to search for
    e-mails and files.
    """

    org: str
    zone: str
    out: str
    as_of: datetime
    tables: tuple[PersonTable, ...]
    files: int
    file_bytes: int
    unknown: int
    unsearched: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        """Number of records in all tables."""
        return sum(table.records for table in self.tables)


def _noted(person_data: PersonData) -> dict[str, Json]:
    tables: dict[str, Json] = {table.table: table.records for table in person_data.tables}
    named = list[Json](person_data.named[:NOTED])
    return {"records": named, "tables": tables, "files": person_data.files, "out": person_data.out}


def _noted_of(person_file: tuple[PersonData, Iterator[bytes]]) -> dict[str, Json]:
    return _noted(person_file[0])


@action(
    "privacy.export",
    Right.READ,
    trace=Trace.READ,
    subject=("out",),
    detail=_noted,
    writes_files=True,
)
def export_person(
    app: Application, org: str, person_request: PersonRequest, *, out: Path
) -> PersonData:
    """Write all data of a person in the vault to a new zip file, in clear text.

    Raises NotFound (``person-not-held`` and others), UsageError (``person-too-large``,
    ``export-in-vault`` and others), Conflict (``file-exists``), StoreError, IntegrityError.
    """
    out = out.absolute()
    check_outside(out, vault=app.home.vault)
    with written(out) as target:
        person_data, pieces = _put_together(app, org, person_request)
        target.writelines(pieces)
    return replace(person_data, out=str(out))


@action("privacy.download", Right.READ, trace=Trace.READ, detail=_noted_of)
def open_person(
    app: Application, org: str, person_request: PersonRequest
) -> tuple[PersonData, Iterator[bytes]]:
    """Return all data of a person in the vault as parts of a zip file, created while they are read.

    Raises the errors of ``export_person``; a later read error is raised while the parts are read.
    """
    return _put_together(app, org, person_request)


def _put_together(
    app: Application, org: str, person_request: PersonRequest
) -> tuple[PersonData, Iterator[bytes]]:
    known = get_org(org)
    head = newest_backup(app.vault, known)
    named = chosen_records(app, known, person_request.records)
    records = gather(app, known, head, named, related=person_request.related)
    person = _person(app, known, head, records)
    person_data = PersonData(
        org=known.name,
        zone=known.identity.zone,
        out="",
        as_of=head.info.as_of,
        tables=tuple(
            PersonTable(exported_table.table.name, len(exported_table.ids))
            for exported_table in person.tables
        ),
        files=len(person.files),
        file_bytes=sum(file.stored.size for file in person.files),
        unknown=records.unknown,
        unsearched=records.unsearched,
        named=tuple(map(str, named)),
    )
    reading = PersonReader(
        versions=lambda table, record: app.vault.history(known.oid, table, record),
        who=UserNames(head).name,
        open_file=lambda blob: app.vault.open_file(known.oid, blob),
    )
    return person_data, person_zip(person, reading)


def _person(
    app: Application, org: ProtectedOrg, head: Snapshot, records: PersonRecords
) -> PersonExport:
    tables = list(records.ids)
    parts = zip(tables, safe_names(tables), strict=True)
    paths = distinct([file_path(file.table, file.record, file.name) for file in records.files])
    return PersonExport(
        org=org.name,
        zone=org.identity.zone,
        made_at=app.clock.now(),
        as_of=head.info.as_of,
        tables=tuple(
            ExportedTable(_shape(head, name), safe, records.ids[name]) for name, safe in parts
        ),
        files=_files(records, paths),
        unknown=records.unknown,
        unsearched=records.unsearched,
    )


def _files(records: PersonRecords, paths: Sequence[str]) -> tuple[FilePart, ...]:
    return tuple(FilePart(file, path) for file, path in zip(records.files, paths, strict=True))


def _shape(head: Snapshot, name: str) -> Table:
    """Return a table as the newest backup describes it; without columns if it is gone."""
    return head.schema().table(name) or Table(name, ())
