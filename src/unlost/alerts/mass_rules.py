"""Judge mass changes: which are reported immediately, and which by the daily digest. Pure.

    BackupChanges ──limits, usual counts──▶ over a threshold? ──silences──▶ now, or digest

Thresholds hold from the second backup on. Counts that are usual in a table raise them, never lower
them: the median of earlier backups, and any count that came up in several of them.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from unlost.alerts.watched import MassFacts
from unlost.model.mass_changes import (
    BackupChanges,
    MassChange,
    MassFinding,
    MassKind,
    MassLimits,
    Silence,
    SilenceKind,
    UserShare,
)

LEAST_BACKUPS = 5  # before a table has a usual count
USUAL_TIMES = 8.0  # robust deviations above the usual count
USUAL_OFTEN = 3  # a count that came up so often is usual
USUAL_SLACK = 1.25  # how far above a usual count is still usual
DAY_TO_DAY = 1.4826  # from the median deviation to a standard deviation, for a normal distribution
SLOW = timedelta(days=7)  # smaller damage within these days is added up
SLOW_KINDS = frozenset({MassKind.DELETED, MassKind.EMPTIED, MassKind.OVERWRITTEN})
LISTED_LEAST = 20  # records; fewer created or edited ones are one person's day
BIN_EMPTIES = timedelta(days=14)  # after a longer pause, deleted records may have left the bin


def findings_of(facts: MassFacts, number: int) -> tuple[MassFinding, ...]:
    """The judged mass changes of a backup, those to report immediately first."""
    at = next((at for at, backup in enumerate(facts.backups) if backup.number == number), None)
    if at is None:
        return ()
    backup, earlier = facts.backups[at], facts.backups[at + 1 :]
    findings = [
        replace(_finding(facts, backup, change, earlier), words=facts.words)
        for change in backup.changes
        if facts.limits_of(change.table).watched is not False
    ]
    return tuple(sorted(_whole_edits(findings), key=_rank))


def is_listed(finding: MassFinding) -> bool:
    """True for any loss, and for changes that are more than one person's day."""
    change = finding.change
    losses = (MassKind.DELETED, MassKind.BIN_SKIPPED)
    return finding.now or change.kind in losses or change.count >= LISTED_LEAST


def _whole_edits(findings: Sequence[MassFinding]) -> Iterator[MassFinding]:
    """The findings; edits of a column include the fewer ones that share one value by chance.

    The repair of the edits puts all of them back.
    """
    edits = {_column(f): f for f in findings if f.change.kind is MassKind.EDITED}
    chances = {
        _column(f): f
        for f in findings
        if f.change.kind is MassKind.OVERWRITTEN and not f.now
        if (edit := edits.get(_column(f))) is not None and f.change.count <= edit.change.count
    }
    for finding in findings:
        chance = chances.get(_column(finding))
        if chance is None or finding.change.kind not in (MassKind.EDITED, MassKind.OVERWRITTEN):
            yield finding
        elif finding is not chance:
            yield replace(finding, change=_together(finding.change, chance.change))


def _column(finding: MassFinding) -> tuple[str, str]:
    return finding.change.table, finding.change.column


def _together(change: MassChange, other: MassChange) -> MassChange:
    shares: dict[str, UserShare] = {}
    for share in (*change.users, *other.users):
        shares[share.by] = _share_of_both(shares.get(share.by), share)
    users = sorted(shares.values(), key=lambda share: -share.count)
    return replace(change, count=change.count + other.count, users=tuple(users))


def _share_of_both(before: UserShare | None, share: UserShare) -> UserShare:
    if before is None:
        return share
    firsts = [at for at in (before.first, share.first) if at is not None]
    lasts = [at for at in (before.last, share.last) if at is not None]
    return replace(
        share,
        count=before.count + share.count,
        first=min(firsts, default=None),
        last=max(lasts, default=None),
    )


def usual_limit(before: Sequence[int]) -> float:
    """The number of records up to which a count is usual; 0 while there are too few backups.

    Median and median deviation do not move with the outliers that the rules look for. Neither does
    a count that must have come up several times, as in a table that is rebuilt each week.
    """
    if len(before) < LEAST_BACKUPS:
        return 0.0
    middle = statistics.median(before)
    deviation = DAY_TO_DAY * statistics.median([abs(count - middle) for count in before])
    often = USUAL_SLACK * sorted(before, reverse=True)[USUAL_OFTEN - 1]
    return max(middle + USUAL_TIMES * max(deviation, middle * 0.25), often)


def _rank(finding: MassFinding) -> tuple[bool, str, str, str]:
    change = finding.change
    return not finding.now, change.table, change.column, change.kind.value


def _finding(
    facts: MassFacts, backup: BackupChanges, change: MassChange, earlier: Sequence[BackupChanges]
) -> MassFinding:
    finding = MassFinding(change, backup.number, backup.before, backup.as_of)
    silence = silence_of(facts.silences, backup, change)
    if _is_over(facts, backup, change, earlier):
        return replace(finding, now=silence is None, silence=silence)
    slow = _slow(facts, backup, change, earlier) if silence is None else None
    if slow is None:
        return replace(finding, silence=silence)
    whole = replace(change, count=slow.count, users=())  # users of one backup only
    return replace(finding, now=True, days=SLOW.days, change=whole, before=slow.before)


# --- thresholds -----------------------------------------------------------------------------------


def _is_over(
    facts: MassFacts, backup: BackupChanges, change: MassChange, earlier: Sequence[BackupChanges]
) -> bool:
    limit = _limit(facts.limits_of(change.table), change)
    if limit is None or _judged_count(change) <= limit:
        return False
    if change.kind is MassKind.BIN_SKIPPED and backup.as_of - backup.since > BIN_EMPTIES:
        return False
    return _judged_count(change) > usual_limit(_before(facts, backup, change, earlier))


def _before(
    facts: MassFacts, backup: BackupChanges, change: MassChange, earlier: Sequence[BackupChanges]
) -> Sequence[int]:
    """The counts of earlier backups: those of their certificates, if these go back further."""
    counts = [_count_in(other, change) for other in earlier]
    nights = [night for night in facts.nights if night.as_of < backup.as_of]
    known = [night for night in nights if change.table in night.records]
    match change.kind:
        case MassKind.DELETED:
            certified = [night.deleted.get(change.table, 0) for night in known]
        case MassKind.CREATED:
            certified = [night.created.get(change.table, 0) for night in known]
        case _:
            return counts
    return certified if len(certified) > len(counts) else counts


def _limit(limits: MassLimits, change: MassChange) -> float | None:
    """The largest count that is not reported immediately; None if none is."""
    match change.kind:
        case MassKind.DELETED:
            return max(limits.lost_rows, limits.lost_share * change.total)
        case MassKind.BIN_SKIPPED:
            return limits.bin_rows
        case MassKind.CREATED:
            return max(limits.created_rows, limits.created_share * change.total)
        case MassKind.TRANSFERRED:
            return max(limits.transferred_rows, limits.transferred_share * change.total)
        case MassKind.EMPTIED | MassKind.OVERWRITTEN:
            # So many and more, unlike the others: 20 of 400 records are reported.
            return _below(max(limits.column_rows, limits.column_share * change.total))
        case _:
            return None


def _below(count: float) -> float:
    return count - 1e-6


def _judged_count(change: MassChange) -> int:
    """All records; of created and transferred ones those of one user: an import, or a mistake."""
    if change.kind in (MassKind.CREATED, MassKind.TRANSFERRED) and change.users:
        return change.users[0].count
    return change.count


def _count_in(backup: BackupChanges, change: MassChange) -> int:
    return next((_judged_count(c) for c in backup.changes if c.key == change.key), 0)


# --- slow damage ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _SlowDamage:
    """The records of several backups, and the backup before the first of them."""

    count: int
    before: int


def _slow(
    facts: MassFacts, backup: BackupChanges, change: MassChange, earlier: Sequence[BackupChanges]
) -> _SlowDamage | None:
    """The damage of several days, if it passes the threshold with this backup.

    Backups that passed it, alone or together, and silenced ones do not count: they were reported.
    """
    if change.kind not in SLOW_KINDS or change.few:
        return None
    weeks = _earlier_weeks(backup, change, earlier)
    if change.kind is MassKind.DELETED and not weeks:
        return None  # single records are deleted every day: it is not known yet how many
    limit = _limit(facts.limits_of(change.table), change)
    assert limit is not None, "these kinds have a threshold"
    limit = max(limit, *weeks, 0)
    small = [
        (same.count, other.before)
        for at, other in enumerate(earlier)
        if backup.as_of - other.as_of < SLOW
        if (same := _same_in(other, change)) is not None
        if silence_of(facts.silences, other, same) is None
        if not _is_over(facts, other, same, earlier[at + 1 :])
    ]
    unreported = _unreported(small, limit)
    so_far = sum(count for count, _ in unreported)
    if so_far + change.count > limit and so_far > 0:
        return _SlowDamage(so_far + change.count, unreported[-1][1])
    return None


def _unreported(small: Sequence[tuple[int, int]], limit: float) -> Sequence[tuple[int, int]]:
    """The counts, newest first, since the last backup with which their sum passed the limit."""
    total, reported = 0, len(small)
    for at in reversed(range(len(small))):
        total += small[at][0]
        if total > limit:
            total, reported = 0, at
    return small[:reported]


def _same_in(backup: BackupChanges, change: MassChange) -> MassChange | None:
    return next((other for other in backup.changes if other.key == change.key), None)


def _earlier_weeks(
    backup: BackupChanges, change: MassChange, earlier: Sequence[BackupChanges]
) -> Sequence[float]:
    """The number of records up to which a week is usual, by each earlier week with enough backups."""
    sums: list[float] = []
    for week in (1, 2, 3):
        ages = (week * SLOW, (week + 1) * SLOW)
        counts = [
            _count_in(other, change)
            for other in earlier
            if ages[0] <= backup.as_of - other.as_of < ages[1]
        ]
        sums += [USUAL_SLACK * sum(counts)] if len(counts) >= LEAST_BACKUPS else []
    return sums


# --- silences -------------------------------------------------------------------------------------


def silence_of(
    silences: Sequence[Silence], backup: BackupChanges, change: MassChange
) -> Silence | None:
    """The first pattern that covers a change of a backup."""
    return next((some for some in silences if _covers(some, backup, change)), None)


def _covers(silence: Silence, backup: BackupChanges, change: MassChange) -> bool:
    if silence.snapshot is not None and silence.snapshot != backup.number:
        return False
    # Neither over before the backup's window began, nor begun after it ended.
    if not _overlaps(silence, backup.since, backup.as_of):
        return False
    if silence.most and change.count > silence.most:
        return False
    if silence.kind is SilenceKind.EXPECTED and not silence.column and change.kind.of_column:
        return False
    users = {share.by for share in change.users}
    return (
        silence.table in ("", change.table)
        and silence.column in ("", change.column)
        and silence.change in (None, change.kind)
        and (not silence.user or users == {silence.user})
    )


def _overlaps(silence: Silence, since: datetime, until: datetime) -> bool:
    ended = silence.until is not None and silence.until < since
    return not ended and not (silence.since is not None and silence.since > until)
