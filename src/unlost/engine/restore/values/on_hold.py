"""Records of an org that a legal hold keeps there."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Vault
from unlost.model.vault.lineage import resolve
from unlost.model.vault.retention import HoldScope, HoldTarget


def records_on_hold(
    vault: Vault, org: str, records: Mapping[RecordKey, str], *, now: datetime
) -> frozenset[RecordKey]:
    """The live records that a legal hold in force keeps in an org.

    ``records``: live records, and the ids for which a run brought them. A hold names a record by any
    id that it ever had.
    """
    targets = [hold.thing for hold in vault.holds(org) if hold.lasts(now)]
    if not targets:
        return frozenset()
    named = [target for target in targets if target.scope is HoldScope.RECORD]
    lives = _lives(vault, org, named)
    return frozenset(
        key
        for key, record in records.items()
        if key in lives
        or any(t.covers(key.table, key.record) or t.covers(key.table, record) for t in targets)
    )


def _lives(vault: Vault, org: str, named: Iterable[HoldTarget]) -> frozenset[RecordKey]:
    """The live records that stand for these."""
    by_table: dict[str, list[str]] = {}
    for target in named:
        by_table.setdefault(target.table, []).append(target.record)
    lives: set[RecordKey] = set()
    for table, ids in by_table.items():
        rows = vault.lineage(org, table=table, records=ids)
        now = resolve(rows, org=org, target=org)
        lives.update(RecordKey(key.table, live) for key, live in now.items() if key.record in ids)
    return frozenset(lives)
