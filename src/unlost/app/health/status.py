"""Decide the status of an org. Pure.

    retired                                             -> Retired
    the newest nightly backup failed                    -> Failed
    a backup is overdue, or an alert of ``ENDANGERING``
    with the urgency "now" is open                      -> At risk
    no backup yet                                       -> No backup yet
    the newest backup has open gaps                     -> Incomplete
    otherwise                                           -> Protected

The first line that applies decides; all others that apply are listed as further reasons.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.catalog.alerts import AlertRecord
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.gaps import gap_counts
from unlost.model.message import Message, Noun, counted, message
from unlost.model.status import JudgedStatus, OrgStatus, StatusPlace, StatusReason

OVERDUE = timedelta(hours=36)  # a missed backup that was not caught up by the next midday
FAILING = frozenset({AlertRule.NIGHT_FAILED, AlertRule.ORG_REPLACED})
ENDANGERING = frozenset({
    AlertRule.NIGHT_MISSED,
    AlertRule.NO_RECENT_BACKUP,
    AlertRule.RUN_STUCK,
    AlertRule.CREDENTIAL_EXPIRES,
    AlertRule.STORAGE,
    AlertRule.VAULT_DAMAGED,
    AlertRule.REMOVAL_WAITS,
})  # fmt: skip
# A later backup answers these, though the service may close the alert only minutes later.
ANSWERED = FAILING | {AlertRule.NIGHT_MISSED, AlertRule.RUN_STUCK}
_GRAVITY = (
    OrgStatus.RETIRED,
    OrgStatus.FAILED,
    OrgStatus.AT_RISK,
    OrgStatus.NO_BACKUP,
    OrgStatus.INCOMPLETE,
    OrgStatus.PROTECTED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFacts:
    """The facts that decide. ``last`` is the time of the newest backup of all tables.

    ``failure`` is why the newest nightly backup failed, if it did. ``gaps`` and ``accepted`` count
    open and accepted gaps. ``alerts`` are the open alerts of the org and of the whole vault.
    """

    org: str
    now: datetime
    added: datetime
    retired: bool = False
    scheduled: bool = True
    last: datetime | None = None
    failure: Message | None = None
    gaps: int = 0
    accepted: int = 0
    alerts: Sequence[RaisedAlert] = ()


def status_of(facts: StatusFacts) -> JudgedStatus:
    """Return the status of an org with its reasons."""
    reasons = sorted(_reasons(facts), key=lambda reason: _GRAVITY.index(reason.status))
    return JudgedStatus(reasons[0].status, tuple(reasons))


def alerts_about(
    org: str, alerts: Iterable[AlertRecord], *, last: datetime | None
) -> tuple[RaisedAlert, ...]:
    """Return the open alerts that concern an org, without those that its newest backup answers."""
    return tuple(
        alert.raised
        for alert in alerts
        if alert.raised.org in ("", org)
        and not (last and alert.raised.rule in ANSWERED and alert.opened_at < last)
    )


def _reasons(facts: StatusFacts) -> Iterator[StatusReason]:
    """Yield a reason for each line that applies; at least one does."""
    if facts.retired:
        yield _reason(
            OrgStatus.RETIRED,
            "This org is no longer backed up. Its backups are kept, and can be searched and "
            "restored.",
        )
        return
    dangers = [*_failed(facts), *_overdue(facts), *_endangered(facts), *_incomplete(facts)]
    yield from dangers
    if facts.last is None and not any(r.status is OrgStatus.AT_RISK for r in dangers):
        yield _no_backup(facts)
    elif not dangers:
        yield _protected(facts)


def _failed(facts: StatusFacts) -> Iterator[StatusReason]:
    if facts.failure is not None:
        yield _reason(
            OrgStatus.FAILED,
            "The last backup failed: {why}",
            "{step}"
            if facts.failure.next_step
            else "Fix the cause, then start the backup: it resumes where it stopped.",
            place=StatusPlace.RUN,
            why=facts.failure,
            step=facts.failure.step,
        )
        return
    for alert in facts.alerts:
        if alert.rule in FAILING:
            yield StatusReason(OrgStatus.FAILED, alert.message, StatusPlace.ALERTS)


def _overdue(facts: StatusFacts) -> Iterator[StatusReason]:
    since = facts.last or facts.added
    age = facts.now - since
    if age <= OVERDUE or (facts.last is None and not facts.scheduled):
        return
    yield _reason(
        OrgStatus.AT_RISK,
        "The newest backup is {age} old."
        if facts.last is not None
        else "The org was added {age} ago and has no backup.",
        "Check that the service is running, then start a backup: `unlost backup {org}`"
        if facts.scheduled
        else "No backup is scheduled. Turn on nightly backups in the schedule.",
        place=StatusPlace.RUN if facts.scheduled else StatusPlace.SCHEDULE,
        age=_age(age),
        org=facts.org,
    )


def _endangered(facts: StatusFacts) -> Iterator[StatusReason]:
    """Yield the alerts that endanger the org. The service raises them; age is seen without it."""
    for alert in facts.alerts:
        if alert.rule not in ENDANGERING or alert.urgency is not Urgency.NOW:
            continue
        if alert.rule is AlertRule.NO_RECENT_BACKUP:  # the same as overdue
            continue
        yield StatusReason(OrgStatus.AT_RISK, alert.message, StatusPlace.ALERTS)


def _incomplete(facts: StatusFacts) -> Iterator[StatusReason]:
    if facts.gaps and facts.last is not None:
        yield _reason(
            OrgStatus.INCOMPLETE,
            "The newest backup has {gaps}.",
            "See the certificate. Close each gap, or accept it with a reason if it cannot be "
            "closed.",
            place=StatusPlace.CERTIFICATE,
            gaps=gap_counts(facts.gaps, accepted=facts.accepted),
        )


def _no_backup(facts: StatusFacts) -> StatusReason:
    return _reason(
        OrgStatus.NO_BACKUP,
        "There is no backup yet.",
        "The first one starts automatically."
        if facts.scheduled
        else "No backup is scheduled. Turn on nightly backups in the schedule.",
        place=StatusPlace.NONE if facts.scheduled else StatusPlace.SCHEDULE,
    )


def _protected(facts: StatusFacts) -> StatusReason:
    if facts.accepted:
        return _reason(
            OrgStatus.PROTECTED,
            "The newest backup is in time and complete, except for accepted gaps: {count}.",
            place=StatusPlace.CERTIFICATE,
            count=facts.accepted,
        )
    return _reason(OrgStatus.PROTECTED, "The newest backup is in time and complete.")


def _reason(
    status: OrgStatus,
    template: str,
    next_step: str = "",
    /,
    *,
    place: StatusPlace = StatusPlace.NONE,
    **args: object,
) -> StatusReason:
    return StatusReason(status, message(status.value, template, next_step=next_step, **args), place)


def _age(age: timedelta) -> Message:
    hours = age.total_seconds() / 3600
    return counted(round(hours), Noun.HOUR) if hours < 72 else counted(age.days, Noun.DAY)
