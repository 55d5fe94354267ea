"""Searches that a person saves under a name: list, save, open, remove."""

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.records.search.query import RecordSearch
from unlost.catalog.people.saved_searches import (
    StoredSearch,
    find_search,
    store_search,
    stored_searches,
)
from unlost.catalog.people.saved_searches import drop_search as drop_stored
from unlost.model.access import Right, Trace
from unlost.model.decoders import decoder_for
from unlost.model.errors import Conflict, NotFound, UsageError

MOST = 100  # saved searches of a person
LONGEST = 120  # characters of a name


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search that the actor saved."""

    name: str
    query: RecordSearch
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class SavedSearches:
    """The searches that the actor saved, by name."""

    searches: tuple[SavedSearch, ...]


@action("search.list", Right.LOOK)
def searches(app: Application) -> SavedSearches:
    """List the searches that the actor saved."""
    stored = stored_searches(by=app.actor.name)
    return SavedSearches(tuple(_search(search) for search in stored))


@action("search.open", Right.LOOK, subject=("name",))
def open_search(app: Application, name: str) -> SavedSearch:
    """Show a saved search of the actor; raises NotFound (``search-unknown``)."""
    stored = find_search(name.strip(), by=app.actor.name)
    if stored is None:
        raise _unknown(name)
    return _search(stored)


@action("search.save", Right.LOOK, trace=Trace.WRITE)
def save_search(app: Application, name: str, query: RecordSearch) -> SavedSearch:
    """Save a search under a name; one of the same name is replaced.

    Raises UsageError (``search-unnamed``, ``text-empty``), Conflict (``searches-too-many``).
    """
    name = _checked(name)
    if not (query.text.strip() or query.deleted_by.strip()):
        raise UsageError(
            "text-empty", "The search text is empty.", next_step="Enter a number or a name."
        )
    query = replace(query, text=query.text.strip())
    now = app.clock.now()
    plain = msgspec.to_builtins(query)
    if not store_search(name, by=app.actor.name, query=plain, at=now, most=MOST):
        raise Conflict(
            "searches-too-many",
            "A person can save at most {most} searches.",
            next_step="Remove one that you no longer need.",
            most=MOST,
        )
    return SavedSearch(name, query, now)


@action("search.drop", Right.LOOK, trace=Trace.WRITE)
def drop_search(app: Application, name: str) -> SavedSearch:
    """Remove a saved search of the actor; raises NotFound (``search-unknown``)."""
    search = open_search(app, name)
    drop_stored(search.name, by=app.actor.name)
    return search


def _search(stored: StoredSearch) -> SavedSearch:
    return SavedSearch(stored.name, decoder_for(RecordSearch).convert(stored.query), stored.at)


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST or not name.isprintable():
        raise UsageError(
            "search-unnamed",
            "The name of a saved search must have 1 to {longest} characters.",
            next_step="Enter a name, such as “Lost customers in Leipzig”.",
            longest=LONGEST,
        )
    return name


def _unknown(name: str) -> NotFound:
    return NotFound(
        "search-unknown",
        "You have no saved search named {name!r}.",
        next_step="List your saved searches with `unlost searches list`.",
        name=name,
    )
