"""What of an org is still sealed under earlier keys than its newest.

Manifests tell it of segments and packs. Of all else the clear header of each object tells it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from unlost.model.errors import IntegrityError, NotFound, UsageError
from unlost.model.rekeying import UnderEarlier
from unlost.model.snapshot import PackEntry
from unlost.vault.commits.state import LiveSegment, LiveState, live_objects
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.layout import object_names
from unlost.vault.layout.org_names import identity_names
from unlost.vault.maintenance.garbage import listing_of
from unlost.vault.objects.segments import opens_under
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.journal import journal_runs

_SIDECAR = ".idx"


def under_earlier(room: OrgVault) -> UnderEarlier:
    """What the newest commit tells of it: nothing is opened."""
    keys, state = room.sealed.keys, room.chain.live()
    epoch = keys.epoch(room.org)
    segments = [live.entry for live in earlier_segments(state, epoch)]
    packs = earlier_packs(state, epoch)
    objects = len({entry.object for entry in segments}) + len(packs)
    size = sum(segment.own_bytes for segment in segments) + sum(pack.bytes for pack in packs)
    return UnderEarlier(objects, size, complete=is_complete(keys, room.org))


def is_complete(keys: Keyring, org: str) -> bool:
    """True if there is no earlier key than the one that new objects are written under."""
    return keys.epoch(org) <= keys.oldest(org) and not keys.gone_copies(org)


def earlier_segments(state: LiveState, epoch: int) -> list[LiveSegment]:
    """Live segments under earlier keys, those of one table together."""
    segments = (
        segments_by_ident[ident]
        for _, segments_by_ident in sorted(state.segments.items())
        for ident in sorted(segments_by_ident)
    )
    return [live for live in segments if live.entry.epoch < epoch]


def earlier_packs(state: LiveState, epoch: int) -> list[PackEntry]:
    """Live packs under earlier keys."""
    return [pack for _, pack in sorted(state.packs.items()) if pack.epoch < epoch]


@dataclass(slots=True)
class EarlierKeysSurvey:
    """Looks through an org; remembers the epochs of objects that it has seen."""

    room: OrgVault
    epoch: int
    _seen: dict[str, int] = field(default_factory=dict[str, int])

    def is_earlier(self, name: str, *, gone: bool = False) -> bool:
        """True for a sealed object under an earlier key, or of which nobody can tell; ``gone`` where it is gone."""
        if name not in self._seen:
            try:
                self._seen[name] = self.room.sealed.header(name).epoch
            except NotFound:
                return gone
            except IntegrityError:
                return True
        return self._seen[name] < self.epoch

    def documents(self, state: LiveState) -> list[str]:
        """Schemas and certificates; lost ones too, for another copy may have them under an earlier key."""
        redactions = object_names.redactions(self.room.org)
        names = (name for name in sorted(state.objects) if not name.startswith(redactions))
        return [name for name in names if self.is_earlier(name, gone=True)]

    def manifests(self, state: LiveState) -> Iterator[int]:
        """Commits whose manifests, or what stands in their place, are under earlier keys, or lost; oldest first."""
        stands = redacted_in(self.room, state)
        for seq in sorted(state.commits):
            if self.is_earlier(
                stands.get(seq) or object_names.commit(self.room.org, seq), gone=True
            ):
                yield seq

    def checkpoints(self) -> list[str]:
        """What repeats all that is live."""
        return self._listed(object_names.checkpoints(self.room.org))

    def journals(self) -> list[str]:
        """Entries of journals."""
        return self._listed(object_names.journals(self.room.org))

    def lost_entries(self, state: LiveState) -> list[str]:
        """Entries of journals that are not there any more: another copy may have them under an earlier key."""
        stored, org = journal_runs(self.room.sealed, org=self.room.org), self.room.org
        return [
            object_names.journal_entry(org, run, number)
            for run, proof in state.journals.items()
            for number in sorted(set(range(proof.entries)) - set(stored.get(run, ())))
        ]

    def identities(self) -> list[str]:
        """What tells the identity of the org."""
        names = identity_names(self.room.sealed.store, self.room.org)
        return [name for name in names if self.is_earlier(name)]

    def runs(self) -> list[str]:
        """Intents of open runs, and their notes."""
        return self._listed(object_names.intents(self.room.org))

    def needless(self, state: LiveState) -> list[str]:
        """Documents that no commit has: for when no run is open that may still commit them."""
        org = self.room.org
        folders = (
            object_names.redactions(org),
            object_names.certificates(org),
            object_names.schemas(org),
        )
        names = (name for folder in folders for name in self._listed(folder))
        return [name for name in names if name not in state.objects]

    def waiting(self, state: LiveState) -> dict[str, int]:
        """Segments and packs that no commit has any more, and that are still there: sizes by name."""
        live = {entry.name for entry in live_objects(state, org=self.room.org)}
        listing = listing_of(self.room)
        waiting_sizes = {name: size for name, size in listing.items() if name not in live}
        return {
            name: size for name, size in waiting_sizes.items() if self._data_is_earlier(name, size)
        }

    def _listed(self, folder: str) -> list[str]:
        names = [listed.name for listed in self.room.sealed.store.list(folder)]
        return [name for name in names if self.is_earlier(name)]

    def _data_is_earlier(self, name: str, size: int) -> bool:
        if name.startswith(object_names.packs(self.room.org)) or name.endswith(_SIDECAR):
            try:
                return self.is_earlier(name)
            except UsageError:  # a wrong bit may look like a newer format; nothing needs it
                return True
        sealed, org = self.room.sealed, self.room.org
        opens = opens_under(sealed, org=org, name=name, size=size, epoch=self.epoch)
        return not opens and sealed.store.size(name) is not None


def redacted_in(room: OrgVault, state: LiveState) -> dict[int, str]:
    """The live redactions by the numbers of their commits."""
    folder = object_names.redactions(room.org)
    names = (name for name in state.objects if name.startswith(folder))
    return {object_names.redacted(name): name for name in names}
