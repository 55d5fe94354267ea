"""Words for values, and texts from elsewhere that must not act upon a terminal."""

from datetime import UTC, datetime

import pytest

from unlost.app.records.record_facts import RecordDeletion
from unlost.cli.text import cell, many, plain, short, size, when
from unlost.cli.words import fate
from unlost.model.source.reading import Op

NIGHT = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
NEXT = datetime(2026, 7, 2, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zürich 東京 ✓ 🍫", "Zürich 東京 ✓ 🍫"),
        ("a\nb\r\nc\td", "a⏎b⏎c d"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("abc\u202edef\u2066", "abc\\u202edef\\u2066"),
        ("[bold]no markup[/bold]", "[bold]no markup[/bold]"),
    ],
)
def test_texts_from_elsewhere_are_shown_and_do_nothing(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_long_texts_are_cut_and_say_how_long_they_are() -> None:
    assert short("x" * 60) == "x" * 60
    cut = short("x" * 131_072)
    assert cut.endswith("… (131,072 characters)")
    assert len(cut) < 80


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "(empty)"), ("", '""'), ("0040017", "0040017")]
)
def test_nothing_and_an_empty_text_are_told_apart(value: str | None, shown: str) -> None:
    assert cell(value) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (2.5e9, "2.5 GB"),
        (3.2e15, "3,200.0 TB"),
    ],
)
def test_sizes(count: float, shown: str) -> None:
    assert size(count) == shown


def test_times_are_told_in_the_zone_of_the_org() -> None:
    assert when(NIGHT) == "2026-07-01 22:30 UTC"
    assert when(NIGHT, zone="Europe/Zurich") == "2026-07-02 00:30 CEST"
    assert when(None) == "never"


def test_the_end_of_the_year_9999_is_shown_in_every_zone() -> None:
    end = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    assert when(end, zone="Europe/Zurich") == "9999-12-31 23:59 UTC"


def test_counts_have_their_word() -> None:
    assert many(1, "finding") == "1 finding"
    assert many(1234, "finding") == "1,234 findings"
    assert many(0, "entry", "entries") == "0 entries"


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        (None, "alive"),
        (
            RecordDeletion(Op.DELETED, NIGHT, "U1", "Ada", None, NEXT),
            "deleted on 2026-07-01 22:30 UTC by Ada",
        ),
        (
            RecordDeletion(Op.DELETED, NIGHT, "U1", "", None, NEXT),
            "deleted on 2026-07-01 22:30 UTC by U1",
        ),
        (
            RecordDeletion(Op.DELETED, NIGHT, None, "", None, NEXT),
            "deleted on 2026-07-01 22:30 UTC, user unknown",
        ),
        (
            RecordDeletion(Op.PURGED, None, None, "", NIGHT, NEXT),
            (
                "deleted for good, between 2026-07-01 22:30 UTC and "
                "2026-07-02 22:30 UTC, user unknown"
            ),
        ),
        (
            RecordDeletion(Op.PURGED, NIGHT, None, "", NIGHT, NEXT),
            "deleted for good on 2026-07-01 22:30 UTC, user unknown",
        ),
        (
            RecordDeletion(Op.MISSING, None, None, "", None, NEXT),
            "no longer there before 2026-07-02 22:30 UTC, user unknown",
        ),
        (
            RecordDeletion(Op.DELETED, NIGHT, "U1", "Ada", None, NEXT, "A2", "Schoko"),
            "merged into Schoko (A2) on 2026-07-01 22:30 UTC by Ada",
        ),
        (
            RecordDeletion(Op.DELETED, None, None, "", NIGHT, NEXT, "A2"),
            ("merged into A2, between 2026-07-01 22:30 UTC and 2026-07-02 22:30 UTC, user unknown"),
        ),
        (
            RecordDeletion(Op.PURGED, NIGHT, None, "", NIGHT, NEXT, "A2", "Schoko"),
            "merged into Schoko (A2) on 2026-07-01 22:30 UTC, user unknown",
        ),
        (
            RecordDeletion(Op.ARCHIVED, None, None, "", None, NEXT),
            "archived on 2026-07-02 22:30 UTC; the vault has the only copy",
        ),
    ],
)
def test_whether_a_record_is_alive_is_said_in_words(gone: RecordDeletion | None, told: str) -> None:
    assert fate(gone) == told
