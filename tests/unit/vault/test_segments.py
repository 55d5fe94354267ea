"""How segments are laid out."""

import pyarrow as pa

from unlost.vault.format.physical import U_ID, U_OP
from unlost.vault.objects.segment_writer import repeating_columns

ROWS = 3_000


def table(**columns: list[str] | list[str | None] | pa.Array) -> pa.Table:
    ids = [f"{number:018d}" for number in range(ROWS)]
    return pa.table({U_ID: ids, U_OP: ["U"] * ROWS, **columns})


def test_only_columns_whose_values_repeat_get_a_dictionary() -> None:
    rows = table(
        c0=[f"number {number}" for number in range(ROWS)],
        c1=[f"city {number % 400}" for number in range(ROWS)],
        c2=pa.nulls(ROWS, pa.string()),
        c3=[f"rare {number}" if number % 7 == 0 else None for number in range(ROWS)],
    )
    assert repeating_columns(rows) == [U_OP, "c1", "c2"]


def test_versions_side_by_side_are_no_repetition() -> None:
    rows = table(
        c0=[f"number {number // 4}" for number in range(ROWS)],
        c1=[f"city {number // 4 % 90}" for number in range(ROWS)],
        c2=[f"rare {number // 4}" if number // 4 % 7 == 0 else None for number in range(ROWS)],
        c3=["one"] * ROWS,
    )
    assert repeating_columns(rows) == [U_OP, "c1", "c3"]


def test_columns_of_a_segment_without_source_columns_are_looked_at_too() -> None:
    assert repeating_columns(table().slice(0, 1)) == []
    assert repeating_columns(table()) == [U_OP]
