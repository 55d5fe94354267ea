"""The chain of an org's manifests: finding its head, and proving that it is complete.

    commits/1 <── parent ── commits/2 <── parent ── commits/3   head 3 ── the witness noted it
        │                       │                       │
     live_root 1             live_root 2             live_root 3

Each manifest names the head of the one before it, and proves with its ``live_root`` all objects
that are live after it. Opening a chain takes these steps:

    1. list commits/, read the newest checkpoint that this home computed itself; without one, read
       all manifests
    2. read the manifests after it; each must name the head of the one before
    3. prove the redactions that were read against the live objects of the new head
    4. compare with the witness, a note outside the store of the newest head that was ever seen

The chain never falls back to an older head. A missing or unreadable manifest, a wrong parent, or a
head that contradicts the witness blocks all writing. See docs/adr/0001, and docs/adr/0023 for
redactions.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from unlost.model.errors import (
    IntegrityError,
    NotFound,
    StoreError,
    UnlostError,
    UsageError,
)
from unlost.model.message import message
from unlost.model.ports.removals import RemovalLedger
from unlost.model.ports.system import Witness, Witnessed
from unlost.model.vault.store import Store
from unlost.vault.commits.redactions import Redactions
from unlost.vault.commits.state import (
    LiveState,
    check_fits,
    from_checkpoint,
    is_same,
    live_root,
    to_checkpoint,
)
from unlost.vault.format.manifest import (
    Checkpoint,
    Manifest,
    canonical_text,
    head_of,
    pack,
    unpack,
)
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names

CHECKPOINT_EVERY = 16
CHECKPOINTS_KEPT = 3  # each lists all that is live: with many commits a day they would fill a vault
_KEPT_MANIFESTS = 64
_DAMAGED = frozenset({"object-damaged", "document-damaged"})
_AT_ONCE = 8  # parallel requests to a remote store


def _fetched(store: Store, name: str) -> tuple[str, bytes | None]:
    """An object's bytes; None if they cannot be read."""
    try:
        return name, store.get(name)
    except UnlostError:
        return name, None


@dataclass(frozen=True, slots=True)
class CommitStep:
    """A commit, and the states before and after it."""

    manifest: Manifest
    before: LiveState
    after: LiveState


class Chain:
    """One org's chain. Safe to share between threads; keeps the newest state that it has proved.

    ``ledger`` learns of each commit that is put.
    """

    def __init__(
        self,
        org: str,
        *,
        sealed: SealedObjects,
        witness: Witness | None,
        ledger: RemovalLedger,
    ) -> None:
        self.org = org
        self._sealed = sealed
        self._witness = witness
        self._ledger = ledger
        self._state = LiveState()
        self._is_open = False  # an empty chain is open, too: a first backup asks for it often
        self._manifests: dict[tuple[int, str | None], tuple[Manifest, str]] = {}
        # Manifests that were fetched in parallel, with the results below.
        self._seqs_ahead = range(0)
        self._ahead: dict[str, bytes] = {}
        self._redactions = Redactions(org, sealed=sealed)
        self._end = 0  # the newest commit that is being read
        self._is_fixed = False  # later ones do not count
        self._settled: tuple[int, Mapping[int, str]] = (0, {})
        self._lock = threading.RLock()

    def live(self) -> LiveState:
        """The state at the head; its sequence is 0 before the first commit.

        Raises IntegrityError.
        """
        with self._lock:
            if self._is_open:
                self._follow()
            else:
                self._open()
            return self._state

    def proved(self) -> LiveState:
        """The state at the head, checked against a new listing: required before writing."""
        with self._lock:
            state = self.live()
            newest = max(self._listed(), default=0)
            if not newest:  # the witness may know of commits that were removed since
                self._check_and_note_head(state)
            if newest > state.seq:
                raise _broken(
                    "chain-hole",
                    "Commit {seq} is missing, but commit {newest} exists.",
                    seq=state.seq + 1,
                    newest=newest,
                )
            if state.seq and newest < state.seq:
                raise _broken(
                    "chain-cut",
                    "Commit {seq} existed before and is missing now.",
                    seq=state.seq,
                )
            return state

    def manifest(self, seq: int) -> tuple[Manifest, str]:
        """A manifest of the chain and its head; raises IntegrityError, or NotFound."""
        with self._lock:
            state = self.live()
            if seq not in state.commits:
                raise NotFound(
                    "snapshot-unknown",
                    "This org has no snapshot {seq}.",
                    next_step="List the snapshots with `unlost snapshots ORG`.",
                    seq=seq,
                )
            manifest, head = self._read(seq, redaction=self._redactions.live_in(state).get(seq))
            self._redactions.prove(state)
            if head != state.commits[seq].head:
                raise _broken("chain-replaced", "Commit {seq} is not the expected commit.", seq=seq)
            return manifest, head

    def replay(self, first: int) -> Iterator[CommitStep]:
        """Apply the commits from ``first`` on again, each with the states around it.

        Reads manifests rather than redactions, where both exist: nothing was erased from them.
        Raises IntegrityError.
        """
        with self._lock:
            live = self.live()
            state = self._begin(first - 1)
        for seq in range(state.seq + 1, live.seq + 1):
            with self._lock:
                manifest, head = self._read(seq)
                self._redactions.prove(live)
            before = state.copy()
            state.apply(manifest, head=head)
            if seq >= first:
                yield CommitStep(manifest, before, state.copy())

    def unfit(self) -> tuple[str, ...]:
        """The commits from the first on that cannot follow the ones this home has seen, by name.

        A stranger has put them there: they block the chain. Empty if all fit. If this home has seen
        none, they are the ones of an org in which no commit opens. Raises IntegrityError if one that it has seen is damaged: that is another matter.
        """
        seen = self._witness.get(self.org) if self._witness is not None else None
        later = sorted(seq for seq in self._listed() if seen is None or seq > seen.number)
        with self._lock:
            if seen is not None:
                self._is_fixed = True
                try:
                    end = self._fitting(seen.number, later)
                finally:
                    self._is_fixed = False
            else:
                end = 0 if all(map(self._is_junk, later)) else max(later)
        return tuple(object_names.commit(self.org, seq) for seq in later if seq > end)

    def _is_junk(self, seq: int) -> bool:
        """True if the object in the place of a commit does not open, and nothing stands for it."""
        error = self._manifest_at(seq)
        damaged = isinstance(error, UnlostError) and error.code in _DAMAGED
        return damaged and not self._redactions.names(seq)

    def _fitting(self, seen: int, later: Sequence[int]) -> int:
        """The newest of these numbers at which the chain is whole."""
        self._redactions.refresh()
        self._redactions.forget_unproved()
        self._end = seen
        state = self._begin(seen)
        self._read_until(state, seen)
        ends, error = [state.copy()], None
        for seq in later:
            try:
                self._read_until(state, seq)
            except (IntegrityError, NotFound, UsageError):
                break
            ends.append(state.copy())
        for end in reversed(ends):
            # Redactions are chosen by the commits up to the end, so each end is read by itself.
            self._manifests.clear()
            self._redactions.forget_unproved()
            self._end = end.seq
            try:
                state = self._begin(seen)
                self._read_until(state, end.seq)
                self._redactions.prove(state)
            except IntegrityError as told:
                error = error or told
            else:
                return end.seq
            finally:
                self._redactions.forget_unproved()
        raise error or _broken("chain-hole", "Commit {seq} is missing.", seq=seen)

    def _read_until(self, state: LiveState, seq: int) -> None:
        self._end = seq
        self._advance(state, until=seq)

    def put(self, manifest: Manifest) -> bool:
        """Create the manifest as a commit of this home; False if its number is taken."""
        # Noted first: a crash in between must not make the commit one of others.
        head = head_of(canonical_text(manifest))
        self._ledger.note_own(self.org, seq=manifest.seq, head=head)
        return self._put(manifest)

    def _put(self, manifest: Manifest) -> bool:
        written = self._sealed.put_new(
            ObjectKind.MANIFEST,
            org=self.org,
            name=object_names.commit(self.org, manifest.seq),
            content=pack(manifest),
        )
        return written.created

    def confirm(self, seq: int) -> None:
        """Make a commit durable, because the process that put it may have died before it was.

        Putting it again changes nothing, and a put that finds the name taken makes it durable.
        """
        if seq in self._redactions.live_in(self.live()):
            return  # something was erased from it, long after it was durable
        manifest, _ = self.manifest(seq)
        if self._sealed.store.size(object_names.commit(self.org, seq)) is not None:
            self._put(manifest)

    def seal_checkpoint(self) -> None:
        """Store the state as a checkpoint if it is due; only a cache, so failures do no harm."""
        state = self.live()
        if state.seq == 0 or state.seq % CHECKPOINT_EVERY:
            return
        name = object_names.checkpoint(self.org, state.seq)
        if not self._put_checkpoint(state, name):
            self._accept(name, state)  # of another process, or of another home

    def _put_checkpoint(self, state: LiveState, name: str) -> bool:
        document = to_checkpoint(state)
        # What a checkpoint says is proved by the commits alone: a home uses only what it computed.
        self._ledger.note_checkpoint(
            self.org, seq=state.seq, digest=head_of(canonical_text(document))
        )
        return self._sealed.put_new(
            ObjectKind.CHECKPOINT, org=self.org, name=name, content=pack(document)
        ).created

    def _accept(self, name: str, state: LiveState) -> None:
        """Use a checkpoint from now on if it agrees in everything with a computed state."""
        read = self._read_checkpoint(name)
        if read is not None and is_same(from_checkpoint(read[0]), state):
            self._ledger.note_checkpoint(self.org, seq=state.seq, digest=head_of(read[1]))

    def renew_checkpoint(self) -> None:
        """Store the state as a checkpoint, and remove all older ones."""
        state = self.live()
        with self._lock:
            self._manifests.clear()  # something was erased from them
        name = object_names.checkpoint(self.org, state.seq)
        for _ in range(2):  # an existing one may be under an earlier key, or damaged
            if self._put_checkpoint(state, name):
                break
            self._sealed.store.delete(name)
        for listed in list(self._sealed.store.list(object_names.checkpoints(self.org))):
            if listed.name < name:
                self._sealed.store.delete(listed.name)

    def drop_checkpoints(self) -> None:
        """Remove checkpoints that newer ones replace, after one was stored."""
        if self.live().seq % CHECKPOINT_EVERY:
            return
        # Higher numbers than the newest commit's must not push them out: others put them there.
        names = [
            name for name in self._checkpoints() if object_names.sequence(name) <= self.live().seq
        ]
        for name in sorted(names)[:-CHECKPOINTS_KEPT]:
            self._sealed.store.delete(name)

    def drop_damaged_checkpoints(self) -> None:
        """Remove checkpoints that do not open: nobody needs them, and others may have put them there."""
        for name in self._checkpoints():
            try:
                self._opened_checkpoint(name)
            except IntegrityError:
                self._sealed.store.delete(name)

    def _listed(self) -> Iterator[int]:
        listed = self._sealed.store.list(object_names.commits(self.org))
        return (seq for seq in map(object_names.sequence, (each.name for each in listed)) if seq)

    def _open(self) -> None:
        """Read the chain from the newest valid checkpoint, or from the beginning."""
        newest = max(self._listed(), default=0)
        self._redactions.refresh()
        self._end = newest
        state = self._begin(newest)
        self._advance(state, until=newest)
        self._follow(state)
        self._is_open = True

    def _follow(self, state: LiveState | None = None) -> None:
        """Apply the commits after the newest known one."""
        known = self._state if state is None else state
        fresh = known
        while self._is_there(fresh.seq + 1):
            if fresh is self._state:
                fresh = fresh.copy()
                self._redactions.refresh()
            self._end = max(self._end, fresh.seq + 1)
            self._advance(fresh, until=fresh.seq + 1)
        if fresh is not self._state or state is not None:
            self._check_and_note_head(fresh)
            self._state = fresh

    def _is_there(self, seq: int) -> bool:
        """True if a commit exists, as a manifest or as the redaction an erasure left."""
        if self._sealed.store.size(object_names.commit(self.org, seq)) is not None:
            return True
        # The newest commit is never redacted: without a later one, a stranger put it there.
        return bool(self._redactions.names(seq)) and seq < max(self._listed(), default=0)

    def _advance(self, state: LiveState, *, until: int) -> None:
        try:
            for seq in range(state.seq + 1, until + 1):
                if seq not in self._seqs_ahead:
                    self._read_ahead(range(seq, min(seq + CHECKPOINT_EVERY, until + 1)))
                manifest, head = self._read(seq)
                if manifest.parent != state.head:
                    raise _broken(
                        "chain-parent", "Commit {seq} does not follow the previous commit.", seq=seq
                    )
                check_fits(manifest, org=self.org)
                state.apply(manifest, head=head)
        finally:
            self._seqs_ahead = range(0)
            self._ahead.clear()

    def _read_ahead(self, seqs: range) -> None:
        """Fetch manifests from a remote store in parallel; failed ones are read again later."""
        store, self._seqs_ahead = self._sealed.store, seqs
        names = [
            object_names.commit(self.org, seq) for seq in seqs if (seq, None) not in self._manifests
        ]
        if len(names) > 1 and store.path(names[0]) is None:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                contents = pool.map(partial(_fetched, store), names)
                self._ahead.update((name, data) for name, data in contents if data is not None)

    def _read(self, seq: int, *, redaction: str | None = None) -> tuple[Manifest, str]:
        """A manifest and its head; with ``redaction``, read that even if the manifest exists."""
        key = (seq, redaction)
        if key not in self._manifests:
            redacted = (
                self._redacted(seq, redaction) if redaction else self._manifest_or_redaction(seq)
            )
            if (redacted[0].seq, redacted[0].org) != (seq, self.org):
                raise _broken(
                    "chain-replaced",
                    "Commit {seq} identifies itself as a different commit.",
                    seq=seq,
                )
            while len(self._manifests) >= _KEPT_MANIFESTS:
                self._manifests.pop(next(iter(self._manifests)))
            self._manifests[key] = redacted
        return self._manifests[key]

    def _manifest_or_redaction(self, seq: int) -> tuple[Manifest, str]:
        """The manifest; if it was removed, its redaction.

        The late request of a run that lost a race may take a name that an erasure has freed.
        """
        manifest_read = self._manifest_at(seq)
        if isinstance(manifest_read, UnlostError):
            name = self._redaction_of(seq)
            if name is None:
                raise manifest_read
            return self._redacted(seq, name)
        if self._redactions.disputes(seq, manifest_read[1]):
            name = self._settle(seq).get(seq)
            if name:
                return self._redacted(seq, name)
        return manifest_read

    def _manifest_at(self, seq: int) -> tuple[Manifest, str] | UnlostError:
        """The manifest that is there, and its head; the error if there is none or it is damaged."""
        name = object_names.commit(self.org, seq)
        try:
            data = self._ahead.pop(name, None) or self._sealed.store.get(name)
            content = self._sealed.open(ObjectKind.MANIFEST, org=self.org, name=name, data=data)
            manifest, text = unpack(content, Manifest, name=name)
        except NotFound:
            return _broken("chain-hole", "Commit {seq} is missing.", seq=seq)
        except (IntegrityError, UsageError) as error:
            return error
        return manifest, head_of(text)

    def _redaction_of(self, seq: int) -> str | None:
        """The redaction to read in place of a manifest; None if there is none."""
        names = self._redactions.names(seq)
        if len(names) < 2:
            return next(iter(names), None)
        # As a last resort any that opens: what vouches for it may be lost.
        return self._settle(seq).get(seq) or self._redactions.find(seq)

    def _settle(self, seq: int) -> Mapping[int, str]:
        """Find which redactions commits vouch for, from the newest commit down.

        Each commit names the head of the one before it, and the redactions that it added. So what a
        stranger puts beside them is not taken for a commit.
        """
        if seq >= self._end and not self._is_fixed:  # a commit that was redacted has later ones
            self._end = max(self._listed(), default=seq)
        if self._settled[0] == self._end and self._end:
            return self._settled[1]
        settled: dict[int, str] = {}
        listed: dict[str, str] = {}
        head: str | None = None
        for place in range(self._end, 0, -1):
            manifest_read = self._manifest_at(place)
            manifest = None if isinstance(manifest_read, UnlostError) else manifest_read
            if manifest is not None and head in (None, manifest[1]):
                read = manifest[0]
            else:
                name = self._redactions.chosen(place, head=head, listed=listed)
                if name is None:
                    break
                settled[place], read = name, self._redactions.parts(name).manifest
            head = read.parent
            for entry in read.objects:
                if object_names.redacted(entry.name):
                    listed.setdefault(entry.name, entry.blake3)
        self._settled = (self._end, settled)
        return settled

    def _redacted(self, seq: int, name: str) -> tuple[Manifest, str]:
        try:
            return self._redactions.read(seq, name)
        except NotFound:
            raise _broken(
                "chain-hole", "The replacement of commit {seq} is missing.", seq=seq
            ) from None

    def _begin(self, newest: int) -> LiveState:
        """A state from which the commits up to ``newest`` are to be read."""
        names = [name for name in self._checkpoints() if object_names.sequence(name) <= newest]
        known = self._ledger.checkpoints(self.org) if names else ()
        strange: dict[int, str] = {}
        for name in reversed(names):
            read = self._read_checkpoint(name)
            if read is None:
                continue
            if head_of(read[1]) in known:
                state = self._proved_checkpoint(name, read[0])
                if state is not None:
                    return state
            strange[object_names.sequence(name)] = name
        return self._replayed(strange)

    def _replayed(self, strange: Mapping[int, str]) -> LiveState:
        """The state at the newest of these checkpoints of others, by the commits up to it."""
        state, whole = LiveState(), True
        for seq, name in sorted(strange.items()):
            try:
                self._advance(state, until=seq)
            except IntegrityError:
                whole = False
                break
            self._accept(name, state)
        if whole:
            return state
        # A commit is lost. This home has no checkpoint of its own, so others must do.
        for _, name in sorted(strange.items(), reverse=True):
            read = self._read_checkpoint(name)
            other = self._proved_checkpoint(name, read[0]) if read is not None else None
            if other is not None:
                return other
        return LiveState()

    def _checkpoints(self) -> list[str]:
        listed = self._sealed.store.list(object_names.checkpoints(self.org))
        return [each.name for each in listed if object_names.sequence(each.name)]

    def _read_checkpoint(self, name: str) -> tuple[Checkpoint, bytes] | None:
        """A checkpoint and its text; None if it is damaged.

        It is only a cache: manifests have the same facts, and verify reports the damage.
        """
        try:
            return self._opened_checkpoint(name)
        except UnlostError:
            return None

    def _opened_checkpoint(self, name: str) -> tuple[Checkpoint, bytes]:
        content = self._sealed.get(ObjectKind.CHECKPOINT, org=self.org, name=name)
        return unpack(content, Checkpoint, name=name)

    def _proved_checkpoint(self, name: str, document: Checkpoint) -> LiveState | None:
        """The state in a checkpoint; None if the manifest of its commit contradicts it."""
        state = from_checkpoint(document)
        manifest, head = self._read(object_names.sequence(name))
        root = live_root(state, org=self.org)
        agrees = (state.seq, state.head, root) == (manifest.seq, head, manifest.live_root)
        return state if agrees else None

    def _check_and_note_head(self, state: LiveState) -> None:
        """Check the state against the redactions and the witness; then advance the witness."""
        self._redactions.prove(state)
        if self._witness is None:
            return
        seen = self._witness.get(self.org)
        if seen is not None:
            _check_witness(seen, state)
        if state.seq and (seen is None or seen.number < state.seq):
            try:
                # The witness must not note what a power cut can undo.
                self._put(self._read(state.seq)[0])
            except StoreError:
                return  # these credentials only read; a process that may write will note it
            self._witness.put(self.org, Witnessed(number=state.seq, head=state.head))


def _check_witness(seen: Witnessed, state: LiveState) -> None:
    if seen.number > state.seq:
        raise _broken(
            "chain-cut",
            "Snapshot {number} was created, but the vault ends at {end}.",
            number=seen.number,
            end=state.seq,
        )
    if seen.number and state.commits[seen.number].head != seen.head:
        raise _broken(
            "chain-replaced",
            "Snapshot {number} is not the snapshot that was created.",
            number=seen.number,
        )


def _broken(code: str, template: str, **args: Any) -> IntegrityError:
    return IntegrityError(
        code,
        "{sentence} Unlost writes nothing to this vault until it is repaired.",
        next_step="Run `unlost vault pending`, which names a commit that blocks its org. If it names "
        "none, restore the object from a mirror of the vault."
        if code == "chain-parent"
        else "Restore the missing object from a mirror of the vault, then run `unlost verify --level "
        "full`.",
        sentence=message("", template, **args),
    )
