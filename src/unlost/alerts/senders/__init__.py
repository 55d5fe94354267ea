"""Senders of messages: one folder each."""

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol

import msgspec

from unlost.model.alert import ChannelKind, Notification
from unlost.model.errors import UsageError
from unlost.model.source.reading import Json


class Sender(Protocol):
    """Sends a message; raises TransientError if a retry may help, else NotAllowed."""

    def send(self, message: Notification) -> None:
        """Send it; on return the other side has accepted it."""
        ...


def sender(kind: ChannelKind, settings: Mapping[str, Json], secret: str | None) -> Sender:
    """The sender of a channel; raises UsageError (``channel-invalid``) for wrong settings."""
    module = import_module(f"unlost.alerts.senders.{kind.value}")
    try:
        opened: Sender = module.opened(settings, secret)
    except msgspec.ValidationError as error:
        raise UsageError(
            "channel-invalid",
            "The settings of the {kind} channel are invalid: {error}.",
            next_step="Run `unlost alert channel --help` to see the settings of each kind of "
            "channel.",
            kind=kind.value,
            error=error,
        ) from error
    return opened
