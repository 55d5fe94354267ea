"""Alerts and digests to an address of the user's choice, as a signed POST of JSON."""

from collections.abc import Mapping

from unlost.alerts.signed_webhook import Webhook, webhook_to
from unlost.model.source.reading import Json


def opened(settings: Mapping[str, Json], secret: str | None) -> Webhook:
    """The sender of a channel."""
    return webhook_to(settings, secret)
