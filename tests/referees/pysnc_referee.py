"""Drives PySNC, the client of ServiceNow itself, unchanged, and prints what it got as one JSON object.

Runs in the referees' own environment and imports nothing of this project.
Arguments: address, certificate file of the authority, user who reads, user who writes, their
password, OAuth client, its secret.
"""

import json
import sys
from collections.abc import Iterator

from pysnc import ServiceNowClient, ServiceNowPasswordGrantFlow
from pysnc.exceptions import AuthenticationException, RoleException

TABLE, BATCH = "incident", 50
NEW_ID = "0123456789abcdef0123456789abcdef"
TITLE = "Written by PySNC"
BODY = b"cocoa \x00\xff" * 9_000


def main() -> None:
    url, ca, reader, writer, password, client, secret = sys.argv[1:]
    read = ServiceNowClient(url, (reader, password), verify=ca)
    write = ServiceNowClient(url, (writer, password), verify=ca)
    flow = ServiceNowPasswordGrantFlow(reader, password, client, secret)
    facts = {
        "token": ids(by_number(ServiceNowClient(url, flow, verify=ca))),
        "refused": [
            refusal(ServiceNowClient(url, (reader, "wrong"), verify=ca), AuthenticationException),
            refusal(read, RoleException),
        ],
    }
    facts |= reads(read) | conditions(read) | writes(write) | batches(write) | attachments(write)
    json.dump(facts, sys.stdout)


def by_number(client: ServiceNowClient):
    records = client.GlideRecord(TABLE, batch_size=BATCH)
    records.order_by("number")
    records.query()
    return records


def ids(records) -> list[str]:
    return [record.get_value("sys_id") for record in records]


def refusal(client: ServiceNowClient, kind: type[Exception]) -> str:
    record = client.GlideRecord(TABLE)
    record.initialize()
    record.short_description = TITLE
    try:
        record.insert()
    except kind as error:
        return str(error)
    return ""


def reads(client: ServiceNowClient) -> dict[str, object]:
    records = by_number(client)
    newest = client.GlideRecord(TABLE, batch_size=2)
    newest.order_by_desc("number")
    newest.limit = 4
    newest.fields = ["number", "state", "caller_id.name", "no_such_column"]
    newest.query()
    rows = [
        [
            row.get_value("number"),
            row.get_display_value("state"),
            row.get_value("caller_id.name"),
            "no_such_column" in row,
        ]
        for row in newest
    ]
    named, known = client.GlideRecord(TABLE), client.GlideRecord(TABLE)
    found = named.get("number", rows[0][0])
    return {
        "ids": ids(records),
        "row_count": records.get_row_count(),
        "newest": rows,
        "by_number": [found, named.get_value("number")],
        "by_id": [known.get(named.get_value("sys_id")), known.get_value("number")],
        "unknown": client.GlideRecord(TABLE).get("f" * 32),
    }


def conditions(client: ServiceNowClient) -> dict[str, object]:
    answers: dict[str, object] = {}
    for name, build in CONDITIONS.items():
        records = client.GlideRecord(TABLE, batch_size=BATCH)
        build(records)
        query = records.get_encoded_query()
        records.query()
        answers[name] = [query, sorted(ids(records))]
    return {"conditions": answers}


def either(records) -> None:
    records.add_query("state", "6").add_or_condition("state", "7")


CONDITIONS = {
    "active": lambda records: records.add_active_query(),
    "either": either,
    "without": lambda records: records.add_null_query("assigned_to"),
    "with": lambda records: records.add_not_null_query("assigned_to"),
    "contains": lambda records: records.add_query("short_description", "CONTAINS", "a"),
    "lacks": lambda records: records.add_query("short_description", "DOES NOT CONTAIN", "a"),
    "among": lambda records: records.add_query("priority", "IN", "1,2"),
    "since": lambda records: records.add_query("sys_updated_on", ">=", "2026-06-01 00:00:00"),
    "encoded": lambda records: records.add_encoded_query("priority=1^NQpriority=2"),
}


def writes(client: ServiceNowClient) -> dict[str, object]:
    record = client.GlideRecord(TABLE)
    record.initialize()
    record.set_new_guid_value(NEW_ID)
    record.short_description = TITLE
    created = str(record.insert())
    again = client.GlideRecord(TABLE)
    again.get(created)
    again.impact = "1"
    updated = str(again.update())
    number, impact = again.get_value("number"), again.get_display_value("impact")
    deleted = again.delete()
    return {
        "created": [created, number],
        "updated": [updated, impact],
        "deleted": [deleted, client.GlideRecord(TABLE).get(created)],
    }


def batches(client: ServiceNowClient) -> dict[str, object]:
    for _ in range(3):
        record = client.GlideRecord(TABLE)
        record.initialize()
        record.short_description = TITLE
        record.insert()
    changed = titled(client)
    for record in changed:
        record.impact = "1"
    updated = changed.update_multiple()
    impacts = [record.get_value("impact") for record in titled(client)]
    deleted = titled(client).delete_multiple()
    return {"batches": [updated, impacts, deleted, ids(titled(client))]}


def titled(client: ServiceNowClient):
    records = client.GlideRecord(TABLE)
    records.add_query("short_description", TITLE)
    records.query()
    return records


def attachments(client: ServiceNowClient) -> dict[str, object]:
    record = client.GlideRecord(TABLE)
    record.initialize()
    record.short_description = TITLE
    record.insert()
    record.add_attachment("Price list 2026.bin", BODY, content_type="application/pdf")
    listed = [
        [
            each.file_name,
            int(each.size_bytes),
            each.content_type,
            each.as_temp_file().read() == BODY,
        ]
        for each in record.get_attachments()
    ]
    for each in record.get_attachments():
        each.delete()
    left = list(names(record))
    record.delete()
    return {"attachments": listed, "left": left}


def names(record) -> Iterator[str]:
    return (each.file_name for each in record.get_attachments())


if __name__ == "__main__":
    main()
