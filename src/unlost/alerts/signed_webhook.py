"""A signed POST of JSON to an address of the user's choice.

The header ``Unlost-Signature`` is ``t=SECONDS,v1=HEX``: HMAC-SHA256 under the channel's secret over
the seconds, a dot, and the body. The receiver checks both, and refuses old messages.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from unlost.kit.http import Transport
from unlost.kit.http.post import OutgoingPost, parsed, post
from unlost.model.alert import Notification
from unlost.model.decoders import decoder_for
from unlost.model.source.reading import Json

SIGNATURE = "Unlost-Signature"
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """The address. ``private`` allows an address of the inner network."""

    url: str
    private: bool = False


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts to one address."""

    settings: WebhookSettings
    secret: str | None
    transport: Transport | None = None

    def send(self, message: Notification) -> None:
        """Post it."""
        body = payload(message)
        headers = {"Content-Type": "application/json"}
        if self.secret:
            seconds = int(message.at.timestamp())
            headers[SIGNATURE] = f"t={seconds},v1={signature(self.secret, seconds, body)}"
        wanted = OutgoingPost(self.settings.url, body, headers, self.settings.private)
        post(wanted, transport=self.transport)


def webhook_to(settings: Mapping[str, Json], secret: str | None) -> Webhook:
    """The webhook of a channel's settings; raises ValidationError if they do not fit."""
    webhook_settings = decoder_for(WebhookSettings).convert(settings, strict=False)
    parsed(webhook_settings.url)
    return Webhook(webhook_settings, secret)


def signature(secret: str, seconds: int, body: bytes) -> str:
    """Sign a body and a time with the shared secret, so that the receiver can prove both."""
    return hmac.new(secret.encode(), f"{seconds}.".encode() + body, sha256).hexdigest()


def payload(message: Notification) -> bytes:
    """The message as JSON."""
    raised = message.raised
    return msgspec.json.encode(
        {
            "format": FORMAT,
            "event": message.event.value,
            "alert": raised.key,
            "rule": raised.rule.value,
            "org": raised.org,
            "urgency": raised.urgency.value,
            "title": message.title,
            "sentence": raised.sentence,
            "next_step": raised.next_step,
            "command": raised.command,
            "link": message.link,
            "since": message.since,
            "at": message.at,
            "heads": [
                {"org": org, "backup": number, "head": head} for org, number, head in message.heads
            ],
        }
    )
