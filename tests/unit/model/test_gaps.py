"""An accepted gap stays accepted until it changes: what counts as a change, and what does not."""

from datetime import UTC, datetime
from typing import Any

import pytest

from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.gaps import AcceptedGap, GapEnd, acceptance_of, end_of, gap_id, open_gaps
from unlost.model.message import Noun, counted, message

AT = datetime(2026, 3, 2, tzinfo=UTC)
HIDDEN = "{records} of {name} are hidden."


def hidden(
    count: int, *, table: str = "Mail", template: str = HIDDEN, name: str = "Mails"
) -> Finding:
    return Finding.of(
        FindingKind.ROWS_HIDDEN, Severity.GAP, template, "Allow it.", table, detail=str(count),
        records=counted(count, Noun.RECORD), name=name,
    )  # fmt: skip


def columns(*names: str) -> Finding:
    return Finding.of(
        FindingKind.COLUMN_HIDDEN, Severity.GAP, "{columns} are hidden.", table="Mail",
        detail=",".join(names), columns=counted(len(names), Noun.COLUMN),
    )  # fmt: skip


def unreadable(code: str, record: str = "M1") -> Finding:
    return Finding.of(
        FindingKind.FILE_UNREADABLE, Severity.GAP, "The file could not be stored: {error}",
        table="Mail", column="Body", detail=record, error=message(code, "It was {count}.", count=7),
    )  # fmt: skip


def accepted(gap: Finding, **more: Any) -> AcceptedGap:
    return AcceptedGap(1, "sales", gap, 3, "Nobody can see it.", "ada", AT, **more)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (hidden(100), hidden(100)),
        (hidden(100), hidden(60)),
        (hidden(100), hidden(110)),
        (hidden(100), hidden(100, name="E-mails")),  # only a label
        (hidden(5), hidden(1, template="{records} of {name} is hidden.")),
        (columns("A", "B"), columns("B")),
        (unreadable("too-slow"), unreadable("too-slow")),
    ],
)
def test_a_gap_that_is_no_larger_stays_accepted(before: Finding, now: Finding) -> None:
    assert accepted(before).covers(now)
    assert end_of(accepted(before), [now]) is None


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (hidden(100), hidden(111)),
        (hidden(5), hidden(6)),
        (columns("A", "B"), columns("B", "C")),
        (unreadable("too-slow"), unreadable("file-gone")),
        (unreadable("too-slow"), unreadable("too-slow", record="M2")),
        (unreadable("too-slow", "1042"), unreadable("too-slow", "1041")),  # ids, not counts
        (columns("10", "20"), columns("10", "15")),
        (hidden(5), hidden(-5)),  # too few and too many are two causes
    ],
)
def test_a_gap_that_grew_or_has_another_cause_is_open_again(before: Finding, now: Finding) -> None:
    assert not accepted(before).covers(now)
    assert end_of(accepted(before), [now]) is GapEnd.CHANGED


def test_another_table_is_another_gap() -> None:
    acceptance = accepted(hidden(5))
    other = hidden(5, table="Order")
    assert open_gaps([hidden(5), other], [acceptance]) == (other,)
    assert acceptance_of(other, [acceptance]) is None
    assert end_of(acceptance, [other]) is GapEnd.GONE


def test_an_acceptance_that_ended_covers_nothing() -> None:
    assert not accepted(hidden(5), end=GapEnd.TAKEN_BACK).covers(hidden(5))


def test_gaps_of_versions_without_templates_are_compared_as_sentences() -> None:
    old = Finding(FindingKind.ROWS_HIDDEN, Severity.GAP, "5 mails are hidden.", table="Mail")
    new = Finding(FindingKind.ROWS_HIDDEN, Severity.GAP, "6 mails are hidden.", table="Mail")
    assert accepted(old).covers(old)
    assert not accepted(old).covers(new)


def test_the_id_of_a_gap_stays_when_only_its_numbers_change() -> None:
    assert gap_id(hidden(5)) == gap_id(hidden(9_000))
    assert gap_id(hidden(5)) != gap_id(hidden(5, table="Order"))
    assert gap_id(unreadable("too-slow")) != gap_id(unreadable("too-slow", record="M2"))
    assert accepted(hidden(5)).gap_id == gap_id(hidden(7))
