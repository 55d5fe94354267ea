"""Errors, named by what the caller must do about them.

Every error has a stable code, a sentence for a person who is not an expert, and a next step. The
code is also the name of its section in ``docs/reference/errors.md``. An error is raised at the
lowest layer that understands its cause and is not logged there.

    UnlostError
    ├── TransientError     try again, after ``retry_after`` if the other side gave one
    ├── LimitReached       stop and continue at ``resume_at``: the run parks
    ├── AuthExpired        sign in again once
    ├── SourceRefused      the source will not deliver this: a finding, never a failed run
    ├── IntegrityError     data contradicts its proof: stop, write nothing
    ├── NotAllowed         a permission or a credential is missing
    ├── NotFound           the named thing does not exist
    ├── Conflict           another run is doing this, or did it before
    ├── StoreError         the store cannot do what a store must
    └── UsageError         the request makes no sense; nothing was done
"""

from datetime import datetime
from typing import Any, Self

from unlost.model.message import HasMessage, Message, message


class UnlostError(HasMessage, Exception):
    """An error that a person can act upon.

    ``code`` is stable and kebab-case, ``template`` explains what happened, ``next_step`` what to
    do. Both name their arguments in braces; see ``model.message``.
    """

    def __init__(self, code: str, template: str, /, *, next_step: str = "", **args: Any) -> None:
        self.message = message(code, template, next_step=next_step, **args)
        super().__init__(self.message.sentence)

    @classmethod
    def of(cls, text: Message, **options: Any) -> Self:
        """Make an error of a message, for example of one that was stored."""
        error = cls(text.code, text.sentence, next_step=text.next_step, **options)
        error.message = text
        return error

    @property
    def code(self) -> str:
        """The stable code."""
        return self.message.code

    @property
    def page(self) -> str:
        """The section of the documentation about this code."""
        return f"docs/reference/errors.md#{self.code}"

    def __str__(self) -> str:
        return self.sentence


class TransientError(UnlostError):
    """The other side could not answer; the same call may succeed later."""

    def __init__(
        self,
        code: str,
        template: str,
        /,
        *,
        next_step: str = "",
        retry_after: float | None = None,
        **args: Any,
    ) -> None:
        """``retry_after``: seconds to wait, if the other side asked for it."""
        super().__init__(code, template, next_step=next_step, **args)
        self.retry_after = retry_after


class LimitReached(UnlostError):
    """A quota is used up; the run parks until ``resume_at`` (None: unknown)."""

    def __init__(
        self,
        code: str,
        template: str,
        /,
        *,
        next_step: str = "",
        resume_at: datetime | None = None,
        **args: Any,
    ) -> None:
        super().__init__(code, template, next_step=next_step, **args)
        self.resume_at = resume_at


class AuthExpired(UnlostError):
    """The session ended; a new login may help."""


class SourceRefused(UnlostError):
    """The source will not deliver this table, column or file; it becomes a finding."""


class IntegrityError(UnlostError):
    """Data contradicts its own proof; nothing may be written on top of it."""


class NotAllowed(UnlostError):
    """A permission, a credential or a key is missing."""


class NotFound(UnlostError):
    """The named thing does not exist."""


class Conflict(UnlostError):
    """Another run is using the same thing, or did the same before."""


class StoreError(UnlostError):
    """The store failed, or cannot give a guarantee that the vault needs."""


class UsageError(UnlostError):
    """The request makes no sense as it stands; nothing was done."""


def database_away(why: str) -> StoreError:
    """Return the error for a home's database that cannot be used; ``why``: the driver's message."""
    first = why.strip().splitlines()[0].rstrip(".") if why.strip() else "it gave no reason"
    return StoreError(
        "database-away",
        "The home's database cannot be reached: {reason}.",
        next_step="Start the database again, or check the network. Runs then continue "
        "automatically. `unlost doctor` shows whether the database answers.",
        reason=first,
    )
