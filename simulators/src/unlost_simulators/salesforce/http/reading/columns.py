"""``&columns=true`` of the query resource: names of the columns, requested by a command line tool.

Undocumented; the members are the ones that the ``sf`` CLI reads. Names are taken from the text of
the query, so that a query without rows has columns too.
"""

from __future__ import annotations

import re
from typing import Any

from unlost_simulators.salesforce.http.subjects import from_object

_SELECT = re.compile(r"^\s*SELECT\s+(.*?)\s+FROM\s", re.IGNORECASE | re.DOTALL)


def column_metadata(soql: str) -> dict[str, Any]:
    """Give the answer: one entry for each item of SELECT, dotted paths nested in joinColumns."""
    flat = _without_subqueries(soql)
    match = _SELECT.match(flat)
    names = [part.strip() for part in _split(match.group(1))] if match else []
    return {
        "columnMetadata": [_column(name.split()[-1]) for name in names if name],
        "entityName": from_object(soql),
        "groupBy": " group by " in soql.lower(),
        "idSelected": any(name.lower() == "id" for name in names),
        "keyPrefix": None,
    }


def _column(path: str) -> dict[str, Any]:
    head, _, rest = path.partition(".")
    return {
        "aggregate": "(" in path,
        "apexType": None,
        "booleanType": False,
        "columnName": head,
        "custom": head.endswith("__c"),
        "displayName": head,
        "foreignKeyName": None,
        "insertable": False,
        "joinColumns": [_column(rest)] if rest else [],
        "numberType": False,
        "textType": True,
        "updatable": False,
    }


def _without_subqueries(soql: str) -> str:
    return re.sub(r"\(\s*SELECT[^()]*\)", "", soql, flags=re.IGNORECASE)


def _split(items: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, char in enumerate(items):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(items[start:at])
            start = at + 1
    return [*parts, items[start:]]
