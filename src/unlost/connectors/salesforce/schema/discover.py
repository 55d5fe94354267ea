"""Discovery of an org: tables, columns, rights, and all gaps in what can be protected."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from unlost.connectors.salesforce.access.config import SalesforceConfig
from unlost.connectors.salesforce.access.rights import (
    ALL_FILES,
    UserRights,
    grants_by_table,
    masked_columns,
    missing_rights,
    read_rights,
)
from unlost.connectors.salesforce.http.api import BatchedAnswer, SalesforceApi
from unlost.connectors.salesforce.http.errors import (
    SalesforceRefusal,
    first_line,
    wrong_version,
)
from unlost.connectors.salesforce.http.shapes import DescribedObject, ObjectList, SObjectEntry
from unlost.connectors.salesforce.schema.classify import why_excluded
from unlost.connectors.salesforce.schema.describes import (
    DescribeCache,
    FetchedDescribe,
    is_describe_of,
)
from unlost.connectors.salesforce.schema.hidden import (
    UndescribedColumns,
    column_findings,
    hidden_columns,
    hidden_tables,
    still_hidden,
)
from unlost.connectors.salesforce.schema.special import LINKED, LINKS
from unlost.connectors.salesforce.schema.tables import (
    Describe,
    cascading_children,
    delete_rules,
    table_of,
    unreadable_columns,
    with_change_logs,
)
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.schema import Schema


@dataclass(frozen=True, slots=True)
class DiscoveredSchema:
    """A schema, the tables that files can be linked to, and the cascading children of each table."""

    schema: Schema
    linkable: tuple[str, ...]
    children: Mapping[str, frozenset[str]]


def discover(
    api: SalesforceApi, config: SalesforceConfig, cache: DescribeCache
) -> DiscoveredSchema:
    """Read the org's schema as the backup user sees it; unchanged describes come from the cache."""
    entries = _entries(api)
    findings: list[Finding] = []
    wanted: list[str] = []
    for entry in entries:
        finding = why_excluded(entry, config)
        if finding is None:
            wanted.append(entry["name"])
        else:
            findings.append(finding)
    rights = read_rights(api)
    fetched = cache.fetch(wanted, rights)
    hidden = hidden_columns(api, fetched.describes)
    doubted = sorted(fetched.unchanged & hidden.columns.keys())
    if doubted:  # what was kept may be older than the column
        fetched = fetched.corrected(cache.fetch_anew(doubted, rights))
        hidden = still_hidden(hidden, fetched.describes)
    describes, refused = _described_singly(api, fetched)
    findings += refused
    findings += missing_rights(rights)
    findings += masked_columns(rights, describes.values())
    findings += hidden_tables(api, frozenset(entry["name"] for entry in entries))
    findings += column_findings(describes, hidden)
    for describe in describes.values():
        findings += unreadable_columns(describe)
    schema = _schema(describes, rights, hidden, findings)
    return DiscoveredSchema(schema, _linkable(describes), cascading_children(describes))


def _entries(api: SalesforceApi) -> list[SObjectEntry]:
    """All objects; a 404 means that the org does not serve the API version."""
    try:
        return list(api.get_json("sobjects", ObjectList).sobjects)
    except SalesforceRefusal as error:
        if error.status != 404:
            raise
        raise wrong_version() from error


def _schema(
    describes: Mapping[str, Describe],
    rights: UserRights,
    hidden: UndescribedColumns,
    findings: list[Finding],
) -> Schema:
    rules = delete_rules(describes)
    tables = with_change_logs(
        table_of(
            describe,
            rules,
            hidden=hidden.columns.get(name, ()),
            all_files=rights.has(ALL_FILES),
        )
        for name, describe in sorted(describes.items())
    )
    grants = grants_by_table(rights, tables)
    return Schema(
        tuple(replace(table, grants=grants[table.name]) for table in tables),
        rights.fingerprint(describes),
        tuple(findings),
    )


def _described_singly(
    api: SalesforceApi, fetched: FetchedDescribe
) -> tuple[dict[str, Describe], list[Finding]]:
    """All describes, and a finding for each that is refused.

    A describe refused in a batch is requested again alone: a batch can fail where the call alone
    does not.
    """
    describes = dict(fetched.describes)
    refused: list[Finding] = []
    for name, answer in fetched.refused.items():
        try:
            describe = api.get_json(f"sobjects/{name}/describe", DescribedObject)
        except SalesforceRefusal as error:
            refused.append(_refused(name, _reason(answer, error)))
            continue
        if is_describe_of(name, describe):
            describes[name] = dict(describe)
        else:
            refused.append(_refused(name, "the answer describes another object"))
    return describes, refused


def _reason(answer: BatchedAnswer, error: SalesforceRefusal) -> str:
    code, message = answer.error()
    return first_line(message) or first_line(error.text) or code or error.native


def _refused(name: str, reason: str) -> Finding:
    return Finding.of(
        FindingKind.TABLE_REFUSED,
        Severity.GAP,
        "Salesforce lists {name}, but does not describe it ({reason}).",
        "Give the backup user read access to the object, or exclude it.",
        table=name,
        name=name,
        reason=reason,
    )


def _linkable(describes: Mapping[str, Describe]) -> tuple[str, ...]:
    return tuple(
        name
        for name, describe in sorted(describes.items())
        if any(
            relation["childSObject"] == LINKS and relation["field"] == LINKED
            for relation in describe.get("childRelationships") or ()
        )
    )
