"""The rights of the backup user on a table over time. Pure.

Rows that become visible or invisible move no time of change. So a table is read in full whenever
its rights changed, and the absence of a row means nothing if the user lost a right since the row
was seen. Rights are sets of grants: more of them never hide a row.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.schema import ALL_ROWS, ROWS, Table

UNKNOWN = frozenset({"unknown"})


@dataclass(frozen=True, slots=True)
class RightsHistory:
    """The grants of some backups: those of any of them, and those of all."""

    ever: frozenset[str] = frozenset()
    always: frozenset[str] = frozenset()

    @classmethod
    def of(cls, grants: Iterable[frozenset[str]]) -> "RightsHistory":
        """Summarize the grants of at least one backup."""
        first, *rest = grants
        return cls(first.union(*rest), first.intersection(*rest))

    def lost(self, now: frozenset[str]) -> bool:
        """Return true if a right of then is missing now."""
        return bool(lost_grants(self.ever, now))

    def changed(self, now: frozenset[str]) -> bool:
        """Return true if a right was lost or gained since."""
        return self.lost(now) or bool(now - self.always)


def lost_grants(before: frozenset[str], now: frozenset[str]) -> frozenset[str]:
    """The grants that are missing now; who sees all rows misses no other grant of rows."""
    lost = before - now
    if ALL_ROWS in now:
        lost = frozenset(grant for grant in lost if not grant.startswith(ROWS))
    return lost


def sees_every_row(grants: frozenset[str]) -> bool:
    """Return true if no row can be hidden from the user.

    Without a right to all rows, each row is shared with the user, and can be withdrawn without a
    change of any right. A connector that names no grants of rows knows only all-or-nothing rights.
    """
    return ALL_ROWS in grants or not any(grant.startswith(ROWS) for grant in grants)


def rights_changed(
    table: Table, *, before: frozenset[str], after: frozenset[str]
) -> Finding | None:
    """The finding for rights that changed while the table was read; a gap if any was lost."""
    if before == after:
        return None
    if lost_grants(before, after):
        return Finding.of(
            FindingKind.RIGHTS_CHANGED,
            Severity.GAP,
            "The backup user lost rights on {name} during the backup, so records may be missing.",
            "Give the rights back. The next backup reads the table in full.",
            table.name,
            detail="lost",
            name=table.plural or table.label or table.name,
        )
    return Finding.of(
        FindingKind.RIGHTS_CHANGED,
        Severity.NOTE,
        "The backup user gained rights on {name} during the backup.",
        "No action is needed. The next backup reads the table in full.",
        table.name,
        detail="gained",
        name=table.plural or table.label or table.name,
    )
