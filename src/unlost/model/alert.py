"""Alerts: problems that people must know about, each sent once, until it is resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from unlost.model.message import HasMessage, Message


class AlertRule(StrEnum):
    """A condition that is watched; each has a page in the documentation."""

    NIGHT_FAILED = "night-failed"
    HOURLY_FAILED = "hourly-failed"
    NIGHT_MISSED = "night-missed"
    NIGHT_LATE = "night-late"
    NIGHT_PARKED = "night-parked"
    RESTORE_HALTED = "restore-halted"
    RUN_STUCK = "run-stuck"
    ORG_REPLACED = "org-replaced"
    NO_RECENT_BACKUP = "no-recent-backup"
    INCOMPLETE = "incomplete"
    TABLE_LOST = "table-lost"
    SCHEMA_DRIFT = "schema-drift"
    MASS_CHANGE = "mass-change"
    LOSS = "loss"
    WATCHED = "watched"
    ARCHIVE_SCHEDULE = "archive-schedule"
    UNUSUAL_LOSS = "unusual-loss"
    UNUSUAL_CHANGE = "unusual-change"  # of earlier versions: the daily digest lists these changes
    STORAGE = "storage"
    STORAGE_FORECAST = "storage-forecast"
    API_BUDGET = "api-budget"
    CREDENTIAL_EXPIRES = "credential-expires"
    VAULT_DAMAGED = "vault-damaged"
    VAULT_REPAIRED = "vault-repaired"
    VAULT_GROWS = "vault-grows"
    REMOVAL_WAITS = "removal-waits"
    MIRROR = "mirror"
    SERVICE_SILENT = "service-silent"  # sent by the external watcher, when no heartbeat comes
    DIGEST = "digest"  # no alert: the daily summary

    @property
    def is_lasting(self) -> bool:
        """False for an event: it is answered or grows old, and no message says that it has ended."""
        return self not in (AlertRule.MASS_CHANGE, AlertRule.LOSS, AlertRule.WATCHED)


class Urgency(StrEnum):
    """The time within which people must react. Only ``NOW`` is sent during quiet hours."""

    SOON = "soon"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class RaisedAlert(HasMessage):
    """The finding of a rule while its cause lasts.

    ``subject`` distinguishes causes of one rule and org. (rule, org, subject) is one alert, however
    often it is raised. It is sent again when its urgency or its ``level`` rises. ``org``: the org's
    name, empty for the whole vault. ``command``: the command that people run to fix it.
    """

    rule: AlertRule
    org: str
    subject: str
    urgency: Urgency
    message: Message
    command: str = ""
    level: int = 0

    @property
    def key(self) -> str:
        """The name of the alert while it lasts."""
        return "/".join(part for part in (self.rule.value, self.org, self.subject) if part)


class NotificationKind(StrEnum):
    """The reason for a message."""

    OPENED = "opened"
    RESOLVED = "resolved"
    TEST = "test"
    ALIVE = "alive"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Notification:
    """A message to send. ``since``: start of the alert; ``heads``: proof of the vault's content.

    ``heads`` are the number and the first 12 hexadecimal digits of the newest backup, by org.
    ``link`` is the console page that repairs or explains it, if the console's address is known.
    """

    event: NotificationKind
    raised: RaisedAlert
    since: datetime
    at: datetime
    heads: tuple[tuple[str, int, str], ...] = ()
    link: str = ""

    @property
    def title(self) -> str:
        """The title, in one line."""
        where = f" ({self.raised.org})" if self.raised.org else ""
        words = {NotificationKind.RESOLVED: "Resolved: ", NotificationKind.TEST: "Test: "}
        word = words.get(self.event, "")
        line = self.raised.sentence.partition("\n")[0]
        first = " ".join(line.partition(". ")[0].split()).rstrip(".")
        return f"{word}{first}{where}"

    @property
    def lines(self) -> tuple[str, ...]:
        """The complete text: what happened, what to do, the command, and the proof."""
        raised = self.raised
        lines = [raised.sentence, f"Since {self.since:%Y-%m-%d %H:%M} UTC."]
        if self.event is NotificationKind.DIGEST:
            lines = raised.sentence.splitlines()
        if self.event is NotificationKind.RESOLVED:
            lines = [
                f"The cause of this alert has ended: {raised.sentence}",
                f"The alert was open since {self.since:%Y-%m-%d %H:%M} UTC.",
            ]
        elif raised.next_step:
            lines.append(raised.next_step)
        if self.link and self.event is not NotificationKind.RESOLVED:
            lines.append(self.link)
        if raised.command and self.event is not NotificationKind.RESOLVED:
            lines.append(f"  {raised.command}")
        lines += [f"{org}: backup {number}, head {head}" for org, number, head in self.heads]
        return tuple(lines)


class ChannelKind(StrEnum):
    """Ways to send a message."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    SLACK = "slack"
    TEAMS = "teams"
    HEARTBEAT = "heartbeat"  # no alerts: shows an external watcher that the service is alive

    @property
    def takes_alerts(self) -> bool:
        """True for channels that notify people."""
        return self is not ChannelKind.HEARTBEAT


@dataclass(frozen=True, slots=True)
class Channel:
    """A destination of messages. ``settings``: plain values of the sender's own settings."""

    name: str
    kind: ChannelKind
    settings: Mapping[str, Any] = field(default_factory=dict)
