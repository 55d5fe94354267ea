"""Find mail loops: machines that answer each other, without people.

These mails fill a storage: an automatic reply is answered by an automatic reply, for hours. Three
signs reveal a loop, the surest first: headers mark the mails as automatic (RFC 3834); their
subjects do, and the answers come within an hour; or both sides answer again and again after the
same time. A person may write in between: only mails that no person wrote are counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl

from unlost.engine.storage.mails import (
    ANSWERS,
    AT,
    BY_HEADERS,
    BY_SUBJECT,
    FORTH,
    PARENT,
    PLAIN,
    RECORD,
    SIDES,
    STRIPPED,
    UNASKED,
    frame,
    read_mails,
    size_of,
)
from unlost.model.errors import IntegrityError
from unlost.model.message import Message
from unlost.model.ports.vault import Snapshot
from unlost.model.storage import LoopSign, MailLoop, MailRule, StorageWeight

MAX_MAILS = 1_000_000  # mails that are examined together; more are taken in parts
LEAST = 8  # mails; fewer fill no storage
LEAST_A_SIDE = 3
PAUSE = timedelta(hours=6)  # machines that were silent for so long are no longer in a loop
AT_ONCE = 3600.0  # seconds
STEADY = 0.5  # deviation of a side's response time, relative to it: if subjects are a sign
EXACT = 0.1  # and if they are not
MOST = 0.8  # nearly all
SOME = 0.4
LEAST_EXACT = 12  # mails in turns after the same time
SIZED = 2_000  # mails whose texts are read at a time

SESSION, MEMBER = "session", "member"
TOOK_PART, FORTHS, STRANGE_FORTHS, STRANGE_BACKS = "took_part", "forths", "sf", "sb"
GAP, WAITED, OFF = "gap", "waited", "off"
TURNS, UNASKED_SHARE = "turns", "unasked_share"


def find_loops(
    snapshot: Snapshot, table: str, rule: MailRule, *, weight: StorageWeight | None
) -> Sequence[MailLoop]:
    """All loops among a table's live mails, the largest first; ``weight`` sizes a mail.

    A loop with a text that is damaged in the vault has an ``error`` in place of its size.
    """
    parts = max(1, -(-snapshot.tables()[table].alive // MAX_MAILS))
    loops = [
        loop
        for part in range(parts)
        for sign, rows in _signed(_part(snapshot, table, rule, part, parts))
        for loop in _loops(snapshot, table, rows, sign, weight)
    ]
    return sorted(loops, key=lambda loop: (-loop.bytes, -loop.mails, loop.records))


def _part(snapshot: Snapshot, table: str, rule: MailRule, part: int, parts: int) -> pl.DataFrame:
    """The mails of some pairs of sides: all mails of a pair are together."""
    pair = pl.concat_str(SIDES, separator="\n").hash() % parts == part
    batches = [batch.filter(pair) for batch in read_mails(snapshot, table, rule)]
    return pl.concat(batches) if batches else pl.DataFrame()


def _signed(mails: pl.DataFrame) -> Iterator[tuple[LoopSign, pl.DataFrame]]:
    """Mails of loops, by the sign that revealed them; each has its ``session``."""
    if mails.is_empty():
        return
    signed = _members(mails, [], pl.col(BY_HEADERS) & pl.col(ANSWERS), _both_automatic())
    yield LoopSign.HEADERS, signed
    mails = mails.join(signed, on=RECORD, how="anti")
    telling = _members(mails, [STRIPPED], pl.col(BY_SUBJECT), _faster_than_people())
    yield LoopSign.SUBJECT, telling
    mails = mails.join(telling, on=RECORD, how="anti")
    yield LoopSign.CADENCE, _members(mails, [STRIPPED], pl.lit(value=True), _at_regular_intervals())


def _both_automatic() -> pl.Expr:
    """Both sides answer automatically, or one does and the other's mails were not stored."""
    alone = _one_sided() & (pl.col(UNASKED_SHARE) >= MOST) & (pl.col(WAITED) <= AT_ONCE)
    return (pl.col(TOOK_PART) >= LEAST) & ((_smaller_side() >= LEAST_A_SIDE) | alone)


def _faster_than_people() -> pl.Expr:
    """Answers at the speed of machines: people also answer automatic replies, but not like that."""
    quick = (pl.col(WAITED) <= AT_ONCE) & (pl.col(OFF) <= STEADY)
    turns = (pl.col(TURNS) >= MOST) & (pl.col(UNASKED_SHARE) >= SOME)
    alone = _one_sided() & (pl.col(UNASKED_SHARE) >= MOST)
    return (pl.col(TOOK_PART) >= LEAST) & quick & (turns | alone)


def _smaller_side() -> pl.Expr:
    return pl.min_horizontal(pl.col(FORTHS), pl.col(TOOK_PART) - pl.col(FORTHS))


def _one_sided() -> pl.Expr:
    """All are from one side, and (nearly) none from the other, whose mails were not stored."""
    opposite = pl.when(pl.col(FORTHS) == 0).then(STRANGE_FORTHS).otherwise(STRANGE_BACKS)
    return (_smaller_side() == 0) & (opposite <= pl.col(TOOK_PART) * (1 - MOST))


def _at_regular_intervals() -> pl.Expr:
    """Mails in turns, a dozen times after the same number of minutes: never a person."""
    exact = (pl.col(OFF) <= EXACT) & (pl.col(WAITED) <= AT_ONCE)
    return (pl.col(TURNS) >= MOST) & exact & (pl.col(TOOK_PART) >= LEAST_EXACT)


def _members(
    mails: pl.DataFrame, more: Sequence[str], member: pl.Expr, rule: pl.Expr
) -> pl.DataFrame:
    """The members of the sessions that match the rule.

    A session is the mails between two sides (with the same values of ``more``) without a long
    pause. ``member`` selects mails that no person wrote, as far as this sign shows.
    """
    keys = [*SIDES, *more]
    rows = mails.sort([*keys, AT, RECORD]).with_columns(
        (pl.col(AT).diff().over(keys).fill_null(PAUSE * 2) > PAUSE).cum_sum().alias(SESSION),
        member.alias(MEMBER),
    )
    mutual, strange = rows.filter(MEMBER), rows.filter(~pl.col(MEMBER))
    facts = _facts(mutual).join(_strangers(strange), on=SESSION, how="left")
    facts = facts.with_columns(pl.col(STRANGE_FORTHS, STRANGE_BACKS).fill_null(0))
    return mutual.join(facts.filter(rule).select(SESSION, GAP), on=SESSION)


def _facts(mails: pl.DataFrame) -> pl.DataFrame:
    """The facts about each session that rules need.

    ``waited`` is the time within which nearly all mails were answered, ``off`` the deviation of
    nearly all answers from the usual time of their side, relative to it.
    """
    seconds = pl.col(AT).diff().over(SESSION).dt.total_microseconds() / 1e6
    usual = pl.max_horizontal(pl.col(GAP).median().over(SESSION, FORTH), 1.0)
    return (
        mails.with_columns(seconds.alias(GAP))
        .with_columns(((pl.col(GAP) - usual).abs() / usual).alias(OFF))
        .group_by(SESSION)
        .agg(
            pl.len().cast(pl.Int64).alias(TOOK_PART),
            pl.col(FORTH).sum().cast(pl.Int64).alias(FORTHS),
            pl.col(GAP).median(),
            pl.col(GAP).quantile(MOST).alias(WAITED),
            pl.col(OFF).quantile(MOST),
            (pl.col(FORTH) != pl.col(FORTH).shift()).drop_nulls().mean().alias(TURNS),
            pl.col(UNASKED).mean().alias(UNASKED_SHARE),
        )
    )


def _strangers(others: pl.DataFrame) -> pl.DataFrame:
    """The number of a session's mails that are no members, by side."""
    return others.group_by(SESSION).agg(
        pl.col(FORTH).sum().cast(pl.Int64).alias(STRANGE_FORTHS),
        (~pl.col(FORTH)).sum().cast(pl.Int64).alias(STRANGE_BACKS),
    )


def _loops(
    snapshot: Snapshot, table: str, rows: pl.DataFrame, sign: LoopSign, weight: StorageWeight | None
) -> Iterator[MailLoop]:
    costs, errors = _readable_costs(snapshot, table, rows, weight)
    sized = rows.join(costs, on=RECORD, how="left").sort(SESSION, AT, RECORD)
    loops = sized.group_by(SESSION, maintain_order=True).agg(
        *(pl.col(name).first() for name in (*SIDES, PLAIN, GAP)),
        pl.col(AT).first().alias("begun"),
        pl.col(AT).last().alias("last"),
        pl.col("cost").sum(),
        pl.col(BY_HEADERS).sum().alias("automatic"),
        pl.col(RECORD).alias("records"),
        pl.col(PARENT).drop_nulls().unique(maintain_order=True).alias("parents"),
    )
    for row in loops.iter_rows(named=True):
        yield replace(_loop(table, row, sign), error=errors.get(row[SESSION]))


def _readable_costs(
    snapshot: Snapshot, table: str, rows: pl.DataFrame, weight: StorageWeight | None
) -> tuple[pl.DataFrame, Mapping[int, Message]]:
    """The costs of all mails, or of those in loops that can be read; why not, by session."""
    try:
        return _costs(snapshot, table, rows[RECORD].to_list(), weight), {}
    except IntegrityError:
        parts, errors = [_costs(snapshot, table, [], weight)], dict[int, Message]()
    for (session,), mails in rows.group_by(SESSION, maintain_order=True):
        assert isinstance(session, int), "sessions are numbers"
        try:
            parts.append(_costs(snapshot, table, mails[RECORD].to_list(), weight))
        except IntegrityError as error:
            errors[session] = error.message
    return pl.concat(parts), errors


def _loop(table: str, row: Mapping[str, Any], sign: LoopSign) -> MailLoop:
    return MailLoop(
        table=table,
        subject=row[PLAIN],
        sides=(row[SIDES[0]], row[SIDES[1]]),
        mails=len(row["records"]),
        automatic=row["automatic"],
        bytes=row["cost"],
        begun=row["begun"],
        last=row["last"],
        every=row[GAP] or 0.0,
        sign=sign,
        records=tuple(row["records"]),
        parents=tuple(row["parents"]),
    )


def _costs(
    snapshot: Snapshot, table: str, records: Sequence[str], weight: StorageWeight | None
) -> pl.DataFrame:
    """The storage that each of these mails uses: only their texts are read."""
    parts = [pl.DataFrame(schema={RECORD: pl.String, "cost": pl.Int64})]
    columns = (
        [*weight.texts, *([weight.size_column] if weight.size_column else [])] if weight else []
    )
    for at in range(0, len(records), SIZED):
        rows = frame(snapshot.get(table, records[at : at + SIZED], columns=columns))
        cost = size_of(weight) if weight is not None else pl.lit(0, pl.Int64)
        parts.append(rows.select(pl.col("_u_id").cast(pl.String).alias(RECORD), cost.alias("cost")))
    return pl.concat(parts)
