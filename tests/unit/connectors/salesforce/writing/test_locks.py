"""Records that Salesforce does not change without another step: in an approval, or published."""

from typing import Any

import httpx
import pytest

from fakes.salesforce import id_of
from fakes.wire import error_answer
from unit.connectors.salesforce.writing.writable import Org
from unlost.connectors.salesforce import SalesforceConnector
from unlost.connectors.salesforce.writing import locks
from unlost.connectors.salesforce.writing.answers import failed
from unlost.model.source.locks import LockKind, LockList, RecordLock
from unlost.model.source.writing import RECORD_LOCKED

FREE, LOCKED, ARTICLE = id_of("006", 1), id_of("006", 2), id_of("ka0", 1)
APPROVAL = RecordLock(LockKind.APPROVAL, "Opportunity", LOCKED, "Big Order", "Discount")
ROW = {
    "TargetObjectId": LOCKED,
    "TargetObject": {"Name": "Big Order"},
    "ProcessDefinition": {"Name": "Discount"},
}
DEALS = {"Opportunity": (FREE, LOCKED)}


@pytest.fixture
def org() -> Org:
    made = Org()
    made.flags["PermissionsModifyAllData"] = False
    return made


def script(org: Org, source: str, *records: dict[str, Any], more: str = "") -> None:
    answer: dict[str, Any] = {"totalSize": -1, "done": not more, "records": list(records)}
    if more:
        answer["nextRecordsUrl"] = more
    org.wire.on("GET", source, lambda _: httpx.Response(200, json=answer))


def listed(org: Org, records: dict[str, tuple[str, ...]] = DEALS) -> LockList:
    with org.writer() as writer:
        return writer.locks(records)


def test_a_record_in_an_approval_is_named_with_its_process(org: Org) -> None:
    script(org, "ProcessInstance", ROW)
    assert listed(org) == LockList((APPROVAL,))
    (call,) = org.wire.made("GET", "ProcessInstance")
    assert call.url.params["q"] == (
        "SELECT TargetObjectId,TargetObject.Name,ProcessDefinition.Name FROM ProcessInstance "
        f"WHERE Status = 'Pending' AND TargetObjectId IN ('{FREE}','{LOCKED}')"
    )


def test_for_many_records_all_pending_approvals_are_read(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "FEW", 1)
    script(org, "ProcessInstance", ROW, {**ROW, "TargetObjectId": id_of("001", 9)})
    assert listed(org).locks == (APPROVAL,)
    (call,) = org.wire.made("GET", "ProcessInstance")
    assert call.url.params["q"].endswith("WHERE Status = 'Pending'")


def test_too_many_pending_approvals_are_not_read_in_part(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "MOST_PAGES", 1)
    script(org, "FROM.ProcessInstance", ROW, more="/services/data/v66.0/query/01g-2000")
    script(org, "query/01g-2000", ROW)
    assert listed(org) == LockList((), (LockKind.APPROVAL,))


def test_a_user_who_may_modify_all_data_overrules_an_approval(org: Org) -> None:
    script(org, "ProcessInstance", ROW)
    org.flags["PermissionsModifyAllData"] = True
    assert listed(org).overruled == {LockKind.APPROVAL}


def test_a_user_whose_rights_are_unknown_overrules_nothing(org: Org) -> None:
    script(org, "ProcessInstance", ROW)
    org.wire.on("GET", "UserPermissionAccess", error_answer("INVALID_TYPE", "No."))
    assert listed(org).overruled == frozenset()


def test_a_plan_with_the_backup_user_does_not_count_on_its_rights(org: Org) -> None:
    script(org, "ProcessInstance", ROW)
    org.flags["PermissionsModifyAllData"] = True
    connector = SalesforceConnector(org.wire.transport)
    with connector.open_planning(org.config, org.context) as planning:
        assert planning.locks(DEALS) == LockList((APPROVAL,))


def test_a_published_article_is_named_by_its_title(org: Org) -> None:
    script(org, "ProcessInstance")
    script(org, "Help__kav", {"Id": ARTICLE, "Title": "How to melt"})
    assert listed(org, {"Help__kav": (ARTICLE,)}).locks == (
        RecordLock(LockKind.PUBLISHED, "Help__kav", ARTICLE, "How to melt"),
    )
    (call,) = org.wire.made("GET", "Help__kav")
    assert call.url.params["q"] == (
        f"SELECT Id,Title FROM Help__kav WHERE PublishStatus = 'Online' AND Id IN ('{ARTICLE}')"
    )


def test_locks_that_the_user_may_not_list_are_named(org: Org) -> None:
    for source in ("ProcessInstance", "Help__kav"):
        org.wire.on("GET", source, error_answer("INVALID_TYPE", "No."))
    assert listed(org, {"Help__kav": (ARTICLE,)}) == LockList((), tuple(LockKind))


def test_a_refusal_because_of_a_lock_has_its_own_code_and_next_step() -> None:
    outcome = failed("a", LOCKED, "ENTITY_IS_LOCKED", "the entity is locked for editing")
    assert (outcome.code, outcome.native) == (RECORD_LOCKED, "ENTITY_IS_LOCKED")
    assert outcome.sentence.startswith("An approval process locks it")
    assert outcome.next_step.startswith("Decide or recall the approval")
