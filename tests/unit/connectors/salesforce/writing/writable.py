"""A tiny org over a scripted network that can be written to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from fakes.salesforce import FakeSalesforce, describe, field, id_of, system_fields
from fakes.wire import json_answer
from unlost.connectors.salesforce import SalesforceConnector
from unlost.connectors.salesforce.schema.columns import column_of
from unlost.connectors.salesforce.writing.writer import SalesforceWriter
from unlost.model.source.schema import Table
from unlost.model.source.writing import RowOutcome, WriteOp, WriteRow


class Org(FakeSalesforce):
    """A tiny org that can be written to."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.add("Account", field("Name"), field("Code__c", unique=True), field("Size", "double"))
        self.made = 0
        on = self.wire.on
        on("POST", r"/composite/sobjects$", self._collection)
        on("PATCH", r"/composite/sobjects$", self._collection)
        on("DELETE", r"/composite/sobjects\?ids=", self._deleted)
        on("POST", r"/composite/sobjects/\w+$", self._retrieved)

    def add(self, name: str, *fields: dict[str, Any], **facts: Any) -> None:
        self.describes[name] = describe(name, *system_fields(), *fields, **facts)
        self.rows.setdefault(name, [])

    def shape(self, name: str) -> Table:
        """The table as a backup knows it."""
        fields = self.describes[name]["fields"]
        return Table(name, columns=tuple(column_of(one) for one in fields))

    @contextmanager
    def writer(self) -> Iterator[SalesforceWriter]:
        connector = SalesforceConnector(self.wire.transport)
        with connector.open_writer(self.config, self.context) as writer:
            yield writer

    def _collection(self, request: httpx.Request) -> httpx.Response:
        results = []
        for record in json.loads(request.content)["records"]:
            self.made += 1
            results.append({"success": True, "id": record.get("Id") or id_of("001", self.made)})
        return json_answer(results)

    def _retrieved(self, request: httpx.Request) -> httpx.Response:
        return json_answer(self._live(request.url.path, json.loads(request.content)))

    def _live(self, path: str, asked: dict[str, list[str]]) -> list[Any]:
        rows = self.rows[path.rsplit("/", 1)[1]]
        live = {one["Id"]: one for one in rows if not one.get("IsDeleted")}
        found = [live.get(one) for one in asked["ids"]]
        return [one and {name: one.get(name) for name in asked["fields"]} for one in found]

    def _deleted(self, request: httpx.Request) -> httpx.Response:
        ids = dict(request.url.params)["ids"].split(",")
        return json_answer([{"success": True, "id": one} for one in ids])


def rows(count: int, **cells: str | None) -> list[WriteRow]:
    return [WriteRow(f"k{n}", None, {"Name": f"N{n}", **cells}) for n in range(count)]


def kinds(outcomes: Any) -> list[str]:
    return [one.kind.value for one in outcomes]


def write(org: Org, op: WriteOp, sent: list[WriteRow], table: str = "Account") -> list[RowOutcome]:
    with org.writer() as writer:
        return list(writer.write(op, org.shape(table), sent, token="t"))
