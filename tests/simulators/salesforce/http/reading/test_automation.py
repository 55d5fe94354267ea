"""Queries for triggers, flows and validation rules of objects, from the planted rules."""

from dataclasses import replace
from urllib.parse import quote

import pytest

from unlost_simulators.salesforce.writing.rules import (
    ApprovalRule,
    DuplicateRule,
    Phase,
    Tool,
    TriggerEffect,
    TriggerRule,
    ValidationRule,
)

ENTITY = "EntityDefinition.QualifiedApiName"
OBJECT = "TriggerObjectOrEvent.QualifiedApiName"
TRIGGERS = f"SELECT Name,NamespacePrefix,{ENTITY} FROM ApexTrigger WHERE {ENTITY} IN ('Account')"
RULES = f"SELECT ValidationName,{ENTITY} FROM ValidationRule WHERE {ENTITY} IN ('Account','Lead')"
FLOWS = f"SELECT ApiName FROM FlowDefinitionView WHERE {OBJECT} IN ('Account')"


def plant(sim) -> None:
    for rule in (
        TriggerRule("Account", TriggerEffect.REFUSE, name="Guard", package="acme"),
        TriggerRule("Account", TriggerEffect.REFUSE, name="Flow", tool=Tool.FLOW),
        TriggerRule("Contact", TriggerEffect.REFUSE, name="Elsewhere"),
        ValidationRule("Account", "No.", "Name = 'x'", name="Named"),
        DuplicateRule("Account", ("Name",)),
    ):
        sim.org.planted.plant(rule)


def test_planted_rules_are_listed_by_object(sim, client) -> None:
    plant(sim)
    answer = client.get(f"tooling/query?q={quote(TRIGGERS)}").json()
    assert (answer["totalSize"], answer["done"]) == (1, True)
    (trigger,) = answer["records"]
    assert (trigger["Name"], trigger["NamespacePrefix"]) == ("Guard", "acme")
    assert trigger["EntityDefinition"]["QualifiedApiName"] == "Account"
    (rule,) = client.get(f"tooling/query?q={quote(RULES)}").json()["records"]
    assert (rule["ValidationName"], rule["NamespacePrefix"]) == ("Named", None)
    (flow,) = client.get(f"query?q={quote(FLOWS)}").json()["records"]
    assert flow["ApiName"] == "Flow"
    assert flow["TriggerObjectOrEvent"]["QualifiedApiName"] == "Account"


SAVES = "('RecordBeforeSave','RecordAfterSave')"


@pytest.mark.parametrize(
    ("path", "query", "condition", "count"),
    [
        ("tooling/query", TRIGGERS, "", 2),
        ("tooling/query", TRIGGERS, "Status = 'Active'", 1),
        ("tooling/query", TRIGGERS, "Status IN ('Inactive')", 1),
        ("tooling/query", TRIGGERS, "Status = 'active' AND Status = 'Inactive'", 0),
        ("tooling/query", RULES, "Active = true", 1),
        ("tooling/query", RULES, "Active = FALSE", 1),
        ("query", FLOWS, f"IsActive = true AND TriggerType IN {SAVES}", 1),
        ("query", FLOWS, "TriggerType = 'RecordBeforeSave'", 0),
        ("query", FLOWS, "TriggerType = 'RecordBeforeDelete'", 0),
    ],
)
def test_a_question_that_leaves_out_inactive_rules_gets_the_active_ones(
    sim, client, path, query, condition, count
) -> None:
    plant(sim)
    for rule in [rule for rule, _ in sim.org.planted.report()]:
        if not isinstance(rule, DuplicateRule):
            sim.org.planted.plant(replace(rule, name=f"Old {rule.name}", active=False))
    full = f"{query} AND {condition}" if condition else query
    answer = client.get(f"{path}?q={quote(full)}").json()
    assert answer["totalSize"] == count, answer


def test_a_flow_before_the_save_is_listed_as_such(sim, client) -> None:
    rule = TriggerRule(
        "Account", TriggerEffect.SET, name="Early", phase=Phase.BEFORE, tool=Tool.FLOW
    )
    sim.org.planted.plant(rule)
    asked = quote(f"{FLOWS} AND TriggerType = 'RecordBeforeSave'")
    (flow,) = client.get(f"query?q={asked}").json()["records"]
    assert flow["ApiName"] == "Early"


@pytest.mark.parametrize(
    ("condition", "code"),
    [("Aktive = true", "INVALID_FIELD"), ("Status LIKE 'A%'", "MALFORMED_QUERY")],
)
def test_a_condition_that_is_not_understood_is_refused(sim, client, condition, code) -> None:
    plant(sim)
    answer = client.get(f"tooling/query?q={quote(f'{TRIGGERS} AND {condition}')}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_triggers_belong_to_the_tooling_api(sim, client) -> None:
    plant(sim)
    assert client.get(f"query?q={quote(TRIGGERS)}").status_code == 400


def test_listing_needs_view_setup(sim, narrow) -> None:
    plant(sim)
    answer = narrow.get(f"tooling/query?q={quote(TRIGGERS)}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_TYPE")


def test_a_process_is_listed_among_flows_and_a_workflow_rule_by_its_own_resource(
    sim, client, narrow
) -> None:
    plant(sim)
    for name, tool, active in (
        ("Old_Process", Tool.PROCESS, True),
        ("Mail_Owner", Tool.WORKFLOW, True),
        ("Retired", Tool.WORKFLOW, False),
    ):
        rule = TriggerRule("Account", TriggerEffect.REFUSE, name=name, tool=tool, active=active)
        sim.org.planted.plant(rule)
    processes = "SELECT ApiName FROM FlowDefinitionView WHERE ProcessType = 'Workflow'"
    (process,) = client.get(f"query?q={quote(processes)}").json()["records"]
    assert process["ApiName"] == "Old_Process"
    (flow,) = client.get(f"query?q={quote(f'{FLOWS} AND TriggerType IN {SAVES}')}").json()[
        "records"
    ]
    assert flow["ApiName"] == "Flow"
    rules = client.get("process/rules").json()["rules"]
    assert [rule["name"] for rule in rules["Account"]] == ["Mail_Owner"]
    assert narrow.get("process/rules").status_code == 403


def test_pending_approvals_are_listed_with_record_and_process(sim, client) -> None:
    record = sim.org.export("Account").to_pylist()[0]
    sim.org.planted.plant(ApprovalRule("Account", (record["Id"],), "Discount"))
    columns = "TargetObjectId,TargetObject.Name,ProcessDefinition.Name"
    asked = f"SELECT {columns} FROM ProcessInstance WHERE Status = 'Pending'"
    (row,) = client.get(f"query?q={quote(asked)}").json()["records"]
    assert row["TargetObjectId"] == record["Id"]
    assert row["TargetObject"]["Name"] == record["Name"]
    assert row["ProcessDefinition"]["Name"] == "Discount"
    for condition in ("TargetObjectId IN ('001000000000000AAA')", "Status = 'Approved'"):
        answer = client.get(f"query?q={quote(f'{asked} AND {condition}')}").json()
        assert answer["records"] == []
    refused = client.get(f"query?q={quote(f'{asked} AND Colour = 1')}")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
