"""Archive policies of an org: ready-made ones, and the preview of any."""

from dataclasses import dataclass
from datetime import datetime

from unlost.app.access import action
from unlost.app.actions.storage.storage import StorageLine, trend
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.archive_policies import note_policy_preview, saved_policies
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.archive.preview import preview
from unlost.model.access import ActorKind, Right, Trace
from unlost.model.archive import ArchivePolicy, ArchivePreview, StayCount, StayReason
from unlost.model.errors import NotFound

MOST_DAYS = 3_650
BY_PEOPLE = frozenset({ActorKind.PERSON, ActorKind.TOKEN, ActorKind.MACHINE})


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
    """The records of a table that would leave the org, and the bytes that this frees."""

    table: str
    label: str
    records: int
    bytes: int


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
class StayingLine:
    """The number of records that must stay for a reason.

    ``label`` and ``column_label``: of the table and column that keep them.
    """

    reason: StayReason
    label: str
    column_label: str
    records: int


@dataclass(frozen=True, slots=True)
class LosingLine:
    """The number of records of a table that would stay and lose a reference."""

    label: str
    column_label: str
    records: int


@dataclass(frozen=True, slots=True)
class ArchiveOutlook:
    """The effect of a policy, in the words of people: by table, and by storage."""

    org: str
    zone: str
    at: datetime
    preview: ArchivePreview
    tables: tuple[LeavingLine, ...]
    storages: tuple[FreedStorage, ...]
    staying: tuple[StayingLine, ...] = ()
    losing: tuple[LosingLine, ...] = ()


@action("archive.policies", Right.LOOK, trace=Trace.READ)
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
    shown = preview(
        head,
        policy,
        connector.storage_rules(schema),
        shared=connector.shared_files(schema),
        holds=app.whole_vault.holds(known.oid),
        now=app.clock.now(),
    )
    if app.actor.kind in BY_PEOPLE:
        note_policy_preview(known.name, policy, at=app.clock.now())
    words, growth = TableWords(schema), trend(app, org)
    lines = (
        LeavingLine(
            t.table, words.label(t.table, count=t.records), t.records, sum(t.bytes.values())
        )
        for t in shown.tables
    )
    storages = {storage.name: storage for storage in growth.storages}
    return ArchiveOutlook(
        known.name,
        known.identity.zone,
        growth.at,
        shown,
        tuple(sorted(lines, key=lambda line: (-line.bytes, -line.records, line.table))),
        tuple(_freed(name, size, storages.get(name)) for name, size in sorted(shown.bytes.items())),
        tuple(_staying(stay, words) for stay in shown.stays),
        tuple(
            LosingLine(
                words.label(lost.table, count=lost.records),
                words.column(lost.table, lost.column),
                lost.records,
            )
            for lost in shown.emptied
        ),
    )


def _staying(stay: StayCount, words: TableWords) -> StayingLine:
    cause = stay.cause
    label = words.label(cause.table, count=stay.records)
    column = words.column(cause.table, cause.column) if cause.column else ""
    return StayingLine(cause.reason, label, column, stay.records)


def _freed(name: str, size: int, storage: StorageLine | None) -> FreedStorage:
    if storage is None:
        return FreedStorage(name, size, 0.0, 0.0)
    daily = storage.forecast.daily if storage.forecast is not None else 0.0
    days = size / daily if daily > 0 else None
    return FreedStorage(name, size, storage.used, storage.limit, days)
