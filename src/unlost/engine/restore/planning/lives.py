"""The ids of one record: a restored record has a new one, and an undo may take it away again.

    restore     001A -> 001B
    undo        001A -> 001A, 001B -> 001B     001B is deleted, and remains a life of 001A

So a plan that names both of them restores one record.
"""

from collections.abc import Mapping, Sequence

from unlost.model.plan import RecordKey
from unlost.model.vault.lineage import resolve
from unlost.model.vault.snapshot import Lineage


def lives_of(rows: Sequence[Lineage], org: str) -> Mapping[RecordKey, str]:
    """Return the last life of each record that has another one. ``rows``: superseded ones, too."""
    by_age = sorted((row for row in rows if row.target == org), key=lambda row: row.since)
    newest = {RecordKey(row.table, row.old): row for row in by_age}
    lives = resolve(newest.values(), org=org, target=org)
    for row in by_age:
        former = RecordKey(row.table, row.live)
        if row.old != row.live and former in newest and newest[former].live == row.live:
            lives[former] = lives[RecordKey(row.table, row.old)]
    return lives
