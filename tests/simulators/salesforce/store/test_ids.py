"""Ids: checksums of live orgs, order, arrays against single ids."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost_simulators.salesforce.model import ids

BARE = st.text(alphabet=ids.DIGITS, min_size=15, max_size=15)


@pytest.mark.parametrize(
    ("bare", "letters"),
    [("0015500001QdQWa", "AAN"), ("001Da00000xnAk6", "IAE"), ("750P0000006HoSf", "IAK")],
)
def test_checksum_of_recorded_ids(bare: str, letters: str) -> None:
    assert ids.checksum(bare) == letters
    assert ids.full(bare) == bare + letters
    assert ids.full(bare + "AAA") == bare + letters


def test_reserved_ids_are_their_own_checksum() -> None:
    assert ids.full(ids.EMPTY_KEY[:15]) == ids.EMPTY_KEY
    assert ids.full(ids.MASTER_RECORD_TYPE[:15]) == ids.MASTER_RECORD_TYPE


@given(st.lists(st.integers(0, 62**10 - 1), max_size=50))
def test_arrays_agree_with_single_ids(numbers: list[int]) -> None:
    counters = np.array(numbers, dtype=np.int64)
    made = ids.make_many("003", counters)
    assert made.to_pylist() == [ids.make("003", one) for one in numbers]
    assert ids.counters(made.cast(pa.string())).tolist() == numbers


@given(BARE)
def test_counter_reads_the_last_ten_characters(bare: str) -> None:
    prefix = bare[:3]
    rebuilt = ids.make(prefix, ids.counter_of(bare))
    assert rebuilt[5:15] == bare[5:15]


@given(st.integers(0, 62**10 - 2))
def test_org_order_is_counter_order_and_not_byte_order(number: int) -> None:
    here, after = ids.make("001", number), ids.make("001", number + 1)
    assert ids.order_key(here) < ids.order_key(after)


def test_byte_order_differs_from_org_order() -> None:
    small, capital = ids.make("001", 35), ids.make("001", 36)
    assert small[14] == "z"
    assert capital[14] == "A"
    assert small > capital


def test_counters_of_slices_and_chunks() -> None:
    made = ids.make_many("001", np.arange(10, dtype=np.int64)).cast(pa.string())
    assert ids.counters(made.slice(3, 4)).tolist() == [3, 4, 5, 6]
    chunked = pa.chunked_array([made.slice(0, 2), made.slice(5, 2)])
    assert ids.counters(chunked).tolist() == [0, 1, 5, 6]
    assert ids.counters(pa.array([], pa.string())).tolist() == []


@pytest.mark.parametrize("text", ["", "001", "00155000 1QdQWa", "0015500001QdQWaAANx", "001é50000"])
def test_what_is_no_id(text: str) -> None:
    assert not ids.is_id(text)
