"""Settings and secrets of a connector, as forms show them. Pure."""

from __future__ import annotations

from dataclasses import MISSING, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unlost.model.ports.source import SecretField


def setting(label: str, help_text: str, *, default: Any = MISSING, **marks: bool) -> Any:
    """A field of the dataclass of the settings, with its texts for forms as metadata.

    Marks: ``leads`` for a setting that decides where secrets are sent, or for whom they are valid;
    ``personal`` for one that tells users of the org apart; ``leaves_out`` for tables that are not
    protected.
    """
    return field(default=default, metadata={"label": label, "help": help_text, **marks})


def secret_fields[A](
    by_sign_in: Mapping[A, Sequence[SecretField]], sign_in: A | None
) -> Sequence[SecretField]:
    """The secrets of a sign-in; without a sign-in those of all, each name once."""
    if sign_in is not None:
        return by_sign_in[sign_in]
    return tuple({field.name: field for each in by_sign_in.values() for field in each}.values())
