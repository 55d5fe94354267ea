"""The searches that people saved, each under a name of its person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from unlost.catalog.connection import one_transaction, returned_connection
from unlost.catalog.models import SavedSearchRow
from unlost.model.source.reading import Json


@dataclass(frozen=True, slots=True)
class StoredSearch:
    """A saved search; ``query`` has its text and filters as plain values."""

    name: str
    query: Mapping[str, Json]
    at: datetime


def stored_searches(*, by: str) -> Sequence[StoredSearch]:
    """The saved searches of a person, by name."""
    with returned_connection():
        rows = SavedSearchRow.objects.filter(by=by).order_by("name")
        return [StoredSearch(row.name, row.query, row.at) for row in rows]


def find_search(name: str, *, by: str) -> StoredSearch | None:
    """A person's saved search of this name, or None."""
    with returned_connection():
        row = SavedSearchRow.objects.filter(by=by, name=name).first()
    return StoredSearch(row.name, row.query, row.at) if row is not None else None


def store_search(name: str, *, by: str, query: Mapping[str, Json], at: datetime, most: int) -> bool:
    """Store a search; one of the same name is replaced. False if the person has ``most`` others."""
    with one_transaction():
        others = SavedSearchRow.objects.filter(by=by).exclude(name=name).count()
        if others >= most:
            return False
        SavedSearchRow.objects.update_or_create(
            by=by, name=name, defaults={"query": dict(query), "at": at}
        )
    return True


def drop_search(name: str, *, by: str) -> bool:
    """Delete a saved search; false if there is none."""
    with returned_connection():
        deleted, _ = SavedSearchRow.objects.filter(by=by, name=name).delete()
    return bool(deleted)
