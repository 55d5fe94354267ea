"""Facts about archives that a connector knows without a call."""

from dataclasses import dataclass
from datetime import timedelta

from unlost.model.archive import Condition


@dataclass(frozen=True, slots=True)
class ProtectedRecords:
    """Records that stay unless a policy includes this protection by ``name``.

    They are the records of ``table`` that meet all ``conditions``. With ``column``, the records to
    which this column of theirs refers: such as the accounts of won opportunities.
    """

    name: str
    label: str
    table: str
    conditions: tuple[Condition, ...]
    column: str = ""


@dataclass(frozen=True, slots=True)
class BinRule:
    """The capacity of a recycle bin: so many records for each megabyte of a storage's limit.

    Beyond it, the org purges the oldest records. ``lasts``: the time after which it purges others.
    """

    storage: str
    records_per_megabyte: int
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """The facts of an org's tables.

    ``unreturning``: tables whose records cannot be written, so that an archive leaves them in the
    vault only.
    """

    protected: tuple[ProtectedRecords, ...] = ()
    unreturning: frozenset[str] = frozenset()
    bin: BinRule | None = None

    def protecting(self, include: tuple[str, ...]) -> tuple[ProtectedRecords, ...]:
        """Return the protections that count for a policy which includes these."""
        return tuple(each for each in self.protected if each.name not in include)

    def named_tables(self, include: tuple[str, ...]) -> frozenset[str]:
        """Return the tables whose own protected records a policy includes."""
        return frozenset(
            kind.table for kind in self.protected if kind.name in include and not kind.column
        )
