"""Commits that this home did not order: nothing is deleted because of them until they are decided.

A thief who has the service key and may add objects can write commits that open and prove
themselves. The vault follows them, so that the chain stays whole. But maintenance deletes with the
owner's rights, and therefore acts at once only on commits that its own home ordered:

    put of a commit ──▶ its number and head are noted first     ``RemovalLedger.note_own``
    maintenance     ──▶ commits since the last look that were not noted
                        ──▶ everything that each takes away, from the states before and after it
                        ──▶ noted with the time of this look    ``RemovalLedger.note_examined``
    deletion        ──▶ never of an object that is noted, for 30 days or until a person decides

Whether a commit is new is seen by its number alone, so a look at a vault with one home reads no
object. What a commit takes away is computed and not taken from its text, which its author wrote.
See docs/adr/0036.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from unlost.model.ports.removals import (
    CHECKPOINTS_KNOWN,
    ForeignCommit,
    RemovalDecision,
    RemovalLedger,
)
from unlost.model.ports.system import Clock
from unlost.model.vault.snapshot import PackEntry, SegmentEntry
from unlost.vault.commits.chain import Chain, CommitStep
from unlost.vault.commits.state import LiveState, live_objects, objects_of
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names


class ProcessLedger:
    """A ledger in memory, for a vault that is opened without a home, and for tests.

    What it did not order itself since it was opened is the work of others.
    """

    def __init__(self) -> None:
        self._own: set[tuple[str, int, str]] = set()
        self._examined: dict[str, int] = {}
        self._foreign: dict[tuple[str, int], ForeignCommit] = {}
        self._checkpoints: dict[str, list[str]] = {}

    def note_own(self, org: str, *, seq: int, head: str) -> None:
        """Record a commit of this process."""
        self._own.add((org, seq, head))

    def own_heads(self, org: str, *, after: int) -> Collection[tuple[int, str]]:
        """Number and head of the commits of this process after a number."""
        return {(seq, head) for oid, seq, head in self._own if oid == org and seq > after}

    def examined(self, org: str) -> int:
        """The number up to which all commits were examined."""
        return self._examined.get(org, 0)

    def note_checkpoint(self, org: str, *, seq: int, digest: str) -> None:  # noqa: ARG002
        """Record a checkpoint that this process computed."""
        known = [each for each in self.checkpoints(org) if each != digest]
        self._checkpoints[org] = [*known, digest][-CHECKPOINTS_KNOWN:]

    def checkpoints(self, org: str) -> Collection[str]:
        """The hashes of the newest checkpoints that this process computed."""
        return self._checkpoints.get(org, [])

    def note_examined(self, org: str, commits: Collection[ForeignCommit], *, until: int) -> None:
        """Record foreign commits."""
        for commit in commits:
            self._foreign.setdefault((org, commit.seq), commit)
        self._examined[org] = max(until, self.examined(org))

    def foreign(self, org: str) -> list[ForeignCommit]:
        """The foreign commits that were not confirmed, oldest first."""
        commits = [commit for (oid, _), commit in sorted(self._foreign.items()) if oid == org]
        return [each for each in commits if each.decision is not RemovalDecision.CONFIRMED]

    def decide(
        self, org: str, seq: int, decision: RemovalDecision, *, objects: Collection[str] = ()
    ) -> None:
        """Record a decision."""
        commit = self._foreign[org, seq]
        self._foreign[org, seq] = replace(commit, decision=decision, objects=tuple(objects))


class _AllHashes(frozenset[str]):
    """A collection that contains each hash."""

    def __contains__(self, value: object) -> bool:
        return True


class ReaderLedger(ProcessLedger):
    """A ledger for programs without a home that only read.

    They use each checkpoint that its commit proves: reading the commits of years anew would cost
    seconds in each process, and nothing is removed because of what they read.
    """

    def checkpoints(self, org: str) -> Collection[str]:  # noqa: ARG002
        """All hashes."""
        return _AllHashes()


@dataclass(frozen=True, slots=True)
class RemovalGuard:
    """The objects that must not be deleted now, because foreign commits take them away.

    ``waiting``: the numbers of undecided commits; ``refused``: of these and of rejected ones.
    ``hiding``: the refused ones that forget backups.
    """

    waiting: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    hiding: frozenset[int] = frozenset()
    objects: frozenset[str] = frozenset()

    def protects(self, name: str) -> bool:
        """True for an object that must stay."""
        return name in self.objects or f"{name.rpartition('/')[0]}/" in self.objects

    def covers(self, *folders: str) -> bool:
        """True if an object in one of these folders must stay."""
        return any(name.startswith(folders) for name in self.objects)


class ForeignCommits:
    """The commits of one org that this home did not order. Safe to share between threads."""

    def __init__(
        self, chain: Chain, *, sealed: SealedObjects, ledger: RemovalLedger, clock: Clock
    ) -> None:
        self._chain = chain
        self._sealed = sealed
        self._ledger = ledger
        self._clock = clock

    @property
    def _org(self) -> str:
        return self._chain.org

    def look(self) -> None:
        """Examine the commits since the last look; raises IntegrityError, StoreError."""
        state, examined = self._chain.live(), self._ledger.examined(self._org)
        if state.seq <= examined:
            return
        own_heads = self._ledger.own_heads(self._org, after=examined)
        strange = [
            info.number
            for info in state.commits.values()
            if info.number > examined and (info.number, info.head) not in own_heads
        ]
        commits = list(self._described(strange)) if strange else []
        if not examined:
            # From before this home used the vault: what is gone is no news.
            first = min((seq for seq, _ in own_heads), default=state.seq + 1)
            commits = list(self._still_there(commits, before=first))
        self._ledger.note_examined(self._org, commits, until=state.seq)

    def guard(self) -> RemovalGuard:
        """Look, then return what must not be deleted."""
        self.look()
        return self.known_guard()

    def known_guard(self) -> RemovalGuard:
        """Return what must not be deleted as of the last look."""
        now = self._clock.now()
        refused = [each for each in self._ledger.foreign(self._org) if each.is_refused(now)]
        return RemovalGuard(
            waiting=frozenset(each.seq for each in refused if each.waits(now)),
            refused=frozenset(each.seq for each in refused),
            hiding=frozenset(each.seq for each in refused if each.hidden),
            objects=frozenset(name for each in refused for name in each.objects),
        )

    def undecided(self) -> list[ForeignCommit]:
        """Return the commits that wait and the rejected ones, oldest first, after a look."""
        self.look()
        now = self._clock.now()
        return [each for each in self._ledger.foreign(self._org) if each.is_refused(now)]

    def decide(self, seq: int, decision: RemovalDecision, *, objects: Collection[str] = ()) -> None:
        """Record a decision, and which objects remain under it."""
        self._ledger.decide(self._org, seq, decision, objects=sorted(objects))

    def sizes(self, commit: ForeignCommit, listing: Mapping[str, int]) -> dict[str, int]:
        """Return the objects of a commit that still exist: sizes by name."""
        guard = RemovalGuard(objects=frozenset(commit.objects))
        return {name: size for name, size in listing.items() if guard.protects(name)}

    def listing(self) -> dict[str, int]:
        """List all objects of the org: sizes by name."""
        listed = self._sealed.store.list(f"orgs/{self._org}/")
        return {each.name: each.size for each in listed}

    def _described(self, seqs: Collection[int]) -> Iterator[ForeignCommit]:
        now, listing = self._clock.now(), self.listing()
        for step in self._chain.replay(min(seqs)):
            if step.manifest.seq in seqs:
                yield ForeignCommit(
                    seq=step.manifest.seq,
                    head=step.after.head,
                    kind=step.manifest.kind,
                    run=step.manifest.run,
                    objects=tuple(sorted(taken_away(step, org=self._org, listing=listing))),
                    hidden=tuple(sorted(step.after.forgotten - step.before.forgotten)),
                    first_seen=now,
                )

    def _still_there(
        self, commits: Collection[ForeignCommit], *, before: int
    ) -> Iterator[ForeignCommit]:
        """Iterate over commits; the ones ``before`` a number take away an object that exists."""
        listing = self.listing() if commits else {}
        return (each for each in commits if each.seq > before or self.sizes(each, listing))


def taken_away(step: CommitStep, *, org: str, listing: Collection[str]) -> set[str]:
    """All objects that a commit takes away, by name; a name that ends with a slash is a folder.

    Includes objects that other segments still need: what replaces them later would not have the
    segments that the commit took. Of names that the commit only mentions, those in ``listing``.
    """
    manifest, after = step.manifest, _names(step.after, org=org)
    folder = object_names.journals(org)
    stored = {object_names.run_of(name) for name in listing if name.startswith(folder)}
    journals = {*_other_journals(step), *stored.intersection(manifest.unjournaled)}
    return {
        *(_names(step.before, org=org) - after),
        *(entry.name for entry in objects_of(_other_segments(step), org=org)),
        *(object_names.pack(org, pack.id) for pack in _other_packs(step)),
        *({*manifest.condemned, *manifest.withdrawn}.intersection(listing) - after),
        *(object_names.commit(org, seq) for seq in redacted_by(step, org=org)),
        *(f"{folder}{run}/" for run in journals),
    }


def _other_segments(step: CommitStep) -> Iterator[SegmentEntry]:
    """Iterate over the segments that are not live as before."""
    for table, segments in step.before.segments.items():
        after = step.after.segments.get(table, {})
        yield from (live.entry for ident, live in segments.items() if after.get(ident) != live)


def _other_packs(step: CommitStep) -> Iterator[PackEntry]:
    """Iterate over the packs that are not live as before, for example under another key."""
    after = step.after.packs
    return (pack for stem, pack in step.before.packs.items() if after.get(stem) != pack)


def redacted_by(step: CommitStep, *, org: str) -> Iterator[int]:
    """Iterate over the numbers of the manifests that a commit replaces by redactions."""
    before, after = step.before.redactions(org), step.after.redactions(org)
    return (seq for seq, name in after.items() if before.get(seq) != name)


def _names(state: LiveState, *, org: str) -> set[str]:
    return {entry.name for entry in live_objects(state, org=org)}


def _other_journals(step: CommitStep) -> Iterator[str]:
    """Iterate over the runs whose journals are not proved as before."""
    after = step.after.journals
    return (run for run, proof in step.before.journals.items() if after.get(run) != proof)
