"""The audit: each night a part of the rows that say they did not change is compared with the vault.

Rows are asked for by the time of their last change. What changes without moving it would be missed
for ever, so a thirtieth of a table's ids is read again each night; the vault drops what is the
same. Large tables take more nights, for a night's part is bounded; small ones are read in one of
the nights, for a question about a few rows costs as much as one about thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from unlost.engine.account import Account, Audited
from unlost.engine.files import add_files
from unlost.engine.policy import AuditPolicy
from unlost.engine.reading import Look, Request, TableRead, read_tables
from unlost.engine.session import Session
from unlost.model.ports import Snapshot
from unlost.model.progress import Phase
from unlost.model.reading import IdRange
from unlost.model.schema import TableTrait

SLACK = 4  # a part whose rows are that many times as long as expected is read no further


@dataclass(frozen=True, slots=True)
class Part:
    """Which records of a table are due, counted in the order of their ids: [``start``, ``stop``)."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Due:
    """A night's range of ids of a table: a JSON value. None: the table has no turn."""

    ids: IdRange | None = None


def part_of(held: int, *, row_bytes: int, turn: int, policy: AuditPolicy) -> Part | None:
    """The part of a table of ``held`` records that is due in a ``turn``; None if none is. Pure.

    Over all turns of a round each record is due once.
    """
    if not policy.nights or not held:
        return None
    most = max(1, min(policy.most_rows, policy.most_bytes // max(row_bytes, 1)))
    turns = policy.nights
    while held > most * turns:
        turns *= 2
    parts = min(max(held // policy.fewest_rows, 1), turns)
    at = turn % turns
    if at * parts % turns >= parts:
        return None
    number = at * parts // turns
    return Part(held * number // parts, held * (number + 1) // parts)


def range_of(snapshot: Snapshot, table: str, part: Part, *, held: int) -> IdRange:
    """The ids of a part, open at the ends of the table."""
    low, high, passed = "", None, 0
    for ids in snapshot.live_ids(table) if part.start or part.stop < held else ():
        if passed <= part.start < passed + ids.num_rows and part.start:
            low = ids["_u_id"][part.start - passed].as_py()
        if passed <= part.stop < passed + ids.num_rows:
            high = ids["_u_id"][part.stop - passed].as_py()
            break
        passed += ids.num_rows
    return IdRange(low, high, part.stop - part.start)


def audit(session: Session, accounts: Sequence[Account]) -> None:
    """Read the parts that are due; what differs goes into the commit, and is counted."""
    asked = [account for account in accounts if _can_be_audited(account)]
    due = session.runner.map(
        "audit/due",
        lambda account: _due(session, account),
        asked,
        key=lambda account: account.name,
        result=Due,
    )
    requests = [
        Request(account.name, account.plan.since, one.ids)
        for account, one in zip(asked, due, strict=True)
        if one.ids is not None
    ]
    look = Look("audit", Phase.AUDIT, session.policy.audit.most_bytes * SLACK)
    reads = read_tables(session, requests, look)
    results = [result for read in reads.values() for result in (*read.results, *read.again)]
    files = add_files(session, results, look="audit", sizes_tell=True)
    for account in asked:
        if account.name in reads:
            account.audit = _audited(session, reads[account.name])
            account.files += [result for result in files if result.table == account.name]


def _can_be_audited(account: Account) -> bool:
    """Not what was read whole, or could not be read, tonight."""
    incremental = account.plan.since is not None and not account.looks[0].full
    ranges = account.plan.table.has(TableTrait.ID_RANGES)
    return incremental and ranges and account.failure is None


def _due(session: Session, account: Account) -> Due:
    assert session.base is not None
    assert account.before is not None
    held = account.before.held
    part = part_of(
        held,
        row_bytes=max(session.base.row_bytes(account.name), _read_bytes(account)),
        turn=session.night + crc32(account.name.encode()),
        policy=session.policy.audit,
    )
    if part is None:
        return Due()
    return Due(range_of(session.base, account.name, part, held=held))


def _read_bytes(account: Account) -> int:
    """Bytes of a row as tonight's looks read them, long texts too; 0 if they read none."""
    rows = sum(read.rows for read in account.reads)
    return sum(read.bytes for read in account.reads) // rows if rows else 0


def _audited(session: Session, read: TableRead) -> Audited:
    pieces = [piece for result in (*read.results, *read.again) for piece in result.pieces]
    counts = session.commit.counts(read.table, pieces)
    return Audited(read, counts.created + counts.changed + counts.deleted + counts.revived)
