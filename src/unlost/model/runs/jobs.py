"""Jobs: the automatic work of the service, and commands to a run."""

from dataclasses import dataclass
from enum import StrEnum

PAUSED, CANCELLED = "run-paused", "run-cancelled"  # codes of errors by which people stop a run


class JobKind(StrEnum):
    """The kind of a job."""

    NIGHT = "night"  # one attempt at a nightly backup: ``subject`` is its name
    RESTORE = "restore"  # run or resume a restore: ``subject`` is its run
    ARCHIVE = "archive"  # a policy after a nightly backup: ``subject`` is the id of its night
    HOURLY = "hourly"  # a few tables between nightly backups: ``subject`` is the hour
    MAINTENANCE = "upkeep"  # maintain an org in the vault: ``subject`` is the nightly backup before
    VERIFY = "verify"  # verify the vault: ``subject`` is the level, and the part
    MIRROR = "mirror"  # bring the mirror up to date


class RunCommand(StrEnum):
    """A command to a running run."""

    NONE = ""
    PAUSE = "pause"  # stop, and wait for the command to continue
    CANCEL = "cancel"  # stop for good
    GIVE_WAY = "give-way"  # stop for a nightly backup; only the service asks for it


@dataclass(frozen=True, slots=True)
class Job:
    """A job. Enqueuing the same ``id`` again has no effect.

    ``org``: the oid, empty for the whole vault. Jobs of one org in the same queue run one after the
    other; restores and maintenance each have a queue of their own.
    """

    id: str
    kind: JobKind
    org: str
    subject: str
