"""The checklist of app and permission set, from what the org shows."""

import pytest

from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields
from fakes.wire import error_answer, json_answer
from unlost.connectors.salesforce.access.checklist import FLAGS
from unlost.model.source.checklist import ChecklistStep, CheckState

LIMITS = {
    "DailyApiRequests": {"Max": 15_000, "Remaining": 9_000},
    "DataStorageMB": {"Max": 1_000, "Remaining": 10},
}


@pytest.fixture
def org() -> FakeSalesforce:
    fresh = FakeSalesforce()
    fresh.describes["Account"] = describe("Account", *system_fields(), field("Phone"))
    fresh.describes["User"] = describe("User", *system_fields(), field("Username"))
    fresh.rows["User"] = [row(id_of("005", 1), Username="backup@acme.com")]
    fresh.counts = [{"name": "Account", "count": 7}]
    fresh.wire.on("GET", r"/limits$", lambda _: json_answer(LIMITS))
    return fresh


def steps(org: FakeSalesforce) -> dict[str, ChecklistStep]:
    with org.source() as source:
        return {step.name: step for step in source.checklist(source.discover())}


def states(org: FakeSalesforce) -> dict[str, CheckState]:
    return {name: step.state for name, step in steps(org).items()}


def test_all_is_done_for_a_user_with_all_rights(org: FakeSalesforce) -> None:
    found = steps(org)
    assert list(found)[:2] == ["app", "api-enabled"], "in the order in which people do them"
    assert {step.state for step in found.values()} == {CheckState.DONE}
    assert "backup@acme.com" in str(found["app"].seen)
    assert str(found["calls"].seen).startswith("6,000 of 15,000")


@pytest.mark.parametrize("flag", list(FLAGS))
def test_a_missing_permission_is_named_with_what_to_click(org: FakeSalesforce, flag: str) -> None:
    org.flags[flag] = False
    missing = [step for step in steps(org).values() if step.state is CheckState.MISSING]
    assert FLAGS[flag].name in {step.name for step in missing}
    for step in missing:
        assert step.how
        assert step.why


def test_a_permission_that_the_org_does_not_report_is_unknown(org: FakeSalesforce) -> None:
    org.wire.on("GET", "UserPermissionAccess", error_answer("INVALID_TYPE", "no such object"))
    found = states(org)
    assert {found[step.name] for step in FLAGS.values()} == {CheckState.UNKNOWN}
    assert found["tables"] is CheckState.UNKNOWN


def test_a_table_that_the_user_cannot_see_is_named(org: FakeSalesforce) -> None:
    org.counts.append({"name": "Secret__c", "count": 12})
    step = steps(org)["tables"]
    assert step.state is CheckState.MISSING
    assert "Secret__c" in str(step.seen)
    assert "1 table" in str(step.seen)


def test_an_org_without_calls_or_storage_says_so(org: FakeSalesforce) -> None:
    spent = {"DailyApiRequests": {"Max": 15_000, "Remaining": 0}}
    org.wire.on("GET", r"/limits$", lambda _: json_answer(spent))
    found = states(org)
    assert (found["calls"], found["storage"]) == (CheckState.MISSING, CheckState.MISSING)
    org.wire.on("GET", r"/limits$", lambda _: error_answer("INSUFFICIENT_ACCESS", "no", 403))
    found = states(org)
    assert (found["calls"], found["storage"]) == (CheckState.UNKNOWN, CheckState.MISSING)


def test_record_counts_come_in_one_call(org: FakeSalesforce) -> None:
    with org.source() as source:
        source.identity()
        before = len(org.wire.calls)
        assert source.record_counts() == {"Account": 7}
        assert len(org.wire.calls) == before + 1
    org.wire.on("GET", "recordCount", error_answer("INSUFFICIENT_ACCESS", "no", 403))
    with org.source() as source:
        assert source.record_counts() == {}
