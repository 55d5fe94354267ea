"""Access: rights, the roles that include them, and actors."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

# Number of wrong passwords for a name from one address that locks the name there, and the time.
LOCKED_AFTER = 5
LOCKED_FOR = timedelta(minutes=15)


class Right(StrEnum):
    """A permission in an org, or in the whole home."""

    LOOK = "look"  # states, runs, storage, alerts, certificates: nothing of a record
    READ = "read"  # records and files, without hidden columns
    READ_HIDDEN = "read-hidden"  # hidden columns too
    OPERATE = "operate"  # backups, schedules, alerts
    RESTORE = "restore"  # plans, and writing into the org
    MANAGE = "manage"  # orgs, people, channels, keys
    AUDIT = "audit"  # the audit log


class Role(StrEnum):
    """A person's role in an org, under the names that people choose from."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    RESTORER = "restorer"
    ADMIN = "admin"
    AUDITOR = "auditor"


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.LOOK, Right.READ}),
    Role.OPERATOR: frozenset({Right.LOOK, Right.READ, Right.OPERATE}),
    Role.RESTORER: frozenset(
        {
            Right.LOOK,
            Right.READ,
            Right.READ_HIDDEN,
            Right.OPERATE,
            Right.RESTORE,
        }
    ),
    Role.ADMIN: frozenset(Right),
    Role.AUDITOR: frozenset({Right.LOOK, Right.AUDIT}),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in one org, identified by its oid; with ``oid`` None, in every org, also new ones."""

    role: Role
    oid: str | None = None

    def gives(self, right: Right, oid: str | None) -> bool:
        """True if it gives the right in an org; with None, in the whole home."""
        return right in RIGHTS[self.role] and self.oid in (None, oid)


class ActorKind(StrEnum):
    """The kind of an actor."""

    SERVICE = "service"  # automatic work of Unlost; recorded as runs, not in the audit log
    SCHEDULE = "schedule"  # an archive schedule, which acts for the person who owns it
    MACHINE = "machine"  # a user of the home's machine, who has access to its keys anyway
    PERSON = "person"
    TOKEN = "token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Actor:
    """An actor; ``person``: the person of the home behind it, if there is one.

    ``bounds``: the limits of a token, which never gives more rights than its owner has.
    """

    kind: ActorKind
    name: str
    grants: tuple[Grant, ...]
    bounds: tuple[Grant, ...] | None = None
    person: str = ""

    def may(self, right: Right, oid: str | None = None) -> bool:
        """True if the actor has this right in an org; with None, in the whole home."""
        return _given(self.grants, right, oid) and (
            self.bounds is None or _given(self.bounds, right, oid)
        )

    def may_somewhere(self, right: Right) -> bool:
        """True if there is an org in which the actor has this right."""
        oids = {grant.oid for grant in (*self.grants, *(self.bounds or ()))}
        return any(self.may(right, oid) for oid in oids)


def _given(grants: tuple[Grant, ...], right: Right, oid: str | None) -> bool:
    return any(grant.gives(right, oid) for grant in grants)


def machine(name: str) -> Actor:
    """Return the actor for a user of the home's own machine."""
    return Actor(ActorKind.MACHINE, name, (Grant(Role.ADMIN),))


SERVICE = Actor(ActorKind.SERVICE, "service", (Grant(Role.ADMIN),))


class Trace(StrEnum):
    """The entry that an action leaves in the audit log."""

    NONE = "none"
    READ = "read"  # data of records was read
    WRITE = "write"  # something was changed
