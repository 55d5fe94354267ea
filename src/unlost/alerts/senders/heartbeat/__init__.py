"""A sign of life to an outside watcher, which raises the alarm when it does not arrive.

Any address that accepts a POST works, for example a service that watches cron jobs. The body is
that of a webhook with the event ``alive``; its ``heads``, stored outside, later prove the vault's
content at that time.
"""

from collections.abc import Mapping

from unlost.alerts.signed_webhook import Webhook, webhook_to
from unlost.model.source.reading import Json


def opened(settings: Mapping[str, Json], secret: str | None) -> Webhook:
    """The sender of a channel."""
    return webhook_to(settings, secret)
