"""Records that wait for a decision, and published articles, are not changed."""

from simulators.salesforce.writing.record_writer import (
    NOW,
    OBJECTS,
    WRITER,
    RecordWriter,
    code,
    errors,
)
from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.objects import build_object
from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.rules import ApprovalRule

LOCKED = ("ENTITY_IS_LOCKED", "the entity is locked for editing", [])
ARTICLE = build_object(
    "Help__kav",
    prefix="ka0",
    flags="QCUD-R-",
    fields=[
        f.text("Title", 255, required=True, name_field=True),
        f.picklist("PublishStatus", "Draft", "Online", "Archived"),
    ],
)


def user(org: Org, *, modifies_all: bool) -> RecordWriter:
    """The writer with or without Modify All Data."""
    permission = Permission.MODIFY_ALL_DATA
    return RecordWriter(org, org.users.set_permission(WRITER.id, permission, granted=modifies_all))


def test_a_record_in_an_approval_is_locked_for_all_but_admins(
    org: Org,
) -> None:
    clerk = user(org, modifies_all=False)
    free, locked = clerk.made("Account", {"Name": "a"}, {"Name": "b"})
    rule = ApprovalRule("Account", (locked,), "Discount")
    org.planted.plant(rule)
    changes = [{"Id": key, "Phone": "1"} for key in (free, locked)]
    results = clerk.update("Account", *changes)
    assert [code(result) for result in results] == ["ok", "ENTITY_IS_LOCKED"]
    assert errors(results[1]) == [LOCKED]
    assert errors(clerk.delete("Account", locked)[0]) == [LOCKED]
    assert org.planted.report() == [(rule, 2)]
    admin = user(org, modifies_all=True)
    assert admin.update("Account", {"Id": locked, "Phone": "1"})[0].success


def test_a_decided_record_is_free_again(org: Org) -> None:
    clerk = user(org, modifies_all=False)
    (locked,) = clerk.made("Account", {"Name": "b"})
    rule = ApprovalRule("Account", (locked,))
    org.planted.plant(rule)
    assert not clerk.update("Account", {"Id": locked, "Phone": "1"})[0].success
    org.planted.remove(rule)
    assert clerk.update("Account", {"Id": locked, "Phone": "1"})[0].success


def test_only_drafts_of_articles_are_updated() -> None:
    org = Org([*OBJECTS, ARTICLE], [WRITER], clock=VirtualClock(NOW))
    row = {"Id": WRITER.id, "LastName": "x", "Username": WRITER.username, "IsActive": True}
    org.insert(WRITER, "User", [row])
    writer = RecordWriter(org, WRITER)
    statuses = ("Draft", "Online", "Archived")
    keys = writer.made("Help__kav", *({"Title": s, "PublishStatus": s} for s in statuses))
    results = writer.update("Help__kav", *({"Id": key, "Title": "New"} for key in keys))
    assert [code(result) for result in results] == ["ok", "INVALID_OPERATION", "INVALID_OPERATION"]
    assert writer.delete("Help__kav", keys[1])[0].success
    org.close()
