"""Lineage: the live record that replaces a lost one."""

from collections.abc import Iterable, Mapping

from unlost.model.plan import RecordKey
from unlost.model.vault.snapshot import Lineage


def resolve(rows: Iterable[Lineage], *, org: str, target: str) -> dict[RecordKey, str]:
    """Return the live id in ``target`` for each record of ``org`` that the rows mention.

    In ``org`` itself, a restored record may be lost and restored again: old → live → live2. These
    chains are followed along rows that are not older than the one before: if the old record itself
    is live again, an earlier old → live no longer applies. ``rows``: from ``Vault.lineage``, one
    for each (target, table, old).
    """
    lineages = {RecordKey(row.table, row.old): row for row in rows if row.target == target}
    if org != target:
        return {key: row.live for key, row in lineages.items()}
    return {key: _last(row, lineages) for key, row in lineages.items()}


def _last(row: Lineage, lineages: Mapping[RecordKey, Lineage]) -> str:
    followed = {row.old}
    while row.live not in followed:
        after = lineages.get(RecordKey(row.table, row.live))
        if after is None or after.since < row.since:
            break
        followed.add(row.live)
        row = after
    return row.live
