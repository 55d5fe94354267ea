"""Levels and second pass of a plan's records: which record waits for which."""

from collections.abc import Iterator

from unlost.engine.restore.planning.choose import DraftStep
from unlost.engine.restore.planning.graph.order import Node, Order, RecordReference, find_order
from unlost.engine.restore.planning.references import ReferenceSettlement
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.plan import Action, RecordKey


def put_in_order(settling: ReferenceSettlement) -> None:
    """Assign every record its level; skip records in cycles that cannot be broken."""
    order = _order(settling)
    while order.stuck:
        for key in order.stuck:
            settling.drafts[key].skip(NoteCode.CIRCLE_REQUIRED)
        settling.settle()
        order = _order(settling)
    undeletes = find_order(_undeleted(settling)).levels
    for draft in settling.drafts.values():
        draft.late = order.late.get(draft.key, ())
        draft.level = order.levels.get(draft.key, undeletes.get(draft.key, 0))
    _reopen(settling)
    for draft in settling.drafts.values():
        if draft.action is Action.BY_PRODUCT:
            draft.level = max((other.level for other in _needed(settling, draft)), default=0)


def _order(settling: ReferenceSettlement) -> Order:
    drafts = settling.drafts
    gathered = _gathered(settling)
    nodes = [
        Node(draft.key, (*_links(settling, draft), *gathered.get(draft.key, ())))
        for draft in drafts.values()
        if draft.action.creates
    ]
    tables = sorted({node.key.table for node in nodes})
    return find_order(nodes, after={name: settling.capabilities(name).after for name in tables})


def _links(settling: ReferenceSettlement, step: DraftStep) -> Iterator[RecordReference]:
    """References of a record to others that are created, or created along with others."""
    capability = settling.capabilities(step.key.table)
    for column, target in _targets(settling, step):
        if column not in capability.settable or column in step.facts.late:
            continue
        origin = settling.products.origin(target)
        if origin == step.key != target:
            continue  # its own by-product
        optional = column in capability.changeable and column not in capability.needs_value
        yield RecordReference(column, origin, late=optional)


def _targets(settling: ReferenceSettlement, step: DraftStep) -> Iterator[tuple[str, RecordKey]]:
    """The records that a record names, by their ids or by their keys, with the column."""
    for column in step.facts.references:
        for target in settling.records.targets(step.facts, column):
            yield column, target
    yield from settling.records.key_targets(step.facts)


def _gathered(settling: ReferenceSettlement) -> dict[RecordKey, list[RecordReference]]:
    """References through the rows that a record gathers; all of them are sent in one row."""
    references: dict[RecordKey, list[RecordReference]] = {}
    for draft in settling.drafts.values():
        maker = settling.products.origin(draft.key)
        for gathered in draft.facts.gathered:
            is_own = RecordKey(gathered.table, gathered.parent) == maker
            if is_own and gathered.value_column in draft.facts.references:
                target = settling.records.target(draft.facts, gathered.value_column)
                link = RecordReference(gathered.value_column, settling.products.origin(target))
                references.setdefault(maker, []).append(link)
    return references


def _undeleted(settling: ReferenceSettlement) -> Iterator[Node]:
    """Records that leave the bin: masters before their details."""
    for draft in settling.drafts.values():
        if draft.action is Action.UNDELETE:
            links = [
                RecordReference(other.key.record, other.key, late=True)
                for other in settling.masters(draft)
            ]
            yield Node(draft.key, tuple(links))


def _reopen(settling: ReferenceSettlement) -> None:
    """Find live records that must be drafts again while records are added to them."""
    for draft in settling.drafts.values():
        for _, target in _targets(settling, draft) if draft.action.creates else ():
            late = _draft_column(settling, target.table, draft.key.table)
            master = settling.drafts.get(target)
            if late is None or (master is not None and master.is_new):
                continue
            if master is None or master.action is not Action.UNDELETE:
                draft.remark(NoteCode.CLOSED)
            elif late in (*master.facts.late, *master.facts.differs):
                master.late = (late,)
                master.columns.pop(late, None)  # the second pass sets it
                master.remark(NoteCode.REOPENED)
            elif late not in settling.capabilities(target.table).changeable:
                draft.remark(NoteCode.CLOSED)


def _draft_column(settling: ReferenceSettlement, table: str, added: str) -> str | None:
    """The column of a table that decides whether records of another can be added."""
    known = settling.records.survey.is_business_table(table)
    late = settling.capabilities(table).late if known else ()
    return next((column.column for column in late if added in column.holds), None)


def _needed(settling: ReferenceSettlement, step: DraftStep) -> Iterator[DraftStep]:
    """The records with which a by-product is created."""
    drafts = settling.drafts
    maker = settling.products.makers.get(step.key)
    if maker is not None:
        yield drafts[maker]
        return
    for _, target in _targets(settling, step):
        if target in drafts and drafts[target].action.creates:
            yield drafts[target]
