"""Archive policies of an org: ready-made ones, and the preview of any."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from unlost.app.access import action
from unlost.app.actions.storage.storage import StorageLine, trend
from unlost.app.archive.policy_preview import preview_of
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.record_facts import RecordNames
from unlost.app.records.record_names import record_names
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.archive_policies import note_policy_preview, saved_policies
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.archive.recycle_bin import bin_room
from unlost.engine.restore.journal.archives import uncommitted
from unlost.model.access import ActorKind, Right, Trace
from unlost.model.archive import (
    ArchivePolicy,
    ArchivePreview,
    EmptiedCount,
    LeavingTable,
    StayCount,
    StayReason,
)
from unlost.model.archive_effects import BinRoom, LosingFiles, SummaryChange
from unlost.model.archive_facts import ArchiveFacts
from unlost.model.errors import NotFound
from unlost.model.storage import StorageRule

MOST_DAYS = 3_650
BY_PEOPLE = frozenset({ActorKind.PERSON, ActorKind.MACHINE})


@dataclass(frozen=True, slots=True)
class ArchivePolicies:
    """Archive policies of an org: saved ones, and ready-made ones that suit its newest backup.

    ``saved``: the names of the saved ones. They hide ready-made ones of the same name.
    """

    org: str
    backup: int
    policies: tuple[ArchivePolicy, ...]
    saved: tuple[str, ...] = ()

    def named(self, name: str) -> ArchivePolicy:
        """Return the policy of this name; raises NotFound (``archive-policy-unknown``)."""
        for policy in self.policies:
            if policy.name == name:
                return policy
        raise NotFound(
            "archive-policy-unknown",
            "There is no policy {name} for {org}.",
            next_step="`unlost archive policies {org}` lists the names.",
            name=name,
            org=self.org,
        )


@dataclass(frozen=True, slots=True)
class LeavingLine:
    """The records of a table that would leave the org, and the bytes that this frees.

    ``storages``: the names of the storages in which the table counts.
    """

    table: str
    label: str
    records: int
    bytes: int
    storages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """A roll-up column of records that stay, which may add up records that leave.

    ``before``: the sum of the values of ``records``; ``after``: without the leaving records, None if
    unknown. ``label`` and ``column_label``: of the table and column; ``leaving``: of the table that
    they add up.
    """

    label: str
    column_label: str
    leaving: str
    records: int
    before: float
    after: float | None


@dataclass(frozen=True, slots=True)
class FreedStorage:
    """The bytes that are freed in a storage.

    ``used`` and ``limit`` as of the newest backup; both 0 if no backup reported them. ``days``: the
    time in which it grows as much; None if it does not grow, or its growth is not known.
    """

    name: str
    bytes: int
    used: float
    limit: float
    days: float | None = None

    @property
    def share(self) -> float:
        """The share of the limit; 0 without a limit."""
        return self.bytes / self.limit if self.limit else 0.0

    @property
    def whole_days(self) -> int:
        """The time in days; 0 if it is unknown, or longer than anyone plans."""
        return round(self.days) if self.days is not None and self.days < MOST_DAYS else 0


@dataclass(frozen=True, slots=True)
class SampleLine:
    """One of the records of a preview, and its name; empty if it has none that the actor may see."""

    table: str
    record: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class StayingLine:
    """The number of records that must stay for a reason.

    ``label`` and ``column_label``: of the table and column that keep them. ``protection``: the label
    of the protection, for protected records. ``samples``: a few of the records.
    """

    reason: StayReason
    label: str
    column_label: str
    records: int
    protection: str = ""
    samples: tuple[SampleLine, ...] = ()


@dataclass(frozen=True, slots=True)
class LosingLine:
    """The number of records of a table that would stay and lose a reference."""

    label: str
    column_label: str
    records: int


@dataclass(frozen=True, slots=True)
class LosingFilesLine:
    """The number of records of a table that would stay, and of the files that they would lose."""

    label: str
    records: int
    files: int


@dataclass(frozen=True, slots=True)
class ArchiveOutlook:
    """The effect of a policy, in the words of people: by table, and by storage.

    ``summaries``: roll-ups of records that stay. ``numbers``: labels of the columns whose numbers a
    new record does not keep; ``unreturning``: of the tables whose records stay in the vault only.
    ``losing_files``: records that stay and lose files. ``samples``: a few of the selected records
    that leave.
    """

    org: str
    zone: str
    at: datetime
    preview: ArchivePreview
    tables: tuple[LeavingLine, ...]
    storages: tuple[FreedStorage, ...]
    staying: tuple[StayingLine, ...] = ()
    losing: tuple[LosingLine, ...] = ()
    summaries: tuple[SummaryLine, ...] = ()
    numbers: tuple[str, ...] = ()
    unreturning: tuple[str, ...] = ()
    losing_files: tuple[LosingFilesLine, ...] = ()
    samples: tuple[SampleLine, ...] = ()

    @property
    def bin(self) -> BinRoom | None:
        """The room in the recycle bin; None if it is unknown."""
        return self.preview.effects.bin


@action("archive.policies", Right.READ, trace=Trace.READ)
def archive_policies(app: Application, org: str) -> ArchivePolicies:
    """List the archive policies of an org, saved ones first; raises NotFound (``no-backup-yet``)."""
    known = get_org(org)
    head = newest_backup(app.vault, known)
    ready = app.connector(known.identity.connector).archive_policies(head.schema())
    saved = {each.name: each.policy for each in saved_policies(known.name)}
    others = (policy for policy in ready if policy.name not in saved)
    return ArchivePolicies(
        known.name, head.info.number, (*saved.values(), *others), saved=tuple(saved)
    )


@action("archive.preview", Right.READ, trace=Trace.READ)
def preview_archive(app: Application, org: str, policy: ArchivePolicy) -> ArchiveOutlook:
    """Show what an archive policy would free, by reading the newest backup; nothing is changed.

    Raises NotFound (``no-backup-yet``), UsageError (``archive-…``) for a policy that cannot be used.
    """
    known = get_org(org)
    head = newest_backup(app.vault, known)
    connector, schema = app.connector(known.identity.connector), head.schema()
    rules, facts = connector.storage_rules(schema), connector.archive_facts(schema)
    shown = preview_of(app, known, head, policy)
    actor = app.actor
    if actor.kind in BY_PEOPLE and actor.may(Right.RESTORE, known.oid):
        note_policy_preview(
            known.name, policy, at=app.clock.now(), by=actor.name, account=actor.person
        )
    growth = trend(app, org)
    storages = {storage.name: storage for storage in growth.storages}
    fills_bin = facts.bin is not None and not policy.hard_delete
    if facts.bin is not None and fills_bin and facts.bin.storage in storages:
        room = bin_room(
            head,
            facts.bin,
            limit=storages[facts.bin.storage].limit,
            leaving=shown.tables,
            commits=app.vault.commits(known.oid),
            uncommitted=uncommitted(app.whole_vault, known.oid),
        )
        shown = replace(shown, effects=replace(shown.effects, bin=room))
    freed = (
        freed_storage(name, size, storages.get(name)) for name, size in sorted(shown.bytes.items())
    )
    words = _PreviewWords(TableWords(schema), rules, facts, record_names(app, known, head))
    return words.outlook(known.name, known.identity.zone, growth.at, shown, tuple(freed))


@dataclass(frozen=True, slots=True)
class _PreviewWords:
    """The words of people for a preview."""

    tables: TableWords
    rules: Mapping[str, StorageRule]
    facts: ArchiveFacts
    names: RecordNames

    def outlook(
        self,
        org: str,
        zone: str,
        at: datetime,
        shown: ArchivePreview,
        freed: tuple[FreedStorage, ...],
    ) -> ArchiveOutlook:
        """The preview in words."""
        effects, words = shown.effects, self.tables
        lines = sorted(
            map(self._leaving, shown.tables),
            key=lambda line: (-line.bytes, -line.records, line.table),
        )
        return ArchiveOutlook(
            org,
            zone,
            at,
            shown,
            tuple(lines),
            freed,
            tuple(map(self._staying, shown.stays)),
            tuple(map(self._losing, shown.emptied)),
            tuple(map(self._summary, effects.summaries)),
            tuple(words.column(number.table, number.column) for number in effects.numbers),
            tuple(words.label(line.table, count=line.records) for line in effects.unreturning),
            tuple(map(self._losing_files, effects.files)),
            self._samples([f"{shown.policy.table}/{record}" for record in shown.samples]),
        )

    def _samples(self, places: Sequence[str]) -> tuple[SampleLine, ...]:
        keys = [place.partition("/")[::2] for place in places]
        tables = {table for table, _ in keys}
        known = {
            table: self.names.of([table], [record for name, record in keys if name == table])
            for table in tables
        }
        return tuple(
            SampleLine(table, record, known[table].get(record, "")) for table, record in keys
        )

    def _leaving(self, line: LeavingTable) -> LeavingLine:
        label = self.tables.label(line.table, count=line.records)
        rule = self.rules.get(line.table)
        storages = tuple(weight.storage for weight in rule.weights) if rule is not None else ()
        return LeavingLine(line.table, label, line.records, sum(line.bytes.values()), storages)

    def _staying(self, stay: StayCount) -> StayingLine:
        cause = stay.cause
        label = self.tables.label(cause.table, count=stay.records)
        column = self.tables.column(cause.table, cause.column) if cause.column else ""
        labels = {kind.name: kind.label for kind in self.facts.protected}
        protection = labels.get(cause.protection, "")
        samples = self._samples(stay.samples)
        return StayingLine(cause.reason, label, column, stay.records, protection, samples)

    def _losing(self, lost: EmptiedCount) -> LosingLine:
        label = self.tables.label(lost.table, count=lost.records)
        return LosingLine(label, self.tables.column(lost.table, lost.column), lost.records)

    def _losing_files(self, losing: LosingFiles) -> LosingFilesLine:
        label = self.tables.label(losing.table, count=losing.records)
        return LosingFilesLine(label, losing.records, losing.files)

    def _summary(self, change: SummaryChange) -> SummaryLine:
        words = self.tables
        return SummaryLine(
            words.label(change.table, count=change.records),
            words.column(change.table, change.column),
            words.label(change.leaving, count=2),
            change.records,
            change.before,
            change.after,
        )


def freed_storage(name: str, size: int, storage: StorageLine | None) -> FreedStorage:
    """Return the bytes that are freed in a storage, with the time in which it grows as much."""
    if storage is None:
        return FreedStorage(name, size, 0.0, 0.0)
    daily = storage.forecast.daily if storage.forecast is not None else 0.0
    days = size / daily if daily > 0 else None
    return FreedStorage(name, size, storage.used, storage.limit, days)
