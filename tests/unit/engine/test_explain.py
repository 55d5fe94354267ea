"""What versions and the source's notes tell together: each change once, whatever a night saw."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.engine.records.changelog import LoggedChange
from unlost.engine.records.explain import ExplainedChanges, FieldChange, explain
from unlost.engine.records.history import Nights, Origin, events
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, ColumnTrait, Table, WireKind
from unlost.model.vault.snapshot import Version

START = datetime(2026, 3, 2, tzinfo=UTC)
TABLE = Table(
    "Deal",
    (
        Column("Sum", WireKind.DECIMAL),
        Column("Text", WireKind.TEXT),
        Column("OwnerId", WireKind.REFERENCE),
        Column("Seen", WireKind.INSTANT, traits=frozenset({ColumnTrait.VOLATILE})),
    ),
)


def note(old: str | None, new: str | None, column: str = "Sum", second: int = 0) -> LoggedChange:
    return LoggedChange(START + timedelta(seconds=second), "U1", column, old, new)


def told(
    old: dict[str, str | None], new: dict[str, str | None], *notes: LoggedChange
) -> ExplainedChanges:
    return explain(old, new, notes, TABLE)


@pytest.mark.parametrize(
    ("old", "new", "notes", "shown"),
    [
        ("1", "2", [("1", "2")], 1),
        ("1", "2.0", [("1", "2.00")], 1),
        ("1", "3", [("1", "2"), ("2", "3")], 2),
        ("1", "1", [("1", "2")], 0),
        ("1", "1", [("1", "2"), ("2", "1")], 0),
        ("1", "2", [("1", "2"), ("2", "3"), ("3", "2")], 1),
        (None, "2", [(None, "2")], 1),
    ],
)
def test_a_version_shows_the_notes_that_lead_to_its_value(
    old: str | None, new: str | None, notes: list[tuple[str | None, str | None]], shown: int
) -> None:
    every = [note(*values) for values in notes]
    found = told({"Sum": old}, {"Sum": new}, *every)
    assert found == ExplainedChanges(tuple(every[:shown]), tuple(every[shown:]), ())


def test_a_first_version_may_be_older_than_the_first_note() -> None:
    first, second = note("1", "2"), note("2", "3")
    assert told({}, {"Sum": "1"}, first, second).shown == ()
    assert told({}, {"Sum": "2"}, first, second).shown == (first,)
    assert told({}, {"Sum": "9"}, first, second).shown == (first, second)


def test_what_a_log_left_out_is_told_by_the_night() -> None:
    found = told({"Sum": "1"}, {"Sum": "3"}, note("1", "2"))
    assert found.rest == (FieldChange("Sum", "2", "3"),)
    found = told({"Sum": "1"}, {"Sum": "3"}, note("1", "2"), note("3", "4"))
    assert (len(found.shown), len(found.wait)) == (1, 1)
    assert found.rest == (FieldChange("Sum", "2", "3"),)
    assert told({"Sum": "1"}, {"Sum": "3"}, note("3", "4")).rest == (FieldChange("Sum", "1", "3"),)


def test_a_log_without_values_tells_when_and_the_vault_tells_what() -> None:
    """Long texts: that they changed is noted, not how."""
    silent = note(None, None, "Text")
    found = told({"Text": "a"}, {"Text": "b"}, silent, silent)
    assert found.shown == (silent, note("a", "b", "Text"))
    assert found.rest == ()
    assert told({"Text": "a"}, {"Text": "a"}, silent) == ExplainedChanges((), (silent,), ())
    assert told({}, {"Text": "a"}, silent).shown == (silent,)
    assert told({"Text": None}, {"Text": "a"}, silent).shown == (note(None, "a", "Text"),)


def test_a_log_that_tells_names_of_what_is_referred_to_is_the_same_change() -> None:
    found = told({"OwnerId": "U1"}, {"OwnerId": "U2"}, note("Ann", "Bob", "OwnerId"))
    assert found.shown == (note("U1", "U2", "OwnerId"),)
    assert found.rest == ()


def test_columns_that_a_version_lacks_wait_and_volatile_ones_never_count() -> None:
    waiting = note("1", "2")
    assert told({"Sum": "1"}, {"Text": "a"}, waiting).wait == (waiting,)
    assert told({"Seen": "1"}, {"Seen": "2"}).rest == ()
    assert explain({"Odd": "1"}, {"Odd": "2"}, (), None).rest == (FieldChange("Odd", "1", "2"),)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["1", "2", "3", None]), st.integers(0, 2)), max_size=8
    ),
    seen=st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=6),
)
def test_with_a_whole_log_each_change_is_told_once_however_late_it_became_visible(
    steps: list[tuple[str | None, int]], seen: list[tuple[int, bool]]
) -> None:
    """``steps``: values and how long after the last. ``seen``: how many of them a night saw."""
    values: list[str | None] = ["0"]
    notes, second = [], 0
    for value, later in steps:
        second += later
        if value != values[-1]:
            notes.append(note(values[-1], value, second=second))
            values.append(value)
    versions: list[Version] = []
    counts = sorted(min(count, len(notes)) for count, _ in seen)
    for number, (count, other) in enumerate(zip(counts, (o for _, o in seen), strict=True), 1):
        cells = {"Sum": values[count], "Text": str(number if other else 0)}
        if not versions or cells != versions[-1].cells:
            at = START + timedelta(seconds=second)
            versions.append(Version("Deal", "r", number, Op.STATE, at, None, None, cells))
    story = events(versions, TABLE, notes, Nights(()))
    changes = [
        (change.old, change.new)
        for event in story
        for change in event.fields
        if change.column == "Sum"
    ]
    assert sorted(changes, key=str) == sorted(((n.old, n.new) for n in notes), key=str)
    for event in story:
        if event.origin is Origin.VAULT:
            assert "Sum" not in {change.column for change in event.fields}
