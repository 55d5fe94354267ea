"""A list of ids for a purge: the records that it names, and the lines that name none."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from unlost.app.access import action
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.lists.id_lists import ids_in, known_ids
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError

NAMED = 20  # unknown ids in an error


@dataclass(frozen=True, slots=True)
class ListedTable:
    """A table with records of a list."""

    table: str
    label: str
    records: int


@dataclass(frozen=True, slots=True)
class PurgeList:
    """The records of a list of ids, as TABLE/ID, each once, and the tables with most of them first.

    ``unknown``: lines that name no live record of the newest backup. ``repeated``: the number of
    further lines that name one of the records.
    """

    org: str
    records: tuple[str, ...]
    tables: tuple[ListedTable, ...] = ()
    unknown: tuple[str, ...] = ()
    repeated: int = 0


@action("purge.read-ids", Right.RESTORE, trace=Trace.READ)
def read_ids(app: Application, org: str, ids: str, *, table: str = "") -> PurgeList:
    """Find the records of a list of ids: one in a line, or the column Id of a CSV text.

    An id is one of the org, in any of its forms, or TABLE/ID. ``table``: of ids without one; empty:
    all tables are searched. Nothing is planned. Raises UsageError (``restore-too-large``), NotFound
    (``no-backup-yet``).
    """
    known = get_org(org)
    head = newest_backup(app.vault, known)
    listed = known_ids(app, known, head, ids_in(ids), table=table or None)
    words = TableWords(head.schema())
    counts = Counter(key.table for key in listed.keys)
    return PurgeList(
        known.name,
        tuple(str(key) for key in listed.keys),
        tuple(
            ListedTable(name, words.label(name, count=count), count)
            for name, count in counts.most_common()
        ),
        listed.unknown,
        listed.repeated,
    )


def purged_ids(listed: PurgeList, *, skips_unknown: bool) -> tuple[str, ...]:
    """Return the records of a list that a purge takes.

    Raises UsageError (``purge-ids-unknown``) for a list with unknown lines, unless they are skipped,
    and (``purge-nothing``) for a list without any record.
    """
    if listed.unknown and not skips_unknown:
        raise _unknown(listed)
    if not listed.records:
        raise nothing_selected()
    return listed.records


def nothing_selected() -> UsageError:
    """Return the error for a purge without any record."""
    return UsageError(
        "purge-nothing",
        "No record is selected.",
        next_step="Select records that are in the newest backup.",
    )


def several_tables(tables: Iterable[str]) -> UsageError:
    """Return the error for a purge of records of several tables."""
    return UsageError(
        "purge-tables",
        "The selected records are of several tables: {tables}.",
        next_step="Make one purge for each table: `--table` names it.",
        tables=", ".join(tables),
    )


def _unknown(listed: PurgeList) -> UsageError:
    named = ", ".join(listed.unknown[:NAMED])
    return UsageError(
        "purge-ids-unknown",
        "{count:,} lines of the list name no live record in the newest backup of {org}: {ids}.",
        next_step="Correct these lines, or leave them out: `--skip-unknown`.",
        count=len(listed.unknown),
        org=listed.org,
        ids=f"{named}, …" if len(listed.unknown) > NAMED else named,
    )
