"""Keep the loss inbox up to date: after each backup, and after each restore.

The mark of an org says which backups are evaluated. A home without a mark, because it is new or was
upgraded, evaluates the backups of the last 30 days; what was dismissed there stays dismissed only
if the home was rebuilt from a copy. A backup whose evaluation was cut off is evaluated by the next
one, or by the service within minutes.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import groupby

import polars as pl
import pyarrow as pa

from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.changes.own_deletions import own_deletions
from unlost.catalog.losses import (
    LossBackup,
    LossCheck,
    LossRecord,
    OpenLoss,
    add_losses,
    check_losses,
    find_loss,
    forget_losses,
    loss_mark,
    loss_records,
    note_loss_error,
    open_losses,
    reopen_losses,
    restored_losses,
)
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.records.deletions import losses_between
from unlost.engine.restore.journal.archives import uncommitted
from unlost.model.errors import NotFound, UnlostError
from unlost.model.message import Message, fault
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo

LOOKED_BACK = timedelta(days=30)  # without a mark: longer than a recycle bin keeps records
MOST_BACKUPS = 1_000  # without a mark; with hourly backups there are 24 a day
FETCH = 25_000  # ids per lookup


def update_losses(
    app: Application,
    org: ProtectedOrg,
    *,
    restored: Collection[RecordKey] = (),
    deleted: Collection[RecordKey] = (),
) -> None:
    """Add the losses of new backups, and mark those that are restored as such.

    ``restored``: records that a restore has just brought back, under whatever id. ``deleted``:
    records that an undo has just deleted; their losses are open again. Never raises: the backup or
    restore before it is done. An error is stored for the inbox's page.
    """
    try:
        for backup, before in _new_backups(app, org):
            _add(app, org, backup, before)
        forget_losses(org.oid, now=app.clock.now())
        if deleted:
            reopen_losses(_losses_of(app, org, deleted))
        open_checks = _all_checks(app, org, open_losses(org.oid), back=restored)
        check_losses(open_checks, at=app.clock.now())
    except UnlostError as error:
        _note(org, error.message)
    except Exception as error:  # noqa: BLE001 (a fault of ours must not fail the backup)
        _note(org, fault(error))


def is_behind(app: Application, org: ProtectedOrg) -> bool:
    """Return True if backups of the org are not evaluated yet."""
    backups = app.whole_vault.snapshots(org.oid)
    mark = loss_mark(org.oid)
    return bool(backups) and (mark is None or mark.snapshot < backups[-1].number)


def known_loss(org: ProtectedOrg, loss: int) -> LossRecord:
    """Return a loss of an org; raises NotFound (``loss-unknown``)."""
    record = find_loss(org.name, loss)
    if record is None:
        raise NotFound(
            "loss-unknown",
            "There is no loss {loss} in {org}.",
            next_step="List the losses with `unlost losses list {org}`.",
            loss=loss,
            org=org.name,
        )
    return record


def lost_records(app: Application, org: ProtectedOrg, loss: int) -> tuple[RecordKey, ...]:
    """Return the records of a loss that the vault still has; raises NotFound."""
    known_loss(org, loss)
    newest = newest_backup(app.whole_vault, org)
    return tuple(
        RecordKey(table, record)
        for table, ids in loss_records(loss).items()
        if table in newest.tables()
        for record in newest.get(table, ids, columns=[])["_u_id"].to_pylist()
    )


def _note(org: ProtectedOrg, error: Message) -> None:
    with suppress(UnlostError):  # the database is away: the next backup evaluates this one
        note_loss_error(org.oid, error)


# --- new backups ----------------------------------------------------------------------------------


def _new_backups(
    app: Application, org: ProtectedOrg
) -> list[tuple[SnapshotInfo, SnapshotInfo | None]]:
    """Return the backups that are not evaluated yet, each with the one before it."""
    every = app.whole_vault.snapshots(org.oid)
    pairs = list(zip(every, [None, *every], strict=False))
    mark = loss_mark(org.oid)
    if mark is not None and mark.snapshot:
        return [(backup, before) for backup, before in pairs if backup.number > mark.snapshot]
    return [pair for pair in pairs if every[-1].as_of - pair[0].as_of <= LOOKED_BACK][
        -MOST_BACKUPS:
    ]


def _add(
    app: Application, org: ProtectedOrg, backup: SnapshotInfo, before: SnapshotInfo | None
) -> None:
    note = LossBackup(backup.number, backup.as_of, before.as_of if before is not None else None)
    if before is None:  # nothing can be lost before the first backup
        add_losses(org.oid, note, ())
        return
    newest = app.whole_vault.at(org.oid, backup.number)
    rules = app.connector(org.identity.connector).loss_rules(newest.schema())
    groups = losses_between(
        app.whole_vault,
        org.oid,
        rules,
        after=before.number,
        until=backup.number,
        tables=_tables(app, newest, before),
        by_runs=own_deletions(app, org.oid, after=before.number, until=backup.number),
        by_archives=uncommitted(app.whole_vault, org.oid, until=backup.number),
    )
    add_losses(org.oid, note, groups)


def _tables(app: Application, newest: Snapshot, before: SnapshotInfo) -> Collection[str]:
    """Return the tables that lost records; all tables if the certificate does not know."""
    info = newest.info
    # A forgotten backup between may have found deletions, and an archive is in no certificate.
    between = (
        commit
        for commit in app.whole_vault.commits(info.org)
        if commit.kind in (CommitKind.BACKUP, CommitKind.ARCHIVE)
        and before.number < commit.number < info.number
    )
    proof = newest.certificate()
    if proof is None or any(between):
        return newest.tables().keys()
    return {line.table for line in proof.tables if line.deleted}


# --- open losses ----------------------------------------------------------------------------------


def _all_checks(
    app: Application,
    org: ProtectedOrg,
    losses: Sequence[OpenLoss],
    *,
    back: Collection[RecordKey] = (),
) -> Sequence[LossCheck]:
    """Check these losses. ``back``: records that came back after the newest backup."""
    newest = app.whole_vault.newest_backup(org.oid)
    if not losses or newest is None:
        return ()
    by_table = sorted(losses, key=lambda loss: loss.table)
    return [
        check
        for table, some in groupby(by_table, key=lambda loss: loss.table)
        if table in newest.tables()
        for check in _checks(app, newest, table, list(some), back=_ids(back, table))
    ]


def _losses_of(
    app: Application, org: ProtectedOrg, deleted: Collection[RecordKey]
) -> Iterator[LossCheck]:
    """Check the restored losses whose records an undo deleted, under whichever id."""
    away = {table: {*_ids(deleted, table)} for table in {key.table for key in deleted}}
    for table, ids in away.items():
        rows = app.whole_vault.lineage(org.oid, table=table, lives=sorted(ids), superseded=True)
        ids |= {row.old for row in rows if row.target == org.oid}
    for loss in restored_losses(org.oid):
        roots = {*loss.roots}
        if gone := roots & away.get(loss.table, set()):
            yield LossCheck(loss.id, len(roots), len(roots - gone))


def _ids(keys: Collection[RecordKey], table: str) -> list[str]:
    return [key.record for key in keys if key.table == table]


def _checks(
    app: Application,
    newest: Snapshot,
    table: str,
    losses: Sequence[OpenLoss],
    *,
    back: Sequence[str],
) -> Iterator[LossCheck]:
    """Count the roots of each loss that the vault knows, that are live, or were restored."""
    roots = pl.DataFrame(
        {
            "loss": [loss.id for loss in losses],
            "snapshot": [loss.snapshot for loss in losses],
            "id": [list(loss.roots) for loss in losses],
        }
    ).explode("id")
    ids = roots["id"].unique().to_list()
    parts = [ids[at : at + FETCH] for at in range(0, len(ids), FETCH)]
    states = pl.concat([_states(newest, table, part) for part in parts])
    restored = pl.concat([_restored(app, newest, table, part) for part in parts])
    # Of a record that was restored before and lost again, the earlier restore does not count.
    was_restored = (pl.col("since") > pl.col("snapshot")).fill_null(value=False)
    just_now = pl.col("id").is_in(back)
    alive = pl.col("alive").fill_null(value=False)
    counted = (
        roots.join(states, on="id", how="left")
        .join(restored, on="id", how="left")
        .group_by("loss")
        .agg(
            pl.col("alive").is_not_null().sum().alias("known"),
            (alive | was_restored | just_now).sum().alias("back"),
        )
    )
    for row in counted.iter_rows(named=True):
        yield LossCheck(row["loss"], row["known"], row["back"])


def _states(newest: Snapshot, table: str, ids: Sequence[str]) -> pl.DataFrame:
    rows = newest.get(table, ids, columns=[])
    return pl.DataFrame(pl.from_arrow(rows.select(["_u_id", "_u_op"]))).select(
        pl.col("_u_id").cast(pl.String).alias("id"),
        (pl.col("_u_op").cast(pl.String) == Op.STATE.value).alias("alive"),
    )


def _restored(app: Application, newest: Snapshot, table: str, ids: Sequence[str]) -> pl.DataFrame:
    """Return the records that have a replacement in their org, and since which commit."""
    oid = newest.info.org
    rows = app.whole_vault.lineage(oid, table=table, records=ids)
    # A row that leads to its own record says that an undo took the replacement away.
    here = [row for row in rows if row.target == oid and row.old != row.live]
    lineages = pa.table(
        {
            "id": pa.array([row.old for row in here], pa.string()),
            "since": pa.array([row.since for row in here], pa.int64()),
        }
    )
    return pl.DataFrame(pl.from_arrow(lineages)).unique("id")
