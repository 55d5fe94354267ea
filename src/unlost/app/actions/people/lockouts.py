"""Names that are locked after too many wrong passwords: list and unlock them."""

from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.catalog.people.lockouts import Lockout, forget_failures, list_lockouts
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound


@dataclass(frozen=True, slots=True)
class Lockouts:
    """Names that cannot sign in from some address now, newest first."""

    lockouts: tuple[Lockout, ...]


@dataclass(frozen=True, slots=True)
class UnlockedName:
    """A name that was unlocked, and the number of addresses where it had failed."""

    name: str
    addresses: int


@action("lockout.list", Right.MANAGE, where=Where.HOME)
def lockouts(app: Application) -> Lockouts:
    """List the names that are locked now, and from which addresses."""
    return Lockouts(tuple(list_lockouts(at=app.clock.now())))


@action("lockout.end", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def unlock(app: Application, name: str) -> UnlockedName:  # noqa: ARG001 (every action takes it)
    """Unlock a name immediately, for all addresses; raises NotFound (``lockout-unknown``)."""
    addresses = forget_failures(name)
    if not addresses:
        raise NotFound(
            "lockout-unknown",
            "There are no recent failed sign-ins as {name!r}.",
            next_step="List all users with `unlost user list`. If a user forgot the password, "
            "create a sign-in link with `unlost user link NAME`.",
            name=name,
        )
    return UnlockedName(name, addresses)
