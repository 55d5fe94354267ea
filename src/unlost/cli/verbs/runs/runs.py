"""unlost runs: list runs and their results, pause, cancel and resume them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import many, plain, when
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unlost.app.actions.restores.restore_run import RunDetail, RunLine, RunList
    from unlost.app.actions.runs.control import RunCommandResult

MOST = 50


def runs(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Show this run, record by record.")
    ] = None,
    *,
    pause: Annotated[
        bool, typer.Option("--pause", help="Pause this run until you resume it.")
    ] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop this run permanently.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Resume this run.")] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """List runs, show one record by record, or pause, cancel or resume one."""
    commands = [
        name for name, on in (("pause", pause), ("cancel", cancel), ("resume", resume)) if on
    ]
    if commands:
        return _controlled(run, commands, home, as_json=json)
    with opened(home) as application:
        from unlost.app.actions.restores.restore_run import run_detail
        from unlost.app.actions.restores.restore_run import runs as act

        if run is None:
            answer(act(application), as_json=json, show=_show_list)
        else:
            answer(run_detail(application, run), as_json=json, show=_show_run)
    return ExitCode.OK


def _controlled(
    run: str | None, commands: list[str], home: Path | None, *, as_json: bool
) -> ExitCode:
    if run is None or len(commands) > 1:
        raise UsageError(
            "run-unnamed",
            "Name one run and one of --pause, --cancel and --resume.",
            next_step="See `unlost runs`, then for example `unlost runs RUN --pause`.",
        )
    with opened(home) as application:
        from unlost.app.actions.runs import control

        # The functions are named like the options.
        answer(getattr(control, commands[0])(application, run), as_json=as_json, show=_show_control)
    return ExitCode.OK


def _show_control(out: Output, result: "RunCommandResult") -> None:
    out.print(plain(result.sentence))
    if result.next_step:
        out.print(plain(result.next_step))


def _show_list(out: Output, result: "RunList") -> None:
    from unlost.cli.grid import grid

    if not result.runs:
        out.print("No runs yet.")
        return
    table = grid("Run", "Org", "Kind", "State", "Started")
    runs = _without_hours(result.runs)
    for line in runs[:MOST]:
        table.add_row(line.run, line.org, _kind(line), _state(line), when(line.started))
    out.print(table)
    if len(runs) > MOST:
        out.print(f"… and {many(len(runs) - MOST, 'older run')}; --json lists all.")
    hours = len(result.runs) - len(runs)
    if hours:
        out.print(f"… and {many(hours, 'earlier hourly backup')}; --json lists all.")


def _without_hours(runs: "Sequence[RunLine]") -> list["RunLine"]:
    """Return the runs with only the newest hourly one of each org, to not hide the nightly ones."""
    newest = {line.org: line.run for line in reversed(runs) if line.hourly}
    return [line for line in runs if not line.hourly or line.run == newest[line.org]]


def _kind(line: "RunLine") -> str:
    if line.purge:
        return "purge"
    return "hourly" if line.hourly else line.kind.value


def _state(line: "RunLine") -> str:
    undone = line.error is not None and line.error.code == "restore-undone"
    return "ended by its undo" if undone else line.state


def _show_run(out: Output, result: "RunDetail") -> None:
    line = result.line
    out.print(
        f"{line.run}: {_kind(line)} of {line.org}, {_state(line)}, started {when(line.started)}"
    )
    if line.error is not None:
        out.print(plain(line.error.sentence))
    if result.approved_at is not None:
        out.print(f"Approved by {plain(result.approved_by)}, {when(result.approved_at)}.")
    for record in result.records[:MOST]:
        live = f" as {record.live}" if record.live and record.live != record.record else ""
        out.print(f"  {record.table}/{record.record}{live}: {record.ending}")
        if record.sentence:
            out.print(f"    {plain(record.sentence)}")
        for difference in record.differences:
            target = f", should refer to {difference.target}" if difference.target else ""
            out.print(f"    {difference.column}: {difference.reason}{target}")
    if len(result.records) > MOST:
        out.print(f"… and {many(len(result.records) - MOST, 'more record')}; --json lists all.")
