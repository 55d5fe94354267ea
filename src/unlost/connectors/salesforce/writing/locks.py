"""Records that Salesforce refuses to change without another step: in an approval, or published.

One query for all pending approvals, and one for 500 articles. An approval process locks its record
and the details of it. Administrators, who have Modify All Data, may change them nevertheless. Locks
that a flow or Apex sets, and those that stay after an approval, cannot be read with a query.

Sources: object reference (ProcessInstance: Status, TargetObjectId, ProcessDefinition;
KnowledgeArticleVersion: only draft versions can be updated; UserPermissionAccess), Apex reference
(Approval class: administrators can edit locked records).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import batched
from typing import Any

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.kit.json_to_arrow import text_of
from unlost.model.source.locks import LockKind, LockList, RecordLock, RecordsByTable

ARTICLES = "__kav"
MODIFY_ALL = "PermissionsModifyAllData"
PENDING = ("TargetObjectId", "TargetObject.Name", "ProcessDefinition.Name")
FEW = 200  # ids that a query names; for more records all pending approvals are read
MOST_PAGES = 10  # of 2,000 pending approvals
ARTICLES_A_QUERY = 500


def locks_of(api: SalesforceApi, records: RecordsByTable, *, writes: bool) -> LockList:
    """The locked records among these. ``writes``: the calling user is the one who will write."""
    approvals = _answer(lambda: _in_approval(api, records))
    articles = _answer(lambda: list(_published(api, records)))
    answers = {LockKind.APPROVAL: approvals, LockKind.PUBLISHED: articles}
    return LockList(
        (*(approvals or ()), *(articles or ())),
        tuple(kind for kind, locks in answers.items() if locks is None),
        frozenset({LockKind.APPROVAL} if approvals and writes and _modifies_all(api) else ()),
    )


def _answer(listing: Callable[[], Sequence[RecordLock] | None]) -> Sequence[RecordLock] | None:
    """The locks; None if Salesforce refuses to list them."""
    try:
        return listing()
    except SalesforceRefusal:
        return None


def _in_approval(api: SalesforceApi, records: RecordsByTable) -> Sequence[RecordLock] | None:
    """The records that wait for a decision; None if the org has too many pending approvals."""
    table_of = {record: table for table, ids in records.items() for record in ids}
    few = soql.any_of("TargetObjectId", table_of) if len(table_of) <= FEW else ""
    query = soql.select(PENDING, "ProcessInstance", "Status = 'Pending'", few)
    locks: list[RecordLock] = []
    for number, page in enumerate(api.query_pages(query, list), 1):
        if number > MOST_PAGES:
            return None
        rows = (row for row in page.records if row.get("TargetObjectId") in table_of)
        locks += (_approval(row, table_of) for row in rows)
    return locks


def _approval(row: Mapping[str, Any], table_of: Mapping[str, str]) -> RecordLock:
    record = str(row["TargetObjectId"])
    name, process = _name(row, "TargetObject"), _name(row, "ProcessDefinition")
    return RecordLock(LockKind.APPROVAL, table_of[record], record, name, process)


def _name(row: Mapping[str, Any], parent: str) -> str:
    return text_of((row.get(parent) or {}).get("Name")) or ""


def _published(api: SalesforceApi, records: RecordsByTable) -> Iterator[RecordLock]:
    for table, ids in records.items():
        if not table.endswith(ARTICLES):
            continue
        for some in batched(ids, ARTICLES_A_QUERY):
            for row in api.query(_articles(table, some)):
                title = text_of(row.get("Title")) or ""
                yield RecordLock(LockKind.PUBLISHED, table, str(row["Id"]), title)


def _articles(table: str, ids: Sequence[str]) -> str:
    online = soql.equals("PublishStatus", "Online")
    return soql.select(("Id", "Title"), table, online, soql.any_of("Id", ids))


def _modifies_all(api: SalesforceApi) -> bool:
    """True if the user is known to have Modify All Data."""
    try:
        rows = api.query(soql.select((MODIFY_ALL,), "UserPermissionAccess"))
    except SalesforceRefusal:
        return False
    return bool(rows and rows[0].get(MODIFY_ALL))
