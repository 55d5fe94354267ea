"""Gaps of the newest backup of an org: list them, accept those that cannot be closed, reopen them.

    open ──accept, with a reason──> accepted ──> ended: reopened by a person, changed, or gone

``unlost.model.gaps`` has the rule for changes. The newest backup of all tables counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from unlost.app.access import action, audited_apart
from unlost.app.backups.moments import proof_of_night
from unlost.app.backups.summaries import refresh_newest
from unlost.app.compose import Application
from unlost.app.vault.home_copy import after_change, copied_together
from unlost.catalog.gaps import (
    acceptances,
    accepted_gaps,
    add_accepted_gap,
    end_accepted_gap,
    find_accepted_gap,
    of_one_org,
)
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right, Trace
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.model.finding import Finding, FindingKind
from unlost.model.gaps import (
    PASSING,
    AcceptedGap,
    GapEnd,
    acceptance_of,
    gap_id,
    gaps_of,
    open_gaps,
)
from unlost.model.source.reading import Json
from unlost.model.vault.snapshot import SnapshotInfo, nights

LONGEST_REASON = 500  # characters
ENDED = 50  # acceptances that ended and are listed


@dataclass(frozen=True, slots=True)
class GapLine:
    """A gap of the newest backup. ``accepted`` is the acceptance that covers it; None if open."""

    id: str
    gap: Finding
    accepted: AcceptedGap | None


@dataclass(frozen=True, slots=True)
class GapList:
    """The gaps of the newest backup of an org, open ones first, and acceptances that ended.

    ``snapshot`` is the number of that backup, None if there is none.
    """

    org: str
    zone: str
    snapshot: int | None
    as_of: datetime | None
    gaps: tuple[GapLine, ...]
    ended: tuple[AcceptedGap, ...]

    @property
    def open(self) -> int:
        """The number of open gaps."""
        return sum(line.accepted is None for line in self.gaps)


@dataclass(frozen=True, slots=True)
class AcceptedGaps:
    """Gaps that a person accepted together, for one reason."""

    org: str
    accepted: tuple[AcceptedGap, ...]


@action("gap.list", Right.LOOK)
def gaps(app: Application, org: str) -> GapList:
    """List the gaps of the newest backup, open and accepted; raises NotFound (``org-unknown``)."""
    known = get_org(org)
    newest = _newest(app, known)
    known_acceptances = acceptances(known.oid)
    accepted = known_acceptances.lasting
    lines = [
        GapLine(gap_id(gap), gap, acceptance_of(gap, accepted)) for gap in _gaps(app, known.oid)
    ]
    lines.sort(key=lambda line: line.accepted is not None)
    return GapList(
        org,
        known.identity.zone,
        newest.number if newest is not None else None,
        newest.as_of if newest is not None else None,
        tuple(lines),
        known_acceptances.ended[:ENDED],
    )


def _audited(accepted: AcceptedGap) -> dict[str, Json]:
    return {
        "acceptance": accepted.id,
        "kind": accepted.gap.kind.value,
        "table": accepted.gap.table or "",
        "column": accepted.gap.column or "",
        "detail": accepted.gap.detail,
        "backup": accepted.snapshot,
        "reason": accepted.reason,
    }


@action("gap.accept", Right.OPERATE, trace=Trace.WRITE, subject=("gap",), detail=_audited)
def accept(app: Application, org: str, gap: str, *, reason: str) -> AcceptedGap:
    """Accept a gap of the newest backup, for a reason, so that it raises no alert any more.

    The acceptance ends when the gap changes. Raises NotFound (``gap-unknown``), UsageError
    (``gap-reason-missing``), Conflict (``gap-accepted``, ``gap-passing``).
    """
    known = get_org(org)
    newest = _newest(app, known)
    named_gap = _named(known, _gaps(app, known.oid), gap)
    if named_gap is None or newest is None:
        raise _unknown(org, gap)
    _check_lasts(named_gap)
    accepted = AcceptedGap(
        0, org, named_gap, newest.number, _reason(reason), app.actor.name, app.clock.now()
    )
    with of_one_org(known.oid):  # two people may accept it at the same time
        _check_open(known, named_gap)
        stored = add_accepted_gap(known.oid, accepted)
    _changed(app, known)
    return stored


def _counted(accepted: AcceptedGaps) -> dict[str, Json]:
    return {"gaps": [acceptance.gap_id for acceptance in accepted.accepted]}


@action("gap.accept-many", Right.OPERATE, trace=Trace.WRITE, detail=_counted)
def accept_many(
    app: Application,
    org: str,
    *,
    ids: Sequence[str] = (),
    kind: FindingKind | None = None,
    reason: str,
) -> AcceptedGaps:
    """Accept several gaps for one reason, and all open ones of a ``kind``.

    Each is audited by itself, too. Gaps of them that are accepted already stay as they are. If one
    cannot be accepted, none is. Raises the errors of ``accept``, NotFound (``gap-kind-unknown``),
    UsageError (``gaps-not-named``).
    """
    if not ids and kind is None:
        raise UsageError(
            "gaps-not-named",
            "No gap was selected.",
            next_step="Select gaps or a kind of gaps. List them with `unlost gaps list {org}`.",
            org=org,
        )
    lines = gaps(app, org).gaps
    chosen = {gap: [line for line in lines if line.id == gap] for gap in ids}
    if kind is not None:
        chosen |= _of_kind(org, lines, kind)
    for gap, same in chosen.items():
        if not same:
            raise _unknown(org, gap)
        _check_lasts(same[0].gap)
    waiting = [gap for gap, same in chosen.items() if any(line.accepted is None for line in same)]
    with copied_together(app), audited_apart():
        # If nothing is open, the error says who accepted it.
        accepted = tuple(accept(app, org, gap, reason=reason) for gap in waiting or chosen)
    return AcceptedGaps(org, accepted)


@action("gap.reopen", Right.OPERATE, trace=Trace.WRITE, subject=("acceptance",), detail=_audited)
def reopen(app: Application, org: str, acceptance: int) -> AcceptedGap:
    """Take back the acceptance of a gap, which is open again.

    Raises NotFound (``acceptance-unknown``), Conflict (``acceptance-ended``).
    """
    known = get_org(org)
    _check_lasting(known, acceptance)
    end_accepted_gap(acceptance, GapEnd.TAKEN_BACK, at=app.clock.now(), by=app.actor.name)
    _changed(app, known)
    ended = find_accepted_gap(known.oid, acceptance)
    assert ended is not None, "acceptances are not deleted while their org is known"
    return ended


# --- inside ---------------------------------------------------------------------------------------


def _newest(app: Application, org: ProtectedOrg) -> SnapshotInfo | None:
    whole = nights(app.vault.snapshots(org.oid))
    return whole[-1] if whole else None


def _gaps(app: Application, oid: str) -> Sequence[Finding]:
    proof = proof_of_night(app.vault, oid)
    return gaps_of(proof) if proof is not None else ()


def _of_kind(org: str, lines: Sequence[GapLine], kind: FindingKind) -> Mapping[str, list[GapLine]]:
    """Return the open gaps of a kind by their ids; raises NotFound (``gap-kind-unknown``)."""
    of_kind: dict[str, list[GapLine]] = {}
    for line in lines:
        if line.gap.kind is kind and line.accepted is None:
            of_kind.setdefault(line.id, []).append(line)
    if not of_kind:
        raise NotFound(
            "gap-kind-unknown",
            "The newest backup of {org} has no open gap of the kind {kind}.",
            next_step="List its gaps with `unlost gaps list {org}`.",
            org=org,
            kind=kind.value,
        )
    return of_kind


def _unknown(org: str, gap: str) -> NotFound:
    return NotFound(
        "gap-unknown",
        "The newest backup of {org} has no gap {gap}.",
        next_step="List its gaps with `unlost gaps list {org}`.",
        org=org,
        gap=gap,
    )


def _named(org: ProtectedOrg, known_gaps: Sequence[Finding], gap: str) -> Finding | None:
    """Return the gap of an id. Of several that differ in their numbers alone: the first open one."""
    named = [known_gap for known_gap in known_gaps if gap_id(known_gap) == gap]
    return next(iter([*open_gaps(named, accepted_gaps(org.oid)), *named]), None)


def _check_open(org: ProtectedOrg, gap: Finding) -> None:
    acceptance = acceptance_of(gap, accepted_gaps(org.oid))
    if acceptance is not None:
        raise Conflict(
            "gap-accepted",
            "{user} has already accepted this gap.",
            next_step="To accept it for another reason, first reopen it with `unlost gaps reopen "
            "{org} {acceptance}`.",
            user=acceptance.by,
            org=org.name,
            acceptance=acceptance.id,
        )


def _check_lasts(gap: Finding) -> None:
    if gap.kind in PASSING:
        raise Conflict(
            "gap-passing",
            "This gap is about one backup. It cannot be accepted, since the next backup could have "
            "another one.",
            next_step="Look at what it names. Its alert ends with the next backup that is "
            "complete.",
        )


def _check_lasting(org: ProtectedOrg, acceptance: int) -> None:
    known = find_accepted_gap(org.oid, acceptance)
    if known is None:
        raise NotFound(
            "acceptance-unknown",
            "There is no accepted gap {acceptance} in {org}.",
            next_step="List the accepted gaps with `unlost gaps list {org}`.",
            acceptance=acceptance,
            org=org.name,
        )
    if known.end is not None:
        raise Conflict(
            "acceptance-ended",
            "The acceptance of this gap has already ended.",
            next_step="List the accepted gaps with `unlost gaps list {org}`.",
            org=org.name,
        )


def _reason(text: str) -> str:
    reason = " ".join(text.replace("\0", "").split())[:LONGEST_REASON]
    if not reason:
        raise UsageError(
            "gap-reason-missing",
            "A gap can only be accepted with a reason.",
            next_step="Write in a few words why this gap cannot or need not be closed.",
        )
    return reason


def _changed(app: Application, org: ProtectedOrg) -> None:
    refresh_newest(app, org)
    after_change(app)
