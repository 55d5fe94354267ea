"""The order of notes: the worst consequence first, three of them unfolded."""

import pytest

from unlost.engine.restore.planning.notes.automation import BYPASS_IMPOSSIBLE, MANAGED, UNLISTED
from unlost.engine.restore.planning.notes.cleared import ADDED_AGAIN, UNREADABLE
from unlost.engine.restore.planning.notes.note_order import (
    BY_CODE,
    Consequence,
    consequence,
    sorted_notes,
)
from unlost.engine.restore.planning.notes.predict import WORDS
from unlost.engine.restore.values.note_code import TABLE_GONE, NoteCode
from unlost.model.plan import NO_WRITER, NoteWeight, PlanNote

BLOCK, WARNING, NOTE = NoteWeight.BLOCK, NoteWeight.WARNING, NoteWeight.NOTE


def note(code: str, weight: NoteWeight = WARNING, count: int = 1, table: str = "T") -> PlanNote:
    return PlanNote.of(code, weight, "{records} of {table}", "", table, None, count)


@pytest.mark.parametrize(
    ("code", "weight", "expected"),
    [
        ("key-taken", BLOCK, Consequence.LOST),
        ("newer-twin", BLOCK, Consequence.LOST),
        (TABLE_GONE, WARNING, Consequence.LOST),
        ("parent-missing", WARNING, Consequence.EMPTY_REFERENCE),
        ("table-never", WARNING, Consequence.EMPTY_REFERENCE),
        ("changed-since", WARNING, Consequence.CONFLICT),
        ("adopts-twin", WARNING, Consequence.CONFLICT),
        ("side-effect", WARNING, Consequence.SIDE_EFFECT),
        ("reopened", WARNING, Consequence.SIDE_EFFECT),
        ("closed", WARNING, Consequence.REFUSAL),
        ("quota-short", WARNING, Consequence.REFUSAL),
        ("column-auto-number", WARNING, Consequence.VALUE),
        ("column-no-permission", WARNING, Consequence.VALUE),
        ("column-read-only", WARNING, Consequence.DERIVED),
        ("table-never", NOTE, Consequence.INFORMATION),
        (UNREADABLE, WARNING, Consequence.CONFLICT),
        (ADDED_AGAIN, NOTE, Consequence.INFORMATION),
        ("new-id", NOTE, Consequence.INFORMATION),
    ],
)
def test_the_severity_follows_from_the_consequence(
    code: str, weight: NoteWeight, expected: Consequence
) -> None:
    assert consequence(note(code, weight)) is expected


def test_every_code_of_the_order_is_one_that_plans_have() -> None:
    others = {
        TABLE_GONE, "permission-missing", "table-never", "table-configuration", UNREADABLE,
        BYPASS_IMPOSSIBLE, MANAGED, UNLISTED, "calls-short",
    }  # fmt: skip
    assert set(BY_CODE) <= {*NoteCode, *others, "side-effect", "quota-short", "column-read-only"}


def test_a_warning_about_records_is_placed_on_purpose() -> None:
    values = {NoteCode.COLUMN_FIXED, NoteCode.VALUE_NEEDED}
    warnings = {code for code, words in WORDS.items() if words.weight is WARNING}
    assert warnings - values <= set(BY_CODE)


def test_three_come_first_and_the_rest_is_folded() -> None:
    notes = [
        note("new-id", NOTE, 900),
        note("side-effect", count=700),
        note("column-gone", count=800),
        note("parent-missing", count=5),
        note("changed-since", count=600),
        note("key-taken", BLOCK, 1),
        note("file-missing", BLOCK, 3),
    ]
    ordered = sorted_notes(notes)
    assert [one.code for one in ordered.first] == ["file-missing", "key-taken", "parent-missing"]
    rest = [one.code for one in ordered.rest]
    assert rest == ["changed-since", "column-gone", "side-effect", "new-id"]


def test_information_is_never_shown_unfolded() -> None:
    ordered = sorted_notes([note("new-id", NOTE), note("column-gone")])
    assert [one.code for one in ordered.first] == ["column-gone"]
    assert [one.code for one in ordered.rest] == ["new-id"]


def test_without_anything_worse_than_side_effects_all_notes_are_folded() -> None:
    notes = [note("new-id", NOTE, 9), note("column-read-only", count=5), note("side-effect")]
    ordered = sorted_notes(notes)
    assert ordered.first == ()
    assert [one.code for one in ordered.rest] == ["side-effect", "column-read-only", "new-id"]


def test_that_a_plan_is_a_preview_stands_apart() -> None:
    ordered = sorted_notes([note(NO_WRITER), note("new-id", NOTE)])
    assert ordered.first == ()
    assert [one.code for one in ordered.rest] == ["new-id"]
