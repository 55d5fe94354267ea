"""Microsoft Teams, by a workflow that posts requests of its webhook.

Form: an adaptive card as the attachment of a message (Teams documentation, "Create incoming
webhooks with Workflows"). The webhook's address is a secret: anyone who knows it may post.

A text block is read as Markdown (Adaptive Cards documentation, "Text features"). Names of orgs,
tables and records are in the lines, so each sign with a meaning is escaped: a record must not be
able to put a link under a text of its choice.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from unlost.kit.http import Transport
from unlost.kit.http.post import OutgoingPost, parsed, post
from unlost.model.alert import Notification
from unlost.model.source.reading import Json

CARD = "application/vnd.microsoft.card.adaptive"
SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
CARD_VERSION = "1.4"
# emphasis, links, code, and the dates that a card computes: {{DATE(…)}}
MEANINGFUL = re.compile(r"[\\`*_\[\]~{}]")
# what begins a list, a heading or a quotation
LINE_START = re.compile(r"^(\s*)(\d+(?=[.)])|(?=[-+#>=]))([-+#>=.)])")
BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Teams:
    """Posts to one webhook."""

    address: str
    private: bool = False
    transport: Transport | None = None

    def send(self, message: Notification) -> None:
        """Post it."""
        headers = {"Content-Type": "application/json"}
        body = msgspec.json.encode(card(message))
        post(OutgoingPost(self.address, body, headers, self.private), transport=self.transport)


def opened(settings: Mapping[str, Json], secret: str | None) -> Teams:
    """The sender of a channel; its secret is the webhook's address."""
    parsed(secret or "")
    return Teams(secret or "", private=bool(settings.get("private")))


def card(message: Notification) -> Mapping[str, object]:
    """The message as an adaptive card."""
    blocks = [_block(message.title, weight="Bolder"), *map(_block, message.lines)]
    content = {"$schema": SCHEMA, "type": "AdaptiveCard", "version": CARD_VERSION, "body": blocks}
    return {"type": "message", "attachments": [{"contentType": CARD, "content": content}]}


def _block(text: str, **texts: str) -> Mapping[str, object]:
    return {"type": "TextBlock", "text": _plain(text), "wrap": True, **texts}


def _plain(line: str) -> str:
    """The text as Markdown that shows it as it is, in one line."""
    escaped = MEANINGFUL.sub(r"\\\g<0>", BREAKS.sub(" ", line))
    return LINE_START.sub(r"\1\2\\\3", escaped)
