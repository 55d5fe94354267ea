"""unlost doctor: check the health of a home and its vault."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import plain

if TYPE_CHECKING:
    from unlost.app.actions.alerts.doctor import Diagnosis

WORDS = {"good": "ok", "warning": "warning", "bad": "BAD"}


def doctor(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair problems that need no decision.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not call the orgs.")] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Check keys, store, database, clock, permissions and backups, and show how to fix problems.

    Exit code 0 if all checks pass, 3 if there are warnings, 1 if something does not work.
    """
    from unlost.app.actions.alerts.doctor import doctor as act
    from unlost.app.health.health import HealthState

    with opened(home) as application:
        diagnosis = act(application, ask=not offline, repair=repair)
        answer(diagnosis, as_json=json, show=_show)
    # A repaired problem does not count; see ``Diagnosis.worst``.
    codes = {
        HealthState.GOOD: ExitCode.OK,
        HealthState.WARNING: ExitCode.FINDINGS,
        HealthState.BAD: ExitCode.FAILED,
    }
    return codes[diagnosis.worst]


def _show(out: Output, result: "Diagnosis") -> None:
    for check in result.checks:
        word = "repaired" if check.repaired else WORDS[check.health.value]
        out.print(f"{word:>8}  {plain(check.name)}: {plain(check.sentence)}")
        if check.next_step and not check.repaired:
            out.print(f"          {plain(check.next_step)}")
    if any(check.repairable and not check.repaired for check in result.checks):
        out.print("Some problems can be repaired automatically: unlost doctor --repair")
