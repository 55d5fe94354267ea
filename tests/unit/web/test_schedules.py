"""Schedules: seen by all who may look, changed by who may operate."""

import pytest

from homes import World
from unit.web.conftest import SignIn
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.schedules import schedule_of
from unlost.model.access import Role

FORM = {
    "nightly": "on",
    "at": "03:15",
    "window": "30",
    "blackout": "08:00-18:00\n20:00-22:00",
    "calls": "60",
    "hourly_tables": "account",
}


def test_all_orgs_stand_with_their_next_run(world: World, sign_in: SignIn) -> None:
    told = sign_in().get("/schedules/").content.decode()
    assert "01:00" in told
    assert "Change sales" in told
    assert "See sales" in sign_in(Role.VIEWER).get("/schedules/").content.decode()


def test_a_schedule_is_changed(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.OPERATOR, org="sales")
    answer = client.post("/orgs/sales/schedule/", FORM, follow=True)
    assert "The schedule of sales was changed." in answer.content.decode()
    schedule = schedule_of(get_org("sales").oid).schedule
    assert f"{schedule.nightly:%H:%M}" == "03:15"
    assert (schedule.window, schedule.calls, schedule.hourly) == (30, 60, ("Account",))
    assert [f"{one.begins:%H}-{one.ends:%H}" for one in schedule.blackout] == ["08-18", "20-22"]
    told = client.get("/orgs/sales/schedule/").content.decode()
    assert 'value="03:15"' in told
    assert "20:00-22:00" in told


def test_nights_are_switched_off(world: World, sign_in: SignIn) -> None:
    off = {name: value for name, value in FORM.items() if name != "nightly"}
    sign_in().post("/orgs/sales/schedule/", {**off, "hourly_tables": "", "blackout": ""})
    schedule = schedule_of(get_org("sales").oid).schedule
    assert (schedule.nightly, schedule.hourly, schedule.blackout) == (None, (), ())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"hourly_tables": "Acount"}, "Did you mean Account"),
        ({"blackout": "noon"}, "is not a valid time of day"),
        ({"window": "900"}, "less than or equal to 720"),
    ],
)
def test_what_cannot_be_comes_back_with_all_that_was_typed(
    world: World, sign_in: SignIn, wrong: dict[str, str], told: str
) -> None:
    answer = sign_in().post("/orgs/sales/schedule/", {**FORM, **wrong})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert told in page
    assert 'value="03:15"' in page
    assert next(iter(wrong.values())) in page
    assert schedule_of(get_org("sales").oid).schedule.window == 60


def test_a_viewer_changes_nothing(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    page = client.get("/orgs/sales/schedule/").content.decode()
    assert "Your role does not allow" in page
    assert '<form method="post">' not in page
    assert client.post("/orgs/sales/schedule/", FORM).status_code == 403
    assert schedule_of(get_org("sales").oid).schedule.window == 60
