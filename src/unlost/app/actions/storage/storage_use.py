"""Storage usage as of an org's newest backup: by table, year, owner and mail thread; mail loops."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.record_facts import RecordNames
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.storage.loop_records import created_records, parent_table
from unlost.engine.storage.loops import find_loops
from unlost.engine.storage.usage import table_uses, thread_uses
from unlost.engine.storage.versions import old_versions
from unlost.model.access import Right
from unlost.model.archive import ArchiveBranch, BranchRule
from unlost.model.errors import IntegrityError
from unlost.model.ports.vault import Snapshot
from unlost.model.storage import (
    MailLoop,
    MailRule,
    OldVersions,
    StorageRule,
    StorageWeight,
    TableUse,
    ThreadUse,
)

RECENT = timedelta(days=30)
MOST = 10  # owners and threads in the result


@dataclass(frozen=True, slots=True)
class UseLine:
    """The storage used by a table's live records; ``recent``: by records of the last 30 days."""

    storage: str
    table: str
    label: str
    records: int
    bytes: int
    recent: int


@dataclass(frozen=True, slots=True)
class YearLine:
    """The storage used by the records created in a year; year 0 is unknown."""

    storage: str
    year: int
    bytes: int


@dataclass(frozen=True, slots=True)
class OwnerLine:
    """The storage used by an owner's records. ``name`` is empty if unknown."""

    storage: str
    owner: str
    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class StorageUse:
    """The usage of the storages as of a backup, largest first. ``since`` begins the last 30 days.

    ``threads`` are mails of one subject between the same two sides. ``old_versions``: of files. The
    org cannot delete them alone.
    """

    snapshot: int
    as_of: datetime
    since: datetime
    tables: tuple[UseLine, ...]
    years: tuple[YearLine, ...]
    owners: tuple[OwnerLine, ...]
    threads: tuple[ThreadUse, ...]
    old_versions: OldVersions = field(default_factory=OldVersions)


def storage_use(app: Application, org: str) -> StorageUse:
    """Return the storage usage of an org; raises NotFound (``org-unknown``, ``snapshot-unknown``).

    Owners, threads and the names of files are included for an actor who may read records.
    """
    known = get_org(org)
    reads = app.actor.may(Right.READ, known.oid)
    head = newest_backup(app.vault, known)
    since = head.info.as_of - RECENT
    rules = app.connector(known.identity.connector).storage_rules(head.schema())
    uses = sorted(table_uses(head, rules, since=since), key=lambda use: -use.bytes)
    return StorageUse(
        head.info.number,
        head.info.as_of,
        since,
        tuple(_line(head, table_use) for table_use in uses),
        tuple(_years(uses)),
        tuple(_owners(head, uses, rules)) if reads else (),
        tuple(_threads(app, known, head, rules, since)) if reads else (),
        _old_versions(app, known, head, titles=MOST if reads else 0),
    )


def loops(app: Application, org: str) -> Sequence[MailLoop]:
    """Return the mail loops in an org's newest backup; raises NotFound as ``storage_use``."""
    known = get_org(org)
    head = newest_backup(app.vault, known)
    rules = app.connector(known.identity.connector).storage_rules(head.schema())
    return [
        loop
        for table, mails in _mail_tables(app, known, head).items()
        for loop in find_loops(head, table, mails, weight=_weight(rules, table))
    ]


def loops_with_created(app: Application, org: str) -> Sequence[MailLoop]:
    """Return the mail loops with the records that they created; raises NotFound as ``loops``.

    If these cannot be read, the loops of the table have an ``error``.
    """
    known = get_org(org)
    head = newest_backup(app.vault, known)
    rules = app.connector(known.identity.connector).storage_rules(head.schema())
    words, every = TableWords(head.schema()), loops(app, org)
    created: dict[str, MailLoop] = {}
    for table, mails in _mail_tables(app, known, head).items():
        some = [loop for loop in every if loop.table == table]
        parent = parent_table(head, table, mails)
        try:
            records = created_records(head, table, mails, some, rules=rules)
        except IntegrityError as error:
            created |= {
                each.first: replace(each, error=each.error or error.message) for each in some
            }
            continue
        for first, ids in records.items():
            loop = next(each for each in some if each.first == first)
            label = words.label(parent, count=len(ids))
            created[first] = replace(loop, created=ids, created_table=parent, created_label=label)
    return [created.get(loop.first, loop) for loop in every]


def created_branch(app: Application, org: str, loop: MailLoop) -> ArchiveBranch | None:
    """Return the branch by which the mails of a loop leave with the records that it created."""
    known = get_org(org)
    rule = _mail_tables(app, known, newest_backup(app.vault, known)).get(loop.table)
    if rule is None or rule.parent is None:
        return None
    return ArchiveBranch(loop.table, rule.parent, BranchRule.TAKE)


def _line(head: Snapshot, use: TableUse) -> UseLine:
    label = TableWords(head.schema()).label(use.table, count=use.records)
    return UseLine(use.storage, use.table, label, use.records, use.bytes, use.recent)


def _years(uses: Sequence[TableUse]) -> Iterable[YearLine]:
    sums: Counter[tuple[str, int]] = Counter()
    for use in uses:
        sums.update({(use.storage, year): count for year, count in use.years.items()})
    return (YearLine(storage, year, count) for (storage, year), count in sorted(sums.items()))


def _owners(
    head: Snapshot, uses: Sequence[TableUse], rules: Mapping[str, StorageRule]
) -> Iterable[OwnerLine]:
    sums: Counter[tuple[str, str]] = Counter()
    tables: dict[str, None] = {}
    for use in uses:
        sums.update({(use.storage, owner): count for owner, count in use.owners.items() if owner})
        tables |= dict.fromkeys(_owner_tables(head, use.table, rules[use.table]))
    for storage in dict.fromkeys(storage for storage, _ in sums):
        by_owner = Counter(
            {owner: n for (of_storage, owner), n in sums.items() if of_storage == storage}
        )
        most = by_owner.most_common(MOST)
        names = RecordNames(head).of(tables, [owner for owner, _ in most])
        yield from (OwnerLine(storage, owner, names.get(owner, ""), count) for owner, count in most)


def _owner_tables(head: Snapshot, table: str, rule: StorageRule) -> Sequence[str]:
    described = head.schema().table(table)
    column = described.column(rule.owner) if described is not None and rule.owner else None
    return column.reference.tables if column is not None and column.reference is not None else ()


def _threads(
    app: Application,
    org: ProtectedOrg,
    head: Snapshot,
    rules: Mapping[str, StorageRule],
    since: datetime,
) -> Iterable[ThreadUse]:
    for table, mails in _mail_tables(app, org, head).items():
        weight = _weight(rules, table)
        if weight is not None:
            yield from thread_uses(head, table, mails, weight, since=since, most=MOST)


def _old_versions(
    app: Application, org: ProtectedOrg, head: Snapshot, *, titles: int
) -> OldVersions:
    rule = app.connector(org.identity.connector).file_versions(head.schema())
    if rule is None or rule.table not in head.tables():
        return OldVersions()
    return old_versions(head, rule, most=titles)


def _mail_tables(app: Application, org: ProtectedOrg, head: Snapshot) -> Mapping[str, MailRule]:
    rules = app.connector(org.identity.connector).mail_rules(head.schema())
    return {table: rule for table, rule in rules.items() if table in head.tables()}


def _weight(rules: Mapping[str, StorageRule], table: str) -> StorageWeight | None:
    weights = rules[table].weights if table in rules else ()
    return next((weight for weight in weights if weight.texts), None)
