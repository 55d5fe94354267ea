"""Building SOQL: pure text."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime


def select(columns: Sequence[str], table: str, *conditions: str) -> str:
    """A query; empty conditions are left out, all others must hold."""
    wanted = [condition for condition in conditions if condition]
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    return f"SELECT {','.join(columns)} FROM {table}{where}"  # noqa: S608  no SQL; names are the org's own


def instant(when: datetime) -> str:
    """A datetime literal: UTC, whole seconds (Salesforce stamps have no finer ones)."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_instant(text: str) -> datetime:
    """An instant as Salesforce or this module writes it: ``…Z``, ``…+0000``."""
    return datetime.fromisoformat(text).astimezone(UTC)


def text(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def any_of(column: str, values: Iterable[str]) -> str:
    """The condition that the column is one of these texts."""
    return f"{column} IN ({','.join(text(value) for value in values)})"


def equals(column: str, value: str) -> str:
    """The condition that the column is this text."""
    return f"{column} = {text(value)}"


def id_range(low: str | None, high: str | None) -> str:
    """The condition for ids in [low, high), open where empty or None."""
    bounds = [f"Id >= {text(low)}"] if low else []
    bounds += [f"Id < {text(high)}"] if high is not None else []
    return " AND ".join(bounds)


def window(column: str | None, lo: str | None, hi: str | None = None) -> str:
    """The condition that the column is in [lo, hi), datetime literals or None for open ends."""
    bounds = [f"{column} >= {lo}"] if column and lo else []
    bounds += [f"{column} < {hi}"] if column and hi else []
    return " AND ".join(bounds)
