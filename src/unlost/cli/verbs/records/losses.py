"""unlost losses: deletions that stand until they are restored or dismissed."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import command, many, plain, when
from unlost.model.losses import FoldReason, LossState

if TYPE_CHECKING:
    from unlost.app.actions.records.losses import LossDetail, LossLine, LossList, NamedRecord

app = typer.Typer(
    no_args_is_help=True,
    help="Manage losses: deletions that stand until they are restored or dismissed.",
)

LossNumber = Annotated[int, typer.Argument(metavar="N", help="Number of the loss, as listed.")]
SHOWN = 20  # losses of a page
WORDS = {
    FoldReason.MERGED: "merged",
    FoldReason.OWN_RUN: "deleted by Unlost",
    FoldReason.ARCHIVED: "Unlost took it out of the org, and the vault has it",
    FoldReason.BRIEF: "created and deleted by one user within a day",
}


@app.command("list")
def every(
    org: Annotated[
        str | None, typer.Argument(metavar="[ORG]", help="Name of the org; default: all orgs.")
    ] = None,
    *,
    state: Annotated[
        LossState, typer.Option("--state", help="open, restored, dismissed or folded.")
    ] = LossState.OPEN,
    backup: Annotated[
        int | None,
        typer.Option("--backup", metavar="N", help="Only losses that this backup found."),
    ] = None,
    start: Annotated[
        int, typer.Option("--start", metavar="N", min=0, help="Leave out the first N.")
    ] = 0,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """List losses, those first that leave the recycle bin next.

    Exit code 3 if there are open losses.
    """
    with opened(home) as application:
        from unlost.app.actions.records.losses import losses as act

        page = act(application, org, state=state, start=start, most=SHOWN, backup=backup)
        answer(page, as_json=json, show=_show)
    return ExitCode.FINDINGS if page.total and state is LossState.OPEN else ExitCode.OK


@app.command("show")
def detail(
    org: OrgName,
    loss: LossNumber,
    *,
    table: Annotated[
        str | None, typer.Option("--table", metavar="T", help="Only records of this table.")
    ] = None,
    start: Annotated[
        int, typer.Option("--start", metavar="N", min=0, help="Leave out the first N.")
    ] = 0,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show a loss and its records."""
    with opened(home) as application:
        from unlost.app.actions.records.losses import loss_detail

        answer(
            loss_detail(application, org, loss, table=table, start=start),
            as_json=json,
            show=_show_detail,
        )
    return ExitCode.OK


@app.command("dismiss")
def dismiss(
    org: OrgName,
    loss: LossNumber,
    *,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why these records are not missed.")
    ],
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Dismiss a loss with a reason. It can be reopened."""
    with opened(home) as application:
        from unlost.app.actions.records.losses import dismiss as act

        answer(act(application, org, loss, reason=reason), as_json=json, show=_show_line)
    return ExitCode.OK


@app.command("reopen")
def reopen(
    org: OrgName,
    loss: LossNumber,
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Reopen a dismissed or folded loss."""
    with opened(home) as application:
        from unlost.app.actions.records.losses import reopen as act

        answer(act(application, org, loss), as_json=json, show=_show_line)
    return ExitCode.OK


def _show(out: Output, result: "LossList") -> None:
    for org, error in result.errors.items():
        out.print(f"{plain(org)}: the newest backup is not evaluated yet: {error}")
    if not result.losses:
        out.print(f"There are no {result.state.value} losses.")
    for line in result.losses:
        _show_line(out, line)
    shown = result.start + len(result.losses)
    if result.losses and shown < result.total:
        options = ["--state", result.state.value, "--start", str(shown)]
        out.print(f"… {shown} of {result.total}. Next: {command('losses', 'list', *options)}")


def _show_detail(out: Output, result: "LossDetail") -> None:
    _show_line(out, result.loss)
    for record in result.records:
        name = f" {plain(record.name)}" if record.name else ""
        out.print(f"  {record.table}/{record.record}{name}")
    shown = result.start + len(result.records)
    if result.records and shown < result.total:
        out.print(f"  … {shown} of {result.total}; continue with --start {shown}.")


def _show_line(out: Output, line: "LossLine") -> None:
    out.print(f"{line.org} {line.loss}: {_what(line)}, {_act(line)}.")
    out.print(f"  {_state(line)}")


def _what(line: "LossLine") -> str:
    """The records: by name, or their number and the record that they belong to."""
    head = f"{line.roots:,} {plain(line.label)}"
    if line.roots == 1 and line.name:
        head = f"{plain(line.label)} {plain(line.name)}"
    if line.parent is not None:
        head += f" of {_named(line.parent)}"
    with_it = "it" if line.roots == 1 else "them"
    return head + (f" and {many(line.more, 'record')} with {with_it}" if line.more else "")


def _act(line: "LossLine") -> str:
    by = f" by {plain(line.by_name or line.by)}" if line.by else ""
    if line.first is not None:
        at = f" on {when(line.first, zone=line.zone)}"
    elif line.after is not None:
        between = (when(line.after, zone=line.zone), when(line.until, zone=line.zone))
        at = f" between {between[0]} and {between[1]}"
    else:
        at = f" before {when(line.until, zone=line.zone)}"
    if line.merged_into is not None:
        return f"merged into {_named(line.merged_into)}{by}{at}"
    if line.folded is FoldReason.ARCHIVED:
        return f"archived{at}{f' by {line.archive_run}' if line.archive_run else ''}"
    return f"deleted{by or ' by an unknown user'}{at}"


def _state(line: "LossLine") -> str:
    if line.state is LossState.OPEN:
        back = f"{line.back:,} of {line.roots:,} are live again. " if line.back else ""
        return f"{back}{_bin(line)} {_next(line)}"
    if line.state is LossState.DISMISSED:
        at = when(line.decided_at, zone=line.zone)
        return f"Dismissed by {plain(line.decided_by)} on {at}: {plain(line.reason)}"
    if line.state is LossState.RESTORED:
        return f"Restored; noticed on {when(line.decided_at, zone=line.zone)}."
    not_lost = f"Not a loss: {WORDS[line.folded] if line.folded is not None else 'folded'}."
    return f"{not_lost} {_next(line)}" if line.folded is FoldReason.ARCHIVED else not_lost


def _bin(line: "LossLine") -> str:
    if line.keeps_id and line.bin_until is None:
        return "A restore keeps the ids."
    if line.keeps_id:
        until = when(line.bin_until, zone=line.zone)
        return f"Until {until} a restore keeps the ids, then it creates new ids."
    return "A restore creates new ids."


def _next(line: "LossLine") -> str:
    options = ["--loss", str(line.loss), "--out", "plan.json"]
    return f"Restore: {command('restore', 'plan', line.org, *options)}"


def _named(record: "NamedRecord") -> str:
    return f"{plain(record.label)} {plain(record.name or record.record)}"
