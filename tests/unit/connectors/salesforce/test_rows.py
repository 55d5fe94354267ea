"""Who did what, and when: also for rows that are deleted."""

from datetime import UTC, datetime

import pyarrow as pa

from unlost.connectors.salesforce.rows import observed

AT = datetime(2026, 11, 20, tzinfo=UTC)


def batch(**columns: list[str | None]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {name: pa.array(values, pa.string()) for name, values in columns.items()}
    )


def test_a_deletion_is_not_put_on_whoever_edited_the_record_before() -> None:
    rows = observed(
        batch(
            Id=["001000000000001AAA", "001000000000002AAA", "001000000000003AAA"],
            IsDeleted=["true", "true", "false"],
            LastModifiedDate=[
                "2026-11-02T18:00:00.000Z",
                "2026-11-03T18:00:00.000Z",
                "2026-11-02T18:00:00.000Z",
            ],
            LastModifiedById=["005000000000001AAA"] * 3,
            SystemModstamp=["2026-11-03T18:00:00.000Z"] * 3,
        ),
        AT,
    )
    assert rows.ops.to_pylist() == ["D", "D", "U"]
    third = datetime(2026, 11, 3, 18, tzinfo=UTC)
    assert rows.modified_at.to_pylist() == [third, third, datetime(2026, 11, 2, 18, tzinfo=UTC)]
    assert rows.modified_by.to_pylist() == [None, "005000000000001AAA", "005000000000001AAA"]


def test_a_table_without_a_system_stamp_tells_its_last_edit() -> None:
    rows = observed(
        batch(
            Id=["0CZ000000000001AAA"],
            IsDeleted=["true"],
            LastModifiedDate=["2026-11-02T18:00:00.000Z"],
            LastModifiedById=["005000000000001AAA"],
        ),
        AT,
    )
    assert rows.modified_by.to_pylist() == ["005000000000001AAA"]


def test_ids_of_15_characters_are_no_change_of_a_record() -> None:
    rows = observed(batch(Id=["001Dn0000012QdW", "001Dn0000012QdWAAA"], Name=["a", "b"]), AT)
    assert rows.cells is not None
    assert rows.cells["Id"].to_pylist() == rows.ids.to_pylist()
    assert {len(record) for record in rows.ids.to_pylist()} == {18}


def test_the_user_of_a_deletion_was_unknown_though_the_row_names_it() -> None:
    """Some orgs stamp the last edit with the deletion, others leave it; both are read right."""
    deleted, edited = "2026-11-03T18:00:00.000Z", "2026-11-02T18:00:00.000Z"
    rows = observed(
        batch(
            Id=["001000000000001AAA", "001000000000002AAA"],
            IsDeleted=["true"] * 2,
            LastModifiedDate=[deleted, edited],
            LastModifiedById=["005000000000001AAA"] * 2,
            SystemModstamp=[deleted] * 2,
        ),
        AT,
    )
    assert rows.modified_at.to_pylist() == [datetime(2026, 11, 3, 18, tzinfo=UTC)] * 2
    assert rows.modified_by.to_pylist() == ["005000000000001AAA", None]
