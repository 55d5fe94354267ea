"""unlost vault: manage the vault, and rebuild a home from it."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.given_key import read_sheet
from unlost.cli.opening import opened
from unlost.cli.options import (
    AsJson,
    Bandwidth,
    CaFile,
    Credentials,
    Database,
    Endpoint,
    Home,
    Hosted,
    Maintenance,
    Region,
)
from unlost.cli.place import vault_place
from unlost.cli.text import command, many, plain, size, when
from unlost.cli.verbs.vault import mirror, pending

if TYPE_CHECKING:
    from unlost.app.actions.vault.copy_vault import VaultCopied
    from unlost.app.actions.vault.rebuild import RebuildResult, RebuiltOrg

app = typer.Typer(no_args_is_help=True, help="Manage the vault.")
app.add_typer(mirror.app, name="mirror")
app.add_typer(pending.app, name="pending")


@app.callback()
def about() -> None:
    """Manage the vault."""


@app.command("rebuild")
def rebuild(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the new home.")],
    *,
    vault: Annotated[
        str,
        typer.Option(
            metavar="PLACE", help="The vault: a folder, s3://BUCKET/PATH or az://CONTAINER/PATH."
        ),
    ],
    sheet: Annotated[Path, typer.Option(metavar="FILE", help="The recovery sheet.")],
    service_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The key file; default: DIR/keys/service.key."),
    ] = None,
    home_key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Saved keys/home.key of the lost home; credentials need not be entered again.",
        ),
    ] = None,
    copy: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=1, help="An earlier copy of the home's data."),
    ] = None,
    endpoint: Endpoint = "",
    region: Region = "",
    hosted: Hosted = False,
    ca_file: CaFile = None,
    credentials: Credentials = None,
    maintenance: Maintenance = None,
    bandwidth: Bandwidth = 0,
    database: Database = "",
    json: AsJson = False,
) -> ExitCode:
    """Rebuild a lost home on a new machine: orgs, schedules, runs, alerts."""
    from unlost.app.actions.vault.init import InitRequest
    from unlost.app.actions.vault.rebuild import Rebuild
    from unlost.app.actions.vault.rebuild import rebuild as act

    there = vault_place(
        vault,
        endpoint=endpoint,
        region=region,
        hosted=hosted,
        ca_file=ca_file,
        credentials=credentials,
        maintenance=maintenance,
        bandwidth=bandwidth,
    )
    place = InitRequest(root=folder, vault=there, service_key=service_key, database=database)
    request = Rebuild(place, read_sheet(sheet), home_key=home_key, copy=copy)
    answer(act(request), as_json=json, show=_show)
    return ExitCode.OK


@app.command("copy")
def copy(
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
    """Copy the vault to another place, or update an earlier copy. The copy stays encrypted."""
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
        from unlost.app.actions.vault.copy_vault import copy as act

        result = act(application, there)
    answer(result, as_json=json, show=_show_copied)
    return ExitCode.OK


def _show_copied(out: Output, result: "VaultCopied") -> None:
    already = f"; {many(result.there, 'object')} existed already" if result.there else ""
    out.print(
        f"{result.place} has the complete vault: {many(result.objects, 'object')} copied, "
        f"{size(result.bytes)}{already}."
    )
    out.print("All copied objects were read back and compared.")
    out.print()
    rebuild_it = command("vault", "rebuild", "DIR", "--vault", result.place, "--sheet", "FILE")
    out.print(f"Rebuild a home from it: {rebuild_it}")


def _show(out: Output, result: "RebuildResult") -> None:
    out.print(f"Home         {result.home.home}")
    out.print(f"Vault        {result.home.vault}  (id {result.home.vault_id})")
    out.print(f"Service key  {result.home.service_key}")
    for org in result.orgs:
        _show_org(out, org)
    out.print(f"{many(result.alerts, 'alert')}, {many(result.channels, 'channel')} for alerts")
    out.print()
    out.print(f"Next: export UNLOST_HOME={quote(result.home.home)}")
    for org in result.orgs:
        if not org.credentials:
            out.print(
                f"      unlost org add CONNECTOR {plain(org.name)}  (enter its credentials again)"
            )
        if org.writer is False:
            out.print(f"      unlost org writer {plain(org.name)}  (enter its credentials again)")
    for name in result.silent:
        out.print(f"      unlost alert channel {quote(plain(name))} KIND  (enter its secret again)")
    out.print("      unlost doctor")


def _show_org(out: Output, rebuilt: "RebuiltOrg") -> None:
    nightly = "every night" if rebuilt.nightly else "not automatically"
    out.print(
        f"{plain(rebuilt.name)}: {many(rebuilt.backups, 'backup')}, the last {when(rebuilt.last_backup)}, "
        f"{many(rebuilt.runs, 'run')}, backed up {nightly}"
    )
