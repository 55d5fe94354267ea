"""unlost alert: mass changes of backups, and those that are expected or muted."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import command, plain, when
from unlost.model.mass_changes import MassKind, MassLimits, Silence, SilenceKind

if TYPE_CHECKING:
    from unlost.app.actions.alerts.mass_changes import MassChanges, MassLimitsList, Silences
    from unlost.app.actions.alerts.public_address import PublicAddress

KINDS = f"The kind of change: {', '.join(MassKind)}."
Until = Annotated[
    str, typer.Option("--until", metavar="WHEN", help="Last day, such as 2026-12-31, or a time.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason.")]
User = Annotated[
    str, typer.Option("--user", metavar="USER", help="Only changes by this user (id).")
]
LIMITED = {
    "lost": "Records deleted",
    "bin": "Records deleted without the recycle bin",
    "column": "Records with a column emptied or overwritten",
    "created": "Records created by one user",
    "below": "Records lost with one record",
    "transferred": "Records transferred to other owners by one user",
}
Kind = Annotated[MassKind | None, typer.Option("--change", metavar="KIND", help=KINDS)]


def changes(
    org: OrgName,
    backup: Annotated[int, typer.Argument(metavar="BACKUP", help="Number of the backup.")],
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """List the mass changes of a backup, with the commands that repair them."""
    with opened(home) as application:
        from unlost.app.actions.alerts.mass_changes import mass_changes

        result = mass_changes(application, org, backup)
        answer(result, as_json=json, show=_show_changes)
    reported = result.losses or any(line.now for line in result.changes)
    return ExitCode.FINDINGS if reported else ExitCode.OK


def expect(
    org: OrgName,
    what: Annotated[
        str,
        typer.Argument(
            metavar="TABLE[.COLUMN]", help="A column; or a table, for created and deleted records."
        ),
    ],
    *,
    until: Until,
    reason: Reason = "",
    user: User = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Announce an import or another mass change, so that it raises no alert."""
    with opened(home) as application:
        from unlost.app.actions.alerts.mass_changes import ExpectRequest
        from unlost.app.actions.alerts.mass_changes import expect as act

        request = ExpectRequest(what, until, reason, user)
        answer(act(application, org, request), as_json=json, show=_show_silence)
    return ExitCode.OK


def expected(
    org: OrgName,
    backup: Annotated[int, typer.Argument(metavar="BACKUP", help="Number of the backup.")],
    what: Annotated[
        str, typer.Argument(metavar="TABLE[.COLUMN]", help="The changed column or table.")
    ],
    *,
    change: Annotated[MassKind, typer.Option("--change", metavar="KIND", help=KINDS)],
    reason: Reason,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Mark a mass change of a backup as expected. Its alert ends, and it can still be repaired."""
    with opened(home) as application:
        from unlost.app.actions.alerts.mass_changes import ExpectedRequest
        from unlost.app.actions.alerts.mass_changes import expected as act

        table, _, column = what.partition(".")
        request = ExpectedRequest(backup, table, change, reason, column)
        answer(act(application, org, request), as_json=json, show=_show_silence)
    return ExitCode.OK


def mute(
    org: OrgName,
    what: Annotated[
        str, typer.Argument(metavar="TABLE[.COLUMN]", help="A table or column; default: any.")
    ] = "",
    *,
    until: Until,
    reason: Reason,
    change: Kind = None,
    user: User = "",
    most: Annotated[
        int, typer.Option("--most", metavar="N", help="Only changes of up to N records.")
    ] = 0,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Leave a usual pattern of mass changes to the daily digest."""
    with opened(home) as application:
        from unlost.app.actions.alerts.mass_changes import MuteRequest
        from unlost.app.actions.alerts.mass_changes import mute as act

        table, _, column = what.partition(".")
        request = MuteRequest(until, reason, table, column, change, user, most)
        answer(act(application, org, request), as_json=json, show=_show_silence)
    return ExitCode.OK


def silences(org: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the expected and muted mass changes of an org."""
    with opened(home) as application:
        from unlost.app.actions.alerts.mass_changes import silences as act

        answer(act(application, org), as_json=json, show=_show_silences)
    return ExitCode.OK


def unsilence(
    org: OrgName,
    silence: Annotated[int, typer.Argument(metavar="NUMBER", help="Its number, as listed.")],
    *,
    home: Home = None,
) -> ExitCode:
    """End an expected or muted mass change: it raises alerts again."""
    with opened(home) as application:
        from unlost.app.actions.alerts.mass_changes import unsilence as act

        act(application, org, silence)
    typer.echo(f"{silence} has ended.")
    return ExitCode.OK


def _rows(limit: str) -> Any:
    return typer.Option(f"--{limit}-rows", metavar="N", help=f"{LIMITED[limit]}.")


def _share(limit: str) -> Any:
    help_text = f"{LIMITED[limit]}, as a share of the table."
    return typer.Option(f"--{limit}-share", metavar="SHARE", help=help_text)


def limits(
    org: OrgName,
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="A table; default: the whole org.")
    ] = "",
    *,
    lost_rows: Annotated[int | None, _rows("lost")] = None,
    lost_share: Annotated[float | None, _share("lost")] = None,
    bin_rows: Annotated[int | None, _rows("bin")] = None,
    column_rows: Annotated[int | None, _rows("column")] = None,
    column_share: Annotated[float | None, _share("column")] = None,
    created_rows: Annotated[int | None, _rows("created")] = None,
    created_share: Annotated[float | None, _share("created")] = None,
    below_rows: Annotated[int | None, _rows("below")] = None,
    transferred_rows: Annotated[int | None, _rows("transferred")] = None,
    transferred_share: Annotated[float | None, _share("transferred")] = None,
    watch: Annotated[
        bool | None,
        typer.Option("--watch/--ignore", help="Always or never watch the table."),
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show the thresholds of mass changes, or change them. Shares are numbers from 0 to 1."""
    typed = {
        "lost_rows": lost_rows, "lost_share": lost_share, "bin_rows": bin_rows,
        "column_rows": column_rows, "column_share": column_share, "created_rows": created_rows,
        "created_share": created_share, "below_rows": below_rows,
        "transferred_rows": transferred_rows, "transferred_share": transferred_share,
        "watched": watch,
    }  # fmt: skip
    with opened(home) as application:
        from unlost.app.actions.alerts.mass_changes import limit
        from unlost.app.actions.alerts.mass_changes import limits as act

        result = act(application, org)
        changed = {name: value for name, value in typed.items() if value is not None}
        if changed:
            known = result.limits.get(table) or result.limits.get("") or MassLimits()
            result = limit(application, org, _changed(known, changed), table=table)
        answer(result, as_json=json, show=_show_limits)
    return ExitCode.OK


def address(
    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="The address; an empty one removes it.")
    ] = None,
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show or set the address of the console, for the links in messages."""
    with opened(home) as application:
        from unlost.app.actions.alerts.public_address import set_address, show_address

        result = show_address(application) if url is None else set_address(application, url)
        answer(result, as_json=json, show=_show_address)
    return ExitCode.OK


COMMANDS: Mapping[str, Callable[..., ExitCode]] = {
    "changes": changes,
    "expect": expect,
    "expected": expected,
    "mute": mute,
    "silences": silences,
    "unsilence": unsilence,
    "limits": limits,
    "address": address,
}


def _changed(known: MassLimits, changed: Mapping[str, float]) -> MassLimits:
    return replace(known, **changed)  # type: ignore[arg-type]  # each is of its option's type


def _show_changes(out: Output, result: "MassChanges") -> None:
    if not result.changes:
        out.print(f"Backup {result.backup} of {result.org} has no mass changes.")
    for line in result.changes:
        silence = line.silence
        state = f" ({silence.kind.value}: {plain(silence.reason)})" if silence is not None else ""
        out.print(f"{'now' if line.now else 'digest'}: {plain(line.message.sentence)}{state}")
        out.print(f"    {line.command}")
    for loss in result.losses:
        out.print(f"now: {plain(loss.message.sentence)}")
        out.print(f"    {command('restore', 'plan', result.org, '--loss', str(loss.loss))}")


def _show_silence(out: Output, silence: Silence) -> None:
    what = ".".join(part for part in (silence.table, silence.column) if part) or "any table"
    until = f" until {when(silence.until)}" if silence.until is not None else ""
    of = f" in backup {silence.snapshot}" if silence.snapshot is not None else ""
    kind = f" {silence.change.value}" if silence.change is not None else ""
    user = f" by {plain(silence.user)}" if silence.user else ""
    most = f", up to {silence.most:,} records" if silence.most else ""
    word = "expected" if silence.kind is SilenceKind.ANSWERED else silence.kind.value
    out.print(f"{silence.id}: {plain(what)}{kind}{user}{of} is {word}{until}{most}.")
    if silence.reason:
        out.print(f"    {plain(silence.reason)}")


def _show_silences(out: Output, result: "Silences") -> None:
    if not result.silences:
        out.print(f"No mass changes of {result.org} are expected or muted.")
    for silence in result.silences:
        _show_silence(out, silence)


def _show_limits(out: Output, result: "MassLimitsList") -> None:
    shown = {"": MassLimits(), **result.limits}
    for table, values in sorted(shown.items()):
        out.print(f"{table or result.org}:")
        out.print(f"  records lost: more than {values.lost_rows:,} and {values.lost_share:.1%}")
        out.print(f"  records deleted without the recycle bin: more than {values.bin_rows:,}")
        out.print(
            f"  a column emptied or overwritten: at least {values.column_rows:,} records and "
            f"{values.column_share:.1%}"
        )
        out.print(
            f"  records created by one user: more than {values.created_rows:,} and "
            f"{values.created_share:.1%}"
        )
        out.print(
            f"  records transferred to other owners by one user: more than {values.transferred_rows:,} and "
            f"{values.transferred_share:.1%}"
        )
        out.print(f"  records lost with one record: more than {values.below_rows:,}")
        if values.watched is not None:
            out.print("  watched" if values.watched else "  ignored")


def _show_address(out: Output, result: "PublicAddress") -> None:
    if result.address:
        out.print(f"Messages link to {result.address}.")
    else:
        out.print("Messages have no links: the address of the console is not set.")
