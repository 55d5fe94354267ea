"""Free space: the best candidates for freeing storage, by megabytes.

A preview of a policy takes seconds in a large org, so each is calculated alone and remembered:

    list ──> remembered lines, largest first, and the names that are not calculated yet
      └────> calculate the first name ──> list again ... until no name is pending
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from unlost.app.access import action
from unlost.app.actions.archive.policies import (
    FreedStorage,
    archive_policies,
    freed_storage,
)
from unlost.app.actions.storage.storage import StorageLine, trend
from unlost.app.actions.storage.storage_use import loops
from unlost.app.archive.policy_preview import preview_of
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.record_names import record_names
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.orgs.space_estimates import space_estimates, store_estimate
from unlost.catalog.runs.runs import list_runs
from unlost.model.access import Right, Trace
from unlost.model.archive import ArchivePolicy
from unlost.model.errors import IntegrityError, TransientError, UnlostError
from unlost.model.message import Message, message
from unlost.model.ports.vault import Snapshot
from unlost.model.space import SpaceCandidate, SpaceEstimate, SpaceKind
from unlost.model.storage import MailLoop, StorageRule
from unlost.model.vault.snapshot import CommitKind

LOOPS = ""  # the name of the search for mail loops, beside the names of policies
MOST_LOOPS = 20  # the largest ones


@dataclass(frozen=True, slots=True)
class SpaceLine:
    """Records that could leave the org together, and the storage that this frees.

    ``name``: of the policy, or the id of the loop's first mail. ``label``: of a ready-made policy, or
    the subject of the loop. ``at``: when it was calculated.
    """

    kind: SpaceKind
    name: str
    label: str
    records: int
    bytes: int
    storages: tuple[FreedStorage, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class UnusablePolicy:
    """A policy that could not be used, and why; an empty name stands for the search for mail loops.

    Of that search, the loops that could be measured are listed.
    """

    name: str
    error: Message


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """The candidates for freeing storage in an org, the largest first.

    ``pending``: the names of policies that were not calculated yet, ``outdated``: of those that were
    calculated in an earlier backup; an empty name stands for the search for mail loops. ``empty``
    counts policies that select no records. ``since_run``: an archive ran after the newest backup, so
    that its records are still among the candidates.
    """

    org: str
    zone: str
    backup: int
    lines: tuple[SpaceLine, ...]
    unusable: tuple[UnusablePolicy, ...] = ()
    pending: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    empty: int = 0
    since_run: bool = False

    @property
    def next_names(self) -> tuple[str, ...]:
        """The names to calculate, those without any result first."""
        return (*self.pending, *self.outdated)

    @property
    def calculated(self) -> datetime | None:
        """The time of the oldest calculation of a line."""
        return min((line.at for line in self.lines), default=None)


@action("archive.space", Right.READ, trace=Trace.READ)
def free_space(app: Application, org: str) -> FreeSpace:
    """List what frees most storage in an org, as calculated before; reads no records of tables.

    Raises NotFound (``no-backup-yet``).
    """
    known = get_org(org)
    head = newest_backup(app.vault, known)
    policies = {policy.name: policy for policy in archive_policies(app, org).policies}
    estimates = _usable(space_estimates(known.name, whole=known.oid not in app.hidden), policies)
    lines = _Lines(app, known, head, policies)
    candidates = sorted(lines.of(estimates), key=lambda line: (-line.bytes, line.kind, line.name))
    names = {each.name: each.backup for each in estimates}
    every = (LOOPS, *policies)
    return FreeSpace(
        known.name,
        known.identity.zone,
        head.info.number,
        tuple(line for line in candidates if line.records),
        tuple(
            UnusablePolicy(each.name, each.error) for each in estimates if each.error is not None
        ),
        tuple(name for name in every if name not in names),
        tuple(name for name in every if names.get(name, head.info.number) < head.info.number),
        sum(not line.records for line in candidates),
        _ran_since(known, head),
    )


@action("archive.estimate", Right.READ, trace=Trace.READ)
def estimate_space(app: Application, org: str, *, policy: str = LOOPS) -> FreeSpace:
    """Calculate the storage that a policy would free, or all mail loops, and list all candidates.

    It reads the newest backup, and makes no call to the org. ``policy``: its name, empty for mail
    loops. Raises NotFound (``no-backup-yet``, ``archive-policy-unknown``).
    """
    known = get_org(org)
    head = newest_backup(app.vault, known)
    hidden = app.hidden.get(known.oid)
    if policy == LOOPS:
        estimate = _estimate_of_loops(app, known, head)
    else:
        chosen = archive_policies(app, org).named(policy)
        estimate = _estimate_of_policy(app, known, head, chosen)
    store_estimate(known.name, replace(estimate, whole=hidden is None), hidden=hidden)
    return free_space(app, org)


def _usable(
    estimates: Sequence[SpaceEstimate], policies: Mapping[str, ArchivePolicy]
) -> Sequence[SpaceEstimate]:
    """Return the estimates of loops, and of policies that did not change since."""
    return [
        each
        for each in estimates
        if each.kind is SpaceKind.LOOPS or policies.get(each.name) == each.policy
    ]


def _ran_since(org: ProtectedOrg, head: Snapshot) -> bool:
    return any(
        run.kind is CommitKind.ARCHIVE and run.started_at > head.info.finished
        for run in list_runs(org.name)
    )


def _estimate_of_policy(
    app: Application, org: ProtectedOrg, head: Snapshot, policy: ArchivePolicy
) -> SpaceEstimate:
    estimate = SpaceEstimate(
        SpaceKind.POLICY, policy.name, head.info.number, app.clock.now(), (), policy
    )
    try:
        shown = preview_of(app, org, head, policy)
    except TransientError:  # the same call may succeed soon
        raise
    except UnlostError as error:  # for example a damaged object: the other policies are calculated
        return replace(estimate, error=error.message)
    records = sum(table.records for table in shown.tables)
    candidate = SpaceCandidate(policy.name, policy.table, records, dict(shown.bytes))
    return replace(estimate, candidates=(candidate,))


def _estimate_of_loops(app: Application, org: ProtectedOrg, head: Snapshot) -> SpaceEstimate:
    rules = app.connector(org.identity.connector).storage_rules(head.schema())
    estimate = SpaceEstimate(SpaceKind.LOOPS, LOOPS, head.info.number, app.clock.now(), ())
    try:
        every = sorted(loops(app, org.name), key=lambda loop: -loop.bytes)
    except TransientError:
        raise
    except UnlostError as error:  # a damaged object must not block the policies
        return replace(estimate, error=error.message)
    damaged = [loop for loop in every if loop.error is not None][:MOST_LOOPS]
    largest = every[:MOST_LOOPS]
    candidates = tuple(
        SpaceCandidate(loop.first, loop.table, loop.mails, _bytes_of_loop(loop, rules))
        for loop in (*largest, *(loop for loop in damaged if loop not in largest))
    )
    return replace(estimate, candidates=candidates, error=_unmeasured(damaged) if damaged else None)


def _unmeasured(damaged: Sequence[MailLoop]) -> Message:
    """Name the loops whose size is not known. Subjects are values of records: ids are remembered."""
    return message(
        "loops-unmeasured",
        "The sizes of these mail loops could not be read: {loops}. The first error is: {reason}",
        next_step="Run `unlost verify --level full`.",
        loops=", ".join(loop.first for loop in damaged),
        reason=damaged[0].error or "",
    )


def _bytes_of_loop(loop: MailLoop, rules: Mapping[str, StorageRule]) -> Mapping[str, int]:
    """Return the bytes of a loop in the storage in which the texts of mails count."""
    weights = rules[loop.table].weights if loop.table in rules else ()
    storage = next((weight.storage for weight in weights if weight.texts), "")
    return {storage: loop.bytes} if storage else {}


class _Lines:
    """The lines of estimates, in the words of people, with the growth as it is now."""

    def __init__(
        self,
        app: Application,
        org: ProtectedOrg,
        head: Snapshot,
        policies: Mapping[str, ArchivePolicy],
    ) -> None:
        self._policies = policies
        self._names = record_names(app, org, head)
        self._storages: dict[str, StorageLine] = {
            storage.name: storage for storage in trend(app, org.name).storages
        }

    def of(self, estimates: Sequence[SpaceEstimate]) -> Iterator[SpaceLine]:
        """The lines of all candidates."""
        for estimate in estimates:
            for candidate in estimate.candidates:
                yield self._line(estimate, candidate)

    def _line(self, estimate: SpaceEstimate, candidate: SpaceCandidate) -> SpaceLine:
        if estimate.kind is SpaceKind.POLICY:
            label = self._policies[candidate.name].label
        else:
            # Subjects are values of records: the home does not remember them.
            label = self._subject(candidate)
        freed = (
            freed_storage(name, size, self._storages.get(name))
            for name, size in sorted(candidate.bytes.items())
            if size
        )
        return SpaceLine(
            estimate.kind,
            candidate.name,
            label,
            candidate.records,
            sum(candidate.bytes.values()),
            tuple(freed),
            estimate.at,
        )

    def _subject(self, candidate: SpaceCandidate) -> str:
        """The subject of a loop; empty if it is damaged, so that the other lines are listed."""
        try:
            return self._names.of([candidate.table], [candidate.name]).get(candidate.name, "")
        except IntegrityError:
            return ""
