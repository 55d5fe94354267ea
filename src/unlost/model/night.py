"""What the service did by itself: nights over all their tries, and looks at the vault."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NightState(StrEnum):
    """Where a night is."""

    WAITING = "waiting"  # for its turn, its next try, or the end of a pause
    RUNNING = "running"
    DONE = "done"
    GIVEN_UP = "given-up"  # tried often enough; the next night tries anew


@dataclass(frozen=True, slots=True)
class NightRecord:
    """A night. ``next_at`` is when it is tried next, while it waits; ``org`` the org's name.

    ``due_at`` is when the schedule wanted it, ``begun_at`` when the service saw to it.
    """

    oid: str
    org: str
    name: str
    due_at: datetime
    begun_at: datetime
    state: NightState
    tries: int
    failures: int
    run: str
    next_at: datetime | None
    ended_at: datetime | None
    missed: tuple[str, ...]
    error_code: str
    error_sentence: str


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """A look. ``damages`` are sentences, none where the vault is whole."""

    at: datetime
    level: str
    objects: int
    bytes: int
    damages: tuple[str, ...]
