"""Row groups that stay unpacked: the last ones, within a bound of bytes."""

import pyarrow as pa

from unlost.vault.layout.row_group_cache import Key, RowGroupCache

ROWS = pa.table({"a": pa.array(range(1_000), pa.int64())})


def key(number: int) -> Key:
    return (f"segment-{number}", 0, ("a",))


def held(unpacked: RowGroupCache, numbers: range) -> list[int]:
    return [number for number in numbers if unpacked.get(key(number)) is not None]


def test_what_was_put_is_given_until_others_need_the_room() -> None:
    unpacked = RowGroupCache(ROWS.nbytes * 3)
    for number in range(3):
        unpacked.put(key(number), ROWS)
    assert unpacked.get(key(0)) is ROWS
    unpacked.put(key(3), ROWS)
    assert held(unpacked, range(4)) == [0, 2, 3]


def test_what_is_put_twice_takes_its_room_once() -> None:
    unpacked = RowGroupCache(ROWS.nbytes * 2)
    for number in (0, 0, 0, 1):
        unpacked.put(key(number), ROWS)
    assert held(unpacked, range(2)) == [0, 1]


def test_what_would_take_more_than_half_of_the_room_is_not_held() -> None:
    unpacked = RowGroupCache(ROWS.nbytes * 2 - 1)
    unpacked.put(key(0), ROWS)
    assert held(unpacked, range(1)) == []


def test_other_columns_of_a_group_are_another_thing() -> None:
    unpacked = RowGroupCache(ROWS.nbytes * 4)
    unpacked.put(("one", 0, ("a",)), ROWS)
    assert unpacked.get(("one", 0, ("b",))) is None
    assert unpacked.get(("one", 1, ("a",))) is None
