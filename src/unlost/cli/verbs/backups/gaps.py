"""unlost gaps: gaps of the newest backup, and those that are accepted with a reason."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import command, plain, when
from unlost.model.finding import FindingKind
from unlost.model.gaps import PASSING, GapEnd

if TYPE_CHECKING:
    from unlost.app.actions.backups.gaps import AcceptedGaps, GapList
    from unlost.model.gaps import AcceptedGap

app = typer.Typer(
    no_args_is_help=True,
    help="Manage the gaps of the newest backup: list them, and accept those that cannot be closed.",
)

ENDS = {
    GapEnd.TAKEN_BACK: "reopened",
    GapEnd.CHANGED: "ended, because the gap changed",
    GapEnd.GONE: "ended, because the gap is closed",
}


@app.command("list")
def every(org: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the gaps of the newest backup, open and accepted.

    Exit code 3 if there are open gaps.
    """
    with opened(home) as application:
        from unlost.app.actions.backups.gaps import gaps as act

        result = act(application, org)
        answer(result, as_json=json, show=_show)
    return ExitCode.FINDINGS if result.open else ExitCode.OK


@app.command("accept")
def accept(
    org: OrgName,
    gap: Annotated[
        list[str] | None, typer.Argument(metavar="[GAP]...", help="Ids of gaps, as listed.")
    ] = None,
    *,
    kind: Annotated[
        FindingKind | None,
        typer.Option("--kind", metavar="KIND", help="All open gaps of this kind, as listed."),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why it cannot or need not be closed.")
    ],
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Accept gaps that cannot be closed, for one reason. They raise no alert until they change."""
    with opened(home) as application:
        from unlost.app.actions.backups.gaps import accept_many as act

        result = act(application, org, ids=gap or (), kind=kind, reason=reason)
        answer(result, as_json=json, show=_show_all_accepted)
    return ExitCode.OK


@app.command("reopen")
def reopen(
    org: OrgName,
    acceptance: Annotated[
        int, typer.Argument(metavar="N", help="Number of the accepted gap, as listed.")
    ],
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Reopen an accepted gap. It makes the org Incomplete again."""
    with opened(home) as application:
        from unlost.app.actions.backups.gaps import reopen as act

        answer(act(application, org, acceptance), as_json=json, show=_show_accepted)
    return ExitCode.OK


def _show(out: Output, result: "GapList") -> None:
    if result.snapshot is None:
        out.print(f"{plain(result.org)} has no backup yet.")
        return
    if not result.gaps:
        out.print(f"Backup {result.snapshot} of {plain(result.org)} has no gaps.")
    for line in result.gaps:
        out.print(f"{line.id}: {plain(line.gap.sentence)}")
        if line.accepted is not None:
            out.print(f"    {_decision(line.accepted, result.zone)}")
            continue
        if line.gap.next_step:
            out.print(f"    {plain(line.gap.next_step)}")
        text = command("gaps", "accept", result.org, line.id, "--reason", "TEXT")
        out.print(f"    If it cannot be closed: {text}")
    for kind, count in _frequent(result).items():
        text = command("gaps", "accept", result.org, "--kind", kind.value, "--reason", "TEXT")
        out.print(f"If none of the {count:,} open gaps of the kind {kind} can be closed: {text}")
    if result.ended:
        out.print("Ended:")
    for accepted in result.ended:
        out.print(f"  - {plain(accepted.gap.sentence)}")
        out.print(f"    {_decision(accepted, result.zone)}")


def _frequent(result: "GapList") -> "dict[FindingKind, int]":
    """Return the kinds of several open gaps that can be accepted, with their counts."""
    open_kinds = [line.gap.kind for line in result.gaps if line.accepted is None]
    counts = {kind: open_kinds.count(kind) for kind in open_kinds if kind not in PASSING}
    return {kind: count for kind, count in counts.items() if count > 1}


def _show_all_accepted(out: Output, result: "AcceptedGaps") -> None:
    for accepted in result.accepted:
        _show_accepted(out, accepted)


def _show_accepted(out: Output, accepted: "AcceptedGap") -> None:
    out.print(plain(accepted.gap.sentence))
    out.print(f"    {_decision(accepted, 'UTC')}")


def _decision(accepted: "AcceptedGap", zone: str) -> str:
    at = when(accepted.at, zone=zone)
    text = f"{accepted.id}: accepted by {plain(accepted.by)} on {at}: {plain(accepted.reason)}"
    if accepted.end is None:
        return text
    by = f" by {plain(accepted.ended_by)}" if accepted.ended_by else ""
    return f"{text}; {ENDS[accepted.end]}{by} on {when(accepted.ended_at, zone=zone)}"
