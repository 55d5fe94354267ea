"""unlost file: restore a file's bytes to disk."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.app.records.record_text import split_record
from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import plain, size

if TYPE_CHECKING:
    from unlost.app.actions.records.file import FileResult


def file(
    org: OrgName,
    record: Annotated[
        str, typer.Argument(metavar="TABLE/ID", help="The record that has the file.")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="File to write.")],
    image: Annotated[
        str | None,
        typer.Option(
            "--image",
            metavar="COLUMN/IMAGE",
            help="An image in a text of the record, as `unlost show` lists it.",
        ),
    ] = None,
    at: Annotated[
        str,
        typer.Option("--at", metavar="WHEN", help="latest, a backup number, a date or a time."),
    ] = "latest",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Write a file from the vault to disk. An existing file is never overwritten."""
    table, record_id = split_record(record)
    with opened(home, for_reading=True) as application:
        from unlost.app.actions.records.file import file as act

        written = act(application, org, record_id, table=table, image=image, at=at, out=out)
        answer(written, as_json=json, show=_show)
    return ExitCode.OK


def _show(out: Output, result: "FileResult") -> None:
    out.print(f"{plain(result.name) or result.record}: {size(result.size)} in {result.out}")
    if result.checksum:
        out.print(f"The checksum of the org matches ({result.checksum}).")
