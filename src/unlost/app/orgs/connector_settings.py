"""The settings of a connector for forms, derived from its config class.

A new connector needs no form: command line and console build theirs from this.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from typing import Any, get_origin, get_type_hints

from unlost.app.compose import read_config
from unlost.model.ports.source import Connector, SecretField
from unlost.model.source.reading import Json
from unlost.model.source.sign_in import SignInMethod, SignInMethods


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. ``hint`` is its type: a text, a number, a bool, an enum, or a tuple of texts.

    ``default`` is None if the setting is required, and empty if it is optional. ``leaves_out``: it
    lists the tables that are not backed up. ``personal``: it tells users of the org apart, so that
    another user has another value.
    """

    name: str
    label: str
    help: str
    hint: Any
    default: Any
    required: bool
    leaves_out: bool = False
    personal: bool = False

    @property
    def several(self) -> bool:
        """True for a list of texts, such as names of tables."""
        return get_origin(self.hint) is tuple

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed values; empty if any value is allowed."""
        chosen = isinstance(self.hint, type) and issubclass(self.hint, Enum)
        return tuple(str(choice.value) for choice in self.hint) if chosen else ()


def settings_of(connector: Connector) -> Sequence[Setting]:
    """Return the settings of a connector, in its own order."""
    hints = get_type_hints(connector.config)
    return [
        Setting(
            field.name,
            str(field.metadata.get("label", "")),
            str(field.metadata.get("help", "")),
            hints[field.name],
            None if field.default is MISSING else field.default,
            field.default is MISSING,
            bool(field.metadata.get("leaves_out")),
            bool(field.metadata.get("personal")),
        )
        for field in fields(connector.config)
    ]


def fields_of_method(
    settings: Sequence[Setting],
    secrets: Sequence[SecretField],
    rules: SignInMethods,
    method: SignInMethod | None,
) -> tuple[Sequence[Setting], Sequence[SecretField]]:
    """Return the settings and secrets of one method of the sign-in; all if there is no choice."""
    if method is None:
        return settings, secrets
    unused = {rules.setting, *rules.special} - set(method.settings)
    return (
        [setting for setting in settings if setting.name not in unused],
        [secret for secret in secrets if secret.name in method.secrets],
    )


def bare(value: object) -> Any:
    """Convert a setting's value to plain types."""
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple | list) else value


def leads_elsewhere(connector: Connector, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return True if secrets would go to another place than before, so must be entered again.

    A connector marks the settings that lead there (``leads`` in a field's metadata).
    """
    leading = [field.name for field in fields(connector.config) if field.metadata.get("leads")]
    return any((old.get(name) or "") != (new.get(name) or "") for name in leading)


def missing_secrets(
    connector: Connector, config: Mapping[str, Json], *, known: Collection[str]
) -> Sequence[SecretField]:
    """Return the secrets that this config needs and that are not known.

    Raises UsageError for an invalid config.
    """
    read = read_config(connector, dict(config))
    return [
        secret for secret in connector.secrets(read) if secret.required and secret.name not in known
    ]
