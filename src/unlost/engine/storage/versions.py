"""Old versions of files, which use storage until their file is deleted or replaced."""

from collections.abc import Iterator

import polars as pl

from unlost.engine.storage.chunks import in_chunks
from unlost.engine.storage.mails import frame
from unlost.model.ports.vault import Snapshot
from unlost.model.storage import FileVersionRule, OldVersions, OldVersionUse

FILE, TITLE, COUNT, BYTES = "file", "title", "count", "bytes"
_EMPTY = pl.DataFrame(
    schema={FILE: pl.String, TITLE: pl.String, COUNT: pl.Int64, BYTES: pl.Int64}
)  # fmt: skip


def old_versions(snapshot: Snapshot, rule: FileVersionRule, *, most: int) -> OldVersions:
    """The old versions of all files, and the files in which ``most`` of them are largest."""
    return summed(old_by_file(snapshot, rule), most=most)


def old_by_file(snapshot: Snapshot, rule: FileVersionRule) -> pl.DataFrame:
    """The files with old versions: ``file``, ``title``, and the ``count`` and ``bytes`` of these."""
    total = _EMPTY
    for part in _old(snapshot, rule):
        sums = (pl.col(TITLE).first(), pl.col(COUNT, BYTES).sum())
        total = pl.concat([total, part]).group_by(FILE).agg(sums)
    return total


def summed(total: pl.DataFrame, *, most: int) -> OldVersions:
    """The sum of old versions by file, and the files in which ``most`` of them are largest."""
    largest = total.sort([BYTES, FILE], descending=[True, False]).head(most)
    return OldVersions(
        len(total),
        int(total[COUNT].sum()),
        int(total[BYTES].sum()),
        tuple(
            OldVersionUse(file, title or "", versions, size)
            for file, title, versions, size in largest.iter_rows()
        ),
    )


def _old(snapshot: Snapshot, rule: FileVersionRule) -> Iterator[pl.DataFrame]:
    columns = [rule.file_column, rule.latest_column, rule.size_column, rule.title_column]
    size = pl.col(rule.size_column).cast(pl.Float64, strict=False).fill_null(0).cast(pl.Int64)
    for rows in in_chunks(snapshot.read(rule.table, columns)):
        old = frame(rows).filter(pl.col(rule.latest_column) != "true")
        yield old.select(
            pl.col(rule.file_column).fill_null("").alias(FILE),
            pl.col(rule.title_column).alias(TITLE),
            pl.lit(1, pl.Int64).alias(COUNT),
            size.alias(BYTES),
        )
