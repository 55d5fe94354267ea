"""Users who may call the API, and the OAuth clients of an instance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

ADMIN = "admin"
READ_ONLY = "snc_read_only"
"""A role whose users write nothing, whatever their other roles are."""
QUERY_NO_DOMAIN = "query_no_domain_table_api"
GLOBAL_DOMAIN = "global"


@dataclass(frozen=True, slots=True)
class ApiUser:
    """A user with roles. ``zone`` is how instants are shown, ``contexts`` open encrypted columns.

    ``domains``: the sys_ids of the domains whose rows the user sees, beside the global one.
    """

    sys_id: str
    name: str
    password: str
    roles: frozenset[str] = frozenset()
    active: bool = True
    zone: str = "GMT"
    domains: frozenset[str] = frozenset()
    contexts: frozenset[str] = frozenset()

    @property
    def is_admin(self) -> bool:
        """True for users with the role admin."""
        return ADMIN in self.roles

    @property
    def is_read_only(self) -> bool:
        """True for users who may not write."""
        return READ_ONLY in self.roles

    def has_any(self, roles: Iterable[str]) -> bool:
        """Return true if the user has one of the roles."""
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A registered client. ``application_user`` is the user of client credentials."""

    client_id: str
    secret: str
    application_user: str | None = None


@dataclass(slots=True)
class Users:
    """The API users of an instance by name."""

    _users: dict[str, ApiUser] = field(default_factory=dict)

    @classmethod
    def of(cls, users: Iterable[ApiUser]) -> Users:
        """Make the register of these users."""
        return cls({user.name: user for user in users})

    def put(self, user: ApiUser) -> ApiUser:
        """Add or replace a user."""
        self._users[user.name] = user
        return user

    def get(self, name: str) -> ApiUser | None:
        """Give a user by name, or None."""
        return self._users.get(name)

    def all(self) -> list[ApiUser]:
        """Give all users."""
        return list(self._users.values())

    def with_password(self, name: str, password: str) -> ApiUser | None:
        """Give an active user whose password this is, or None."""
        user = self._users.get(name)
        return user if user and user.active and user.password == password else None
