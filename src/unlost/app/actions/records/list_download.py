"""Downloads of a list of records as JSON, or as a zip file with the files of the records."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from unlost.app.access import action
from unlost.app.actions.records.export import check_outside
from unlost.app.actions.records.file import written
from unlost.app.compose import Application
from unlost.app.records.archived.archived_rows import archived_records
from unlost.app.records.lists.downloads import (
    USUAL,
    ListDownload,
    ListFile,
    ListView,
    list_download,
)
from unlost.app.records.lists.files import files_of_list
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.model.access import Right, Trace
from unlost.model.source.reading import Json
from unlost.outside.list_zip import ZippedList, list_zip


class ListForm(StrEnum):
    """The form of a download."""

    CSV = "csv"
    JSON = "json"  # an object a line
    ZIP = "zip"  # CSV, and the files of the records


@dataclass(frozen=True, slots=True)
class SavedList:
    """A list that was written to the file ``out``."""

    org: str
    table: str
    table_label: str
    records: int
    form: ListForm
    out: str


def _noted(result: tuple[ListFile, Iterator[bytes]]) -> Mapping[str, Json]:
    return {"table": result[0].table, "records": result[0].records}


def _noted_saved(saved: SavedList) -> Mapping[str, Json]:
    noted: dict[str, Json] = {"table": saved.table, "records": saved.records}
    return noted | {"form": saved.form.value, "out": saved.out}


@action("record.list-json", Right.READ, trace=Trace.READ, detail=_noted)
def list_json(
    app: Application, org: str, record_query: ListQuery, view: ListView = USUAL
) -> tuple[ListFile, Iterator[bytes]]:
    """Download all records of a query as JSON, one object a line, in the order of the page.

    The keys are names of columns, the values are verbatim. Hidden columns are left out. Raises as
    ``record.list``.
    """
    download = list_download(app, org, record_query, view)
    return download.file, download.lines()


@action("record.list-zip", Right.READ, trace=Trace.READ, detail=_noted)
def open_list_zip(
    app: Application, org: str, record_query: ListQuery, view: ListView = USUAL
) -> tuple[ListFile, Iterator[bytes]]:
    """Download all records of a query as CSV, with their files, in a zip file.

    It is created while it is read. ``missing.csv`` in it names files that could not be read. Hidden
    columns are left out. Raises as ``record.list``.
    """
    download = list_download(app, org, record_query, view)
    return download.file, _zipped(app, download, record_query)


@action(
    "record.list-save",
    Right.READ,
    trace=Trace.READ,
    subject=("out",),
    detail=_noted_saved,
    writes_files=True,
)
def save_list(
    app: Application,
    org: str,
    record_query: ListQuery,
    view: ListView = USUAL,
    *,
    form: ListForm = ListForm.CSV,
    out: Path,
) -> SavedList:
    """Write all records of a query to a new file, in clear text.

    Raises as ``record.list``, and UsageError (``export-in-vault``), Conflict (``file-exists``),
    StoreError (``file-not-written``).
    """
    out = out.absolute()
    check_outside(out, vault=app.home.vault)
    download = list_download(app, org, record_query, view)
    with written(out) as target:
        if form is ListForm.ZIP:
            target.writelines(_zipped(app, download, record_query))
        else:
            target.writelines(download.csv() if form is ListForm.CSV else download.lines())
    file = download.file
    return SavedList(download.org.name, file.table, file.table_label, file.records, form, str(out))


def _zipped(app: Application, download: ListDownload, query: ListQuery) -> Iterator[bytes]:
    files = files_of_list(
        download.listed,
        download.ids,
        archive=archived_records(app, download.org),
        # The matches of a search may be deleted, and their files with them.
        deleted=query.kind is ListKind.MATCHES,
    )
    return list_zip(
        ZippedList(
            rows=download.csv(),
            files=files,
            open_file=lambda blob: app.vault.open_file(download.org.oid, blob),
            made_at=app.clock.now(),
        )
    )
