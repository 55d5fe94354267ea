"""Records that the org creates automatically along with others: which ones, and with which.
Pure.
"""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from unlost.engine.restore.planning.choose import Drafts, DraftStep, create
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.plan import Action, RecordKey
from unlost.model.source.writing import Birth, WriteCapability

type Capabilities = Callable[[str], WriteCapability]


@dataclass(frozen=True, slots=True)
class ByProducts:
    """By-products; ``makers`` maps each to the first record with which it is created."""

    makers: Mapping[RecordKey, RecordKey] = field(default_factory=dict)

    def origin(self, key: RecordKey) -> RecordKey:
        """The record that must be created for this one to exist."""
        return self.makers.get(key, key)


def settle_products(
    drafts: Drafts,
    capabilities: Capabilities,
    *,
    by_products: AbstractSet[str],
    outside_ids: Mapping[RecordKey, str | None],
    freed: AbstractSet[RecordKey] = frozenset(),
) -> ByProducts:
    """Assign each by-product its maker; a by-product without one is created or skipped.

    ``freed``: files whose places new ones took: old versions do not go on top of these.

    ``by_products``: tables that another table is declared to create. ``outside_ids``: live ids of records
    outside the plan, None for lost ones. Call it again whenever a record is skipped.
    """
    if freed:
        _skip_freed(drafts, capabilities, freed)
    makers = {**_gatherers(drafts), **_first_makers(drafts, capabilities)}
    for draft in drafts.values():
        if draft.key in makers and draft.action.creates:
            draft.action = Action.BY_PRODUCT
        elif draft.action is Action.BY_PRODUCT and draft.key not in makers:
            owners = [RecordKey(g.table, g.parent) for g in draft.facts.gathered]
            away = any(_gatherer_is_gone(owner, drafts, outside_ids) for owner in owners)
            declared = draft.key.table in by_products or away
            _without_maker(draft, capabilities(draft.key.table), declared=declared)
    return ByProducts(
        {key: maker for key, maker in makers.items() if drafts[key].action is Action.BY_PRODUCT}
    )


def _skip_freed(drafts: Drafts, capabilities: Capabilities, freed: AbstractSet[RecordKey]) -> None:
    for draft in drafts.values():
        if draft.action.creates:
            products = [product for product, _ in _makes(draft, capabilities(draft.key.table))]
            live = (p for p in products if p not in drafts or not drafts[p].is_new)
            if any(product in freed for product in live):
                draft.skip(NoteCode.VERSION_FREED)


def _without_maker(step: DraftStep, capability: WriteCapability, *, declared: bool) -> None:
    """A by-product that no record of the plan creates: the run checks whether it exists.

    ``declared``: its maker is known, and does not come back.
    """
    if step.facts.made_by_org:
        return
    if capability.birth is not Birth.BY_PRODUCT:
        create(step, capability)
    elif declared:
        step.skip(NoteCode.MAKER_MISSING)


def _gatherer_is_gone(
    owner: RecordKey, drafts: Drafts, outside_ids: Mapping[RecordKey, str | None]
) -> bool:
    """True if the record that would gather a row will not exist after the restore either."""
    step = drafts.get(owner)
    return outside_ids.get(owner, owner.record) is None if step is None else not step.stays


def _gatherers(drafts: Drafts) -> dict[RecordKey, RecordKey]:
    """Rows that another record gathers when it is created: rows with a reference to gather.

    Of rows that cannot be written directly, the org creates the others with the record, too.
    """
    gatherers = {}
    for draft in drafts.values():
        for gathered in draft.facts.gathered:
            owner = RecordKey(gathered.table, gathered.parent)
            holds = gathered.value_column in draft.facts.references
            if (
                owner in drafts
                and drafts[owner].action.creates
                and (draft.action is Action.BY_PRODUCT or (holds and draft.action.creates))
            ):
                gatherers[draft.key] = owner
    return gatherers


def _first_makers(drafts: Drafts, capabilities: Capabilities) -> dict[RecordKey, RecordKey]:
    """For each by-product the first of the records that would create it."""
    first_makers: dict[RecordKey, list[tuple[tuple[Decimal, str], str, RecordKey]]] = {}
    for draft in drafts.values():
        if draft.action.creates:
            for product, rank in _makes(draft, capabilities(draft.key.table)):
                if product in drafts and drafts[product].is_new:
                    first_makers.setdefault(product, []).append((rank, draft.key.record, draft.key))
    return {product: min(makers)[2] for product, makers in first_makers.items()}


def _makes(
    step: DraftStep, capability: WriteCapability
) -> Iterator[tuple[RecordKey, tuple[Decimal, str]]]:
    for product, rank in zip(capability.by_products, step.facts.rank, strict=True):
        old = step.facts.references.get(product.column)
        if old is not None:
            yield RecordKey(product.table, old), _rank(rank)


def _rank(text: str) -> tuple[Decimal, str]:
    """Rank numbers by size, before texts by their letters."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return Decimal("Infinity"), text
    # ``Decimal`` also accepts NaN and Infinity, which cannot be ordered among numbers.
    return (number, "") if number.is_finite() else (Decimal("Infinity"), text)
