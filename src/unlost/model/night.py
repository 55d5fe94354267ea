"""What the service did by itself: nights over all their tries, and looks at the vault."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from unlost.model.snapshot import VerifyLevel, VerifyPart


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
    """A look. ``damages`` are sentences, none where what was looked at is whole.

    ``mirror``: it was a look at the second copy. ``tried``: a repair went before it; the ``repaired``
    objects were damaged, and are whole again.
    """

    at: datetime
    level: str
    objects: int
    bytes: int
    damages: tuple[str, ...]
    part: VerifyPart | None = None
    mirror: bool = False
    repaired: tuple[str, ...] = ()
    tried: bool = False

    def disproves(self, older: "CheckRecord") -> bool:
        """True if what an older look found would have been found by this one."""
        if older.level == VerifyLevel.QUICK:
            return True  # each look is one at presence and size, of all objects
        levels = list(VerifyLevel)
        as_deep = levels.index(VerifyLevel(self.level)) >= levels.index(VerifyLevel(older.level))
        return as_deep and (self.part is None or self.part == older.part)


def standing_damages(checks: Sequence[CheckRecord]) -> tuple[str, ...]:
    """What looks have found and no later one has disproved; ``checks`` are newest first."""
    damages: dict[str, None] = {}
    for number, check in enumerate(checks):
        if not any(newer.disproves(check) for newer in checks[:number]):
            damages.update(dict.fromkeys(check.damages))
    return tuple(damages)
