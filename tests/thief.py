"""A thief who has the service key of a vault, and credentials that can only add objects."""

from collections.abc import Iterable
from typing import Any

import msgspec

from unlost.model.errors import StoreError
from unlost.model.vault.snapshot import CommitKind, PackEntry, SegmentEntry
from unlost.model.vault.store import Store
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.vault.commits.state import LiveSegment, live_objects
from unlost.vault.format.manifest import Manifest, TablePart
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.stores.store import MAY_NOT_DELETE
from unlost.vault.vault import open_vault
from unlost.vault.write.finish import proved_by

RUN = "by-a-thief"


class AddingStore:
    """A store whose credentials can only read and add."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def delete(self, name: str) -> bool:
        """Refuse."""
        raise StoreError(MAY_NOT_DELETE, f"“{name}” stays.", next_step="Take others.")


class Thief:
    """Opens the vault as the owner does, and makes commits that prove themselves."""

    def __init__(self, store: Store, keys: Keyring, org: str, *, clock: VirtualClock) -> None:
        self.clock = clock
        added: Any = AddingStore(store)
        self.vault = open_vault(added, keys=keys, clock=clock, entropy=SeededEntropy(666))
        self.org = org

    @property
    def org_vault(self) -> OrgVault:
        return self.vault.org_vault(self.org)

    def commit(self, kind: CommitKind, **changes: Any) -> int:
        """Make a commit of this kind on top of the newest; ``changes`` are fields of the manifest."""
        chain = self.org_vault.chain
        state = chain.proved()
        before = chain.manifest(state.seq)[0]
        fields: dict[str, Any] = {
            "seq": state.seq + 1,
            "parent": state.head,
            "run": RUN,
            "kind": kind,
            "finished": self.clock.now(),
            "base": state.seq,
            "certificate": None,
            "tables": (),
            "packs": (),
            "objects": (),
            "journal": None,
            "reuses": (),
        }
        made: Manifest = msgspec.structs.replace(before, **(fields | changes))
        after = state.copy()
        after.apply(made, head="")
        assert chain.put(proved_by(made, after))
        return made.seq

    def segments(self, table: str = "") -> list[LiveSegment]:
        """The live segments, of one table or of all."""
        state = self.org_vault.chain.live()
        return [live for live in state.live_segments() if table in ("", live.entry.table)]

    def packs(self) -> list[PackEntry]:
        """The live packs."""
        return list(self.org_vault.chain.live().packs.values())

    def everything(self) -> list[str]:
        """All live objects, by name."""
        state = self.org_vault.chain.live()
        return sorted(entry.name for entry in live_objects(state, org=self.org))

    def documents(self, folder: str) -> list[str]:
        """The live documents in a folder."""
        return sorted(n for n in self.org_vault.chain.live().objects if n.startswith(folder))

    def without(self, lives: Iterable[LiveSegment]) -> tuple[TablePart, ...]:
        """The parts of a manifest that take segments away."""
        by_table: dict[str, list[str]] = {}
        for live in lives:
            by_table.setdefault(live.entry.table, []).append(live.entry.id)
        return tuple(TablePart(table, removed=tuple(ids)) for table, ids in by_table.items())

    def names(self, entries: Iterable[SegmentEntry]) -> tuple[str, ...]:
        """The objects of segments."""
        return tuple(
            name
            for entry in entries
            for name in (
                object_names.segment(self.org, entry.object),
                object_names.sidecar(self.org, entry.id),
            )
        )
