"""Rules that check a bypass: a permission set, or a box of a hierarchy custom setting."""

from collections.abc import Iterator

import pytest

from simulators.salesforce.writing.chocolate_org import admin, empty_org
from simulators.salesforce.writing.record_writer import RecordWriter, code, errors
from unlost_simulators.salesforce.model import rights
from unlost_simulators.salesforce.model.users import ObjectOperation, Permission
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed_rows import FIXED_ROWS, KEYS
from unlost_simulators.salesforce.scenarios.registry import scenario
from unlost_simulators.salesforce.writing.rules import TriggerEffect, TriggerRule, ValidationRule

SETTING, BOX = "Shop_Floor_Settings__c", "Weekend_Shift__c"
ASSIGNMENT = "PermissionSetAssignment"


@pytest.fixture
def org() -> Iterator[Org]:
    made = empty_org()
    declared = {one.name: one for one in scenario("chocolate").objects()}
    for table in ("Organization", "Profile"):
        for name, loaded in FIXED_ROWS.tables(declared, KEYS, only=frozenset({table})):
            made.store.load(name, loaded)
    yield made
    made.close()


@pytest.fixture
def writer(org: Org) -> RecordWriter:
    return admin(org)


def greeted(org: Org) -> int:
    """How often the trigger acted."""
    return sum(hits for rule, hits in org.planted.report() if isinstance(rule, TriggerRule))


def plant(org: Org, bypass: str) -> None:
    """A trigger that changes each new account, and a rule that wants a phone."""
    values = {"Description": "Call {Name}"}
    trigger = TriggerRule("Account", TriggerEffect.SET, values=values, bypass=bypass)
    org.planted.plant(trigger)
    org.planted.plant(ValidationRule("Account", "A phone.", "Phone = null", bypass=bypass))


def assigned(writer: RecordWriter) -> tuple[str, str]:
    """A permission set for the writer; the ids of set and assignment."""
    (named,) = writer.made("PermissionSet", {"Name": "Quiet", "Label": "Quiet"})
    row = {"PermissionSetId": named, "AssigneeId": writer.user.id}
    (assignment,) = writer.made(ASSIGNMENT, row)
    return named, assignment


def test_a_permission_set_holds_rules_back(org: Org, writer: RecordWriter) -> None:
    plant(org, "Quiet")
    (refused,) = writer.create("Account", {"Name": "a"})
    assert code(refused) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    writer.made("Account", {"Name": "b", "Phone": "1"})
    assert greeted(org) == 1
    _, assignment = assigned(writer)
    writer.made("Account", {"Name": "c"})
    assert greeted(org) == 1
    assert writer.delete(ASSIGNMENT, assignment)[0].success
    writer.made("Account", {"Name": "d", "Phone": "1"})
    assert greeted(org) == 2


def test_an_inactive_rule_never_acts(org: Org, writer: RecordWriter) -> None:
    trigger = TriggerRule("Account", TriggerEffect.SET, values={"Site": "x"}, active=False)
    org.planted.plant(trigger)
    org.planted.plant(ValidationRule("Account", "A phone.", "Phone = null", active=False))
    writer.made("Account", {"Name": "a"})
    assert greeted(org) == 0


def test_a_set_is_assigned_once(writer: RecordWriter) -> None:
    named, assignment = assigned(writer)
    row = writer.row(ASSIGNMENT, assignment)
    assert (row["IsActive"], row["PermissionSetId"]) == (True, named)
    (again,) = writer.create(ASSIGNMENT, {"PermissionSetId": named, "AssigneeId": writer.user.id})
    assert errors(again)[0][0] == "DUPLICATE_VALUE"


def test_assigning_needs_its_permission(org: Org, writer: RecordWriter) -> None:
    of = org.object(writer.user, ASSIGNMENT)
    assert rights.may_do(of, writer.user, ObjectOperation.CREATE)
    permission = Permission.ASSIGN_PERMISSION_SETS
    user = org.users.set_permission(writer.user.id, permission, granted=False)
    assert not rights.may_do(of, user, ObjectOperation.CREATE)


@pytest.mark.parametrize("level", ["user", "profile", "org"])
def test_a_box_of_a_custom_setting_holds_rules_back(
    org: Org, writer: RecordWriter, level: str
) -> None:
    owners = {"user": writer.user.id, "profile": writer.user.profile_id, "org": org.id18}
    plant(org, f"{SETTING}.{BOX}")
    (row,) = writer.made(SETTING, {"SetupOwnerId": owners[level], BOX: True})
    writer.made("Account", {"Name": "a"})
    assert greeted(org) == 0
    assert writer.update(SETTING, {"Id": row, BOX: False})[0].success
    writer.made("Account", {"Name": "b", "Phone": "1"})
    assert greeted(org) == 1


def test_the_row_of_the_user_comes_first(org: Org, writer: RecordWriter) -> None:
    plant(org, f"{SETTING}.{BOX}")
    writer.made(SETTING, {"SetupOwnerId": org.id18, BOX: True})
    writer.made(SETTING, {"SetupOwnerId": writer.user.id, BOX: False})
    writer.made("Account", {"Name": "a", "Phone": "1"})
    assert greeted(org) == 1
