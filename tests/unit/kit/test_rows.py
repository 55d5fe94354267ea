"""Rows of batches: times that are read, ids that are checked."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from unlost.kit.columns import INSTANT, Zoneless
from unlost.kit.json_to_arrow import MalformedAnswer, batch_of, decode
from unlost.kit.rows import check_ids, deleted_rows, live_rows, no_rows

AT = datetime(2026, 11, 27, 13, tzinfo=UTC)
BODY = b"""{"result": [
 {"sys_id": "a1", "sys_updated_on": "2026-11-27 12:48:41", "sys_updated_by": "jan", "state": "1"},
 {"sys_id": "a2", "sys_updated_on": "", "sys_updated_by": "", "state": ""}]}"""


def test_records_in_json_become_rows_with_their_modified_time() -> None:
    cells = batch_of(
        decode(BODY)["result"], ["sys_id", "sys_updated_on", "sys_updated_by", "state"]
    )
    rows = live_rows(
        cells,
        AT,
        ids="sys_id",
        modified_at="sys_updated_on",
        modified_by="sys_updated_by",
        zoneless=Zoneless.UTC,
    )
    assert rows.ids.to_pylist() == ["a1", "a2"]
    assert rows.ops.to_pylist() == ["U", "U"]
    assert rows.modified_at.type == INSTANT
    assert rows.modified_at.to_pylist() == [datetime(2026, 11, 27, 12, 48, 41, tzinfo=UTC), None]
    assert rows.modified_by.to_pylist() == ["jan", None]
    assert rows.cells is cells
    assert rows.observed_at == AT


def test_a_table_without_stamps_has_rows_without_times() -> None:
    rows = live_rows(pa.RecordBatch.from_pydict({"id": ["a"]}), AT, ids="id")
    assert rows.modified_at.to_pylist() == [None]
    assert rows.modified_by.to_pylist() == [None]


def test_deletions_carry_their_time_and_their_user() -> None:
    ids, times = pa.array(["a", "b"]), pa.array(["2026-11-27 12:00:00", None])
    users = pa.array(["jan", None])
    rows = deleted_rows(ids, times, AT, deleted_by=users, zoneless=Zoneless.UTC)
    assert rows.ops.to_pylist() == ["P", "P"]
    assert rows.modified_at.to_pylist() == [datetime(2026, 11, 27, 12, tzinfo=UTC), None]
    assert rows.modified_by.to_pylist() == ["jan", None]
    assert rows.cells is None
    assert deleted_rows(ids, times, AT).modified_by.to_pylist() == [None, None]


def test_no_rows_have_the_types_of_rows() -> None:
    rows = no_rows(AT)
    assert len(rows) == 0
    assert rows.modified_at.type == INSTANT


@pytest.mark.parametrize("ids", [["0" * 31], ["x" * 32], ["0" * 32 + "\n"], [None], [""]])
def test_what_is_no_id_is_refused(ids: list[str | None]) -> None:
    with pytest.raises(MalformedAnswer):
        check_ids(pa.array(["0" * 32, *ids], pa.string()), r"\A[0-9a-f]{32}\z")


def test_ids_that_fit_and_none_at_all_are_taken() -> None:
    check_ids(pa.array(["0" * 32]), r"\A[0-9a-f]{32}\z")
    check_ids(pa.array([], pa.string()), r"\A[0-9a-f]{32}\z")
