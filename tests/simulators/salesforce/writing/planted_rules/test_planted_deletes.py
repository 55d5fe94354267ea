"""Triggers on deletions: they refuse rows, write others, and delete more than was asked for."""

from collections.abc import Iterator

import pytest

from simulators.salesforce.writing.record_writer import ALL, RecordWriter, code, errors
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.request import Verb
from unlost_simulators.salesforce.writing.rules import Moment, Phase, TriggerEffect, TriggerRule

ON_DELETE = frozenset({Moment.DELETE})


def plant(org: Org, of: str, deed: TriggerEffect, **members: object) -> TriggerRule:
    rule = TriggerRule(of, deed, on=ON_DELETE, **members)  # type: ignore[arg-type]
    org.planted.plant(rule)
    return rule


@pytest.fixture(autouse=True)
def every_rule_acts(org: Org) -> Iterator[None]:
    yield
    assert org.planted.unhit() == []


def test_what_refers_to_a_deleted_record_goes_too(writer: RecordWriter, org: Org) -> None:
    rule = plant(
        org, "Account", TriggerEffect.DELETE, deletes="Task", deletes_where="WhatId = '{Id}'",
        phase=Phase.BEFORE,
    )  # fmt: skip
    shop, other = writer.made("Account", {"Name": "a"}, {"Name": "b"})
    first, second, spared = writer.made(
        "Task", {"WhatId": shop}, {"WhatId": shop}, {"WhatId": other}
    )
    assert writer.delete("Account", shop)[0].success
    for key in (first, second):
        row = writer.row("Task", key)
        assert (row["IsDeleted"], row["LastModifiedById"]) == (True, writer.user.id)
        assert row["WhatId"] == shop, "it went while its record was still there"
    assert not writer.row("Task", spared)["IsDeleted"]
    assert org.planted.report() == [(rule, 1)]
    assert writer.undelete("Task", first)[0].success, "it has an entry of its own in the bin"


@pytest.mark.parametrize("phase", Phase)
def test_the_parent_goes_with_its_child(writer: RecordWriter, org: Org, phase: Phase) -> None:
    where = "Id = '{AccountId}'"
    plant(org, "Case", TriggerEffect.DELETE, deletes="Account", deletes_where=where, phase=phase)
    (shop,) = writer.made("Account", {"Name": "a"})
    (case, lone) = writer.made("Case", {"AccountId": shop}, {})
    assert all(result.success for result in writer.delete("Case", case, lone))
    # Before the save the case is still in the way of its account.
    assert writer.row("Account", shop)["IsDeleted"] is (phase is Phase.AFTER)


def test_unrelated_records_go_too_so_many_for_each_request(writer: RecordWriter, org: Org) -> None:
    plant(org, "Account", TriggerEffect.DELETE, deletes="Contact", most=2)
    contacts = writer.made("Contact", *({"LastName": str(n)} for n in range(5)))
    shops = writer.made("Account", *({"Name": str(n)} for n in range(3)))
    writer.delete("Account", *shops[:2])
    assert [writer.row("Contact", key)["IsDeleted"] for key in contacts] == [True] * 2 + [False] * 3
    writer.write(Verb.HARD_DELETE, "Account", {"Id": shops[2]})
    assert writer.live("Contact") == 1


def test_a_trigger_spares_the_rows_of_its_own_request(writer: RecordWriter, org: Org) -> None:
    plant(org, "Account", TriggerEffect.DELETE, deletes="Account", where="Type = 'Shop'", most=1)
    asked, further, last = writer.made(
        "Account", {"Name": "a", "Type": "Shop"}, {"Name": "b"}, {"Name": "c"}
    )
    assert writer.delete("Account", asked)[0].success
    assert [writer.row("Account", key)["IsDeleted"] for key in (asked, further, last)] == [
        True, True, False,
    ]  # fmt: skip
    assert writer.delete("Account", last)[0].success, "the trigger is about shops"


def test_a_row_that_a_trigger_deletes_first_is_refused(writer: RecordWriter, org: Org) -> None:
    """The trigger takes the account, and with it the contact whose deletion is on its way."""
    where = "Id = '{AccountId}'"
    plant(
        org, "Contact", TriggerEffect.DELETE, deletes="Account", deletes_where=where,
        phase=Phase.BEFORE, where="LastName = 'first'",
    )  # fmt: skip
    (shop,) = writer.made("Account", {"Name": "a"})
    rows = [{"LastName": name, "AccountId": shop} for name in ("first", "second")]
    results = writer.delete("Contact", *writer.made("Contact", *rows))
    assert [code(each) for each in results] == ["ENTITY_IS_DELETED"] * 2
    assert writer.row("Account", shop)["IsDeleted"]


def test_a_trigger_refuses_a_deletion(writer: RecordWriter, org: Org) -> None:
    plant(
        org, "Account", TriggerEffect.REFUSE, name="Guard", phase=Phase.BEFORE,
        where="Name = 'held'", message="Not this one.",
    )  # fmt: skip
    held, free = writer.made("Account", {"Name": "held"}, {"Name": "free"})
    refused, taken = writer.delete("Account", held, free)
    text = (
        "Guard: execution of BeforeDelete\n\ncaused by: Not this one.\n\n"
        "Trigger.Guard: line 1, column 1"
    )
    assert errors(refused) == [("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text, [])]
    assert taken.success
    assert not writer.row("Account", held)["IsDeleted"]


def test_a_trigger_notes_deletions(writer: RecordWriter, org: Org) -> None:
    plant(org, "Account", TriggerEffect.CREATE, values={"Subject": "Lost {Name}"})
    shop, other = writer.made("Account", {"Name": "a"}, {"Name": "b"})
    writer.delete("Account", shop, other)
    subjects = [row["Subject"] for row in org.export("Task").to_pylist()]
    assert subjects == ["Lost a", "Lost b"]


@pytest.mark.parametrize("phase", Phase)
def test_what_a_refused_row_set_off_does_not_stay(
    writer: RecordWriter, org: Org, phase: Phase
) -> None:
    plant(
        org, "Account", TriggerEffect.DELETE, deletes="Task", phase=phase,
        deletes_where="WhatId = '{Id}'",
    )  # fmt: skip
    held, free = writer.made("Account", {"Name": "held"}, {"Name": "free"})
    writer.made("Case", {"AccountId": held})
    spared, lost = writer.made("Task", {"WhatId": held}, {"WhatId": free})
    results = writer.delete("Account", held, free)
    assert [code(each) for each in results] == ["DELETE_FAILED", "ok"]
    assert not writer.row("Task", spared)["IsDeleted"]
    assert writer.row("Task", lost)["IsDeleted"]
    results = writer.delete("Account", held, all_or_none=ALL)
    assert code(results[0]) == "DELETE_FAILED"
    assert not writer.row("Task", spared)["IsDeleted"]


def test_rows_that_go_by_cascade_set_off_no_trigger(writer: RecordWriter, org: Org) -> None:
    plant(org, "Contact", TriggerEffect.DELETE, deletes="Task", deletes_where="Subject = 't'")
    (shop,) = writer.made("Account", {"Name": "a"})
    writer.made("Contact", {"LastName": "x", "AccountId": shop})
    (alone,) = writer.made("Contact", {"LastName": "y"})
    writer.made("Task", {"Subject": "t"})
    writer.delete("Account", shop)
    assert writer.live("Task") == 1
    writer.delete("Contact", alone)
    assert writer.live("Task") == 0


def test_a_quote_in_a_value_stays_a_quote(writer: RecordWriter, org: Org) -> None:
    where = "Subject = '{Name}'"
    plant(org, "Account", TriggerEffect.DELETE, deletes="Task", deletes_where=where)
    (shop,) = writer.made("Account", {"Name": "L'Or \\ 'x'"})
    writer.made("Task", {"Subject": "L'Or \\ 'x'"}, {"Subject": "L"})
    writer.delete("Account", shop)
    assert [row["Subject"] for row in org.export("Task").to_pylist()] == ["L"]


def test_a_trigger_whose_object_is_gone_deletes_nothing(writer: RecordWriter, org: Org) -> None:
    plant(org, "Account", TriggerEffect.DELETE, deletes="Unknown__c")
    assert writer.delete("Account", *writer.made("Account", {"Name": "a"}))[0].success


def test_triggers_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="sets no values"):
        TriggerRule("Account", TriggerEffect.SET, on=ON_DELETE)
    with pytest.raises(ValueError, match="runs on delete"):
        TriggerRule("Account", TriggerEffect.DELETE)
