"""unlost token: manage API tokens for programs."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import plain, when
from unlost.model.access import Role

if TYPE_CHECKING:
    from unlost.app.actions.people.tokens import NewToken, Tokens
    from unlost.catalog.people.tokens import ApiToken

app = typer.Typer(
    help="Manage API tokens for programs.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_tokens(*, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the tokens, without their text."""
    with opened(home) as application:
        from unlost.app.actions.people.tokens import tokens

        answer(tokens(application), as_json=json, show=_show_list)
    return ExitCode.OK


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the program.")],
    *,
    owner: Annotated[str, typer.Option("--owner", metavar="NAME", help="Person for whom it acts.")],
    role: Annotated[Role, typer.Option("--role", help="Highest role of the token.")] = Role.VIEWER,
    org: Annotated[
        str | None,
        typer.Option("--org", metavar="ORG", help="Only in this org; default: all orgs."),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=366, help="Days until it expires.")
    ] = 90,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Create a token and print it. It is shown only once."""
    with opened(home) as application:
        from unlost.app.actions.people.tokens import make as act

        token = act(application, name, role=role, org=org, days=days, owner=owner)
        answer(token, as_json=json, show=_show_new_token)
    return ExitCode.OK


@app.command("remove")
def remove(
    number: Annotated[
        int, typer.Argument(metavar="NUMBER", help="Number, as in `unlost token list`.")
    ],
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Delete a token. Programs that use it lose access."""
    with opened(home) as application:
        from unlost.app.actions.people.tokens import drop as act

        answer(act(application, number), as_json=json, show=_show_removed)
    return ExitCode.OK


def _show_new_token(out: Output, new_token: "NewToken") -> None:
    out.print(new_token.text)
    out.print(
        f"It is shown only once. It acts for {new_token.token.owner} as {new_token.token.role.value} in "
        f"{new_token.token.org or 'every org'}, until {when(new_token.token.expires_at)}."
    )


def _show_removed(out: Output, token: "ApiToken") -> None:
    out.print(f"The token {token.id} ({plain(token.name)}) was deleted.")


def _show_list(out: Output, result: "Tokens") -> None:
    from unlost.cli.grid import grid

    if not result.tokens:
        out.print("No tokens yet. Create one with `unlost token add NAME --owner PERSON`.")
        return
    table = grid("Number", "Name", "Owner", "Role", "Org", "Until", "Last used", right=("Number",))
    for token in result.tokens:
        used = when(token.used_at) if token.used_at else "never"
        org = token.org or "every org"
        until = when(token.expires_at)
        table.add_row(
            str(token.id), plain(token.name), token.owner, token.role.value, org, until, used
        )
    out.print(table)
