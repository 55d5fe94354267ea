"""Which changes of a user are taken back: the first ones of columns that nobody changed later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from unlost.engine.records.explain import FieldChange
from unlost.engine.records.history import Event, EventKind, Origin, When
from unlost.engine.records.taking_back import RecordedChange, TakenBackChanges, recorded, taken_back
from unlost.model.plan import RecordKey
from unlost.model.source.reading import Op

KEY = RecordKey("Account", "1")
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def at(hour: float) -> datetime:
    return BEGIN + timedelta(hours=hour)


def change(column: str, by: str, hour: float, *, removes: bool = False) -> RecordedChange:
    return RecordedChange(KEY, column, at(hour), at(hour), by, removes)


def ada(*changes: RecordedChange, until: float = 100) -> TakenBackChanges:
    return taken_back(changes, user="Ada", since=BEGIN, until=at(until))


def test_the_first_of_several_changes_counts() -> None:
    first, second = change("Phone", "Ada", 1), change("Phone", "Ada", 2)
    assert ada(second, first) == TakenBackChanges((first,), 0)


def test_a_column_that_others_changed_later_stays() -> None:
    mine = change("Name", "Ada", 3)
    assert ada(change("Phone", "Ada", 1), change("Phone", "Ben", 2), mine) == TakenBackChanges(
        (mine,), 1
    )


def test_what_others_changed_in_between_is_not_lost() -> None:
    last = change("Phone", "Ada", 3)
    assert ada(change("Phone", "Ada", 1), change("Phone", "Ben", 2), last).first == (last,)


def test_nothing_of_a_record_that_others_deleted_later_is_taken_back() -> None:
    """Otherwise the whole record would come back."""
    deletion = change("", "Ben", 2, removes=True)
    assert ada(change("Phone", "Ada", 1), deletion) == TakenBackChanges((), 1)


def test_a_record_that_the_user_changed_and_deleted_comes_back_as_before() -> None:
    mine, deletion = change("Phone", "Ada", 1), change("", "Ada", 2, removes=True)
    assert set(ada(mine, deletion).first) == {mine, deletion}


def test_a_change_that_was_logged_without_values_is_none() -> None:
    fields = (FieldChange("Note", None, None), FieldChange("Name", None, "b"))
    logged = Event(
        EventKind.CHANGED, When(None, None, at(1)), "Ada", fields, Origin.CHANGE_LOG, Op.STATE, 1
    )
    assert [each.column for each in recorded(KEY, logged)] == ["Name"]


def test_a_later_change_of_the_same_user_outside_the_period_keeps_the_value() -> None:
    assert ada(change("Phone", "Ada", 1), change("Phone", "Ada", 5), until=2) == TakenBackChanges(
        (), 1
    )


def test_changes_before_the_period_do_not_count() -> None:
    assert ada(change("Phone", "Ada", 0)) == TakenBackChanges((), 0)


def test_a_deletion_is_taken_back_unless_the_record_is_there_again() -> None:
    deletion = change("", "Ada", 1, removes=True)
    assert ada(deletion).first == (deletion,)
    assert ada(deletion, change("", "Ben", 2)) == TakenBackChanges((), 1)


def test_an_undelete_is_nothing_to_take_back() -> None:
    assert ada(change("", "Ada", 1)) == TakenBackChanges((), 0)


def test_of_a_record_that_was_deleted_twice_the_last_deletion_counts() -> None:
    last = change("", "Ada", 3, removes=True)
    assert ada(change("", "Ada", 1, removes=True), change("", "Ben", 2), last).first == (last,)


def event(kind: EventKind, *columns: str) -> Event:
    fields = tuple(FieldChange(column, "a", "b") for column in columns)
    return Event(kind, When(None, None, at(1)), "Ada", fields, Origin.VAULT, Op.STATE, 1)


def test_events_are_recorded_by_column() -> None:
    assert [each.column for each in recorded(KEY, event(EventKind.CHANGED, "A", "B", "A"))] == [
        "A", "B",
    ]  # fmt: skip
    assert [each.removes for each in recorded(KEY, event(EventKind.DELETED))] == [True]
    assert [each.removes for each in recorded(KEY, event(EventKind.REVIVED))] == [False]
    assert list(recorded(KEY, event(EventKind.CREATED))) == []


def test_a_live_change_is_the_last_one_even_if_the_clock_of_the_org_is_behind() -> None:
    """The value after the newest backup is replaced too, not only the earlier change."""
    mine, now = change("Phone", "Ada", 5), replace(change("Phone", "Ada", 4), is_live=True)
    assert ada(now, mine) == TakenBackChanges((mine,), 0, (now,))
    others = replace(change("Phone", "Ben", 4), is_live=True)
    assert ada(others, mine) == TakenBackChanges((), 1)


def test_a_live_event_gives_live_changes() -> None:
    fields = (FieldChange("Name", "a", "b"),)
    live = Event(
        EventKind.CHANGED, When(None, at(0), at(1)), "Ada", fields, Origin.LIVE, Op.STATE, None
    )
    assert [each.is_live for each in recorded(KEY, live)] == [True]
