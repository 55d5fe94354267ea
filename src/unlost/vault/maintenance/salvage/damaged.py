"""Search for live objects that differ from what was written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from unlost.model.errors import IntegrityError
from unlost.model.vault.snapshot import Damage
from unlost.vault.commits.state import LiveSegment, LiveState, live_objects, segment_objects
from unlost.vault.layout import object_names
from unlost.vault.maintenance.salvage.journals import broken_journals
from unlost.vault.maintenance.salvage.proving import proved_damages
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.stores.cached import without_cache


@dataclass(frozen=True, slots=True)
class Damaged:
    """Damaged objects: segments by id, packs by the ids used in rows of ``$files``.

    ``certificates``: by name. ``journals``: runs whose complete journals are given up. ``objects``:
    the names of all of these. ``other_damages``: damage of other kinds.
    """

    segments: frozenset[str] = frozenset()
    packs: frozenset[str] = frozenset()
    certificates: tuple[str, ...] = ()
    journals: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    other_damages: tuple[Damage, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.objects)

    def of(self, state: LiveState, table: str) -> list[LiveSegment]:
        """Return the damaged segments of a table, oldest first."""
        return [
            segment
            for segment in state.of(table, until=state.seq)
            if segment.entry.id in self.segments
        ]


def find_damaged(org_vault: OrgVault, state: LiveState) -> Damaged:
    """Read every live object; raises IntegrityError (``salvage-schema``) if a schema is damaged.

    Raises StoreError if the store cannot read an object at the moment, or returns different bytes
    the second time.
    """
    listing = {
        listed_object.name: listed_object.size
        for listed_object in org_vault.sealed.store.list(f"orgs/{org_vault.org}/")
    }
    damages = {damage.object: damage for damage in _damages(org_vault, state, listing)}
    schema = next(
        (name for name in damages if name.startswith(object_names.schemas(org_vault.org))), None
    )
    if schema is not None:
        raise IntegrityError(
            "salvage-schema",
            "The schema “{schema}” is damaged. Without it, the columns are unknown.",
            next_step="Restore the schema from a mirror of the vault: `unlost verify "
            "--repair-from mirror`",
            schema=schema,
        )
    segments = frozenset(_segments(org_vault, state, damages))
    packs = {stem: object_names.pack(org_vault.org, pack.id) for stem, pack in state.packs.items()}
    damaged_packs = frozenset(stem for stem, name in packs.items() if name in damages)
    named = {packs[stem] for stem in damaged_packs} | {
        segment_object.name
        for entry in state.entries()
        if entry.id in segments
        for segment_object in segment_objects(entry, org=org_vault.org)
        if segment_object.name in damages
    }
    certificates = [
        name for name in damages if name.startswith(object_names.certificates(org_vault.org))
    ]
    journals = broken_journals(org_vault, state, listing)
    named |= {*certificates, *journals.objects}
    other_damages = [damages[name] for name in sorted(damages.keys() - named)]
    return Damaged(
        segments,
        damaged_packs,
        tuple(sorted(certificates)),
        journals.runs,
        tuple(sorted(named)),
        (*other_damages, *journals.other_damages),
    )


def _damages(
    org_vault: OrgVault, state: LiveState, listing: Mapping[str, int]
) -> tuple[Damage, ...]:
    """Compare all live objects with what was written.

    Raises StoreError if one cannot be read at the moment.
    """
    # Not the local cache: a good copy there would hide damage in the store.
    store = without_cache(org_vault.sealed.store)
    return tuple(proved_damages(live_objects(state, org=org_vault.org), store, listing))


def _segments(org_vault: OrgVault, state: LiveState, damages: dict[str, Damage]) -> Iterator[str]:
    """Iterate over the ids of segments with a damaged object."""
    for entry in state.entries():
        if any(
            segment_object.name in damages
            for segment_object in segment_objects(entry, org=org_vault.org)
        ):
            yield entry.id
