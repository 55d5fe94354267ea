"""Long texts that changed are told word by word."""

from hypothesis import given
from hypothesis import strategies as st

from unlost.app.actions.records.history import ChangedField
from unlost.web.parts.word_diff import LONGEST, compared
from unlost.web.templatetags.differences import changed_fields

OLD = "The customer wants dark pralines on Monday, as every week of the year."
NEW = "The customer wants milk pralines on Tuesday, as every week of the year."


def told(pieces: object) -> str:
    return "".join(piece.text for piece in pieces)  # type: ignore[attr-defined]


def before(change: ChangedField) -> str:
    """The cell of the side that was."""
    return _between(changed_fields([change]), '<td class="removed" data-label="Before">')


def after(change: ChangedField) -> str:
    """The cell of the side that is."""
    return _between(changed_fields([change]), '<td class="added" data-label="After">')


def _between(table: str, opening: str) -> str:
    return table.split(opening)[1].split("</td>")[0]


def field(old: str | None, new: str | None) -> ChangedField:
    return ChangedField("Note", "Note", old, new, "", "", by_itself=False)


def test_only_the_words_that_differ_are_marked() -> None:
    found = compared(OLD, NEW)
    assert found is not None
    assert [piece.text for piece in found[0] if piece.changed] == ["dark ", "Monday"]
    assert [piece.text for piece in found[1] if piece.changed] == ["milk ", "Tuesday"]
    assert "<del>dark </del>" in before(field(OLD, NEW))
    assert "<ins>Tuesday</ins>" in after(field(OLD, NEW))
    assert "<ins>Monday" not in after(field(OLD, NEW))


def test_short_texts_and_texts_with_nothing_in_common_are_told_whole() -> None:
    assert compared("+41 44", "+41 55") is None
    assert compared("a b c d e f g h i j k l m n o", "1 2 3 4 5 6 7 8 9 10 11 12") is None
    assert compared("x " * (LONGEST + 1), "x " * (LONGEST + 2)) is None
    assert before(field("+41 44", "+41 55")) == '<del><bdi class="cell">+41 44</bdi></del>'
    assert "empty" in before(field(None, "+41 55"))


def test_what_is_the_same_far_from_a_change_is_folded() -> None:
    long = "word " * 200
    cell = before(field(long + "old " + long, long + "new " + long))
    assert cell.count("word") < 60
    assert "<del>old </del>" in cell
    assert cell.count("…") == 2


def test_texts_are_escaped() -> None:
    cell = after(field("<b>one two three four five</b>", "<b>one two three four six</b>"))
    assert "<b>" not in cell
    assert "&lt;" in cell


@given(st.text(min_size=24, max_size=80), st.text(min_size=24, max_size=80))
def test_pieces_put_together_are_the_text(old: str, new: str) -> None:
    found = compared(old, new)
    if found is not None:
        assert (told(found[0]), told(found[1])) == (old, new)
