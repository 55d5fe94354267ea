"""The row hash: what moves it, and what does not."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from unlost.model.source.schema import WireKind
from unlost.vault.format.rowhash import (
    FEW,
    HashedColumn,
    as_array,
    from_array,
    id_hashes,
    row_hashes,
    seeds,
)

CELLS = st.lists(st.one_of(st.none(), st.text(max_size=8)), min_size=1, max_size=12)


def hashes(**columns: list[str | None]) -> list[list[int]]:
    arrays = [
        (HashedColumn(name, WireKind.TEXT), pa.array(cells, pa.string()))
        for name, cells in columns.items()
    ]
    return row_hashes(arrays, rows=len(next(iter(columns.values())))).tolist()


@given(cells=CELLS)
def test_is_the_sum_of_seeded_hashes(cells: list[str | None]) -> None:
    expected = [
        [
            sum(xxh3_64_intdigest(text.encode(), seed=seeds(name)[lane]) for name in ("a", "b"))
            % 2**64
            if text is not None
            else 0
            for lane in (0, 1)
        ]
        for text in cells
    ]
    assert hashes(a=cells, b=cells) == expected


def test_names_seed_the_lanes() -> None:
    assert seeds("Name") == (xxh3_64_intdigest(b"Name", seed=0), xxh3_64_intdigest(b"Name", seed=1))
    assert len({*seeds("Name"), *seeds("name")}) == 4


def test_values_that_change_places_are_noticed() -> None:
    assert hashes(a=["x"], b=["y"]) != hashes(a=["y"], b=["x"])


def test_null_empty_and_absent() -> None:
    assert hashes(a=["x"], b=[None]) == hashes(a=["x"])
    assert hashes(a=["x"], b=[""]) != hashes(a=["x"])
    assert hashes(a=[None]) == [[0, 0]]


def test_no_columns_at_all() -> None:
    assert row_hashes([], rows=2).tolist() == [[0, 0], [0, 0]]


def test_order_of_columns_does_not_matter() -> None:
    assert hashes(a=["x"], b=["y"]) == hashes(b=["y"], a=["x"])


def test_another_way_of_writing_is_the_same() -> None:
    column = HashedColumn("n", WireKind.DECIMAL)
    found = row_hashes([(column, pa.array(["1.0E7", "10000000.00", "1.1E7"]))], rows=3)
    assert found[0].tolist() == found[1].tolist() != found[2].tolist()


@given(cells=CELLS, start=st.integers(0, 3))
def test_arrow_and_back(cells: list[str | None], start: int) -> None:
    found = row_hashes(
        [(HashedColumn("a", WireKind.TEXT), pa.array(cells, pa.string()))], rows=len(cells)
    )
    array = as_array(found)
    assert array.type == pa.binary(16)
    np.testing.assert_array_equal(from_array(array[start:]), found[start:])
    chunked = pa.chunked_array([array, array[:0], array])
    np.testing.assert_array_equal(from_array(chunked), np.concatenate((found, found)))
    first = int.from_bytes(array[0].as_py()[:8], "little")
    assert first == int(found[0, 0])


@pytest.mark.parametrize("times", [1, FEW])
def test_ids(times: int) -> None:
    ids = ["001", "ç", ""] * times
    assert id_hashes(pa.array(ids)).tolist() == [xxh3_64_intdigest(i.encode(), seed=0) for i in ids]
    assert id_hashes(pa.array([], pa.string())).tolist() == []
    assert from_array(pa.chunked_array([], pa.binary(16))).shape == (0, 2)
