"""Each safeguard of the connector is needed: without it, a life of the desk is judged wrong."""

from collections.abc import Callable, Iterable
from pathlib import Path
from traceback import extract_tb
from typing import Any

import pytest

from stateful.servicenow import mutants
from stateful.servicenow.desk import ATTACHMENT, INCIDENT, ITEM, JOURNAL, TASK
from stateful.servicenow.restoring import RestoredDesk
from unlost_simulators.servicenow.access.acls import Operation

pytestmark = pytest.mark.deep

TEXT, STAMP, CLASS = "short_description", "sys_updated_on", "sys_class_name"
NO_CHOICE: Any = None


class ShortLife(RestoredDesk):
    """A life without chance: always the first record, and nothing is empty or left out at random."""

    def pick(self, data: Any, records: Iterable[str], deed: str) -> str | None:
        return min(records, default=None)


def attached(life: ShortLife) -> None:
    """An attachment that no backup has seen."""
    life.attach(NO_CHOICE, INCIDENT, b"cocoa")


def unseen_row_hidden(life: ShortLife) -> None:
    attached(life)
    life.hide_row(NO_CHOICE, ATTACHMENT)


def unseen_row_ruled_away(life: ShortLife) -> None:
    attached(life)
    life.rule_row_away(NO_CHOICE, ATTACHMENT)


def first_row_hidden(life: ShortLife) -> None:
    life.hide_row(NO_CHOICE, INCIDENT)
    for name in ("a", "b", "c"):
        life.create(INCIDENT, name)


def class_refused_without_role(life: ShortLife) -> None:
    life.lose_role(domains=False)
    life.refuse_query((TASK, CLASS, Operation.QUERY_MATCH))


def row_ruled_away(life: ShortLife) -> None:
    life.rule_row_away(NO_CHOICE, ITEM)


def row_cleaned(life: ShortLife) -> None:
    life.clean(NO_CHOICE, ITEM)


def column_hidden(life: ShortLife) -> None:
    life.hide_column((INCIDENT, TEXT))
    life.note(NO_CHOICE, INCIDENT, "a")


def class_refused(life: ShortLife) -> None:
    life.refuse_query((INCIDENT, CLASS, Operation.QUERY_MATCH))
    life.create(INCIDENT, "a")


def stamp_refused_without_role(life: ShortLife) -> None:
    life.lose_role(domains=False)
    life.calm_night(24)
    life.refuse_query((INCIDENT, STAMP, Operation.QUERY_RANGE))
    life.change(NO_CHOICE, INCIDENT, "a")


def ranges_refused_by_a_conditional_rule(life: ShortLife) -> None:
    life.refuse_query((INCIDENT, STAMP, Operation.CONDITIONAL_RANGE))
    life.change(NO_CHOICE, INCIDENT, "a")


def class_hidden(life: ShortLife) -> None:
    life.hide_column((INCIDENT, CLASS))
    life.create(INCIDENT, "a")


def cell_hidden_without_role(life: ShortLife) -> None:
    life.lose_role(domains=False)
    life.calm_night(24)
    life.hide_cells(NO_CHOICE, (INCIDENT, TEXT))
    life.note(NO_CHOICE, INCIDENT, "a")


def stamp_hidden(life: ShortLife) -> None:
    life.hide_column((INCIDENT, STAMP))
    life.calm_night(24)
    life.change(NO_CHOICE, INCIDENT, "a")


def role_lost(life: ShortLife) -> None:
    life.lose_role(domains=False)


def class_changed(life: ShortLife) -> None:
    life.change_class(NO_CHOICE, INCIDENT)


def archived(life: ShortLife) -> None:
    life.archive(NO_CHOICE, INCIDENT)


def changed_and_archived(life: ShortLife) -> None:
    life.change(NO_CHOICE, INCIDENT, "a")
    life.archive(NO_CHOICE, INCIDENT)


def changed(life: ShortLife) -> None:
    life.change(NO_CHOICE, INCIDENT, "a")


def changed_quietly(life: ShortLife) -> None:
    life.change_quietly(NO_CHOICE, INCIDENT, "a")


def entry_dropped(life: ShortLife) -> None:
    life.note(NO_CHOICE, INCIDENT, "a")
    life.calm_night(24)
    life.clean(NO_CHOICE, JOURNAL)
    life.whole_night()


def restored(life: ShortLife) -> None:
    """An answer is lost: that of the entry of a record, then that of its attachment."""
    for place in (3, 2):
        record = min(life.desk.rows(INCIDENT))
        life.destroy_and_restore(INCIDENT, record, entries=True, troubles=[("reply_lost", place)])


PLANTED: dict[Callable[[pytest.MonkeyPatch], None], Callable[[ShortLife], None]] = {
    mutants.hidden_rows_are_not_counted: unseen_row_hidden,
    mutants.an_empty_page_is_the_last: first_row_hidden,
    mutants.conditions_are_not_checked: class_refused_without_role,
    mutants.every_row_counts_as_visible: row_ruled_away,
    mutants.no_row_counts_as_visible: row_cleaned,
    mutants.rules_of_columns_are_ignored: column_hidden,
    mutants.query_acls_are_ignored: class_refused,
    mutants.conditional_rules_are_ignored: ranges_refused_by_a_conditional_rule,
    mutants.conditions_without_an_answer_are_ignored: stamp_refused_without_role,
    mutants.a_hidden_class_is_ignored: class_hidden,
    mutants.a_hidden_cell_counts_as_empty: cell_hidden_without_role,
    mutants.creation_stands_for_a_hidden_change: stamp_hidden,
    mutants.a_lost_role_is_no_gap: role_lost,
    mutants.a_query_rule_is_no_gap: unseen_row_ruled_away,
    mutants.a_changed_class_is_no_gap: class_changed,
    mutants.a_changed_class_is_a_deletion: class_changed,
    mutants.an_archived_record_is_a_deletion: archived,
    mutants.changes_are_not_looked_for_in_the_archive: changed_and_archived,
    mutants.changes_are_asked_for_too_late: changed,
    mutants.rows_are_never_compared: changed_quietly,
    mutants.a_log_that_is_read_whole_is_a_census: entry_dropped,
    mutants.attachments_have_no_files: attached,
    mutants.lost_answers_are_not_looked_for: restored,
    mutants.entries_are_not_recognized: restored,
}
# The instance of a life: it drops refused conditions, or shows hidden cells as empty ones.
DROPPED = {mutants.conditions_are_not_checked}
SHOWN_EMPTY = {mutants.rules_of_columns_are_ignored}


def live(script: Callable[[ShortLife], None], *, absent: bool, empty: bool) -> None:
    """One life, which ends with a backup that is judged."""
    life = ShortLife()
    life.begin(page_rows=1, checked=True, absent=absent, empty=empty)
    try:
        script(life)
    except BaseException:
        life.end()
        raise
    life.teardown()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("mutation", "script"), PLANTED.items(), ids=lambda value: value.__name__)
def test_a_connector_without_a_safeguard_is_caught(
    monkeypatch: pytest.MonkeyPatch,
    mutation: Callable[[pytest.MonkeyPatch], None],
    script: Callable[[ShortLife], None],
) -> None:
    """The same life is right without the mutation."""
    absent, empty = mutation not in SHOWN_EMPTY, mutation not in DROPPED
    live(script, absent=absent, empty=empty)
    mutation(monkeypatch)
    with pytest.raises(AssertionError) as caught:
        live(script, absent=absent, empty=empty)
    files = {Path(frame.filename).name for frame in extract_tb(caught.value.__traceback__)}
    assert files & {"judge.py", "restoring.py"}, caught
