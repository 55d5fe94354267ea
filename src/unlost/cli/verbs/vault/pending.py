"""unlost vault pending: decide about commits that this home did not make."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import many, plain, size, when
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.actions.vault.pending import (
        ConfirmedCommits,
        PendingList,
        RejectedCommit,
        WaitingCommit,
    )

NAMED = 10

app = typer.Typer(invoke_without_command=True)


@app.callback()
def about(context: typer.Context, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List commits that this home did not make. Nothing is removed because of them yet.

    The removal waits until you confirm the commit, or for 30 days after this home first saw it. Exit
    code 3 if a commit waits.
    """
    if context.invoked_subcommand is not None:
        return ExitCode.OK
    with opened(home) as application:
        from unlost.app.actions.vault.pending import pending

        result = pending(application)
    answer(result, as_json=json, show=_show)
    waiting = bool(result.blocked or result.unreadable) or any(
        not commit.rejected for commit in result.commits
    )
    return ExitCode.FINDINGS if waiting else ExitCode.OK


@app.command("confirm")
def confirm(
    org: Annotated[str | None, typer.Argument(metavar="[ORG]", help="The org.")] = None,
    commit: Annotated[
        int | None,
        typer.Argument(metavar="[COMMIT]", min=1, help="The number of the commit, as listed."),
    ] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="All commits that wait, of the org or of all orgs.")
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Confirm a commit: the next maintenance removes what it takes away."""
    if every == (commit is not None):
        raise UsageError(
            "pending-which",
            "Name either one commit of an org, or --all.",
            next_step="For example `unlost vault pending confirm ORG 12`, or `unlost vault pending "
            "confirm --all`.",
        )
    with opened(home) as application:
        from unlost.app.actions.vault.pending import confirm as act

        result = act(application, org, commit)
    answer(result, as_json=json, show=_show_confirmed)
    return ExitCode.OK


@app.command("reject")
def reject(
    org: Annotated[str, typer.Argument(metavar="ORG", help="The org.")],
    commit: Annotated[
        int, typer.Argument(metavar="COMMIT", min=1, help="The number of the commit, as listed.")
    ],
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Reject a commit: nothing is removed because of it, and a repair puts back what it can."""
    with opened(home) as application:
        from unlost.app.actions.vault.pending import reject as act

        result = act(application, org, commit)
    answer(result, as_json=json, show=_show_rejected)
    return ExitCode.OK


def _show(out: Output, result: "PendingList") -> None:
    for name in result.unreadable:
        out.print(
            f"{name}: a commit that this home has seen is damaged. Repair it first: unlost verify"
        )
    for blocked in result.blocked:
        out.print(
            f"{blocked.org}: commit {blocked.commit} does not fit, and this home did not make "
            "it. The org can be neither read nor backed up."
        )
        out.print(
            f"  If no other home of yours made it, remove it: unlost vault pending reject "
            f"{blocked.org} {blocked.commit}"
        )
    if not result.commits:
        if not (result.blocked or result.unreadable):
            out.print("No commit waits for a decision.")
        return
    for commit in result.commits:
        _show_commit(out, commit)
    if any(not commit.rejected for commit in result.commits):
        out.print("If another home of yours made a commit: unlost vault pending confirm ORG COMMIT")
        out.print(
            "Otherwise someone else has the service key: unlost vault pending reject ORG COMMIT, then "
            "renew the keys."
        )


def _show_commit(out: Output, commit: "WaitingCommit") -> None:
    what = f"{many(commit.objects, 'object')}, {size(commit.bytes)}"
    out.print(f"{commit.org}: commit {commit.commit} ({commit.kind.value}) by {plain(commit.run)}")
    out.print(f"  would remove  {what}")
    if commit.hidden:
        out.print(f"  hides         {many(len(commit.hidden), 'backup')}")
    out.print(f"  first seen    {when(commit.first_seen, zone=commit.zone)}")
    due = "rejected: nothing is removed" if commit.rejected else when(commit.due, zone=commit.zone)
    out.print(f"  removed from  {due}")


def _show_confirmed(out: Output, result: "ConfirmedCommits") -> None:
    for commit in result.commits:
        out.print(f"{commit.org}: commit {commit.commit} is confirmed.")
    if not result.commits:
        out.print("No commit waits for a decision.")
        return
    out.print("The next maintenance removes the objects. To start it now: unlost compact")


def _show_rejected(out: Output, result: "RejectedCommit") -> None:
    if result.removed:
        out.print(
            f"{result.org}: commit {result.commit} was removed. The org is no longer blocked."
        )
        out.print(f"Copies of {many(len(result.removed), 'object')} are in {result.kept_in}.")
        return
    out.print(
        f"{result.org}: commit {result.commit} is rejected. Nothing is removed because of it."
    )
    others = [
        f"{many(result.packs, 'pack')} of files" if result.packs else "",
        many(result.documents, "document") if result.documents else "",
        many(len(result.journals), "journal") if result.journals else "",
    ]
    put_back = [*result.tables[:NAMED], *filter(None, others)]
    if put_back:
        out.print(f"Commit {result.snapshot} put back what can be put back:")
    for what in put_back:
        out.print(f"  - {plain(what)}")
    if len(result.tables) > NAMED:
        out.print(f"  and {len(result.tables) - NAMED} more tables")
    out.print(f"The next backup reads everything in full: unlost backup {plain(result.org)}")
    if result.hidden:
        out.print(
            f"{many(len(result.hidden), 'backup')} stay hidden. As long as the commit stays "
            "rejected, nothing is forgotten."
        )
    if result.remaining:
        out.print(
            f"{many(result.remaining, 'object')} could not be put back. They stay in the vault until "
            "you confirm the commit."
        )
