"""unlost user: who may sign in to the console, and what each may do."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import plain, when
from unlost.model.access import Role

if TYPE_CHECKING:
    from rich.console import Console

    from unlost.app.actions.people import People, SignInLink
    from unlost.catalog.people import Person, PersonRole

app = typer.Typer(
    help="Who may sign in to the console, and what each may do.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name with which they sign in.")]
RoleOf = Annotated[Role, typer.Option("--role", help="What they may do.")]
OfOrg = Annotated[
    str | None, typer.Option("--org", metavar="ORG", help="In this org only; else in every org.")
]
URL = "http://127.0.0.1:8484"


@app.command("list")
def list_users(*, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the people of this home."""
    with opened(home) as application:
        from unlost.app.actions.people import people

        answer(people(application), as_json=json, show=_show_list)
    return ExitCode.OK


@app.command("add")
def add(
    name: Name,
    *,
    role: RoleOf = Role.VIEWER,
    org: OfOrg = None,
    full_name: Annotated[
        str, typer.Option("--full-name", metavar="TEXT", help="As others should read it.")
    ] = "",
    email: Annotated[
        str,
        typer.Option("--email", metavar="ADDRESS", help="Lets them sign in by your company's SSO."),
    ] = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Add somebody. They sign in with a link (`unlost user link`), or by your company's SSO."""
    with opened(home) as application:
        from unlost.app.actions.people import add as act

        person = act(application, name, role=role, org=org, full_name=full_name, email=email)
        answer(person, as_json=json, show=_show_person)
    return ExitCode.OK


@app.command("role")
def role_of(
    name: Name,
    *,
    role: Annotated[
        Role | None, typer.Option("--role", help="The new role; left out, the old one is taken.")
    ] = None,
    org: OfOrg = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Change what somebody may do, in one org or in all."""
    with opened(home) as application:
        from unlost.app.actions.people import change_role

        answer(change_role(application, name, role, org=org), as_json=json, show=_show_person)
    return ExitCode.OK


@app.command("remove")
def remove(name: Name, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Keep somebody out from now on; what they did stays in the audit."""
    with opened(home) as application:
        from unlost.app.actions.people import remove as act

        answer(act(application, name), as_json=json, show=_show_person)
    return ExitCode.OK


@app.command("return")
def let_back(name: Name, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Let somebody in again who was removed."""
    with opened(home) as application:
        from unlost.app.actions.people import let_back as act

        answer(act(application, name), as_json=json, show=_show_person)
    return ExitCode.OK


@app.command("link")
def link(
    name: Name,
    *,
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Where the console is reached.")
    ] = URL,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Make a link with which somebody signs in once, within the hour, to choose a password."""
    with opened(home) as application:
        from unlost.app.actions.people import link as act

        made = act(application, name)
        answer(made, as_json=json, show=lambda out, told: _show_link(out, told, url))
    return ExitCode.OK


def _show_link(out: "Console", result: "SignInLink", url: str) -> None:
    out.print(f"{url.rstrip('/')}{result.path}")
    out.print(f"It signs {result.name} in, once, until {when(result.expires)}.")


def _show_person(out: "Console", person: "Person") -> None:
    out.print(f"{person.name}{'' if person.active else ' (removed)'}: {_roles(person.roles)}")


def _roles(roles: "tuple[PersonRole, ...]") -> str:
    told = [f"{one.role.value} in {one.org or 'every org'}" for one in roles]
    return ", ".join(told) or "no role"


def _show_list(out: "Console", result: "People") -> None:
    from unlost.cli.grid import grid

    if not result.people:
        out.print("Nobody yet. `unlost up` prints a link that makes the first admin.")
        return
    table = grid("Name", "Full name", "E-mail", "Roles", "Last seen")
    for person in result.people:
        seen = when(person.seen_at) if person.seen_at else "never"
        roles = _roles(person.roles) if person.active else "removed"
        table.add_row(person.name, plain(person.full_name), plain(person.email), roles, seen)
    out.print(table)
