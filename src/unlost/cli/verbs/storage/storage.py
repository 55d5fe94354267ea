"""unlost storage: show an org's storage usage, and forecast when it is full."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import many, pause, plain, short, size, when
from unlost.model.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unlost.app.actions.storage.storage import StorageLine, StorageReport
    from unlost.app.actions.storage.storage_use import StorageUse
    from unlost.model.storage import MailLoop, OldVersions

SHOWN = 12
OWNERS = 5


def storage(
    name: OrgName,
    *,
    stop: Annotated[
        float | None,
        typer.Option(
            "--stop",
            metavar="PERCENT",
            help="Level that must not be reached. Usually the one at which the org accepts no new "
            "records.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE.svg", help="Write a chart of the fullest storage to this file."
        ),
    ] = None,
    loops: Annotated[
        bool, typer.Option("--loops", help="Search for automatic replies that answer each other.")
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show how full an org's storages are, what uses them, and when they will be full."""
    with opened(home) as application:
        from unlost.app.actions.storage.storage import storage as act

        # The option is in percent, the action takes a share.
        share = stop / 100 if stop is not None else None
        storage_report = act(application, name, stop=share, with_loops=loops)
    if plot is not None:
        _draw(storage_report, plot)
    answer(storage_report, as_json=json, show=_show)
    # stdout has exactly one JSON document.
    if plot is not None and not json:
        Output().print(f"\nThe chart of the fullest storage is in {plain(str(plot))}.")
    return ExitCode.OK


def _draw(report: "StorageReport", file: Path) -> None:
    from unlost.app.storage.storage_chart import chart

    fullest = max(
        report.storages,
        key=lambda storage_line: (
            storage_line.used / storage_line.limit if storage_line.limit else 0.0
        ),
    )
    drawn = chart(
        f"{fullest.name} of {report.org}",
        fullest.samples,
        limit=fullest.limit,
        seen=fullest.forecast,
        now=report.at,
    )
    try:
        file.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            "file-not-written",
            "{file} cannot be written: {reason}.",
            next_step="Choose a file in a folder that you can write to.",
            file=file,
            reason=error.strerror,
        ) from error


def _show(out: Output, result: "StorageReport") -> None:
    for storage_line in result.storages:
        share = f" ({storage_line.used / storage_line.limit:.1%})" if storage_line.limit else ""
        out.print(
            f"{storage_line.name}: {size(round(storage_line.used))} of {size(round(storage_line.limit))}{share}"
        )
        out.print(f"  {_leads(storage_line)}")
    _show_tables(out, result.use)
    _show_shares(out, result.use)
    if result.loops is not None:
        _show_loops(out, result.loops, zone=result.zone)


def _show_tables(out: Output, use: "StorageUse") -> None:
    from unlost.cli.grid import grid

    numbers = ("records", "size", "last 30 days")
    table = grid("storage", "table", *numbers, right=numbers)
    for use_line in use.tables[:SHOWN]:
        recent = f"+{size(use_line.recent)}" if use_line.recent else ""
        table.add_row(
            use_line.storage, use_line.label, f"{use_line.records:,}", size(use_line.bytes), recent
        )
    out.print()
    out.print(table)
    if len(use.tables) > SHOWN:
        rest = sum(line.bytes for line in use.tables[SHOWN:])
        out.print(f"and {len(use.tables) - SHOWN} more tables with {size(rest)}")


def _show_shares(out: Output, use: "StorageUse") -> None:
    """Print the usage by year and owner, and the largest mail threads."""
    for storage in dict.fromkeys(table.storage for table in use.tables):
        years = [
            f"{year.year or 'unknown'}: {size(year.bytes)}"
            for year in use.years
            if year.storage == storage
        ]
        owners = [
            f"{plain(owner.name or owner.owner)}: {size(owner.bytes)}"
            for owner in use.owners
            if owner.storage == storage
        ]
        out.print()
        out.print(f"{storage} by year of creation: {', '.join(years)}")
        if owners:
            out.print(f"{storage} by owner: {', '.join(owners[:OWNERS])}")
    _show_threads(out, use)
    _show_old_versions(out, use.old_versions)


def _show_old_versions(out: Output, old: "OldVersions") -> None:
    from unlost.cli.grid import grid

    if not old.versions:
        return
    out.print()
    out.print(
        f"{many(old.versions, 'old version')} of {many(old.files, 'file')} use {size(old.bytes)}. "
        "The org cannot delete them alone. The archive policy old-file-versions replaces such files "
        "with new ones."
    )
    if old.largest:
        table = grid("file", "old versions", "size", right=("old versions", "size"))
        for line in old.largest[:OWNERS]:
            table.add_row(short(line.title or line.file), f"{line.versions:,}", size(line.bytes))
        out.print(table)


def _show_threads(out: Output, use: "StorageUse") -> None:
    from unlost.cli.grid import grid

    if use.threads:
        numbers = ("mails", "size", "last 30 days")
        table = grid("mail thread", "between", *numbers, right=numbers)
        for thread in use.threads[:OWNERS]:
            recent = f"+{size(thread.recent)}" if thread.recent else ""
            sides = " ".join(thread.sides)
            table.add_row(
                short(thread.subject), sides, f"{thread.mails:,}", size(thread.bytes), recent
            )
        out.print()
        out.print(table)


def _show_loops(out: Output, loops: "Sequence[MailLoop]", *, zone: str) -> None:
    out.print()
    if not loops:
        out.print("No mail loop was found.")
        return
    total = sum(mail_loop.bytes for mail_loop in loops)
    least = "at least " if any(loop.error and not loop.bytes for loop in loops) else ""
    out.print(f"{many(len(loops), 'mail loop')}, {least}{size(total)} in total:")
    for loop in loops:
        measured = size(loop.bytes) if loop.bytes or not loop.error else "size unknown"
        text = f"{short(loop.subject)}: {many(loop.mails, 'mail')}, {measured}"
        out.print(f"  {loop.first}  {text}")
        out.print(
            f"    {loop.sides[0]} and {loop.sides[1]}, every {pause(loop.every)} from "
            f"{when(loop.begun, zone=zone)} to {when(loop.last, zone=zone)}, "
            f"on {many(len(loop.parents), 'record')}"
        )
        if loop.error is not None:
            out.print(f"    {plain(loop.error.sentence)}")
    out.print(
        "Turn off one of the two automatic replies, then delete the mails with `unlost purge plan ORG "
        "--loop ID`. `--json` lists the ids of all mails."
    )


def _leads(line: "StorageLine") -> str:
    seen = line.forecast
    if seen is None:
        return "There are too few days of data for a forecast."
    sign = "-" if seen.daily < 0 else "+"
    grows = f"{sign}{size(round(abs(seen.daily)))} a day since {seen.since:%Y-%m-%d}"
    if seen.reached is None:
        return f"{grows}; it will not become full."
    if seen.now >= seen.limit * seen.stop:
        return f"{grows}; it is already over {seen.stop:.0%}."
    between = ""
    if seen.earliest is not None and seen.latest is not None:
        between = f" (between {seen.earliest:%Y-%m-%d} and {seen.latest:%Y-%m-%d})"
    return f"{grows}; {seen.stop:.0%} on {seen.reached:%Y-%m-%d}{between}."
