"""Options of ``org add``, derived from a connector's config class; connectors need no code here."""

import inspect
import os
from collections.abc import Callable, Mapping
from operator import getitem
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from unlost.app.orgs.connector_settings import Setting, bare, settings_of
from unlost.cli.exits import ExitCode
from unlost.cli.options import AsJson, Home
from unlost.model.errors import UsageError
from unlost.model.ports.source import Connector, SecretField

NewName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the org in commands.")]

type Given = Mapping[str, Any]  # what typer read, by parameter
type Run = Callable[[Connector, Given], ExitCode]


def form(connector: Connector, run: Run) -> Callable[..., ExitCode]:
    """Return a function for typer with an option per setting and a file option per secret."""

    def command(**given: Any) -> ExitCode:
        return run(connector, given)

    parameters = [
        _parameter("name", NewName),
        *[_setting(setting) for setting in settings_of(connector)],
        *[_secret_file(secret) for secret in connector.secrets(None)],
        _parameter("home", Home, default=None),
        _parameter("json", AsJson, default=False),
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = f"Add an org of {connector.label}, or change the settings of an existing one."
    return command


def writer_form(connector: Connector, run: Run) -> Callable[..., ExitCode]:
    """Return a function for typer with the settings of the org's connector, all optional."""

    def command(**given: Any) -> ExitCode:
        return run(connector, given)

    parameters = [
        *[_optional(_setting(setting)) for setting in settings_of(connector)],
        *[_secret_file(secret) for secret in connector.secrets(None)],
        _parameter("home", Home, default=None),
        _parameter("json", AsJson, default=False),
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = "Settings that you leave out are the same as for backups."
    return command


def given_settings(connector: Connector, given: Given) -> Mapping[str, Any]:
    """Return the settings that were given, as plain values."""
    names = sorted(setting.name for setting in settings_of(connector))
    return {name: bare(given[name]) for name in names if given.get(name) not in (None, [], ())}


def writer_secrets(connector: Connector, given: Given) -> Mapping[str, str]:
    """Return the secrets of a write user, from files and from the environment."""
    return _read_secrets(connector, given, prefix="UNLOST_WRITER_")


def _optional(parameter: inspect.Parameter) -> inspect.Parameter:
    hint, option = get_args(parameter.annotation)[:2]
    several = get_origin(hint) is list
    annotation = getitem(Annotated, (hint if several else hint | None, option))
    return _parameter(parameter.name, annotation, default=[] if several else None)


def config_values(connector: Connector, given: Given) -> Mapping[str, Any]:
    """Return the settings among the given options, as plain values."""
    return {setting.name: bare(given[setting.name]) for setting in settings_of(connector)}


def given_secrets(connector: Connector, given: Given) -> Mapping[str, str]:
    """Return secrets from files and from the environment, never from the command line itself."""
    return _read_secrets(connector, given, prefix="UNLOST_")


def _read_secrets(connector: Connector, given: Given, *, prefix: str) -> dict[str, str]:
    secrets: dict[str, str] = {}
    for secret in connector.secrets(None):
        file: Path | None = given[_file_name(secret)]
        # A secret as an option would be visible in the process list and the shell's history.
        value = _read(file) if file else os.environ.get(f"{prefix}{secret.name.upper()}", "")
        if value:
            # A private key needs its line breaks; a password does not, and editors add one.
            secrets[secret.name] = value if secret.lines else value.strip()
    return secrets


def _setting(setting: Setting) -> inspect.Parameter:
    spelled = setting.name.replace("_", "-")
    name = f"--{spelled}/--no-{spelled}" if setting.hint is bool else f"--{spelled}"
    words = [word for word in (setting.label, setting.help) if word]
    option = typer.Option(name, help=": ".join(words))
    annotation = getitem(Annotated, (list[str] if setting.several else setting.hint, option))
    # Typer requires an option that has no default.
    default = inspect.Parameter.empty if setting.required else setting.default
    return _parameter(setting.name, annotation, default=[] if setting.several else default)


def _secret_file(secret: SecretField) -> inspect.Parameter:
    option = typer.Option(
        f"--{secret.name.replace('_', '-')}-file",
        metavar="FILE",
        help=f"File with the {secret.label.lower()}. {secret.help}".strip(),
    )
    return _parameter(_file_name(secret), Annotated[Path | None, option], default=None)


def _file_name(secret: SecretField) -> str:
    return f"{secret.name}_file"


def _parameter(
    name: str, annotation: object, *, default: object = inspect.Parameter.empty
) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "secret-file-unreadable",
            "{file} cannot be read: {reason}.",
            next_step="Give a text file that this user can read.",
            file=file,
            reason=getattr(error, "strerror", None) or "it is not text",
        ) from error
