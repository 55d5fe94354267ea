"""Estimates of the storage that can be freed in an org, as the home remembers them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from unlost.model.archive import ArchivePolicy
from unlost.model.message import Message


class SpaceKind(StrEnum):
    """The source of candidates: an archive policy, or the search for mail loops."""

    POLICY = "policy"
    LOOPS = "loops"


@dataclass(frozen=True, slots=True)
class SpaceCandidate:
    """Records that could leave the org, and the bytes that they need by storage.

    ``name``: of the policy, or the id of a loop's first mail.
    """

    name: str
    table: str
    records: int
    bytes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SpaceEstimate:
    """The candidates of a policy, or the mail loops, in a backup.

    ``policy``: as it was then; None for loops. ``whole``: no columns were hidden from the person for
    whom it was calculated. ``error``: why the policy could not be used, or not all loops measured.
    """

    kind: SpaceKind
    name: str
    backup: int
    at: datetime
    candidates: tuple[SpaceCandidate, ...]
    policy: ArchivePolicy | None = None
    whole: bool = True
    error: Message | None = None
