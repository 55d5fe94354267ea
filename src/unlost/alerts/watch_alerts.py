"""The alert about watched records: one of a set was deleted, or a watched column changed. Pure.

A set sends one message for each backup that noticed something. The alert stays until a backup is
made a week later.
"""

from collections.abc import Iterator
from shlex import quote

from unlost.alerts.watched import OrgFacts, WatchFacts
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.message import Message, Noun, counted, joined, message, render
from unlost.model.watched import WatchHit

CODE = AlertRule.WATCHED.value


def watch_alerts(org: OrgFacts) -> Iterator[RaisedAlert]:
    """One alert for each watched set and backup of the last days that noticed something."""
    for watch in org.watches:
        for hit in watch.hits:
            if org.is_recent(hit.as_of):
                yield _raised(org, watch, hit)


def _raised(org: OrgFacts, watch: WatchFacts, hit: WatchHit) -> RaisedAlert:
    text = message(
        CODE,
        "In the watched set “{name}” of {org}: {changes}",
        next_step="See the changes, and take them back if they were not intended.",
        name=watch.name,
        org=org.name,
        changes=joined(CODE, list(_sentences(hit))),
    )
    args = {"org": org.name, "name": quote(watch.name)}
    command = render("unlost watch show {org} {name}", args)
    subject = f"{watch.name}/{hit.backup}"
    return RaisedAlert(AlertRule.WATCHED, org.name, subject, Urgency.NOW, text, command)


def _sentences(hit: WatchHit) -> Iterator[Message]:
    if hit.deleted:
        yield message(CODE, "{records} deleted.", records=counted(hit.deleted, Noun.RECORD))
    for column, count in sorted(hit.columns.items()):
        yield message(
            CODE,
            "{column} changed in {records}.",
            column=column,
            records=counted(count, Noun.RECORD),
        )
    if hit.unsearched:
        yield message(
            CODE,
            "Too much changed to look at what belongs to the set, in {tables}.",
            tables=", ".join(hit.unsearched),
        )
    if hit.error is not None:
        yield message(CODE, "It could not be looked at: {why}", why=hit.error)
