"""Evaluate the mass changes of new backups, store them, and return those of recent ones.

Each backup is compared once with the backup before it, in the process that makes it. The counts
stay in the database for five weeks, so that slow damage and usual counts are known after a
restart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from unlost.alerts.watched import MassFacts
from unlost.app.alerts.put_back import put_back_values
from unlost.app.compose import Application
from unlost.app.records.changes.own_deletions import own_deletions
from unlost.app.records.record_facts import UserNames
from unlost.app.records.table_words import TableWords
from unlost.catalog.mass_changes import (
    backup_changes,
    drop_backup_changes,
    limits_of,
    save_backup_changes,
)
from unlost.catalog.silences import silences_of
from unlost.engine.records.mass_changes import mass_changes
from unlost.engine.restore.journal.archives import uncommitted
from unlost.model.mass_changes import BackupChanges, ChangeWords, MassChange, MassLimits
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import Schema, Table
from unlost.model.vault.certificate import TableLine
from unlost.model.vault.snapshot import SnapshotInfo

LIFETIME = timedelta(days=35)
MOST_BACKUPS = 50  # evaluated after a pause; earlier ones are left out


def stored_mass_facts(app: Application, oid: str, *, zone: str = "") -> MassFacts:
    """Return the mass changes of the backups that are evaluated already; times in a zone."""
    backups = backup_changes(oid)
    if not backups:
        return MassFacts(limits=limits_of(oid))
    newest = app.vault.newest_backup(oid)
    named = _with_names(newest, backups) if newest is not None else tuple(backups)
    silences = tuple(silences_of(oid, since=backups[-1].since))
    words = _words(newest, named, zone=zone) if newest is not None else ChangeWords()
    return MassFacts(named, limits_of(oid), silences, words=words)


def mass_facts(
    app: Application,
    oid: str,
    known: MassFacts | None = None,
    *,
    evaluates: bool = True,
    zone: str = "",
) -> MassFacts:
    """Return the mass changes of an org's backups, newest first; evaluates new ones first.

    ``known``: the result of an earlier call, whose changes are returned if no backup is new.
    ``evaluates``: false while another process makes a backup, which evaluates it. ``zone``: that of
    the times in texts.
    """
    every = app.whole_vault.snapshots(oid)
    if len(every) < 2:
        return MassFacts()
    newest = every[-1].number
    if known is None or not known.backups or known.backups[0].number != newest:
        if evaluates:
            evaluate_new_backups(app, oid)
        snapshot = app.whole_vault.at(oid, newest)
        named = _with_names(snapshot, backup_changes(oid))
        known = MassFacts(named, words=_words(snapshot, named, zone=zone))
    oldest = known.backups[-1].since if known.backups else app.clock.now()
    silences = tuple(silences_of(oid, since=oldest))
    return MassFacts(known.backups, limits_of(oid), silences, words=known.words)


def evaluate_new_backups(app: Application, oid: str) -> None:
    """Count the mass changes of the backups since the newest evaluated one.

    In a home that has evaluated none, of the newest backup only.
    """
    every = app.whole_vault.snapshots(oid)
    known = backup_changes(oid)
    newest = known[0].number if known else None
    pairs = [pair for pair in pairwise(every) if pair[1].number > (newest or 0)]
    for before, backup in pairs[-MOST_BACKUPS:] if newest is not None else pairs[-1:]:
        save_backup_changes(oid, _changes(app, oid, before, backup))
    if pairs:
        drop_backup_changes(oid, before=every[-1].as_of - LIFETIME)


def _changes(
    app: Application, oid: str, before: SnapshotInfo, backup: SnapshotInfo
) -> BackupChanges:
    newest, limits = app.whole_vault.at(oid, backup.number), limits_of(oid)
    put_back = put_back_values(app, oid, after=before.number, until=backup.number)
    by_runs = own_deletions(app, oid, after=before.number, until=backup.number)
    archived = uncommitted(app.whole_vault, oid, until=backup.number)
    changes = [
        change
        for table in _judged_tables(newest, limits)
        for change in mass_changes(
            app.whole_vault,
            oid,
            table,
            after=before.number,
            until=backup.number,
            put_back=put_back,
            by_runs=by_runs.get(table.name, frozenset()) | archived.get(table.name, {}).keys(),
            archived=archived,
        )
    ]
    return BackupChanges(backup.number, before.number, backup.as_of, before.as_of, tuple(changes))


def _judged_tables(newest: Snapshot, limits: Mapping[str, MassLimits]) -> Iterator[Table]:
    """Return the tables that matter and in which the backup may have found changes."""
    proof = newest.certificate()
    lines = {line.table: line for line in proof.tables} if proof is not None else {}
    for table in _watched_tables(newest.schema(), limits):
        line = lines.get(table.name)
        if table.name in newest.tables() and (line is None or _has_changes(line)):
            yield table


def _watched_tables(schema: Schema, limits: Mapping[str, MassLimits]) -> Iterator[Table]:
    matter = {table.name for table in schema.opened_tables()}
    for table in schema.tables:
        chosen = limits[table.name].watched if table.name in limits else None
        if chosen or (chosen is None and table.name in matter):
            yield table


def _has_changes(line: TableLine) -> bool:
    # A full read does not count changes.
    return not line.carried and bool(line.full or line.created or line.changed or line.deleted)


def _words(newest: Snapshot, backups: Sequence[BackupChanges], *, zone: str) -> ChangeWords:
    """Return the labels of what changed, and the zone of times."""
    words = TableWords(newest.schema())
    changes = [change for backup in backups for change in backup.changes]
    return ChangeWords(
        {change.table: words.label(change.table) for change in changes},
        {(c.table, c.column): words.column(c.table, c.column) for c in changes if c.column},
        zone,
    )


def _with_names(newest: Snapshot, backups: Sequence[BackupChanges]) -> tuple[BackupChanges, ...]:
    """Return the changes with the names of their users, who are stored by id only."""
    names = UserNames(newest)
    return tuple(
        replace(backup, changes=tuple(_named(change, names) for change in backup.changes))
        for backup in backups
    )


def _named(change: MassChange, names: UserNames) -> MassChange:
    return replace(
        change,
        users=tuple(
            replace(share, name=names.name(change.table, share.by)) for share in change.users
        ),
    )
