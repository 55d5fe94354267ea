"""The search opens the record that was meant, and lists the others."""

import pytest

from unlost.app.actions.records.find import FindResult
from unlost.app.records.found_records import FoundRecord
from unlost.web.pages.records.find import only


def hit(record: str, *, exact: bool) -> FoundRecord:
    return FoundRecord(
        org="sales", table="Account", table_label="Account", record=record, name=record,
        column="Number", column_label="Number", value="0040017", exact=exact, alive=True, gone=None,
        zone="UTC", restored_as="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("exact", "opened"),
    [
        ([], None),
        ([False], 0),
        ([True], 0),
        ([False, True, False], 1),
        ([True, True], None),
        ([False, False], None),
    ],
)
def test_the_only_match_or_the_only_exact_match_is_opened(
    exact: list[bool], opened: int | None
) -> None:
    hits = tuple(hit(f"001{number}", exact=value) for number, value in enumerate(exact))
    single = only(FindResult("0040017", ("sales",), hits))
    assert single == (None if opened is None else hits[opened])
