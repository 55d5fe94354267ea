"""Contents of files and long texts: find lost ones, and copy the others out of damaged packs.

If a pack or a segment of ``$files`` is damaged, all rows of ``$files`` are read. The names of all
readable contents are then in memory, about 100 bytes each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.decoders import decoder_for
from unlost.model.errors import IntegrityError, NotFound, StoreError, UsageError
from unlost.model.plan import RecordKey
from unlost.model.vault.salvage import LostFile
from unlost.vault.commits.state import LiveState
from unlost.vault.format.physical import U_ID
from unlost.vault.maintenance.retain.contents import files_column
from unlost.vault.maintenance.rewrite.repack import NO_EXTENTS, extents_in, names_any
from unlost.vault.maintenance.salvage.damaged import Damaged
from unlost.vault.objects.blob_stream import open_blob
from unlost.vault.objects.files import BLOB_COLUMNS, FILE_ROW, blob_of_row
from unlost.vault.objects.packs import Blob
from unlost.vault.read.merge import MergeRange, cut
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView
from unlost.vault.stores.unread import device_failed

_READ_BYTES = 1 << 20
_COLUMNS = (*BLOB_COLUMNS, "blob")


@dataclass(slots=True)
class SalvagedContents:
    """Findings about contents.

    ``readable``: readable contents; None if nothing is lost, so that nothing was read. ``bad``:
    rows of ``$files`` with an unreadable content, by id and extents. ``moving``: needed extents of
    packs that go, which are readable extents of damaged packs, and extents of ``leaving`` packs.
    The latter contain contents that nothing refers to any more, with the rows ``unnamed``.
    ``files`` are lost with their contents.
    """

    readable: set[str] | None = None
    bad: set[tuple[str, str]] = field(default_factory=set)
    moving: pl.DataFrame = field(default_factory=lambda: NO_EXTENTS)
    files: list[LostFile] = field(default_factory=list)
    unnamed: frozenset[str] = frozenset()
    leaving: frozenset[str] = frozenset()

    def missing(self, blob: str) -> bool:
        """Return true for a lost content."""
        return self.readable is not None and blob not in self.readable


class ContentsSurveyor:
    """Survey of rows of ``$files``, given as tables with source names and ``_u_id``."""

    def __init__(self, org_vault: OrgVault, state: LiveState, damaged: Damaged) -> None:
        self._org_vault = org_vault
        self._state = state
        self._packs = pa.array(sorted(damaged.packs), pa.string())
        self.contents = SalvagedContents(readable=set())

    def blobs(self, rows: pa.Table) -> None:
        """Find out which contents of these rows are readable."""
        rows = rows.filter(pc.is_valid(rows.column("extents")))
        touched = names_any(rows.column("extents"), self._packs)
        fine = rows.filter(pc.invert(touched)).column(U_ID).to_pylist()
        readable = self.contents.readable
        assert readable is not None
        readable.update(content_of(ident) for ident in fine)
        doubtful = rows.filter(touched)
        whole = [self._reads(row) for row in doubtful.to_pylist()]
        for row, good in zip(doubtful.to_pylist(), whole, strict=True):
            if good:
                readable.add(content_of(row[U_ID]))
            else:
                self.contents.bad.add((row[U_ID], row["extents"]))
        extents = extents_in(doubtful.filter(pa.array(whole, pa.bool_())).column("extents"))
        damaged = extents.filter(pl.col("pack").is_in(self._packs.to_pylist()))
        self.contents.moving = pl.concat([self.contents.moving, damaged]).unique()

    def files(self, rows: pa.Table) -> None:
        """Find files that are lost with their contents; call it when all contents are known."""
        rows = rows.filter(pc.is_valid(rows.column("blob")))
        for ident, blob in zip(*(rows.column(n).to_pylist() for n in (U_ID, "blob")), strict=True):
            if self.contents.missing(blob):
                self.contents.files.append(lost_file(ident))

    def _reads(self, row: dict[str, str | None]) -> bool:
        """Return true if a content is complete at the first or second attempt: its name proves it.

        Raises StoreError if it cannot be read at the moment.
        """
        blob = self._org_vault.placed(blob_of_row(row), self._state)
        return self._whole(blob) or self._whole(blob)

    def _whole(self, blob: Blob) -> bool:
        try:
            with open_blob(self._org_vault.sealed, org=self._org_vault.org, blob=blob) as stream:
                while stream.read(_READ_BYTES):
                    pass
        except (IntegrityError, NotFound, UsageError):  # a wrong bit may look like a newer format
            return False
        except StoreError as error:
            if device_failed(error):
                return False
            raise
        return True


class Reachable:
    """Rows of ``$files`` with readable contents; see ``MergeChoice``."""

    def __init__(self, view: TableView, org_vault: OrgVault, contents: SalvagedContents) -> None:
        self._view = view
        self._contents = contents
        self._extents = files_column(org_vault, "extents")
        self._blob = files_column(org_vault, "blob")

    def id_ranges(self) -> Sequence[MergeRange]:
        """Cut the rewritten segments alone into ranges."""
        return cut(self._view)

    def staying(self, id_range: MergeRange, rows: pa.Table) -> pa.Table:  # noqa: ARG002 (the port's)
        """Return the rows without lost contents, their files, and unreferenced contents."""
        names = (U_ID, self._extents, self._blob)
        absent = pa.nulls(len(rows), pa.string())
        columns = [rows.column(n) if n in rows.column_names else absent for n in names]
        keep = [
            (ident, extents) not in self._contents.bad
            and ident not in self._contents.unnamed
            and not (blob is not None and self._contents.missing(blob))
            for ident, extents, blob in zip(
                *(column.to_pylist() for column in columns), strict=True
            )
        ]
        return rows if all(keep) else rows.filter(pa.array(keep, pa.bool_()))


def is_file(ident: str) -> bool:
    """Return true for the row of a record's file."""
    return ident.startswith(FILE_ROW)


def lost_file(ident: str) -> LostFile:
    """Parse the id of a file's row."""
    _, table, record, column = decoder_for(tuple[str, str, str, str]).decode(ident)
    return LostFile(RecordKey(table, record), column)


def rows_of(org_vault: OrgVault, view: TableView, rank: int) -> Iterator[pa.Table]:
    """Read the rows of a segment of ``$files``, with the columns that the survey needs."""
    present = view.names(rank)
    stored = [present[name] for name in _COLUMNS if name in present]
    for group in range(len(view.sidecar(rank).fences)):
        yield by_name(org_vault, view.read(rank, [group], (U_ID, *stored)))


def by_name(org_vault: OrgVault, rows: pa.Table) -> pa.Table:
    """Return rows with ``_u_id`` and the columns that the survey needs."""
    absent = pa.nulls(len(rows), pa.string())
    codes = [files_column(org_vault, name) for name in _COLUMNS]
    cells = [rows.column(code) if code in rows.column_names else absent for code in codes]
    return pa.table([rows.column(U_ID), *cells], names=[U_ID, *_COLUMNS])


def content_of(ident: str) -> str:
    """Return the content of a row."""
    return decoder_for(tuple[str, str]).decode(ident)[1]
