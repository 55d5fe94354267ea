"""Each safeguard of the connector is needed: without it a life of the desk fails, and soon."""

from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import extract_tb
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import run_state_machine_as_test

from stateful.servicenow import mutants
from stateful.servicenow.restoring import RestoredDesk

pytestmark = pytest.mark.deep

RULES = (
    *(
        "create",
        "change",
        "note",
        "attach",
        "delete",
        "undelete",
        "change_quietly",
        "create_quietly",
    ),
    *("change_class", "clean", "archive", "hide_row", "rule_row_away", "hide_column", "hide_cells"),
    *("refuse_query", "close_table", "lose_role", "give_to_domain", "give_rights_back"),
    *("calm_night", "whole_night", "crashed_night", "parked_night", "faulty_night"),
    *("shortened_night", "make_a_mistake_and_restore"),
)
EXAMPLES = 120
# The faults, each with the rules that bring it about.
PLANTED: dict[Callable[[pytest.MonkeyPatch], None], tuple[str, ...]] = {
    mutants.hidden_rows_are_not_counted: ("hide_row", "calm_night"),
    mutants.an_empty_page_is_the_last: ("hide_row", "create", "calm_night"),
    mutants.conditions_are_not_checked: ("refuse_query", "lose_role", "calm_night"),
    mutants.every_row_counts_as_visible: ("rule_row_away", "calm_night"),
    mutants.rules_of_columns_are_ignored: ("hide_column", "hide_cells", "calm_night"),
    mutants.query_acls_are_ignored: ("refuse_query", "change", "calm_night"),
    mutants.conditions_without_an_answer_are_ignored: (
        *("refuse_query", "lose_role", "change", "calm_night"),
    ),
    mutants.a_hidden_class_is_ignored: ("hide_column", "change", "calm_night"),
    mutants.a_hidden_cell_counts_as_empty: ("hide_cells", "lose_role", "change", "calm_night"),
    mutants.creation_stands_for_a_hidden_change: ("hide_column", "change", "calm_night"),
    mutants.a_lost_role_is_no_gap: ("lose_role", "calm_night"),
    mutants.a_query_rule_is_no_gap: ("rule_row_away", "create", "calm_night"),
    mutants.a_closed_table_is_no_gap: ("close_table", "calm_night"),
    mutants.a_changed_class_is_no_gap: ("change_class", "calm_night"),
    mutants.a_changed_class_is_a_deletion: ("change_class", "calm_night"),
    mutants.an_archived_record_is_a_deletion: ("archive", "calm_night"),
    mutants.changes_are_not_looked_for_in_the_archive: ("change", "archive", "calm_night"),
    mutants.changes_are_asked_for_too_late: ("change", "calm_night"),
    mutants.rows_are_never_compared: ("change_quietly", "calm_night"),
    mutants.a_reported_deletion_is_not_looked_up: ("delete", "undelete", "calm_night"),
    mutants.a_log_that_is_read_whole_is_a_census: ("note", "clean", "calm_night", "whole_night"),
    mutants.lost_answers_are_not_looked_for: ("make_a_mistake_and_restore",),
    mutants.entries_are_not_recognized: ("make_a_mistake_and_restore",),
}


def only(*names: str) -> type[RestoredDesk]:
    """The machine with few rules, so that a fault which they bring about is met soon."""

    def called(rule: Callable[..., None]) -> Callable[..., None]:
        def call(self: RestoredDesk, *given: Any, **named: Any) -> None:
            rule(self, *given, **named)

        return call

    others = set(RULES) - set(names)
    members = {name: called(getattr(RestoredDesk, name)) for name in others}
    return type("Few", (RestoredDesk,), members)


def _judged(error: BaseException) -> Iterator[str]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _judged(one)
    yield from (Path(frame.filename).name for frame in extract_tb(error.__traceback__))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("mutation", "rules"), PLANTED.items(), ids=lambda value: getattr(value, "__name__", "few")
)
def test_a_connector_without_a_safeguard_is_caught(
    monkeypatch: pytest.MonkeyPatch,
    mutation: Callable[[pytest.MonkeyPatch], None],
    rules: tuple[str, ...],
) -> None:
    """Without the mutation such examples pass: see ``test_living_desk``."""
    mutation(monkeypatch)
    quickly = settings(
        max_examples=EXAMPLES,
        stateful_step_count=8,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        derandomize=False,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises((AssertionError, FlakyFailure)) as caught:
        run_state_machine_as_test(only(*rules), settings=quickly)
    assert {"judge.py", "restoring.py", "machine.py"} & set(_judged(caught.value)), caught
