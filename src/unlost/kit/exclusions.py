"""The gap of a table that a person left out in the settings of an org. Pure."""

from collections.abc import Collection

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
