"""What the org delivers can be written again as delivered: by REST as JSON, by Bulk as CSV."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.salesforce.writing.record_writer import NOW, OBJECTS, WRITER, RecordWriter
from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.model.numbers import write_json
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.request import Channel

pytestmark = pytest.mark.full

FIELDS = (
    "Name", "Office__c", "Type", "Days__c", "AnnualRevenue", "Employees__c", "Share__c",
    "Weight__c", "Open__c", "Since__c", "Seen__c", "Opens__c", "Mail__c", "Phone", "Website",
    "Notes__c", "Story__c", "BillingStreet", "BillingCity",
)  # fmt: skip

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
name = text.filter(lambda one: one.strip(" \t\r\n\f\v"))


def decimals(digits: int, places: int) -> st.SearchStrategy[Decimal]:
    most = 10**digits - 1
    return st.integers(-most, most).map(lambda one: Decimal(one).scaleb(-places))


rows = st.fixed_dictionaries(
    {"Name": name},
    optional={
        "Office__c": st.sampled_from(["Gent", "Osaka"]),
        "Type": text,
        "Days__c": st.sampled_from(["Mon", "Mon;Tue", "Tue;Mon"]),
        "AnnualRevenue": decimals(10, 2),
        "Employees__c": st.integers(-(10**8) + 1, 10**8 - 1),
        "Share__c": decimals(5, 2),
        "Weight__c": decimals(15, 6),
        "Open__c": st.booleans(),
        "Since__c": st.dates().filter(lambda one: 1700 <= one.year <= 4000),
        "Seen__c": st.datetimes().filter(lambda one: 1700 <= one.year <= 4000),
        "Opens__c": st.times(),
        "Mail__c": st.just("ada@chocolate.example"),
        "Phone": text,
        "Notes__c": text,
        "Story__c": text,
        "BillingStreet": text,
    },
)


def milliseconds(row: dict[str, Any]) -> dict[str, Any]:
    """Times as the API delivers them: to the millisecond."""
    return {
        key: value.replace(microsecond=value.microsecond // 1000 * 1000)
        if hasattr(value, "microsecond")
        else value
        for key, value in row.items()
    }


def stored(org: Org) -> list[dict[str, Any]]:
    table = org.export("Account").to_pylist()
    return [{key: row[key] for key in FIELDS} for row in table]


def fresh() -> Org:
    org = Org(OBJECTS, [WRITER], clock=VirtualClock(NOW))
    org.insert(WRITER, "User", [{"Id": WRITER.id, "LastName": "x", "Username": "w"}])
    return org


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(rows, min_size=1, max_size=5))
def test_delivered_values_come_back_equal(given_rows: list[dict[str, Any]]) -> None:
    source, by_json, by_csv = fresh(), fresh(), fresh()
    try:
        source.insert(WRITER, "Account", [milliseconds(one) for one in given_rows])
        soql = f"SELECT {', '.join(FIELDS)} FROM Account ORDER BY Id"
        records = source.query(WRITER, soql).records(0, 100)
        sent = json.loads(write_json({"records": records}), parse_float=Decimal)["records"]
        RecordWriter(by_json, WRITER).made("Account", *sent)
        assert stored(by_json) == stored(source)
        RecordWriter(by_csv, WRITER).made("Account", *_csv_rows(source, soql), channel=Channel.BULK)
        assert stored(by_csv) == [_kept_by_csv(one) for one in stored(source)]
    finally:
        for one in (source, by_json, by_csv):
            one.close()


def _csv_rows(org: Org, soql: str) -> list[dict[str, str]]:
    select = org.bulk_sql(WRITER, soql)
    table = org.store.cursor().sql(select.sql).to_arrow_table().to_pylist()
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, select.headers, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(table)
    return list(csv.DictReader(io.StringIO(text.getvalue(), newline="")))


def _kept_by_csv(row: dict[str, Any]) -> dict[str, Any]:
    """What CSV cannot carry: the literal ``#N/A``, and digits beyond a double's."""
    kept = {key: None if value == "#N/A" else value for key, value in row.items()}
    weight = kept["Weight__c"]
    if weight is not None:
        kept["Weight__c"] = Decimal(repr(float(weight))).quantize(Decimal("0.000001"))
    return kept
