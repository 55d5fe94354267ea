"""Alerts and their messages: opened once, sent to each channel, resolved when their cause is
gone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import AlertRow, ChannelRow, Delivery
from unlost.model.alert import (
    AlertRule,
    Channel,
    ChannelKind,
    NotificationKind,
    RaisedAlert,
    Urgency,
)
from unlost.model.message import Message
from unlost.model.written import written

# minutes until the next try; the last value for the rest of the day
RETRIES = (1, 5, 15, 60, 120, 240)
PATIENCE = timedelta(days=1)  # after that a message is given up


@written(raised="alarm")
@dataclass(frozen=True, slots=True)
class AlertRecord:
    """An alert that was opened."""

    id: int
    raised: RaisedAlert
    opened_at: datetime
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A message that must be sent to a channel."""

    id: int
    alert: AlertRecord
    channel: Channel
    message: NotificationKind
    made_at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class AlertChanges:
    """Changes by a comparison of raised alerts with open alerts: keys."""

    opened: tuple[str, ...] = ()
    grown: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()


@dataclass(slots=True)
class _OpenAlerts:
    """The open alerts as read in a context; None if they were not read yet."""

    alerts: Sequence[AlertRecord] | None = None


_once: ContextVar[_OpenAlerts | None] = ContextVar("once", default=None)


@contextmanager
def alerts_read_once() -> Iterator[None]:
    """Query the open alerts at most once inside, for example for a request that only shows them."""
    before = _once.set(_OpenAlerts())
    try:
        yield
    finally:
        _once.reset(before)


def _changed() -> None:
    """Invalidate the alerts that were read."""
    cached = _once.get()
    if cached is not None:
        cached.alerts = None


def update_alerts(raised_alerts: Sequence[RaisedAlert], *, now: datetime) -> AlertChanges:
    """Open new alerts, update lasting ones, resolve ended ones; and queue their messages."""
    alerts = {raised.key: raised for raised in raised_alerts}
    _changed()
    with returned_connection(), transaction.atomic():
        known = {row.key: row for row in AlertRow.objects.filter(resolved_at=None)}
        opened = [_open(raised, now) for key, raised in alerts.items() if key not in known]
        grown = [row for key, row in known.items() if key in alerts and _renew(row, alerts[key])]
        over = [row for key, row in known.items() if key not in alerts]
        for row in over:
            _close(row, now)
        _line_up([*opened, *grown], NotificationKind.OPENED, now)
    return AlertChanges(
        tuple(row.key for row in opened),
        tuple(row.key for row in grown),
        tuple(row.key for row in over),
    )


def list_alerts(*, most: int | None = None) -> Sequence[AlertRecord]:
    """Open alerts, the newest first; with ``most`` the newest alerts, including resolved ones."""
    cached = _once.get() if most is None else None
    if cached is None:
        return _read_alerts(most)
    if cached.alerts is None:
        cached.alerts = _read_alerts(None)
    return cached.alerts


def _read_alerts(most: int | None) -> Sequence[AlertRecord]:
    with returned_connection():
        rows = AlertRow.objects.order_by("-opened_at", "-id")
        alert_rows = list(rows[:most] if most is not None else rows.filter(resolved_at=None))
    return [_alert(row) for row in alert_rows]


def find_alert(alert: int) -> AlertRecord | None:
    """The alert with an id, open or not."""
    with returned_connection():
        row = AlertRow.objects.filter(pk=alert).first()
    return _alert(row) if row is not None else None


def acknowledge(key: str, *, at: datetime) -> bool:
    """Acknowledge an alert: no further messages until it is resolved. False if there is none."""
    _changed()
    with returned_connection():
        rows = AlertRow.objects.filter(key=key, resolved_at=None)
        count = rows.update(acknowledged_at=at)
        Delivery.objects.filter(alert__in=rows, sent_at=None).update(next_at=None)
    return bool(count)


# --- messages -------------------------------------------------------------------------------------


def due_messages(now: datetime) -> Sequence[DeliveryRecord]:
    """Messages that are due."""
    with returned_connection():
        rows = list(
            Delivery.objects.select_related("alert", "channel")
            .filter(next_at__lte=now)
            .order_by("id")
        )
    return [
        DeliveryRecord(
            row.id,
            _alert(row.alert),
            _channel(row.channel),
            NotificationKind(row.told),
            row.made_at,
            row.tries,
        )
        for row in rows
    ]


def message_sent(delivery: int, *, at: datetime) -> None:
    """Record a sent message; also queue the resolution if the alert is resolved already."""
    with returned_connection(), transaction.atomic():
        Delivery.objects.filter(id=delivery).update(
            sent_at=at, next_at=None, tries=F("tries") + 1, error=None
        )
        row = Delivery.objects.select_related("alert").get(id=delivery)
        lasting = AlertRule(row.alert.rule).is_lasting
        over = lasting and row.alert.resolved_at is not None
        if over and row.told == NotificationKind.OPENED.value:
            Delivery.objects.get_or_create(
                alert=row.alert,
                channel_id=row.channel_id,
                told=NotificationKind.RESOLVED.value,
                defaults={"made_at": at, "next_at": at},
            )


def still_due(delivery: int) -> bool:
    """False for a message that must no longer be sent: its alert is resolved or acknowledged."""
    with returned_connection():
        return Delivery.objects.filter(id=delivery, next_at__isnull=False).exists()


def put_off_message(delivery: int, *, until: datetime) -> None:
    """Postpone a message because of quiet hours."""
    with returned_connection():
        Delivery.objects.filter(id=delivery, next_at__isnull=False).update(next_at=until)


def message_failed(delivery: DeliveryRecord, why: Message, *, at: datetime, final: bool) -> None:
    """Record a failed message, and the time of its next try, if any."""
    wait = timedelta(minutes=RETRIES[min(delivery.tries, len(RETRIES) - 1)])
    again = None if final or at + wait - delivery.made_at > PATIENCE else at + wait
    with returned_connection():
        tried = Delivery.objects.filter(id=delivery.id)
        tried.update(tries=F("tries") + 1, error=why)
        # Not if the alert was acknowledged or resolved meanwhile.
        tried.filter(next_at__isnull=False).update(next_at=again)


def failed_channels() -> Mapping[str, Message]:
    """The reasons why channels did not accept their last message, by the channel's name."""
    with returned_connection():
        rows = list(Delivery.objects.select_related("channel").order_by("id"))
    newest = {row.channel.name: row.error for row in rows if row.tries}
    return {name: error for name, error in newest.items() if error}


# --- channels -------------------------------------------------------------------------------------


def list_channels() -> Sequence[Channel]:
    """All channels, by name."""
    with returned_connection():
        return [_channel(row) for row in ChannelRow.objects.order_by("name")]


def save_channel(channel: Channel, *, sealed: bytes | None, at: datetime) -> None:
    """Save a channel, replacing one of the same name; queue messages of all open alerts for it."""
    values = {
        "kind": channel.kind.value,
        "settings": dict(channel.settings),
        "sealed": sealed,
    }
    with returned_connection(), transaction.atomic():
        row, _ = ChannelRow.objects.update_or_create(name=channel.name, defaults=values)
        if channel.kind.takes_alerts:
            deliveries = row.deliveries.filter(told=NotificationKind.OPENED.value).exclude(
                sent_at=None, next_at=None
            )
            known = set(deliveries.values_list("alert_id", flat=True))
            lasting = AlertRow.objects.filter(resolved_at=None, acknowledged_at=None)
            Delivery.objects.bulk_create(
                Delivery(
                    alert=alert_row,
                    channel=row,
                    told=NotificationKind.OPENED.value,
                    made_at=at,
                    next_at=at,
                )
                for alert_row in lasting
                if alert_row.id not in known
            )


def remove_channel(name: str) -> bool:
    """Delete a channel and its messages; False if there is none."""
    with returned_connection():
        return bool(ChannelRow.objects.filter(name=name).delete()[0])


def last_digest(channel: str) -> str:
    """The day of the last digest sent to a channel."""
    with returned_connection():
        row = ChannelRow.objects.filter(name=channel).first()
    return row.digested if row is not None else ""


def note_digest(channel: str, day: str) -> None:
    """Record that the digest of a day was sent to a channel."""
    with returned_connection():
        ChannelRow.objects.filter(name=channel).update(digested=day)


def sealed_secret(channel: str) -> bytes | None:
    """The sealed secret of a channel."""
    with returned_connection():
        row = ChannelRow.objects.filter(name=channel).first()
    return bytes(row.sealed) if row is not None and row.sealed is not None else None


# --- inside ---------------------------------------------------------------------------------------


def _open(raised: RaisedAlert, now: datetime) -> AlertRow:
    return AlertRow.objects.create(key=raised.key, opened_at=now, **_columns(raised))


def _renew(row: AlertRow, raised: RaisedAlert) -> bool:
    """Update an open alert; true if it became worse, which is sent again."""
    urgent = raised.urgency is Urgency.NOW and row.urgency != Urgency.NOW.value
    grew = urgent or raised.level > row.level
    same = all(getattr(row, name) == value for name, value in _columns(raised).items())
    if not same:
        for name, value in _columns(raised).items():
            setattr(row, name, value)
        row.save()
    return grew


def _close(row: AlertRow, now: datetime) -> None:
    """Resolve an alert; only channels that got its first message get the message of its end."""
    row.resolved_at = now
    row.save(update_fields=["resolved_at"])
    deliveries = row.deliveries.filter(told=NotificationKind.OPENED.value)
    # Messages that were not sent yet are obsolete.
    deliveries.filter(sent_at=None).update(next_at=None)
    channels = {delivery.channel_id for delivery in deliveries.exclude(sent_at=None)}
    for channel in channels if AlertRule(row.rule).is_lasting else ():
        Delivery.objects.create(
            alert=row,
            channel_id=channel,
            told=NotificationKind.RESOLVED.value,
            made_at=now,
            next_at=now,
        )


def _line_up(rows: Sequence[AlertRow], message: NotificationKind, now: datetime) -> None:
    channels = [
        channel_row
        for channel_row in ChannelRow.objects.all()
        if ChannelKind(channel_row.kind).takes_alerts
    ]
    Delivery.objects.bulk_create(
        Delivery(alert=row, channel=channel, told=message.value, made_at=now, next_at=now)
        for row in rows
        if row.acknowledged_at is None
        for channel in channels
    )


def _columns(raised: RaisedAlert) -> Mapping[str, str | int | Message]:
    return {
        "rule": raised.rule.value,
        "org": raised.org,
        "subject": raised.subject,
        "urgency": raised.urgency.value,
        "level": raised.level,
        "message": raised.message,
        "command": raised.command,
    }


def _alert(row: AlertRow) -> AlertRecord:
    assert row.message is not None, "the column is not nullable"
    raised = RaisedAlert(
        AlertRule(row.rule),
        row.org,
        row.subject,
        Urgency(row.urgency),
        row.message,
        row.command,
        row.level,
    )
    return AlertRecord(row.id, raised, row.opened_at, row.acknowledged_at, row.resolved_at)


def _channel(row: ChannelRow) -> Channel:
    return Channel(row.name, ChannelKind(row.kind), row.settings)
