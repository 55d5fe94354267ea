"""unlost storage: how an org's storages fill, and when they will be full."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import size
from unlost.model.errors import StoreError

if TYPE_CHECKING:
    from rich.console import Console

    from unlost.app.actions.storage import StorageLine, StorageReport


def storage(
    name: OrgName,
    *,
    stop: Annotated[
        float, typer.Option("--stop", metavar="PERCENT", help="What must not be reached.")
    ] = 105.0,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE.svg", help="Draw the fullest storage into this file."),
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show how full an org's storages are, how they grow, and when they will be full."""
    with opened(home) as application:
        from unlost.app.actions.storage import storage as act

        found = act(application, name, stop=stop / 100)
    if plot is not None:
        _draw(found, plot)
    answer(found, as_json=json, show=_show)
    return ExitCode.OK


def _draw(report: "StorageReport", file: Path) -> None:
    from unlost.app.storage_chart import chart

    fullest = max(report.storages, key=lambda one: one.used / one.limit if one.limit else 0.0)
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
            f"{file} cannot be written: {error.strerror}.",
            next_step="Name a file in a folder that you may write to.",
        ) from error


def _show(out: "Console", result: "StorageReport") -> None:
    for one in result.storages:
        share = f" ({one.used / one.limit:.1%})" if one.limit else ""
        out.print(f"{one.name}: {size(round(one.used))} of {size(round(one.limit))}{share}")
        out.print(f"  {_leads(one)}")


def _leads(line: "StorageLine") -> str:
    seen = line.forecast
    if seen is None:
        return "Too few days are known for a forecast."
    sign = "-" if seen.daily < 0 else "+"
    grows = f"{sign}{size(round(abs(seen.daily)))} a day since {seen.since:%Y-%m-%d}"
    if seen.reached is None:
        return f"{grows}; it will not be full."
    if seen.now >= seen.limit * seen.stop:
        return f"{grows}; it is over {seen.stop:.0%} already."
    between = ""
    if seen.earliest is not None and seen.latest is not None:
        between = f" (between {seen.earliest:%Y-%m-%d} and {seen.latest:%Y-%m-%d})"
    return f"{grows}; {seen.stop:.0%} on {seen.reached:%Y-%m-%d}{between}."
