"""Verification of an org's chain, from the first commit to the newest.

    manifest 1 ◀─parent─ manifest 2 ◀─parent─ manifest 3          each proves the one before
                              ▲ redacted/2…: same head, if an erasure replaced it
    live_root of 3 ─proves─▶ all live objects ◀─proves─ checkpoint 3

The home, outside the vault, remembers the newest head, so that a removed newest manifest is
noticed. If a manifest is damaged, the walk continues from the newest checkpoint that proves itself.
See docs/adr/0023 for redactions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from unlost.model.errors import IntegrityError, NotFound, UnlostError
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.commits.state import LiveState, check_fits, from_checkpoint, live_root
from unlost.vault.format.manifest import Checkpoint, Manifest, Redaction, head_of, unpack
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.maintenance.verify.head_memory import RememberedHead
from unlost.vault.maintenance.verify.verify_result import MISSING, VerifyFindings

_MOST_LOST = 10_000  # commits in one gap that are named one by one
LATE = (
    "It is not the original commit. A late request of a process that had lost reused a name "
    "that an erasure had freed. The next compaction removes it. Nothing is lost."
)
FOREIGN = (
    "It does not have the name of a vault object, and Unlost ignores it. Remove it, and check "
    "who created it."
)


@dataclass(slots=True)
class ChainWalk:
    """The result of a walk along a chain: the state at its end, and each readable manifest.

    ``whole``: false if a manifest is damaged. Then the state may lack objects, unless a later
    checkpoint has them. ``slots``: the entry of the register that the newest manifest refers to.
    ``unjournaled``: runs whose journals a commit removed.
    """

    state: LiveState = field(default_factory=LiveState)
    manifests: dict[int, tuple[str, str]] = field(default_factory=dict)  # head, live_root
    whole: bool = True
    slots: int = 0
    unjournaled: set[str] = field(default_factory=set[str])


class ChainVerifier:
    """Verifies the manifests and checkpoints of one org.

    ``listing``: sizes of the org's objects by name.
    """

    def __init__(
        self,
        org: str,
        *,
        sealed: SealedObjects,
        listing: Mapping[str, int],
        remembered: RememberedHead,
        findings: VerifyFindings,
    ) -> None:
        self._org = org
        self._sealed = sealed
        self._listing = listing
        self._remembered = remembered
        self._findings = findings
        self._stood_in: list[str] = []
        self._withdrawn: set[str] = set()
        self._known_numbers: list[int] | None = None

    def walk(self) -> ChainWalk:
        """Read every manifest up to the newest number that anything refers to."""
        walk = ChainWalk()
        numbers = self._numbers()
        for before, seq in pairwise([0, *numbers]):
            # A stranger may have chosen a number far away: the first and the last lost one say it.
            few = seq - before < _MOST_LOST
            for lost in range(before + 1, seq) if few else (before + 1, seq - 1):
                self._step(walk, lost)
            self._step(walk, seq)
        self._resume(walk)
        self._check_root(walk)
        self._check_witness(walk)
        self._check_stood_in(walk)
        for name in self._names(object_names.checkpoints(self._org)):
            if object_names.sequence(name):
                self._check_checkpoint(walk, name)
        self._check_foreign()
        return walk

    def _check_foreign(self) -> None:
        """Report names among the commits that Unlost never uses, and that readers ignore."""
        for folder in (object_names.commits, object_names.checkpoints):
            for name in self._names(folder(self._org)):
                if not object_names.sequence(name):
                    self._findings.damage(name, FOREIGN)
        for name in self._names(object_names.redactions(self._org)):
            if not object_names.redacted(name):
                self._findings.damage(name, FOREIGN)

    def _names(self, folder: str) -> list[str]:
        return [name for name in self._listing if name.startswith(folder)]

    def _newest(self) -> int:
        """Return the highest number of a manifest, a checkpoint that opens, or the memory."""
        return max(self._numbers(), default=0)

    def _numbers(self) -> list[int]:
        """Return the numbers of commits that something refers to, ascending."""
        if self._known_numbers is None:
            commits = map(object_names.sequence, self._names(object_names.commits(self._org)))
            numbers = {number for number in commits if number}
            newest = max(numbers, default=0)
            redacted = map(object_names.redacted, self._names(object_names.redactions(self._org)))
            numbers.update(number for number in redacted if 0 < number < newest)
            for name in self._names(object_names.checkpoints(self._org)):
                # One of a commit that is lost, unless a stranger put it there.
                if object_names.sequence(name) > newest and self._opens(name):
                    numbers.add(object_names.sequence(name))
            self._known_numbers = sorted(numbers | self._remembered.numbers)
        return self._known_numbers

    def _opens(self, name: str) -> bool:
        try:
            self._read_checkpoint(name)
        except UnlostError:
            return False
        return True

    def _step(self, walk: ChainWalk, seq: int) -> None:
        name = self._name(seq)
        if name not in self._listing:
            self._findings.damage(name, self._missing(seq))
            walk.whole = False
            return
        self._findings.count_object(self._listing[name])
        read = self._findings.attempt(name, lambda: self._read(name, seq))
        if read is None:
            walk.whole = False
            return
        if name.startswith(object_names.redactions(self._org)):
            self._stood_in.append(name)
        manifest, head = read
        before = walk.manifests.get(seq - 1)
        if seq == 1 or before is not None:
            parent = before[0] if before else ""
            if manifest.parent != parent:
                self._findings.damage(name, "It does not follow the previous commit.")
                walk.whole = False
        for pack in set(manifest.reuses) - walk.state.packs.keys() if walk.whole else ():
            self._findings.damage(
                name, f"It refers to the pack {pack[:12]}, which is in no commit."
            )
        walk.slots = manifest.slots
        self._withdrawn.update(manifest.withdrawn)
        if manifest.kind is not CommitKind.CONDEMN:  # these are open again
            walk.unjournaled.update(manifest.unjournaled)
        walk.state.apply(manifest, head=head)
        walk.manifests[seq] = (head, manifest.live_root)

    def _name(self, seq: int) -> str:
        """Return the name of a manifest or, if an erasure removed it, of its redaction."""
        name = object_names.commit(self._org, seq)
        redaction = next(iter(self._names(object_names.redactions(self._org, seq))), None)
        if redaction is None:
            return name
        if name in self._listing and not self._are_two(name, redaction, seq):
            return name
        return redaction

    def _are_two(self, name: str, redaction: str, seq: int) -> bool:
        """Return true if a manifest is not the one that its redaction replaced; reports it."""
        try:
            two = self._read(name, seq)[1] != self._read(redaction, seq)[1]
        except UnlostError:
            return False
        if two:
            self._findings.damage(name, LATE)
        return two

    def _missing(self, seq: int) -> str:
        if seq in self._remembered.numbers:
            return f"{MISSING} The home recorded that this snapshot was created."
        return MISSING

    def _read(self, name: str, seq: int) -> tuple[Manifest, str]:
        if name.startswith(object_names.redactions(self._org)):
            content = self._sealed.get(ObjectKind.REDACTION, org=self._org, name=name)
            redaction = unpack(content, Redaction, name=name)[0]
            manifest, head = redaction.manifest, redaction.head
        else:
            content = self._sealed.get(ObjectKind.MANIFEST, org=self._org, name=name)
            manifest, text = unpack(content, Manifest, name=name)
            head = head_of(text)
        identity_read = (manifest.seq, manifest.org, manifest.vault)
        if identity_read != (seq, self._org, self._sealed.keys.vault.hex()):
            raise IntegrityError("chain-replaced", "It identifies itself as a different commit.")
        check_fits(manifest, org=self._org)
        return manifest, head

    def _resume(self, walk: ChainWalk) -> None:
        """After damage, continue from the newest checkpoint that proves itself."""
        names = () if walk.whole else self._names(object_names.checkpoints(self._org))
        for name in sorted(names, reverse=True):
            state = self._carried_on(walk, name)
            if state is not None:
                walk.state = state
                return

    def _carried_on(self, walk: ChainWalk, name: str) -> LiveState | None:
        """Compute the newest state from a checkpoint on; None if a part of it is damaged."""
        seq = object_names.sequence(name)
        newest = self._newest()
        if not 0 < seq <= newest or sum(each >= seq for each in walk.manifests) <= newest - seq:
            return None
        try:
            state = from_checkpoint(self._read_checkpoint(name))
            if not self._proves(walk, state, seq):
                return None
            for number in range(seq + 1, self._newest() + 1):
                manifest, head = self._read(self._name(number), number)
                state.apply(manifest, head=head)
        except (IntegrityError, NotFound):
            return None
        return state if self._proves(walk, state, self._newest()) else None

    def _proves(self, walk: ChainWalk, state: LiveState, seq: int) -> bool:
        """Return true if a manifest proves this state."""
        checkpoint_facts = (state.seq, state.head, live_root(state, org=self._org))
        return checkpoint_facts == (seq, *walk.manifests[seq])

    def _check_root(self, walk: ChainWalk) -> None:
        state = walk.state
        if not walk.whole or not state.seq:
            return
        root = live_root(state, org=self._org)
        if root != walk.manifests[state.seq][1]:
            name = object_names.commit(self._org, state.seq)
            self._findings.damage(name, "The objects that should be live do not match its proof.")
            walk.whole = False

    def _check_witness(self, walk: ChainWalk) -> None:
        seen = self._remembered.seen
        if seen is None or seen.number not in walk.manifests:
            return
        if walk.manifests[seen.number][0] != seen.head:
            name = object_names.commit(self._org, seen.number)
            self._findings.damage(name, "It is not the commit that the home recorded.")
            walk.whole = False

    def _check_stood_in(self, walk: ChainWalk) -> None:
        """Report redactions that no erasure wrote."""
        if walk.whole:
            for name in set(self._stood_in) - walk.state.objects.keys() - self._withdrawn:
                self._findings.damage(name, "It replaces a commit, but no erasure created it.")

    def _check_checkpoint(self, walk: ChainWalk, name: str) -> None:
        self._findings.count_object(self._listing[name])
        document = self._findings.attempt(name, lambda: self._read_checkpoint(name))
        proof = walk.manifests.get(object_names.sequence(name))
        if document is None or proof is None:
            return
        if not self._proves(walk, from_checkpoint(document), object_names.sequence(name)):
            self._findings.damage(name, "It does not match the proof of its commit.")

    def _read_checkpoint(self, name: str) -> Checkpoint:
        content = self._sealed.get(ObjectKind.CHECKPOINT, org=self._org, name=name)
        return unpack(content, Checkpoint, name=name)[0]
