"""Before an undo deletes: the records to which others refer that stay, or that came since its plan.

An org deletes the new child of a deleted record with it, and empties other references to it. The
plan had asked for such records, but it may wait for days. See docs/adr/0042.

    Memo (new) -> Contact -> Account     the memo is none of the undo's: the contact stays,
                                         so the account does, too
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlost.engine.restore.running.correlate import each
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.undone import UndoneReader
from unlost.engine.restore.values.referrers import (
    QUERIES,
    Referrer,
    TargetQuery,
    owner_columns,
    owners_in,
    referrer_queries,
    referrers_in,
)
from unlost.model.plan import RecordKey
from unlost.model.source.reading import Rows
from unlost.model.source.schema import DeleteRule, Table
from unlost.model.source.writing import Birth

UNLOOKED = "undo-unlooked"  # the note of a plan about tables of which the org does not show it


@dataclass(frozen=True, slots=True)
class References:
    """References to the records that an undo would delete, as the org has them now.

    ``loose``: those that the org set itself when the record came back; it empties them again.
    ``owners``: for rows that the org keeps in step with other records, the ids of these.
    ``unlooked``: records of which the org did not show whether others refer to them.
    """

    edges: tuple[Referrer, ...]
    loose: frozenset[Referrer]
    owners: Mapping[RecordKey, frozenset[str]]
    unlooked: frozenset[RecordKey]

    def needed(self, leaving: Collection[RecordKey]) -> set[RecordKey]:
        """Of the records that would leave, those to which a record refers that stays."""
        along = {(edge.key.record, edge.target) for edge in self.edges if edge.key in leaving}
        return {
            edge.target
            for edge in self.edges
            if edge.target in leaving and edge.key not in leaving and edge not in self.loose
            if not along & {(owner, edge.target) for owner in self.owners.get(edge.key, ())}
        }

    def by_others(self, planned: Collection[RecordKey]) -> set[RecordKey]:
        """The records to which records refer that are not among the planned ones."""
        others = (edge for edge in self.edges if edge not in self.loose)
        return {edge.target for edge in others if edge.key not in planned}


def references_to(session: RestoreSession, doomed: Sequence[RecordKey]) -> References:
    """Ask the org which records refer to these, also those of tables that are newer than the backup."""
    tables = session.schema.tables
    if session.ports.source is not None and doomed:
        tables = session.ports.source.discover().tables
    edges: list[Referrer] = []
    unlooked: set[RecordKey] = set()
    for (query, target), rows in _answers(session, tables, doomed):
        if session.ports.writer.capability(query.table).birth is Birth.NEVER:
            continue  # rows that only the org writes go and return with the record
        if rows is not None:
            edges += referrers_in(query, target, rows) if len(rows) else ()
        elif query.table.name not in _named_unlooked(session):
            unlooked |= {RecordKey(target, record) for record in query.ids}
    loose = frozenset(edge for edge in edges if _is_loose(session, edge))
    by_name = {table.name: table for table in tables}
    owners = _owners(session, by_name, {edge.key for edge in edges if edge not in loose})
    return References(tuple(edges), loose, owners, frozenset(unlooked))


def _answers(
    session: RestoreSession, tables: Sequence[Table], doomed: Sequence[RecordKey]
) -> Iterator[tuple[TargetQuery, Rows | None]]:
    queries = list(referrer_queries(tables, doomed))
    for at in range(0, len(queries), QUERIES):
        part = queries[at : at + QUERIES]
        answers = session.ports.writer.referrers([query for query, _ in part])
        yield from zip(part, answers, strict=True)


def _named_unlooked(session: RestoreSession) -> frozenset[str]:
    """The tables that the plan named: a person knows that the org does not show their rows."""
    notes = (note for note in session.plan.notes if note.code == UNLOOKED)
    return frozenset(name for note in notes for name in str(note.args["tables"]).split(", "))


def _is_loose(session: RestoreSession, edge: Referrer) -> bool:
    """True for a reference that the org set itself when the record came back: it is emptied again."""
    if not isinstance(session.wanted, UndoneReader):  # a new file of an archive
        return False
    if session.wanted.undone.relinked.get((edge.key, edge.column)) != edge.target.record:
        return False
    column = session.table(edge.key.table).column(edge.column)
    reference = column.reference if column is not None else None
    return reference is not None and reference.rule is DeleteRule.SET_NULL


def _owners(
    session: RestoreSession, tables: Mapping[str, Table], keys: Collection[RecordKey]
) -> Mapping[RecordKey, frozenset[str]]:
    owners: dict[RecordKey, frozenset[str]] = {}
    for name in sorted({key.table for key in keys}):
        table = tables[name]
        capability = session.ports.writer.capability(table)
        if capability.by_product_when:
            ids = sorted(key.record for key in keys if key.table == name)
            columns = owner_columns(table, capability)
            for record, cells in each(session.ports.writer.fetch(table, ids, columns=columns)):
                owners[RecordKey(name, record)] = owners_in(cells, capability)
    return owners
