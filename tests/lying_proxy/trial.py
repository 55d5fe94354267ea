"""The trial of a lie: backups with it, honest ones after it, and what each of them led to."""

from dataclasses import dataclass
from pathlib import Path

from lying_proxy.lie import Fate, Lie
from lying_proxy.world import ROUND, Night, World

DAYS_OF_A_WEEK = 7
AFTER = {
    Fate.NO_EFFECT: ROUND,
    Fate.SAME_BACKUP: 1,
    Fate.NEXT_BACKUP: 1,
    Fate.SEVEN_DAYS: DAYS_OF_A_WEEK,
    Fate.THIRTY_BACKUPS: ROUND,
    Fate.NEVER: ROUND,
}
FEW = ("Account", "Case", "Contact", "Junction__c")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One backup of a trial: what differs from the org after it, and how often the proxy lied."""

    night: Night
    differences: dict[str, list[str]]
    lies: int

    @property
    def silent(self) -> dict[str, list[str]]:
        """Differences of tables about which no finding is."""
        return {
            table: places
            for table, places in self.differences.items()
            if not self.night.names(table)
        }


def tables_of(lie: Lie) -> tuple[str, ...]:
    """The tables of a trial: few, so that it takes a second."""
    return tuple(sorted({"Account", lie.table})) if lie.table else FEW


def tried(work: Path, lie: Lie | None, tables: tuple[str, ...], backups: int) -> list[Outcome]:
    """Back up these tables so many times, a day apart."""
    world, outcomes = World(work, lie, tables), list[Outcome]()
    try:
        for _ in range(backups):
            night = world.back_up()
            outcomes.append(Outcome(night, world.differences(), world.stage.lies))
            world.live_day()
    finally:
        world.close()
    return outcomes


def backups_of(lie: Lie) -> int:
    """The backups that the fate of a lie needs."""
    return lie.spell.backup + (ROUND if lie.stays else AFTER[lie.fate])
