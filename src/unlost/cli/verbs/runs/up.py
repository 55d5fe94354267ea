"""unlost up and unlost worker: run the service and its workers."""

import signal
import sys
from contextlib import ExitStack, contextmanager
from datetime import timedelta
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
    from unlost.web.signin.rules import SignInRules

PORT = 8484

Workers = Annotated[
    int,
    typer.Option("--workers", min=1, max=64, help="Number of orgs to back up at the same time."),
]
Metrics = Annotated[
    int | None,
    typer.Option(
        "--metrics",
        metavar="PORT",
        min=0,
        max=65535,
        help="Serve /metrics (Prometheus) and /health on this local port.",
    ),
]
Port = Annotated[
    int,
    typer.Option(
        "--port",
        envvar="UNLOST_PORT",
        min=0,
        max=65535,
        help="Local port of the console; 0 for any free port.",
    ),
]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin",
        metavar="URL",
        help="Address at which your proxy serves the console, such as https://unlost.acme.example.",
    ),
]
SessionHours = Annotated[
    int,
    typer.Option(
        "--session-hours",
        envvar="UNLOST_SESSION_HOURS",
        min=1,
        max=24 * 7,
        help="Hours after which a sign-in to the console ends.",
    ),
]
IdleMinutes = Annotated[
    int,
    typer.Option(
        "--idle-minutes",
        envvar="UNLOST_IDLE_MINUTES",
        min=5,
        max=24 * 60,
        help="Minutes without a page after which a sign-in to the console ends.",
    ),
]
AdminFactor = Annotated[
    bool,
    typer.Option(
        "--admin-factor/--no-admin-factor",
        envvar="UNLOST_ADMIN_FACTOR",
        help="Admins need a second factor or a passkey in the console.",
    ),
]


def up(
    *,
    workers: Workers = 4,
    once: Annotated[
        bool, typer.Option("--once", help="Run what is due now, and exit; for your own timer.")
    ] = False,
    metrics: Metrics = None,
    port: Port = PORT,
    origin: Origins = None,
    console: Annotated[
        bool, typer.Option("--console/--no-console", help="Serve the console in the browser.")
    ] = True,
    session_hours: SessionHours = 12,
    idle_minutes: IdleMinutes = 60,
    admin_factor: AdminFactor = False,
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
            figures = served(board, SystemClock().now, port=metrics, hosts=reached.hosts)
            open_now.enter_context(figures)
        if not once:
            typer.echo(
                f"Unlost runs with {root}. Stop it with Ctrl-C; runs resume at the next start."
            )
        if console and not once:
            rules = _rules(session_hours, idle_minutes, admin_factor=admin_factor)
            open_now.enter_context(_console(root, reached, rules))
        service.run(once=once)
    typer.echo("Stopped." if cancel_flag.is_set and not once else "Done.")
    return ExitCode.OK


def _rules(session_hours: int, idle_minutes: int, *, admin_factor: bool) -> "SignInRules":
    from unlost.web.signin.rules import SignInRules

    return SignInRules(
        timedelta(hours=session_hours), timedelta(minutes=idle_minutes), admin_factor
    )


@contextmanager
def _console(root: "Path", reached: "ReachedAddress", rules: "SignInRules") -> "Iterator[None]":
    """Serve the console and print its address, with the way for the first admin if there is none."""
    from unlost.app.actions.people.people import first_link
    from unlost.app.compose import open_application
    from unlost.app.home.home import read_home_key
    from unlost.catalog.people.people import admins
    from unlost.web.serving import served

    with (
        open_application(root) as app,
        served(app, read_home_key(app.home), reached, rules=rules) as address,
    ):
        typer.echo(f"Console: {address.url}/")
        # Printed on a terminal of the machine, so only its users can become the first admin. Without
        # a terminal this goes to a journal or a file, which others read, or which is kept.
        if not sys.stdout.isatty():
            if not admins():
                typer.echo(
                    f"It has no admin yet. `{_link_command(address)}` prints a link for one."
                )
        elif (link := first_link(app)) is not None:
            typer.echo(f"Open within one hour to create the first admin: {address.url}{link.path}")
        yield


def _link_command(address: "ReachedAddress") -> str:
    """Return the command that prints a link for the first admin."""
    from unlost.web.serving import ReachedAddress

    usual = address.url == ReachedAddress().url
    return "unlost user link" if usual else f"unlost user link --url {address.url}"


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
