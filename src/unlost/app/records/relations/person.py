"""The data of a person: the named records, the records they were restored as, and related ones."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

import pyarrow as pa

from unlost.app.compose import Application
from unlost.app.records.ids import connector_of
from unlost.app.records.record_facts import table_named
from unlost.app.records.relations.linked_files import every_version, files_of
from unlost.app.records.relations.referring import ReferenceSearch, ReferringIds
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.records.belonging import with_belongings
from unlost.model.errors import NotFound, UsageError
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import TableTrait
from unlost.model.vault.snapshot import Lineage, StoredFile

MOST = 20_000  # records
AT_ONCE = 1000  # ids per lookup


@dataclass(frozen=True, slots=True)
class PersonRecords:
    """The records of a person in the vault, sorted, and their files.

    ``unknown`` counts named records that are not in the vault. ``unsearched`` are tables that were
    too large to be searched for references to the records.
    """

    records: tuple[RecordKey, ...]
    files: tuple[StoredFile, ...]
    unknown: int
    unsearched: tuple[str, ...] = ()

    @property
    def ids(self) -> dict[str, tuple[str, ...]]:
        """Ids by table."""
        return _by_table(self.records)


def gather(
    app: Application,
    org: ProtectedOrg,
    head: Snapshot,
    named: Sequence[RecordKey],
    *,
    related: bool,
) -> PersonRecords:
    """Return all records of a person.

    As in an erasure, this includes what a record was restored as and from, and the rows about it in
    the org's own change log. ``related`` adds the records that the org deletes together with them,
    e-mails that refer to them, and their files. Raises NotFound (``person-not-held``,
    ``table-unknown``), UsageError (``person-too-large``).
    """
    same = _with_lineage(named, app.vault.lineage(org.oid), oid=org.oid)
    stored_keys = _stored_records(head, same)
    unknown = len(set(named) - set(stored_keys))
    if not stored_keys:
        for table in sorted({named_key.table for named_key in named} - head.tables().keys()):
            table_named(head.schema(), table)
        raise NotFound(
            "person-not-held",
            "The vault has no data of the selected records.",
            next_step="Search for the person with `unlost find`. Erased data is no longer in "
            "the vault.",
        )
    files: list[StoredFile] = []
    search = ReferenceSearch(head, deleted=True)
    if related:
        stored_keys = list(with_belongings(head, stored_keys))
        groups = _around(search, stored_keys)
        files = every_version(head, [stored for stored, _through in files_of(head, groups)])
        stored_keys += [
            *_mails(app, org, head, groups),
            *(RecordKey(f.table, f.record) for f in files),
        ]
    stored_keys += _logged(head, stored_keys)
    records = tuple(sorted(set(stored_keys), key=lambda key: (key.table, key.record)))
    if len(records) > MOST:
        raise _too_large(len(records))
    own_files = (
        file for table, ids in _by_table(records).items() for file in _files(head, table, ids)
    )
    by_place = {(file.table, file.record, file.column): file for file in (*files, *own_files)}
    every = tuple(by_place[key] for key in sorted(by_place))
    return PersonRecords(records, every, unknown, tuple(sorted(search.unsearched)))


def _with_lineage(
    named: Sequence[RecordKey], rows: Iterable[Lineage], *, oid: str
) -> tuple[RecordKey, ...]:
    """Return the records with all that they were restored as in their org, and restored from."""
    links: dict[RecordKey, list[RecordKey]] = {}
    for row in rows:
        if row.target == oid:
            old, live = RecordKey(row.table, row.old), RecordKey(row.table, row.live)
            links.setdefault(old, []).append(live)
            links.setdefault(live, []).append(old)
    same_records = dict.fromkeys(named)
    unresolved = list(same_records)
    while unresolved:
        fresh = [key for key in links.get(unresolved.pop(), ()) if key not in same_records]
        same_records |= dict.fromkeys(fresh)
        unresolved += fresh
    return tuple(same_records)


def _stored_records(head: Snapshot, records: Sequence[RecordKey]) -> list[RecordKey]:
    """Return the records that the vault has in any state."""
    known = head.tables()
    return [
        RecordKey(table, str(record_id))
        for table, ids in _by_table(records).items()
        if table in known
        for some in batched(ids, AT_ONCE)
        for record_id in head.get(table, some, columns=[]).column("_u_id").to_pylist()
    ]


def _around(search: ReferenceSearch, records: Sequence[RecordKey]) -> list[ReferringIds]:
    """Return the records that refer to these. Set-up data is left out: everything refers to it."""
    head, schema = search.snapshot, search.snapshot.schema()
    starts = {
        name: pa.array(ids, pa.string())
        for name, ids in _by_table(records).items()
        if (table := schema.table(name)) and not table.has(TableTrait.CONFIGURATION)
    }
    known_keys = set(records)
    referring = search.around_several(starts) if starts else []
    return [*referring, *_themselves(head, starts, known_keys)]


def _themselves(
    head: Snapshot, starts: dict[str, pa.Array], known_keys: set[RecordKey]
) -> Iterator[ReferringIds]:
    """Yield the records as groups of their own, so that files which they link are found."""
    for name in sorted({key.table for key in known_keys} & starts.keys()):
        table = head.schema().table(name)
        assert table is not None, "it is in the schema"
        if not table.files and table.name_column is None:
            cells = head.get(name, starts[name].to_pylist())
            yield ReferringIds(table, (), None, starts[name], cells)


def _mails(
    app: Application, org: ProtectedOrg, head: Snapshot, groups: Iterable[ReferringIds]
) -> Iterator[RecordKey]:
    connector = connector_of(app, org)
    rules = connector.mail_rules(head.schema()) if connector is not None else {}
    for group in groups:
        if group.table.name in rules:
            yield from (
                RecordKey(group.table.name, record_id) for record_id in group.ids.to_pylist()
            )


def _logged(head: Snapshot, records: Sequence[RecordKey]) -> list[RecordKey]:
    """Return the rows about the records in the org's own change log, if it is backed up."""
    schema, known = head.schema(), head.tables()
    return [
        RecordKey(log.table, str(row))
        for name, ids in _by_table(records).items()
        if (table := schema.table(name)) and (log := table.change_log) and log.table in known
        for some in batched(ids, AT_ONCE)
        for row in head.where(log.table, log.record_column, some, columns=[])["_u_id"].to_pylist()
    ]


def _files(head: Snapshot, table: str, ids: Sequence[str]) -> Iterator[StoredFile]:
    described = head.schema().table(table)
    if described is not None and (described.files or described.image_columns):
        for some in batched(ids, AT_ONCE):
            yield from head.files(table, some)


def _by_table(records: Iterable[RecordKey]) -> dict[str, tuple[str, ...]]:
    by_table: dict[str, dict[str, None]] = {}
    for key in records:
        by_table.setdefault(key.table, {})[key.record] = None
    return {table: tuple(by_table[table]) for table in sorted(by_table)}


def _too_large(count: int) -> UsageError:
    return UsageError(
        "person-too-large",
        "{count:,} records are too many for one person. The limit is {most:,}.",
        next_step="Select fewer records, or omit --related.",
        count=count,
        most=MOST,
    )
