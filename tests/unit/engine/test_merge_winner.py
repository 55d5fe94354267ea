"""The record that survived a merge, by the versions of the merged one."""

from datetime import UTC, datetime

import pytest

from unlost.engine.merge_winner import merge_winner
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, Table, WireKind
from unlost.model.vault.snapshot import Version

TABLE = Table("Client", (Column("Winner", WireKind.REFERENCE),), merged_into_column="Winner")
AT = datetime(2026, 3, 1, tzinfo=UTC)


def version(op: Op, **cells: str | None) -> Version:
    return Version("Client", "1", 1, op, AT, AT, None, cells)


ALIVE, MERGED = version(Op.STATE, Winner=None), version(Op.DELETED, Winner="2")
PURGED = version(Op.PURGED)


@pytest.mark.parametrize(
    ("versions", "winner"),
    [
        ([], None),
        ([ALIVE], None),
        ([ALIVE, MERGED], "2"),
        ([ALIVE, MERGED, PURGED], "2"),
        ([ALIVE, PURGED], None),
        ([PURGED], None),
        ([MERGED, ALIVE], None),
        ([MERGED, ALIVE, version(Op.DELETED, Winner=None)], None),
        ([version(Op.DELETED, Winner="")], None),
        ([version(Op.DELETED, Name="older schema")], None),
    ],
)
def test_the_last_deleted_row_names_the_winner(versions: list[Version], winner: str | None) -> None:
    assert merge_winner(versions, TABLE) == winner


def test_without_a_column_there_is_no_winner() -> None:
    assert merge_winner([MERGED], None) is None
    assert merge_winner([MERGED], Table("Client", ())) is None
