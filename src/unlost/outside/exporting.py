"""Exports: tables of a snapshot as files that other programs read, unencrypted.

A folder of Parquet or CSV is written under a temporary name beside the requested one, and renamed
when it is complete; its receipt lists the finished tables, so that an interrupted export resumes. A
folder of Delta tables stays and grows: see ``unlost.outside.delta``.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import msgspec
import pyarrow as pa

from unlost.model.decoders import decoder_for
from unlost.model.errors import Conflict, StoreError, UsageError
from unlost.model.ports.vault import Snapshot
from unlost.outside.formats import ExportFormat
from unlost.outside.private_files import for_its_owner
from unlost.outside.rowtext import write_csv, write_parquet
from unlost.outside.source import TableContent, TableSource, distinct, table_source

RECEIPT = "unlost-export.json"
LOCK = ".unlost-lock"


@dataclass(frozen=True, slots=True)
class ExportKind:
    """The identity of an export: the same org, and everything about its form.

    ``org`` is the vault's id of the org; ``values``: columns have types; ``people``: formulas in
    CSV are made harmless.
    """

    org: str
    form: ExportFormat
    what: TableContent = TableContent.RECORDS
    values: bool = False
    people: bool = False


@dataclass(frozen=True, slots=True)
class TableExport:
    """A table that was written.

    ``path`` is relative to the folder. ``changed`` cells got an apostrophe for people; ``misfits``
    are texts that fitted no type, ``lost`` values destroyed by damage: both are null. ``version``
    is the version of a Delta table, whose ``rows`` are the rows added or removed by it; ``whole``:
    the version holds everything anew.
    """

    table: str
    path: str
    rows: int
    snapshot: int
    changed: int = 0
    misfits: int = 0
    lost: int = 0
    version: int | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class ExportReceipt:
    """The identity of an export, and its finished tables."""

    kind: ExportKind
    snapshot: int
    head: str
    tables: tuple[TableExport, ...] = ()


def source_of(snapshot: Snapshot, table: str, kind: ExportKind) -> TableSource:
    """A table to export. Delta needs names that do not differ by case alone."""
    caseless = kind.form is ExportFormat.DELTA
    return table_source(snapshot, table, what=kind.what, as_values=kind.values, caseless=caseless)


def paths_of(tables: Sequence[str], kind: ExportKind) -> dict[str, str]:
    """A name for each table that every file system accepts; no two differ only by case."""
    names = safe_names(tables)
    if kind.form is ExportFormat.DELTA:
        # delta-rs decodes a percent sign in a path, so `%2E%2E` would be the folder above.
        paths = [name.replace("%", "=") for name in names]
    else:
        paths = [f"{name}.{kind.form}" for name in names]
    return dict(zip(tables, paths, strict=True))


def safe_names(tables: Sequence[str]) -> list[str]:
    """Names of tables that every file system accepts; no two differ only by case.

    None leads out of its folder, or to a file of the export itself.
    """
    return distinct([_safe(name) for name in tables])


def _safe(table: str) -> str:
    name = quote(table, safe=" $")
    # `.` and `..` are folders, and our own files begin with a point, or are the receipt.
    if name.startswith(".") or name.lower() in ("", RECEIPT):
        return f"%{ord(name[0]):02X}{name[1:]}" if name else "%"
    return name


def export_files(
    snapshot: Snapshot, tables: Sequence[str], kind: ExportKind, *, out: Path
) -> ExportReceipt:
    """Write tables as files into a new folder; an interrupted export resumes.

    Raises Conflict (``export-exists``, ``export-other``, ``export-busy``), StoreError
    (``export-not-written``).
    """
    if out.exists():
        raise Conflict(
            "export-exists",
            "{out} already exists and is not overwritten.",
            next_step="Choose another folder. Only a folder of Delta tables can be continued.",
            out=out,
        )
    draft = out.with_name(f".{out.name}.unlost-part")
    with writing(out), locked_folder(draft):
        receipt = begun(draft, ExportReceipt(kind, snapshot.info.number, snapshot.info.head))
        done, paths = {export.table for export in receipt.tables}, paths_of(tables, kind)
        for table in tables:
            if table not in done:
                source = source_of(snapshot, table, kind)
                receipt = _with(receipt, _write(source, draft / paths[table], kind))
                note(draft, receipt)
        (draft / LOCK).unlink()
        draft.rename(out)
        _sync(out.parent)
    return receipt


def _with(receipt: ExportReceipt, written: TableExport) -> ExportReceipt:
    return replace(receipt, tables=(*receipt.tables, written))


def _write(source: TableSource, path: Path, kind: ExportKind) -> TableExport:
    counted, changed = CountedBatches(source), 0
    with new_file(path) as out:
        if kind.form is ExportFormat.CSV:
            changed = write_csv(counted.batches(), source.schema, out, people=kind.people)
        else:
            write_parquet(counted.batches(), source.schema, out)
    return TableExport(
        source.table,
        path.name,
        counted.rows,
        source.snapshot.info.number,
        changed,
        sum(source.misfits.values()),
        source.lost(),
    )


@dataclass(slots=True)
class CountedBatches:
    """A table's batches, counted as they pass."""

    source: TableSource
    rows: int = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All columns of all rows."""
        for batch in self.source.batches(self.source.schema.names):
            self.rows += len(batch)
            yield batch


def begun(folder: Path, fresh: ExportReceipt) -> ExportReceipt:
    """The receipt of an interrupted export, or a fresh one; raises Conflict (``export-other``)."""
    try:
        receipt = decoder_for(ExportReceipt).decode((folder / RECEIPT).read_bytes())
    except FileNotFoundError:
        note(folder, fresh)
        return fresh
    except msgspec.DecodeError:
        receipt = None
    same = receipt is not None and replace(receipt, tables=()) == fresh
    if receipt is None or not same:
        raise Conflict(
            "export-other",
            "{folder} contains an unfinished export of other data.",
            next_step="Remove that folder, or repeat the export that it belongs to.",
            folder=folder,
        )
    return receipt


def note(folder: Path, receipt: ExportReceipt) -> None:
    """Write the receipt."""
    with new_file(folder / RECEIPT) as out:
        out.write(msgspec.json.format(msgspec.json.encode(receipt), indent=2) + b"\n")


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file for its owner alone, which gets its name when all its content is on the disk."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)  # a file that is there may belong to others, or be a link
    with open(part, "xb", opener=for_its_owner) as out:
        yield out
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Create and lock a folder against other exports; raises Conflict (``export-busy``).

    A new folder is for its owner alone.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(folder / LOCK, "wb", opener=for_its_owner) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(
                "export-busy",
                "Another export is writing to {folder}.",
                next_step="Wait until it ends.",
                folder=folder,
            ) from None
        yield


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Turn errors of the disk into StoreError (``export-not-written``)."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise StoreError(
            "export-not-written",
            "{out} cannot be written: {why}.",
            next_step="Choose a writable folder with enough space. Then run the same command "
            "again: it keeps the files that are complete.",
            out=out,
            why=why,
        ) from error


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


type Before = Callable[[int], Snapshot | None]
"""Return an earlier snapshot, or None."""


def check_kind(kind: ExportKind) -> None:
    """Raise UsageError for options that exclude each other."""
    if kind.form is ExportFormat.CSV and kind.values:
        raise UsageError(
            "csv-has-no-types",
            "CSV contains text without types.",
            next_step="Omit `--typed`, or choose parquet or delta.",
        )
    if kind.form is ExportFormat.DELTA and kind.what is TableContent.VERSIONS:
        raise UsageError(
            "delta-has-history",
            "A Delta table stores each backup as a version of the table.",
            next_step="Omit `--history`, or choose parquet or csv.",
        )
