"""unlost up: the service that backs up by itself."""

import signal
from contextlib import nullcontext
from typing import Annotated

import typer

from unlost.cli.exits import ExitCode
from unlost.cli.opening import home_or_fail
from unlost.cli.options import Home


def up(
    *,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Orgs that are backed up at a time.")
    ] = 4,
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
    from unlost.app.brake import Brake
    from unlost.app.compose import open_application
    from unlost.app.metrics import Board, served
    from unlost.app.service import Service
    from unlost.app.system import SystemClock

    brake = Brake()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: brake.pull())
    board = Board()
    service = Service(
        lambda held: open_application(root, brake=held), brake, workers=workers, board=board
    )
    with served(board, SystemClock().now, port=metrics) if metrics is not None else nullcontext():
        if not once:
            typer.echo(f"Unlost looks after {root}. Stop it with Ctrl-C; runs go on the next time.")
        service.run(once=once)
    typer.echo("Stopped." if brake.pulled and not once else "Done.")
    return ExitCode.OK
