"""Jobs: what a worker does by itself, and how it is asked for."""

from dataclasses import dataclass
from enum import StrEnum

PAUSED, CANCELLED = "run-paused", "run-cancelled"  # codes of errors by which people stop a run


class JobKind(StrEnum):
    """What a job does."""

    NIGHT = "night"  # one attempt at a nightly backup: ``subject`` is its name
    RESTORE = "restore"  # run or resume a restore: ``subject`` is its run
    HOURLY = "hourly"  # a few tables between nightly backups: ``subject`` is the hour
    UPKEEP = "upkeep"  # maintain an org in the vault: ``subject`` is the nightly backup before
    VERIFY = "verify"  # verify the vault: ``subject`` is the level, and the part
    MIRROR = "mirror"  # bring the mirror up to date


class RunCommand(StrEnum):
    """What people want of a run that is under way."""

    NONE = ""
    PAUSE = "pause"  # stop, and wait for the command to continue
    CANCEL = "cancel"  # stop for good
    GIVE_WAY = "give-way"  # stop for a nightly backup; only the service asks for it


@dataclass(frozen=True, slots=True)
class Job:
    """A job. ``id`` makes it one: asking for the same id again does nothing.

    ``org`` is the oid; jobs of one org wait for each other. It is empty for the whole vault.
    """

    id: str
    kind: JobKind
    org: str
    subject: str
