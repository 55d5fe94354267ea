"""Files that a run names more than once, since it read their records more than once.

A record is read again by a later round, by the row check, by a look-up, or since a first attempt
was interrupted. Its file must be fetched and counted once. The names of all files are on disk, in
the temporary files of the reads. They are searched for the files of some groups at a time: memory
is bounded, also if a table with millions of files is read twice. The result depends only on what
the reads and the finished steps have stored, so a run that is resumed decides the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.temp_rows import TempRows, open_temp_rows
from unlost.model.vault.snapshot import StoredFile

type FileKey = tuple[str, str]
"""The record and the column of a file of a table."""

COLUMNS = ["record", "column", "size", "checksum"]
KEY = ["record", "column"]


@dataclass(frozen=True, slots=True)
class FileRound:
    """The files of a table that one round has named, and those that it could not read.

    ``sizes``: of the files that it read and whose rows contain no size.
    """

    table: str
    files: tuple[TempRows, ...]
    unread: frozenset[FileKey] = frozenset()
    sizes: Mapping[FileKey, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """The row of a temporary file in which a file is named."""

    temp_rows: str
    row: int


@dataclass(frozen=True, slots=True)
class RepeatedFiles:
    """The files of a table that its run names more than once.

    ``newest``: the last place in the present round, of files that it names more than once.
    ``stored``: the files that earlier rounds have added or found unchanged. ``unread``: the files
    that earlier rounds could not read.
    """

    newest: Mapping[FileKey, FilePlace] = field(default_factory=dict)
    stored: Mapping[FileKey, StoredFile] = field(default_factory=dict)
    unread: frozenset[FileKey] = frozenset()

    def outdated(self, file: FileKey, place: FilePlace) -> bool:
        """True if the present round names the file again after this place."""
        return self.newest.get(file, place) != place


def find_repeated(
    folder: Path, records: pa.ChunkedArray, *, present: FileRound, earlier: Sequence[FileRound]
) -> RepeatedFiles:
    """Find the files of ``records`` that a run names more than once.

    ``earlier`` are the finished rounds of the same table, oldest first.
    """
    return RepeatedFiles(
        _newest_places(folder, records, present),
        _stored_files(folder, records, earlier),
        frozenset(key for past in earlier for key in past.unread),
    )


def _newest_places(
    folder: Path, records: pa.ChunkedArray, present: FileRound
) -> dict[FileKey, FilePlace]:
    files = present.files
    named = pl.concat(
        [
            _named(folder, temp_rows, records).select(*KEY, "row", pl.lit(at).alias("file"))
            for at, temp_rows in enumerate(files)
        ]
    )
    last = named.group_by(KEY).agg(pl.len(), pl.last("file"), pl.last("row"))
    repeated = last.filter(pl.col("len") > 1).select(*KEY, "file", "row")
    return {
        (record, column): FilePlace(files[file].name, row)
        for record, column, file, row in repeated.iter_rows()
    }


def _stored_files(
    folder: Path, records: pa.ChunkedArray, earlier: Iterable[FileRound]
) -> dict[FileKey, StoredFile]:
    stored: dict[FileKey, StoredFile] = {}
    for past in earlier:
        for file in _taken(folder, records, past):
            stored[file.record, file.column] = file
    return stored


def _taken(folder: Path, records: pa.ChunkedArray, past: FileRound) -> Iterator[StoredFile]:
    """The files that are in the commit or in the vault as a round has named them."""
    named = pl.concat([_named(folder, temp_rows, records) for temp_rows in past.files])
    newest = named.unique(KEY, keep="last", maintain_order=True).select(COLUMNS)
    for record, column, size, checksum in newest.iter_rows():
        known = past.sizes.get((record, column)) if size is None else size
        # Without any size the file was not read, since it had not changed.
        if known is not None and (record, column) not in past.unread:
            yield StoredFile("", past.table, record, column, known, checksum)


def _named(folder: Path, temp_rows: TempRows, records: pa.ChunkedArray) -> pl.DataFrame:
    """The files of these records that a temporary file names, and their rows in it."""
    with open_temp_rows(folder, temp_rows) as reader:
        rows = reader.read_all().select(COLUMNS)  # mapped into memory, not read
        mask = pc.is_in(rows.column("record"), value_set=records)
        at = pa.array(np.flatnonzero(mask.to_numpy()))
        named = pl.from_arrow(rows.filter(mask).append_column("row", at))
    assert isinstance(named, pl.DataFrame)
    return named
