"""A search in one org, from its text and filters as people type them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unlost.app.compose import Application
from unlost.app.records.ids import other_ids
from unlost.app.records.search.dates import day_begin, day_end
from unlost.app.records.search.query import RecordSearch
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.records.matches import (
    OrgMatches,
    OrgSearch,
    SearchFilter,
    org_matches,
    users_named,
)
from unlost.engine.records.typed_search import TypedSearch, typed_search
from unlost.model.errors import UsageError
from unlost.model.typed_text import without_invisible

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot


@dataclass(frozen=True, slots=True)
class SearchedBackup:
    """An org with a backup to search."""

    org: ProtectedOrg
    head: Snapshot


def typed_text(text: str, deleted_by: str) -> TypedSearch:
    """Return the words of a search, and the user; raises UsageError (``text-empty``)."""
    words = without_invisible(text)
    typed = TypedSearch(words, deleted_by.strip()) if deleted_by else typed_search(words)
    if not (typed.words or typed.deleted_by):
        raise UsageError(
            "text-empty", "The search text is empty.", next_step="Enter a number or a name."
        )
    return typed


def matches_in(
    app: Application,
    some: SearchedBackup,
    typed: TypedSearch,
    query: RecordSearch,
    *,
    tables: Sequence[str] | None = None,
) -> OrgMatches:
    """Return the matches in one org, of all tables or of these.

    The text, org and table of the query do not count. Raises UsageError (``day-wrong``).
    """
    zone = some.org.identity.zone
    words, by = typed.words, typed.deleted_by
    search = OrgSearch(
        some.head,
        some.org.identity,
        words,
        ids=other_ids(app, some.org, words) if words else (),
        former=query.former,
        filter=SearchFilter(
            query.state,
            day_begin(query.since, zone) if query.since else None,
            day_end(query.until, zone) if query.until else None,
            users_named(app.vault, some.head, by) if by else None,
        ),
        tables=tables,
    )
    return org_matches(app.vault, search)


def tables_named(head: Snapshot, name: str) -> Sequence[str]:
    """Return the tables with this name or label, in any case."""
    folded_name = name.casefold()
    return [
        table.name
        for table in head.schema().tables
        if folded_name in (table.name.casefold(), table.label.casefold())
    ]
