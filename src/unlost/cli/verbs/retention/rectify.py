"""unlost rectify: correct values of a record in all backups of an org."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import many, plain, size
from unlost.cli.verbs.retention.erase import show_tables
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.actions.retention.rectify import RectifyPlan, RectifyResult


def rectify(
    org: OrgName,
    *,
    record: Annotated[str, typer.Option("--record", metavar="TABLE/ID", help="The record.")],
    value: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="COLUMN=VALUE",
            help="The correct value; without a value, the column is emptied. Repeatable.",
        ),
    ],
    was: Annotated[
        str | None,
        typer.Option("--was", metavar="VALUE", help="Correct only versions with this wrong value."),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only show the plan; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Correct a record in all backups, after confirmation of the plan. This cannot be undone."""
    with opened(home) as application:
        from unlost.app.actions.retention.rectify import CorrectionRequest
        from unlost.app.actions.retention.rectify import plan as planned
        from unlost.app.actions.retention.rectify import rectify as act

        request = CorrectionRequest(record, tuple(value), was)
        seen = planned(application, org, request)
        if plan or not json:
            answer(seen, as_json=json, show=_show_plan)
        if plan:
            return ExitCode.OK
        if not yes:
            _ask(seen, as_json=json)
        # The digest makes sure that exactly the confirmed plan is executed.
        answer(act(application, org, request, plan=seen.digest), as_json=json, show=_show)
    return ExitCode.OK


def _ask(seen: "RectifyPlan", *, as_json: bool) -> None:
    if as_json:
        raise UsageError(
            "rectify-not-agreed",
            "With --json there is no prompt, so that --yes must confirm the plan.",
            next_step="Review the plan with --plan --json, then add --yes.",
        )
    versions = sum(table.versions for table in seen.tables)
    typer.confirm(
        f"Correct {many(versions, 'version')} in all backups of {seen.org}? This cannot be undone.",
        abort=True,
    )


def _show_plan(out: Output, seen: "RectifyPlan") -> None:
    if not seen.columns:
        out.print(f"{seen.org}: no version has a different value. Nothing would change.")
        return
    versions = sum(table.versions for table in seen.tables)
    out.print(f"{seen.org}: {', '.join(seen.columns)} would change in {many(versions, 'version')}.")
    show_tables(out, seen.tables)
    if seen.records > 1:
        out.print("A restore gave the record another id. The record with that id is corrected too.")
    out.print(
        f"{many(seen.files, 'file content')} ({size(seen.file_bytes)}) would be deleted; "
        f"{size(seen.rewritten)} would be rewritten."
    )
    for run in seen.restores:
        out.print(
            f"The restore {run} contains the record. Its journal would be erased, so that the restore "
            "can no longer be undone."
        )
    if seen.certificates:
        out.print(f"{many(seen.certificates, 'certificate')} would be rewritten without the value.")
    for other in seen.elsewhere:
        out.print(
            f"{many(other.records, 'record')} of {plain(other.org)} linked to it by a restore would not "
            "be corrected."
        )
    _show_current(out, seen.current)


def _show_current(out: Output, current: tuple[str, ...]) -> None:
    if current:
        out.print(
            f"The org itself has another value in {', '.join(current)}. Correct it there too, or the "
            "next backup records it as a change."
        )


def _show(out: Output, done: "RectifyResult") -> None:
    if done.snapshot is None:
        out.print("There was nothing left to correct.")
        return
    out.print(f"{done.org}: {many(done.versions, 'version')} corrected.")
    out.print(f"  Removed {size(done.removed)} of old objects.")
    _show_current(out, done.current)
