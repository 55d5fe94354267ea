"""The mass changes that a newest backup found, for Home: what changed, in how many records."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlost.alerts.mass_rules import findings_of, is_listed
from unlost.alerts.watched import MassFacts
from unlost.app.compose import Application
from unlost.app.records.table_words import TableWords
from unlost.model.mass_changes import BackupChanges, MassFinding, MassKind, Silence

LOSSES = frozenset({MassKind.DELETED, MassKind.BIN_SKIPPED})  # the loss inbox has them


@dataclass(frozen=True, slots=True)
class ChangedRecords:
    """A change that ``count`` records of a table share; labels. ``now``: it raised an alert."""

    table: str
    column: str
    kind: MassKind
    count: int
    now: bool


@dataclass(frozen=True, slots=True)
class NoticedChanges:
    """The mass changes of a backup that are not expected, the most urgent and largest first."""

    backup: int
    changes: tuple[ChangedRecords, ...]


def noticed_changes(
    app: Application, oid: str, backup: BackupChanges, silences: Sequence[Silence]
) -> NoticedChanges:
    """Return the mass changes of a backup, without deletions and without expected ones."""
    facts = MassFacts((backup,), silences=tuple(silences))
    findings = [f for f in findings_of(facts, backup.number) if _is_noticed(f)]
    newest = app.vault.newest_backup(oid) if findings else None
    words = TableWords(newest.schema()) if newest is not None else None
    findings.sort(key=lambda f: (not f.now, -f.change.count))
    return NoticedChanges(backup.number, tuple(_line(f, words) for f in findings))


def _is_noticed(finding: MassFinding) -> bool:
    return is_listed(finding) and finding.silence is None and finding.change.kind not in LOSSES


def _line(finding: MassFinding, words: TableWords | None) -> ChangedRecords:
    change = finding.change
    if words is None:
        return ChangedRecords(change.table, change.column, change.kind, change.count, finding.now)
    return ChangedRecords(
        words.label(change.table, count=change.count),
        words.column(change.table, change.column) if change.column else "",
        change.kind,
        change.count,
        finding.now,
    )
