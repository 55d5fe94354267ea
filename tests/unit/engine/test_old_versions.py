"""Old versions of files: their bytes, and the files in which they are largest."""

from typing import Any

import pyarrow as pa

from unlost.engine.storage.versions import old_versions
from unlost.model.storage import FileVersionRule, OldVersions, OldVersionUse

RULE = FileVersionRule("Version", "File", "Latest", "Size", "Title")
ROWS = [
    ("F1", "false", "100", "Menu"), ("F1", "true", "900", "Menu"), ("F1", "false", "200", "Menu"),
    ("F2", "false", "50", None), ("F2", "true", "1", None), ("F3", "true", "5", "New"),
    ("F4", "false", "broken", "Odd"), (None, "false", "7", "Lost"),
]  # fmt: skip


class OneTable:
    """The rows of one table, two at a time."""

    def read(self, table: str, columns: list[str]) -> pa.RecordBatchReader:
        assert table == "Version"
        shape = pa.schema([(name, pa.string()) for name in columns])
        rows = [dict(zip(columns, row, strict=True)) for row in ROWS]
        batches = [pa.RecordBatch.from_pylist(rows[at : at + 2], shape) for at in range(0, 8, 2)]
        return pa.RecordBatchReader.from_batches(shape, batches)


def test_only_versions_that_are_not_the_newest_count() -> None:
    snapshot: Any = OneTable()
    assert old_versions(snapshot, RULE, most=2) == OldVersions(
        4, 5, 357, (OldVersionUse("F1", "Menu", 2, 300), OldVersionUse("F2", "", 1, 50))
    )
