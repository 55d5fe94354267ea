"""Tables that a person left out."""

import pytest

from unlost.kit.exclusions import excluded_by_settings
from unlost.model.finding import Severity


@pytest.mark.parametrize(
    ("include", "exclude", "step"),
    [
        ((), ("task",), "remove it"),
        (("task",), ("task",), "remove it"),
        (("user",), (), "add it"),
    ],
)
def test_a_table_that_the_settings_leave_out_is_a_gap(
    include: tuple[str, ...], exclude: tuple[str, ...], step: str
) -> None:
    finding = excluded_by_settings("task", include=include, exclude=exclude, label="Task (task)")
    assert finding is not None
    assert (finding.table, finding.severity) == ("task", Severity.GAP)
    assert "Task (task) is excluded" in finding.sentence
    assert step in finding.next_step


def test_other_tables_are_not() -> None:
    assert excluded_by_settings("task", include=(), exclude=("user",)) is None
    assert excluded_by_settings("task", include=("task",), exclude=()) is None
