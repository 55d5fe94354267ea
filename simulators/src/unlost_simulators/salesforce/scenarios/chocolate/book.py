"""The book of all written-out rows of the chocolate maker."""

from __future__ import annotations

from functools import cache

from unlost_simulators.salesforce.scenarios.chocolate import (
    catalogue,
    platform_rows,
    setup_rows,
    story_files,
    story_mails,
    story_rows,
    trap_rows,
)
from unlost_simulators.salesforce.scenarios.chocolate.fixed import Book, Ref
from unlost_simulators.salesforce.scenarios.chocolate.objects import KEYS

__all__ = ["BOOK", "KEYS", "OWNERS", "story_id"]


def _write() -> Book:
    book = Book(author=Ref("User", "lotte"))
    setup_rows.write(book)
    catalogue.write(book)
    story_rows.write(book)
    story_mails.write(book)
    story_files.write(book)
    trap_rows.write(book)
    platform_rows.write(book)
    return book


BOOK = _write()
OWNERS = {
    office: tuple(BOOK.id(KEYS, one) for one in people)
    for office, people in setup_rows.owners().items()
}


@cache
def story_id(object_name: str, handle: str) -> str:
    """Return the id of a written-out row, as in story_id("Account", story.CUSTOMER)."""
    return BOOK.id(KEYS, Ref(object_name, handle))
