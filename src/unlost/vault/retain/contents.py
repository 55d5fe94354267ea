"""Contents (of files and of long cells) that no version needs any more, and packs that are empty then.

A content is needed while a version that stays names it: in ``_u_blobs``, or as a row of ``$files`` for
a file. Names of contents and packs are found in the texts that name them, not read one by one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import batched

import polars as pl
import pyarrow as pa

from unlost.model.schema import WireKind
from unlost.vault.files import FILES_TABLE, blob_row_id, file_row_id
from unlost.vault.format.physical import U_BLOBS, physical
from unlost.vault.packs import Blob
from unlost.vault.retain.survey import Looked, Survey
from unlost.vault.room import OrgRoom
from unlost.vault.schemas import SYSTEM_SCHEMA

_CONTENT = r"\b[0-9a-f]{64}\b"
_PACK = r"\b[0-9a-f]{32}\b"
_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class Freed:
    """Contents that go: their rows in ``$files``, and the packs in which nothing else lies."""

    rows: tuple[str, ...] = ()
    bytes: int = 0
    packs: tuple[str, ...] = ()


@dataclass(slots=True)
class Unneeded:
    """Contents that versions which go had named: those of them that nothing else names."""

    contents: set[str] = field(default_factory=set)

    def went(self, looked: Looked, columns: Iterable[str]) -> None:
        """Versions that go, and the columns in which they name contents."""
        gone = looked.going
        for name in columns:
            self.contents.update(_names_in(gone.column(name), _CONTENT))

    def stays(self, looked: Looked, columns: Iterable[str]) -> None:
        """The same of versions that stay."""
        kept = looked.staying
        for name in columns:
            self.contents.difference_update(_names_in(kept.column(name), _CONTENT))

    @property
    def rows(self) -> pa.Array:
        """The ids of their rows in ``$files``."""
        return pa.array([blob_row_id(content) for content in self.contents], pa.string())


def naming_columns(room: OrgRoom, table: str) -> tuple[str, ...]:
    """The physical columns of a table in which contents are named."""
    return (_files_column(room, "blob"),) if table == FILES_TABLE else (U_BLOBS,)


def file_rows_of(room: OrgRoom, schema: str, table: str, records: pa.Array) -> pa.Array:
    """Ids of the rows of ``$files`` that there may be for records of a table."""
    known = room.schemas.known(schema, table)
    found = room.schemas.table(schema, table)
    columns = {name for name, column in known.items() if column.kind is WireKind.BINARY}
    columns |= {file.column for file in (found.files if found else ())}
    ids = [file_row_id(table, record, c) for record in records.to_pylist() for c in sorted(columns)]
    return pa.array(ids, pa.string())


def freed(room: OrgRoom, files: Survey, unneeded: Unneeded) -> Freed:
    """What goes with contents; ``files`` is ``$files`` without their rows."""
    blobs = list(_blobs(room, sorted(unneeded.contents)))
    packs = {extent.pack for blob in blobs for extent in blob.extents}
    extents = _files_column(room, "extents")
    if packs:
        for looked in files.look((extents,)):
            packs.difference_update(_names_in(looked.staying.column(extents), _PACK))
    return Freed(
        rows=tuple(blob_row_id(blob.id) for blob in blobs),
        bytes=sum(extent.length for blob in blobs for extent in blob.extents),
        packs=tuple(sorted(packs)),
    )


def _blobs(room: OrgRoom, contents: list[str]) -> Iterator[Blob]:
    until = room.chain.live().seq
    for some in batched(contents, _AT_ONCE):
        yield from room.blobs(some, until=until).values()


def _files_column(room: OrgRoom, name: str) -> str:
    return physical(room.schemas.known(SYSTEM_SCHEMA, FILES_TABLE)[name].code)


def _names_in(texts: pa.ChunkedArray, pattern: str) -> list[str]:
    """All names in these texts, each once."""
    filled = texts.drop_null()
    if not len(filled):
        return []
    series = pl.Series("text", pl.from_arrow(filled.cast(pa.string())))
    return series.str.extract_all(pattern).explode().drop_nulls().unique().to_list()
