"""The status of an org, in the same words everywhere, and the reasons for it."""

from dataclasses import dataclass
from enum import StrEnum

from unlost.model.message import HasMessage, Message


class OrgStatus(StrEnum):
    """The protection of an org, in one word. ``docs/reference/status.md`` explains what leads to each."""

    PROTECTED = "protected"  # the newest backup is in time and has no open gap
    INCOMPLETE = "incomplete"  # the newest backup has open gaps
    AT_RISK = "at-risk"  # a backup is overdue, or something endangers the next one or the vault
    FAILED = "failed"  # the last backup failed
    NO_BACKUP = "no-backup"  # new: no backup yet, and none is overdue
    RETIRED = "retired"  # no longer backed up; its backups are kept

    @property
    def word(self) -> str:
        """The word that people read, in English."""
        return _WORDS[self]


_WORDS = {
    OrgStatus.PROTECTED: "Protected",
    OrgStatus.INCOMPLETE: "Incomplete",
    OrgStatus.AT_RISK: "At risk",
    OrgStatus.FAILED: "Failed",
    OrgStatus.NO_BACKUP: "No backup yet",
    OrgStatus.RETIRED: "Retired",
}


class StatusPlace(StrEnum):
    """The page where people find out more about a reason, and fix its cause."""

    CERTIFICATE = "certificate"
    RUN = "run"
    SCHEDULE = "schedule"
    ALERTS = "alerts"
    NONE = ""


@dataclass(frozen=True, slots=True)
class StatusReason(HasMessage):
    """A reason for the status of an org, with its next step. ``place``: the page that helps."""

    status: OrgStatus
    message: Message
    place: StatusPlace = StatusPlace.NONE


@dataclass(frozen=True, slots=True)
class JudgedStatus:
    """The status of an org and all its reasons, the gravest first."""

    status: OrgStatus
    reasons: tuple[StatusReason, ...]
