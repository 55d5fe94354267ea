"""The time of a backup: the lower of two clocks.

The next backup asks only for what changed after this one. So a time that lies ahead of the truth
loses changes, silently and for good; a time that lies behind costs some reading. A source's answer
can come through a proxy with a wrong clock, and the clock of this machine can be wrong as well. The
lower of both is never ahead unless both are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.ports.source import Source
from unlost.model.ports.system import Clock
from unlost.model.ports.vault import Vault
from unlost.model.vault.snapshot import SnapshotInfo, TableState

APART = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Two clocks, read together: a JSON value."""

    source: datetime
    local: datetime

    @property
    def time(self) -> datetime:
        """The time of the backup, never ahead of the truth unless both clocks are."""
        return min(self.source, self.local)

    @property
    def latest(self) -> datetime:
        """The time that lies in the future by both clocks if it is exceeded."""
        return max(self.source, self.local)


def read_clocks(source: Source, clock: Clock) -> ClockReading:
    """Read both clocks."""
    return ClockReading(source.server_time(), clock.now())


def clocks_differ(readings: Iterable[ClockReading]) -> tuple[Finding, ...]:
    """A note for the two clocks that were furthest apart, if they were by more than 5 minutes."""
    worst = max(readings, key=lambda reading: reading.latest - reading.time)
    if worst.latest - worst.time <= APART:
        return ()
    return (
        Finding.of(
            FindingKind.CLOCKS_DIFFER,
            Severity.NOTE,
            "The clock of the org shows {source}, the clock of this machine {local}. The backup "
            "uses the earlier one, so nothing is missed.",
            "Synchronize the clock of this machine automatically (NTP). If it is right, examine "
            "the proxy between this machine and the org.",
            source=_shown(worst.source),
            local=_shown(worst.local),
        ),
    )


def states_not_ahead(
    states: Mapping[str, TableState],
    vault: Vault,
    org: str,
    backups: Sequence[SnapshotInfo],
    *,
    latest: datetime,
) -> dict[str, TableState]:
    """States from which a backup may go on; ``latest``: the later clock now.

    A table that was read at a time which is still to come was read with wrong clocks: it goes on
    from the last backup whose time is past, and a census is due. Without such a backup it has no
    cursor.
    """
    ahead = {name for name, state in states.items() if is_ahead(state, latest)}
    trusted = dict(states)
    for name in ahead:
        trusted[name] = replace(states[name], cursor=None, census_at=None)
    for info in reversed(backups):
        if not ahead:
            break
        earlier = vault.at(org, info.number, forgotten=True).tables()
        for name in sorted(ahead & earlier.keys()):
            if not is_ahead(earlier[name], latest):
                trusted[name] = replace(trusted[name], cursor=earlier[name].cursor)
                ahead.discard(name)
    return trusted


def is_ahead(state: TableState, latest: datetime) -> bool:
    """Return true if the table was read, or its ids were listed, at a time still to come."""
    return any(at is not None and at > latest for at in (state.window_start, state.census_at))


def _shown(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
