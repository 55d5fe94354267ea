"""Finding records: the vault finds, this ranks and labels what people see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from unlost.model.org import OrgIdentity
from unlost.model.ports import Snapshot, VaultReader
from unlost.model.schema import Table
from unlost.model.snapshot import Hit

MOST = 20
DEEPER = 3  # more hits than asked for are fetched, for the vault does not rank


@dataclass(frozen=True, slots=True)
class Found:
    """A record that was found, in its org. The ``hit`` has a label and the value that matched."""

    identity: OrgIdentity
    hit: Hit
    exact: bool


def find(
    vault: VaultReader, text: str, *, orgs: Sequence[str] | None = None, limit: int = MOST
) -> tuple[Found, ...]:
    """Records of all orgs (or of these) that match, the best first.

    Whole values come before beginnings, live records before deleted ones.
    """
    known = vault.orgs()
    found = [
        Found(known[org], hit, _exact(hit, text))
        for org in (orgs if orgs is not None else sorted(known))
        for hit in _labelled(vault, org, text, limit)
    ]
    return tuple(sorted(found, key=_rank)[:limit])


def _rank(found: Found) -> tuple[bool, bool, str, str, str]:
    hit = found.hit
    return (not found.exact, not hit.alive, hit.label.casefold(), hit.table, hit.record)


def _exact(hit: Hit, text: str) -> bool:
    wanted = text.strip().casefold()
    return wanted in (hit.value.casefold(), hit.record.casefold())


def _labelled(vault: VaultReader, org: str, text: str, limit: int) -> list[Hit]:
    head = vault.head(org)
    if head is None:
        return []
    hits = vault.search(org, text, limit=limit * DEEPER)
    by_table: dict[str, list[Hit]] = {}
    for hit in hits:
        by_table.setdefault(hit.table, []).append(hit)
    schema = head.schema()
    return [
        labelled
        for table, own in by_table.items()
        for labelled in _labels(head, schema.table(table), table, own)
    ]


def _labels(head: Snapshot, shape: Table | None, table: str, hits: list[Hit]) -> list[Hit]:
    rows = head.get(table, sorted({hit.record for hit in hits})).to_pylist()
    cells: Mapping[str, Mapping[str, str | None]] = {row["_u_id"]: row for row in rows}
    name = shape.name_column if shape is not None else None
    return [
        replace(
            hit,
            org=head.info.org,
            label=hit.label or _cell(cells, hit.record, name) or hit.record,
            value=hit.value or _cell(cells, hit.record, hit.column) or "",
        )
        for hit in hits
    ]


def _cell(
    cells: Mapping[str, Mapping[str, str | None]], record: str, column: str | None
) -> str | None:
    row = cells.get(record)
    return row.get(column) if row is not None and column is not None else None
