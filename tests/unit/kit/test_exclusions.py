"""Findings about tables that are not read."""

import pytest

from unlost.kit.exclusions import excluded_by_settings, table_not_data, table_refused
from unlost.model.errors import SourceRefused
from unlost.model.finding import FindingKind, Severity


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


def test_a_table_without_data_is_a_note() -> None:
    finding = table_not_data("sys_log", "it is a log")
    assert (finding.kind, finding.severity) == (FindingKind.TABLE_NOT_DATA, Severity.NOTE)
    assert (finding.table, finding.sentence) == (
        "sys_log",
        "sys_log is not backed up: it is a log.",
    )


def test_a_refused_table_is_a_gap_with_the_reason_and_the_step_of_the_source() -> None:
    refusal = SourceRefused("shop-refused", "The shop refused {it}.", next_step="Ask.", it="this")
    finding = table_refused("task", refusal)
    assert (finding.kind, finding.severity) == (FindingKind.TABLE_REFUSED, Severity.GAP)
    assert finding.sentence == "task could not be read: The shop refused this."
    assert (finding.table, finding.next_step) == ("task", "Ask.")
