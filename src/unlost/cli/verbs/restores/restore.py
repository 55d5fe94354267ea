"""unlost restore: plan a restore, show, compare and approve plans, run, resume and retry."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.id_files import IdsFile, listed_records
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.plan_options import (
    Adopt,
    AtBackup,
    ByUser,
    Change,
    Columns,
    EmptyCell,
    InsteadOf,
    LossNumber,
    LostBetween,
    OnlyTable,
    PlanFile,
    RunName,
    SetValue,
    SinceBackup,
    TakeValue,
    WatchedSet,
    twin_policy,
)
from unlost.cli.text import command, many, plain, size, when
from unlost.model.plan import Action
from unlost.model.runs.exclusion import RunKind

if TYPE_CHECKING:
    from unlost.app.actions.restores.approval import ApprovedPlan
    from unlost.app.actions.restores.plan_diff import ComparedPlans
    from unlost.app.actions.restores.queued_restore import QueuedPlan
    from unlost.app.actions.restores.restore_plan import PlanResult
    from unlost.app.actions.restores.restore_run import RestoreResult
    from unlost.app.restores.approvals import PlanApproval
    from unlost.app.restores.group_lines import GroupLine
    from unlost.engine.restore.planning.shown.plan_diff import DiffSide, StepDifference
    from unlost.engine.restore.planning.shown.summary import Branch, PlanSummary

app = typer.Typer(
    help="Restore lost records: plan, review, run.", no_args_is_help=True, rich_markup_mode=None
)

MOST = 20
WORDS = {
    "unchanged": "already correct",
    "update": "will be updated",
    "undelete": "will be undeleted, with their ids",
    "adopt": "will adopt a live record with the same unique value",
    "create": "will be created, with new ids",
    "recreate": "will be created again, with their ids",
    "by-product": "will be created automatically by the org",
    "delete": "will be deleted",
    "skip": "cannot be written",
}
LEAVES = "will be deleted in the org, and kept in the vault"
ENDINGS = {
    "unchanged": "already correct",
    "updated": "updated",
    "undeleted": "undeleted, with their ids",
    "adopted": "adopted a live record with the same unique value",
    "created": "created, with new ids",
    "recreated": "created again, with their ids",
    "by-product": "created automatically by the org",
    "deleted": "deleted",
    "archived": "archived: deleted in the org, kept in the vault",
    "conflict": "changed after the plan was made; not touched",
    "failed": "could not be written",
    "skipped": "not written",
}
STAYED = {
    "conflict": "changed in the org, and not archived",
    "failed": "not archived, or vanished",
}
PURGED = {
    "archived": "deleted in the org, kept in the vault",
    "conflict": "changed in the org, and not deleted",
    "failed": "not deleted, or vanished",
}
APPROVAL_REASONS = {
    "records": "it writes many records",
    "production": "it writes to a production org",
    "deletes": "it deletes records",
}
APPROVALS = {
    "approved": "Approved by",
    "expired": "The approval ended. It was given by",
    "void": "The approval does not count, because this person may no longer restore here:",
}
# Parts of a plan's step; the others are shown with their columns or actions.
DIFFERENCES = {"state": "another version", "live": "the live record changed"}
# Reasons for which records came back in another way than planned, by code.
OTHERWISE = {
    "restore-came-along": "left the recycle bin with the record that they belong to, though the "
    "plan was to create them",
    "restore-created-apart": "were written, because the org did not create them automatically",
    "write-id-not-kept": "got new ids, because the org did not keep the old ones",
}


@app.command("plan")
def plan(
    org: OrgName,
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Plan file to write.")],
    record: Annotated[
        list[str] | None,
        typer.Option("--record", metavar="TABLE/ID", help="A record; repeatable."),
    ] = None,
    ids: IdsFile = None,
    watched: WatchedSet = "",
    lost_between: LostBetween = None,
    changed_between: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--changed-between",
            metavar="A B",
            help="All records that changed; restore the values of A.",
        ),
    ] = None,
    loss: LossNumber = None,
    table: OnlyTable = None,
    column: Columns = None,
    by: ByUser = "",
    change: Change = None,
    related: Annotated[
        bool,
        typer.Option("--related/--no-related", help="Include parents, children, mails and files."),
    ] = True,
    at: AtBackup = None,
    set_value: SetValue = None,
    empty: EmptyCell = None,
    instead: InsteadOf = None,
    adopt: Adopt = False,
    since: SinceBackup = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Plan a restore. Nothing is written to the org.

    Exit code 3 if some records cannot be restored.
    """
    listed = listed_records(ids, table=table) if ids is not None else ()
    with opened(home) as application:
        from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
        from unlost.app.restores.overrides import typed_overrides
        from unlost.cli.progress import shown_progress

        request = PlanRequest(
            org=org,
            records=(*(record or ()), *listed),
            watched=watched,
            lost=lost_between,
            changed=changed_between,
            loss=loss,
            table=table,
            columns=tuple(column or ()),
            at=at,
            related=related,
            otherwise=typed_overrides(
                values=set_value or (), empty=empty or (), instead=instead or ()
            ),
            twins=twin_policy(adopt=adopt),
            by=by,
            change=change,
            since=since,
        )
        with shown_progress(application.clock) as observer:
            result = make_plan(application, request, out, observer=observer)
    answer(result, as_json=json, show=show_new)
    return ExitCode.FINDINGS if result.summary.blocked else ExitCode.OK


@app.command("correct")
def correct(
    org: OrgName,
    record: Annotated[str, typer.Argument(metavar="TABLE/ID", help="Record to correct.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Plan file to write.")],
    take: TakeValue = None,
    set_value: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="COLUMN=VALUE", help="Set this value; repeatable."),
    ] = None,
    clear: Annotated[
        list[str] | None,
        typer.Option("--clear", metavar="COLUMN", help="Empty this column; repeatable."),
    ] = None,
    as_new: Annotated[
        bool,
        typer.Option("--as-new", help="Create a new record beside the present one."),
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Plan to correct a record. Nothing is written to the org.

    Of a live record only the given columns are set. A lost one comes back with these values. Exit
    code 3 if the record cannot be corrected.
    """
    with opened(home) as application:
        from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
        from unlost.app.restores.overrides import NO_OVERRIDES, corrected_overrides
        from unlost.cli.progress import shown_progress

        values = NO_OVERRIDES
        if take or set_value or clear or not as_new:
            values = corrected_overrides(
                record, taken=take or (), values=set_value or (), empty=clear or ()
            )
        request = PlanRequest(org, (record,), otherwise=values, correct=True, beside=as_new)
        with shown_progress(application.clock) as observer:
            result = make_plan(application, request, out, observer=observer)
    answer(result, as_json=json, show=show_new)
    return ExitCode.FINDINGS if result.summary.blocked else ExitCode.OK


@app.command("show")
def show(file: PlanFile, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Show what a plan will do."""
    with opened(home) as application:
        from unlost.app.actions.restores.restore_plan import show_plan

        result = show_plan(application, file)
    answer(result, as_json=json, show=_show_plan)
    return ExitCode.FINDINGS if result.summary.blocked else ExitCode.OK


@app.command("diff")
def diff(
    old: Annotated[Path, typer.Argument(metavar="FILE", help="The earlier plan file.")],
    new: Annotated[Path, typer.Argument(metavar="FILE", help="The later plan file.")],
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show how two plans differ: records, actions, columns. Values are not shown."""
    with opened(home) as application:
        from unlost.app.actions.restores.plan_diff import diff_files

        answer(diff_files(application, old, new), as_json=json, show=_show_diff)
    return ExitCode.OK


@app.command("approve")
def approve(
    file: PlanFile,
    *,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Withdraw the approval, before the plan is run.")
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Approve a plan of another person, as the policy of its org asks (`unlost org approval`)."""
    with opened(home) as application:
        from unlost.app.actions.restores.approval import approve_file, withdraw_file

        act = withdraw_file if withdraw else approve_file
        answer(act(application, file), as_json=json, show=_show_approved)
    return ExitCode.OK


@app.command("run")
def run(
    file: PlanFile,
    *,
    detach: Annotated[
        bool,
        typer.Option("--detach", help="Let the service run it; this terminal may be closed."),
    ] = False,
    confirm: Annotated[
        str,
        typer.Option(
            "--confirm",
            metavar="ORG",
            help="Name of the org; a console on another machine needs it for many records of a "
            "production org.",
        ),
    ] = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Run a plan. A plan runs once: running it again changes nothing.

    Exit code 3 if a record could not be restored, or a reference stays empty.
    """
    # The service needs the plan in the vault, not this file.
    if detach:
        return _handed(file, home, confirm=confirm, as_json=json)
    with opened(home) as application:
        from unlost.app.actions.restores.restore_run import run_plan
        from unlost.app.vault.home_copy import after_run
        from unlost.cli.progress import shown_progress

        with shown_progress(application.clock) as observer:
            result = run_plan(application, file, typed=confirm, observer=observer)
        after_run(application)
    return _answer_result(result, as_json=json)


def _handed(file: Path, home: Path | None, *, confirm: str, as_json: bool) -> ExitCode:
    with opened(home) as application:
        from unlost.app.actions.restores.queued_restore import hand_over

        result = hand_over(application, file, typed=confirm)
    answer(result, as_json=as_json, show=_show_handed)
    return ExitCode.OK


@app.command("resume")
def resume(run: RunName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Resume a restore that stopped."""
    with opened(home) as application:
        from unlost.app.actions.restores.restore_run import resume_run
        from unlost.app.vault.home_copy import after_run
        from unlost.cli.progress import shown_progress

        with shown_progress(application.clock) as observer:
            result = resume_run(application, run, observer=observer)
        after_run(application)
    return _answer_result(result, as_json=json)


@app.command("retry")
def retry(
    run: RunName,
    *,
    code: Annotated[
        list[str] | None,
        typer.Option(
            "--code",
            metavar="CODE",
            help="Only records that failed with this error code; repeatable.",
        ),
    ] = None,
    set_value: SetValue = None,
    empty: EmptyCell = None,
    set_all: Annotated[
        list[str] | None,
        typer.Option(
            "--set-all",
            metavar="TABLE.COLUMN=VALUE",
            help="Set a value in all retried records of a table; repeatable.",
        ),
    ] = None,
    instead: InsteadOf = None,
    adopt: Adopt = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Retry the failed records of a finished restore.

    If the org asks for a second person, the plan is stored, to be approved and run in the console.
    Values given for the earlier plan still apply, unless new ones override them.
    """
    with opened(home) as application:
        from unlost.app.actions.restores.restore_run import retry_run
        from unlost.app.restores.overrides import typed_overrides
        from unlost.app.vault.home_copy import after_run
        from unlost.cli.progress import shown_progress

        otherwise = typed_overrides(
            values=set_value or (), empty=empty or (), instead=instead or (), every=set_all or ()
        )
        with shown_progress(application.clock) as observer:
            result = retry_run(
                application,
                run,
                codes=tuple(code or ()),
                otherwise=otherwise or None,
                twins=twin_policy(adopt=adopt),
                observer=observer,
            )
        after_run(application)
    return _answer_result(result, as_json=json)


def _show_handed(out: Output, result: "QueuedPlan") -> None:
    if result.over:
        out.print(f"This plan was already run. See the result: {command('runs', result.run)}")
        return
    out.print(f"The service runs it as {result.run}.")
    if not result.served:
        out.print("The service is not running. The run starts after `unlost up`.")
    out.print(f"Follow it: {command('runs', result.run)}")


def show_new(out: Output, result: "PlanResult", *, verb: str = "") -> None:
    """Show a plan that was just made, and how to run it; by default with the verb of its kind."""
    _show_plan(out, result)
    out.print()
    if result.approval is not None:
        out.print(f"Another person approves it: {command('restore', 'approve', result.file)}")
    usual, done = ("archive", "deleted") if _is_archive(result.run) else ("restore", "written")
    out.print(f"Nothing was {done} yet. Run it: {command(verb or usual, 'run', result.file)}")


def _show_plan(out: Output, result: "PlanResult") -> None:
    summary = result.summary
    made_on = when(summary.made_at, zone=result.zone)
    out.print(f"{result.org}: {many(summary.records, 'record')}, planned {made_on}")
    _show_groups(out, result)
    out.print("By table:")
    for branch in summary.tree:
        _show_branch(out, branch, depth=1)
    out.print()
    for action in summary.actions:
        leaves = action.action is Action.DELETE and _is_archive(result.run)
        word = LEAVES if leaves else WORDS[action.action]
        out.print(f"  {action.count:>7,} {word}")
    if summary.typed:
        out.print(f"  {summary.typed:>7,} of them with edited values")
        for edited in summary.edited[:MOST]:
            columns = plain(", ".join(edited.columns))
            out.print(f"          {edited.table}/{edited.record}: {columns}")
    if summary.bypass:
        out.print(f"The bypass {plain(summary.bypass)} is on during the run.")
    _show_named(out, summary)
    _show_notes(out, summary)
    out.print()
    out.print(f"Estimated cost: {_costs(result)}.")
    if result.approval is not None:
        _show_approval(out, result.approval, zone=result.zone)


def _show_approval(out: Output, approval: "PlanApproval", *, zone: str) -> None:
    """Print the state of the approval that a plan needs."""
    reasons = ", ".join(APPROVAL_REASONS[reason] for reason in approval.reasons)
    out.print(f"This plan needs a second person: {reasons}.")
    if approval.by:
        until = when(approval.until, zone=zone)
        out.print(f"{APPROVALS[approval.state]} {plain(approval.by)}, valid until {until}.")
    else:
        out.print("It waits for approval.")


def _show_approved(out: Output, result: "ApprovedPlan") -> None:
    approval = result.approval
    if not approval.by:
        out.print(f"The approval of {result.run} in {result.org} was withdrawn.")
        return
    until = when(approval.until, zone=result.zone)
    out.print(f"Approved: {result.run} in {result.org}, valid until {until}.")
    out.print("Now the person who made the plan can run it.")


def _show_diff(out: Output, result: "ComparedPlans") -> None:
    from unlost.cli.grid import grid

    difference = result.difference
    old, new = (when(side.made_at, zone=result.zone) for side in (difference.old, difference.new))
    out.print(f"{result.org}: from the plan of {old} to the plan of {new}")
    if difference.is_same:
        out.print("Both files are the same plan.")
        return
    before, after = difference.old.bypass or "none", difference.new.bypass or "none"
    if before != after:
        out.print(f"Bypass during the run: {plain(before)} → {plain(after)}")
    if not difference.total:
        out.print("Both plans write the same to the same records.")
        out.print("An approval of one plan does not count for the other.")
        return
    if difference.counts:
        table = grid("Table", "Action", "Before", "After", right=("Before", "After"))
        for line in difference.counts:
            side = difference.new if line.new else difference.old
            word = _planned(line.action, side)
            table.add_row(line.table, word, f"{line.old:,}", f"{line.new:,}")
        out.print(table)
    out.print(
        f"{many(difference.total, 'record')} {'differs' if difference.total == 1 else 'differ'}:"
    )
    for record in difference.records[:MOST]:
        out.print(f"  {_difference_text(record, difference.old, difference.new)}")
    _show_more(out, difference.total)


def _planned(action: "Action", side: "DiffSide") -> str:
    """Return the word for the action of a plan."""
    return "leave the org" if action == "delete" and side.archives else action.value


def _difference_text(record: "StepDifference", old_side: "DiffSide", new_side: "DiffSide") -> str:
    name = f"{record.table}/{record.record}"
    old = _planned(record.old, old_side) if record.old is not None else ""
    new = _planned(record.new, new_side) if record.new is not None else ""
    if not old:
        return f"+ {name}: {new}"
    if not new:
        return f"- {name}: {old}"
    texts = [DIFFERENCES[part] for part in record.parts if part in DIFFERENCES]
    if old != new:
        texts.insert(0, f"{old} → {new}")
    if record.columns:
        texts.append(f"columns {plain(', '.join(record.columns))}")
    if record.typed:
        texts.append(f"edited values of {plain(', '.join(record.typed))}")
    return f"~ {name}: {'; '.join(texts)}"


def _show_notes(out: Output, summary: "PlanSummary") -> None:
    """Print the notes, the worst consequence first."""
    from unlost.engine.restore.planning.notes.note_order import ranked_notes

    if summary.notes:
        out.print()
        out.print("Notes:")
    for note in ranked_notes(summary.notes)[:MOST]:
        out.print(f"  {_marked(note.weight)} {plain(note.sentence)}")
        if note.next_step:
            out.print(f"    {plain(note.next_step)}")
    _show_more(out, len(summary.notes))


def _show_groups(out: Output, result: "PlanResult") -> None:
    """Print the groups that people know: named records with all that comes with them, then others."""
    for group in result.groups:
        out.print(f"  {_group_text(group)}")
        if group.skipped:
            out.print(f"    {many(group.skipped, 'record')} of them cannot be written")
    more = result.group_count - len(result.groups)
    if more > 0:
        out.print(f"  … and {many(more, 'more group')}")


def _group_text(group: "GroupLine") -> str:
    if not group.record:
        return f"{group.count:,} {plain(group.label)}"
    number = f" ({plain(group.number)})" if group.number else ""
    counts = ", ".join(f"{table.count:,} {plain(table.label)}" for table in group.tables)
    return f"{plain(group.name) or group.record}{number}: {counts}"


def _show_named(out: Output, summary: "PlanSummary") -> None:
    """Name the references that stay empty, and the records whose place is taken."""
    if summary.empty_count:
        out.print()
        out.print(f"{many(summary.empty_count, 'reference')} will stay empty:")
        for reference in summary.empty[:MOST]:
            named = f"{reference.table}/{reference.record}.{reference.column}"
            out.print(f"  {named} should refer to {reference.target}")
        _show_more(out, summary.empty_count)
    if summary.twins:
        out.print()
        out.print("A live record has the unique value:")
        for twin in summary.twins[:MOST]:
            out.print(f"  {twin.table}/{twin.record}: {twin.table}/{twin.live}")
        _show_more(out, len(summary.twins))


def _show_more(out: Output, count: int) -> None:
    if count > MOST:
        out.print(f"  … and {count - MOST:,} more")


def _show_branch(out: Output, branch: "Branch", *, depth: int) -> None:
    counts = ", ".join(f"{action.count:,} {action.action}" for action in branch.actions)
    out.print(f"{'  ' * depth}{branch.table}  {counts}")
    for below in branch.below:
        _show_branch(out, below, depth=depth + 1)


def _marked(weight: str) -> str:
    return {"block": "✗", "warning": "!"}.get(weight, "-")


def _costs(result: "PlanResult") -> str:
    summary = result.summary
    storage = summary.estimate.data_bytes + summary.estimate.file_bytes
    minutes = "under a minute" if summary.minutes < 1 else many(round(summary.minutes), "minute")
    return f"{many(summary.estimate.calls, 'API call')}, {size(storage)} of storage, {minutes}"


def _answer_result(result: "RestoreResult", *, as_json: bool) -> ExitCode:
    answer(result, as_json=as_json, show=_show_result)
    return ExitCode.OK if result.whole else ExitCode.FINDINGS


def _is_archive(run: str) -> bool:
    return run.startswith(f"{RunKind.ARCHIVE}-")


def _show_result(out: Output, result: "RestoreResult") -> None:
    if result.repeated:
        out.print("This plan was already run. Nothing was written this time. The earlier result:")
    seconds = (result.finished - result.started).total_seconds()
    took = f"{seconds:,.0f} s" if seconds >= 1 else "under a second"
    calls = many(result.calls, "write call")
    word = "archived" if _is_archive(result.run) else "restored"
    out.print(f"{result.org}: {'purged' if result.purge else word} in {took} with {calls}.")
    words = {**ENDINGS, **STAYED} if _is_archive(result.run) else ENDINGS
    words = {**words, **PURGED} if result.purge else words
    for ending in result.endings:
        out.print(f"  {ending.count:>7,} {words[ending.ending]}")
    for deviation in result.otherwise:
        out.print(f"          {deviation.count:,} of them {OTHERWISE[deviation.code]}")
    if result.unplanned:
        gone = many(result.unplanned, "record")
        out.print(f"  {gone} of tables that the org no longer has: not restored")
    failed = [outcome for outcome in result.records if not outcome.ending.good]
    # A record can be there and need a next step, if the org gave it another id.
    named = [outcome for outcome in result.records if outcome in failed or outcome.next_step]
    for record in named[:MOST]:
        mark = "!" if record.ending.good else "✗"
        out.print(f"  {mark} {record.table}/{record.record}: {plain(record.sentence)}")
        if record.next_step:
            out.print(f"    {plain(record.next_step)}")
    _show_empty(out, result)
    differing = [o for o in result.records if o.ending.good and o.differences]
    if differing:
        columns = sorted({d.column for outcome in differing for d in outcome.differences})
        out.print(
            f"  {many(len(differing), 'record')} with columns that cannot be set, or that the org "
            f"sets itself: {plain(', '.join(columns[:MOST]))}"
        )
    out.print(f"Record by record: {command('runs', result.run)}")
    if failed and not _is_archive(result.run):
        out.print(f"Retry the failed records: {command('restore', 'retry', result.run)}")


def _show_empty(out: Output, result: "RestoreResult") -> None:
    """Name the references that stay empty, because their record did not come back."""
    empty = [
        (record, difference)
        for record in result.records
        for difference in record.differences
        if difference.target
    ]
    if empty:
        out.print(f"  {many(len(empty), 'reference')} stayed empty:")
    for record, difference in empty[:MOST]:
        named = f"{record.table}/{record.record}.{difference.column}"
        out.print(f"  ! {named} should refer to {difference.target}")
    _show_more(out, len(empty))
