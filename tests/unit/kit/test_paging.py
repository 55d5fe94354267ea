import pytest

from unlost.kit.paging import follow
from unlost.model.errors import IntegrityError

PAGES = {"a": ("A", "b"), "b": ("B", "c"), "c": ("C", None)}


def test_links_are_followed_to_the_end() -> None:
    pages = follow(PAGES["a"], fetch=PAGES.__getitem__, link=lambda page: page[1])
    assert [page[0] for page in pages] == ["A", "B", "C"]


def test_a_circle_is_an_error() -> None:
    circle = {"a": ("A", "b"), "b": ("B", "b")}
    with pytest.raises(IntegrityError) as caught:
        list(follow(circle["a"], fetch=circle.__getitem__, link=lambda page: page[1]))
    assert caught.value.code == "paging-in-circles"
