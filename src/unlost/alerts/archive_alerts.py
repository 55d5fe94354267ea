"""The alerts about archive schedules: one does not run, was switched off, or waits. Pure."""

from collections.abc import Iterator
from shlex import quote

from unlost.alerts.watched import OrgFacts, PolicyFacts
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.message import Message, message, render

CODE = AlertRule.ARCHIVE_SCHEDULE.value
WAITS = "/waits"  # ends the subject of an alert about a plan


def archive_alerts(org: OrgFacts) -> Iterator[RaisedAlert]:
    """One alert for each saved policy whose schedule has a problem, and one for a waiting plan."""
    for archive in org.archives:
        if archive.problem is not None:
            urgency = Urgency.SOON if archive.is_on else Urgency.NOW
            yield _raised(org, archive, archive.name, urgency, _problem(org, archive))
        if archive.waits:
            subject = f"{archive.name}{WAITS}"
            yield _raised(org, archive, subject, Urgency.SOON, _waiting(org, archive))


def _problem(org: OrgFacts, archive: PolicyFacts) -> Message:
    assert archive.problem is not None
    return message(
        CODE,
        "The schedule of the archive policy {policy} of {org} archived nothing: {why} Unlost tries "
        "again after the next backup of the schedule."
        if archive.is_on
        else "The schedule of the archive policy {policy} of {org} is switched off: {why}",
        next_step="{step}",
        policy=archive.name,
        org=org.name,
        why=archive.problem,
        step=archive.problem.step,
    )


def _waiting(org: OrgFacts, archive: PolicyFacts) -> Message:
    return message(
        CODE,
        "An archive by the policy {policy} of {org} is planned, and waits for a second person.",
        next_step="Have another person who may restore in {org} approve the plan in the console. "
        "After the next backup of the schedule, Unlost replaces this plan with a new one.",
        policy=archive.name,
        org=org.name,
    )


def _raised(
    org: OrgFacts, archive: PolicyFacts, subject: str, urgency: Urgency, text: Message
) -> RaisedAlert:
    args = {"org": org.name, "name": quote(archive.name)}
    command = render("unlost archive policy show {org} {name}", args)
    return RaisedAlert(AlertRule.ARCHIVE_SCHEDULE, org.name, subject, urgency, text, command)
