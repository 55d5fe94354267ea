"""Finding records: the vault searches, this module ranks and labels the results."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from unlost.model.org import OrgIdentity
from unlost.model.ports.vault import VaultReader
from unlost.model.vault.snapshot import SearchHit

MOST = 20
DEEPER = 3  # times as many hits are fetched as requested, since the vault does not rank


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
) -> tuple[SearchResult, ...]:
    """Matching records of all orgs (or of these), the best first.

    Present values come before former ones, whole values before beginnings, live records before
    deleted ones. ``former``: search former values too, which reads all versions of more records.
    """
    known = vault.orgs()
    search_results = [
        SearchResult(known[org], hit, _exact(hit, text))
        for org in (orgs if orgs is not None else sorted(known))
        for hit in _labelled(vault, org, text, limit, former=former)
    ]
    return tuple(sorted(search_results, key=_rank)[:limit])


def _rank(search_result: SearchResult) -> tuple[bool, bool, bool, str, str, str]:
    hit = search_result.hit
    whole = search_result.exact
    return hit.former, not whole, not hit.alive, hit.label.casefold(), hit.table, hit.record


def _exact(hit: SearchHit, text: str) -> bool:
    wanted = text.strip().casefold()
    return wanted in (hit.value.casefold(), hit.record.casefold())


def _labelled(
    vault: VaultReader, org: str, text: str, limit: int, *, former: bool
) -> list[SearchHit]:
    hits = vault.search(org, text, limit=limit * DEEPER, former=former)
    return [replace(hit, label=hit.label or hit.record) for hit in hits]
