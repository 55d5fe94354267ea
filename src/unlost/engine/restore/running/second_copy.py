"""The second copy of records that leave the org: the mirror of the vault, read like the vault itself.

A policy may demand it. Then an archive does not begin before the mirror has the commit of the copies,
and it verifies each row and file there, too, in the turn that deletes the record. Until the mirror
answers and is current, the run waits. See docs/adr/0055.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import WantedReader
from unlost.model.errors import LimitReached, NotFound, UnlostError, UsageError
from unlost.model.ports.vault import Vault
from unlost.model.vault.snapshot import SnapshotInfo

AGAIN = timedelta(minutes=15)  # until the run looks at the mirror again


@dataclass(frozen=True, slots=True)
class SecondCopy:
    """The mirror of the vault, and a reader of the plan's records in it."""

    vault: Vault
    wanted: WantedReader


def demands_second_copy(session: RestoreSession) -> bool:
    """Return True if a record may leave the org only if the mirror has its copy."""
    policy = session.plan.selection.policy
    return session.is_archive and policy is not None and policy.second_copy


def open_second_copy(session: RestoreSession) -> SecondCopy:
    """Open the mirror anew: what an earlier turn read from it may be gone.

    Raises UsageError (``archive-no-mirror``), LimitReached (``archive-mirror-away``,
    ``archive-mirror-behind``).
    """
    plan = session.plan
    if session.ports.second_copy is None:
        raise no_mirror()
    with mirror_answers(session):
        vault = session.ports.second_copy()
        is_current = _has_commit(vault, _commit(session))
    if not is_current:
        raise _behind(session.ports.clock.now() + AGAIN)
    return SecondCopy(vault, WantedReader(vault, plan.org, plan.steps))


@contextmanager
def mirror_answers(session: RestoreSession) -> Iterator[None]:
    """Stop the run, to be resumed, if the mirror does not answer in the body."""
    try:
        yield
    except UnlostError as error:
        raise _away(error, session.ports.clock.now() + AGAIN) from error


def no_mirror() -> UsageError:
    """Return the error for a policy that demands a second copy, without a mirror."""
    return UsageError(
        "archive-no-mirror",
        "The policy demands a second copy of each record, and this vault has no mirror.",
        next_step="Set a place for one with `unlost vault mirror set PLACE`, or change the policy.",
    )


def _commit(session: RestoreSession) -> SnapshotInfo:
    """Return the commit whose copies the plan rests on."""
    return session.ports.vault.at(session.plan.org, session.plan.snapshot, forgotten=True).info


def _has_commit(vault: Vault, wanted: SnapshotInfo) -> bool:
    """Return True if a vault has the same commit under its number."""
    try:
        commits = vault.commits(wanted.org)
    except NotFound:  # the mirror is older than the first backup of the org
        return False
    return any((each.number, each.head) == (wanted.number, wanted.head) for each in commits)


def _away(error: UnlostError, resume_at: datetime) -> LimitReached:
    return LimitReached(
        "archive-mirror-away",
        "The policy demands a second copy, and the mirror of the vault cannot be read: {why}",
        next_step="Check the mirror with `unlost vault mirror show` and repair it. Then resume the "
        "run with `unlost restore resume RUN`.",
        resume_at=resume_at,
        why=error.message,
    )


def _behind(resume_at: datetime) -> LimitReached:
    return LimitReached(
        "archive-mirror-behind",
        "The policy demands a second copy, and the mirror of the vault does not have this backup "
        "yet.",
        next_step="Update the mirror with `unlost vault mirror run`. Then resume the run with "
        "`unlost restore resume RUN`.",
        resume_at=resume_at,
    )
