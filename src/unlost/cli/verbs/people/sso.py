"""unlost sso: single sign-on with OpenID Connect or SAML."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import plain
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.actions.people.sso import Providers
    from unlost.catalog.people.sso import Provider

SECRET_VARIABLE = "UNLOST_SSO_SECRET"  # noqa: S105

SPEAKS = {"openid_connect": "OpenID Connect", "saml": "SAML"}

app = typer.Typer(
    help="Manage single sign-on with OpenID Connect or SAML.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Short name of the provider, such as entra or okta.")
]


@app.command("list")
def list_providers(*, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the identity providers."""
    with opened(home) as application:
        from unlost.app.actions.people.sso import providers

        answer(providers(application), as_json=json, show=_show_list)
    return ExitCode.OK


@app.command("add")
def add(
    name: Name,
    *,
    issuer: Annotated[
        str, typer.Option("--issuer", metavar="URL", help="Issuer, as the provider writes it.")
    ],
    client_id: Annotated[
        str,
        typer.Option(
            "--client-id", metavar="ID", help="Client id of this console at the provider."
        ),
    ],
    secret_file: Annotated[
        Path | None,
        typer.Option(
            "--secret-file",
            metavar="FILE",
            help=f"File with the client secret; default: {SECRET_VARIABLE}, or a prompt.",
        ),
    ] = None,
    title: Annotated[
        str,
        typer.Option(
            "--title", metavar="TEXT", help="Text on the sign-in button; default: the name."
        ),
    ] = "",
    trust_emails: Annotated[
        bool,
        typer.Option(
            "--trust-emails",
            help="Trust every e-mail address of the provider as verified, even if it does not "
            "say so (Microsoft Entra ID). Use this only if your company alone can set addresses.",
        ),
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Add an OpenID Connect provider. It signs in people whose e-mail address an admin has added.

    Register the callback address at the provider first: your console's address, followed by
    /account/sso/NAME/callback/.
    """
    secret = _secret(secret_file)
    with opened(home) as application:
        from unlost.app.actions.people.sso import NewProvider
        from unlost.app.actions.people.sso import add as act

        new = NewProvider(
            name=name, title=title, issuer=issuer, client_id=client_id, secret=secret, vouches=trust_emails
        )  # fmt: skip
        answer(act(application, new), as_json=json, show=_show_added)
    return ExitCode.OK


@app.command("add-saml")
def add_saml(
    name: Name,
    *,
    metadata: Annotated[
        str,
        typer.Option(
            "--metadata",
            metavar="URL|FILE",
            help="Address or file of the provider's metadata.",
        ),
    ] = "",
    entity: Annotated[
        str,
        typer.Option("--entity", metavar="ID", help="Without metadata: entity id of the provider."),
    ] = "",
    sign_in: Annotated[
        str,
        typer.Option(
            "--sign-in",
            metavar="URL",
            help="Without metadata: sign-in address of the provider (HTTP-Redirect).",
        ),
    ] = "",
    certificate_file: Annotated[
        Path | None,
        typer.Option(
            "--certificate-file",
            metavar="FILE",
            help="Without metadata: signing certificate of the provider (PEM).",
        ),
    ] = None,
    title: Annotated[
        str,
        typer.Option(
            "--title", metavar="TEXT", help="Text on the sign-in button; default: the name."
        ),
    ] = "",
    trust_emails: Annotated[
        bool,
        typer.Option(
            "--trust-emails",
            help="Trust every e-mail address of the provider as verified: SAML seldom says so. Use this "
            "only if your company alone can set addresses.",
        ),
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Add a SAML identity provider. Requires Unlost's optional SAML part.

    Register this console at the provider first; its metadata is at your console's address, followed
    by /account/saml/NAME/metadata/.
    """
    if metadata and "://" not in metadata:
        metadata = _text(Path(metadata))
    certificate = _text(certificate_file) if certificate_file is not None else ""
    with opened(home) as application:
        from unlost.app.actions.people.sso import NewSaml
        from unlost.app.actions.people.sso import add_saml as act

        new = NewSaml(
            name=name, title=title, metadata=metadata, entity=entity, sign_in=sign_in,
            certificate=certificate, vouches=trust_emails,
        )  # fmt: skip
        answer(act(application, new), as_json=json, show=_show_added)
    return ExitCode.OK


@app.command("remove")
def remove(name: Name, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Remove an identity provider. People without a password then need a sign-in link."""
    with opened(home) as application:
        from unlost.app.actions.people.sso import remove as act

        answer(act(application, name), as_json=json, show=_show_removed)
    return ExitCode.OK


def _secret(file: Path | None) -> str:
    if file is None:
        given = os.environ.get(SECRET_VARIABLE, "")
        return given or str(typer.prompt("Client secret", hide_input=True, err=True)).strip()
    return _text(file)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "secret-unreadable",
            "{file} cannot be read: {reason}.",
            next_step="Give a text file that contains only the requested value.",
            file=file,
            reason=getattr(error, "strerror", None) or "it is not text",
        ) from error


def _show_added(out: Output, result: "Provider") -> None:
    out.print(f"People can now sign in with {plain(result.title)}, at {result.origin}.")
    out.print("Add the e-mail address of each person: unlost user add NAME --email ADDRESS")


def _show_removed(out: Output, result: "Provider") -> None:
    out.print(f"{plain(result.title)} was removed. People can no longer sign in with it.")


def _show_list(out: Output, result: "Providers") -> None:
    from unlost.cli.grid import grid

    if not result.providers:
        out.print("No provider. People sign in with a password. Add one with `unlost sso add`.")
        return
    table = grid("Name", "Title", "Protocol", "Issuer", "Client id")
    for provider in result.providers:
        speaks = SPEAKS[provider.kind.value]
        table.add_row(
            provider.name,
            plain(provider.title),
            speaks,
            plain(provider.issuer),
            plain(provider.client_id),
        )
    out.print(table)
