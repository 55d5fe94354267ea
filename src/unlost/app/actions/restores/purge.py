"""A purge as an archive policy: records that a person selected, or those of a mail loop."""

from collections.abc import Sequence
from dataclasses import replace

from unlost.app.actions.restores.purge_list import nothing_selected, several_tables
from unlost.app.actions.storage.storage_use import created_branch, loops, loops_with_created
from unlost.app.compose import Application
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.app.records.lists.record_lists import ListedIds
from unlost.app.records.search.query import RecordSearch
from unlost.engine.records.matches import MOST_CHECKED, StateFilter
from unlost.model.archive import ArchivePolicy
from unlost.model.errors import IntegrityError, NotFound, UsageError
from unlost.model.plan import RecordKey, RestorePlan
from unlost.model.purge import MAIL_LOOP, SELECTED, names_purge
from unlost.model.storage import MailLoop


def purge_name(loop: str) -> str:
    """Return the name of the policy for the mails of a loop, or for selected records."""
    return MAIL_LOOP if loop else SELECTED


def is_purge(plan: RestorePlan) -> bool:
    """True for the plan of a purge; policies of people cannot have its names."""
    policy = plan.selection.policy
    return policy is not None and names_purge(policy.name)


def purge_of_records(keys: Sequence[RecordKey], *, table: str | None = None) -> ArchivePolicy:
    """Return the policy of these records, with ``table`` only of those of this table.

    A policy has one table. Records that the org deletes with them go along. Raises UsageError
    (``purge-nothing``, ``purge-tables``).
    """
    tables = sorted({key.table for key in keys} & ({table} if table else {k.table for k in keys}))
    if not tables:
        raise nothing_selected()
    if len(tables) > 1:
        raise several_tables(tables)
    ids = dict.fromkeys(key.record for key in keys if key.table == tables[0])
    return ArchivePolicy(SELECTED, tables[0], ids=tuple(ids))


def purge_of_loop(app: Application, org: str, loop: str, *, created: bool) -> ArchivePolicy:
    """Return the policy of a loop's mails; ``loop``: the id of its first mail.

    ``created``: instead of the records that the loop created, whose mails go along. Raises NotFound
    (``loop-unknown``, ``no-backup-yet``), UsageError (``loop-created-nothing``), IntegrityError if the
    records that the loop created cannot be read.
    """
    for mail_loop in loops_with_created(app, org) if created else loops(app, org):
        if mail_loop.first == loop:
            if created:
                return _purge_of_created(app, org, mail_loop)
            return ArchivePolicy(MAIL_LOOP, mail_loop.table, ids=mail_loop.records)
    raise NotFound(
        "loop-unknown",
        "The newest backup of {org} has no mail loop that begins with {loop}.",
        next_step="List the loops again: `unlost storage {org} --loops`.",
        org=org,
        loop=loop,
    )


def _purge_of_created(app: Application, org: str, loop: MailLoop) -> ArchivePolicy:
    if not loop.created and loop.error is not None:
        raise IntegrityError.of(loop.error)
    if not loop.created:
        raise UsageError(
            "loop-created-nothing",
            "The mail loop {loop} created no records: all its mails belong to older records, or to "
            "records with other mails.",
            next_step="Delete the mails of the loop instead.",
            loop=loop.first,
        )
    branch = created_branch(app, org, loop)
    branches = (branch,) if branch is not None else ()
    return ArchivePolicy(MAIL_LOOP, loop.created_table, branches=branches, ids=loop.created)


def purged_list(query: ListQuery) -> ListQuery:
    """Return the list for a purge: of the matches of a search, the live ones."""
    if query.kind is not ListKind.MATCHES:
        return query
    return replace(query, search=replace(query.search or RecordSearch(), state=StateFilter.LIVE))


def check_whole(listed: ListedIds) -> None:
    """Raise UsageError (``purge-search-wide``) for a search with more matches than are checked."""
    if listed.more:
        raise UsageError(
            "purge-search-wide",
            "Not all records of this search are known: it has more than {most:,} live matches, or too "
            "many records to check.",
            next_step="Add a word to the search, or limit it to a few days.",
            most=MOST_CHECKED,
        )
