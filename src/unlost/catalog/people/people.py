"""The people of a home, and their roles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.sessions.models import Session
from django.db import transaction

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import LinkRow, MembershipRow, Org, TokenRow, User
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class PersonRole:
    """A role; ``org`` is a name, None for every org."""

    role: Role
    org: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """A person who may sign in. ``user`` is the key in the database."""

    user: int
    name: str
    full_name: str
    email: str
    active: bool
    roles: tuple[PersonRole, ...]
    added_at: datetime
    seen_at: datetime | None


class Theme(StrEnum):
    """Light or dark; ``SYSTEM`` follows the browser."""

    SYSTEM = ""
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Profile:
    """A person's preferences for the console. ``language`` is a code, empty for the browser's."""

    language: str = ""
    theme: Theme = Theme.SYSTEM
    compact: bool = False


def list_people() -> Sequence[Person]:
    """All people, by name, including removed ones."""
    with returned_connection():
        rows = User.objects.order_by("username").prefetch_related("memberships__org")
        return [_person(row) for row in rows]


def find_person(name: str) -> Person | None:
    """The person of this name, in any case; None if there is none."""
    with returned_connection():
        rows = User.objects.prefetch_related("memberships__org")
        row = rows.filter(username__iexact=name).first()
        return _person(row) if row is not None else None


def get_person(name: str) -> Person:
    """The person of this name; raises NotFound (``person-unknown``)."""
    person = find_person(name)
    if person is None:
        raise NotFound(
            "person-unknown",
            "There is no user named {name!r} in this home.",
            next_step="List the users with `unlost user list`, or add one with `unlost user add`.",
            name=name,
        )
    return person


def add_person(name: str, *, full_name: str = "", email: str = "", at: datetime) -> Person:
    """Add a person without a role; raises Conflict (``person-exists``, ``email-taken``)."""
    with returned_connection(), transaction.atomic():
        _refuse_taken(email)
        if User.objects.filter(username__iexact=name).exists():
            raise Conflict(
                "person-exists",
                "There is already a user named {name!r}.",
                next_step="Choose another name, or change the role with `unlost user role`.",
                name=name,
            )
        row = User(username=name, first_name=full_name, email=email, date_joined=at)
        row.set_unusable_password()
        row.save()
    return get_person(name)


def set_role(name: str, role: Role | None, *, org: str | None) -> Person:
    """Set a role in one org, or in all; None removes it. Raises NotFound."""
    person = get_person(name)
    with returned_connection(), transaction.atomic():
        place = Org.objects.get(name=org) if org is not None else None
        roles = MembershipRow.objects.filter(user_id=person.user, org=place)
        if role is None:
            roles.delete()
        elif not roles.update(role=role.value):
            MembershipRow.objects.create(user_id=person.user, org=place, role=role.value)
    return get_person(name)


def roles_as(old: str, new: str) -> None:
    """Copy all roles in one org (an oid) to another; tokens move there."""
    with returned_connection(), transaction.atomic():
        org = Org.objects.get(oid=new)
        for membership_row in MembershipRow.objects.filter(org__oid=old):
            MembershipRow.objects.get_or_create(
                user_id=membership_row.user_id, org=org, defaults={"role": membership_row.role}
            )
        TokenRow.objects.filter(org__oid=old).update(org=org)


def set_active(name: str, *, active: bool) -> Person:
    """Admit a person, or lock them out: sessions and links end immediately. Raises NotFound.

    Tokens open nothing while their owner is locked out.
    """
    person = get_person(name)
    with returned_connection(), transaction.atomic():
        User.objects.filter(pk=person.user).update(is_active=active)
        LinkRow.objects.filter(user_id=person.user).delete()
        _end_sessions(person.user)
    return get_person(name)


def edit_person(name: str, *, full_name: str, email: str) -> Person:
    """Change a person's name and address; raises NotFound, Conflict (``email-taken``).

    To the company's SSO another address is another person: former sign-ins are unlinked.
    """
    person = get_person(name)
    with returned_connection(), transaction.atomic():
        if email.lower() != person.email.lower():
            _refuse_taken(email)
            SocialAccount.objects.filter(user_id=person.user).delete()
        User.objects.filter(pk=person.user).update(first_name=full_name, email=email)
    return get_person(name)


def people_with_email(addresses: Iterable[str]) -> Sequence[Person]:
    """The people with one of these addresses, in any case, including removed people."""
    wanted = {address.lower() for address in addresses if address}
    return [person for person in list_people() if person.email.lower() in wanted]


def drop_factors(name: str) -> int:
    """Delete a person's second factors and passkeys, and end sessions; returns their number."""
    person = get_person(name)
    with returned_connection(), transaction.atomic():
        dropped, _ = Authenticator.objects.filter(user_id=person.user).delete()
        _end_sessions(person.user)
    return int(dropped)


def set_profile(name: str, profile: Profile) -> None:
    """Save a person's preferences for the console; raises NotFound (``person-unknown``)."""
    person = get_person(name)
    with returned_connection():
        User.objects.filter(pk=person.user).update(
            language=profile.language, theme=profile.theme.value, compact=profile.compact
        )


def admins() -> int:
    """The number of people who may manage the whole home."""
    with returned_connection():
        return User.objects.filter(
            is_active=True, memberships__role=Role.ADMIN.value, memberships__org=None
        ).count()


def has_local_sign_in() -> bool:
    """True if an active person has a password or a passkey, so that a provider is not the only way."""
    with returned_connection():
        active = User.objects.filter(is_active=True)
        with_password = active.exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)
        passkeys = Authenticator.objects.filter(
            type=Authenticator.Type.WEBAUTHN, user__is_active=True
        )
        return with_password.exclude(password="").exists() or passkeys.exists()


def actor_of(user: User | int) -> Actor | None:
    """The actor for a user; None for a removed user.

    A ``User`` that was just read from the database, as at sign-in, is not read again.
    """
    with returned_connection():
        row = User.objects.filter(pk=user).first() if isinstance(user, int) else user
        if row is None or not row.is_active:
            return None
        return Actor(ActorKind.PERSON, row.username, _grants(row), person=row.username)


def _grants(row: User) -> tuple[Grant, ...]:
    return tuple(
        Grant(
            Role(membership_row.role),
            membership_row.org.oid if membership_row.org is not None else None,
        )
        for membership_row in row.memberships.select_related("org")
    )


def _person(row: User) -> Person:
    roles = [
        PersonRole(
            Role(membership_row.role),
            membership_row.org.name if membership_row.org is not None else None,
        )
        for membership_row in row.memberships.all()
    ]
    return Person(
        row.pk,
        row.username,
        row.first_name,
        row.email,
        row.is_active,
        tuple(sorted(roles, key=lambda role: (role.org is not None, role.org or ""))),
        row.date_joined,
        row.last_login,
    )


def _refuse_taken(email: str) -> None:
    """Raise Conflict if two people would share an address: it is all that the SSO knows of them."""
    if email and User.objects.filter(email__iexact=email).exists():
        raise Conflict(
            "email-taken",
            "The address {email!r} belongs to another user.",
            next_step="Use a different address for each user, or leave it empty.",
            email=email,
        )


def _end_sessions(user: int) -> None:
    sessions = UserSession.objects.filter(user_id=user)
    Session.objects.filter(session_key__in=sessions.values("session_key")).delete()
    sessions.delete()
