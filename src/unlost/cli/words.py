"""Phrases about records, shared by several verbs."""

from typing import TYPE_CHECKING

from unlost.cli.text import cell, plain, when

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unlost.app.actions.records.history import ChangedField, HistoryEntry
    from unlost.app.records.record_facts import RecordDeletion

GONE = {
    "D": "deleted",
    "P": "deleted for good",
    "M": "no longer there",
}
USER_UNKNOWN = ", user unknown"


def fate(gone: "RecordDeletion | None", *, zone: str = "UTC") -> str:
    """Return "alive", the time of the archive, or the kind, time and user of the deletion."""
    if gone is None:
        return "alive"
    if gone.how == "A":
        at = when(gone.at or gone.until, zone=zone)
        return f"archived on {at}; the vault has the only copy"
    who = f" by {plain(gone.by_name or gone.by)}" if gone.by else USER_UNKNOWN
    if gone.at is not None:
        how = merged(gone) or GONE[gone.how]
        return f"{how} on {when(gone.at, zone=zone)}{who}"
    how = merged(gone) or GONE[gone.how]
    if gone.after is None:
        return f"{how} before {when(gone.until, zone=zone)}{who}"
    between = f"between {when(gone.after, zone=zone)} and {when(gone.until, zone=zone)}"
    return f"{how}, {between}{who}"


def merged(gone: "RecordDeletion | HistoryEntry") -> str:
    """Return "merged into NAME (ID)"; empty for a record that was merged into none."""
    if gone.merged_into is None:
        return ""
    return f"merged into {_meant(gone.merged_into, gone.merged_into_name)}"


def telling(fields: "Sequence[ChangedField]") -> "Sequence[ChangedField]":
    """Return the fields that people changed, without automatic ones; all if there are no others."""
    # A record whose automatic fields alone changed would show nothing otherwise.
    return [field for field in fields if not field.by_itself] or fields


def changed_field(field: "ChangedField") -> str:
    """Describe a changed column on one line: its label, the value before, the value after."""
    old, new = _meant(field.old, field.old_means), _meant(field.new, field.new_means)
    if field.new is None:
        return f"{plain(field.label)}: {old} → emptied"
    return f"{plain(field.label)}: {old} → {new}"


def _meant(value: str | None, name: str) -> str:
    return f"{plain(name)} ({cell(value)})" if name else cell(value)
