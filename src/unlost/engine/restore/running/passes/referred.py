"""Before an undo deletes: records to which people made others refer since it was planned.

An org deletes the new child of a deleted record with it, and empties other references to it. The
plan had asked for such records, but it may wait for days. See docs/adr/0042.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from unlost.engine.restore.running.correlate import each
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.undone import UndoneReader
from unlost.engine.restore.values.referrers import (
    QUERIES,
    Referrer,
    owner_columns,
    owners_in,
    referrer_queries,
    referrers_in,
)
from unlost.model.plan import RecordKey
from unlost.model.source.schema import DeleteRule, Table
from unlost.model.source.writing import Birth


def newly_referred(session: RestoreSession, doomed: Sequence[RecordKey]) -> Iterator[str]:
    """The records (TABLE/ID) to which records refer that stay in the org."""
    gone = frozenset(doomed)
    edges = list(_edges(session, doomed))
    leaving = {(edge.key.record, edge.target) for edge in edges if edge.key in gone}
    outer = [edge for edge in edges if edge.key not in gone and not _is_loose(session, edge)]
    owners = _owners(session, {edge.key for edge in outer})
    for edge in outer:
        if not leaving & {(owner, edge.target) for owner in owners.get(edge.key, ())}:
            yield str(edge.target)


def _edges(session: RestoreSession, doomed: Sequence[RecordKey]) -> Iterator[Referrer]:
    """All references to these records. The plan has named the tables that the org does not show."""
    queries = list(referrer_queries(session.schema.tables, doomed))
    for at in range(0, len(queries), QUERIES):
        part = queries[at : at + QUERIES]
        answers = session.ports.writer.referrers([query for query, _ in part])
        for (query, target), rows in zip(part, answers, strict=True):
            if rows is not None and len(rows) and not _is_of_org(session, query.table):
                yield from referrers_in(query, target, rows)


def _is_of_org(session: RestoreSession, table: Table) -> bool:
    """True for rows that only the org writes: they go and return with the record."""
    return session.capability(table.name).birth is Birth.NEVER


def _is_loose(session: RestoreSession, edge: Referrer) -> bool:
    """True for a reference that the org set itself when the record came back: it is emptied again."""
    if not isinstance(session.wanted, UndoneReader):  # a new file of an archive
        return False
    column = session.table(edge.key.table).column(edge.column)
    assert column is not None
    assert column.reference is not None
    emptied = column.reference.rule is DeleteRule.SET_NULL
    return emptied and (edge.key, edge.column) in session.wanted.undone.relinked


def _owners(
    session: RestoreSession, keys: Collection[RecordKey]
) -> Mapping[RecordKey, frozenset[str]]:
    """For rows that the org keeps in step with other records, the ids of these."""
    by_table: dict[str, list[str]] = {}
    for key in keys:
        if session.capability(key.table).by_product_when:
            by_table.setdefault(key.table, []).append(key.record)
    owners: dict[RecordKey, frozenset[str]] = {}
    for name, ids in by_table.items():
        table, capability = session.table(name), session.capability(name)
        columns = owner_columns(table, capability)
        for record, cells in each(session.ports.writer.fetch(table, ids, columns=columns)):
            owners[RecordKey(name, record)] = owners_in(cells, capability)
    return owners
