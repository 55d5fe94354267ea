"""Hints for a search that found nothing: reasons, and the next step of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from unlost.model.message import Message, Noun, counted, message


@dataclass(frozen=True, slots=True)
class SearchedOrg:
    """An org that was searched: its newest backup, and the next one (None if none is scheduled).

    ``hidden`` counts the columns that the actor may not see; they were not searched. ``unindexed``
    is the percentage of the index that still follows earlier rules. ``deletions_since``: of the
    deletions of a user, only those that later backups found were searched; None if all were.
    """

    org: str
    zone: str
    as_of: datetime
    next_backup: datetime | None
    hidden: int = 0
    unindexed: int = 0
    deletions_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class EmptySearch:
    """A search without matches. ``user_unknown``: no user has the name after “deleted by”.

    ``unchecked``: not all records with the words were checked against the filters.
    """

    words: str
    orgs: Sequence[SearchedOrg]
    former: bool
    filtered: bool
    deleted_by: str = ""
    user_unknown: bool = False
    unchecked: bool = False


def search_hints(search: EmptySearch) -> Iterator[Message]:
    """Yield the hints that fit, likeliest first."""
    if search.user_unknown:
        yield message(
            "search-no-user",
            "No user has a name with {name}.",
            next_step="Type the beginning of a first or last name of a user of the org.",
            name=search.deleted_by,
        )
    elif search.deleted_by:
        yield message(
            "search-deleter",
            "Many orgs name the user of a deletion only while the record is in the recycle bin.",
            next_step="Use the filter for deleted records, without a user.",
        )
    if search.unchecked:
        yield message(
            "search-unchecked",
            "Too many records contain these words to check all of them.",
            next_step="Add a word, or choose a table.",
        )
    if search.filtered:
        yield message(
            "search-filtered",
            "Filters are set.",
            next_step="Search without filters.",
        )
    if search.words:
        yield from _about_words(search)
    yield from _about_orgs(search.orgs)


def _about_words(search: EmptySearch) -> Iterator[Message]:
    if len(search.words.split()) > 1:
        yield message(
            "search-words",
            "A record must have all the words, in any order.",
            next_step="Use fewer words.",
        )
    if any(character.isdigit() for character in search.words):
        yield message(
            "search-digits",
            "A number is found by its first digits, with or without leading zeros.",
            next_step="Type only the first digits.",
        )
    if not search.former:
        yield message(
            "search-former",
            "Only present values were searched; for deleted records, the last ones.",
            next_step="Search former values too.",
        )


def _about_orgs(orgs: Sequence[SearchedOrg]) -> Iterator[Message]:
    hidden = sum(org.hidden for org in orgs)
    if hidden:
        yield message(
            "search-hidden",
            "The search left out {columns} hidden from your role.",
            next_step="Ask an admin to search.",
            columns=counted(hidden, Noun.COLUMN),
        )
    if orgs:
        yield message(
            "search-newer",
            "A record that is newer than the newest backup is not in the vault yet.",
            next_step="Search again after the next backup.",
        )
        yield message(
            "search-between",
            "A record that was created and deleted between two backups is in no backup.",
        )
