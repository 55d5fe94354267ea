"""Findings about tables that are not read: by choice, without data of people, or refused. Pure."""

from collections.abc import Collection

from unlost.model.errors import UnlostError
from unlost.model.finding import Finding, FindingKind, Severity


def excluded_by_settings(
    table: str, *, include: Collection[str], exclude: Collection[str], label: str = ""
) -> Finding | None:
    """The gap of a table that is excluded, or not among those to back up; None for any other."""
    if table not in exclude and (not include or table in include):
        return None
    return Finding.of(
        FindingKind.TABLE_EXCLUDED,
        Severity.GAP,
        "{label} is excluded by the settings of the org.",
        "To protect it, remove it from the list of excluded tables."
        if table in exclude
        else "To protect it, add it to the list of tables to back up.",
        table=table,
        label=label or table,
    )


def table_not_data(table: str, reason: str) -> Finding:
    """The note about a table that holds no data of people."""
    return Finding.of(
        FindingKind.TABLE_NOT_DATA,
        Severity.NOTE,
        "{name} is not backed up: {reason}.",
        table=table,
        name=table,
        reason=reason,
    )


def table_refused(table: str, error: UnlostError) -> Finding:
    """The gap of a table that the source lists and does not deliver; ``error`` gives the reason."""
    return Finding.of(
        FindingKind.TABLE_REFUSED,
        Severity.GAP,
        "{label} could not be read: {reason}",
        "{step}",
        table=table,
        label=table,
        reason=error.message,
        step=error.message.step,
    )
