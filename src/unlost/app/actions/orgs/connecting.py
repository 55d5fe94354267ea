"""The fields of a form that connects an org: connectors, their settings and secrets."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.app.home.discovery import connector_names
from unlost.app.orgs.connector_settings import Setting, missing_secrets, settings_of
from unlost.model.access import Right
from unlost.model.ports.source import SecretField
from unlost.model.source.reading import Json
from unlost.model.source.sign_in import SignInMethods


@dataclass(frozen=True, slots=True)
class InstalledConnectors:
    """The connectors that are installed, by name."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConnectorFields:
    """The fields of a connector. ``secrets`` are all that any of its settings may need."""

    connector: str
    settings: tuple[Setting, ...]
    secrets: tuple[SecretField, ...]
    sign_in: SignInMethods


@dataclass(frozen=True, slots=True)
class MissingSecrets:
    """Names of the secrets that settings need and that are missing."""

    secrets: tuple[str, ...]


@action("connector.list", Right.MANAGE, where=Where.HOME)
def connectors(app: Application) -> InstalledConnectors:  # noqa: ARG001 (every action takes it)
    """List the kinds of orgs that can be connected."""
    return InstalledConnectors(tuple(connector_names()))


@action("connector.asks", Right.MANAGE, where=Where.HOME)
def asks(app: Application, connector: str) -> ConnectorFields:
    """Show the settings and secrets of a connector; raises NotFound (``connector-unknown``)."""
    loaded = app.connector(connector)
    return ConnectorFields(
        connector, tuple(settings_of(loaded)), tuple(loaded.secrets(None)), loaded.sign_in()
    )


@action("connector.missing", Right.MANAGE, where=Where.HOME)
def missing(
    app: Application, connector: str, config: Mapping[str, Json], *, known: Collection[str]
) -> MissingSecrets:
    """List the secrets that these settings need beyond those known; raises UsageError, NotFound."""
    lacking = missing_secrets(app.connector(connector), config, known=known)
    return MissingSecrets(tuple(field.name for field in lacking))
