"""Batches, uploads and look-ups, with scripted answers."""

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
import pytest

from fakes.table_api import ScriptedApi, error_answer, rows_answer
from unlost.connectors.servicenow.schema.dictionary import InstanceDictionary
from unlost.connectors.servicenow.schema.discover import TablePlace
from unlost.connectors.servicenow.writing.automation import automation_of, identifiers_of
from unlost.connectors.servicenow.writing.calls import BatchItem, ItemAnswer, send_batch
from unlost.connectors.servicenow.writing.entries import attributed, original
from unlost.connectors.servicenow.writing.lookups import InstanceLookups, usable_part
from unlost.connectors.servicenow.writing.uploads import upload_file
from unlost.model.source.schema import Column, Table, WireKind
from unlost.model.source.writing import OutcomeKind, WriteRow

ITEMS = [BatchItem("a", "POST", "table/u", {"x": None}), BatchItem("b", "DELETE", "table/u/1")]


def batch_answer(*items: Mapping[str, Any], unserviced: Sequence[str] = ()) -> httpx.Response:
    body = {"serviced_requests": items, "unserviced_requests": unserviced}
    return httpx.Response(200, json=body)


def item(number: int, status: int, body: object = None, **parts: Any) -> dict[str, Any]:
    text = b"" if body is None else json.dumps(body).encode()
    encoded = base64.b64encode(text).decode()
    return {"id": str(number), "status_code": status, "body": encoded, **parts}


def answers(response: httpx.Response) -> dict[str, ItemAnswer]:
    return send_batch(ScriptedApi(lambda *_: response).api(), ITEMS)


def test_each_row_has_an_answer() -> None:
    location = [{"name": "Location", "value": "https://x/api/now/table/u/7"}]
    served = answers(batch_answer(item(0, 201, headers=location), item(1, 204)))
    assert served["a"] == ItemAnswer(201, location="https://x/api/now/table/u/7")
    assert served["b"].is_done
    assert send_batch(ScriptedApi(lambda *_: error_answer(500, "")).api(), []) == {}


@pytest.mark.parametrize(
    "first",
    [
        {"id": "0", "status_code": 201, "body": "no base64!"},
        {"id": "0", "status_code": 201, "body": base64.b64encode(b"<html>").decode()},
        item(0, 201, {"error": {"message": "Transaction cancelled"}}),
        item(0, 500, {"error": {"message": "Boom"}}),
        item(7, 201),
    ],
)
def test_a_row_without_a_clear_answer_may_be_written(first: Mapping[str, Any]) -> None:
    assert answers(batch_answer(first, item(1, 204))).keys() == {"b"}


def test_refusals_have_reasons_and_steps() -> None:
    text = {"error": {"message": "Failed", "detail": "Data Policy Exception: x"}}
    served = answers(batch_answer(item(0, 403, text), unserviced=["1"]))
    refused = served["a"].refused("a", None)
    assert (refused.kind, refused.native, refused.retry) == (OutcomeKind.FAILED, "403", False)
    assert "Data Policy" in refused.sentence
    assert "data policy" in refused.next_step
    undone = served["b"].refused("b", "1")
    assert (undone.native, undone.retry, undone.id) == ("unserviced", True, "1")
    assert "no reason given" in ItemAnswer(429).refused("a", None).sentence
    assert ItemAnswer(429).refused("a", None).retry


def upload(*responses: httpx.Response) -> tuple[OutcomeKind, list[str]]:
    waiting = list(responses)
    script = ScriptedApi(lambda *_: waiting.pop(0))
    outcome = upload_file(script.api(), WriteRow("k", None, {}), io.BytesIO(b"beans"))
    return outcome.kind, [path for path, _ in script.calls]


def attached(text: str) -> httpx.Response:
    return httpx.Response(201, json={"result": {"sys_id": "7", "hash": text}})


def test_a_file_that_was_stored_otherwise_is_removed() -> None:
    kind, calls = upload(attached("0" * 64), batch_answer(item(0, 204)))
    assert (kind, calls) == (OutcomeKind.FAILED, ["attachment/file", "v1/batch"])
    kind, calls = upload(attached(""), httpx.Response(200, content=b"peas"), batch_answer())
    assert kind is OutcomeKind.FAILED
    assert calls == ["attachment/file", "attachment/7/file", "v1/batch"]


def test_a_file_whose_answer_shows_nothing_may_be_there() -> None:
    assert upload(httpx.Response(201, json={"result": {}}))[0] is OutcomeKind.UNKNOWN
    assert upload(error_answer(400, "Too large"))[0] is OutcomeKind.FAILED


def test_an_entry_is_attributed_once() -> None:
    cells = {"value": "Hi", "sys_created_by": "lotte", "sys_created_on": "2026-07-01 08:00:00"}
    text = attributed(cells)
    assert original({"value": text, "sys_created_by": "restore"}) == cells
    assert attributed({"value": text}) == text
    assert original({"value": "Hi"}) == {"value": "Hi"}
    assert "an unknown user at an unknown time" in attributed({"value": "Hi"})


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("^OR state=7", "OR state=7"),
        ("javascript:gs.log(1)", "javascript"),
        ("^^,", ""),
        ("x" * 300, "x" * 100),
        ("a,  longer ", "longer"),
    ],
)
def test_only_the_harmless_part_of_a_text_is_sent(text: str, part: str) -> None:
    assert usable_part(text) == part


TABLE = Table("u", (Column("sys_id", WireKind.ID), Column("x", WireKind.TEXT)), id_column="sys_id")


class PlainLookups(InstanceLookups):
    """Look-ups in tables without archives and classes."""

    def _place(self, table: Table) -> TablePlace:
        return TablePlace((table.name,), (table.name,))


def test_a_text_without_a_harmless_part_is_found_among_all() -> None:
    rows = [{"sys_id": "1", "x": "^^,"}, {"sys_id": "2", "x": "other"}]
    script = ScriptedApi(lambda *_: rows_answer(rows, total=2))
    found = PlainLookups(script.api()).find(TABLE, ("x",), [("^^,",)])
    assert found == {("^^,",): "1"}
    assert script.calls[0][1]["sysparm_query"].startswith("xISNOTEMPTY")


def tables(*names: str) -> InstanceDictionary:
    return InstanceDictionary(tables={name: {} for name in names})


def rows_of(**by_table: list[Mapping[str, str]]) -> Callable[..., httpx.Response]:
    def answer(path: str, _: Mapping[str, str]) -> httpx.Response:
        rows = by_table[path.removeprefix("table/")]
        proving = {"active": "true", "published": "true"}
        listed = [{"sys_id": f"{at}", **proving, **row} for at, row in enumerate(rows)]
        return rows_answer(listed, total=len(rows))

    return answer


def test_rules_about_reading_do_not_act_on_writes() -> None:
    rules: list[Mapping[str, str]] = [
        {"name": "Hide", "collection": "task", "action_query": "true"},
        {"name": "Both", "collection": "task", "action_query": "true", "action_insert": "true"},
        {"name": "Elsewhere", "collection": "problem"},
    ]
    flows: list[Mapping[str, str]] = [{"table": "incident"}]
    script = ScriptedApi(rows_of(sys_script=rules, sys_flow_record_trigger=flows))
    listed = automation_of(
        script.api(), tables("sys_script", "sys_flow_record_trigger"),
        {"incident": ("incident", "task")},
    )  # fmt: skip
    assert [(each.name, each.table) for each in listed.items] == [
        ("Both", "incident"), ("0", "incident"),
    ]  # fmt: skip


def test_items_are_identified_by_the_rules_of_the_instance() -> None:
    entries: list[Mapping[str, str]] = [
        {"attributes": "name,sys_class_name", "order": "200", "table": "cmdb_ci"},
        {"attributes": "serial_number", "order": "100", "table": "cmdb_ci"},
        {"attributes": "mac", "order": "50", "table": "cmdb_ci_network_adapter"},
    ]
    entries = [{**each, "identifier.applies_to": "cmdb_ci"} for each in entries]
    script = ScriptedApi(rows_of(cmdb_identifier_entry=entries))
    keys = identifiers_of(script.api(), tables("cmdb_identifier_entry"))
    assert keys == {"cmdb_ci": (("serial_number",), ("name",))}
    assert identifiers_of(script.api(), tables()) == {}
    refused = ScriptedApi(lambda *_: error_answer(403, "No"))
    assert identifiers_of(refused.api(), tables("cmdb_identifier_entry")) == {}
