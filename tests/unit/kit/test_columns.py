from datetime import UTC, datetime

import pyarrow as pa

from unlost.kit.columns import INSTANT, column_or_null, instants


def test_instants_of_all_spellings() -> None:
    texts = [
        "2026-01-31T10:00:00.000Z",
        "2026-01-31T10:00:00.007+0000",
        "2026-01-31T12:00:00+02:00",
    ]
    at = datetime(2026, 1, 31, 10, tzinfo=UTC)
    got = instants(pa.array([*texts, None])).to_pylist()
    assert got == [at, at.replace(microsecond=7000), at, None]


def test_what_is_no_instant_is_null_and_spoils_no_other() -> None:
    got = instants(pa.array(["2026-01-31", "x", "", "2026-01-31T10:00:00Z"]))
    assert got.type == INSTANT
    assert got.is_valid().to_pylist() == [False, False, False, True]


def test_a_missing_column_is_null() -> None:
    batch = pa.RecordBatch.from_pydict({"A": ["x"]})
    assert column_or_null(batch, "A").to_pylist() == ["x"]
    assert column_or_null(batch, "B").to_pylist() == [None]
    assert column_or_null(batch, None).to_pylist() == [None]
