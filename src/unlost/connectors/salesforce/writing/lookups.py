"""Lookups of the write user: live records by id, by key, and records that it created itself."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import batched
from typing import Any
from urllib.parse import quote_plus

import msgspec
import pyarrow as pa

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import BatchedAnswer, BatchedPost, SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.limits import (
    COLLECTIONS_IN_A_COMPOSITE,
    IDS_IN_A_QUERY,
    IDS_IN_A_RETRIEVE,
    LONGEST_ANSWER,
)
from unlost.connectors.salesforce.rows import observed
from unlost.connectors.salesforce.schema.special import NEW_BY, filter_of
from unlost.kit.http import AnswerTooLarge
from unlost.kit.json_to_arrow import batch_of, text_of
from unlost.kit.matching import MatchLookup
from unlost.model.errors import SourceRefused, TransientError
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Table, WireKind
from unlost.model.source.writing import RecordQuery, ReferrerQuery

BARE = (WireKind.INTEGER, WireKind.DECIMAL, WireKind.BOOLEAN, WireKind.DATE, WireKind.INSTANT)
type Record = Mapping[str, object]
RETRIEVED = list[dict[str, Any] | None]
STAMPS = ("CreatedDate", "SystemModstamp")
NULL = 8  # characters of `"":null,` around the name of an empty column
# So an answer is expected to have at most 25 of the 40 MB that it may have: records may have grown
# since their copy, and marks before quotation marks count too. A larger one is read in halves.
GROWN = 4


class RecordLookups:
    """Queries of live records, in chunks that fit an address.

    Archived records, mainly old tasks and events, are live too, and only ``queryAll`` returns them
    (Bulk API 2.0 guide, create a query job: queryAll returns deleted and archived records).
    """

    def __init__(self, api: SalesforceApi) -> None:
        self._api = api

    def find(
        self, table: Table, columns: tuple[str, ...], values: Iterable[tuple[str, ...]]
    ) -> dict[tuple[str, ...], str]:
        """Ids by the values of these columns; values are compared as the caller gave them.

        Raises Conflict (``key-not-unique``).
        """
        match = MatchLookup(table, columns, values)
        for at in range(0, len(match.firsts), IDS_IN_A_QUERY):
            part = match.firsts[at : at + IDS_IN_A_QUERY]
            listed = ",".join(_literal(table, columns[0], value) for value in part)
            conditions = (f"{columns[0]} IN ({listed})", _read_under(table))
            for record in self._live(table, ("Id", *columns), *conditions):
                key_values = tuple(text_of(record.get(name)) or "" for name in columns)
                match.take(key_values, str(record["Id"]))
        return match.records()

    def fetch(self, table: Table, ids: Sequence[str], columns: Sequence[str]) -> Rows:
        """Live records of these ids."""
        return self.fetch_several([RecordQuery(table, ids, columns)])[0]

    def fetch_several(self, queries: Sequence[RecordQuery]) -> list[Rows]:
        """The live records of each query; several retrieves go in one call."""
        by_query: list[list[pa.RecordBatch]] = [
            [batch_of([], _distinct(("Id", *_known(query))))] for query in queries
        ]
        for parts in _together(_parts(queries)):
            for part, records in zip(parts, self._retrieved(parts), strict=True):
                # Records take several times the memory of a batch.
                batch = batch_of(self._whole(part, records), _distinct(part.wanted))
                by_query[part.query_index].append(batch)
        return [
            self._observed(pa.concat_batches(batches), query.columns)
            for query, batches in zip(queries, by_query, strict=True)
        ]

    def _whole(
        self, part: "RetrieveSlice", answers: Sequence[Record | None] | None
    ) -> Sequence[Record]:
        """The records of a slice; records missing from a retrieve are queried.

        It is not documented whether a retrieve returns archived records, so missing ones are
        queried.
        """
        if answers is None:
            return self._queried(part.table, part.ids, part.wanted)
        records = [answered for answered in answers if answered is not None]
        if not _archives(part.table):
            return records
        present = {record["Id"] for record in records}
        lacking = [record_id for record_id in part.ids if record_id not in present]
        return [*records, *self._queried(part.table, lacking, part.wanted)]

    def _retrieved(
        self, parts: Sequence["RetrieveSlice"]
    ) -> Iterator[Sequence[Record | None] | None]:
        """The results of retrieves, which take many ids; None where they are refused."""
        if len(parts) == 1:
            yield self._retrieved_alone(parts[0])
            return
        try:
            answers, _ = self._api.composite([BatchedPost(part.path, part.body) for part in parts])
        except (SalesforceRefusal, TransientError, AnswerTooLarge):
            yield from (self._retrieved_alone(part) for part in parts)
            return
        for part, answer in zip(parts, answers, strict=True):
            yield answer.read(RETRIEVED) if answer.status == 200 else self._retrieved_alone(part)

    def _retrieved_alone(self, part: "RetrieveSlice") -> Sequence[Record | None] | None:
        try:
            return self._api.post_json(part.path, part.body, RETRIEVED)
        except SalesforceRefusal:
            return None
        except AnswerTooLarge:
            if len(part.ids) == 1:
                return None
        # The records are larger than they were expected to be.
        halves = [self._retrieved_alone(half) for half in part.halves()]
        known = [half for half in halves if half is not None]
        return [record for half in known for record in half] if len(known) == 2 else None

    def _queried(self, table: Table, ids: Sequence[str], wanted: Sequence[str]) -> list[Record]:
        chosen = [soql.any_of("Id", part) for part in batched(ids, IDS_IN_A_QUERY)]
        return [record for condition in chosen for record in self._live(table, wanted, condition)]

    def referrers(self, queries: Sequence[ReferrerQuery]) -> list[Rows | None]:
        """Live records whose column refers to one of the ids; 25 queries go in one call.

        None for a query that Salesforce refuses, for example of an object that this user may not read.
        """
        parts = [
            _Referring(place, query.table, query.column, ids)
            for place, query in enumerate(queries)
            for ids in batched(query.ids, IDS_IN_A_QUERY)
        ]
        by_query: list[list[Record] | None] = [[] for _ in queries]
        answers = (
            self._api.batch([part.path for part in parts])
            if len(parts) > 1
            else [None] * len(parts)
        )
        for part, answer in zip(parts, answers, strict=True):
            records, known = self._referring(part, answer), by_query[part.place]
            if records is None:
                by_query[part.place] = None
            elif known is not None:
                known += records
        return [
            None if records is None else self._rows(records, ("Id", query.column), (query.column,))
            for query, records in zip(queries, by_query, strict=True)
        ]

    def _referring(
        self, part: "_Referring", answer: BatchedAnswer | None
    ) -> Sequence[Record] | None:
        """The records of a query: those of its answer if they are all, else asked for alone."""
        if answer is not None and answer.status == 200:
            first = answer.read(FoundRecords)
            if first.done and first.total == len(first.records):
                return first.records
        try:
            conditions = (part.condition, _read_under(part.table))
            return self._live(part.table, ("Id", part.column), *conditions)
        except SalesforceRefusal:
            return None

    def recent(
        self,
        table: Table,
        since: datetime,
        columns: Sequence[str],
        *,
        births: Sequence[str | None] | None,
    ) -> Rows:
        """Records created since then; by this user, if dates of creation cannot be set.

        ``births``: the dates of creation that may have been sent; None if this user may send none.
        A record changed since then without one of these dates is older.
        """
        names = {column.name for column in table.columns}
        if not {"CreatedById", *STAMPS} <= names:
            raise SourceRefused(
                "recent-unknown",
                "Salesforce does not report who created a record of {table}.",
                table=table.name,
            )
        wanted = ("Id", *(name for name in columns if name != "Id"))
        columns_read = tuple(dict.fromkeys((*wanted, *STAMPS)))
        records: dict[object, Record] = {}
        for conditions in self._since(table, since, births):
            records |= {
                record["Id"]: record for record in self._live(table, columns_read, *conditions)
            }
        born = _created_since(list(records.values()), since.replace(microsecond=0), births or ())
        return self._rows(born, wanted, columns)

    def _since(
        self, table: Table, since: datetime, births: Sequence[str | None] | None
    ) -> list[list[str]]:
        """The conditions of the queries that together find the records created since then."""
        lo = soql.instant(since)
        if births is None:
            me = self._api.token_field("id").rsplit("/", 1)[-1]
            condition = [soql.equals("CreatedById", me), f"CreatedDate >= {lo}"]
            return [condition if table.name in NEW_BY else [f"SystemModstamp >= {lo}", *condition]]
        if table.name not in NEW_BY:
            return [[f"SystemModstamp >= {lo}"]]
        dates = sorted({soql.instant(soql.parse_instant(text)) for text in births if text})
        conditions = [
            f"CreatedDate IN ({','.join(some)})" for some in batched(dates, IDS_IN_A_QUERY)
        ]
        return [[f"CreatedDate >= {lo}"], *([date_condition] for date_condition in conditions)]

    def _live(self, table: Table, columns: Sequence[str], *conditions: str) -> list[Record]:
        archives = _archives(table)
        alive = "IsDeleted = false" if archives else ""
        query = soql.select(columns, table.name, *conditions, alive)
        return self._api.query(query, all_rows=archives)

    def _rows(
        self,
        records: Sequence[Record],
        wanted: Sequence[str],
        columns: Sequence[str],
    ) -> Rows:
        return self._observed(batch_of(records, _distinct(wanted)), columns)

    def _observed(self, batch: pa.RecordBatch, columns: Sequence[str]) -> Rows:
        rows = observed(batch, self._api.recent_time())
        cells = batch.select(list(columns)) if columns else None
        return replace(rows, cells=cells)


def _created_since(
    records: Sequence[Record], since: datetime, births: Sequence[str | None]
) -> list[Record]:
    """Records touched since then, and created since then or at one of the sent dates."""
    sent = {soql.parse_instant(text) for text in births if text is not None}
    stamps = ([soql.parse_instant(str(record[name])) for name in STAMPS] for record in records)
    return [
        record
        for record, (created_at, touched) in zip(records, stamps, strict=True)
        if touched >= since and (created_at in sent or created_at >= since)
    ]


class FoundRecords(msgspec.Struct, frozen=True):
    """The first page of a query."""

    records: list[dict[str, Any]]
    total: int = msgspec.field(name="totalSize", default=-1)
    done: bool = False


@dataclass(frozen=True, slots=True)
class _Referring:
    """Ids of one query for what refers to them; ``place`` is that of its query."""

    place: int
    table: Table
    column: str
    ids: Sequence[str]

    @property
    def condition(self) -> str:
        """The condition of the query."""
        return soql.any_of(self.column, self.ids)

    @property
    def path(self) -> str:
        """The path of the query, without what Salesforce archived or deleted."""
        archives = _archives(self.table)
        alive = "IsDeleted = false" if archives else ""
        conditions = (self.condition, _read_under(self.table), alive)
        text = soql.select(("Id", self.column), self.table.name, *conditions)
        return f"{'queryAll' if archives else 'query'}/?q={quote_plus(text, safe=',()')}"


@dataclass(frozen=True, slots=True)
class RetrieveSlice:
    """Ids of one retrieve.

    ``query_index`` is the position of its query, ``weight`` the most characters that its answer can
    have.
    """

    query_index: int
    table: Table
    ids: Sequence[str]
    wanted: Sequence[str]
    weight: int

    def halves(self) -> "list[RetrieveSlice]":
        """The same ids in two requests."""
        middle = len(self.ids) // 2
        return [replace(self, ids=ids) for ids in (self.ids[:middle], self.ids[middle:])]

    @property
    def path(self) -> str:
        """The path of the request."""
        return f"composite/sobjects/{self.table.name}"

    @property
    def body(self) -> dict[str, list[str]]:
        """The body of the request."""
        return {"ids": list(self.ids), "fields": list(self.wanted)}


def _parts(queries: Sequence[RecordQuery]) -> Iterator[RetrieveSlice]:
    for place, query in enumerate(queries):
        known = _known(query)
        longest = _longest(query, known)
        for ids in batched(query.ids, min(IDS_IN_A_RETRIEVE, max(1, LONGEST_ANSWER // longest))):
            yield RetrieveSlice(place, query.table, ids, ("Id", *known), len(ids) * longest)


def _longest(query: RecordQuery, columns: Sequence[str]) -> int:
    """The characters of a record for which an answer must have room."""
    described = (query.table.column(name) for name in columns)
    most = max(1, sum(column.length for column in described if column is not None))
    if not query.size or not query.ids:
        return most
    # The name of each column is in the answer too, with quotation marks and a null.
    names = sum(len(name) + NULL for name in columns)
    return min(most, GROWN * (names + query.size // len(query.ids)))


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _together(parts: Iterable[RetrieveSlice]) -> Iterator[list[RetrieveSlice]]:
    """Slices that fit into one call."""
    slices: list[RetrieveSlice] = []
    for part in parts:
        weight = sum(retrieve_slice.weight for retrieve_slice in slices) + part.weight
        if slices and (len(slices) == COLLECTIONS_IN_A_COMPOSITE or weight > LONGEST_ANSWER):
            yield slices
            slices = []
        slices.append(part)
    if slices:
        yield slices


def _known(query: RecordQuery) -> list[str]:
    return [name for name in query.columns if name != "Id"]


def _read_under(table: Table) -> str:
    """The condition under which the table is backed up: rows that Salesforce derives are none."""
    return filter_of(table.name, frozenset(column.name for column in table.columns))


def _archives(table: Table) -> bool:
    return table.column("IsArchived") is not None


def _literal(table: Table, name: str, text: str) -> str:
    column = table.column(name)
    return text if column is not None and column.kind in BARE else soql.text(text)
