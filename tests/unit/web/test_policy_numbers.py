"""Numbers of archive policies that are left out, empty, or cannot be used: in the form and the API."""

from typing import Any

import pytest
from django.test import Client

from homes import World
from unit.web.conftest import SignIn
from unit.web.test_archive_policy import READY, TYPED, desk, filling, post
from unlost.app.actions.people.people import add
from unlost.app.actions.people.tokens import make
from unlost.catalog.orgs.archive_policies import find_saved_policy
from unlost.model.access import Role
from unlost.model.saved_policy import USUAL_DAY

__all__ = ("desk", "filling")

CLOSED = {"column": "Closed", "comparison": "is", "values": ["true"]}
HUGE = 10**30


@pytest.fixture
def headers(desk: World) -> dict[str, str]:
    add(desk.app, "ada", role=Role.ADMIN)
    text = make(desk.app, "test", role=Role.ADMIN, owner="ada").text
    return {"Authorization": f"Bearer {text}"}


def age(**condition: Any) -> dict[str, Any]:
    return {"conditions": [{"column": "Modified", "comparison": "older"} | condition]}


def between(*days: str) -> dict[str, Any]:
    return {"conditions": [{"column": "Modified", "comparison": "between", "values": days}]}


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"keep_days": 29}, "archive-keep-days"),
        ({"keep_days": -1}, "archive-keep-days"),
        ({"keep_days": HUGE}, "archive-keep-days"),
        ({"keep_days": ""}, "request-invalid"),
        ({"keep_days": "a year"}, "request-invalid"),
        ({"keep_days": 30.5}, "request-invalid"),
        ({"unchanged_days": -1}, "archive-unchanged-days"),
        ({"unchanged_days": 36_501}, "archive-unchanged-days"),
        ({"unchanged_days": 2_000_000_000}, "archive-unchanged-days"),
        ({"unchanged_days": HUGE}, "archive-unchanged-days"),
        ({"unchanged_days": ""}, "request-invalid"),
        (age(), "archive-values"),
        (age(days=-1), "archive-values"),
        (age(days=36_501), "archive-days-many"),
        (age(days=2_000_000_000), "archive-days-many"),
        (age(days=HUGE), "archive-days-many"),
        (between("2020-01-01"), "archive-values"),
        (between("2020-01-01", "20 May"), "archive-values"),
    ],
)
def test_a_number_that_cannot_be_used_is_an_internal_error_of_the_api(
    headers: dict[str, str], policy: dict[str, Any], code: str
) -> None:
    sent = {"name": "old", "table": "Case", "conditions": [CLOSED]} | policy
    client = Client(SERVER_NAME="localhost")
    path = "/api/v1/orgs/sales/archive"
    for answer in (
        client.post(f"{path}/preview", sent, "application/json", headers=headers),
        client.put(f"{path}/saved", {"policy": sent}, "application/json", headers=headers),
    ):
        assert answer.json()["error"]["code"] == code
        assert answer.status_code in (400, 422)


@pytest.mark.parametrize("limit", [0, -1, HUGE])
def test_a_daily_limit_that_cannot_be_used_is_refused(headers: dict[str, str], limit: int) -> None:
    sent = {"policy": {"name": "old", "table": "Case", "conditions": [CLOSED]}}
    answer = Client(SERVER_NAME="localhost").put(
        "/api/v1/orgs/sales/archive/saved",
        sent | {"daily_limit": limit},
        "application/json",
        headers=headers,
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "archive-limit")


def test_two_days_of_which_the_second_is_the_last_of_the_calendar(headers: dict[str, str]) -> None:
    policy = {"name": "old", "table": "Case"} | between("1900-01-01", "9999-12-31")
    answer = Client(SERVER_NAME="localhost").post(
        "/api/v1/orgs/sales/archive/preview",
        policy,
        "application/json",
        headers=headers,
    )
    assert answer.status_code == 200, answer.content


def test_an_empty_number_of_the_form_blocks_the_policy(desk: World, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    post(client, unchanged_days="7", keep_days="365", daily_limit="77")
    post(client, unchanged_days="", keep_days="", daily_limit="")
    saved = find_saved_policy("sales", "closed-case")
    assert saved is not None
    policy = saved.policy
    assert (policy.unchanged_days, policy.keep_days, saved.daily_limit) == (0, 0, USUAL_DAY)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"keep_days": "29"}, "Archived records can be kept for 30 to 36,500 days, not for 29."),
        ({"keep_days": "-1"}, "Ensure this value is greater than or equal to 0."),
        ({"keep_days": "a year"}, "Enter a whole number."),
        ({"keep_days": str(HUGE)}, "Ensure this value is less than or equal to 36500."),
        ({"keep_days": "9" * 5_000}, "Enter a whole number."),
        ({"unchanged_days": "-1"}, "Ensure this value is greater than or equal to 0."),
        ({"unchanged_days": str(HUGE)}, "Ensure this value is less than or equal to 36500."),
        ({"daily_limit": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"daily_limit": str(HUGE)}, "Ensure this value is less than or equal to 200000."),
    ],
)
def test_a_number_that_is_refused_is_explained(
    desk: World, sign_in: SignIn, typed: dict[str, str], message: str
) -> None:
    answer = sign_in(Role.RESTORER).post(READY, TYPED | typed)
    assert answer.status_code == 400
    assert message in answer.content.decode()
