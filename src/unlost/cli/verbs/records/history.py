"""unlost history: show the history of a record."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.app.records.record_text import split_record
from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName, RecordName
from unlost.cli.text import command, many, plain, short, when
from unlost.cli.words import GONE, USER_UNKNOWN, changed_field, merged, telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unlost.app.actions.records.history import HistoryEntry, HistoryResult

HAPPENED = {"created": "Created", "changed": "Changed", "revived": "Undeleted"}


OnlyColumn = Annotated[
    str | None, typer.Option("--column", metavar="C", help="Only changes of this column.")
]
OnlyUser = Annotated[
    str | None, typer.Option("--user", metavar="ID", help="Only events by this user (id).")
]
Newest = Annotated[
    int | None, typer.Option("--newest", metavar="N", min=1, help="Only the newest N events.")
]


def history(
    org: OrgName,
    record: RecordName,
    *,
    column: OnlyColumn = None,
    user: OnlyUser = None,
    newest: Newest = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show the history of a record, field by field, oldest first."""
    table, record_id = split_record(record)
    with opened(home, for_reading=True) as application:
        from unlost.app.actions.records.history import history as act

        result = act(application, org, table, record_id, column=column, user=user, most=newest)
        answer(result, as_json=json, show=_show)
    return ExitCode.OK


def _show(out: Output, result: "HistoryResult") -> None:
    ended = "archived" if result.archived_at is not None else "deleted"
    state = "alive" if result.alive else ended
    name = short(result.name or result.record)
    out.print(f"{result.table_label} {name} ({result.record}), {state}")
    for restored in result.restored_as:
        out.print(f"Restored as {restored.record} in {restored.org} by {restored.run}")
    for restored in result.restored_from:
        out.print(f"Restored from {restored.record} by {restored.run}")
    if not result.entries:
        out.print("No events match.")
    elif len(result.entries) < result.total:
        out.print(f"The newest {many(len(result.entries), 'event')} of {result.total:,}.")
    known_id = result.entries[0].record if result.entries else ""
    for entry in result.entries:
        out.print()
        out.print(event_text(entry, result.zone))
        if entry.record != known_id and not entry.run:
            out.print(f"    (as {entry.record})")
        known_id = entry.record
        for line in _lines(entry):
            out.print(f"    {line}")
    out.print()
    show = command("show", result.org, f"{result.table}/{result.record}")
    out.print(f"All fields: {show}")


def _lines(entry: "HistoryEntry") -> "Iterator[str]":
    """Yield what changed, or what somebody wrote."""
    for field in telling(entry.fields):
        if entry.kind == "remark":
            yield from map(plain, (field.new or "").splitlines())
        else:
            yield changed_field(field)


def event_text(entry: "HistoryEntry", zone: str) -> str:
    """Return the time of an event, its kind and its user."""
    return f"{_when(entry, zone)}  {_what(entry)}{_who(entry)}"


def _when(entry: "HistoryEntry", zone: str) -> str:
    if entry.at is not None:
        return when(entry.at, zone=zone)
    until = when(entry.until, zone=zone)
    if entry.run:  # its end: a restore rarely takes long
        return until
    if entry.after is None:
        return f"before {until}"
    return f"between {when(entry.after, zone=zone)} and {until}"


def _what(entry: "HistoryEntry") -> str:
    if entry.kind == "archived":
        return f"Archived by {entry.run}" if entry.run else "Archived"
    if entry.kind == "deleted":
        words = merged(entry) or GONE[entry.how]
        return f"{words[0].upper()}{words[1:]}"
    if entry.kind == "remark":
        return plain(entry.fields[0].label)
    if entry.kind == "created" and entry.after is None:
        return "First seen"
    if entry.kind == "restored":
        return f"Restored as {entry.record} by {entry.run}"
    if entry.kind == "adopted":
        return f"Live record {entry.record} taken for it by {entry.run}"
    return HAPPENED[entry.kind]


def _who(entry: "HistoryEntry") -> str:
    who = entry.by_name or entry.by
    if who:
        return f" by {plain(who)}{' or others before' if entry.shared else ''}"
    unnamed = entry.run or entry.kind in {"created", "archived"}
    return "" if unnamed else USER_UNKNOWN
