"""Files of records on legal hold: in an archive of files whose records stay, and in an undo.

The plan leaves these files out. A hold that was placed later is noticed here: a link of the plan
names the record. For an undo the org names the links, since a run brought them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import batched

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.running.correlate import each
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.values.cells import Cells
from unlost.engine.restore.values.files_on_hold import FilesOnHold
from unlost.engine.restore.values.on_hold import hold_targets
from unlost.engine.restore.values.referrers import referring_ids
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.source.shared_files import SharedFile
from unlost.model.vault.retention import HoldScope, HoldTarget

ID, OP = "_u_id", "_u_op"
TOGETHER = 2_000  # ids requested at a time


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


def files_on_hold(
    session: RestoreSession, doomed: Collection[RecordKey], records: Mapping[str, str]
) -> frozenset[RecordKey]:
    """The files of records on legal hold among those that an undo deletes, with links and versions.

    ``records``: ids in the vault of live records, by their live ids.
    """
    ports, plan = session.ports, session.plan
    return FilesOnHold(
        ports.shared,
        hold_targets(ports.vault, plan.target, now=ports.clock.now()),
        records,
        lambda table, ids, columns: _live_rows(session, table, ids, columns),
        lambda table, column, ids: _referring(session, table, column, ids),
    ).among(doomed)


def _live_rows(
    session: RestoreSession, name: str, ids: Sequence[str], columns: Sequence[str]
) -> Mapping[str, Cells]:
    table = session.schema.table(name)
    if table is None:
        return {}
    fetch = session.ports.writer.fetch
    parts = (fetch(table, part, columns=columns) for part in batched(ids, TOGETHER))
    return {record: cells for rows in parts for record, cells in each(rows)}


def _referring(
    session: RestoreSession, name: str, column: str, ids: Sequence[str]
) -> Collection[str]:
    table = session.schema.table(name)
    return referring_ids(session.ports.writer, table, column, ids) if table else ()


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
