"""unlost erase: erase records from all backups of an org, and keep them out."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import many, plain, size, when
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unlost.app.actions.retention.erase import ErasePlan, ErasureLine, ErasureResult, Erasures
    from unlost.model.vault.erasure_proof import TableErased

DEFAULT = "records"


class _Group(TyperGroup):
    """A group whose default command erases records of the org that is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, with the default command inserted if none is named."""
        # An org may have the name of a command; then `records` has to be written.
        named = args[:1] and (args[0] in self.commands or args[0].startswith("-"))
        return super().parse_args(ctx, args if named or not args else [DEFAULT, *args])


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    help="Permanently erase records from all backups of an org, and exclude them from later ones.",
)


@app.command(DEFAULT)
def erase(
    org: OrgName,
    *,
    record: Annotated[
        list[str],
        typer.Option("--record", metavar="TABLE/ID", help="A record; repeatable."),
    ],
    related: Annotated[
        bool, typer.Option("--related", help="Include all records that the org deletes with them.")
    ] = False,
    match: Annotated[
        list[str] | None,
        typer.Option(
            "--match",
            metavar="TABLE.COLUMN",
            help="Also exclude later records with the same value in this column; repeatable.",
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only show the plan; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Erase records from all backups, after confirmation of the plan. This cannot be undone.

    The word `records` may be left out: `unlost erase ORG --record TABLE/ID`.
    """
    with opened(home) as application:
        from unlost.app.actions.retention.erase import ErasureRequest
        from unlost.app.actions.retention.erase import erase as act
        from unlost.app.actions.retention.erase import plan as planned

        request = ErasureRequest(tuple(record), related=related, match=tuple(match or ()))
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


@app.command("list")
def every(org: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List erasures and corrections of an org: the proofs, without the data."""
    with opened(home) as application:
        from unlost.app.actions.retention.erase import erasures as act

        answer(act(application, org), as_json=json, show=_show_all)
    return ExitCode.OK


def _ask(seen: "ErasePlan", *, as_json: bool) -> None:
    if as_json:
        raise UsageError(
            "erase-not-agreed",
            "With --json there is no prompt, so that --yes must confirm the plan.",
            next_step="Review the plan with --plan --json, then add --yes.",
        )
    known = seen.records - seen.unknown
    typer.confirm(
        f"Erase {many(known, 'record')} from all backups of {seen.org}? This cannot be undone.",
        abort=True,
    )


def _show_plan(out: Output, seen: "ErasePlan") -> None:
    out.print(f"{seen.org}: {many(seen.records - seen.unknown, 'record')} would be erased.")
    show_tables(out, seen.tables)
    out.print(
        f"{many(seen.files, 'file content')} ({size(seen.file_bytes)}) would be deleted; "
        f"{size(seen.rewritten)} would be rewritten."
    )
    if seen.unknown:
        out.print(
            f"{many(seen.unknown, 'record')} not found in the vault, but would be excluded from later "
            "backups. Check table and id, unless the record was erased earlier."
        )
    if seen.values:
        out.print(f"{many(seen.values, 'value')} would be excluded under any id.")
    for run in seen.restores:
        out.print(
            f"The restore {run} contains them. Its journal would be erased, so that the restore can no "
            "longer be undone."
        )
    if seen.certificates:
        out.print(f"{many(seen.certificates, 'certificate')} would be rewritten without them.")
    for other in seen.elsewhere:
        out.print(
            f"{many(other.records, 'record')} of {plain(other.org)} linked to them by a restore would "
            "not be erased."
        )
    out.print(
        "Not affected: references from other records to their ids, the org itself, the audit log, "
        "exports, and your copies of the vault."
    )


def show_tables(out: Output, tables: "Sequence[TableErased]") -> None:
    """Print the number of records and versions by table."""
    from unlost.cli.grid import grid

    numbers = ("records", "of them alive", "versions")
    table = grid("table", *numbers, right=numbers)
    for erased_table in tables:
        table.add_row(
            erased_table.table,
            f"{erased_table.records:,}",
            f"{erased_table.alive:,}",
            f"{erased_table.versions:,}",
        )
    if tables:
        out.print(table)


def _show(out: Output, done: "ErasureResult") -> None:
    if done.snapshot is None:
        out.print("There was nothing left to erase.")
    else:
        versions = sum(table.versions for table in done.tables)
        out.print(
            f"{done.org}: {many(done.records, 'record')} erased, with {many(versions, 'version')} and "
            f"{many(done.files, 'file content')}. Later backups exclude them."
        )
    out.print(f"  Removed {size(done.removed)} of old objects.")


def _show_all(out: Output, erasures: "Erasures") -> None:
    if not erasures.erasures:
        out.print(f"Nothing was erased or corrected in {erasures.org}.")
    for erasure in erasures.erasures:
        _show_line(out, erasure, zone=erasures.zone)


def _show_line(out: Output, erasure: "ErasureLine", *, zone: str) -> None:
    records = sum(each.records for each in erasure.tables)
    state_text = (
        ""
        if erasure.complete
        else " Old objects still exist. Erase again, or wait for the next maintenance."
    )
    out.print(
        f"{when(erasure.at, zone=zone)}  {erasure.run}  by {erasure.by}, commit {erasure.snapshot}.{state_text}"
    )
    tables = ", ".join(f"{each.table} {each.records:,}" for each in erasure.tables)
    if erasure.columns:
        out.print(f"  {many(records, 'record')} corrected ({tables}): {', '.join(erasure.columns)}")
        return
    out.print(
        f"  {many(records, 'record')} ({tables or 'none'}), {many(erasure.files, 'file content')}"
    )
    out.print(
        f"  {many(erasure.listed, 'pseudonym')} on the suppression list, {erasure.marks[:12]}"
    )
