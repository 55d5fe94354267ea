"""The gap of a table that a person left out in the settings of an org. Pure."""

from unlost.model.finding import Finding, FindingKind, Severity


def table_excluded(table: str, *, by_name: bool, label: str = "") -> Finding:
    """The gap of a table; ``by_name``: the settings exclude it, and do not only leave it out."""
    return Finding.of(
        FindingKind.TABLE_EXCLUDED,
        Severity.GAP,
        "{label} is excluded by the settings of the org.",
        "To protect it, remove it from the list of excluded tables."
        if by_name
        else "To protect it, add it to the list of tables to back up.",
        table=table,
        label=label or table,
    )
