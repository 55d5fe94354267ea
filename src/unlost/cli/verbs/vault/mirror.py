"""unlost vault mirror: manage the mirror, the vault's second copy."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import (
    AsJson,
    Bandwidth,
    CaFile,
    Credentials,
    Endpoint,
    Home,
    Hosted,
    Maintenance,
    Region,
)
from unlost.cli.place import vault_place
from unlost.cli.text import many, plain, size, when

if TYPE_CHECKING:
    from unlost.app.actions.vault.mirror import MirrorResult
    from unlost.app.vault.mirror import MirrorState

NAMED = 5

app = typer.Typer(no_args_is_help=True, help="Manage the mirror of the vault.")


@app.callback()
def about() -> None:
    """Manage the mirror, the vault's second copy.

    The service keeps it up to date, and repairs the vault from it.
    """


@app.command("set")
def set_place(
    place: Annotated[
        str,
        typer.Argument(
            metavar="PLACE", help="Target: a folder, s3://BUCKET/PATH or az://CONTAINER/PATH."
        ),
    ],
    *,
    endpoint: Endpoint = "",
    region: Region = "",
    hosted: Hosted = False,
    ca_file: CaFile = None,
    credentials: Credentials = None,
    maintenance: Maintenance = None,
    bandwidth: Bandwidth = 0,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Set the place of the mirror. The service fills it."""
    there = vault_place(
        place,
        endpoint=endpoint,
        region=region,
        hosted=hosted,
        ca_file=ca_file,
        credentials=credentials,
        maintenance=maintenance,
        bandwidth=bandwidth,
    )
    assert there is not None
    with opened(home) as application:
        from unlost.app.actions.vault.mirror import set_mirror

        result = set_mirror(application, there)
    answer(result, as_json=json, show=_show_set)
    return ExitCode.OK


@app.command("run")
def run(*, home: Home = None, json: AsJson = False) -> ExitCode:
    """Update the mirror now. Exit code 3 if an object could not be mirrored."""
    with opened(home) as application:
        from unlost.app.actions.vault.mirror import run_mirror

        result = run_mirror(application)
    answer(result, as_json=json, show=_show_done)
    # ``not_removed`` is no finding: the mirror has more than it needs.
    whole = not (result.damaged or result.broken or result.strange)
    return ExitCode.OK if whole else ExitCode.FINDINGS


@app.command("show")
def show(*, home: Home = None, json: AsJson = False) -> ExitCode:
    """Show the state of the mirror."""
    with opened(home) as application:
        from unlost.app.actions.vault.mirror import mirror_state

        result = mirror_state(application)
    answer(result, as_json=json, show=_show_state)
    return ExitCode.OK


@app.command("off")
def off(*, home: Home = None, json: AsJson = False) -> ExitCode:
    """Stop mirroring. Existing files stay, including data that is erased from the vault later."""
    with opened(home) as application:
        from unlost.app.actions.vault.mirror import end_mirror

        result = end_mirror(application)
    answer(result, as_json=json, show=_show_off)
    return ExitCode.OK


def _show_set(out: Output, state: "MirrorState") -> None:
    out.print(f"The mirror of the vault will be in {plain(state.place)}.")
    out.print("The service fills it within minutes. To start now: unlost vault mirror run")
    out.print("An earlier mirror in another place is no longer updated and stays as it is.")


def _show_off(out: Output, state: "MirrorState") -> None:
    _show_state(out, state)
    out.print("The old mirror stays, with all data that is forgotten or erased from now on.")
    out.print("Delete it yourself when you no longer need it.")


def _show_done(out: Output, done: "MirrorResult") -> None:
    out.print(
        f"{plain(done.place)} is up to date: {many(done.objects, 'object')} copied, "
        f"{size(done.bytes)}; {many(done.there, 'object')} existed already."
    )
    if done.removed:
        gone = f"{many(done.removed, 'object')}, {size(done.removed_bytes)}"
        out.print(f"Removed, because the vault has removed them: {gone}.")
    if done.not_removed:
        out.print(
            f"Not removed: {many(len(done.not_removed), 'object')} that the vault no longer has. They "
            "may be the last copies, or the mirror's credentials may not delete."
        )
    _show_gaps(out, done.broken, done.damaged, done.strange)


def _show_gaps(
    out: Output, broken: tuple[str, ...], damaged: tuple[str, ...], strange: tuple[str, ...]
) -> None:
    for why in broken:
        out.print(f"Not mirrored: {plain(why)}")
    _name(out, "Damaged or missing in the vault, and not mirrored:", damaged)
    _name(out, "In the mirror, but lost from the vault:", strange)
    if broken or damaged or strange:
        out.print("Check with `unlost verify --level full`, then repair the vault:")
        out.print("unlost verify --repair-from mirror")


def _name(out: Output, what: str, names: tuple[str, ...]) -> None:
    if names:
        out.print(what)
        for name in names[:NAMED]:
            out.print(f"  - {name}")
        if len(names) > NAMED:
            out.print(f"  and {len(names) - NAMED} more")


def _show_state(out: Output, state: "MirrorState") -> None:
    if not state.place:
        out.print("The vault has no mirror: all backups are in one place.")
        out.print("Next: unlost vault mirror set PLACE")
        return
    out.print(f"Place         {plain(state.place)}")
    last = state.last
    if last is None:
        out.print("It is not filled yet. The service fills it, or `unlost vault mirror run`.")
        return
    late = "  (late)" if state.late else ""
    out.print(f"Up to date    {when(last.done_at) if last.done_at else 'never'}{late}")
    if last.error is not None:
        out.print(f"Last attempt  {when(last.begun_at)}: {plain(last.error.sentence)}")
    if last.wanted:
        out.print(
            "Behind        data erased, corrected or destroyed since then is still in the mirror."
        )
        out.print("The service updates it within minutes. To start now: unlost vault mirror run")
    if state.check is not None:
        verdict = "damaged" if state.check.damages else "undamaged"
        out.print(f"Verified      {when(state.check.at)}: {verdict}")
    _show_gaps(out, last.broken, last.damaged, last.strange)
