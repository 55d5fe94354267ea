"""unlost org: add and list orgs, columns, write users, approval of plans, and bypasses."""

import os
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.given_key import ByPassphrase, Sheet, owner_key_of
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import many, plain, size, when

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unlost.app.actions.orgs.approval_policy import OrgApprovalPolicy
    from unlost.app.actions.orgs.bypass import OrgBypass
    from unlost.app.actions.orgs.checklist import OrgChecklist
    from unlost.app.actions.orgs.follow import FollowedOrg
    from unlost.app.actions.orgs.hidden_columns import HiddenOfOrg
    from unlost.app.actions.orgs.orgs import AddedOrg, OrgList
    from unlost.app.actions.orgs.searched_columns import SearchedOfOrg
    from unlost.app.actions.orgs.write_access import WriterResult
    from unlost.app.actions.vault.shred import ShredPlan, ShredResult
    from unlost.cli.connector_forms import Given
    from unlost.model.errors import UsageError
    from unlost.model.finding import Finding
    from unlost.model.ports.source import Connector, SecretField


class ConnectorCommands(TyperGroup):
    """A group with one command per connector, created on demand, as connectors import slowly."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names of all connectors."""
        from unlost.app.home.discovery import connector_names

        return list(connector_names())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command that adds an org of this connector; None if unknown."""
        if cmd_name not in self.list_commands(ctx):
            return None
        from unlost.app.home.discovery import load_connector
        from unlost.cli.connector_forms import form

        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name)(form(load_connector(cmd_name), _add))
        return typer.main.get_command(single)


class WriteConnectors(TyperGroup):
    """A group in which the name of an org takes the place of a command: ``org writer NAME``."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return no names, as any name of an org is valid."""
        return []

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ARG002
        """Return the org's name, the command with the settings of its connector, and the rest."""
        org, *rest = args
        return org, writer_command(org, _connector_of(org, home=_home_among(rest))), rest


def writer_command(org: str, connector: "Connector") -> Any:
    """Return the command that sets up the write user of an org of this connector."""
    from unlost.cli.connector_forms import writer_form

    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(org)(writer_form(connector, partial(_set_writer, org)))
    return typer.main.get_command(single)


def _connector_of(org: str, *, home: Path | None) -> "Connector":
    from unlost.app.actions.orgs.orgs import list_all
    from unlost.app.home.discovery import load_connector

    with opened(home) as application:
        return load_connector(list_all(application).connector_of(org))


def _home_among(words: "Sequence[str]") -> Path | None:
    """The home that the options name: they are read only when their command is known."""
    for word, following in pairwise([*words, ""]):
        option, _, value = word.partition("=")
        if option == "--home":
            return Path(value or following)
    named = os.environ.get("UNLOST_HOME")
    return Path(named) if named else None


ColumnName = Annotated[
    str, typer.Argument(metavar="TABLE.COLUMN", help="Such as Contact.Birthdate.")
]

app = typer.Typer(
    help="Add and list orgs, hide and search columns, and set up write users.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(
    typer.Typer(cls=ConnectorCommands, no_args_is_help=True, rich_markup_mode=None),
    name="add",
    help="Add an org, and show which data its backup user cannot see.",
)


app.add_typer(
    typer.Typer(
        cls=WriteConnectors,
        no_args_is_help=True,
        rich_markup_mode=None,
        subcommand_metavar="NAME [SETTINGS]...",
        epilog="For the settings, see: unlost org writer NAME --help",
    ),
    name="writer",
    help="Set up the write user of an org, which only restores use.",
)


@app.command("list")
def list_orgs(*, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the orgs with their newest backup."""
    with opened(home) as application:
        from unlost.app.actions.orgs.orgs import list_all

        answer(list_all(application), as_json=json, show=_show_list)
    return ExitCode.OK


@app.command("follow")
def follow(name: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Point a name to the org that now answers at its address, after a sandbox was refreshed."""
    with opened(home) as application:
        from unlost.app.actions.orgs.follow import follow as act

        answer(act(application, name), as_json=json, show=_show_followed)
    return ExitCode.OK


@app.command("shred")
def shred(
    org: OrgName,
    *,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only show the plan; change nothing.")
    ] = False,
    confirm: Annotated[
        str,
        typer.Option(
            "--confirm", metavar="ORG", help="Name of the org, as confirmation without a prompt."
        ),
    ] = "",
    sheet: Sheet = None,
    by_passphrase: ByPassphrase = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Destroy all backups of an org by destroying its keys. This cannot be undone.

    Needs the recovery sheet or a passphrase of the vault.
    """
    with opened(home) as application:
        from unlost.app.actions.vault.shred import plan as planned
        from unlost.app.actions.vault.shred import shred as act

        seen = planned(application, org)
        # With --json exactly one document is printed.
        if plan or not json:
            answer(seen, as_json=json, show=_show_shred_plan)
        if plan:
            return ExitCode.OK
        given_key = owner_key_of(sheet, by_passphrase)
        if not confirm and not json:
            confirm = typer.prompt("Type the org's name to destroy all its backups", err=True)
        done = act(application, org, typed=confirm, head=seen.head, given_key=given_key)
        answer(done, as_json=json, show=_show_shredded)
    return ExitCode.OK


@app.command("checklist")
def checklist(org: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Check each step of an org's setup: what is missing, what to click, and why it matters."""
    with opened(home) as application:
        from unlost.app.actions.orgs.checklist import org_checklist

        result = org_checklist(application, org)
        answer(result, as_json=json, show=_show_checklist)
    return ExitCode.FINDINGS if result.missing else ExitCode.OK


@app.command("approval")
def approval(
    org: OrgName,
    *,
    records: Annotated[
        int | None,
        typer.Option(
            "--records", metavar="N", help="Ask if more than N records are written or deleted."
        ),
    ] = None,
    production: Annotated[
        bool, typer.Option("--production", help="Ask always, if this is a production org.")
    ] = False,
    deletes: Annotated[
        bool,
        typer.Option(
            "--deletes", help="Ask if records are deleted, as by an archive, a purge or an undo."
        ),
    ] = False,
    off: Annotated[bool, typer.Option("--off", help="Never ask.")] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show or set which plans of an org need the approval of a second person.

    This covers the plans of restores, corrections, undos, archives and purges. Options replace the
    present policy. Without options, the command shows it.
    """
    with opened(home) as application:
        from unlost.app.actions.orgs.approval_policy import change, show
        from unlost.model.approval import ApprovalPolicy

        policy = ApprovalPolicy(records=records, production=production, deletes=deletes)
        if off and not policy.is_off:
            raise approval_contradictory()
        result = (
            show(application, org)
            if policy.is_off and not off
            else change(application, org, policy)
        )
        answer(result, as_json=json, show=_show_approval)
    return ExitCode.OK


def approval_contradictory() -> "UsageError":
    """Return the error for ``--off`` beside a condition."""
    from unlost.model.errors import UsageError

    return UsageError(
        "approval-contradictory",
        "--off cannot be combined with a condition.",
        next_step="Use either --off, or some of --records, --production and --deletes.",
    )


@app.command("bypass")
def bypass(
    org: OrgName,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="The kind, such as permission-set.")
    ] = "",
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name in the org.")] = "",
    *,
    off: Annotated[bool, typer.Option("--off", help="Use no bypass any more.")] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show or set the bypass of an org, which is on while a restore writes to it.

    The automation of the org must check it. Without KIND and NAME it is shown.
    """
    with opened(home) as application:
        from unlost.app.actions.orgs.bypass import change, show

        if off and kind:
            raise bypass_contradictory()
        result = (
            change(application, org, kind=kind, name=name)
            if kind or off
            else show(application, org)
        )
        answer(result, as_json=json, show=_show_bypass)
    return ExitCode.OK


def bypass_contradictory() -> "UsageError":
    """Return the error for ``--off`` beside a bypass."""
    from unlost.model.errors import UsageError

    return UsageError(
        "bypass-contradictory",
        "--off cannot be combined with a bypass.",
        next_step="Use either --off, or KIND and NAME.",
    )


@app.command("hidden")
def hidden(org: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the columns that are hidden from viewers and operators of an org."""
    with opened(home) as application:
        from unlost.app.actions.orgs.hidden_columns import hidden as act

        answer(act(application, org), as_json=json, show=_show_hidden)
    return ExitCode.OK


@app.command("hide")
def hide(org: OrgName, column: ColumnName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Hide a column from viewers and operators, in the console, searches, files and the API."""
    with opened(home) as application:
        from unlost.app.actions.orgs.hidden_columns import hide as act

        answer(act(application, org, column), as_json=json, show=_show_hidden)
    return ExitCode.OK


@app.command("unhide")
def unhide(
    org: OrgName, column: ColumnName, *, home: Home = None, json: AsJson = False
) -> ExitCode:
    """Show a hidden column to viewers and operators again."""
    with opened(home) as application:
        from unlost.app.actions.orgs.hidden_columns import show as act

        answer(act(application, org, column), as_json=json, show=_show_hidden)
    return ExitCode.OK


@app.command("searched")
def searched(org: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the columns that were chosen to be searched, beside those that are always searched."""
    with opened(home) as application:
        from unlost.app.actions.orgs.searched_columns import chosen as act

        answer(act(application, org), as_json=json, show=_show_searched)
    return ExitCode.OK


@app.command("search")
def search(
    org: OrgName, column: ColumnName, *, home: Home = None, json: AsJson = False
) -> ExitCode:
    """Search a further column from the next backup on; earlier backups follow during maintenance."""
    with opened(home) as application:
        from unlost.app.actions.orgs.searched_columns import choose as act

        answer(act(application, org, column), as_json=json, show=_show_searched)
    return ExitCode.OK


@app.command("unsearch")
def unsearch(
    org: OrgName, column: ColumnName, *, home: Home = None, json: AsJson = False
) -> ExitCode:
    """Stop searching a column in records that change from now on; words in the index stay."""
    with opened(home) as application:
        from unlost.app.actions.orgs.searched_columns import drop as act

        answer(act(application, org, column), as_json=json, show=_show_searched)
    return ExitCode.OK


def _show_approval(out: Output, result: "OrgApprovalPolicy") -> None:
    policy = result.policy
    if policy.is_off:
        out.print(f"Plans of {result.org} need no second person.")
        return
    out.print(f"Plans of {result.org} need the approval of a second person if:")
    if policy.records is not None:
        out.print(f"  - more than {many(policy.records, 'record')} would be written or deleted")
    if policy.production:
        note = "" if result.kind.may_be_production else " (it is not)"
        out.print(f"  - the org is a production org{note}")
    if policy.deletes:
        out.print("  - records would be deleted, as by an archive, a purge or an undo")
    out.print(f"An approval is valid for {many(result.days, 'day')}.")


def _show_bypass(out: Output, result: "OrgBypass") -> None:
    if result.bypass is None:
        out.print(f"Restores to {result.org} use no bypass: all its automation acts.")
        for kind in result.kinds:
            out.print(f"  - {kind.kind}: {kind.hint}")
        return
    out.print(f"While a restore writes to {result.org}, this bypass is on: {result.bypass}")


def _show_searched(out: Output, result: "SearchedOfOrg") -> None:
    if not result.columns:
        out.print(f"No further columns are searched in {result.org}.")
        return
    out.print(f"Also searched in {result.org}, from its next backup on:")
    for column in result.columns:
        out.print(f"  - {column}")


def _show_checklist(out: Output, result: "OrgChecklist") -> None:
    if not result.steps:
        out.print("This kind of org has no checklist.")
        return
    for step in result.steps:
        out.print(
            f"{step.state:8} {step.title}" + (f": {plain(str(step.seen))}" if step.seen else "")
        )
        if step.state != "done":
            out.print(f"         {step.how}")
            out.print(f"         {step.why}")


def _show_hidden(out: Output, result: "HiddenOfOrg") -> None:
    if not result.columns:
        out.print(f"No columns are hidden in {result.org}.")
        return
    out.print(f"Viewers and operators of {result.org} do not see:")
    for column in result.columns:
        out.print(f"  - {column}")


def _show_followed(out: Output, result: "FollowedOrg") -> None:
    out.print(f"{result.name} now stands for {plain(result.label or result.tenant)}.")
    out.print(
        f"The earlier org is kept as {result.kept_as}, with {many(result.backups, 'backup')}. It is "
        "no longer backed up."
    )
    out.print(f"Next: unlost backup {result.name}")


def _add(connector: "Connector", given: "Given") -> ExitCode:
    from unlost.app.actions.orgs.orgs import NewOrg, add_org
    from unlost.cli.connector_forms import config_values, given_secrets

    new = NewOrg(
        connector=connector.name,
        name=given["name"],
        config=config_values(connector, given),
        secrets=given_secrets(connector, given),
    )
    with opened(given["home"]) as application:
        added = add_org(application, new, ask=_ask)
    answer(added, as_json=given["json"], show=_show_added)
    return ExitCode.FINDINGS if added.gaps else ExitCode.OK


def _set_writer(org: str, connector: "Connector", given: "Given") -> ExitCode:
    from unlost.app.actions.orgs.write_access import NewWriter, set_writer
    from unlost.cli.connector_forms import given_settings, writer_secrets

    new = NewWriter(
        org=org,
        config=given_settings(connector, given),
        secrets=writer_secrets(connector, given),
    )
    with opened(given["home"]) as application:
        result = set_writer(application, new, ask=_ask)
    answer(result, as_json=given["json"], show=_show_writer)
    return ExitCode.FINDINGS if result.missing else ExitCode.OK


def _ask(secret: "SecretField") -> str | None:
    """Prompt for a secret without echo, if the input is a terminal."""
    # A key of several lines cannot be typed at a prompt.
    if secret.lines or not secret.required or not sys.stdin.isatty():
        return None
    return str(typer.prompt(secret.label, hide_input=True, err=True)).strip()


def _show_added(out: Output, added: "AddedOrg") -> None:
    verb = "was updated" if added.known_before else "was added"
    out.print(f"{added.name} {verb}: {plain(added.label)} ({added.kind}, {added.tenant}).")
    out.print(f"The backup user sees {many(added.tables, 'table')}. Time zone: {added.zone}.")
    gaps = [finding for finding in added.findings if finding.severity == "gap"]
    notes = len(added.findings) - len(gaps)
    out.print()
    if gaps:
        out.print(f"This will not be protected ({many(len(gaps), 'gap')}):")
        for finding in gaps:
            _show_finding(out, finding)
    else:
        out.print("The backup user can see all data.")
    if notes:
        out.print(f"{many(notes, 'more note')} that do not concern data; --json lists all.")
    _show_continued(out, added.continues)
    out.print()
    out.print(f"Next: unlost backup {added.name}")


def _show_writer(out: Output, result: "WriterResult") -> None:
    out.print(f"Restores can write to {result.org}: {plain(result.label)} ({result.tenant}).")
    out.print("The write user is stored encrypted and used only for restores.")
    if result.is_backup_user:
        out.print("It is the backup user, which can therefore write too.")
        out.print("Create a separate user for restores.")
    _show_continued(out, result.continues)
    if result.missing:
        out.print()
        out.print(f"It lacks {many(len(result.missing), 'permission')}:")
        for permission in result.missing:
            out.print(f"  - {plain(permission.sentence)}")
    out.print()
    out.print(f"Next: unlost restore plan {result.org} --record TABLE/ID --out plan.json")


def _show_continued(out: Output, runs: "Sequence[str]") -> None:
    if runs:
        out.print(f"{many(len(runs), 'run')} waited for the sign-in; the service continues them.")


def _show_finding(out: Output, finding: "Finding") -> None:
    out.print(f"  - {plain(finding.sentence)}")
    if finding.next_step:
        out.print(f"    {plain(finding.next_step)}")


def _show_list(out: Output, result: "OrgList") -> None:
    from unlost.cli.grid import grid

    if not result.orgs:
        out.print("No org yet. Add one with `unlost org add`.")
        return
    table = grid("Name", "System", "Org", "Kind", "Backups", "Last backup", right=("Backups",))
    for org in result.orgs:
        last = when(org.last_backup, zone=org.zone)
        table.add_row(
            org.name, org.connector, plain(org.label), org.kind, f"{org.snapshots:,}", last
        )
    out.print(table)


def _show_shred_plan(out: Output, seen: "ShredPlan") -> None:
    out.print(
        f"{seen.org}: {many(seen.nights, 'backup')} in {many(seen.objects, 'object')} of "
        f"{size(seen.bytes)} would be destroyed, and all data of this home about the org."
    )
    if seen.holds:
        out.print(
            f"{many(seen.holds, 'legal hold forbids', 'legal holds forbid')} it: "
            f"see unlost hold list {seen.org}"
        )
    _show_what_stays(out)


def _show_shredded(out: Output, done: "ShredResult") -> None:
    out.print(
        f"{done.org} was destroyed: its keys, then {many(done.objects, 'object')} of {size(done.bytes)}. "
        f"Proof: {done.proof} in the vault, and each later entry of its register."
    )
    _show_what_stays(out)


def _show_what_stays(out: Output) -> None:
    out.print(
        "Not destroyed yet: the data in the mirror (run unlost vault mirror run). Not affected: other "
        "copies of the vault, earlier versions that a bucket keeps, exports, and the org itself. A copy "
        "of its keys opens a copy of its data."
    )
