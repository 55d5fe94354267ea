"""The page of an archive policy: its numbers, its preview, its schedule, and its nights."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.web.conftest import SignIn
from unit.web.losses import goes_on
from unit.web.test_archives import filled_desk, page
from unlost.catalog.orgs.archive_policies import (
    PolicyStored,
    find_saved_policy,
    store_policy,
    switch_policy_off,
)
from unlost.catalog.runs.archive_nights import (
    begin_archive_night,
    claim_night,
    end_night,
    move_night,
    open_archive_nights,
    set_night_plan,
)
from unlost.model.access import Role
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.archive import (
    OLD_VERSIONS_SIZE,
    ArchivePolicy,
    Comparison,
    Condition,
    OldVersionRule,
    ParentPointer,
)
from unlost.model.message import message
from unlost.model.saved_policy import WEEK, ArchiveNightState, SavedPolicy, Weekday
from unlost.web.parts.alert_pages import address

READY = "/orgs/sales/archive-policies/closed-case/"
TYPED = {
    "unchanged_days": "0", "daily_limit": "500", "days": ["mon", "thu"], "condition-rows": "1",
    "condition-0-column": "Closed", "condition-0-comparison": "is", "condition-0-value": "true",
}  # fmt: skip
OLD = ArchivePolicy(
    "old",
    "Case",
    (
        Condition("Closed", Comparison.IS, ("false",)),
        Condition("ClosedDate", Comparison.OLDER, days=730),
        Condition("Size", Comparison.LARGER, number=10),
    ),
    label="Cases closed for two years",
)

filling = scene(filled_desk)


@pytest.fixture
def desk(world: World, filling: Lead) -> Iterator[World]:
    """Three cases, of which two are closed, and three open ones."""
    with goes_on(world, filling) as made:
        for _ in range(3):
            world.org.create("Case", {"Name": "Open", "Closed": "false"})
        made.night()
        yield world


def rows(policy: ArchivePolicy) -> dict[str, str]:
    """What the rows of a form with this policy send."""
    typed = {"condition-rows": str(len(policy.conditions))}
    for at, test in enumerate(policy.conditions):
        value = {Comparison.OLDER: str(test.days), Comparison.LARGER: str(test.number)}
        typed |= {
            f"condition-{at}-column": test.column,
            f"condition-{at}-comparison": test.comparison.value,
            f"condition-{at}-value": value.get(test.comparison, "\n".join(test.values)),
        }
    return typed


def post(client: Client, path: str = READY, **typed: object) -> str:
    answer = client.post(path, TYPED | typed)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def stored(world: World, policy: ArchivePolicy) -> SavedPolicy:
    """Store a policy as it is, also one that cannot be used any more."""
    oid = next(iter(world.app.names()))
    saved = SavedPolicy(0, "sales", oid, policy, "ada", "", world.clock.now(), WEEK)
    assert store_policy(saved, most=9) is PolicyStored.STORED
    found = find_saved_policy("sales", policy.name)
    assert found is not None
    return found


def test_a_ready_made_policy_is_saved_previewed_and_scheduled(desk: World, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    listed = page(client, "/orgs/sales/storage/?show=archive")
    assert f'href="{READY}"' in listed
    assert "Change it, or archive on a schedule" in listed
    assert "This policy is ready-made." in page(client, READY)
    refused = client.post(READY, TYPED | {"on": "on"})
    assert refused.status_code == 400
    assert "You have not previewed the current version of the policy" in refused.content.decode()
    shown = post(client, unchanged_days="0")
    assert shown == f"{READY}?show=preview"
    assert "2 of 2 records could leave the org." in page(client, shown)
    half = client.post(READY, TYPED | {"on": "on"}).content.decode()
    assert "takes 2 of 3 records of Note, more than half" in half
    assert post(client, on="on", confirm_large="on") == READY
    saved = find_saved_policy("sales", "closed-case")
    assert saved is not None
    assert (saved.is_on, saved.daily_limit) == (True, 500)
    assert saved.days == (Weekday.MONDAY, Weekday.THURSDAY)
    done = page(client, READY)
    assert "schedule on" in done
    assert "Saved by restorer-all on" in done
    assert "Change the policy and its schedule" in page(client, "/orgs/sales/storage/?show=archive")
    removed = client.post(f"{READY}remove/")
    assert removed["Location"] == "/orgs/sales/storage/?show=archive"
    assert find_saved_policy("sales", "closed-case") is None


def test_a_condition_on_a_removed_column_is_named_at_its_field_and_nothing_typed_is_lost(
    desk: World, sign_in: SignIn
) -> None:
    client = sign_in(Role.RESTORER)
    stored(desk, OLD)
    path = "/orgs/sales/archive-policies/old/"
    shown = page(client, path)
    assert "ClosedDate (not in the newest backup)" in shown
    assert re.search(r'name="condition-1-value"[^>]*>\s*730<', shown)
    assert re.search(r'name="condition-2-value"[^>]*>\s*10<', shown)
    typed = TYPED | rows(OLD) | {"condition-1-value": "365", "daily_limit": "77"}
    answer = client.post(path, typed)
    assert answer.status_code == 400
    shown = answer.content.decode()
    assert "Case has no column ClosedDate in the newest backup" in shown
    assert re.search(r'name="condition-1-value"[^>]*>\s*365<', shown)
    assert re.search(r'name="daily_limit" value="77"', shown)
    gone = {"condition-1-column": "", "condition-1-value": ""}
    gone |= {"condition-2-column": "", "condition-2-value": ""}
    post(client, path, **rows(OLD) | gone)
    saved = find_saved_policy("sales", "old")
    assert saved is not None
    assert saved.policy == replace(OLD, conditions=OLD.conditions[:1], label="")


def test_a_schedule_without_days_is_refused(desk: World, sign_in: SignIn) -> None:
    answer = sign_in(Role.RESTORER).post(READY, TYPED | {"on": "on", "days": []})
    assert "Choose at least one day." in answer.content.decode()


def test_a_policy_that_cannot_be_used_any_more_is_named(desk: World, sign_in: SignIn) -> None:
    stored(desk, OLD)
    client = sign_in(Role.RESTORER)
    listed = page(client, "/orgs/sales/storage/?show=archive")
    assert "Case has no column ClosedDate." in listed
    assert "Plan this archive" in listed, "the others are shown as before"
    shown = page(client, "/orgs/sales/archive-policies/old/?show=preview")
    assert "Case has no column ClosedDate." in shown


def test_a_policy_needs_the_right_to_restore(desk: World, sign_in: SignIn) -> None:
    operator = sign_in(Role.OPERATOR)
    assert operator.get(READY).status_code == 403
    assert operator.post(READY, TYPED).status_code == 403
    assert operator.post(f"{READY}remove/").status_code == 403
    assert "archive-policies" not in page(operator, "/orgs/sales/storage/?show=archive")


def test_the_page_shows_the_problem_and_the_nights(desk: World, sign_in: SignIn) -> None:
    client, now = sign_in(Role.RESTORER), desk.clock.now()
    post(client)
    page(client, f"{READY}?show=preview")
    post(client, on="on", confirm_large="on")
    saved = find_saved_policy("sales", "closed-case")
    assert saved is not None
    why = message("archive-owner", "Something {what}.", next_step="Repair it.", what="is wrong")
    states = [
        ArchiveNightState.DONE, ArchiveNightState.NOTHING, ArchiveNightState.FAILED,
        ArchiveNightState.DROPPED,
    ]  # fmt: skip
    for day, state in enumerate(states, start=1):
        begin_archive_night(saved.id, f"2026-03-0{day}T01:00", at=now)
        (night,) = open_archive_nights()
        if state is ArchiveNightState.DONE:
            assert claim_night(night.id, run="archive-1")
        end_night(night.id, state, at=now, error=why if day == 3 else None)
    begin_archive_night(saved.id, "2026-03-05T01:00", at=now)
    assert "under way" in page(client, READY)
    (night,) = open_archive_nights()
    assert set_night_plan(night, "20260305-010000-00000000")
    move_night(night.id, ArchiveNightState.WAITING)
    switch_policy_off(saved.id, why=why)
    shown = page(client, READY)
    for words in (
        "Something is wrong.", "Repair it.", "archived", "no record could leave the org", "failed",
        "given up", "waits for a second person", "/orgs/sales/restores/20260305-010000-00000000/",
        "/runs/archive-1/",
    ):  # fmt: skip
        assert words in shown


def test_alerts_lead_to_the_policy() -> None:
    why = message("archive-schedule", "It waits.")
    for subject in ("closed-case", "closed-case/waits"):
        raised = RaisedAlert(AlertRule.ARCHIVE_SCHEDULE, "sales", subject, Urgency.SOON, why)
        assert address(raised) == READY


def test_a_policy_can_demand_a_second_copy_and_skip_the_bin(desk: World, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    shown = page(client, post(client, second_copy="on", hard_delete="on"))
    saved = find_saved_policy("sales", "closed-case")
    assert saved is not None
    assert (saved.policy.second_copy, saved.policy.hard_delete) == (True, True)
    assert "The records skip the recycle bin" in shown
    assert "No record leaves before the mirror" in shown
    post(client)
    saved = find_saved_policy("sales", "closed-case")
    assert saved is not None
    assert (saved.policy.second_copy, saved.policy.hard_delete) == (False, False)


def test_old_versions_are_freed_only_by_policies_of_files(desk: World, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    assert "free_versions" not in page(client, READY)
    size = Condition(OLD_VERSIONS_SIZE, Comparison.LARGER, number=10)
    stored(desk, replace(OLD, conditions=(size,), old_versions=OldVersionRule.FREE))
    shown = page(client, "/orgs/sales/archive-policies/old/")
    assert re.search(r'name="free_versions"[^>]*checked', shown)
    typed = TYPED | rows(OLD) | {"free_versions": "on"}
    typed |= {f"condition-{at}-column": "" for at in (1, 2)}
    typed |= {f"condition-{at}-value": "" for at in (1, 2)}
    refused = client.post("/orgs/sales/archive-policies/old/", typed)
    assert refused.status_code == 400
    assert "has no old versions of files" in refused.content.decode()


def test_a_policy_can_update_parents_of_archived_records(desk: World, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    named = {"pointer_column": "Account", "pointer_count": "Archived", "pointer_link": "Link"}
    assert "The records in Account that stay are updated" in page(client, post(client, **named))
    saved = find_saved_policy("sales", "closed-case")
    assert saved is not None
    assert saved.policy.pointer == ParentPointer("Account", "Archived", "Link")
    assert 'value="Archived"' in page(client, READY)
    for half in ({"pointer_column": "Account"}, {"pointer_link": "Link"}):
        refused = client.post(READY, TYPED | half)
        assert refused.status_code == 400
        assert "Name this column, too." in refused.content.decode()
    post(client)
    saved = find_saved_policy("sales", "closed-case")
    assert saved is not None
    assert saved.policy.pointer is None


def version_in(shown: str) -> str:
    (version,) = re.findall(r'name="seen" value="([^"]+)"', shown)
    return str(version)


def test_a_form_from_before_a_switch_off_is_refused_and_keeps_what_was_typed(
    desk: World, sign_in: SignIn
) -> None:
    client = sign_in(Role.RESTORER)
    assert version_in(page(client, READY)) == "new"
    post(client, seen="new")
    page(client, f"{READY}?show=preview")
    post(client, on="on", confirm_large="on")
    seen = version_in(page(client, READY))
    saved = find_saved_policy("sales", "closed-case")
    assert saved is not None
    switch_policy_off(saved.id, why=message("archive-surplus", "Something vanished."))
    typed = {"on": "on", "daily_limit": "77", "confirm_large": "on"}
    refused = client.post(READY, TYPED | typed | {"seen": seen})
    shown = refused.content.decode()
    assert refused.status_code == 400
    assert "was saved, switched off or removed meanwhile" in shown
    assert "Something vanished." in shown
    assert re.search(r'name="daily_limit" value="77"', shown)
    saved = find_saved_policy("sales", "closed-case")
    assert saved is not None
    assert not saved.is_on
    post(client, **typed, seen=version_in(shown))
    saved = find_saved_policy("sales", "closed-case")
    assert saved is not None
    assert (saved.is_on, saved.daily_limit) == (True, 77)
