"""unlost purge: delete unwanted records from an org, behind a verified copy."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from unlost.cli.answer import answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.verbs.restores.restore import OnlyTable, PlanFile, show_new
from unlost.model.errors import UsageError

app = typer.Typer(
    no_args_is_help=True,
    help="Delete unwanted records from an org; the vault keeps them.",
    rich_markup_mode=None,
)
LARGEST = 16 << 20  # bytes of a list of ids: more than a plan may have


@app.command("plan")
def plan(
    org: OrgName,
    records: Annotated[
        list[str] | None, typer.Argument(metavar="TABLE/ID…", help="Records to delete.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Plan file to write.")],
    ids: Annotated[
        Path | None,
        typer.Option(
            "--ids",
            metavar="FILE",
            help="Text file with one TABLE/ID a line, or one id a line with --table.",
        ),
    ] = None,
    loop: Annotated[
        str,
        typer.Option(
            "--loop",
            metavar="ID",
            help="A mail loop, by its first mail in `unlost storage --loops`.",
        ),
    ] = "",
    watched: Annotated[
        str, typer.Option("--set", metavar="NAME", help="The records of a watched set.")
    ] = "",
    table: OnlyTable = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Plan to delete records. Nothing is deleted in the org.

    The newest backup has their copies. Notes show which records stay, and why.
    """
    listed = [*(records or ()), *(_listed(ids, table=table) if ids is not None else ())]
    with opened(home) as application:
        from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
        from unlost.cli.progress import shown_progress

        request = PlanRequest(
            org, tuple(listed), loop=loop, watched=watched, table=table, purge=True
        )
        with shown_progress(application.clock) as observer:
            result = make_plan(application, request, out, observer=observer)
    answer(result, as_json=json, show=partial(show_new, verb="purge"))
    return ExitCode.FINDINGS if result.summary.blocked else ExitCode.OK


@app.command("run")
def run(file: PlanFile, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Run a purge plan: verify each copy, then delete the record from the org.

    Exit code 3 if a record stayed. The records come back with `unlost undo`.
    """
    from unlost.cli.verbs.restores.restore import run as run_file

    return run_file(file, home=home, json=json)


def _listed(file: Path, *, table: str | None) -> Iterator[str]:
    """The records of a file; empty lines are left out."""
    for line in _text(file).splitlines():
        record = line.strip()
        if record:
            yield record if "/" in record or not table else f"{table}/{record}"


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise _unreadable(file, f"it is larger than {LARGEST:,} bytes")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(file, error.strerror or "it cannot be opened") from error
    except UnicodeDecodeError as error:
        raise _unreadable(file, "it is not text in UTF-8") from error


def _unreadable(file: Path, why: str) -> UsageError:
    return UsageError(
        "ids-unreadable",
        "{file} is not a readable list of records: {why}.",
        next_step="Give a text file with one TABLE/ID a line.",
        file=file,
        why=why,
    )
