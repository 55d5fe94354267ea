"""Search for objects of an org that are still sealed under keys earlier than its newest.

For segments and packs, manifests contain the epoch of the key. For all other objects, it is in the
clear header.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from unlost.model.errors import IntegrityError, NotFound, UsageError
from unlost.model.vault.rekeying import UnderEarlier
from unlost.model.vault.snapshot import PackEntry
from unlost.vault.commits.state import LiveSegment, LiveState, live_objects
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.layout import object_names
from unlost.vault.layout.org_names import identity_names
from unlost.vault.maintenance.garbage import listing_of
from unlost.vault.objects.segments import opens_under
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.journal import journal_runs

_SIDECAR = ".idx"


def under_earlier(org_vault: OrgVault) -> UnderEarlier:
    """Sum up objects under earlier keys according to the newest commit, without opening any."""
    keys, state = org_vault.sealed.keys, org_vault.chain.live()
    epoch = keys.epoch(org_vault.org)
    segments = [live.entry for live in earlier_segments(state, epoch)]
    packs = earlier_packs(state, epoch)
    objects = len({entry.object for entry in segments}) + len(packs)
    size = sum(segment.own_bytes for segment in segments) + sum(pack.bytes for pack in packs)
    return UnderEarlier(objects, size, complete=is_complete(keys, org_vault.org))


def is_complete(keys: Keyring, org: str) -> bool:
    """Return true if there is no key earlier than the one that new objects are sealed with."""
    return not keys.copies_before(org, keys.epoch(org))


def earlier_segments(state: LiveState, epoch: int) -> list[LiveSegment]:
    """List live segments under earlier keys, grouped by table."""
    segments = (
        segments_by_ident[ident]
        for _, segments_by_ident in sorted(state.segments.items())
        for ident in sorted(segments_by_ident)
    )
    return [live for live in segments if live.entry.epoch < epoch]


def earlier_packs(state: LiveState, epoch: int) -> list[PackEntry]:
    """List live packs under earlier keys."""
    return [pack for _, pack in sorted(state.packs.items()) if pack.epoch < epoch]


@dataclass(slots=True)
class EarlierKeysSurvey:
    """Search of an org for objects under earlier keys; remembers the epochs it has read."""

    org_vault: OrgVault
    epoch: int
    _seen: dict[str, int] = field(default_factory=dict[str, int])

    def is_earlier(self, name: str, *, gone: bool = False) -> bool:
        """Return true for an object under an earlier key, or with a damaged header.

        ``gone``: the answer for an object that does not exist.
        """
        if name not in self._seen:
            try:
                self._seen[name] = self.org_vault.sealed.header(name).epoch
            except NotFound:
                return gone
            except IntegrityError:
                return True
        return self._seen[name] < self.epoch

    def documents(self, state: LiveState) -> list[str]:
        """List schemas and certificates.

        Includes lost ones: a mirror may have them under an earlier key.
        """
        redactions = object_names.redactions(self.org_vault.org)
        names = (name for name in sorted(state.objects) if not name.startswith(redactions))
        return [name for name in names if self.is_earlier(name, gone=True)]

    def manifests(self, state: LiveState) -> Iterator[int]:
        """Iterate over commits whose manifest or redaction is under an earlier key, oldest first.

        Includes lost ones.
        """
        stands = state.redactions(self.org_vault.org)
        for seq in sorted(state.commits):
            if self.is_earlier(
                stands.get(seq) or object_names.commit(self.org_vault.org, seq), gone=True
            ):
                yield seq

    def disguised(self, state: LiveState) -> list[str]:
        """List live segments, sidecars and packs under another key than their commit says.

        Commits of others may claim any epoch. So this opens objects that ``earlier_segments`` and
        ``earlier_packs`` take for new ones; only worth it before keys are deleted.
        """
        org = self.org_vault.org
        there = listing_of(self.org_vault)
        names = {
            entry.name
            for entry in live_objects(state, org=org)
            if entry.name not in state.objects and entry.name in there
        }
        return [name for name in sorted(names) if self._data_is_earlier(name, there[name])]

    def checkpoints(self) -> list[str]:
        """List checkpoints, which repeat the live state."""
        return self._listed(object_names.checkpoints(self.org_vault.org))

    def journals(self) -> list[str]:
        """List journal entries."""
        return self._listed(object_names.journals(self.org_vault.org))

    def lost_entries(self, state: LiveState) -> list[str]:
        """List journal entries that do not exist: a mirror may have them under an earlier key."""
        stored, org = (
            journal_runs(self.org_vault.sealed, org=self.org_vault.org),
            self.org_vault.org,
        )
        return [
            object_names.journal_entry(org, run, number)
            for run, proof in state.journals.items()
            for number in sorted(set(range(proof.entries)) - set(stored.get(run, ())))
        ]

    def identities(self) -> list[str]:
        """List the objects with the identity of the org."""
        names = identity_names(self.org_vault.sealed.store, self.org_vault.org)
        return [name for name in names if self.is_earlier(name)]

    def runs(self) -> list[str]:
        """List intents of open runs, and the objects beside them."""
        return self._listed(object_names.intents(self.org_vault.org))

    def needless(self, state: LiveState) -> list[str]:
        """List documents that no commit names; valid only if no open run may still commit them."""
        org = self.org_vault.org
        folders = (
            object_names.redactions(org),
            object_names.certificates(org),
            object_names.schemas(org),
        )
        names = (name for folder in folders for name in self._listed(folder))
        return [name for name in names if name not in state.objects]

    def waiting(self, state: LiveState) -> dict[str, int]:
        """Return segments and packs that no commit names and that still exist: sizes by name."""
        live = {entry.name for entry in live_objects(state, org=self.org_vault.org)}
        listing = listing_of(self.org_vault)
        waiting_sizes = {name: size for name, size in listing.items() if name not in live}
        return {
            name: size for name, size in waiting_sizes.items() if self._data_is_earlier(name, size)
        }

    def _listed(self, folder: str) -> list[str]:
        names = [listed.name for listed in self.org_vault.sealed.store.list(folder)]
        return [name for name in names if self.is_earlier(name)]

    def _data_is_earlier(self, name: str, size: int) -> bool:
        if name.startswith(object_names.packs(self.org_vault.org)) or name.endswith(_SIDECAR):
            try:
                return self.is_earlier(name)
            except UsageError:  # a wrong bit may look like a newer format; nothing needs it
                return True
        # Parquet encryption has no clear header with an epoch, so the newest key is tried instead.
        sealed, org = self.org_vault.sealed, self.org_vault.org
        opens = opens_under(sealed, org=org, name=name, size=size, epoch=self.epoch)
        return not opens and sealed.store.size(name) is not None
