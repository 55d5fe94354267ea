"""The rows of ``$files`` about images in texts of given records.

Other files have few columns, so the ids of their rows are known. An image has a name of the source in
the id of its row (``model.source.images``). The rows of one record follow one another, so they are
found by the beginning of their ids:

    beginnings ─> row groups   by the fences of the sidecars
               ─> ids          the narrow id column of these groups alone
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.format.physical import U_ID
from unlost.vault.objects.files import file_row_beginning
from unlost.vault.read.table_view import TableView

# The end of the id of an image's row: the comma, column and image.
_IMAGE = r'^(?P<beginning>.*),"(?P<column>[^"/]*)/[^"]*"\]$'
_AFTER = "-"  # the character after the comma that follows a beginning


def image_rows(
    view: TableView, table: str, records: Iterable[str], *, columns: Collection[str]
) -> list[str]:
    """The ids of the rows, in any version, of images in these columns of the records."""
    beginnings = sorted({file_row_beginning(table, record) for record in records})
    if not beginnings:
        return []
    rows: list[str] = []
    for rank in range(len(view.segments)):
        groups = _groups([fence.first for fence in view.sidecar(rank).fences], beginnings)
        if groups:
            ids = view.read_keys(rank, groups, (U_ID,)).column(U_ID).cast(pa.string())
            rows += _images(ids, beginnings, columns)
    return list(dict.fromkeys(rows))


def _groups(firsts: Sequence[str], beginnings: Sequence[str]) -> list[int]:
    """The row groups, of which these are the first ids, that may have such ids."""
    if len(beginnings) > len(firsts):  # one range: never more searches than groups
        beginnings_of_ranges = [(beginnings[0], beginnings[-1])]
    else:
        beginnings_of_ranges = [(beginning, beginning) for beginning in beginnings]
    groups: set[int] = set()
    for low, high in beginnings_of_ranges:
        start = max(bisect_right(firsts, low) - 1, 0)
        groups.update(range(start, bisect_right(firsts, high + _AFTER)))
    return sorted(groups)


def _images(ids: pa.ChunkedArray, beginnings: Sequence[str], columns: Collection[str]) -> list[str]:
    parts = pc.extract_regex(ids, _IMAGE)
    of_records = pc.is_in(
        pc.struct_field(parts, "beginning"), value_set=pa.array(beginnings, pa.string())
    )
    of_columns = pc.is_in(
        pc.struct_field(parts, "column"), value_set=pa.array(sorted(columns), pa.string())
    )
    rows: list[str] = ids.filter(pc.and_(of_records, of_columns)).to_pylist()
    return rows
