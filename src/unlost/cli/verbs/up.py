"""unlost up and unlost worker: what backs up by itself."""

import signal
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.exits import ExitCode
from unlost.cli.opening import home_or_fail
from unlost.cli.options import Home

if TYPE_CHECKING:
    from pathlib import Path

    from unlost.app.brake import Brake
    from unlost.app.metrics import Board
    from unlost.app.service import Part, Service

Workers = Annotated[
    int, typer.Option("--workers", min=1, max=64, help="Orgs that are backed up at a time.")
]


def up(
    *,
    workers: Workers = 4,
    once: Annotated[
        bool, typer.Option("--once", help="Do what is due now, and end: for a timer of yours.")
    ] = False,
    metrics: Annotated[
        int | None,
        typer.Option(
            "--metrics",
            metavar="PORT",
            min=0,
            max=65535,
            help="Serve /metrics (Prometheus) and /health on this port of the machine itself.",
        ),
    ] = None,
    home: Home = None,
) -> ExitCode:
    """Back up all orgs by their schedules, until it is stopped (Ctrl-C, or SIGTERM).

    Stopping is safe at any moment: runs go on where they stopped when it is started again.
    """
    root = home_or_fail(home)
    from unlost.app.metrics import Board, served
    from unlost.app.service import Part
    from unlost.app.system import SystemClock

    brake, board = _stoppable(), Board()
    service = _service(root, brake, Part.SERVICE, workers=workers, board=board)
    with served(board, SystemClock().now, port=metrics) if metrics is not None else nullcontext():
        if not once:
            typer.echo(f"Unlost looks after {root}. Stop it with Ctrl-C; runs go on the next time.")
        service.run(once=once)
    typer.echo("Stopped." if brake.pulled and not once else "Done.")
    return ExitCode.OK


def worker(*, workers: Workers = 4, home: Home = None) -> ExitCode:
    """Help the service of a home in PostgreSQL, on this machine or another, until it is stopped.

    What a worker that died was at, another one goes on with within seconds.
    """
    root = home_or_fail(home)
    from unlost.app.service import Part

    brake = _stoppable()
    service = _service(root, brake, Part.WORKER, workers=workers)
    typer.echo(f"A worker of {root}. Stop it with Ctrl-C; its runs go on elsewhere.")
    service.run()
    typer.echo("Stopped.")
    return ExitCode.OK


def _stoppable() -> "Brake":
    from unlost.app.brake import Brake

    brake = Brake()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: brake.pull())
    return brake


def _service(
    root: "Path", brake: "Brake", part: "Part", *, workers: int, board: "Board | None" = None
) -> "Service":
    from unlost.app.compose import open_application
    from unlost.app.service import Service

    return Service(
        lambda held: open_application(root, brake=held),
        brake,
        workers=workers,
        board=board,
        part=part,
    )
