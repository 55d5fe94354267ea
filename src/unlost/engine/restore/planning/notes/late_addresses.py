"""Notes about texts that will show the old id of a record. Pure.

A record is created with the new ids of the records that exist by then. If its text cannot be
changed later, addresses of itself and of records that are created with it or after it stay old: the
images that hang on an e-mail, for example. See ``running.addresses``.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from unlost.engine.restore.planning.choose import DraftStep
from unlost.engine.restore.values.addresses import IdIndex
from unlost.model.plan import Action, NoteWeight, PlanNote, RecordKey

LATE_ADDRESSES = "late-addresses"


def late_address_notes(
    drafts: Collection[DraftStep], lives: Mapping[RecordKey, RecordKey]
) -> Iterator[PlanNote]:
    """A note for each table with such records. ``lives``: the plan's record by its last life."""
    index = IdIndex(lives)
    by_key = {draft.key: draft for draft in drafts}
    counts = Counter(
        draft.key.table
        for draft in drafts
        if draft.action is Action.CREATE and _has_late(draft, index, lives, by_key)
    )
    for table, count in sorted(counts.items()):
        yield PlanNote.of(
            LATE_ADDRESSES,
            NoteWeight.WARNING,
            "{records} of {table} will contain links or images with old ids: they lead to records "
            "that are created later, and the text cannot be changed then.",
            "Open such images in the vault: see the files of the record in the backup.",
            table,
            count=count,
        )


def _has_late(
    draft: DraftStep,
    index: IdIndex,
    lives: Mapping[RecordKey, RecordKey],
    by_key: Mapping[RecordKey, DraftStep],
) -> bool:
    for old in draft.facts.mentions:
        life = index.find(old)
        other = by_key.get(lives[life]) if life is not None else None
        if other is not None and _gets_id_late(other, draft):
            return True
    return False


def _gets_id_late(other: DraftStep, draft: DraftStep) -> bool:
    return other.action in (Action.CREATE, Action.BY_PRODUCT) and other.level >= draft.level
