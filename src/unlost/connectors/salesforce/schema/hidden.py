"""Columns and tables that exist and that this user may not see.

Source: Tooling API guide, FieldDefinition: it lists the fields of an object regardless of the
user's field-level security, but needs "View Setup and Configuration"; REST guide,
resources-record-count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from urllib.parse import quote_plus

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import BatchedAnswer, SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.limits import BATCH_REQUESTS
from unlost.connectors.salesforce.http.shapes import (
    MOST_ALL_COLUMNS,
    MOST_COLUMNS,
    NameList,
    RecordCounts,
)
from unlost.connectors.salesforce.schema.tables import Describe
from unlost.kit.http import AnswerTooLarge
from unlost.kit.paging import circular, follow
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import Noun, counted


@dataclass(frozen=True, slots=True)
class UndescribedColumns:
    """Columns missing from describes, by table; ``unlisted``: tables that could not be listed."""

    columns: Mapping[str, tuple[str, ...]]
    unlisted: tuple[str, ...] = ()


def hidden_columns(api: SalesforceApi, describes: Mapping[str, Describe]) -> UndescribedColumns:
    """Compare each describe with the list of all fields of the object."""
    columns: dict[str, tuple[str, ...]] = {}
    unlisted: list[str] = []
    count = 0
    for names in batched(sorted(describes), BATCH_REQUESTS):
        answers = api.batch([_question(name) for name in names])
        for name, answer in zip(names, answers, strict=True):
            if answer.status != 200:
                unlisted.append(name)
                continue
            hidden = tuple(sorted(_listed(api, answer) - _shown(describes[name])))
            count += len(hidden)
            if count > MOST_ALL_COLUMNS:
                raise AnswerTooLarge(f"its objects have more than {MOST_ALL_COLUMNS:,} fields")
            if hidden:
                columns[name] = hidden
    return UndescribedColumns(columns, tuple(unlisted))


def still_hidden(
    hidden: UndescribedColumns, describes: Mapping[str, Describe]
) -> UndescribedColumns:
    """The columns that remain hidden after some objects were described again."""
    hidden_still = {
        name: tuple(column for column in columns if column not in _shown(describes[name]))
        for name, columns in hidden.columns.items()
        if name in describes
    }
    return UndescribedColumns(
        {name: columns for name, columns in hidden_still.items() if columns}, hidden.unlisted
    )


def _shown(describe: Describe) -> frozenset[str]:
    return frozenset(field["name"] for field in describe["fields"])


def _question(table: str) -> str:
    query = soql.select(
        ("QualifiedApiName",),
        "FieldDefinition",
        soql.equals("EntityDefinition.QualifiedApiName", table),
    )
    return f"tooling/query/?q={quote_plus(query, safe=',()')}"


def _listed(api: SalesforceApi, answer: BatchedAnswer) -> frozenset[str]:
    """The names in an answer, which has further pages for very wide tables."""
    names: set[str] = set()
    pages = follow(
        answer.read(NameList),
        fetch=lambda link: api.get_json(api.link(link), NameList),
        link=lambda page: None if page.done else page.next_records_url,
    )
    for number, page in enumerate(pages):
        if number > MOST_COLUMNS or (page.next_records_url and not page.records):
            raise circular()
        names |= {record.name for record in page.records}
        if len(names) > MOST_COLUMNS:
            raise AnswerTooLarge(f"an object has more than {MOST_COLUMNS:,} fields")
    return frozenset(names)


def column_findings(tables: Mapping[str, Describe], hidden: UndescribedColumns) -> list[Finding]:
    """A finding for each hidden column, and one for all tables that could not be checked."""
    unlisted = [_unlisted(hidden.unlisted)] if hidden.unlisted else []
    return unlisted + [
        Finding.of(
            FindingKind.COLUMN_HIDDEN,
            Severity.GAP,
            "The column {column_name} of {table_label} is hidden from the backup user.",
            "Give the backup user read access to the field (a permission set with 'Read Access').",
            table=name,
            column=column,
            column_name=column,
            table_label=tables[name].get("label") or name,
        )
        for name, columns in hidden.columns.items()
        for column in columns
    ]


def _unlisted(tables: Sequence[str]) -> Finding:
    return Finding.of(
        FindingKind.PERMISSION_MISSING,
        Severity.GAP,
        "Salesforce did not list the fields of {tables}. Columns that are hidden from the "
        "backup user are not detected there.",
        "Grant the permission 'View Setup and Configuration' to the backup user.",
        detail=", ".join(tables),
        tables=counted(len(tables), Noun.TABLE),
    )


def _uncounted() -> Finding:
    return Finding.of(
        FindingKind.PERMISSION_MISSING,
        Severity.GAP,
        "Salesforce did not report which tables have records. Tables that are hidden from the "
        "backup user are not detected.",
        "Grant the permission 'View Setup and Configuration' to the backup user.",
        detail="limits/recordCount",
    )


def read_record_counts(api: SalesforceApi) -> dict[str, int] | None:
    """The org's own counts of records by table; None if the user may not see them."""
    try:
        answer = api.get_json("limits/recordCount", RecordCounts)
    except SalesforceRefusal:
        return None
    return {count_row.name: count_row.count for count_row in answer.s_objects or ()}


def hidden_tables(api: SalesforceApi, seen: frozenset[str]) -> list[Finding]:
    """Tables that the org counts but does not show to this user."""
    row_counts = read_record_counts(api)
    if row_counts is None:
        return [_uncounted()]
    return [
        Finding.of(
            FindingKind.PERMISSION_MISSING,
            Severity.GAP,
            "The table {name} has about {records} that the backup user cannot see.",
            "Give the backup user read access to the object (a permission set with 'Read' and "
            "'View All Records').",
            table=name,
            detail=str(rows),
            name=name,
            records=counted(rows, Noun.RECORD),
        )
        for name, rows in sorted(row_counts.items())
        if name not in seen and rows > 0
    ]
