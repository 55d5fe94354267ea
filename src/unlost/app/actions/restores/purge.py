"""A purge as an archive policy: records that a person selected, or the mails of a loop."""

from collections.abc import Sequence

from unlost.app.actions.storage.storage_use import loops
from unlost.app.compose import Application
from unlost.model.archive import ArchivePolicy
from unlost.model.errors import NotFound, UsageError
from unlost.model.plan import RecordKey

SELECTED, MAIL_LOOP = "selected-records", "mail-loop"


def purge_name(loop: str) -> str:
    """Return the name of the policy for the mails of a loop, or for selected records."""
    return MAIL_LOOP if loop else SELECTED


def purge_of_records(keys: Sequence[RecordKey], *, table: str | None = None) -> ArchivePolicy:
    """Return the policy of these records, with ``table`` only of those of this table.

    A policy has one table. Records that the org deletes with them go along. Raises UsageError
    (``purge-nothing``, ``purge-tables``).
    """
    tables = sorted({key.table for key in keys} & ({table} if table else {k.table for k in keys}))
    if not tables:
        raise UsageError(
            "purge-nothing",
            "No record is selected.",
            next_step="Select records that are in the newest backup.",
        )
    if len(tables) > 1:
        raise UsageError(
            "purge-tables",
            "The selected records are of several tables: {tables}.",
            next_step="Make one purge for each table: `--table` names it.",
            tables=", ".join(tables),
        )
    ids = dict.fromkeys(key.record for key in keys if key.table == tables[0])
    return ArchivePolicy(SELECTED, tables[0], ids=tuple(ids))


def purge_of_loop(app: Application, org: str, loop: str) -> ArchivePolicy:
    """Return the policy of a loop's mails; ``loop``: the id of its first mail.

    Raises NotFound (``loop-unknown``, ``no-backup-yet``).
    """
    for mail_loop in loops(app, org):
        if mail_loop.first == loop:
            return ArchivePolicy(MAIL_LOOP, mail_loop.table, ids=mail_loop.records)
    raise NotFound(
        "loop-unknown",
        "The newest backup of {org} has no mail loop that begins with {loop}.",
        next_step="List the loops again: `unlost storage {org} --loops`.",
        org=org,
        loop=loop,
    )
