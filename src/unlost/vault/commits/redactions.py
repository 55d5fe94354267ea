"""Redactions: the replacements of manifests from which something was erased.

A manifest names more than objects, for example the first and last id of each segment. So an erasure
replaces each manifest that reveals erased data:

    before   commits/2  <── parent ──  commits/3
    erasure  redacted/2.<by 4>.<random>            same commit without the erased facts, with head 2
             commits/4                             lists the redaction among its live objects
             commits/2 is removed
    after    redacted/2  <── parent = head 2 ──  commits/3  <──  commits/4, whose ``live_root``
                                                                  proves redacted/2

A redaction cannot be proved by its own bytes, because its text no longer has the head it claims.
The ``live_root`` of the newest commit proves it. So the chain first reads redactions unproved, and
``prove`` checks them before anything relies on them. See docs/adr/0023.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec
from blake3 import blake3

from unlost.model.errors import IntegrityError, NotFound, UsageError
from unlost.vault.commits.state import LiveState
from unlost.vault.format.manifest import Manifest, Redaction, canonical_text, struck, unpack
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names


class Redactions:
    """Reads the redactions of one org; call ``prove`` before relying on what was read."""

    def __init__(self, org: str, *, sealed: SealedObjects) -> None:
        self._org = org
        self._sealed = sealed
        self._unproved: dict[int, _Read] = {}
        self._live: Mapping[int, str] = {}
        self._head = ""
        self._beside: Mapping[int, list[str]] = {}

    def refresh(self) -> None:
        """List the redactions that exist now."""
        listed = self._sealed.store.list(object_names.redactions(self._org))
        beside: dict[int, list[str]] = {}
        for listed_object in listed:
            seq = object_names.redacted(listed_object.name)
            if seq:
                beside.setdefault(seq, []).append(listed_object.name)
        self._beside = beside

    def disputes(self, seq: int, head: str) -> bool:
        """True if a listed redaction of commit ``seq`` opens and has another head."""
        return any(
            opened is not None and opened[0].head != head
            for opened in map(self._opening, self._beside.get(seq, ()))
        )

    def forget_unproved(self) -> None:
        """Start anew: what was read belongs to commits that are not part of the chain."""
        self._unproved.clear()

    def live_in(self, state: LiveState) -> Mapping[int, str]:
        """The names of the live redactions of a state, by the numbers of their manifests."""
        if self._head != state.head:
            self._live = state.redactions(self._org)
            self._head = state.head
        return self._live

    def names(self, seq: int) -> list[str]:
        """All redactions of a manifest that exist, by name.

        If there are several, an erasure failed or has not removed the older ones yet, or a stranger
        has put some there.
        """
        prefix = object_names.redactions(self._org, seq)
        listed = (listed_object.name for listed_object in self._sealed.store.list(prefix))
        return [name for name in listed if object_names.redacted(name) == seq]

    def find(self, seq: int) -> str | None:
        """A redaction of a manifest, the first one that opens if any does; None if there is none."""
        return self.chosen(seq, head=None) or next(iter(self.names(seq)), None)

    def chosen(
        self, seq: int, *, head: str | None, listed: Mapping[str, str] | None = None
    ) -> str | None:
        """The first redaction of a manifest that opens and has this head; None if none does.

        ``head`` None: any. ``listed``: the hashes of redactions that commits have; only these count.
        """
        for name in self.names(seq):
            opened = self._opening(name)
            if (
                opened is not None
                and head in (None, opened[0].head)
                and (listed is None or listed.get(name) == opened[1])
            ):
                return name
        return None

    def parts(self, name: str) -> Redaction:
        """A redaction, unproved; raises IntegrityError, NotFound."""
        return self._opened(name, self._sealed.store.get(name))

    def read(self, seq: int, name: str) -> tuple[Manifest, str]:
        """The redacted manifest, and the head of the original."""
        data = self._sealed.store.get(name)
        redaction = self._opened(name, data)
        digest = blake3(canonical_text(_unerasable_facts(redaction.manifest))).hexdigest()
        self._unproved[seq] = _Read(redaction.head, digest, name, blake3(data).hexdigest())
        return redaction.manifest, redaction.head

    def prove(self, state: LiveState) -> None:
        """Raise IntegrityError unless all redactions that were read are live in ``state``."""
        while self._unproved:
            seq, read = next(iter(self._unproved.items()))
            live = read.name
            if live not in state.objects:  # an older one, or one of a failed erasure
                live = next((name for name in self.names(seq) if name in state.objects), "")
            proved = read if live == read.name else self._again(seq, live)
            # What was read may be an older redaction than the live one. They must agree in all
            # facts that are never erased.
            if proved is None or proved.digest != state.objects[live].blake3 or read != proved:
                raise _not_proved(read.name)
            del self._unproved[seq]

    def _opening(self, name: str) -> tuple[Redaction, str] | None:
        """A redaction and the hash of its object; None if it does not open."""
        try:
            data = self._sealed.store.get(name)
            return self._opened(name, data), blake3(data).hexdigest()
        except (IntegrityError, NotFound, UsageError):
            return None  # if it is live and damaged, ``prove`` and verify report it

    def _opened(self, name: str, data: bytes) -> Redaction:
        content = self._sealed.open(ObjectKind.REDACTION, org=self._org, name=name, data=data)
        return unpack(content, Redaction, name=name)[0]

    def _again(self, seq: int, name: str) -> "_Read | None":
        if not name:
            return None
        self.read(seq, name)
        return self._unproved[seq]


@dataclass(frozen=True, slots=True)
class _Read:
    """A redaction that was read. Two are equal if they agree on all facts that are never erased."""

    head: str
    content_digest: str
    name: str = field(compare=False)
    digest: str = field(compare=False)


def _unerasable_facts(manifest: Manifest) -> Manifest:
    """A manifest without the facts that a later redaction may omit."""
    tables = (
        msgspec.structs.replace(part, segments=tuple(map(struck, part.segments)), finding=None)
        for part in manifest.tables
    )
    states = (replace(state, alive=0, deleted=0, finding=None) for state in manifest.states)
    return msgspec.structs.replace(
        manifest, tables=tuple(tables), states=tuple(states), certificate=None
    )


def _not_proved(name: str) -> IntegrityError:
    return IntegrityError(
        "chain-replaced",
        "“{name}” replaces a commit, but no erasure created it. Unlost writes nothing to this "
        "vault until it is repaired.",
        next_step="Restore the object from a mirror of the vault, then run `unlost verify --level full`.",
        name=name,
    )
