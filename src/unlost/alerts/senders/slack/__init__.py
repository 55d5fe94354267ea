"""Slack, by an incoming webhook (Slack API, "Sending messages using incoming webhooks").

The webhook's address is a secret: anyone who knows it may post.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from unlost.kit.http import Transport
from unlost.kit.http.post import OutgoingPost, parsed, post
from unlost.model.alert import Notification
from unlost.model.source.reading import Json

ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))  # "Formatting text": the three of them


@dataclass(frozen=True, slots=True)
class Slack:
    """Posts to one webhook."""

    address: str
    private: bool = False
    transport: Transport | None = None

    def send(self, message: Notification) -> None:
        """Post it."""
        headers = {"Content-Type": "application/json"}
        body = msgspec.json.encode({"text": text(message)})
        post(OutgoingPost(self.address, body, headers, self.private), transport=self.transport)


def opened(settings: Mapping[str, Json], secret: str | None) -> Slack:
    """The sender of a channel; its secret is the webhook's address."""
    parsed(secret or "")
    return Slack(secret or "", private=bool(settings.get("private")))


def text(message: Notification) -> str:
    """The message in Slack's markup."""
    return "\n".join((f"*{_plain(message.title)}*", *map(_plain, message.lines)))


def _plain(line: str) -> str:
    for mark, instead in ESCAPES:
        line = line.replace(mark, instead)
    return line
