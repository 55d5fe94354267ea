"""Files of records on legal hold, in an archive of files whose records stay.

The plan leaves these files out. A hold that was placed later is noticed here: a link of the plan
names the record.
"""

from collections.abc import Collection, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.running.session import RestoreSession
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.source.shared_files import SharedFile
from unlost.model.vault.retention import HoldScope, HoldTarget

ID, OP = "_u_id", "_u_op"


def links_of_held_records(
    session: RestoreSession, steps: Sequence[PlanStep], holds: Sequence[HoldTarget]
) -> Iterator[RecordKey]:
    """The links by which a record on legal hold has a file of these steps."""
    policy = session.plan.selection.policy
    for kind in session.ports.shared if policy is not None and holds else ():
        assert policy is not None
        tables = kind.released(policy.table, policy.include)
        targets = [hold for hold in holds if hold.table in tables]
        ids = [step.record for step in steps if step.table == kind.links]
        if targets and ids:
            number = session.plan.snapshot
            copy = session.ports.vault.at(session.plan.org, number, forgotten=True)
            for link in _links(copy, kind, ids, targets):
                yield RecordKey(kind.links, link)


def _links(
    copy: Snapshot, kind: SharedFile, ids: Sequence[str], targets: Sequence[HoldTarget]
) -> Iterator[str]:
    rows = copy.get(kind.links, ids, columns=[kind.holder_column])
    links, holders = rows[ID].to_pylist(), rows[kind.holder_column].to_pylist()
    covered = {
        record for target in targets for record in _held(copy, target, set(holders) - {None})
    }
    yield from (link for link, holder in zip(links, holders, strict=True) if holder in covered)


def _held(copy: Snapshot, target: HoldTarget, records: Collection[str]) -> Iterator[str]:
    """Those of these records, of any table, that a hold covers."""
    if target.scope is HoldScope.RECORD:
        yield from {target.record} & set(records)
    elif target.table in copy.tables():
        rows = copy.get(target.table, sorted(records), columns=[])
        live = pc.equal(rows[OP].cast(pa.string()), Op.STATE.value)
        yield from rows[ID].filter(live).to_pylist()
