"""unlost up and unlost worker: run the service and its workers."""

import signal
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.exits import ExitCode
from unlost.cli.opening import home_or_fail
from unlost.cli.options import Home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from unlost.app.home.cancellation import CancellationFlag
    from unlost.app.service.metrics import MetricsBoard
    from unlost.app.service.service import Service, ServicePart
    from unlost.web.serving import ReachedAddress

PORT = 8484

Workers = Annotated[
    int,
    typer.Option("--workers", min=1, max=64, help="Number of orgs to back up at the same time."),
]


def up(
    *,
    workers: Workers = 4,
    once: Annotated[
        bool, typer.Option("--once", help="Run what is due now, and exit; for your own timer.")
    ] = False,
    metrics: Annotated[
        int | None,
        typer.Option(
            "--metrics",
            metavar="PORT",
            min=0,
            max=65535,
            help="Serve /metrics (Prometheus) and /health on this local port.",
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            "--port",
            envvar="UNLOST_PORT",
            min=0,
            max=65535,
            help="Local port of the console; 0 for any free port.",
        ),
    ] = PORT,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            "--origin",
            metavar="URL",
            help="Address at which your proxy serves the console, such as https://unlost.acme.example.",
        ),
    ] = None,
    console: Annotated[
        bool, typer.Option("--console/--no-console", help="Serve the console in the browser.")
    ] = True,
    home: Home = None,
) -> ExitCode:
    """Back up all orgs on schedule and serve the console, until stopped (Ctrl-C).

    It is safe to stop at any moment: runs are resumed at the next start.
    """
    root = home_or_fail(home)
    from unlost.web.serving import ReachedAddress, origins_of, use_settings

    # Before the imports below: Django's settings cannot be changed once models are imported.
    use_settings()
    from unlost.app.home.system import SystemClock
    from unlost.app.service.metrics import MetricsBoard, served
    from unlost.app.service.service import ServicePart

    cancel_flag, board = _stoppable(), MetricsBoard()
    service = _service(root, cancel_flag, ServicePart.SERVICE, workers=workers, board=board)
    reached = ReachedAddress(port=port, origins=origins_of(origin or ()))
    with ExitStack() as open_now:
        if metrics is not None:
            open_now.enter_context(served(board, SystemClock().now, port=metrics))
        if not once:
            typer.echo(
                f"Unlost runs with {root}. Stop it with Ctrl-C; runs resume at the next start."
            )
        if console and not once:
            open_now.enter_context(_console(root, reached))
        service.run(once=once)
    typer.echo("Stopped." if cancel_flag.is_set and not once else "Done.")
    return ExitCode.OK


@contextmanager
def _console(root: "Path", reached: "ReachedAddress") -> "Iterator[None]":
    """Serve the console and print its address, with a link for the first admin if there is none."""
    from unlost.app.actions.people.people import first_link
    from unlost.app.compose import open_application
    from unlost.app.home.home import read_home_key
    from unlost.web.serving import served

    with (
        open_application(root) as app,
        served(app, read_home_key(app.home), reached) as address,
    ):
        # Printed on the machine, so only its users can become the first admin.
        link = first_link(app)
        if link is None:
            typer.echo(f"Console: {address.url}/")
        else:
            typer.echo(f"Open within one hour to create the first admin: {address.url}{link.path}")
        yield


def worker(*, workers: Workers = 4, home: Home = None) -> ExitCode:
    """Run a worker for the service of a home in PostgreSQL, on this machine or another.

    If a worker dies, another one resumes its runs within seconds.
    """
    root = home_or_fail(home)
    from unlost.app.service.service import ServicePart

    cancel_flag = _stoppable()
    service = _service(root, cancel_flag, ServicePart.WORKER, workers=workers)
    typer.echo(f"Worker of {root}. Stop it with Ctrl-C; another worker resumes its runs.")
    service.run()
    typer.echo("Stopped.")
    return ExitCode.OK


def _stoppable() -> "CancellationFlag":
    from unlost.app.home.cancellation import CancellationFlag

    cancel_flag = CancellationFlag()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Runs stop at their next call, and are resumed at the next start.
        signal.signal(number, lambda *_: cancel_flag.set())
    return cancel_flag


def _service(
    root: "Path",
    cancel_flag: "CancellationFlag",
    part: "ServicePart",
    *,
    workers: int,
    board: "MetricsBoard | None" = None,
) -> "Service":
    from unlost.app.compose import open_application
    from unlost.app.service.service import Service
    from unlost.model.access import SERVICE

    return Service(
        # Each job opens the home for itself; see ``Service.opened``.
        lambda flag: open_application(root, cancel_flag=flag, actor=SERVICE),
        cancel_flag,
        workers=workers,
        board=board,
        part=part,
    )
