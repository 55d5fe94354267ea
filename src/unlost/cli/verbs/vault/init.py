"""unlost init: create a home and its vault."""

import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.given_key import read_sheet
from unlost.cli.options import (
    AsJson,
    Bandwidth,
    CaFile,
    Credentials,
    Database,
    Endpoint,
    Hosted,
    Maintenance,
    Region,
)
from unlost.cli.place import vault_place
from unlost.model.errors import NotAllowed, UsageError

if TYPE_CHECKING:
    from unlost.app.actions.vault.init import InitRequest, InitResult
    from unlost.model.ports.system import Entropy
    from unlost.vault.format.recovery import RecoverySheet

TRIES = 3


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the home.")],
    *,
    vault: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Folder for the vault, s3://BUCKET/PATH or az://CONTAINER/PATH; default: DIR/vault.",
        ),
    ] = None,
    endpoint: Endpoint = "",
    region: Region = "",
    hosted: Hosted = False,
    ca_file: CaFile = None,
    credentials: Credentials = None,
    maintenance: Maintenance = None,
    bandwidth: Bandwidth = 0,
    service_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The key file; default: DIR/keys/service.key."),
    ] = None,
    recovery_out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the recovery sheet to this file instead of showing it."
        ),
    ] = None,
    from_sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Open an existing vault with its recovery sheet, on a new machine.",
        ),
    ] = None,
    database: Database = "",
    json: AsJson = False,
) -> ExitCode:
    """Create a home, a vault, its key, and the recovery sheet."""
    from unlost.app.actions.vault.init import InitRequest

    request = InitRequest(
        root=folder,
        vault=vault_place(
            vault,
            endpoint=endpoint,
            region=region,
            hosted=hosted,
            ca_file=ca_file,
            credentials=credentials,
            maintenance=maintenance,
            bandwidth=bandwidth,
        ),
        service_key=service_key,
        recovery_out=recovery_out,
        database=database,
    )
    result = _adopted(request, from_sheet) if from_sheet else _init_result(request)
    answer(result, as_json=json, show=_show)
    return ExitCode.OK


def _init_result(request: "InitRequest") -> "InitResult":
    from unlost.app.actions.vault.init import init as make
    from unlost.app.home.system import SystemEntropy

    entropy = SystemEntropy()
    # Checked before anything is created.
    if request.recovery_out is None and not sys.stdin.isatty():
        raise UsageError(
            "sheet-needs-terminal",
            "The recovery sheet must be shown and confirmed on a terminal.",
            next_step="Add --recovery-out FILE, and print that file.",
        )
    failed = NotAllowed(
        "sheet-not-confirmed",
        "The recovery sheet was not confirmed, so no vault was created.",
        next_step="Run `unlost init` again. It creates a new sheet.",
    )
    return make(
        request,
        confirm=lambda sheet: confirm_sheet(sheet, entropy, failed=failed),
        entropy=entropy,
    )


def _adopted(request: "InitRequest", sheet: Path) -> "InitResult":
    from unlost.app.actions.vault.init import adopt_vault

    return adopt_vault(request, sheet=read_sheet(sheet))


def confirm_sheet(sheet: "RecoverySheet", entropy: "Entropy", *, failed: NotAllowed) -> None:
    """Show the sheet on stderr, and ask for two of its groups to confirm it.

    Raises ``failed`` after too many wrong answers.
    """
    from unlost.vault.format.recovery import confirm_groups

    count = len(sheet.groups())
    first = int(entropy.fraction() * count)
    # Always another group than the first.
    second = (first + 1 + int(entropy.fraction() * (count - 1))) % count
    # On stderr, so that it does not end up in a redirected result.
    typer.echo(sheet.text(), err=True)
    typer.echo(
        "Write it down or print it now. It opens the vault if everything else is lost.", err=True
    )
    for attempt in range(1, TRIES + 1):
        typed = {
            number: typer.prompt(f"Type group {number}", err=True)
            for number in sorted((first + 1, second + 1))
        }
        try:
            confirm_groups(sheet, typed)
        except UsageError as error:
            typer.echo(f"{error.sentence} {error.next_step}", err=True)
            if attempt == TRIES:
                raise failed from None
        else:
            return


def _show(out: Output, result: "InitResult") -> None:
    out.print(f"Home         {result.home}")
    out.print(f"Vault        {result.vault}  (id {result.vault_id})")
    out.print(f"Service key  {result.service_key}  (opens the vault for the service)")
    if result.database:
        out.print(f"Database     {result.database}")
    if result.recovery_sheet:
        out.print(f"Recovery     {result.recovery_sheet}")
        out.print()
        out.print("Print the recovery sheet, keep it in a safe place, and delete the file.")
    out.print()
    out.print(f"Next: export UNLOST_HOME={quote(result.home)}")
    out.print("      unlost org add --help        lists the systems that can be protected")
