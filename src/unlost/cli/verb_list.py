"""The verbs of ``unlost``, and the group that loads the module of a verb when it is called.

The help of ``unlost``, and the completion of verbs, need only their names and summaries. Importing
the modules of all verbs for these would take longer than most commands run. See docs/adr/0039.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from unlost.cli.conversion import VerbCommand, lazily_converted

VERBS_PACKAGE = "unlost.cli.verbs"


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: its module in ``unlost.cli.verbs``, and the first sentence of its help.

    A module with several verbs has a group named ``app``. Other modules have a function with the
    name of the verb.
    """

    name: str
    module: str
    summary: str
    is_group: bool = False
    is_hidden: bool = False


VERBS: Sequence[Verb] = (
    Verb("init", "vault.init", "Create a home, a vault, its key, and the recovery sheet."),
    Verb("backup", "backups.backup", "Back up an org, or resume an interrupted backup."),
    Verb("snapshots", "backups.snapshots", "List the backups of an org, oldest first."),
    Verb("certificate", "backups.certificate", "Show the certificate of a backup."),
    Verb(
        "gaps",
        "backups.gaps",
        "Manage the gaps of the newest backup: list them, and accept those that cannot be closed.",
        is_group=True,
    ),
    Verb(
        "status",
        "alerts.status",
        "Show the status of each org, with the reason and the next step.",
    ),
    Verb("find", "records.find", "Find records: live, deleted or archived ones."),
    Verb(
        "watch",
        "records.watch",
        "Watch records, and take changes of them back.",
        is_group=True,
    ),
    Verb("searches", "records.searches", "Manage your saved searches.", is_group=True),
    Verb(
        "history",
        "records.history",
        "Show the history of a record, field by field, oldest first.",
    ),
    Verb(
        "losses",
        "records.losses",
        "Manage losses: deletions that stand until they are restored or dismissed.",
        is_group=True,
    ),
    Verb(
        "compare",
        "records.compare",
        "Compare two backups, or a backup with the org as it is now.",
    ),
    Verb("show", "records.show", "Show a record and its related records at a point in time."),
    Verb(
        "related",
        "records.related",
        "List the records and files that belong to a record, by table, also archived ones.",
    ),
    Verb(
        "list",
        "records.list",
        "List records that are related to a record, match a search or are archived, or save them.",
    ),
    Verb("file", "records.file", "Write a file from the vault to disk."),
    Verb(
        "sql",
        "records.sql",
        "Query backups with SQL: org.table and org.table_history; append _text for verbatim texts.",
    ),
    Verb("verify", "vault.verify", "Verify the vault."),
    Verb(
        "compact",
        "vault.compact",
        "Compact the vault: merge data of many backups, and delete objects that are no longer "
        "needed.",
    ),
    Verb(
        "forget",
        "retention.forget",
        "Forget the backups that the rules of an org do not keep, after confirmation of the plan.",
    ),
    Verb(
        "rectify",
        "retention.rectify",
        "Correct a record in all backups, after confirmation of the plan.",
    ),
    Verb(
        "runs",
        "runs.runs",
        "List runs, show one record by record, or pause, cancel or resume one.",
    ),
    Verb(
        "storage",
        "storage.storage",
        "Show how full an org's storages are, what uses them, and when they will be full.",
    ),
    Verb(
        "archive",
        "archive.archive",
        "Archive old records: preview a policy, plan, run.",
        is_group=True,
    ),
    Verb(
        "purge",
        "archive.purge",
        "Delete unwanted records from an org; the vault keeps them.",
        is_group=True,
    ),
    Verb("unarchive", "archive.unarchive", "Plan to bring archived records back."),
    Verb(
        "up",
        "runs.up",
        "Back up all orgs on schedule and serve the console, until stopped (Ctrl-C).",
    ),
    Verb(
        "worker",
        "runs.up",
        "Run a worker for the service of a home in PostgreSQL, on this machine or another.",
    ),
    Verb(
        "doctor",
        "alerts.doctor",
        "Check keys, store, database, clock, permissions and backups, and show how to fix "
        "problems.",
    ),
    Verb(
        "org",
        "orgs.orgs",
        "Add and list orgs, hide and search columns, and set up write users.",
        is_group=True,
    ),
    Verb(
        "export",
        "records.export",
        "Export tables of a backup, or the data of a person, unencrypted.",
        is_group=True,
    ),
    Verb(
        "keep",
        "retention.keeping",
        "Show and change which backups of an org are kept.",
        is_group=True,
    ),
    Verb(
        "hold",
        "retention.holds",
        "Manage legal holds, which keep data from being forgotten or erased.",
        is_group=True,
    ),
    Verb(
        "erase",
        "retention.erase",
        "Permanently erase records from all backups of an org, and exclude them from later ones.",
        is_group=True,
    ),
    Verb("restore", "restores.restore", "Restore lost records: plan, review, run.", is_group=True),
    Verb("undo", "restores.undo", "Plan to take a restore, an archive or a purge back."),
    Verb("schedule", "backups.schedule", "Schedule automatic backups.", is_group=True),
    Verb("alert", "alerts.alerts", "Manage alerts and where they are sent.", is_group=True),
    Verb(
        "alerts",  # as people also type it
        "alerts.alerts",
        "Manage alerts and where they are sent.",
        is_group=True,
        is_hidden=True,
    ),
    Verb("vault", "vault.vault_state", "Manage the vault.", is_group=True),
    Verb(
        "key",
        "vault.keys",
        "Manage the keys that open the vault, and the recovery sheet.",
        is_group=True,
    ),
    Verb(
        "user",
        "people.people",
        "Manage people who may sign in to the console, and their roles.",
        is_group=True,
    ),
    Verb("token", "people.tokens", "Manage API tokens for programs.", is_group=True),
    Verb(
        "sso",
        "people.sso",
        "Manage single sign-on with OpenID Connect or SAML.",
        is_group=True,
    ),
    Verb("audit", "people.audit", "Show, export and verify the audit log.", is_group=True),
)


class VerbGroup(TyperGroup):
    """The group of all verbs. Its commands are summaries; resolving one loads the verb."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {
            verb.name: TyperCommand(verb.name, help=verb.summary, hidden=verb.is_hidden)
            for verb in VERBS
        }

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options before the verb."""
        return [lazily_converted(param) for param in super().get_params(ctx)]

    def resolve_command(
        self, ctx: Any, args: list[str]
    ) -> tuple[str | None, Any | None, list[str]]:
        """Return the command that the arguments name, loaded, and the rest of the arguments."""
        name, summary, rest = super().resolve_command(ctx, args)
        return name, None if summary is None else load_verb(str(name)), rest


def load_verb(name: str) -> Any:
    """Import the module of a verb, and return its command or group."""
    verb = next(verb for verb in VERBS if verb.name == name)
    module = import_module(f"{VERBS_PACKAGE}.{verb.module}")
    parent = typer.Typer(add_completion=False, rich_markup_mode=None)
    if not verb.is_group:
        parent.command(name, cls=VerbCommand)(getattr(module, name))
        return typer.main.get_command(parent)
    parent.add_typer(module.app, name=name)
    return typer.main.get_group(parent).commands[name]
