"""Records of automatic work: nightly backups with all attempts, and checks of the vault."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from unlost.model.message import Message
from unlost.model.vault.snapshot import VerifyLevel, VerifyPart


class NightState(StrEnum):
    """The state of a nightly backup."""

    WAITING = "waiting"  # for its turn, its next attempt, or the end of a pause
    RUNNING = "running"
    DONE = "done"
    GIVEN_UP = "given-up"  # no attempts left; the next nightly backup starts anew


@dataclass(frozen=True, slots=True)
class NightRecord:
    """A nightly backup with all of its attempts.

    ``org``: the org's name. ``due_at``: the scheduled time; ``begun_at``: when the service began.
    ``next_at``: the time of the next attempt while it waits.
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
    error: Message | None


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """A check of the vault. ``damages`` are sentences; empty if everything checked is undamaged.

    ``mirror``: the mirror was checked. ``tried``: a repair came before it; the ``repaired`` objects
    were damaged, and no longer are.
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
        """Return true if this check would have found the damages of an older one."""
        if older.level == VerifyLevel.QUICK:
            return True  # every check covers presence and size of all objects
        levels = list(VerifyLevel)
        as_deep = levels.index(VerifyLevel(self.level)) >= levels.index(VerifyLevel(older.level))
        return as_deep and (self.part is None or self.part == older.part)


def standing_damages(checks: Sequence[CheckRecord]) -> tuple[str, ...]:
    """Return the damages that no later check has disproved; ``checks`` are newest first."""
    damages: dict[str, None] = {}
    for number, check in enumerate(checks):
        if not any(newer.disproves(check) for newer in checks[:number]):
            damages.update(dict.fromkeys(check.damages))
    return tuple(damages)
