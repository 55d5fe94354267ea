"""unlost archive expired: erase archived records at the end of their retention, by two people."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import command, many, plain, size, when
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.actions.archive.expired import (
        ExpiredArchives,
        ExpiredErasure,
        ExpiredRun,
        RemovalView,
        WithdrawnRemoval,
    )
    from unlost.app.compose import Application

app = typer.Typer(
    no_args_is_help=True,
    help="Erase archived records at the end of their retention: one person requests it, another one "
    "approves it.",
    rich_markup_mode=None,
)
STATES = {
    "waiting": "It waits for a second person.",
    "approved": "Approved by",
    "expired": "The approval is too old. Approver:",
    "void": "The approval does not count, because the approver is no longer an admin. Approver:",
}
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


@app.command("list")
def show_list(name: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the archived records whose retention has ended. Nothing is erased."""
    with opened(home) as application:
        from unlost.app.actions.archive.expired import list_expired

        answer(list_expired(application, name), as_json=json, show=_show)
    return ExitCode.OK


@app.command("request")
def request(
    name: OrgName, *, yes: Yes = False, home: Home = None, json: AsJson = False
) -> ExitCode:
    """Request to erase the records that are due. A second person must approve it."""
    from unlost.app.actions.archive.expired import request_removal

    question = "Request to erase {records} of {org} from all backups?"
    with opened(home) as application:
        digest = _agreed(application, name, question, yes=yes, as_json=json)
        answer(request_removal(application, name, plan=digest), as_json=json, show=_show_request)
    return ExitCode.OK


@app.command("approve")
def approve(
    name: OrgName, *, yes: Yes = False, home: Home = None, json: AsJson = False
) -> ExitCode:
    """Approve a request as a second person. The person who made it cannot approve it."""
    from unlost.app.actions.archive.expired import approve_removal

    question = "Approve that {records} of {org} are erased from all backups?"
    with opened(home) as application:
        digest = _agreed(application, name, question, yes=yes, as_json=json)
        answer(approve_removal(application, name, plan=digest), as_json=json, show=_show_request)
    return ExitCode.OK


@app.command("withdraw")
def withdraw(name: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Withdraw a request, with its approval. Nothing is erased."""
    with opened(home) as application:
        from unlost.app.actions.archive.expired import withdraw_removal

        answer(withdraw_removal(application, name), as_json=json, show=_show_withdrawn)
    return ExitCode.OK


@app.command("erase")
def erase(name: OrgName, *, yes: Yes = False, home: Home = None, json: AsJson = False) -> ExitCode:
    """Erase the records of an approved request from all backups. This cannot be undone."""
    from unlost.app.actions.archive.expired import erase_expired

    question = "Erase {records} of {org} from all backups? This cannot be undone."
    with opened(home) as application:
        digest = _agreed(application, name, question, yes=yes, as_json=json)
        answer(erase_expired(application, name, plan=digest), as_json=json, show=_show_erased)
    return ExitCode.OK


def _agreed(
    application: "Application", name: str, question: str, *, yes: bool, as_json: bool
) -> str:
    """Show the effect, ask, and return its digest."""
    from unlost.app.actions.archive.expired import list_expired

    if as_json and not yes:
        raise UsageError(
            "erase-not-agreed",
            "With --json there is no prompt, so that --yes must confirm the effect.",
            next_step="Review it with `unlost archive expired list {org} --json`, then add --yes.",
            org=name,
        )
    seen = list_expired(application, name)
    if not as_json:
        answer(seen, as_json=False, show=_show)
    if not yes and seen.records:
        records = many(seen.records, "record")
        typer.confirm(question.format(records=records, org=name), abort=True)
    return seen.digest


def _show(out: Output, seen: "ExpiredArchives") -> None:
    if not seen.records:
        out.print(f"{seen.org}: no archived record has reached the end of its retention.")
    else:
        out.print(
            f"{seen.org}: the retention of {many(seen.records, 'archived record')} has ended."
        )
        for run in seen.runs:
            out.print(_run(run))
    _show_effect(out, seen)
    if seen.later:
        out.print(f"{many(seen.later, 'record')} more can be erased after these.")
    if seen.on_hold:
        out.print(f"{many(seen.on_hold, 'due record')} on legal hold would stay:")
        for record in seen.held_records:
            out.print(f"  {plain(record)}")
    for table in seen.unread:
        out.print(f"The newest backup did not read {plain(table)}: its due records stay.")
    if seen.problem is not None:
        out.print(plain(seen.problem.sentence))
        out.print(plain(seen.problem.next_step))
    for run_id in seen.unknown:
        out.print(f"The period of {run_id} is unknown: its records are kept for ever.")
    if seen.request is not None:
        _show_approval(out, seen.request, zone=seen.zone)


def _show_effect(out: Output, seen: "ExpiredArchives") -> None:
    from unlost.cli.verbs.retention.erase import show_tables

    if seen.tables:
        show_tables(out, seen.tables)
        out.print(
            f"{many(seen.files, 'file content')} ({size(seen.file_bytes)}) would be deleted; "
            f"{size(seen.rewritten)} would be rewritten."
        )
    for journal in seen.journals:
        out.print(f"The journal of {journal} would be erased completely.")
    if seen.journals:
        out.print(
            "Restores among these runs could no longer be undone. An undo of an archive would still "
            "bring back its other records."
        )


def _run(run: "ExpiredRun") -> str:
    return (
        f"  {run.run}  {plain(run.policy)}: archived on {run.archived}, kept for "
        f"{many(run.keep_days, 'day')} until {run.ended}, {many(run.records, 'record')}"
    )


def _show_approval(out: Output, request: "RemovalView", *, zone: str) -> None:
    records = many(request.records, "record")
    out.print(f"On {request.day}, {plain(request.by)} requested to erase {records}.")
    approval = STATES[request.state.value]
    if request.approved_at is not None and request.until is not None:
        approval += f" {plain(request.approved_by)}, {when(request.approved_at, zone=zone)}."
    out.print(approval)
    if request.changed:
        out.print("The request is out of date: other data would be erased now. Withdraw it.")


def _show_request(out: Output, seen: "ExpiredArchives") -> None:
    request = seen.request
    assert request is not None, "it was stored"
    _show_approval(out, request, zone=seen.zone)
    verb = "erase" if request.approved_by else "approve"
    out.print(f"Next, another person: {command('archive', 'expired', verb, seen.org)}")


def _show_withdrawn(out: Output, withdrawn: "WithdrawnRemoval") -> None:
    out.print(f"{withdrawn.org}: the request was withdrawn.")


def _show_erased(out: Output, done: "ExpiredErasure") -> None:
    erasure = done.erasure
    out.print(
        f"{erasure.org}: {many(erasure.records, 'record')} erased at the end of the retention of "
        f"{plain(', '.join(done.policies))}, with {many(erasure.files, 'file content')}."
    )
    out.print(f"  Requested by {plain(done.requested_by)}, approved by {plain(done.approved_by)}.")
