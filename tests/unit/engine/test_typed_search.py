"""Texts of searches: their words, and the user after “deleted by”."""

import pytest

from unlost.engine.records.typed_search import TypedSearch, best_reading, typed_search


@pytest.mark.parametrize(
    ("text", "words", "name"),
    [
        ("0040017", "0040017", ""),
        ("deleted by Sabine", "", "Sabine"),
        ("Deleted  BY\tSabine Vogt ", "", "Sabine Vogt"),
        ("Sonnenschein Leipzig deleted by Sabine", "Sonnenschein Leipzig", "Sabine"),
        ("deleted by", "deleted by", ""),
        ("undeleted by Sabine", "undeleted by Sabine", ""),
    ],
)
def test_a_name_follows_deleted_by(text: str, words: str, name: str) -> None:
    assert typed_search(text) == TypedSearch(words, name)


def test_the_longest_name_of_a_user_counts_and_the_rest_are_words() -> None:
    known = {"Sabine Vogt", "Sabine"}
    typed = typed_search("GmbH deleted by Sabine Vogt Leipzig")
    reading = best_reading(typed, lambda name: [name] if name in known else [])
    assert reading == TypedSearch("GmbH Leipzig", "Sabine Vogt")


def test_a_name_that_nobody_has_stays_as_it_is() -> None:
    typed = typed_search("deleted by Nobody Known")
    assert best_reading(typed, lambda _: ()) == TypedSearch("", "Nobody Known")


def test_without_a_name_nobody_is_looked_up() -> None:
    typed = typed_search("0040017")
    assert best_reading(typed, pytest.fail) == typed
