"""unlost user: manage the people who may sign in to the console, and their roles."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import plain, when
from unlost.model.access import Role

if TYPE_CHECKING:
    from unlost.app.actions.people.lockouts import Lockouts, UnlockedName
    from unlost.app.actions.people.people import PeopleList, SignInLink
    from unlost.catalog.people.people import Person, PersonRole

app = typer.Typer(
    help="Manage people who may sign in to the console, and their roles.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="User name of the person.")]
RoleOf = Annotated[Role, typer.Option("--role", help="Role of the person.")]
OfOrg = Annotated[
    str | None, typer.Option("--org", metavar="ORG", help="Only in this org; default: all orgs.")
]
URL = "http://127.0.0.1:8484"


@app.command("list")
def list_users(*, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the people of this home."""
    with opened(home) as application:
        from unlost.app.actions.people.people import people

        answer(people(application), as_json=json, show=_show_list)
    return ExitCode.OK


@app.command("add")
def add(
    name: Name,
    *,
    role: RoleOf = Role.VIEWER,
    org: OfOrg = None,
    full_name: Annotated[
        str, typer.Option("--full-name", metavar="TEXT", help="Full name of the person.")
    ] = "",
    email: Annotated[
        str,
        typer.Option("--email", metavar="ADDRESS", help="Allows sign-in with your company's SSO."),
    ] = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Add a person. They sign in with a link (`unlost user link`) or with single sign-on."""
    with opened(home) as application:
        from unlost.app.actions.people.people import add as act

        person = act(application, name, role=role, org=org, full_name=full_name, email=email)
        answer(person, as_json=json, show=_show_person)
    return ExitCode.OK


@app.command("role")
def role_of(
    name: Name,
    *,
    role: Annotated[
        Role | None,
        typer.Option("--role", help="The new role. Without it, the current role is removed."),
    ] = None,
    org: OfOrg = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Change a person's role, in one org or in all."""
    with opened(home) as application:
        from unlost.app.actions.people.people import change_role

        answer(change_role(application, name, role, org=org), as_json=json, show=_show_person)
    return ExitCode.OK


@app.command("edit")
def edit(
    name: Name,
    *,
    full_name: Annotated[
        str | None, typer.Option("--full-name", metavar="TEXT", help="Full name of the person.")
    ] = None,
    email: Annotated[
        str | None,
        typer.Option("--email", metavar="ADDRESS", help="Allows sign-in with your company's SSO."),
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Change a person's full name or e-mail address. Options that are left out change nothing."""
    with opened(home) as application:
        from unlost.app.actions.people.people import edit as act
        from unlost.app.actions.people.people import person

        known = person(application, name)
        edited = act(
            application,
            name,
            # The action replaces both values.
            full_name=known.full_name if full_name is None else full_name,
            email=known.email if email is None else email,
        )
        answer(edited, as_json=json, show=_show_person)
    return ExitCode.OK


@app.command("remove")
def remove(name: Name, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Remove a person. They can no longer sign in; their audit entries stay."""
    with opened(home) as application:
        from unlost.app.actions.people.people import remove as act

        answer(act(application, name), as_json=json, show=_show_person)
    return ExitCode.OK


@app.command("reactivate")
def reactivate(name: Name, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Let a removed person sign in again."""
    with opened(home) as application:
        from unlost.app.actions.people.people import let_back as act

        answer(act(application, name), as_json=json, show=_show_person)
    return ExitCode.OK


@app.command("locked")
def locked(*, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the names that are locked after too many wrong passwords."""
    with opened(home) as application:
        from unlost.app.actions.people.lockouts import lockouts

        answer(lockouts(application), as_json=json, show=_show_locked)
    return ExitCode.OK


@app.command("unlock")
def unlock(name: Name, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Unlock a name immediately."""
    with opened(home) as application:
        from unlost.app.actions.people.lockouts import unlock as act

        answer(act(application, name), as_json=json, show=_show_unlocked)
    return ExitCode.OK


@app.command("reset-factors")
def reset_factors(name: Name, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Reset the second factors and passkeys of a person, and end their sessions."""
    with opened(home) as application:
        from unlost.app.actions.people.people import forget_factors as act

        answer(act(application, name), as_json=json, show=_show_person)
    return ExitCode.OK


@app.command("link")
def link(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="User name of the person; none for the first admin."),
    ] = "",
    *,
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Address of the console.")] = URL,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Create a link with which a person signs in once, within an hour, to choose a password.

    Without a name, the link creates the first admin of a new home.
    """
    with opened(home) as application:
        from unlost.app.actions.people.people import admin_exists, first_link
        from unlost.app.actions.people.people import link as act

        sign_in_link = act(application, name) if name else first_link(application)
        if sign_in_link is None:
            raise admin_exists()
        answer(sign_in_link, as_json=json, show=lambda out, sign_in: _show_link(out, sign_in, url))
    return ExitCode.OK


def _show_link(out: Output, result: "SignInLink", url: str) -> None:
    out.print(f"{url.rstrip('/')}{result.path}")
    who = f"signs {result.name} in once" if result.name else "creates the first admin"
    out.print(f"It {who}, and expires at {when(result.expires)}.")


def _show_person(out: Output, person: "Person") -> None:
    out.print(f"{person.name}{'' if person.active else ' (removed)'}: {_roles(person.roles)}")


def _roles(roles: "tuple[PersonRole, ...]") -> str:
    texts = [f"{role.role.value} in {role.org or 'every org'}" for role in roles]
    return ", ".join(texts) or "no role"


def _show_locked(out: Output, result: "Lockouts") -> None:
    from unlost.cli.grid import grid

    if not result.lockouts:
        out.print("No name is locked.")
        return
    table = grid("Name", "Address", "Wrong passwords", "Locked until", right=("Wrong passwords",))
    for lockout in result.lockouts:
        table.add_row(
            plain(lockout.name), lockout.address, str(lockout.failures), when(lockout.until)
        )
    out.print(table)


def _show_unlocked(out: Output, result: "UnlockedName") -> None:
    out.print(f"{plain(result.name)} is unlocked.")


def _show_list(out: Output, result: "PeopleList") -> None:
    from unlost.cli.grid import grid

    if not result.people:
        out.print("No people yet. `unlost user link` prints a link that creates the first admin.")
        return
    table = grid("Name", "Full name", "E-mail", "Roles", "Last seen")
    for person in result.people:
        seen = when(person.seen_at) if person.seen_at else "never"
        roles = _roles(person.roles) if person.active else "removed"
        table.add_row(person.name, plain(person.full_name), plain(person.email), roles, seen)
    out.print(table)
