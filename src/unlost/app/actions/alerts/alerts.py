"""Manage alerts and channels: open and close alerts, deliver messages, test channels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from unlost.alerts.rules import raised_alerts
from unlost.alerts.senders import Sender, sender
from unlost.alerts.watched import AlertFacts
from unlost.app.access import Where, action, check_home, check_org
from unlost.app.actions.backups.schedule import hours_of, time_of
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.alerts.digest_email import DailyAt, digest, digest_day
from unlost.app.compose import Application
from unlost.app.home.home import read_home_key
from unlost.app.vault.home_copy import after_change
from unlost.catalog.alerts import (
    AlertChanges,
    AlertRecord,
    DeliveryRecord,
    acknowledge,
    due_messages,
    failed_channels,
    find_alert,
    last_digest,
    list_alerts,
    list_channels,
    message_failed,
    message_sent,
    note_digest,
    put_off_message,
    remove_channel,
    save_channel,
    sealed_secret,
    still_due,
    update_alerts,
)
from unlost.catalog.home.settings import public_address
from unlost.catalog.orgs.secrets import NONCE_BYTES, seal, sealing_key, unseal
from unlost.engine.schedule import instant
from unlost.model.access import Right, Trace
from unlost.model.alert import (
    AlertRule,
    Channel,
    ChannelKind,
    Notification,
    NotificationKind,
    RaisedAlert,
    Urgency,
)
from unlost.model.decoders import decoder_for
from unlost.model.errors import NotFound, TransientError, UnlostError, UsageError
from unlost.model.message import Message, message
from unlost.model.runs.schedule import Hours
from unlost.model.source.reading import Json

HEAD_DIGITS = 12
NEWEST = 50

type Senders = Callable[[ChannelKind, Mapping[str, Json], str | None], Sender]
ALIVE = message("service-silent", "Unlost is running.")
TEST = message(
    "test",
    "This is a test. Alerts from Unlost reach this channel.",
    next_step="No action is needed.",
)


@dataclass(frozen=True, slots=True)
class Alerts:
    """Open alerts, or the newest ones; ``silent`` is why a channel's last message failed."""

    alerts: tuple[AlertRecord, ...]
    channels: tuple[Channel, ...]
    silent: Mapping[str, Message]


@dataclass(frozen=True, slots=True)
class Channels:
    """All channels; ``silent`` as in ``Alerts``."""

    channels: tuple[Channel, ...]
    silent: Mapping[str, Message]


@dataclass(frozen=True, slots=True)
class ChannelTest:
    """The result of a test message; ``problem`` is why it failed, empty if it did not."""

    channel: str
    problem: str = ""
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class ChannelTests:
    """The results of test messages."""

    channels: tuple[ChannelTest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRequest:
    """A channel as typed by a person; None and empty values were not given.

    ``quiet`` are hours such as ``22:00-07:00`` in ``zone``, ``digest`` is a time of day in that
    zone; ``private`` allows an address of the internal network.
    """

    name: str
    kind: ChannelKind
    url: str | None = None
    host: str | None = None
    port: int | None = None
    security: str | None = None
    user: str | None = None
    sender: str | None = None
    to: tuple[str, ...] = ()
    quiet: str | None = None
    zone: str = "UTC"
    private: bool = False
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours, in a zone, during which only urgent alerts are sent."""

    hours: Hours
    zone: str


def watch(app: Application, watcher: Watcher) -> AlertChanges:
    """Apply all alert rules now, and queue the messages that follow."""
    return update_alerts(raised_alerts(watcher.gather(app)), now=app.clock.now())


def deliver(app: Application, *, senders: Senders = sender) -> None:
    """Send the messages that are due. A message that a channel refuses is retried later."""
    away: set[str] = set()
    for waiting in due_messages(app.clock.now()):
        if waiting.channel.name in away:
            continue  # it just failed: its other messages wait for the next delivery
        if not still_due(waiting.id):
            continue  # closed or acknowledged while others were sent
        until = _quiet_until(waiting, app.clock.now())
        if until is not None:
            put_off_message(waiting.id, until=until)
        elif not _send(app, waiting, senders):
            away.add(waiting.channel.name)


def _send(app: Application, waiting: DeliveryRecord, senders: Senders) -> bool:
    """Send a message; False if the channel does not answer now."""
    channel, now = waiting.channel, app.clock.now()
    message = Notification(
        waiting.message,
        waiting.alert.raised,
        waiting.alert.opened_at,
        now,
        heads(app),
        link_to(waiting.alert),
    )
    problem = _handed(app, channel, message, senders)
    if problem is None:
        message_sent(waiting.id, at=now)
        return True
    # A refused message is never retried, as it would be refused again.
    final = not isinstance(problem, TransientError)
    message_failed(waiting, problem.message, at=now, final=final)
    return final


def link_to(alert: AlertRecord) -> str:
    """Return the link that opens an alert's page; empty if the console's address is not set."""
    address = public_address()
    return f"{address}/alerts/{alert.id}/" if address else ""


def _handed(
    app: Application, channel: Channel, message: Notification, senders: Senders
) -> UnlostError | None:
    """Hand a message to a channel; returns the error, if any, so that other channels go on."""
    try:
        senders(channel.kind, _sender_settings(channel), _secret(app, channel)).send(message)
    except UnlostError as error:
        return error
    except Exception as error:  # noqa: BLE001 (a library may raise anything for typed settings)
        return UnlostError(
            "message-not-sent",
            "The message could not be sent: {error}.",
            error=type(error).__name__,
        )
    return None


def beat(app: Application, *, senders: Senders = sender) -> tuple[str, ...]:
    """Send a sign of life to all heartbeat channels; returns the names of those that failed."""
    now = app.clock.now()
    raised = RaisedAlert(AlertRule.SERVICE_SILENT, "", "", Urgency.NOW, ALIVE)
    message = Notification(NotificationKind.ALIVE, raised, now, now, heads(app))
    missed = []
    for channel in list_channels():
        # Only heartbeat channels take no alerts.
        if not channel.kind.takes_alerts:
            missed += [channel.name] if _handed(app, channel, message, senders) else []
    return tuple(missed)


def send_digest(
    app: Application, watched: AlertFacts, *, senders: Senders = sender
) -> tuple[str, ...]:
    """Send the digest to each channel that is due; returns the names of those that failed."""
    now, missed = app.clock.now(), []
    lasting = len(list_alerts())
    for channel in list_channels():
        # The day is stored per channel, so that a restart does not send a digest twice.
        digest_settings = channel.settings.get("digest")
        day = (
            digest_day(decoder_for(DailyAt).convert(digest_settings), now)
            if digest_settings is not None
            else None
        )
        if day is None or last_digest(channel.name) == day:
            continue
        message = Notification(
            NotificationKind.DIGEST, digest(watched, lasting=lasting), now, now, heads(app)
        )
        if _handed(app, channel, message, senders) is None:
            note_digest(channel.name, day)
        else:
            missed.append(channel.name)
    return tuple(missed)


def heads(app: Application) -> tuple[tuple[str, int, str], ...]:
    """Return name, number and head of each org's newest backup.

    Every message carries them: a kept e-mail can prove later which state the vault had.
    """
    chain_heads: list[tuple[str, int, str]] = []
    for oid, name in sorted(app.names().items(), key=lambda item: item[1]):
        try:
            head = app.vault.newest_backup(oid)
        except UnlostError:
            continue  # a vault that cannot be read has its own alert rule
        if head is not None:
            chain_heads.append((name, head.info.number, head.info.head[:HEAD_DIGITS]))
    return tuple(chain_heads)


# --- actions --------------------------------------------------------------------------------------


@action("alert.list", Right.LOOK)
def show(app: Application, *, all_of_them: bool = False) -> Alerts:
    """List open alerts; with ``all_of_them`` the newest ones, closed ones included.

    Channels are included only for users who manage the home.
    """
    # Alerts without an org concern the home, and are shown to everyone.
    seen = {"", *(org.name for org in app.orgs())}
    alerts = [
        alert
        for alert in list_alerts(most=NEWEST if all_of_them else None)
        if alert.raised.org in seen
    ]
    if not app.actor.may(Right.MANAGE):
        return Alerts(tuple(alerts), (), {})
    return Alerts(tuple(alerts), tuple(list_channels()), failed_channels())


@action("alert.show", Right.LOOK, where=Where.ITSELF)
def show_alert(app: Application, alert: int) -> AlertRecord:
    """Show an alert, open or not; raises NotFound (``alert-unknown``)."""
    record = find_alert(alert)
    if record is None or record.raised.org not in {"", *(org.name for org in app.orgs())}:
        raise NotFound(
            "alert-unknown",
            "There is no alert {key!r}.",
            next_step="List the alerts with `unlost alert list --all`.",
            key=alert,
        )
    return record


@action("channel.list", Right.MANAGE, where=Where.HOME)
def channels(app: Application) -> Channels:  # noqa: ARG001 (every action takes it)
    """List the channels."""
    return Channels(tuple(list_channels()), failed_channels())


@action("alert.acknowledge", Right.OPERATE, trace=Trace.WRITE, where=Where.ITSELF, subject=("key",))
def acknowledged(app: Application, key: str) -> None:
    """Acknowledge an alert; raises NotFound (``alert-unknown``)."""
    _check(app, key)
    if not acknowledge(key, at=app.clock.now()):
        raise NotFound(
            "alert-unknown",
            "There is no open alert {key!r}.",
            next_step="List the open alerts with `unlost alert list`.",
            key=key,
        )


def _check(app: Application, key: str) -> None:
    """Raise unless the actor may operate the alert's org, or the home if the alert has no org."""
    org = next((alert.raised.org for alert in list_alerts() if alert.raised.key == key), "")
    if org and org in app.names().values():
        check_org(app, Right.OPERATE, org)
    else:
        check_home(app, Right.OPERATE)


@action(
    "channel.add",
    Right.MANAGE,
    trace=Trace.WRITE,
    where=Where.HOME,
    detail=lambda c: {"channel": c.name},
)
def add_channel(app: Application, asked: ChannelRequest, *, secret: str | None) -> Channel:
    """Add a channel or replace the one of this name; raises UsageError (``channel-invalid``)."""
    channel = Channel(asked.name, asked.kind, _settings(asked))
    # Building a sender validates the settings; nothing is sent.
    sender(channel.kind, _sender_settings(channel), secret)
    sealed = _sealed(app, channel.name, secret) if secret is not None else None
    save_channel(channel, sealed=sealed, at=app.clock.now())
    after_change(app)
    return channel


def _settings(request: ChannelRequest) -> Mapping[str, Json]:
    """Return the settings that were typed, as plain values."""
    typed: dict[str, Json] = {
        "url": request.url,
        "host": request.host,
        "port": request.port,
        "security": request.security,
        "user": request.user,
        "sender": request.sender,
        "to": list(request.to) or None,
        "private": request.private or None,
    }
    if request.quiet is not None:
        quiet = QuietHours(hours_of(request.quiet), _zone(request.zone))
        typed["quiet"] = msgspec.to_builtins(quiet)
    if request.digest is not None:
        daily = DailyAt(time_of(request.digest), _zone(request.zone))
        typed["digest"] = msgspec.to_builtins(daily)
    return {name: value for name, value in typed.items() if value is not None}


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, KeyError):
        raise UsageError(
            "zone-unknown",
            "There is no time zone named {name!r}.",
            next_step="Use a name such as Europe/Zurich.",
            name=name,
        ) from None


@action("channel.drop", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def drop_channel(app: Application, name: str) -> None:
    """Remove a channel; raises NotFound (``channel-unknown``)."""
    if not remove_channel(name):
        raise _unknown(name)
    after_change(app)


@action("channel.test", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def try_channels(
    app: Application, name: str | None = None, *, senders: Senders = sender
) -> ChannelTests:
    """Send a test message to one channel, or to all; raises NotFound (``channel-unknown``)."""
    chosen = [channel for channel in list_channels() if name in (None, channel.name)]
    if not chosen:
        raise _unknown(name or "")
    return ChannelTests(tuple(_tried(app, channel, senders) for channel in chosen))


def _tried(app: Application, channel: Channel, senders: Senders) -> ChannelTest:
    now = app.clock.now()
    raised = RaisedAlert(
        AlertRule.NIGHT_FAILED,
        "",
        "test",
        Urgency.SOON,
        TEST,
    )
    message = Notification(NotificationKind.TEST, raised, now, now, heads(app))
    problem = _handed(app, channel, message, senders)
    if problem is not None:
        return ChannelTest(channel.name, problem.sentence, problem.next_step)
    return ChannelTest(channel.name)


# --- inside ---------------------------------------------------------------------------------------


def _quiet_until(waiting: DeliveryRecord, now: datetime) -> datetime | None:
    """Return the end of the quiet hours if they hold this message back; None to send it now."""
    quiet = _quiet(waiting.channel)
    if quiet is None or waiting.alert.raised.urgency is Urgency.NOW:
        return None
    local = now.astimezone(ZoneInfo(quiet.zone))
    if not quiet.hours.holds(local.time()):
        return None
    wall = datetime.combine(local.date(), quiet.hours.ends)
    ends = instant(wall, quiet.zone)
    if ends > now:
        return ends
    # Quiet hours that span midnight end on the next day.
    return instant(wall + timedelta(days=1), quiet.zone)


def _quiet(channel: Channel) -> QuietHours | None:
    """Return the quiet hours of a channel, if any."""
    quiet_settings = channel.settings.get("quiet")
    return decoder_for(QuietHours).convert(quiet_settings) if quiet_settings is not None else None


def _sender_settings(channel: Channel) -> Mapping[str, Json]:
    """Return the settings that the sender itself understands."""
    # Handled here; they are not settings of a sender.
    preserved = ("quiet", "digest")
    return {name: value for name, value in channel.settings.items() if name not in preserved}


def _place(name: str) -> bytes:
    return f"channel/{name}".encode()


def _sealed(app: Application, name: str, secret: str) -> bytes:
    key, nonce = sealing_key(read_home_key(app.home)), app.entropy.bytes(NONCE_BYTES)
    return seal(secret, key=key, place=_place(name), nonce=nonce)


def _secret(app: Application, channel: Channel) -> str | None:
    sealed = sealed_secret(channel.name)
    if sealed is None:
        return None
    return unseal(sealed, key=sealing_key(read_home_key(app.home)), place=_place(channel.name))


def _unknown(name: str) -> NotFound:
    return NotFound(
        "channel-unknown",
        "There is no channel named {name!r}." if name else "There is no channel yet.",
        next_step="List the channels with `unlost alert list`, or add one with `unlost alert "
        "channel`.",
        name=name,
    )
