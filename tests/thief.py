"""A thief who has the service key of a vault, and credentials that can only add objects."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import msgspec
import pyarrow as pa

from unlost.model.errors import StoreError
from unlost.model.vault.snapshot import CommitKind, PackEntry, SegmentEntry
from unlost.model.vault.store import Store
from unlost.testing.clock import START, VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.vault.commits.state import LiveSegment, live_objects
from unlost.vault.format.manifest import Manifest, TablePart
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.layout import object_names
from unlost.vault.maintenance.erase.redact import put_redaction
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.stores.store import MAY_NOT_DELETE
from unlost.vault.vault import open_vault
from unlost.vault.write.finish import proved_by
from vaultstory import Story

RUN = "by-a-thief"
LONG_AGO = START - timedelta(days=400)
TABLES = ("Account", "Contact", "Task", "ContentVersion")


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


def maintained(story: Story) -> Story:
    story.vault.sweep(story.org, run="owner-0")
    return story


def thief_of(story: Story) -> Thief:
    return Thief(story.store, story.keys.for_store(story.store), story.org, clock=story.clock)


def objects(story: Story) -> dict[str, bytes]:
    """All that the owner may lose: everything but notes of runs, checkpoints and keys."""
    caches = (object_names.checkpoints(story.org), object_names.intents(story.org))
    names = [one.name for one in story.store.list(f"orgs/{story.org}/")]
    return {name: story.store.get(name) for name in names if not name.startswith(caches)}


def backups(story: Story, number: int = 3) -> dict[str, pa.Table]:
    """All that a backup shows."""
    snapshot = story.vault.at(story.org, number, forgotten=True)
    return {table: snapshot.scan(table).read_all().sort_by("_u_id") for table in TABLES}


def maintain(story: Story) -> None:
    """What the owner runs by night, with credentials that may delete."""
    number = story.clock.now().timestamp()
    story.vault.compact(story.org, run=f"owner-compact-{number:.0f}")
    story.vault.rekey(story.org, run=f"owner-rekey-{number:.0f}")
    story.vault.sweep(story.org, run=f"owner-sweep-{number:.0f}")


def without_all(thief: Thief) -> dict[str, Any]:
    lives = thief.segments()
    return {
        "tables": thief.without(lives),
        "dropped": tuple(pack.id for pack in thief.packs()),
    }


def erased(kind: CommitKind) -> Callable[[Thief], object]:
    """Takes all segments and packs away, and condemns them at a time long ago."""

    def act(thief: Thief) -> object:
        return thief.commit(
            kind,
            **without_all(thief),
            condemned=tuple(thief.everything()),
            finished=LONG_AGO,
        )

    return act


def dropped_silently(thief: Thief) -> object:
    """A backup takes all away and condemns nothing: all of it looks like stray objects."""
    return thief.commit(CommitKind.BACKUP, **without_all(thief))


def withdrawn(kind: CommitKind) -> Callable[[Thief], object]:
    """Schemas and certificates."""

    def act(thief: Thief) -> object:
        return thief.commit(kind, withdrawn=tuple(thief.documents("orgs/")), finished=LONG_AGO)

    return act


def unjournaled(kind: CommitKind) -> Callable[[Thief], object]:
    """The journals of a finished restore, and of an open one."""

    def act(thief: Thief) -> object:
        return thief.commit(kind, unjournaled=("restore-1", "restore-open"))

    return act


def redacted(thief: Thief) -> object:
    """Each manifest is replaced by another text of it."""
    chain, seq = thief.org_vault.chain, thief.org_vault.chain.proved().seq + 1
    entries = []
    for number in range(1, seq):
        manifest, head = chain.manifest(number)
        entries.append(put_redaction(thief.org_vault, manifest, head=head, by=seq))
    return thief.commit(CommitKind.ERASE, objects=tuple(entries))
