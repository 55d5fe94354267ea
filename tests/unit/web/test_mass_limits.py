"""The thresholds of mass changes, as people set them in the console."""

import re
from typing import Any

from homes import World
from unit.web.conftest import SignIn
from unit.web.losses import MOST_QUERIES, queries
from unlost.app.actions.people.audit import list_events
from unlost.catalog.mass_changes import limits_of
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Role
from unlost.model.mass_changes import MassLimits

PAGE = "/orgs/sales/thresholds/"
TYPED: dict[str, Any] = {
    "table": "", "lost_rows": "50", "lost_share": "2.5", "bin_rows": "1", "below_rows": "30",
    "column_rows": "20", "column_share": "5", "created_rows": "100", "created_share": "20",
    "transferred_rows": "100", "transferred_share": "50", "watched": "",
}  # fmt: skip


def known() -> dict[str, MassLimits]:
    return dict(limits_of(get_org("sales").oid))


def plain(page: str) -> str:
    return (
        re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
        .replace("\u2068", "")
        .replace("\u2069", "")
    )


def test_thresholds_of_the_org_and_of_a_table_are_set_and_removed(
    world: World, sign_in: SignIn
) -> None:
    client = sign_in(Role.OPERATOR)
    page = client.get(PAGE).content.decode()
    assert "Deleted: more than 20 records and 1.0%" in plain(page)
    assert "default" in page
    assert client.post(PAGE, TYPED).status_code == 302
    assert known() == {"": MassLimits(lost_rows=50, lost_share=0.025, bin_rows=1, below_rows=30)}
    assert client.post(PAGE, TYPED | {"table": "Account", "watched": "no"}).status_code == 302
    assert known()["Account"].watched is False
    page = client.get(PAGE).content.decode()
    assert "Never watched" in page
    assert 'value="2.5"' in page
    assert len(queries(client, PAGE)) <= MOST_QUERIES
    table = client.get(f"{PAGE}?table=Account").content.decode()
    assert '<option value="Account" selected>' in table
    assert '<option value="no" selected>' in table
    client.post(f"{PAGE}remove/", {"table": "Account"})
    assert set(known()) == {""}


def test_wrong_values_are_refused(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.OPERATOR)
    for wrong in ({"lost_share": "101"}, {"lost_rows": "-1"}, {"bin_rows": ""}, {"table": "Nope"}):
        assert client.post(PAGE, TYPED | wrong).status_code == 400, wrong
    assert known() == {}


def test_those_who_may_not_operate_see_the_thresholds(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    page = client.get(PAGE).content.decode()
    assert "Deleted: more than 20 records" in plain(page)
    assert "Save the thresholds" not in page
    assert client.post(PAGE, TYPED).status_code == 403
    assert client.post(f"{PAGE}remove/", {"table": ""}).status_code == 403
    assert known() == {}


def test_a_change_is_in_the_audit_log(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.OPERATOR)
    client.post(PAGE, TYPED)
    deeds = [one.deed for one in list_events(world.app).entries if one.deed.act == "mass.limit"]
    assert deeds
    assert "lost_rows=50" in str(deeds[0].detail)
