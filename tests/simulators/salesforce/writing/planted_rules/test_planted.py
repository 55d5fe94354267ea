"""Validation rules and triggers that a test plants, and what they do to a request."""

from datetime import timedelta

import pytest

from simulators.salesforce.writing.record_writer import ALL, RecordWriter, code, errors
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.rules import (
    Moment,
    Phase,
    TriggerEffect,
    TriggerRule,
    ValidationRule,
)

NEEDS_PHONE = ValidationRule(
    "Account",
    "A shop needs a phone.",
    "Type = 'Shop' AND Phone = null",
    name="Phone",
    field="Phone",
)
SHOP = {"Name": "a", "Type": "Shop"}


def test_a_validation_rule_refuses_the_rows_that_it_finds(writer: RecordWriter, org: Org) -> None:
    org.planted.plant(NEEDS_PHONE)
    assert org.planted.unhit() == ["ValidationRule Phone"]
    results = writer.create("Account", {**SHOP, "Phone": "1"}, SHOP, {"Name": "b"})
    assert [code(one) for one in results] == ["ok", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "ok"]
    assert errors(results[1])[0][1:] == ("A shop needs a phone.", ["Phone"])
    assert results[1].id is None
    assert writer.live("Account") == 2
    assert org.planted.report() == [(NEEDS_PHONE, 1)]


def test_a_validation_rule_takes_an_update_back(writer: RecordWriter, org: Org) -> None:
    org.planted.plant(NEEDS_PHONE)
    one, two = writer.made("Account", {**SHOP, "Phone": "1"}, {**SHOP, "Phone": "2"})
    results = writer.update("Account", {"Id": one, "Phone": None}, {"Id": two, "Phone": "3"})
    assert [code(each) for each in results] == ["FIELD_CUSTOM_VALIDATION_EXCEPTION", "ok"]
    phones = [writer.row("Account", key)["Phone"] for key in (one, two)]
    assert phones == ["1", "3"]
    (result,) = writer.update("Account", {"Id": one, "Phone": None}, all_or_none=ALL)
    assert code(result) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def test_a_rule_for_updates_alone_and_without_a_field(writer: RecordWriter, org: Org) -> None:
    rule = ValidationRule("Account", "Frozen.", "Name = 'a'", on=frozenset({Moment.UPDATE}))
    org.planted.plant(rule)
    (key,) = writer.made("Account", {"Name": "a"})
    (result,) = writer.update("Account", {"Id": key, "Phone": "1"})
    assert errors(result) == [("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Frozen.", [])]
    org.planted.clear()
    assert writer.update("Account", {"Id": key, "Phone": "1"})[0].success


def test_a_trigger_fails(writer: RecordWriter, org: Org) -> None:
    org.planted.plant(
        TriggerRule(
            "Account", TriggerEffect.REFUSE, name="Guard", phase=Phase.BEFORE, where="Name = 'bad'"
        )
    )
    good, bad = writer.create("Account", {"Name": "good"}, {"Name": "bad"})
    text = (
        "Guard: execution of BeforeInsert\n\ncaused by: System.NullPointerException: Attempt to "
        "de-reference a null object\n\nTrigger.Guard: line 1, column 1"
    )
    assert good.success
    assert errors(bad) == [("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text, [])]
    assert writer.live("Account") == 1


def test_a_trigger_creates_a_task(writer: RecordWriter, org: Org) -> None:
    values = {"Subject": "Call {Name}", "WhatId": "{Id}", "OwnerId": "{OwnerId}"}
    rule = TriggerRule("Account", TriggerEffect.CREATE, creates="Task", values=values)
    org.planted.plant(rule)
    one, two = writer.made("Account", {"Name": "a"}, {"Name": "b"})
    tasks = org.export("Task").to_pylist()
    found = [(each["Subject"], each["WhatId"], each["OwnerId"]) for each in tasks]
    assert found == [("Call a", one, writer.user.id), ("Call b", two, writer.user.id)]
    writer.update("Account", {"Id": one, "Name": "c"})
    assert writer.live("Task") == 2
    assert org.planted.report() == [(rule, 2)]


@pytest.mark.parametrize(("phase", "year"), [(Phase.BEFORE, 2020), (Phase.AFTER, 2026)])
def test_a_trigger_stamps_the_row(writer: RecordWriter, org: Org, phase: Phase, year: int) -> None:
    """After the save that is a further change, which overwrites the restored audit fields."""
    org.planted.plant(
        TriggerRule(
            "Account", TriggerEffect.SET, phase=phase, values={"Website": "w/{Name}", "Tag__c": "t"}
        )
    )
    audit = {"CreatedDate": "2019-01-01T00:00:00Z", "LastModifiedDate": "2020-01-01T00:00:00Z"}
    (key,) = writer.made("Account", {"Name": "a", **audit})
    row = writer.row("Account", key)
    assert (row["Website"], row["Tag__c"]) == ("w/a", "t")
    assert row["LastModifiedDate"].year == year


def test_a_trigger_on_updates(writer: RecordWriter, org: Org) -> None:
    org.planted.plant(
        TriggerRule(
            "Account", TriggerEffect.SET, on=frozenset({Moment.UPDATE}), values={"Website": "seen"}
        )
    )
    (key,) = writer.made("Account", {"Name": "a"})
    assert writer.row("Account", key)["Website"] is None
    org.clock.advance(timedelta(hours=1))
    writer.update("Account", {"Id": key, "Phone": "1"})
    assert writer.row("Account", key)["Website"] == "seen"


def test_what_a_refused_row_set_off_is_taken_back(writer: RecordWriter, org: Org) -> None:
    org.planted.plant(TriggerRule("Account", TriggerEffect.CREATE, values={"Subject": "{Name}"}))
    org.planted.plant(
        TriggerRule("Account", TriggerEffect.REFUSE, where="Name = 'bad'", message="No.")
    )
    results = writer.create("Account", {"Name": "bad"}, {"Name": "good"})
    assert [code(one) for one in results] == ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "ok"]
    assert [one["Subject"] for one in org.export("Task").to_pylist()] == ["good"]


def test_triggers_that_refuse_again_and_again(writer: RecordWriter, org: Org) -> None:
    """Each attempt refuses a row because another one is gone; the platform gives up."""
    for number in range(4):
        later = f"Name = '{number + 1}'"
        org.planted.plant(
            TriggerRule("Account", TriggerEffect.REFUSE, where=f"Name = '{number}'", message=later)
        )
    org.planted.clear()
    calls = iter("abc")

    class Moody:
        """A rule book that refuses another row each time."""

        def rules(self, kind: type, name: str) -> list[ValidationRule]:
            if kind is not ValidationRule or name != "Account":
                return []
            return [ValidationRule("Account", "No.", f"Name = '{next(calls)}'")]

        def hit(self, rule: object, times: int = 1) -> None:
            del rule, times

    org.planted = Moody()  # type: ignore[assignment]
    results = writer.create("Account", *({"Name": one} for one in "abcd"))
    text = "Too many retries of batch save in the presence of Apex triggers with failures"
    assert [one.success for one in results] == [False] * 4
    assert errors(results[3]) == [("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text, [])]
    assert writer.live("Account") == 0


def test_rules_leave_other_objects_and_the_platform_alone(writer: RecordWriter, org: Org) -> None:
    org.planted.plant(ValidationRule("Task", "Never.", "Subject != null"))
    org.planted.plant(TriggerRule("Account", TriggerEffect.CREATE, values={"Subject": "s"}))
    assert writer.made("Account", {"Name": "a"})
    assert writer.live("Task") == 1
    (result,) = writer.create("Task", {"Subject": "s"})
    assert code(result) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
