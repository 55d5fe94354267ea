"""Lists of ids as people paste and export them: nothing is lost, and nothing counts twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.app.records.lists.id_lists import ids_in


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ()),
        ("\n  \n", ()),
        ("A1\n\n  A2  \r\nA3", ("A1", "A2", "A3")),
        ("\ufeffA1\nA2", ("A1", "A2")),
        ("A1\nA2\nA1", ("A1", "A2")),
        ("Case/A1\nA1", ("Case/A1", "A1")),
        ("Id\nA1\nA2", ("A1", "A2")),
        ("Name,Id,AccountId\nAnna,A1,B1\nOtto,A2,B2", ("A1", "A2")),
        ("Case Number;Case ID\n0001;A1\n0002;A2\n", ("A1", "A2")),
        ("Name\tID\nAnna\tA1", ("A1",)),
        ('Id,Subject\nA1,"Two\tparts, quoted"', ("A1",)),
        ("A1,Anna\nA2,Otto", ("A1", "A2")),
        ("Subject,Id\nno comma here", ()),
        ('A1\n"A2', ("A1", "A2")),
    ],
)
def test_the_ids_of_a_text_are_read(text: str, ids: tuple[str, ...]) -> None:
    assert ids_in(text).ids == ids


def test_repeated_lines_are_counted() -> None:
    assert ids_in("A1\nA2\nA1\nA1").repeated == 2


def test_a_title_without_the_word_is_named_as_a_line() -> None:
    assert ids_in("Number\nA1").ids == ("Number", "A1")


@given(st.text(max_size=200))
def test_no_text_is_an_error(text: str) -> None:
    assert len(set(ids_in(text).ids)) == len(ids_in(text).ids)


@given(st.lists(st.from_regex(r"[a-zA-Z0-9]{15}", fullmatch=True), max_size=30))
def test_lines_with_ids_all_arrive(lines: list[str]) -> None:
    kept = ids_in("\n".join(["Id", *lines])).ids
    assert kept == tuple(dict.fromkeys(lines))
