"""All matches of a search in one org, up to a limit: filtered, and counted for pages.

A page shows a part of them, so every page must see the same matches in the same order. Therefore
a search always checks up to ``MOST_CHECKED`` of them, whichever page is shown. If there are more,
and a filter is set, it searches again, and leaves out records that do not pass before they count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.records.search import SearchResult
from unlost.model.org import OrgIdentity
from unlost.model.source.reading import Op
from unlost.model.source.schema import Reference, Schema, TableRank
from unlost.model.vault.snapshot import CommitKind, SearchHit, SearchHits, SearchMatch

if TYPE_CHECKING:
    import polars as pl

    from unlost.model.ports.vault import RecordFilter, Snapshot, VaultReader

MOST_CHECKED = 1_000
MOST_STATES = 500_000  # records whose states a search with a filter reads
# Deletions of a user are searched so far back, unless the filter says how far. The org names the
# user only while the record is in its recycle bin, so few people search further back.
DELETIONS_BACK = timedelta(days=90)
_MOST_USERS = 100
_TIMES = ("_u_observed_at", "_u_modified_at")
_STATES = ("_u_id", "_u_op", "_u_modified_by", *_TIMES)
_RANKS = {rank: place for place, rank in enumerate(TableRank)}
_OF_USER = (SearchMatch.ID, SearchMatch.KEY, SearchMatch.WHOLE_NAME, SearchMatch.NAME)


class StateFilter(StrEnum):
    """The newest state of a record."""

    LIVE = "live"
    DELETED = "deleted"
    ARCHIVED = "archived"  # an archive took it out of the org


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Conditions on the newest states of records; without any, all records count.

    ``since`` and ``until`` (exclusive) limit the time of the last change or of the deletion.
    ``deleters``: ids of users; only records that one of them deleted count.
    """

    state: StateFilter | None = None
    since: datetime | None = None
    until: datetime | None = None
    deleters: Collection[str] | None = None

    @property
    def is_set(self) -> bool:
        """True if not all records count."""
        return self.state is not None or self.reads_states

    @property
    def reads_states(self) -> bool:
        """True if hits alone do not decide: the newest states must be read."""
        return (self.since, self.until, self.deleters) != (None, None, None)


@dataclass(frozen=True, slots=True)
class OrgSearch:
    """A search in one org. ``ids``: ids that the text may stand for, in the form of the vault.

    ``tables``: only their records; None for all tables.
    """

    snapshot: Snapshot
    identity: OrgIdentity
    words: str
    ids: Sequence[str] = ()
    former: bool = False
    filter: SearchFilter = SearchFilter()
    tables: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class OrgMatches:
    """The matches in one org, not ranked. ``more``: not all of them were checked, or there are more.

    ``deletions_since``: only deletions that later backups found were searched; None if all were.
    """

    results: tuple[SearchResult, ...]
    more: bool
    deletions_since: datetime | None = None


def org_matches(vault: VaultReader, search: OrgSearch, *, most: int = MOST_CHECKED) -> OrgMatches:
    """Return the matches of a search; without words, the records that the ``deleters`` deleted."""
    back = None if search.words else _looked_back(vault, search)
    hits = _hits(vault, search, most) if back is None else _deletions(search, back.after, most)
    current = _with_newest_commit(vault, search)
    states = StateCheck(current, MOST_STATES)
    if back is None and (len(hits) > most or hits.cut) and search.filter.is_set:
        hits = _hits(vault, search, most, only=states)
    checked = hits[:most] if current is search else _with_newest_states(current, hits[:most])
    shown = _filtered(current, checked)
    results = [SearchResult(search.identity, _labelled(hit), hit.match.whole) for hit in shown]
    since = back.since if back is not None else None
    return OrgMatches(
        tuple(results), more=len(hits) > most or hits.cut or states.spent, deletions_since=since
    )


def best_match(results: Sequence[SearchResult]) -> SearchResult | None:
    """Return the record that is meant: the only ranked result that matches best, by a whole value.

    Of several that match as well, it is the one in a table that people look for first, such as a
    customer among containers and ingredients with the same number, even if it is deleted.
    """
    if not results or not results[0].exact:
        return None
    equal = [result for result in results if _tier(result) == _tier(results[0])]
    first_rank = min(_RANKS[result.hit.rank] for result in equal)
    meant = [result for result in equal if _RANKS[result.hit.rank] == first_rank]
    return meant[0] if len(meant) == 1 else None


def users_named(vault: VaultReader, snapshot: Snapshot, name: str) -> Sequence[str]:
    """Return the users whose name has words that begin with those of ``name``.

    They are ids, or the keys by which the records of the org name their users.
    """
    references = list(_user_columns(snapshot.schema()).values())
    stored = {table for each in references for table in each.tables} & snapshot.tables().keys()
    if not stored:
        return ()
    hits = vault.search(snapshot.info.org, name, limit=_MOST_USERS, tables=stored)
    users = [(hit.table, hit.record) for hit in hits if hit.match in _OF_USER]
    keys = {(table, each.key_column) for each in references for table in each.tables}
    return tuple(
        user
        for table, key_column in sorted(keys, key=str)
        for user in _named_by(snapshot, table, key_column, [r for t, r in users if t == table])
    )


def _named_by(
    snapshot: Snapshot, table: str, key_column: str | None, ids: Sequence[str]
) -> Sequence[str]:
    """Return these users as references name them: by their ids, or by a key."""
    if key_column is None or not ids:
        return ids
    keys = snapshot.get(table, ids, columns=[key_column]).column(key_column).to_pylist()
    return [key for key in keys if key]


def user_tables(schema: Schema) -> Mapping[str, Sequence[str]]:
    """Return for each table the tables of the users who change its records.

    Tables whose column with the user is hidden from the reader are left out.
    """
    return {table: reference.tables for table, reference in _user_columns(schema).items()}


def _user_columns(schema: Schema) -> Mapping[str, Reference]:
    """Return the references to the users who change the records of a table, by its name."""
    columns = {
        table.name: table.column(table.modified_by_column)
        for table in schema.tables
        if table.modified_by_column is not None
    }
    return {
        table: column.reference
        for table, column in columns.items()
        if column is not None and column.reference is not None
    }


def _tier(result: SearchResult) -> tuple[bool, SearchMatch]:
    match = result.hit.match
    # An id is as good as a number: neither says which of the records is meant.
    return result.hit.former, SearchMatch.KEY if match is SearchMatch.ID else match


@dataclass(slots=True)
class StateCheck:
    """Checks the newest states of records against the filter of a search, each at most once.

    At most ``most`` records: the states of a word's matches in a large org take seconds to read.
    """

    search: OrgSearch
    most: int
    _checked: dict[str, set[str]] = field(default_factory=dict)
    _passed: dict[str, set[str]] = field(default_factory=dict)
    _spent: bool = False

    @property
    def spent(self) -> bool:
        """True if records were not checked, and no more will be."""
        return self._spent

    def passing(self, table: str, records: Sequence[str]) -> Collection[str]:
        """Return the records that pass; those that were not checked do not."""
        checked = self._checked.setdefault(table, set())
        passed = self._passed.setdefault(table, set())
        unchecked = [record for record in records if record not in checked]
        room = self.most - sum(map(len, self._checked.values()))
        self._spent = self._spent or len(unchecked) > room
        checked.update(unchecked[:room])
        passed.update(_passing_filter(self.search, table, unchecked[:room]))
        return [record for record in records if record in passed]


def _hits(
    vault: VaultReader, search: OrgSearch, most: int, *, only: RecordFilter | None = None
) -> SearchHits:
    org, tables = search.snapshot.info.org, search.tables
    by_id = [
        hit
        for record in search.ids
        for hit in vault.search(org, record, limit=most, tables=tables)
        if hit.record == record
    ]
    by_words = vault.search(
        org, search.words, limit=most + 1, former=search.former, tables=tables, only=only
    )
    hits: dict[tuple[str, str], SearchHit] = {}
    for hit in (*by_id, *by_words):
        hits.setdefault((hit.table, hit.record), hit)
    return SearchHits(tuple(hits.values()), by_words.cut)


def _labelled(hit: SearchHit) -> SearchHit:
    return replace(hit, label=hit.label or hit.record)


def _filtered(search: OrgSearch, hits: Sequence[SearchHit]) -> Sequence[SearchHit]:
    filters = search.filter
    if filters.state is not None:
        hits = [hit for hit in hits if hit.alive == (filters.state is StateFilter.LIVE)]
        hits = hits if filters.state is StateFilter.LIVE else _gone(search, hits, filters.state)
    if not filters.reads_states:
        return hits
    passing = {
        (table, record)
        for table, records in _by_table(hits).items()
        for record in _passing(search, table, records)["_u_id"]
    }
    return [hit for hit in hits if (hit.table, hit.record) in passing]


def _with_newest_commit(vault: VaultReader, search: OrgSearch) -> OrgSearch:
    """Return the search in the newest commit, if an archive ran since the newest backup."""
    newest = search.snapshot.info
    later = [info for info in vault.commits(newest.org) if info.number > newest.number]
    if not any(info.kind is CommitKind.ARCHIVE for info in later):
        return search
    return replace(search, snapshot=vault.at(newest.org, later[-1].number, forgotten=True))


def _with_newest_states(search: OrgSearch, hits: Sequence[SearchHit]) -> list[SearchHit]:
    """Return the hits of the newest backup, alive if they are in the snapshot of the search."""
    alive = {
        (table, record)
        for table, records in _by_table(hits).items()
        for record in _in_state(search.snapshot.get(table, records, columns=[]), Op.STATE)
    }
    return [replace(hit, alive=(hit.table, hit.record) in alive) for hit in hits]


def _gone(search: OrgSearch, hits: Sequence[SearchHit], state: StateFilter) -> list[SearchHit]:
    """Return the hits that are archived, or those that are deleted."""
    archived = {
        (table, record)
        for table, records in _by_table(hits).items()
        for record in _in_state(search.snapshot.get(table, records, columns=[]), Op.ARCHIVED)
    }
    wants = state is StateFilter.ARCHIVED
    return [hit for hit in hits if ((hit.table, hit.record) in archived) == wants]


def _in_state(rows: pa.Table, op: Op) -> Sequence[str]:
    """Return the ids of the rows with this op."""
    mask = pc.equal(rows["_u_op"].cast(pa.string()), op.value)
    ids: Sequence[str] = rows.filter(mask)["_u_id"].cast(pa.string()).to_pylist()
    return ids


def _by_table(hits: Sequence[SearchHit]) -> Mapping[str, list[str]]:
    """Return the ids of hits by table."""
    by_table: dict[str, list[str]] = {}
    for hit in hits:
        by_table.setdefault(hit.table, []).append(hit.record)
    return by_table


def _passing_filter(search: OrgSearch, table: str, records: Sequence[str]) -> Sequence[str]:
    """Return the records that pass the whole filter, also its ``state``."""
    if not records:
        return ()
    rows = search.snapshot.get(table, records, columns=[])
    if search.filter.state is not None:
        rows = rows.filter(_state_mask(rows, search.filter.state))
    passing: Sequence[str] = _selected(search, table, rows)["_u_id"].to_list()
    return passing


def _state_mask(rows: pa.Table, state: StateFilter) -> pa.ChunkedArray:
    """True for the rows in this state."""
    op = rows["_u_op"].cast(pa.string())
    match state:
        case StateFilter.LIVE:
            return pc.equal(op, Op.STATE.value)
        case StateFilter.ARCHIVED:
            return pc.equal(op, Op.ARCHIVED.value)
        case _:  # deleted
            ops = pa.array([Op.STATE.value, Op.ARCHIVED.value])
            return pc.invert(pc.is_in(op, value_set=ops))


def _passing(search: OrgSearch, table: str, records: Sequence[str]) -> pl.DataFrame:
    """Return the states of records that pass the filter, with the time ``at`` of the last change."""
    return _selected(search, table, search.snapshot.get(table, records, columns=[]))


def _selected(search: OrgSearch, table: str, rows: pa.Table | pa.RecordBatch) -> pl.DataFrame:
    """Select newest states by the filter, except for its ``state``.

    A deletion of which the org reports no time has the time of the backup that noticed it.
    """
    import polars as pl

    filters, names = search.filter, _STATES[:3]
    states = pl.DataFrame(pl.from_arrow(rows.select(_STATES)))
    states = states.with_columns(pl.col(names).cast(pl.String))
    op, modified = pl.col("_u_op"), pl.col("_u_modified_at")
    timed = op.is_in([Op.STATE.value, Op.DELETED.value]) & modified.is_not_null()
    at = pl.when(timed).then(modified).otherwise(pl.col("_u_observed_at"))
    states = states.select(*names, at=at)
    if filters.since is not None:
        states = states.filter(pl.col("at") >= filters.since)
    if filters.until is not None:
        states = states.filter(pl.col("at") < filters.until)
    if filters.deleters is not None:
        known = table in user_tables(search.snapshot.schema())
        by_them = pl.col("_u_modified_by").is_in(list(filters.deleters) if known else [])
        # Some orgs name the user of a deletion only while the record is in the recycle bin.
        deletions = pl.col("_u_op").is_in([Op.DELETED.value, Op.PURGED.value])
        states = states.filter(by_them & deletions)
    return states


@dataclass(frozen=True, slots=True)
class _LookBack:
    """The deletions to search: those that commits after ``after`` found.

    ``since``: the time of that backup if there may be earlier deletions that count; else None.
    """

    after: int
    since: datetime | None


def _looked_back(vault: VaultReader, search: OrgSearch) -> _LookBack:
    """Decide how far back deletions are searched; a first day in the filter is always reached."""
    newest, first_day = search.snapshot.info, search.filter.since
    since = first_day if first_day is not None else newest.as_of - DELETIONS_BACK
    # A deletion is noticed by a backup that begins after it.
    earlier = [
        info
        for info in vault.snapshots(newest.org)
        if info.as_of <= since and info.number < newest.number
    ]
    if not earlier:
        return _LookBack(0, None)
    last = earlier[-1]
    known = vault.at(newest.org, last.number).tables()
    tables = _tables_of_users(search)
    older = any(known[table].deleted for table in tables if table in known)
    return _LookBack(last.number, last.as_of if older and first_day is None else None)


def _tables_of_users(search: OrgSearch) -> Collection[str]:
    """Return the tables with deletions whose user is known."""
    stored = search.snapshot.tables()
    known = user_tables(search.snapshot.schema())
    tables = {table for table in known if table in stored and stored[table].deleted}
    return tables if search.tables is None else tables & set(search.tables)


def _deletions(search: OrgSearch, after: int, most: int) -> SearchHits:
    """Return the records that the ``deleters`` deleted, newest first.

    Tables that people look for first come first. At most one more than ``most``.
    """
    hits = list[SearchHit]()
    ranks = {table.name: _RANKS[table.rank] for table in search.snapshot.schema().tables}
    for table in sorted(_tables_of_users(search), key=lambda name: (ranks[name], name)):
        if len(hits) > most:
            break
        hits += _deletions_in(search, table, after, most + 1 - len(hits))
    return SearchHits(tuple(hits))


def _deletions_in(search: OrgSearch, table: str, after: int, most: int) -> list[SearchHit]:
    import polars as pl

    # Reads the segments of these commits alone, and of them only these columns.
    batches = search.snapshot.newer(table, _STATES, after=after)
    rows = _selected(search, table, batches.schema.empty_table())
    for batch in batches:
        every = pl.concat([rows, _selected(search, table, batch)])
        rows = every.sort("at", "_u_id", descending=[True, False])[:most]
    described = search.snapshot.schema().table(table)
    assert described is not None, "its users are known from the schema"
    assert described.modified_by_column is not None
    names = [described.name_column] if described.name_column else []
    ids = rows["_u_id"].cast(pl.String).to_list()
    labels = search.snapshot.get(table, ids, columns=names).to_pylist()
    label_of = {row["_u_id"]: next((row[name] for name in names), None) for row in labels}
    return [
        SearchHit(
            org=search.snapshot.info.org,
            table=table,
            record=record,
            column=described.modified_by_column,
            value=user,
            label=label_of[record] or "",
            alive=False,
            rank=described.rank,
        )
        for record, user in zip(ids, rows["_u_modified_by"], strict=True)
    ]
