"""Find the records that mail loops created: nothing but mails of loops belongs to them.

loop    mails M1 M2 M3 M4
case A  M1 M2              created by the loop
case B  M3, and a mail M9  a person wrote M9: the case stays
case C  M4                 older than the loop: the case stays
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import polars as pl

from unlost.engine.storage.mails import frame, instants
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.storage import MailLoop, MailRule, StorageRule

EARLIER = timedelta(hours=1)  # clocks of mail servers differ from that of the org
FETCH = 2_000


def parent_table(snapshot: Snapshot, table: str, rule: MailRule) -> str:
    """Return the table of the records to which mails belong; empty if it is none or several."""
    described = snapshot.schema().table(table)
    column = described.column(rule.parent) if described is not None and rule.parent else None
    names = column.reference.tables if column is not None and column.reference is not None else ()
    known = [name for name in names if name in snapshot.tables()]
    return known[0] if len(known) == 1 else ""


def created_records(
    snapshot: Snapshot,
    table: str,
    rule: MailRule,
    loops: Sequence[MailLoop],
    *,
    rules: Mapping[str, StorageRule],
) -> Mapping[str, tuple[str, ...]]:
    """Return the live records that each loop created, by the id of its first mail.

    A record with mails of several loops belongs to the first of them. ``rules`` name the column
    with the time of creation; without one, no record counts as created.
    """
    parent = parent_table(snapshot, table, rule)
    born = rules[parent].born if parent in rules else None
    if not parent or born is None:
        return {}
    others = _with_other_mails(snapshot, table, rule, loops)
    created: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set(others)
    for loop in loops:
        candidates = [record for record in loop.parents if record not in taken]
        records = _born_since(snapshot, parent, born, candidates, loop)
        taken.update(records)
        created[loop.first] = records
    return created


def _with_other_mails(
    snapshot: Snapshot, table: str, rule: MailRule, loops: Sequence[MailLoop]
) -> set[str]:
    """Return the parents of loops to which a mail belongs that is in no loop."""
    assert rule.parent is not None
    parents = list({record for loop in loops for record in loop.parents})
    mails = [record for loop in loops for record in loop.records]
    parent, mail = pl.col(rule.parent).cast(pl.String), pl.col("_u_id").cast(pl.String)
    others: set[str] = set()
    for batch in snapshot.scan(table, columns=[rule.parent]):
        rows = frame(batch).filter(parent.is_in(parents) & ~mail.is_in(mails))
        others.update(rows[rule.parent].cast(pl.String).to_list())
    return others


def _born_since(
    snapshot: Snapshot, table: str, born: str, records: Sequence[str], loop: MailLoop
) -> tuple[str, ...]:
    """Return the live ones of these records that were created after a loop began."""
    created: list[str] = []
    for at in range(0, len(records), FETCH):
        rows = frame(snapshot.get(table, records[at : at + FETCH], columns=[born]))
        alive = pl.col("_u_op").cast(pl.String) == Op.STATE.value
        late = instants(born) >= loop.begun - EARLIER
        created += rows.filter(alive & late)["_u_id"].cast(pl.String).to_list()
    return tuple(sorted(created))
