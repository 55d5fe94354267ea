"""unlost alert: manage alerts and where they are sent."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import command, plain, when
from unlost.cli.verbs.alerts.mass_changes import COMMANDS
from unlost.model.alert import ChannelKind
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.actions.alerts.alerts import Alerts, ChannelTests
    from unlost.model.alert import Channel

app = typer.Typer(no_args_is_help=True, help="Manage alerts and where they are sent.")
for name, verb in COMMANDS.items():
    app.command(name)(verb)


@app.command("list")
def show(
    *,
    all_of_them: Annotated[
        bool, typer.Option("--all", help="List the newest alerts, including resolved ones.")
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """List open alerts and channels. Exit code 3 if there are open alerts."""
    with opened(home) as application:
        from unlost.app.actions.alerts.alerts import show as act

        alerts = act(application, all_of_them=all_of_them)
        answer(alerts, as_json=json, show=_show)
    lasting = any(alert.resolved_at is None for alert in alerts.alerts)
    return ExitCode.FINDINGS if lasting else ExitCode.OK


@app.command("ack")
def acknowledge(
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="Name of the alert, as listed.")],
    *,
    home: Home = None,
) -> ExitCode:
    """Acknowledge an alert. No more messages are sent until it is resolved."""
    with opened(home) as application:
        from unlost.app.actions.alerts.alerts import acknowledged

        acknowledged(application, alert)
    typer.echo(f"{alert} is acknowledged.")
    return ExitCode.OK


@app.command("channel")
def channel(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the channel.")],
    kind: Annotated[
        ChannelKind,
        typer.Argument(metavar="KIND", help="email, webhook, slack, teams or heartbeat."),
    ],
    *,
    url: Annotated[str | None, typer.Option("--url", help="Webhook: URL to post to.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="E-mail: the mail server.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="E-mail: port of the mail server.")
    ] = None,
    security: Annotated[
        str | None, typer.Option("--security", help="E-mail: starttls, tls or none.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", help="E-mail: user name on the mail server.")
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--from", help="E-mail: address of the sender.")
    ] = None,
    to: Annotated[
        list[str] | None, typer.Option("--to", help="E-mail: address of a recipient; repeatable.")
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            "--secret-file",
            help="A file with the password, the signing secret, or the address of Slack or Teams.",
        ),
    ] = None,
    quiet: Annotated[
        str | None,
        typer.Option(
            "--quiet",
            metavar="HOURS",
            help="Send only urgent alerts in these hours, such as 22:00-07:00.",
        ),
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option(
            "--digest", metavar="TIME", help="Send a summary every day at this time, such as 07:30."
        ),
    ] = None,
    zone: Annotated[
        str, typer.Option("--zone", help="The time zone of the quiet hours and the summary.")
    ] = "UTC",
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Allow an address in the private network.")
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Add a channel for alerts, or replace the channel of this name."""
    with opened(home) as application:
        from unlost.app.actions.alerts.alerts import ChannelRequest, add_channel

        request = ChannelRequest(
            name=name, kind=kind, url=url, host=host, port=port, security=security, user=user,
            sender=sender, to=tuple(to or ()), quiet=quiet, zone=zone, private=allow_private, digest=digest,
        )  # fmt: skip
        answer(
            add_channel(application, request, secret=_secret(secret_file)),
            as_json=json,
            show=_added,
        )
    return ExitCode.OK


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The channel.")],
    *,
    home: Home = None,
) -> ExitCode:
    """Remove a channel."""
    with opened(home) as application:
        from unlost.app.actions.alerts.alerts import drop_channel

        drop_channel(application, name)
    typer.echo(f"{name} was removed.")
    return ExitCode.OK


@app.command("test")
def try_out(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A channel; default: all channels.")
    ] = None,
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Send a test message. Exit code 1 if a channel fails."""
    with opened(home) as application:
        from unlost.app.actions.alerts.alerts import try_channels

        tests = try_channels(application, name)
        answer(tests, as_json=json, show=_show_tests)
    return ExitCode.FAILED if any(test.problem for test in tests.channels) else ExitCode.OK


def _secret(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        # Editors add a line break at the end.
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(
            "secret-unreadable",
            "{file} cannot be read: {reason}.",
            next_step="Give a file that contains only the secret.",
            file=file,
            reason=error.strerror,
        ) from error


def _added(out: Output, result: "Channel") -> None:
    if result.kind.takes_alerts:
        out.print(f"{_sent_to(result)}.")
    else:
        out.print(f"{_sent_to(result)}. It receives no alerts.")
    out.print(f"Test it: {command('alert', 'test', result.name)}")


def _show(out: Output, result: "Alerts") -> None:
    if not result.alerts:
        out.print("No alerts.")
    for alert in result.alerts:
        state = _state(alert.resolved_at is not None, alert.acknowledged_at is not None)
        out.print(
            f"{alert.raised.key}  {alert.raised.urgency.value}, since {when(alert.opened_at)}{state}"
        )
        out.print(f"  {plain(alert.raised.sentence)}")
        if alert.raised.next_step:
            out.print(f"  {plain(alert.raised.next_step)}")
        if alert.raised.command:
            out.print(f"    {alert.raised.command}")
    if not any(channel.kind.takes_alerts for channel in result.channels):
        out.print("No channel receives alerts. Add one with `unlost alert channel NAME KIND`.")
    for channel in result.channels:
        problem = result.silent.get(channel.name)
        problem_note = f": the last message failed. {plain(problem.sentence)}" if problem else ""
        out.print(f"{_sent_to(channel)}{problem_note}")


def _sent_to(channel: "Channel") -> str:
    if channel.kind.takes_alerts:
        return f"Alerts are sent to {channel.name} ({channel.kind.value})"
    return f"Heartbeats are sent to {channel.name}"


def _state(over: bool, seen: bool) -> str:  # noqa: FBT001 (two facts of one alert)
    return ", resolved" if over else ", acknowledged" if seen else ""


def _show_tests(out: Output, result: "ChannelTests") -> None:
    for test in result.channels:
        out.print(
            f"{test.channel}: {plain(test.problem) if test.problem else 'received the test message.'}"
        )
        if test.next_step:
            out.print(f"  {plain(test.next_step)}")
