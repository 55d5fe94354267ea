"""Tables that Salesforce gives only for named parents: file links, folder items, comments.

Source: object reference (ContentDocumentLink, ContentFolderItem, IdeaComment). Without "Query All
Files" a plain list of ContentDocument misses files that are visible only through a record, so file
links are queried from both ends.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.limits import DOCUMENTS_IN_A_QUERY
from unlost.connectors.salesforce.reading.census import SalesforceCensus, live
from unlost.connectors.salesforce.reading.rest import RestQueries
from unlost.connectors.salesforce.reading.work import TableQuery
from unlost.connectors.salesforce.schema.special import (
    BY_PARENT,
    LINKED,
    LINKS,
    LINKS_BY_DOCUMENT,
    PARENT_TYPE,
    ParentRule,
    filter_of,
)
from unlost.kit.rows import no_rows
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.reading import Page, Proof

DOCUMENTS = "ContentDocument"
STATUS = frozenset({"PublishStatus"})


def rule_of(table: str) -> ParentRule | None:
    """The rule by which a table is read by parents; None if there is none."""
    return LINKS_BY_DOCUMENT if table == LINKS else BY_PARENT.get(table)


class ReadByParents:
    """Reads children parent by parent. ``linkable`` returns tables that files can link to."""

    def __init__(
        self,
        rest: RestQueries,
        census: SalesforceCensus,
        *,
        linkable: Callable[[], Sequence[str]],
        largest: int,
    ) -> None:
        self._rest = rest
        self._census = census
        self._linkable = linkable
        self._largest = largest

    def read(self, reading: TableQuery, parent_types: Sequence[str] = ()) -> Iterator[Page]:
        """All children that this user can see; by id of their parents, or by ``parent_types``."""
        if parent_types:
            for name in parent_types:
                condition = soql.equals(PARENT_TYPE, name)
                yield from self._rest.read(replace(reading, condition=condition))
            return
        rule = rule_of(reading.table)
        if rule is None:
            raise SalesforceRefusal("", f"it is not known how to read {reading.table}", 400)
        yield from self._for(reading, rule.column, self._ids(rule.parent), rule.chunk)
        if reading.table == LINKS:
            yield from self._from_records(reading)

    def read_changed(self, reading: TableQuery) -> Iterator[Page]:
        """The links of documents changed since ``reading.lo``, all of each document."""
        documents = TableQuery(DOCUMENTS, ("Id",), stamp="SystemModstamp", lo=reading.lo)
        rule = LINKS_BY_DOCUMENT
        ids = (page.rows.ids for page in self._rest.read(documents))
        yield from self._for(replace(reading, lo=None), rule.column, ids, rule.chunk)

    def _for(
        self, reading: TableQuery, column: str, ids: Iterator[pa.Array], chunk: int
    ) -> Iterator[Page]:
        for some in ids:
            yield from self._rest.read_chunks(reading, column, some.to_pylist(), chunk=chunk)

    def _ids(self, table: str) -> Iterator[pa.Array]:
        return self._census.ids(self._live(table), may_bulk=True)

    def _live(self, table: str) -> TableQuery:
        return live(table, "", tells_deleted=table == DOCUMENTS)

    def _from_records(self, reading: TableQuery) -> Iterator[Page]:
        """File links from the records' end, for tables that are not too large for it."""
        skipped: list[str] = []
        for table in self._linkable():
            try:
                total = self._size(_records(table))
                if total > self._largest:
                    skipped.append(table)
                elif total:
                    ids = self._census.ids(_records(table), may_bulk=True)
                    yield from self._for(reading, LINKED, ids, DOCUMENTS_IN_A_QUERY)
            except SalesforceRefusal as error:
                yield _refused_page(self._rest, table, error)
        if skipped:
            yield _skipped_page(self._rest, skipped)

    def _size(self, reading: TableQuery) -> int:
        """The number of rows; counting stops beyond the largest allowed size.

        Rows that Salesforce will not count are listed. Raises SalesforceRefusal if it will not list
        them either.
        """
        total = self._rest.size(reading, all_rows=False)
        if total is not None:
            return total
        total = 0
        for ids in self._census.ids(reading, may_bulk=False):
            total += len(ids)
            if total > self._largest:
                break
        return total


def _records(table: str) -> TableQuery:
    """The query of the ids of a table's records; articles are only listed by their status."""
    return live(table, filter_of(table, STATUS), tells_deleted=False)


def _refused_page(rest: RestQueries, table: str, error: SalesforceRefusal) -> Page:
    """The page for a kind of record whose links Salesforce does not give.

    Kinds that never have links are not queried: no describe names the links as their children, or
    they have no records. No error code proves it, so each refusal counts.
    """
    finding = Finding.of(
        FindingKind.FILES_HIDDEN,
        Severity.GAP,
        "Links between files and records of {parent} were only searched from the side of the "
        "files: {reason}",
        "Grant the permission 'Query All Files' to the backup user. Then Unlost reads every link.",
        table=LINKS,
        detail=table,
        parent=table,
        reason=error.message,
    )
    return Page(no_rows(rest.now()), Proof(None, 0), findings=(finding,), incomplete=True)


def _skipped_page(rest: RestQueries, tables: Sequence[str]) -> Page:
    finding = Finding.of(
        FindingKind.FILES_HIDDEN,
        Severity.GAP,
        "Links between files and records of large tables were only searched from the side of "
        "the files: {tables}.",
        "Grant the permission 'Query All Files' to the backup user. Then Unlost reads every link.",
        table=LINKS,
        detail=", ".join(tables),
        tables=", ".join(tables),
    )
    return Page(no_rows(rest.now()), Proof(None, 0), findings=(finding,), incomplete=True)
