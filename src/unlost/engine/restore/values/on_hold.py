"""Records of an org that a legal hold keeps there."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Vault
from unlost.model.vault.lineage import resolve
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget


def records_on_hold(
    vault: Vault, org: str, records: Mapping[RecordKey, str], *, now: datetime
) -> frozenset[RecordKey]:
    """The live records that a legal hold in force keeps in an org.

    ``records``: live records, and the ids for which a run brought them. A hold names a record by any
    id that it ever had.
    """
    targets = hold_targets(vault, org, now=now)
    return frozenset(
        key
        for key, record in records.items()
        if any(t.covers(key.table, key.record) or t.covers(key.table, record) for t in targets)
    )


def hold_targets(vault: Vault, org: str, *, now: datetime) -> list[HoldTarget]:
    """The targets of the legal holds in force; of a record also the one that stands for it now."""
    return [hold.thing for hold in holds_of(vault, org) if hold.lasts(now)]


def holds_of(vault: Vault, org: str) -> tuple[Hold, ...]:
    """The legal holds of an org; those of a record also for the record that stands for it now."""
    holds = tuple(vault.holds(org))
    by_table: dict[str, list[str]] = {}
    for hold in holds:
        if hold.thing.scope is HoldScope.RECORD:
            by_table.setdefault(hold.thing.table, []).append(hold.thing.record)
    lives: dict[RecordKey, str] = {}
    for table, ids in by_table.items():
        rows = vault.lineage(org, table=table, records=ids)
        lives |= resolve(rows, org=org, target=org)
    return (*holds, *_of_lives(holds, lives))


def _of_lives(holds: Iterable[Hold], lives: Mapping[RecordKey, str]) -> Iterator[Hold]:
    for hold in holds:
        target = hold.thing
        live = lives.get(RecordKey(target.table, target.record))
        if target.scope is HoldScope.RECORD and live not in (None, target.record):
            yield replace(hold, thing=replace(target, record=str(live)))
