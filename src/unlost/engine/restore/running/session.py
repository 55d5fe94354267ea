"""Shared state of all parts of one running restore."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.running.addresses import Addresses
from unlost.engine.restore.running.links import Links
from unlost.engine.restore.running.wanted import WantedReader
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.errors import IntegrityError, UsageError
from unlost.model.plan import PlanStep, RecordKey, RestorePlan, SelectionKind
from unlost.model.ports.source import Source
from unlost.model.ports.system import Clock, Lease, Observer
from unlost.model.ports.vault import Vault
from unlost.model.ports.writer import Writer
from unlost.model.source.schema import Schema, Table
from unlost.model.source.shared_files import SharedFile
from unlost.model.source.writing import WriteCapability, WriteOp


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePorts:
    """The ports of a restore.

    ``source``: reads the org while records leave it; archives and undos need it. ``shared``: the kinds
    of files that records share there. ``second_copy``: opens the mirror of the vault; None if there
    is none.
    """

    writer: Writer
    vault: Vault
    lease: Lease
    clock: Clock
    observer: Observer
    source: Source | None = None
    shared: tuple[SharedFile, ...] = ()
    second_copy: Callable[[], Vault] | None = None


@dataclass(slots=True)
class RestoreSession:
    """One restore while it runs.

    ``twins``: live records that took the unique value of a record which the plan skips.
    ``published``: articles that the org does not change. ``resumed``: records were created before this process took the run over.
    """

    ports: RestorePorts
    plan: RestorePlan
    log: RestoreLog
    schema: Schema
    wanted: WantedReader
    links: Links
    addresses: Addresses
    resumed: bool
    twins: dict[RecordKey, str] = field(default_factory=dict)
    published: frozenset[RecordKey] = frozenset()
    _capabilities: dict[str, WriteCapability] = field(default_factory=dict)
    _empty: dict[RecordKey, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.twins = {RecordKey(twin.table, twin.record): twin.live for twin in self.plan.twins}
        steps = self.plan.steps
        self.published = frozenset(s.key for s in steps if NoteCode.PUBLISHED in s.notes)
        for empty in self.plan.empty:
            key = RecordKey(empty.table, empty.record)
            self._empty.setdefault(key, {})[empty.column] = empty.target

    def table(self, name: str) -> Table:
        """A table of the plan, as the vault knows it."""
        shape = self.schema.table(name)
        if shape is None:
            raise IntegrityError(
                "restore-table-unknown",
                "The snapshot of the plan has no table {name}.",
                next_step="Make a new plan with `unlost restore plan ORG`.",
                name=name,
            )
        return shape

    def capability(self, name: str) -> WriteCapability:
        """The present write capability for a table."""
        if name not in self._capabilities:
            self._capabilities[name] = self.ports.writer.capability(self.table(name))
        return self._capabilities[name]

    @property
    def is_archive(self) -> bool:
        """True if the records of the plan leave the org, and the vault has their copies."""
        return self.plan.selection.kind is SelectionKind.ARCHIVE

    @property
    def freed_kind(self) -> SharedFile | None:
        """The kind of files whose old versions an archive frees; None for all other plans.

        Raises UsageError (``archive-no-versions``) if the org does not have it any more.
        """
        policy = self.plan.selection.policy
        if policy is None or not policy.frees_versions:
            return None
        for kind in self.ports.shared:
            if kind.table == policy.table and kind.versions is not None:
                return kind
        raise UsageError(
            "archive-no-versions",
            "The backup user cannot see the versions of files in {table}, so no new file can take the "
            "place of an old one.",
            next_step="Let the backup user read them, back up, and plan again.",
            table=policy.table,
        )

    def later_only(self, table: str) -> tuple[str, ...]:
        """The columns that a new file cannot have."""
        versions = self.freed_kind.versions if self.freed_kind is not None else None
        return versions.later_only if versions is not None and versions.rule.table == table else ()

    def step(self, key: RecordKey) -> PlanStep:
        """The step of a record."""
        return self.links.steps[key]

    def empty_of(self, step: PlanStep) -> Mapping[str, str]:
        """The references of a record that the plan leaves empty, and the records they meant."""
        return self._empty.get(step.key, {})

    def batches(
        self, table: str, steps: Sequence[PlanStep], *, op: WriteOp | None = None
    ) -> Sequence[Sequence[PlanStep]]:
        """Cut the steps to the size of one call. Each hard delete is a job."""
        capability = self.capability(table)
        large = self._by_job(table, len(steps))
        if op is WriteOp.HARD_DELETE:
            large = capability.rows_per_job > 0
        size = capability.rows_per_job if large else capability.rows_per_call
        return [steps[at : at + size] for at in range(0, len(steps), size)]

    def sends_in_parallel(self, table: str, rows: int) -> bool:
        """True if this many rows are sent in small calls, several at a time."""
        return self.capability(table).calls_at_once > 1 and not self._by_job(table, rows)

    def _by_job(self, table: str, rows: int) -> bool:
        capability = self.capability(table)
        return capability.rows_per_job > 0 and rows >= capability.job_above
