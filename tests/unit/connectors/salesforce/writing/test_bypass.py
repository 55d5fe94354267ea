"""Bypasses of an org: permission sets and custom settings, their rights, and what they cannot stop."""

import json
from typing import Any

import httpx
import pytest

from fakes.salesforce import ORG_ID, USER_ID, field, id_of
from fakes.wire import error_answer
from unit.connectors.salesforce.writing.writable import Org
from unlost.connectors.salesforce import SalesforceConnector
from unlost.model.bypass import Automation, AutomationKind, Bypass, BypassState
from unlost.model.errors import NotAllowed, TransientError, UsageError

OTHER_USER = id_of("005", 9)
SET, SETTING = Bypass("permission-set", "No_Flows"), Bypass("custom-setting", "Auto__c.Off__c")
PROFILE = id_of("00e", 1)
ON, OFF = BypassState(on=True, stored=True), BypassState(on=False)


class Switched(Org):
    """An org with a permission set, a hierarchy custom setting, and rows that can be written."""

    def __init__(self) -> None:
        super().__init__()
        self.rows |= {
            "PermissionSet": [
                {"Id": id_of("0PS", 1), "Name": "No_Flows", "IsOwnedByProfile": False},
                {"Id": id_of("0PS", 2), "Name": "Other", "IsOwnedByProfile": False},
            ],
            "PermissionSetAssignment": [],
            "User": [{"Id": USER_ID, "ProfileId": PROFILE}],
            "Auto__c": [],
        }
        boxes = [field(name, "boolean") for name in ("Off__c", "Quiet__c")]
        owner = field("SetupOwnerId", "reference")
        more = (
            field("Note__c"),
            field("Code__c", nillable=False),
            field("Sum__c", createable=False),
        )
        self.add("Auto__c", owner, *boxes, *more, customSetting=True)
        self.flags["PermissionsAssignPermissionSets"] = True
        on = self.wire.on
        on("POST", r"/sobjects/\w+$", self._created)
        on("PATCH", r"/sobjects/\w+/\w+$", self._changed)
        on("DELETE", r"/sobjects/\w+/\w+$", self._removed)

    def _created(self, request: httpx.Request) -> httpx.Response:
        table = request.url.path.rsplit("/", 1)[1]
        self.made += 1
        cells = json.loads(request.content) | {"Id": id_of("a00", self.made)}
        active = {"IsActive": True} if table == "PermissionSetAssignment" else {}
        self.rows[table].append(cells | active)
        return httpx.Response(201, json={"id": cells["Id"], "success": True, "errors": []})

    def _changed(self, request: httpx.Request) -> httpx.Response:
        table, record = request.url.path.split("/")[-2:]
        (row,) = [row for row in self.rows[table] if row["Id"] == record]
        row.update(json.loads(request.content))
        return httpx.Response(204)

    def _removed(self, request: httpx.Request) -> httpx.Response:
        table, record = request.url.path.split("/")[-2:]
        self.rows[table] = [row for row in self.rows[table] if row["Id"] != record]
        return httpx.Response(204)

    def setting(self, owner: str, **cells: bool) -> dict[str, Any]:
        row = {"Id": id_of("a01", len(self.rows["Auto__c"])), "SetupOwnerId": owner} | cells
        self.rows["Auto__c"].append(row)
        return row

    def state(self, bypass: Bypass, *, user: str = "") -> BypassState:
        with self.writer() as writer:
            return writer.bypass(bypass, user=user)

    def switch(self, bypass: Bypass, state: BypassState, *, user: str = "") -> None:
        with self.writer() as writer:
            writer.set_bypass(bypass, state, user=user)

    def refuse(self, source: str) -> None:
        """Queries of this object are refused."""
        refused = error_answer("INVALID_TYPE", f"sObject type '{source}' is not supported.")
        self.wire.on("GET", rf"FROM(%20|\+){source}\b", lambda _: refused)

    def check(self, bypass: Bypass) -> None:
        with self.writer() as writer:
            writer.check_bypass(bypass)


@pytest.fixture
def org() -> Switched:
    return Switched()


# --- permission sets ------------------------------------------------------------------------------


def test_a_permission_set_is_assigned_and_taken_away_again(org: Switched) -> None:
    assert org.state(SET) == OFF
    org.switch(SET, ON)
    (row,) = org.rows["PermissionSetAssignment"]
    assert (row["AssigneeId"], row["PermissionSetId"]) == (USER_ID, id_of("0PS", 1))
    assert org.state(SET) == ON
    org.switch(SET, ON)
    assert len(org.rows["PermissionSetAssignment"]) == 1
    org.switch(SET, OFF)
    assert (org.state(SET), org.rows["PermissionSetAssignment"]) == (OFF, [])
    org.switch(SET, OFF)


def test_assignments_of_others_do_not_count(org: Switched) -> None:
    other = {"Id": id_of("0Pa", 1), "IsActive": True}
    org.rows["PermissionSetAssignment"] = [
        other | {"AssigneeId": id_of("005", 9), "PermissionSetId": id_of("0PS", 1)},
        other | {"AssigneeId": USER_ID, "PermissionSetId": id_of("0PS", 2)},
    ]
    assert org.state(SET) == OFF


def test_an_unknown_permission_set_is_named(org: Switched) -> None:
    with pytest.raises(UsageError, match="no permission set Nothing") as caught:
        org.state(Bypass("permission-set", "Nothing"))
    assert caught.value.code == "bypass-unknown"


@pytest.mark.parametrize(
    "bypass",
    [
        Bypass("permission-set", ""),
        Bypass("custom-setting", "Auto__c"),
        Bypass("custom-setting", ".Off__c"),
        Bypass("flag", "Off__c"),
        Bypass("permission-set", "No Flows"),
        Bypass("permission-set", "../No_Flows"),
        Bypass("custom-setting", "Auto__c.Off__c.More"),
        Bypass("custom-setting", "Auto__c/describe.Off__c"),
    ],
    ids=str,
)
def test_another_form_is_refused(org: Switched, bypass: Bypass) -> None:
    with pytest.raises(UsageError, match="another form"):
        org.check(bypass)


def test_the_right_to_assign_is_checked_first(org: Switched) -> None:
    org.check(SET)
    org.flags["PermissionsAssignPermissionSets"] = False
    with pytest.raises(NotAllowed, match="may not assign the permission set No_Flows") as caught:
        org.check(SET)
    assert "'Assign Permission Sets'" in caught.value.next_step


def test_a_right_that_salesforce_does_not_report_is_left_to_the_call(org: Switched) -> None:
    org.wire.on("GET", r"UserPermissionAccess", lambda _: error_answer("INVALID_FIELD", "No such."))
    org.check(SET)


def test_an_expired_assignment_is_named_and_not_touched(org: Switched) -> None:
    row = {"Id": id_of("0Pa", 1), "AssigneeId": USER_ID, "PermissionSetId": id_of("0PS", 1)}
    org.rows["PermissionSetAssignment"] = [row | {"IsActive": False}]
    assert org.state(SET) == BypassState(on=False, stored=True)
    for act in (lambda: org.check(SET), lambda: org.switch(SET, ON)):
        with pytest.raises(NotAllowed, match="has expired"):
            act()
    org.switch(SET, BypassState(on=False, stored=True))
    assert len(org.rows["PermissionSetAssignment"]) == 1


def test_a_refusal_of_salesforce_is_explained(org: Switched) -> None:
    refused = error_answer("INSUFFICIENT_ACCESS", "insufficient access rights", 403)
    org.wire.on("POST", r"/sobjects/PermissionSetAssignment$", lambda _: refused)
    with pytest.raises(NotAllowed) as caught:
        org.switch(SET, ON)
    assert caught.value.code == "bypass-refused"
    assert "insufficient access rights" in caught.value.sentence


def test_a_lost_answer_is_a_passing_error(org: Switched) -> None:
    def lose(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no answer")

    org.wire.on("POST", r"/sobjects/PermissionSetAssignment$", lose)
    with pytest.raises(TransientError):
        org.switch(SET, ON)
    assert len(org.wire.made("POST", r"/sobjects/PermissionSetAssignment$")) == 1


def test_for_a_user_who_was_replaced_it_is_read_and_switched_off(org: Switched) -> None:
    for bypass in (SET, SETTING):
        org.switch(bypass, ON, user=OTHER_USER)
        assert (org.state(bypass), org.state(bypass, user=OTHER_USER)) == (OFF, ON)
        org.switch(bypass, OFF)
        assert org.state(bypass, user=OTHER_USER) == ON
        org.switch(bypass, OFF, user=OTHER_USER)
        assert org.state(bypass, user=OTHER_USER) == OFF


def test_the_writer_names_its_user(org: Switched) -> None:
    with org.writer() as writer:
        assert writer.user_id() == USER_ID


@pytest.mark.parametrize(
    ("bypass", "source"),
    [
        (SET, "PermissionSet"),
        (SET, "PermissionSetAssignment"),
        (SETTING, "Auto__c"),
        (SETTING, "User"),
    ],
)
def test_a_state_that_may_not_be_read_is_a_refusal_and_no_fault(
    org: Switched, bypass: Bypass, source: str
) -> None:
    org.refuse(source)
    connector = SalesforceConnector(org.wire.transport)
    with (
        connector.open_planning(org.config, org.context) as planning,
        org.writer() as writer,
    ):
        for read in (planning.bypass, writer.bypass):
            with pytest.raises(NotAllowed, match="is not supported") as caught:
                read(bypass)
            assert caught.value.code == "bypass-refused"


def test_a_check_that_may_not_be_read_is_a_refusal(org: Switched) -> None:
    org.refuse("PermissionSetAssignment")
    with pytest.raises(NotAllowed, match="read the bypass permission-set No_Flows"):
        org.check(SET)


# --- custom settings ------------------------------------------------------------------------------


def test_a_row_of_the_user_is_created_and_deleted_again(org: Switched) -> None:
    org.setting(ORG_ID, Off__c=False, Quiet__c=True)
    assert org.state(SETTING) == OFF
    org.switch(SETTING, ON)
    _, row = org.rows["Auto__c"]
    assert (row["SetupOwnerId"], row["Off__c"]) == (USER_ID, True)
    assert row["Quiet__c"], "the row of the org counts no more for this user"
    assert org.state(SETTING) == ON
    org.switch(SETTING, OFF)
    assert [row["SetupOwnerId"] for row in org.rows["Auto__c"]] == [ORG_ID]
    org.switch(SETTING, OFF)


def test_defaults_of_a_new_row_do_not_hide_the_values_of_the_org(org: Switched) -> None:
    org.setting(ORG_ID, Off__c=False, Quiet__c=True)
    org.switch(SETTING, ON)
    (call,) = org.wire.made("POST", r"/sobjects/Auto__c$")
    sent = json.loads(call.content)
    assert sent == {"SetupOwnerId": USER_ID, "Off__c": True, "Quiet__c": True, "Note__c": None}


def test_a_row_of_the_user_that_was_there_stays(org: Switched) -> None:
    row = org.setting(USER_ID, Off__c=False, Quiet__c=True)
    before = BypassState(on=False, stored=True)
    assert org.state(SETTING) == before
    org.switch(SETTING, ON)
    assert (row["Off__c"], row["Quiet__c"]) == (True, True)
    org.switch(SETTING, ON)
    org.switch(SETTING, before)
    assert (row["Off__c"], org.rows["Auto__c"]) == (False, [row])
    assert len(org.wire.made("PATCH", r"/sobjects/Auto__c/")) == 2


@pytest.mark.parametrize("owner", [PROFILE, ORG_ID])
def test_profile_and_org_count_where_the_user_has_no_row(org: Switched, owner: str) -> None:
    org.setting(owner, Off__c=True)
    assert org.state(SETTING) == BypassState(on=True)


def test_the_profile_comes_before_the_org(org: Switched) -> None:
    org.setting(ORG_ID, Off__c=True)
    org.setting(PROFILE, Off__c=False)
    assert org.state(SETTING) == OFF


@pytest.mark.parametrize(
    "name", ["Nothing__c.Off__c", "Auto__c.Note__c", "Auto__c.None__c", "Account.Name"]
)
def test_what_is_no_box_of_a_hierarchy_setting_is_unknown(org: Switched, name: str) -> None:
    with pytest.raises(UsageError, match="no hierarchy custom setting") as caught:
        org.state(Bypass("custom-setting", name))
    assert caught.value.code == "bypass-unknown"


def test_a_list_setting_is_no_hierarchy(org: Switched) -> None:
    org.add("List__c", field("Off__c", "boolean"), customSetting=True)
    with pytest.raises(UsageError, match="no hierarchy custom setting"):
        org.check(Bypass("custom-setting", "List__c.Off__c"))


def test_the_right_to_write_the_setting_is_checked(org: Switched) -> None:
    org.check(SETTING)
    org.describes["Auto__c"]["createable"] = False
    with pytest.raises(NotAllowed, match="may not change the custom setting Auto__c"):
        org.check(SETTING)


def test_a_box_that_is_read_only_is_noticed(org: Switched) -> None:
    (box,) = [one for one in org.describes["Auto__c"]["fields"] if one["name"] == "Off__c"]
    box["updateable"] = False
    with pytest.raises(NotAllowed):
        org.check(SETTING)


def test_a_user_who_sees_no_users_has_rows_of_user_and_org(org: Switched) -> None:
    org.rows["User"] = []
    org.setting(ORG_ID, Off__c=True)
    assert org.state(SETTING) == BypassState(on=True)


# --- automation -----------------------------------------------------------------------------------


def entity(name: str) -> dict[str, str]:
    return {"QualifiedApiName": name}


def script(org: Switched, source: str, *records: dict[str, Any]) -> None:
    answer = {"totalSize": len(records), "done": True, "records": list(records)}
    org.wire.on("GET", rf"{source}", lambda _: httpx.Response(200, json=answer))


def rules(org: Switched, **by_object: list[dict[str, Any]]) -> None:
    """Script the workflow rules of the org."""
    org.wire.on("GET", "process/rules", lambda _: httpx.Response(200, json={"rules": by_object}))


def test_automation_is_listed_in_five_calls(org: Switched) -> None:
    script(org, "ApexTrigger", {"Name": "T", "EntityDefinition": entity("Account")})
    flow = {"ApiName": "F", "NamespacePrefix": "acme", "TriggerObjectOrEvent": entity("Account")}
    script(org, "FlowDefinitionView.*TriggerType", flow)
    script(
        org,
        "FlowDefinitionView.*ProcessType",
        {"ApiName": "P", "TriggerObjectOrEvent": entity("Account")},
        {"ApiName": "Elsewhere", "TriggerObjectOrEvent": entity("Lead")},
        {"ApiName": "Unknown", "TriggerObjectOrEvent": None},
    )
    script(org, "ValidationRule", {"ValidationName": "V", "EntityDefinition": None})
    rules(org, Account=[{"name": "W"}, {"name": "X", "namespacePrefix": "acme"}], Lead=[{}])
    with org.writer() as writer:
        listed = writer.automation([org.shape("Account")])
    assert listed.items == (
        Automation(AutomationKind.TRIGGER, "T", "Account"),
        Automation(AutomationKind.FLOW, "acme__F", "Account", managed=True),
        Automation(AutomationKind.RULE, "V", ""),
        Automation(AutomationKind.PROCESS, "P", "Account"),
        Automation(AutomationKind.PROCESS, "Unknown", ""),
        Automation(AutomationKind.WORKFLOW, "W", "Account"),
        Automation(AutomationKind.WORKFLOW, "acme__X", "Account", managed=True),
    )
    assert listed.unlisted == ()
    assert len(org.wire.made("GET", "process/rules")) == 1
    calls = org.wire.made("GET", r"query/\?q=")
    entity_of, object_of = (
        "EntityDefinition.QualifiedApiName",
        "TriggerObjectOrEvent.QualifiedApiName",
    )
    assert [("tooling" in call.url.path, call.url.params["q"]) for call in calls] == [
        (
            True,
            (
                f"SELECT Name,NamespacePrefix,{entity_of} FROM ApexTrigger "
                f"WHERE Status = 'Active' AND {entity_of} IN ('Account')"
            ),
        ),
        (
            False,
            (
                f"SELECT ApiName,NamespacePrefix,{object_of} FROM FlowDefinitionView "
                "WHERE IsActive = true AND TriggerType IN "
                "('RecordBeforeSave','RecordAfterSave','RecordBeforeDelete') "
                f"AND {object_of} IN ('Account')"
            ),
        ),
        (
            True,
            (
                f"SELECT ValidationName,NamespacePrefix,{entity_of} FROM ValidationRule "
                f"WHERE Active = true AND {entity_of} IN ('Account')"
            ),
        ),
        (
            False,
            (
                f"SELECT ApiName,NamespacePrefix,{object_of} FROM FlowDefinitionView "
                "WHERE IsActive = true AND ProcessType = 'Workflow'"
            ),
        ),
    ]


def test_kinds_that_the_user_may_not_list_are_named(org: Switched) -> None:
    refusal = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "No."}]
    org.wire.on("GET", "process/rules", lambda _: httpx.Response(403, json=refusal))
    connector = SalesforceConnector(org.wire.transport)
    with connector.open_planning(org.config, org.context) as planning:
        listed = planning.automation([org.shape("Account")])
    assert listed.items == ()
    assert set(listed.unlisted) == set(AutomationKind)


def test_a_plan_with_the_backup_user_only_looks_whether_the_bypass_exists(org: Switched) -> None:
    connector = SalesforceConnector(org.wire.transport)
    with connector.open_planning(org.config, org.context) as planning:
        org.switch(SET, ON)
        assert planning.bypass(SET) == OFF
        planning.check_bypass(SET)
        with pytest.raises(UsageError):
            planning.bypass(Bypass("permission-set", "Nothing"))


def test_the_kinds_are_those_of_the_commands() -> None:
    kinds = [kind.kind for kind in SalesforceConnector().bypass_kinds()]
    assert kinds == ["permission-set", "custom-setting"]
