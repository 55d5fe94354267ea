"""The records that backups found deleted because of an archive that had not ended by then.

    backup 7 ── archive deletes 5 records, and stops ── backup 8: 5 deleted ── it ends

The sealed certificate of backup 8 remains; pages, commands and alerts leave these records out.
"""

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from unlost.app.compose import Application
from unlost.engine.restore.journal.archives import uncommitted
from unlost.model.source.reading import Op
from unlost.model.vault.certificate import Certificate
from unlost.model.vault.snapshot import SnapshotInfo

OTHERS = pa.array([Op.STATE.value, Op.ARCHIVED.value])


def found_deleted(app: Application, oid: str, *, after: int, until: int) -> Mapping[str, int]:
    """Count by table the archived records that backups after one, up to another, found deleted."""
    archives = uncommitted(app.whole_vault, oid, until=until)
    if not archives:
        return {}
    snapshot = app.whole_vault.at(oid, until, forgotten=True)
    counts: dict[str, int] = {}
    for table in archives.keys() & snapshot.tables().keys():
        rows = snapshot.get(table, sorted(archives[table]), columns=[])
        dead = pc.invert(pc.is_in(rows["_u_op"].cast(pa.string()), value_set=OTHERS))
        counts[table] = pc.sum(pc.and_(dead, pc.greater(rows["_u_snap"], after))).as_py() or 0
    return counts


def without_archived(app: Application, oid: str, number: int, proof: Certificate) -> Certificate:
    """Return the certificate of a backup without deletions by archives that had not ended."""
    counts = found_deleted(app, oid, after=number - 1, until=number)
    if not any(counts.values()):
        return proof
    lines = (
        replace(line, deleted=max(0, line.deleted - counts.get(line.table, 0)))
        for line in proof.tables
    )
    return replace(proof, tables=tuple(lines))


def counts_without_archived(app: Application, info: SnapshotInfo) -> SnapshotInfo:
    """Return a backup's info without deletions by archives that had not ended."""
    archived = sum(found_deleted(app, info.org, after=info.number - 1, until=info.number).values())
    counts = replace(info.counts, deleted=max(0, info.counts.deleted - archived))
    return replace(info, counts=counts) if archived else info
