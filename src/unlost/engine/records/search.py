"""Finding records: the vault searches, this module ranks and labels the results."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unlost.model.org import OrgIdentity
from unlost.model.source.schema import TableRank
from unlost.model.vault.snapshot import SearchHit, SearchMatch

if TYPE_CHECKING:
    from unlost.model.ports.vault import VaultReader

MOST = 20
SUGGESTIONS = 3
DEEPER = 3  # times as many hits are fetched as requested, since the vault ranks less


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A record that was found, in its org. The ``hit`` has a label and the matching value."""

    identity: OrgIdentity
    hit: SearchHit
    exact: bool


def find(
    vault: VaultReader,
    text: str,
    *,
    orgs: Sequence[str] | None = None,
    limit: int = MOST,
    former: bool = False,
    tables: Collection[str] | None = None,
) -> tuple[SearchResult, ...]:
    """Matching records of all orgs (or of these), the best first.

    ``former``: search former values too, which reads all versions of more records. ``tables``: only
    their records.
    """
    known = vault.orgs()
    search_results = [
        SearchResult(known[org], hit, hit.match.whole)
        for org in (orgs if orgs is not None else sorted(known))
        for hit in _labelled(vault, org, text, limit, former=former, tables=tables)
    ]
    return ranked(search_results)[:limit]


def ranked(search_results: Iterable[SearchResult]) -> tuple[SearchResult, ...]:
    """Sort results as people look for them.

    Present values come before former ones; then ids and numbers, names, and other columns; live
    records before deleted ones; customers before their details.
    """
    return tuple(sorted(search_results, key=_rank))


def suggest(
    vault: VaultReader, text: str, *, orgs: Sequence[str] | None = None, limit: int = SUGGESTIONS
) -> tuple[str, ...]:
    """Texts that a person may have meant, if ``text`` finds nothing; each finds something."""
    searched = orgs if orgs is not None else sorted(vault.orgs())
    suggestions = (
        each for org in searched for each in vault.search_help(org, text, limit=limit).suggestions
    )
    return tuple(dict.fromkeys(suggestions))[:limit]


_MATCHES = {match: place for place, match in enumerate(SearchMatch)}
_TABLES = {rank: place for place, rank in enumerate(TableRank)}


def _rank(search_result: SearchResult) -> tuple[bool, int, bool, int, str, str, str]:
    hit = search_result.hit
    # A record's id is as good as a number: neither says which of the records is meant.
    match = max(_MATCHES[hit.match], _MATCHES[SearchMatch.KEY])
    table = _TABLES[hit.rank]
    return hit.former, match, not hit.alive, table, hit.label.casefold(), hit.table, hit.record


def _labelled(
    vault: VaultReader,
    org: str,
    text: str,
    limit: int,
    *,
    former: bool,
    tables: Collection[str] | None,
) -> list[SearchHit]:
    hits = vault.search(org, text, limit=limit * DEEPER, former=former, tables=tables)
    return [replace(hit, label=hit.label or hit.record) for hit in hits]
