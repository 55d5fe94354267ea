"""Records found by values of several columns, as sources compare values. Pure."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from unlost.model.errors import Conflict
from unlost.model.source.schema import Table, WireKind


class MatchLookup:
    """Wanted values, and the records that have them.

    Some unique columns distinguish upper from lower case and some do not: a record with the exact
    value comes before one that has it in another case.
    """

    def __init__(
        self, table: Table, columns: tuple[str, ...], values: Iterable[tuple[str, ...]]
    ) -> None:
        self._table, self._columns = table, columns
        self._wanted = set(values)
        self._folded: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        for value in sorted(self._wanted):
            self._folded.setdefault(_folded(table, columns, value), []).append(value)
        self._exact: dict[tuple[str, ...], set[str]] = {}
        self._near: dict[tuple[str, ...], set[str]] = {}

    @property
    def firsts(self) -> list[str]:
        """The values of the first column."""
        return sorted({value[0] for value in self._wanted})

    def take(self, values: tuple[str, ...], record: str) -> None:
        """Add a live record and its values; several queries may bring it."""
        if values in self._wanted:
            self._exact.setdefault(values, set()).add(record)
            return
        for value in self._folded.get(_folded(self._table, self._columns, values), ()):
            self._near.setdefault(value, set()).add(record)

    def records(self) -> dict[tuple[str, ...], str]:
        """The record of each value; raises Conflict (``key-not-unique``)."""
        records = self._near | self._exact
        if any(len(same) > 1 for same in records.values()):
            raise _not_unique(self._table, self._columns)
        return {value: min(same) for value, same in records.items()}


def _folded(table: Table, columns: tuple[str, ...], value: tuple[str, ...]) -> tuple[str, ...]:
    """Values as most sources compare them: texts without their case, numbers by their size."""
    return tuple(_plain(table, *pair) for pair in zip(columns, value, strict=True))


def _plain(table: Table, name: str, text: str) -> str:
    column = table.column(name)
    if column is not None and column.kind in (WireKind.INTEGER, WireKind.DECIMAL):
        try:
            return str(Decimal(text).normalize())
        except InvalidOperation:
            return text
    return text.casefold()


def _not_unique(table: Table, columns: tuple[str, ...]) -> Conflict:
    return Conflict(
        "key-not-unique",
        "Several records of {label} share a value of {columns}.",
        next_step="Make the values unique by hand, then make a new plan.",
        label=table.label or table.name,
        columns=", ".join(columns),
    )
