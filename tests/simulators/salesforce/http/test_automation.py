"""Queries for triggers, flows and validation rules of objects, from the planted rules."""

from urllib.parse import quote

from unlost_simulators.salesforce.writing.rules import (
    DuplicateRule,
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
        TriggerRule("Account", TriggerEffect.REFUSE, name="Flow", flow=True),
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


def test_triggers_belong_to_the_tooling_api(sim, client) -> None:
    plant(sim)
    assert client.get(f"query?q={quote(TRIGGERS)}").status_code == 400


def test_listing_needs_view_setup(sim, narrow) -> None:
    plant(sim)
    answer = narrow.get(f"tooling/query?q={quote(TRIGGERS)}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_TYPE")
