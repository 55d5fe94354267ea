"""A sign of life to a watcher outside, which raises the alarm when it does not come.

Any address will do that takes a POST, such as those of services that watch cron jobs. The body is that
of a webhook with the event ``alive``; its ``heads``, kept outside, prove later what the vault held.
"""

from collections.abc import Mapping

from unlost.alerts.signed_webhook import Webhook, webhook_to
from unlost.model.reading import Json


def opened(settings: Mapping[str, Json], secret: str | None) -> Webhook:
    """The sender of a channel."""
    return webhook_to(settings, secret)
