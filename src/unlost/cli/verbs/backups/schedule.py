"""unlost schedule: schedule automatic backups."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import plain, when

if TYPE_CHECKING:
    from unlost.app.actions.backups.schedule import OrgSchedule, Schedules

app = typer.Typer(no_args_is_help=True, help="Schedule automatic backups.")


@app.command("show")
def show(
    org: Annotated[
        str | None, typer.Argument(metavar="ORG", help="An org; default: all orgs.")
    ] = None,
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show schedules, the next backup, and the results of the last ones."""
    with opened(home) as application:
        from unlost.app.actions.backups.schedule import show as act

        answer(act(application, org), as_json=json, show=_show_all)
    return ExitCode.OK


@app.command("set")
def change(
    org: OrgName,
    *,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="TIME", help="Start of the nightly backup, such as 01:30; off for none."
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            "--window", metavar="MINUTES", help="Spread the starts of many orgs over this time."
        ),
    ] = None,
    blackout: Annotated[
        list[str] | None,
        typer.Option(
            "--blackout",
            metavar="HOURS",
            help="Hours in which no backup starts, such as 08:00-18:00; none for none.",
        ),
    ] = None,
    calls: Annotated[
        int | None,
        typer.Option(
            "--calls",
            metavar="PERCENT",
            help="Share of the org's daily API calls that Unlost may use.",
        ),
    ] = None,
    hourly: Annotated[
        str | None,
        typer.Option(
            "--hourly",
            metavar="TABLES",
            help="Tables to back up every hour between the nightly backups, such as "
            "Case,Opportunity; none for none.",
        ),
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Change the backup schedule of an org. Times are in the org's time zone."""
    with opened(home) as application:
        from unlost.app.actions.backups.schedule import ScheduleChange
        from unlost.app.actions.backups.schedule import change as act

        # Typer gives an empty list for an option that was not used.
        request = ScheduleChange(
            at=at, window=window, blackout=blackout or None, calls=calls, hourly=hourly
        )
        answer(act(application, org, request), as_json=json, show=_show)
    return ExitCode.OK


def _show_all(out: Output, result: "Schedules") -> None:
    if not result.schedules:
        out.print("No org is protected yet. Add one with `unlost org add`.")
    for schedule in result.schedules:
        _show(out, schedule)


def _show(out: Output, result: "OrgSchedule") -> None:
    schedule = result.schedule
    if schedule.nightly is None:
        out.print(f"{result.org} is not backed up automatically.")
    else:
        spread = f", within {schedule.window} minutes" if schedule.window else ""
        out.print(f"{result.org} every night at {schedule.nightly:%H:%M} {result.zone}{spread}")
        out.print(f"  Next     {when(result.next, zone=result.zone)}")
    out.print(f"  Calls    at most {schedule.calls}% of the org's daily API calls")
    for hours in schedule.blackout:
        out.print(f"  Blackout {hours.begins:%H:%M} to {hours.ends:%H:%M}")
    if schedule.hourly:
        _show_hours(out, result)
    for night in result.nights:
        out.print(f"  {night.name.replace('T', ' ')}  {night.state.value}")
        if night.missed:
            missed = ", ".join(name.partition("T")[0] for name in night.missed)
            out.print(f"    replaces the missed backups of {missed}")
        if night.error is not None:
            out.print(f"    {plain(night.error.sentence)}")


def _show_hours(out: Output, result: "OrgSchedule") -> None:
    out.print(f"  Hourly   {', '.join(result.schedule.hourly)}")
    following = "never: blackout hours leave no time"
    if result.next_hour is not None:
        following = f"next {when(result.next_hour, zone=result.zone)}"
    out.print(f"    {following}")
    last = result.last_hour
    if last is not None:
        out.print(f"    last {when(last.began, zone=result.zone)} {last.state.value}")
        if last.error is not None:
            out.print(f"      {plain(last.error.sentence)}")
