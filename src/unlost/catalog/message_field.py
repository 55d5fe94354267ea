"""A column that holds a message as JSON."""

from typing import TYPE_CHECKING, Any

import msgspec
from django.db import models

from unlost.model.decoders import decoder_for
from unlost.model.message import Message

if TYPE_CHECKING:
    _Field = models.Field[Message | None, Message | None]
else:
    _Field = models.Field


class MessageField(_Field):
    """A message, or NULL if there is none."""

    def get_internal_type(self) -> str:
        """Store it as text, in each database."""
        return "TextField"

    def from_db_value(self, value: str | None, *_: object) -> Message | None:
        """Read the stored JSON."""
        return None if value is None else decoder_for(Message).decode(value.encode())

    def get_prep_value(self, value: Any) -> Any:
        """Return the JSON to store."""
        return msgspec.json.encode(value).decode() if isinstance(value, Message) else value
