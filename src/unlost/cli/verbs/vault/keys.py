"""unlost key: manage the keys that open the vault."""

import sys
from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.given_key import ByPassphrase, Sheet, given_key_of, owner_key_of
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import many, size
from unlost.cli.verbs.vault.init import confirm_sheet
from unlost.model.errors import NotAllowed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from unlost.app.actions.vault.keys import KeyChange, KeyRemoved, Keys, KeyTestResult, SheetShown
    from unlost.app.actions.vault.rekey import AllRekeyed, OrgRekeyed
    from unlost.app.actions.vault.renewal import RenewalAuthority, RenewalResult
    from unlost.app.home.sealed_key import Sealer
    from unlost.app.vault.new_keys import NewKey
    from unlost.vault.format.recovery import RecoverySheet

STDOUT = Path("-")

app = typer.Typer(
    no_args_is_help=True, help="Manage the keys that open the vault, and the recovery sheet."
)

SlotName = Annotated[str, typer.Argument(metavar="SLOT", help="Name of the slot.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="Write a new key to this file, outside the vault; - writes it to stdout.",
    ),
]
Passphrase = Annotated[
    bool, typer.Option("--passphrase", help="Use a passphrase; seven words are proposed.")
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="FILE", help="Read the passphrase from a file."),
]
Transit = Annotated[
    str,
    typer.Option(
        "--transit",
        metavar="ADDRESS",
        help="Seal the key with the transit engine of this OpenBao or HashiCorp Vault.",
    ),
]
TransitKey = Annotated[
    str, typer.Option("--transit-key", metavar="NAME", help="Name of the sealing key there.")
]
TransitMount = Annotated[
    str, typer.Option("--transit-mount", metavar="PATH", help="Mount path of the engine.")
]
TransitCa = Annotated[
    str,
    typer.Option("--transit-ca", metavar="FILE", help="CA certificates to trust for it, as PEM."),
]
TokenFile = Annotated[
    str,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="A file with a token that may use it; a name without / is a credential of systemd.",
    ),
]


@app.command("list")
def every(
    *,
    sheet: Sheet = None,
    by_passphrase: ByPassphrase = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """List the keys that open the vault."""
    with opened(home) as application:
        from unlost.app.actions.vault.keys import keys as act

        all_keys = act(application, given_key_of(sheet, by_passphrase))
        answer(all_keys, as_json=json, show=_show_all)
    return ExitCode.OK


@app.command("add")
def add(
    slot: SlotName,
    *,
    key_file: KeyFile = None,
    service: Annotated[
        bool,
        typer.Option("--service", help="Write the key to the key file of this home's service."),
    ] = False,
    passphrase: Passphrase = False,
    passphrase_file: PassphraseFile = None,
    transit: Transit = "",
    transit_key: TransitKey = "",
    transit_mount: TransitMount = "transit",
    transit_ca: TransitCa = "",
    token_file: TokenFile = "",
    sheet: Sheet = None,
    by_passphrase: ByPassphrase = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Add a key that opens the vault. Needs the recovery sheet or a passphrase.

    A passphrase may also change keys and destroy orgs; a key file only opens the vault. For a systemd
    unit, without storing the key on disk unencrypted: `unlost key add nightly --key-file - --sheet
    FILE | systemd-creds encrypt --name=unlost.service-key - CREDENTIAL`
    """
    with opened(home) as application:
        from unlost.app.actions.vault.keys import add as act

        given_key = owner_key_of(sheet, by_passphrase)
        sealer = _sealer(transit, transit_key, token_file, mount=transit_mount, ca_file=transit_ca)
        new = _new(key_file, passphrase=passphrase, words=passphrase_file, service=service)
        new = replaced(new, sealer=sealer)
        _answer(act(application, slot, new, given_key), key_file, as_json=json)
    return ExitCode.OK


@app.command("remove")
def remove(
    slot: SlotName,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    sheet: Sheet = None,
    by_passphrase: ByPassphrase = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Remove a slot. Its key no longer opens the vault. Needs the recovery sheet or a passphrase.

    A person who has opened the vault with it may have kept the master key.
    """
    with opened(home) as application:
        from unlost.app.actions.vault.keys import remove as act

        given_key = owner_key_of(sheet, by_passphrase)
        if not yes:
            _ask(slot, as_json=json)
        answer(act(application, slot, given_key), as_json=json, show=_show_removed)
    return ExitCode.OK


@app.command("replace")
def replace(
    slot: SlotName,
    *,
    key_file: KeyFile = None,
    passphrase: Passphrase = False,
    passphrase_file: PassphraseFile = None,
    transit: Transit = "",
    transit_key: TransitKey = "",
    transit_mount: TransitMount = "transit",
    transit_ca: TransitCa = "",
    token_file: TokenFile = "",
    sheet: Sheet = None,
    by_passphrase: ByPassphrase = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Replace the key of a slot in one step; without options, the service's own key.

    Needs the recovery sheet or a passphrase. The new slot has a new name, which is printed.
    """
    with opened(home) as application:
        from unlost.app.actions.vault.keys import replace as act

        given_key = owner_key_of(sheet, by_passphrase)
        sealer = _sealer(transit, transit_key, token_file, mount=transit_mount, ca_file=transit_ca)
        new = None
        if key_file or passphrase or passphrase_file:
            new = _new(key_file, passphrase=passphrase, words=passphrase_file)
            new = replaced(new, sealer=sealer)
        _answer(act(application, slot, new, given_key, sealer=sealer), key_file, as_json=json)
    return ExitCode.OK


@app.command("test")
def try_key(
    *,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", metavar="FILE", help="Test the key in this file.")
    ] = None,
    sheet: Sheet = None,
    by_passphrase: ByPassphrase = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Test whether a key opens the vault; without options, the service's key."""
    with opened(home) as application:
        from unlost.app.actions.vault.keys import tried as act

        given_key = given_key_of(sheet, by_passphrase, key_file=key_file)
        answer(act(application, given_key), as_json=json, show=_show_tried)
    return ExitCode.OK


@app.command("sheet")
def show_sheet(
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Write the sheet to this file instead of showing it."
        ),
    ] = None,
    sheet: Sheet = None,
    by_passphrase: ByPassphrase = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show the recovery sheet again, and confirm that it was written down.

    Needs a passphrase or the sheet: a key file cannot show it.
    """
    _check_terminal(out)
    with opened(home) as application:
        from unlost.app.actions.vault.keys import sheet as act

        done = act(application, _hand_over(out), owner_key_of(sheet, by_passphrase))
        answer(done, as_json=json, show=_show_sheet)
    return ExitCode.OK


@app.command("renew")
def renew(
    *,
    recovery_out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the new recovery sheet to this file instead of showing it."
        ),
    ] = None,
    lost_sheet: Annotated[
        bool,
        typer.Option(
            "--lost-sheet",
            help="The sheet and all passphrases are lost: use this home's service key, and the right "
            "to delete in the vault. Other homes need a new key afterwards.",
        ),
    ] = False,
    give_up_lost_keys: Annotated[
        bool,
        typer.Option(
            "--give-up-lost-keys",
            help="Renew although org keys are lost: they cannot be restored from a mirror afterwards.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    sheet: Sheet = None,
    by_passphrase: ByPassphrase = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Renew the master key, for example after a theft. All earlier slots and sheets become invalid.

    Needs the recovery sheet or a passphrase. The service of this home gets a new key. A thief cannot
    read anything written from now on, but can still read earlier data that they have.
    """
    _check_terminal(recovery_out, option="--recovery-out")
    with opened(home) as application:
        from unlost.app.actions.vault.renewal import LostKeys, RenewalAuthority
        from unlost.app.actions.vault.renewal import renew as act
        from unlost.app.home.home_keys import SERVICE_KEY

        if lost_sheet and (sheet is not None or by_passphrase):
            raise UsageError(
                "way-in-unclear",
                "With --lost-sheet, the service key opens the vault.",
                next_step="If you have the recovery sheet or a passphrase, omit --lost-sheet.",
            )
        authority = RenewalAuthority.LOST if lost_sheet else RenewalAuthority.OWNER
        given_key = SERVICE_KEY if lost_sheet else owner_key_of(sheet, by_passphrase)
        if not yes:
            _ask_renewal(authority, as_json=json)
        done = act(
            application,
            _hand_over(recovery_out),
            given_key,
            authority=authority,
            on_lost_keys=LostKeys.GIVE_UP if give_up_lost_keys else LostKeys.REFUSE,
        )
        answer(done, as_json=json, show=_show_renewed)
    return ExitCode.OK


@app.command("rekey")
def rekey(
    org: Annotated[
        str | None, typer.Argument(metavar="[ORG]", help="An org; default: all orgs.")
    ] = None,
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Re-encrypt all data under the newest keys, after the master key was renewed.

    Backups do not change. The service does this automatically, a part each night. Data that a thief
    has already copied stays readable to them.
    """
    with opened(home) as application:
        from unlost.app.actions.vault.rekey import rekey as act

        done = act(application, org)
    answer(done, as_json=json, show=_show_rekeyed)
    return ExitCode.OK


# --- questions -----------------------------------------------------------------------------------


def _new(
    key_file: Path | None, *, passphrase: bool, words: Path | None, service: bool = False
) -> "NewKey":
    from unlost.app.vault.new_keys import NewKey

    words_note = _words(words) if words is not None else ""
    if passphrase and not words_note:
        words_note = _proposed()
    if key_file == STDOUT:
        return NewKey(service=service, passphrase=words_note, tell=sys.stdout.write)
    return NewKey(key_file=key_file, service=service, passphrase=words_note)


def _sealer(
    address: str, key: str, token_file: str, *, mount: str, ca_file: str
) -> "Sealer | None":
    from unlost.app.home.sealed_key import Sealer

    if address and key and token_file:
        return Sealer(address, key, token_file, mount, ca_file)
    if address or key or token_file:
        raise UsageError(
            "transit-unclear",
            "The options of the transit engine are incomplete.",
            next_step="Use --transit https://bao.example:8200 --transit-key NAME --token-file FILE.",
        )
    return None


def _words(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            "passphrase-unreadable",
            "The passphrase in {file} cannot be read.",
            next_step="Give a text file that contains only the passphrase.",
            file=file,
        ) from None


def _proposed() -> str:
    """Show a proposed passphrase on the terminal, and prompt for that or another one."""
    from unlost.app.home.system import SystemEntropy
    from unlost.vault.keys.passphrase import new_passphrase

    if not sys.stdin.isatty():
        raise UsageError(
            "passphrase-needs-terminal",
            "A passphrase must be shown and confirmed on a terminal.",
            next_step="Write the words to a file, and use --passphrase-file FILE.",
        )
    typer.echo(f"    {new_passphrase(SystemEntropy())}", err=True)
    typer.echo("Write these words down and type them, or choose your own.", err=True)
    return str(typer.prompt("Passphrase", confirmation_prompt=True, hide_input=True, err=True))


def _ask(slot: str, *, as_json: bool) -> None:
    if as_json:
        raise UsageError(
            "key-not-agreed",
            "With --json there is no prompt, so that --yes must confirm this.",
            next_step="Add --yes to remove the slot.",
        )
    typer.confirm(f"Remove the slot {slot}? Its key will no longer open the vault.", abort=True)


def _ask_renewal(authority: "RenewalAuthority", *, as_json: bool) -> None:
    from unlost.app.actions.vault.renewal import RenewalAuthority

    if as_json:
        raise UsageError(
            "key-not-agreed",
            "With --json there is no prompt, so that --yes must confirm this.",
            next_step="Add --yes to invalidate all other slots and sheets.",
        )
    if authority is RenewalAuthority.LOST:
        typer.echo("The vault's other homes will need a new key each.", err=True)
    typer.confirm("All other slots and the recovery sheet become invalid. Continue?", abort=True)


def _check_terminal(out: Path | None, *, option: str = "--out") -> None:
    if out is None and not sys.stdin.isatty():
        raise UsageError(
            "sheet-needs-terminal",
            "The recovery sheet must be shown and confirmed on a terminal.",
            next_step="Add {option} FILE, and print that file.",
            option=option,
        )


def _hand_over(out: Path | None) -> "Callable[[RecoverySheet], None]":
    """Return a function that shows the sheet and asks for two groups, or writes it to a file."""
    from unlost.app.home.home import write_secret_file
    from unlost.app.home.system import SystemEntropy

    failed = NotAllowed(
        "sheet-not-confirmed",
        "The recovery sheet was not confirmed. The earlier sheet stays valid.",
        next_step="Write it down and try again.",
    )

    def hand(sheet: "RecoverySheet") -> None:
        if out is None:
            confirm_sheet(sheet, SystemEntropy(), failed=failed)
        else:
            write_secret_file(out, sheet.text())

    return hand


# --- output --------------------------------------------------------------------------------------


def _answer(done: "KeyChange", key_file: Path | None, *, as_json: bool) -> None:
    if key_file == STDOUT:  # stdout contains the key
        typer.echo(f"The key of the slot {done.slot} was written to stdout.", err=True)
    else:
        answer(done, as_json=as_json, show=_show_change)


def _show_all(out: Output, all_keys: "Keys") -> None:
    from unlost.cli.grid import grid

    table = grid("slot", "opened by", "changes keys", "")
    for slot in all_keys.slots:
        remark = "used by the service of this home" if slot.service else ""
        table.add_row(slot.slot, slot.kind.value, "yes" if slot.authorizes else "no", remark)
    out.print(table)
    out.print(f"Changes are signed by the owner's key {all_keys.owner}.")
    out.print(f"The master key is number {all_keys.generation}.")
    if all_keys.renewed_at:
        out.print(f"A key was last replaced or renewed on {all_keys.renewed_at:%Y-%m-%d}.")
    if all_keys.sheet_confirmed_at:
        out.print(
            f"The recovery sheet was last written down on {all_keys.sheet_confirmed_at:%Y-%m-%d}."
        )
    else:
        out.print(
            "It was never confirmed that the recovery sheet was written down. Next: "
            "unlost key sheet --sheet FILE or --by-passphrase SLOT"
        )


def _show_change(out: Output, done: "KeyChange") -> None:
    out.print(f"The slot {done.slot} opens the vault with {_by(done)}.")
    if done.key_file:
        out.print("Let only its owner read the file, and never store it next to the vault.")
    if done.replaced:
        out.print(f"The slot {done.replaced} was removed.")
        _show_limits(out)


def _by(done: "KeyChange") -> str:
    return f"the key in {done.key_file}" if done.key_file else f"its {done.kind.value}"


def _show_removed(out: Output, done: "KeyRemoved") -> None:
    remaining = f"{many(len(done.remaining), 'slot')} left: {', '.join(done.remaining)}."
    out.print(f"The slot {done.slot} was removed; {remaining}")
    _show_limits(out)


def _show_limits(out: Output) -> None:
    out.print(
        "Warning: a person who opened the vault with it may have kept the master key, which still "
        "opens every copy of the vault. If you do not trust this person: unlost key renew --sheet FILE"
    )


def _show_tried(out: Output, done: "KeyTestResult") -> None:
    by = f"slot {done.slot}" if done.slot else "recovery sheet"
    out.print(f"It opens the vault {done.vault_id} ({by}).")


def _show_renewed(out: Output, done: "RenewalResult") -> None:
    out.print(f"The vault {done.vault_id} has a new master key. Orgs with a new key: {done.orgs}.")
    out.print(f"The slot {done.slot} opens it with the key in {done.key_file}.")
    ended = ", ".join(done.ended)
    out.print(f"The earlier recovery sheet and these slots no longer open it: {ended}.")
    out.print(
        "Next: restart the service (unlost up) and its workers on every machine, and add the other keys"
    )
    out.print("again. Destroy old sheets, and old copies of the vault that you do not need.")
    out.print("In each other home of this vault, move its key file away, and create a new one with")
    out.print("unlost key add NAME --service --sheet FILE")
    out.print("A person with the old master key and a copy of earlier backups can still read them.")


def _show_sheet(out: Output, done: "SheetShown") -> None:
    out.print(f"The recovery sheet of the vault {done.vault_id} was written down.")
    out.print("Keep it on paper in two places, and delete files that contain it.")


def _show_rekeyed(out: Output, done: "AllRekeyed") -> None:
    if not done.orgs:
        out.print("There is no org yet.")
    for org in done.orgs:
        _show_org_rekeyed(out, org)


def _show_org_rekeyed(out: Output, rekeyed: "OrgRekeyed") -> None:
    if rekeyed.objects:
        out.print(
            f"{rekeyed.org}: {many(rekeyed.objects, 'object')} of {size(rekeyed.bytes)} re-encrypted."
        )
    if rekeyed.complete:
        out.print(f"{rekeyed.org}: nothing is under an earlier key; earlier keys were removed.")
    elif rekeyed.damaged:
        out.print(
            f"{rekeyed.org}: {rekeyed.damaged} cannot be decrypted, so the earlier keys stay."
        )
        out.print(
            "Next: unlost verify --level full, then repair it from a copy with --repair-from PLACE."
        )
    elif rekeyed.held_by:
        out.print(
            f"{rekeyed.org}: the run {rekeyed.held_by} started under an earlier key, and must end first."
        )
    else:
        out.print(
            f"{rekeyed.org}: {many(rekeyed.waiting, 'object')} that no backup needs will be removed in some "
            "days, when no program can still be reading them. Maintenance does this, and then removes the "
            "earlier keys."
        )
