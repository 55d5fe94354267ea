"""The settings of a connector as forms ask for them, made from its config class.

A new connector needs no form of its own: the command line and the console make theirs from this.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from typing import Any, get_origin, get_type_hints

from unlost.app.compose import read_config
from unlost.model.ports.source import Connector, SecretField
from unlost.model.reading import Json


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. ``hint`` is its type: a text, a number, a bool, an enum, or a tuple of texts.

    ``default`` is None where it must be given, and empty where it may be left out.
    """

    name: str
    label: str
    help: str
    hint: Any
    default: Any
    required: bool

    @property
    def several(self) -> bool:
        """True for a list of texts, such as names of tables."""
        return get_origin(self.hint) is tuple

    @property
    def choices(self) -> tuple[str, ...]:
        """The values to choose from; none where any will do."""
        chosen = isinstance(self.hint, type) and issubclass(self.hint, Enum)
        return tuple(str(choice.value) for choice in self.hint) if chosen else ()


def settings_of(connector: Connector) -> Sequence[Setting]:
    """The settings of a connector, in its own order."""
    hints = get_type_hints(connector.config)
    return [
        Setting(
            field.name,
            str(field.metadata.get("label", "")),
            str(field.metadata.get("help", "")),
            hints[field.name],
            None if field.default is MISSING else field.default,
            field.default is MISSING,
        )
        for field in fields(connector.config)
    ]


def bare(value: object) -> Any:
    """A setting's value as a plain one."""
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple | list) else value


def leads_elsewhere(connector: Connector, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """True if secrets would be sent to another place than before: then they must be given again.

    A connector says which of its settings lead there (``leads`` in a field's metadata).
    """
    leading = [field.name for field in fields(connector.config) if field.metadata.get("leads")]
    return any((old.get(name) or "") != (new.get(name) or "") for name in leading)


def missing_secrets(
    connector: Connector, config: Mapping[str, Json], *, known: Collection[str]
) -> Sequence[SecretField]:
    """The secrets that this config needs and that are not known.

    Raises UsageError where the config is not right.
    """
    read = read_config(connector, dict(config))
    return [
        secret for secret in connector.secrets(read) if secret.required and secret.name not in known
    ]
