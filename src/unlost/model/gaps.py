"""Gaps that people accept because they cannot be closed, and the rule for how long this lasts.

    acceptance ──covers──> gap of a certificate      the same place and cause, and not larger
        │
        └── ends: taken back by a person, or the next full backup has no gap that it covers

A gap keeps its identity while its kind, table and column stay. It changes if it names something new
in its detail (another record, column or permission), if its cause has another code, or if one of
its numbers grows by more than a tenth. Other texts, such as labels, do not count. A gap that is
about one backup alone, such as an unusual loss, cannot be accepted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import Message, Noun, counted, message
from unlost.model.vault.certificate import Certificate

# They are about one backup: the next one may have another gap of the same kind.
PASSING = frozenset({
    FindingKind.UNUSUAL_LOSS, FindingKind.RIGHTS_CHANGED, FindingKind.ROWS_DIFFER,
    FindingKind.SALVAGED,
})  # fmt: skip
NAMING_RECORDS = frozenset({FindingKind.FILE_UNREADABLE})  # in their detail
GROWTH = 10  # percent by which a number of an accepted gap may grow
_ID_DIGITS = 10


class GapEnd(StrEnum):
    """The reason that an acceptance ended."""

    TAKEN_BACK = "taken-back"  # by a person
    CHANGED = "changed"  # the gap grew, or has another cause
    GONE = "gone"  # a full backup does not have the gap any more


@dataclass(frozen=True, slots=True)
class AcceptedGap:
    """A gap that a person accepted. ``gap`` is the finding as it was then, in backup ``snapshot``.

    ``end`` is None while the acceptance lasts; ``ended_by`` is empty if Unlost ended it.
    """

    id: int
    org: str
    gap: Finding
    snapshot: int
    reason: str
    by: str
    at: datetime
    end: GapEnd | None = None
    ended_at: datetime | None = None
    ended_by: str = ""

    def covers(self, gap: Finding) -> bool:
        """Return True if this acceptance lasts and the gap is not larger than the accepted one."""
        return self.end is None and _is_within(gap, self.gap)

    @property
    def gap_id(self) -> str:
        """The id of the gap."""
        return gap_id(self.gap)


@dataclass(frozen=True, slots=True)
class GapTraits:
    """The parts of a gap that decide whether it is still the accepted one.

    ``names`` are the parts of its detail, ``codes`` those of its causes, ``numbers`` its counts by
    the name of their argument.
    """

    names: frozenset[str]
    codes: frozenset[str]
    numbers: Mapping[str, float]


def gaps_of(proof: Certificate) -> tuple[Finding, ...]:
    """Return all findings of severity gap: of the whole org, then of its tables, each once."""
    everywhere = [*proof.findings, *(finding for line in proof.tables for finding in line.findings)]
    return tuple(
        finding for finding in dict.fromkeys(everywhere) if finding.severity is Severity.GAP
    )


def gap_id(gap: Finding) -> str:
    """Return a short id of a gap, which stays when only its numbers or its wording change."""
    traits = traits_of(gap)
    parts = [gap.kind.value, gap.table or "", gap.column or "", *sorted(traits.names)]
    return sha256("\0".join([*parts, *sorted(traits.codes)]).encode()).hexdigest()[:_ID_DIGITS]


def acceptance_of(gap: Finding, accepted: Iterable[AcceptedGap]) -> AcceptedGap | None:
    """Return the acceptance that covers a gap; None if it is open."""
    return next((acceptance for acceptance in accepted if acceptance.covers(gap)), None)


def open_gaps(gaps: Iterable[Finding], accepted: Sequence[AcceptedGap]) -> tuple[Finding, ...]:
    """Return the gaps that no acceptance covers."""
    return tuple(gap for gap in gaps if acceptance_of(gap, accepted) is None)


def gap_counts(open_count: int, *, accepted: int) -> Message:
    """Count open and accepted gaps apart, as in "1 open gap, 2 accepted"."""
    gaps = counted(open_count, Noun.OPEN_GAP)
    if not accepted:
        return gaps
    return message("", "{gaps}, {accepted:,} accepted", gaps=gaps, accepted=accepted)


def end_of(acceptance: AcceptedGap, gaps: Sequence[Finding]) -> GapEnd | None:
    """Return why a full backup with these gaps ends an acceptance; None if it lasts."""
    if any(acceptance.covers(gap) for gap in gaps):
        return None
    place = _place(acceptance.gap)
    return GapEnd.CHANGED if any(_place(gap) == place for gap in gaps) else GapEnd.GONE


def traits_of(gap: Finding) -> GapTraits:
    """Split a gap into names, codes and numbers."""
    names = {name for part in gap.detail.split(",") if (name := part.strip())}
    numbers: dict[str, float] = {}
    if _is_count(gap):
        numbers, names = {_sign(gap.detail): abs(float(gap.detail))}, set()
    codes: set[str] = set()
    for name, value in gap.args.items():
        if isinstance(value, int | float):
            numbers[name] = value
        elif isinstance(value, Message) and value.code:
            codes.add(value.code)
        elif isinstance(value, Message):
            numbers |= _count(name, value)
    return GapTraits(frozenset(names), frozenset(codes), numbers)


def _is_within(gap: Finding, accepted: Finding) -> bool:
    if _place(gap) != _place(accepted):
        return False
    if not (gap.template or accepted.template):  # of a version that stored sentences only
        return gap.sentence == accepted.sentence and gap.detail == accepted.detail
    now, before = traits_of(gap), traits_of(accepted)
    return (
        _is_part(now.names, before.names)
        and _is_part(now.codes, before.codes)
        and all(
            name in before.numbers and number <= before.numbers[name] * (100 + GROWTH) / 100
            for name, number in now.numbers.items()
        )
    )


def _is_part(now: frozenset[str], before: frozenset[str]) -> bool:
    """Return True if ``now`` adds nothing, and is not something unnamed."""
    return now <= before and bool(now) == bool(before)


def _place(gap: Finding) -> tuple[str, str | None, str | None]:
    return gap.kind.value, gap.table, gap.column


def _is_count(gap: Finding) -> bool:
    """Return True if the detail is a number of records; some systems have numbers as record ids."""
    return gap.kind not in NAMING_RECORDS and gap.detail.removeprefix("-").isdecimal()


def _sign(number: str) -> str:
    """Return the name of the number in a detail: records too few and too many are two causes."""
    return "-detail" if number.startswith("-") else "detail"


def _count(name: str, value: Message) -> dict[str, float]:
    count = value.args.get("count")
    return {name: count} if isinstance(count, int | float) else {}
