"""Manage people: add and remove them, set their roles, create sign-in links."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.app.access import Where, action, check_no_token
from unlost.app.compose import Application
from unlost.app.vault.home_copy import after_change
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.people import (
    Person,
    add_person,
    admins,
    drop_factors,
    edit_person,
    get_person,
    list_people,
    set_active,
    set_role,
)
from unlost.catalog.people.tokens import make_link
from unlost.model.access import Right, Role, Trace
from unlost.model.errors import Conflict, UsageError

LINK_LASTS = timedelta(hours=1)
LONGEST_NAME = 150
START = "/start/"  # the console's path for such links


@dataclass(frozen=True, slots=True)
class PeopleList:
    """All people of the home, by name."""

    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A link that signs a person in once, as a path of the console; valid until ``expires``."""

    path: str
    name: str | None
    expires: datetime


@action("person.list", Right.MANAGE, where=Where.HOME)
def people(app: Application) -> PeopleList:  # noqa: ARG001 (every action takes it)
    """List all people, removed ones included."""
    return PeopleList(tuple(list_people()))


@action("person.show", Right.MANAGE, where=Where.HOME)
def person(app: Application, name: str) -> Person:  # noqa: ARG001 (every action takes it)
    """Show a person; raises NotFound (``person-unknown``)."""
    return get_person(name)


@action("person.add", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def add(
    app: Application,
    name: str,
    *,
    role: Role,
    org: str | None = None,
    full_name: str = "",
    email: str = "",
) -> Person:
    """Add a person with a first role; raises Conflict, UsageError, NotFound (``org-unknown``)."""
    check_no_token(app)
    if org is not None:
        get_org(org)
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or set(name) & set(" /"):
        raise UsageError(
            "person-name",
            "{name!r} is not a valid user name.",
            next_step="Choose a short name without spaces or slashes, such as `lena`.",
            name=name,
        )
    add_person(name, full_name=full_name, email=email, at=app.clock.now())
    added = set_role(name, role, org=org)
    after_change(app)
    return added


@action("person.edit", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def edit(app: Application, name: str, *, full_name: str, email: str) -> Person:
    """Change a person's full name, and the e-mail address that single sign-on matches.

    Raises NotFound (``person-unknown``), Conflict (``email-taken``).
    """
    check_no_token(app)
    edited = edit_person(name, full_name=full_name, email=email)
    after_change(app)
    return edited


@action("person.factors", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def forget_factors(app: Application, name: str) -> Person:
    """Reset a person's second factors and passkeys, and end their sessions.

    Raises NotFound (``person-unknown``).
    """
    check_no_token(app)
    drop_factors(name)
    after_change(app)
    return get_person(name)


@action("person.role", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name", "role"))
def change_role(
    app: Application, name: str, role: Role | None, *, org: str | None = None
) -> Person:
    """Set a person's role in one org, or in all; None removes it.

    Raises NotFound (``person-unknown``, ``org-unknown``), Conflict (``last-admin``).
    """
    check_no_token(app)
    if org is not None:
        get_org(org)
    # Without an admin, only the command line on the home's machine could let anyone in.
    elif role is not Role.ADMIN:
        _keep_an_admin(get_person(name))
    changed = set_role(name, role, org=org)
    after_change(app)
    return changed


@action("person.remove", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def remove(app: Application, name: str) -> Person:
    """Remove a person: sessions and tokens end immediately; their audit entries stay.

    Raises NotFound (``person-unknown``), Conflict (``last-admin``).
    """
    _keep_an_admin(get_person(name))
    removed = set_active(name, active=False)
    after_change(app)
    return removed


@action("person.return", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def let_back(app: Application, name: str) -> Person:
    """Reactivate a removed person; raises NotFound (``person-unknown``)."""
    check_no_token(app)
    returned = set_active(name, active=True)
    after_change(app)
    return returned


@action("person.link", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def link(app: Application, name: str) -> SignInLink:
    """Create a link with which a person signs in once, to choose a password.

    Raises NotFound (``person-unknown``), Conflict (``person-removed``).
    """
    check_no_token(app)
    known = get_person(name)
    if not known.active:
        raise Conflict(
            "person-removed",
            "{name!r} was removed and cannot sign in.",
            next_step="Reactivate the user first with `unlost user reactivate {name}`.",
            name=name,
        )
    return _link(app, known.user, known.name)


@action("home.first-link", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME)
def first_link(app: Application) -> SignInLink | None:
    """Create a link that adds the first admin; None if there is an admin."""
    return None if admins() else _link(app, None, None)


@action("home.first-admin", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def first_admin(app: Application, name: str, *, full_name: str = "") -> int:
    """Add the first admin and return the user's key.

    Raises Conflict (``admin-exists``), UsageError.
    """
    if admins():
        raise admin_exists()
    return add(app, name, role=Role.ADMIN, full_name=full_name).user


def admin_exists() -> Conflict:
    """Return the error for a first admin where there is an admin."""
    return Conflict(
        "admin-exists",
        "This home already has an admin.",
        next_step="Ask the admin for a sign-in link, created with `unlost user link NAME`.",
    )


def _link(app: Application, user: int | None, name: str | None) -> SignInLink:
    now = app.clock.now()
    text = make_link(user, at=now, lasts=LINK_LASTS, entropy=app.entropy)
    return SignInLink(f"{START}{text}/", name, now + LINK_LASTS)


def _keep_an_admin(known: Person) -> None:
    """Raise Conflict if this person is the only admin of the home."""
    manages = known.active and any(
        role.role is Role.ADMIN and role.org is None for role in known.roles
    )
    if manages and admins() == 1:
        raise Conflict(
            "last-admin",
            "{name!r} is the only admin of this home.",
            next_step="Make another user an admin first.",
            name=known.name,
        )
