"""Keeping and forgetting in the memory vault, written as the promise reads: version by version."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from unlost.model.certificate import Certificate, Verdict
from unlost.model.reading import Op
from unlost.model.retention import Forgetting, Hold, HoldScope, KeepRules, TableForgotten
from unlost.model.snapshot import CommitKind, SnapshotInfo, StoredFile, nights
from unlost.testing.memory_rows import Observed
from unlost.testing.memory_snapshot import Chain

_DEAD = (Op.DELETED, Op.PURGED, Op.MISSING)
_PERIODS: dict[str, Callable[[datetime], tuple[int, ...]]] = {
    "daily": lambda local: (local.toordinal(),),
    "weekly": lambda local: tuple(local.isocalendar()[:2]),
    "monthly": lambda local: (local.year, local.month),
    "yearly": lambda local: (local.year,),
}

type Proof = Callable[[SnapshotInfo], Certificate | None]


def planned(
    chain: Chain, rules: KeepRules, *, zone: str, now: datetime, proof: Proof
) -> Forgetting:
    """What goes, and what stays."""
    holds = tuple(hold for hold in chain.holds.values() if hold.lasts(now))
    shown = [one.info for one in chain.nights if one.info.kind is CommitKind.BACKUP]
    shown = [info for info in shown if info.number not in chain.forgotten]
    kept = _kept(shown, rules, holds, zone=ZoneInfo(zone), now=now, proof=proof)
    tables, files = [], []
    if rules.thins and shown:
        staying = _Staying(kept, rules, holds, now)
        tables = [one for one in _tables(chain, staying) if one.versions]
        files = list(_files(chain, staying))
    return Forgetting(
        nights=tuple(info.number for info in shown if info.number not in kept),
        kept=tuple(sorted(kept)),
        tables=tuple(tables),
        files=len(files),
        file_bytes=sum(one.size for one in files),
        holds=holds,
    )


def take_away(chain: Chain, plan: Forgetting, rules: KeepRules, *, now: datetime) -> None:
    """Do what a plan says."""
    staying = _Staying(frozenset(plan.kept), rules, plan.holds, now)
    gone = {(one.blob, one.record, one.column) for one in _files(chain, staying)}
    chain.files = [
        (number, one)
        for number, one in chain.files
        if (one.blob, one.record, one.column) not in gone
    ]
    for table, records in chain.rows.items():
        left = {key: staying.versions(table, key, seen) for key, seen in records.items()}
        chain.rows[table] = {key: seen for key, seen in left.items() if seen}
    chain.forgotten |= set(plan.nights)


class _Staying:
    """Says which versions stay."""

    def __init__(
        self, kept: Iterable[int], rules: KeepRules, holds: Iterable[Hold], now: datetime
    ) -> None:
        self._kept = sorted(kept)
        limit = rules.deleted_days
        self._before = now - timedelta(days=limit) if limit else None
        self._things = [hold.thing for hold in holds]
        self._held_until = max((one.night for one in self._things), default=0)

    def held(self, table: str, record: str) -> bool:
        """True for what a hold protects."""
        return any(
            one.scope is HoldScope.ORG
            or (one.scope is HoldScope.TABLE and one.table == table)
            or (one.scope is HoldScope.RECORD and (one.table, one.record) == (table, record))
            for one in self._things
        )

    def versions(self, table: str, record: str, seen: list[Observed]) -> list[Observed]:
        """The versions of a record that stay."""
        if self.held(table, record):
            return seen
        ends = [row.snap for row in seen[1:]]
        stay = {at for at, end in enumerate(ends) if self.shown(seen[at].snap, end)}
        if stay or not self._expired(seen[-1]):
            stay.add(len(seen) - 1)
        for at in sorted(stay):
            if seen[at].op is not Op.STATE:
                stay |= {max((i for i in range(at) if seen[i].cells is not None), default=at)}
        return [seen[at] for at in sorted(stay)]

    def shown(self, begin: int, end: int) -> bool:
        """True if a night that stays shows what one commit wrote and another replaced."""
        return any(begin <= number < end for number in self._kept)

    def _expired(self, last: Observed) -> bool:
        return (
            self._before is not None
            and last.op in _DEAD
            and last.observed_at < self._before
            and last.snap > self._held_until
        )


def _tables(chain: Chain, staying: _Staying) -> Iterator[TableForgotten]:
    for table, records in sorted(chain.rows.items()):
        left = {key: staying.versions(table, key, seen) for key, seen in records.items()}
        stay = sum(map(len, left.values()))
        every = sum(map(len, records.values()))
        yield TableForgotten(table, every - stay, sum(not one for one in left.values()), stay)


def _files(chain: Chain, staying: _Staying) -> Iterator[StoredFile]:
    """Versions of files that no night shows that stays, and all of records that go altogether."""
    for at, (number, one) in enumerate(chain.files):
        if staying.held(one.table, one.record):
            continue
        later = [
            n
            for n, other in chain.files[at + 1 :]
            if (other.table, other.record, other.column) == (one.table, one.record, one.column)
        ]
        seen = chain.rows.get(one.table, {}).get(one.record, [])
        whole = bool(seen) and not staying.versions(one.table, one.record, seen)
        if whole or (later and not staying.shown(number, later[0])):
            yield one


def _kept(
    shown: list[SnapshotInfo],
    rules: KeepRules,
    holds: Iterable[Hold],
    *,
    zone: ZoneInfo,
    now: datetime,
    proof: Proof,
) -> frozenset[int]:
    whole = nights(shown)
    things = [hold.thing for hold in holds]
    if not rules.thins or not whole or any(one.scope is HoldScope.ORG for one in things):
        return frozenset(info.number for info in shown)
    kept = {info.number for info in shown if info.number >= whole[-1].number}
    good = (info.number for info in reversed(whole) if _good(proof(info)))
    kept.add(next(good, whole[-1].number))
    kept |= {one.night for one in things} & {info.number for info in shown}
    if rules.days:
        kept |= {info.number for info in shown if info.as_of >= now - timedelta(days=rules.days)}
    for name, of in _PERIODS.items():
        periods: dict[tuple[int, ...], list[SnapshotInfo]] = {}
        for info in reversed(whole):
            periods.setdefault(of(info.as_of.astimezone(zone)), []).append(info)
        for held in list(periods.values())[: getattr(rules, name)]:
            kept.add(next((info for info in held if _good(proof(info))), held[0]).number)
    return frozenset(kept)


def _good(proof: Certificate | None) -> bool:
    return proof is not None and proof.verdict is Verdict.COMPLETE
