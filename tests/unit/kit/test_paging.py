"""Paging: pages are followed to the end, and a source that leads in circles is noticed."""

from collections.abc import Callable, Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.kit.paging import follow, follow_ids
from unlost.model.errors import IntegrityError

SIZE = 3  # rows of a page


def test_links_are_followed_to_the_end() -> None:
    pages = {"": "a", "a": "b", "b": None}
    got = list(follow("", fetch=lambda link: link, link=lambda page: pages[page]))
    assert got == ["", "a", "b"]


def test_links_that_lead_in_a_circle_are_noticed() -> None:
    pages = {"": "a", "a": "b", "b": "a"}
    with pytest.raises(IntegrityError, match="lead back") as caught:
        list(follow("", fetch=lambda link: link, link=lambda page: pages[page]))
    assert caught.value.code == "paging-in-circles"


class CaselessSource:
    """Rows in an order without case, as a database of a SaaS compares them."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = sorted(ids, key=str.casefold)
        self.calls = 0

    def page(self, after: str | None) -> pa.Array:
        self.calls += 1
        wanted = [i for i in self.ids if after is None or i.casefold() > after.casefold()]
        return pa.array(wanted[:SIZE], pa.string())

    def first_again(self, after: str | None) -> pa.Array:
        """The condition is dropped: an access rule does not let the user ask for a range."""
        self.calls += 1
        return pa.array(self.ids[:SIZE], pa.string())

    def first_again_with_news(self, after: str | None) -> pa.Array:
        """The condition is dropped, and each time a new row comes first."""
        self.ids.insert(0, f"!{self.calls}")
        return self.first_again(after)


def walked(fetch: Callable[[str | None], pa.Array]) -> tuple[list[str], IntegrityError | None]:
    """The delivered ids, and the error that ended the walk."""
    delivered: list[str] = []
    try:
        for page in follow_ids(fetch, ids=lambda page: page):
            delivered += page.to_pylist()
    except IntegrityError as error:
        return delivered, error
    return delivered, None


caseless_ids = st.lists(st.text("abXY019", min_size=1, max_size=4), unique_by=str.casefold)


@given(caseless_ids)
def test_every_row_comes_once_in_the_sources_own_order(ids: list[str]) -> None:
    source = CaselessSource(ids)
    assert walked(source.page) == (source.ids, None)
    assert source.calls == -(-len(ids) // SIZE) + 1


@given(caseless_ids.filter(bool))
def test_a_condition_that_is_dropped_is_noticed_before_a_row_comes_twice(ids: list[str]) -> None:
    source = CaselessSource(ids)
    delivered, error = walked(source.first_again)
    assert error is not None
    assert error.code == "paging-in-circles"
    assert delivered == source.ids[:SIZE]
    assert source.calls == 2


def test_a_condition_that_is_dropped_while_rows_are_added_is_noticed() -> None:
    delivered, error = walked(CaselessSource(["a", "b"]).first_again_with_news)
    assert error is not None
    assert len(delivered) == len(set(delivered))


@given(caseless_ids.filter(lambda ids: len(ids) > SIZE), st.data())
def test_a_row_that_comes_twice_withholds_the_last_page(
    ids: list[str], data: st.DataObject
) -> None:
    source = CaselessSource(ids)
    again = data.draw(st.sampled_from(source.ids[:SIZE]))

    def page(after: str | None) -> pa.Array:
        rows = source.page(after).to_pylist()
        return pa.array([again, *rows] if after and rows and rows[-1] == source.ids[-1] else rows)

    delivered, error = walked(page)
    assert error is not None
    assert source.ids[-1] not in delivered


def test_a_page_that_is_empty_ends_the_walk() -> None:
    """It may be one whose rows are all hidden: the caller compares the count."""
    assert walked(lambda after: pa.array([] if after else ["a"], pa.string())) == (["a"], None)
