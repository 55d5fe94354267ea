"""Legal holds as rows of the system table ``$holds``, so that they are kept with the vault.

Their id is the JSON array [scope, table, record, number of a backup]; the newest row of an id
counts.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.decoders import decoder_for
from unlost.model.errors import UnlostError
from unlost.model.source.reading import Op, Rows
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo, TableCommit
from unlost.vault.commits.state import LiveState
from unlost.vault.format.physical import HOLDS, U_ID, U_OP, U_SNAP
from unlost.vault.layout.system_rows import system_rows
from unlost.vault.read.merge import key_rows, newest_of_each
from unlost.vault.read.org_vault import OrgVault

_CELLS = ("reason", "by", "until")


def hold_rows(holds: Sequence[Hold], *, observed_at: datetime) -> Rows:
    """Build the rows that place holds."""
    cells = [
        [hold.reason for hold in holds],
        [hold.by for hold in holds],
        [None if hold.until is None else hold.until.isoformat() for hold in holds],
    ]
    named = pa.RecordBatch.from_arrays(
        [pa.array(column, pa.string()) for column in cells], names=list(_CELLS)
    )
    return _rows([hold.thing for hold in holds], Op.STATE, named, observed_at)


def lift_rows(things: Sequence[HoldTarget], *, observed_at: datetime) -> Rows:
    """Build the rows that lift holds."""
    return _rows(things, Op.PURGED, None, observed_at)


def holds_in(org_vault: OrgVault, state: LiveState) -> Iterator[Hold]:
    """Iterate over all holds of an org that were not lifted."""
    view = org_vault.view(HOLDS, until=state.seq, state=state)
    for rows in key_rows(view, (U_OP,)):
        newest = newest_of_each(rows)
        standing = newest.filter(pc.equal(newest.column(U_OP), Op.STATE.value))
        versions = view.newest(standing.column(U_ID).combine_chunks(), ())
        cells = view.cells(versions, _CELLS).to_pylist()
        keys = zip(
            versions.column(U_ID).to_pylist(), versions.column(U_SNAP).to_pylist(), strict=True
        )
        for (key, since), cell in zip(keys, cells, strict=True):
            yield _hold(key, cell, since=since)


def commit_holds(
    org_vault: OrgVault, *, placed: Sequence[Hold], lifted: Sequence[HoldTarget], run: str
) -> SnapshotInfo:
    """Lift holds, then place others, in one commit."""
    from unlost.vault.write.beginning import begin_commit

    now = org_vault.clock.now()
    commit = begin_commit(org_vault, run=run, kind=CommitKind.HOLD, identity=org_vault.identity())
    try:
        added = [
            commit.add_hold_rows(rows)
            # In this order: if a hold is lifted and placed in one commit, the later row counts.
            for rows in (lift_rows(lifted, observed_at=now), hold_rows(placed, observed_at=now))
            if len(rows.ids)
        ]
        return commit.finish([TableCommit(HOLDS, tuple(added))], as_of=now)
    except Exception:
        with suppress(UnlostError):
            commit.abandon()
        raise


def _hold(key: str, cell: dict[str, str | None], *, since: int) -> Hold:
    scope, table, record, backup = decoder_for(tuple[str, str, str, int]).decode(key)
    until = cell["until"]
    return Hold(
        thing=HoldTarget(HoldScope(scope), table, record, backup),
        reason=cell["reason"] or "",
        by=cell["by"] or "",
        until=None if until is None else datetime.fromisoformat(until),
        since=since,
    )


def _rows(
    things: Sequence[HoldTarget], op: Op, cells: pa.RecordBatch | None, observed_at: datetime
) -> Rows:
    ids = [_key(thing) for thing in things]
    return system_rows(ids, observed_at=observed_at, op=op, cells=cells)


def _key(thing: HoldTarget) -> str:
    key = (thing.scope.value, thing.table, thing.record, thing.backup)
    return msgspec.json.encode(key).decode()
