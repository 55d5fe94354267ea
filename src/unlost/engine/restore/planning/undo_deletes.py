"""Decide which records an undo deletes, and in which order: a record to which others refer stays."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from unlost.engine.restore.journal.effects import (
    EffectKind,
    RunEffects,
)
from unlost.engine.restore.planning.graph.referrers import Referrers
from unlost.engine.restore.planning.survey import LiveRow, RestoreSurvey
from unlost.engine.restore.planning.undo_step import UndoStep
from unlost.engine.restore.values.note_code import NoteCode
from unlost.engine.restore.values.referrers import Referrer, owner_columns, owners_in
from unlost.model.plan import (
    Action,
    RecordKey,
)
from unlost.model.source.schema import DeleteRule
from unlost.model.source.writing import WriteCapability, WriteOp

ROUNDS = 50  # to put records in order: the longest chain of records that refer to one another


def keep_referred(
    survey: RestoreSurvey, steps: Sequence[UndoStep], known: RunEffects
) -> Sequence[str]:
    """Decide which records are deleted; returns tables that could not be queried.

    A record to which others refer stays, also if a person left one of these out. A detail goes with its master, and stays with it if it may
    not be deleted alone. A record that stays keeps those to which it refers, so this goes on until
    nothing changes.
    """
    doomed = {step.key: step for step in steps if step.action is Action.DELETE}
    # Records that stay because a person left some out.
    staying = {step.key for step in steps if step.is_left_out}
    apart = [s.key for s in steps if s.is_left_out and s.effect.kind is EffectKind.BROUGHT]
    referrers = Referrers(survey).of([*doomed, *apart])
    put_back = {(step.key, name) for step in steps for name in step.columns}
    # An org empties such a reference with the delete, and had set it again with the undelete.
    loose = {
        edge
        for edge in referrers.edges
        if known.relinked.get((edge.key, edge.column)) == edge.target.record
        and edge.key not in staying
        and _has_rule(survey, edge.key, edge.column, DeleteRule.SET_NULL)
    }
    loose |= {edge for edge in referrers.edges if (edge.key, edge.column) in put_back}
    edges = [edge for edge in referrers.edges if edge not in loose]
    moved = {(edge.key.record, edge.target) for edge in loose}
    owners = owners_of(survey, [edge.key for edge in edges if edge.key not in doomed])
    while True:
        _name_masters(survey, doomed, edges)
        leaving = moved | {(e.key.record, e.target) for e in edges if e.key in doomed}
        needs = [
            edge
            for edge in edges
            if _stays(edge, doomed)
            and (
                edge.key in staying
                or not leaving & {(owner, edge.target) for owner in owners.get(edge.key, ())}
            )
        ]
        needed = {edge.target for edge in needs}
        alone = {key for key, step in doomed.items() if _needs_master(survey, step)} - needed
        if not needed and not alone:
            _put_in_order(survey, doomed, edges)
            return referrers.unlooked
        chosen = {edge.target for edge in needs if edge.key in staying}
        chosen |= {edge.key for edge in edges if edge.key in alone and edge.target in staying}
        for key in needed:
            doomed.pop(key).skip(_why(key, chosen, NoteCode.REFERRED_SINCE))
        for key in alone:
            doomed.pop(key).skip(_why(key, chosen, NoteCode.DELETE_NOT_ALLOWED))
        staying |= chosen


def _why(key: RecordKey, chosen: Collection[RecordKey], otherwise: NoteCode) -> NoteCode:
    """The reason why a record stays. ``chosen``: because a person left out others."""
    return NoteCode.LEFT_OUT_NEEDS if key in chosen else otherwise


def arrange(
    survey: RestoreSurvey, doomed: Mapping[RecordKey, UndoStep], edges: Sequence[Referrer]
) -> list[RecordKey]:
    """Name the masters of details, and put all in order; returns those that cannot be deleted.

    ``edges``: references between these records.
    """
    _name_masters(survey, doomed, edges)
    _put_in_order(survey, doomed, edges)
    return [key for key, step in doomed.items() if _needs_master(survey, step)]


def _has_rule(survey: RestoreSurvey, key: RecordKey, name: str, rule: DeleteRule) -> bool:
    """True for a reference with this rule in a table that the org has."""
    table = survey.tables.get(key.table)
    column = table.column(name) if table is not None else None
    return column is not None and column.reference is not None and column.reference.rule is rule


def _put_in_order(
    survey: RestoreSurvey, doomed: Mapping[RecordKey, UndoStep], edges: Iterable[Referrer]
) -> None:
    """Raise the levels of records above those to which they refer.

    The levels of the undone run are right for most; by-products of a record can be above it. Records
    that refer to each other in a circle have no order.
    """
    inner = [e for e in edges if {e.key, e.target} <= doomed.keys() and e.key != e.target]
    pairs = ((edge.key, edge.target) for edge in inner)
    # A record that prevents the deletion of a detail prevents that of its master.
    preventing = (e for e in inner if _has_rule(survey, e.key, e.column, DeleteRule.RESTRICT))
    roots = ((_root(edge.key, doomed), _root(edge.target, doomed)) for edge in preventing)
    others = ((root, other) for root, other in roots if root != other)
    inside = [(doomed[key], doomed[target]) for key, target in chain(pairs, others)]
    for _ in range(ROUNDS):
        low = [(step, target) for step, target in inside if step.level <= target.level]
        if not low:
            return
        for step, target in low:
            step.level = max(step.level, target.level + 1)
    for edge in inner:
        roots_of_edge = _root(edge.key, doomed), _root(edge.target, doomed)
        first, last = (doomed[root] for root in roots_of_edge)
        if first is not last and first.level <= last.level:
            doomed[edge.key].circular |= {edge.column}


def _root(key: RecordKey, doomed: Mapping[RecordKey, UndoStep]) -> RecordKey:
    """The record whose delete call deletes this one."""
    met = {key}
    while (master := doomed[key].master) is not None and master not in met:
        key = master
        met.add(key)
    return key


def _stays(edge: Referrer, doomed: Mapping[RecordKey, UndoStep]) -> bool:
    return edge.target in doomed and edge.key not in doomed


def owners_of(
    survey: RestoreSurvey, keys: Iterable[RecordKey]
) -> Mapping[RecordKey, frozenset[str]]:
    """For rows that the org keeps in step with other records, the ids of these."""
    by_table: dict[str, set[str]] = {}
    for key in keys:
        if survey.capability(key.table).by_product_when:
            by_table.setdefault(key.table, set()).add(key.record)
    owners: dict[RecordKey, frozenset[str]] = {}
    for name, ids in by_table.items():
        table, capability = survey.table(name), survey.capability(name)
        columns = owner_columns(table, capability)
        for record, row in survey.rows(name, sorted(ids), columns=columns).items():
            owners[RecordKey(name, record)] = owners_in(row.cells, capability)
    return owners


def _needs_master(survey: RestoreSurvey, step: UndoStep) -> bool:
    allowed = survey.capability(step.effect.table).allows(WriteOp.DELETE)
    return step.master is None and (step.bound or not allowed)


def _name_masters(
    survey: RestoreSurvey, doomed: Mapping[RecordKey, UndoStep], edges: Iterable[Referrer]
) -> None:
    """Name for each doomed detail the doomed record with which the org deletes it."""
    for step in doomed.values():
        step.master = None
    _part(survey, doomed, edges)
    for edge in edges:
        inside = edge.key in doomed and edge.target in doomed and edge.key != edge.target
        detail = inside and _has_rule(survey, edge.key, edge.column, DeleteRule.CASCADE)
        if detail and not doomed[edge.key].alone:
            doomed[edge.key].master = doomed[edge.key].master or edge.target


def _part(
    survey: RestoreSurvey, doomed: Mapping[RecordKey, UndoStep], edges: Iterable[Referrer]
) -> None:
    """Delete records alone that prevent the deletion of one that is deleted alone."""
    preventing = [
        edge
        for edge in edges
        if {edge.key, edge.target} <= doomed.keys()
        and _has_rule(survey, edge.key, edge.column, DeleteRule.RESTRICT)
    ]
    changed = True
    while changed:
        changed = False
        for edge in preventing:
            if doomed[edge.target].alone and not doomed[edge.key].alone:
                doomed[edge.key].alone = changed = True


def is_marked(capability: WriteCapability, row: LiveRow) -> bool:
    """True for a row that the org creates itself."""
    return any(row.cells.get(column) == text for column, text in capability.by_product_when)
