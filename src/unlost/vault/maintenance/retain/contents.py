"""Contents (of files and long cells) that no version needs any more, and the packs they empty.

A content is needed while a version that stays refers to it: in ``_u_blobs``, or as a row of
``$files`` for a file. References are extracted from whole columns of text by a pattern, without a
loop over rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from unlost.model.source.schema import WireKind
from unlost.vault.commits.state import LiveState
from unlost.vault.format.physical import FILES, U_BLOBS, physical
from unlost.vault.maintenance.retain.survey import RetentionSurvey, SurveyedVersions
from unlost.vault.maintenance.rewrite.repack import NO_EXTENTS, REPACK_SHARE, extents_in
from unlost.vault.objects.files import blob_row_id, file_row_id
from unlost.vault.objects.schemas import SYSTEM_SCHEMA
from unlost.vault.read.image_rows import image_rows
from unlost.vault.read.org_vault import OrgVault

_CONTENT = r"\b[0-9a-f]{64}\b"


@dataclass(frozen=True, slots=True)
class FreedContents:
    """Number (``contents``) and ``bytes`` of freed contents.

    ``empty``: packs that contain nothing else. ``moving``: needed extents of packs that are mostly
    unneeded.
    """

    contents: int = 0
    bytes: int = 0
    empty: tuple[str, ...] = ()
    moving: pl.DataFrame = field(default_factory=lambda: NO_EXTENTS)

    @property
    def packs(self) -> tuple[str, ...]:
        """Packs that are removed."""
        return (*self.empty, *sorted(self.moving.get_column("pack").unique().to_list()))


@dataclass(slots=True)
class UnneededContents:
    """Contents that removed versions refer to, and no other version."""

    contents: set[str] = field(default_factory=set)

    def add_removed(self, surveyed: SurveyedVersions, columns: Iterable[str]) -> None:
        """Add the contents of versions that go; ``columns``: where they refer to contents."""
        gone = surveyed.going
        for name in columns:
            self.contents.update(names_in(gone.column(name)))

    def discard_kept(self, surveyed: SurveyedVersions, columns: Iterable[str]) -> None:
        """Subtract the contents of versions that stay."""
        staying = surveyed.staying
        for name in columns:
            self.contents.difference_update(names_in(staying.column(name)))

    @property
    def rows(self) -> pa.Array:
        """Ids of their rows in ``$files``."""
        return pa.array([blob_row_id(content) for content in self.contents], pa.string())


def naming_columns(org_vault: OrgVault, table: str) -> tuple[str, ...]:
    """Return the physical columns of a table that refer to contents."""
    return (files_column(org_vault, "blob"),) if table == FILES else (U_BLOBS,)


def file_rows_of(
    org_vault: OrgVault, schema: str, table: str, records: pa.Array, *, state: LiveState
) -> pa.Array:
    """Return all possible ids of rows of ``$files`` for records of a table, in a state."""
    known = org_vault.schemas.known(schema, table)
    file_table = org_vault.schemas.table(schema, table)
    columns = {name for name, column in known.items() if column.kind is WireKind.BINARY}
    columns |= {file.column for file in (file_table.files if file_table else ())}
    ids = [file_row_id(table, record, c) for record in records.to_pylist() for c in sorted(columns)]
    texts = {name for name, column in known.items() if column.images}
    if texts:
        view = org_vault.view(FILES, until=state.seq, state=state)
        ids += image_rows(view, table, records.to_pylist(), columns=texts)
    return pa.array(ids, pa.string())


def freed(files: RetentionSurvey, column: str, sizes: Mapping[str, int]) -> FreedContents:
    """Compute the freed contents and packs.

    ``files``: ``$files`` without the rows that go; ``column``: that of its extents; ``sizes``:
    bytes of all packs.
    """
    count, going = 0, [NO_EXTENTS]
    for surveyed in files.look((column,)):
        texts = surveyed.going.column(column)
        count += len(texts) - texts.null_count
        going.append(extents_in(texts))
    extents = pl.concat(going).unique()
    if not len(extents):
        return FreedContents()
    touched = extents.select("pack").unique()
    # Second pass: one extent of a pack can belong to several rows, since equal contents are stored
    # once.
    staying = [NO_EXTENTS]
    for surveyed in files.look((column,)):
        extents_here = extents_in(surveyed.staying.column(column))
        staying.append(extents_here.join(touched, on="pack", how="semi"))
    needed = pl.concat(staying).unique()
    extents = extents.join(needed, on=extents.columns, how="anti")
    bytes_by_pack = dict(needed.group_by("pack").agg(pl.col("length").sum()).iter_rows())
    worth = [
        pack
        for pack, bytes_ in bytes_by_pack.items()
        if bytes_ < sizes.get(pack, 0) * (1 - REPACK_SHARE)
    ]
    return FreedContents(
        contents=count,
        bytes=int(extents.get_column("length").sum()),
        empty=tuple(sorted(set(touched.get_column("pack").to_list()) - bytes_by_pack.keys())),
        moving=needed.filter(pl.col("pack").is_in(worth)),
    )


def files_column(org_vault: OrgVault, name: str) -> str:
    """Return the physical name of a column of ``$files``."""
    return physical(org_vault.schemas.known(SYSTEM_SCHEMA, FILES)[name].code)


def names_in(texts: pa.ChunkedArray) -> list[str]:
    """Extract the hashes of all contents from these texts, each once."""
    filled = texts.drop_null()
    if not len(filled):
        return []
    series = pl.Series("text", pl.from_arrow(filled.cast(pa.string())))
    return series.str.extract_all(_CONTENT).explode().drop_nulls().unique().to_list()
