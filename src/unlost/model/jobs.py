"""Jobs: what a worker does by itself, and how it is asked for."""

from dataclasses import dataclass
from enum import StrEnum

PAUSED, CANCELLED = "run-paused", "run-cancelled"  # codes of errors by which people stop a run


class JobKind(StrEnum):
    """What a job does."""

    NIGHT = "night"  # one try of a night: ``subject`` is its name
    RESTORE = "restore"  # run a restore, or go on with it: ``subject`` is its run
    HOURLY = "hourly"  # a few tables between two nights: ``subject`` is the hour
    UPKEEP = "upkeep"  # keep what the vault holds of an org small: ``subject`` is the night before
    VERIFY = "verify"  # look whether the vault is whole: ``subject`` is the level, and the part
    MIRROR = "mirror"  # bring the vault's second copy up to date


class RunCommand(StrEnum):
    """What people want of a run that is under way."""

    NONE = ""
    PAUSE = "pause"  # stop, and wait until it is told to go on
    CANCEL = "cancel"  # stop, and do not go on
    GIVE_WAY = "give-way"  # stop, for a night begins: nobody's wish but the service's


@dataclass(frozen=True, slots=True)
class Job:
    """A job. ``id`` makes it one: asking for the same id again does nothing.

    ``org`` is the oid; jobs of one org wait for each other. It is empty for the whole vault.
    """

    id: str
    kind: JobKind
    org: str
    subject: str
