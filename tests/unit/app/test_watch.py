"""Watched sets: what they contain, what changed, and taking changes back as one correction."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.watch import (
    ChangeFilter,
    WatchedChange,
    WatchedChanges,
    WatchRequest,
    add_watch,
    extend_watch,
    remove_watch,
    watched_changes,
    watches,
)
from unlost.app.actions.restores import take_back as module
from unlost.app.actions.restores.kept_plan import PlanView, choose_again, make_plan_now
from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
from unlost.app.actions.restores.restore_run import run_plan
from unlost.app.actions.restores.take_back import ChosenChange, take_back, take_back_user
from unlost.app.records.changes import watched_sets
from unlost.app.records.changes.live_changes import LiveEvents
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.app.records.search.query import RecordSearch
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.plans import PlanState, plan_content
from unlost.engine.records.compare import LiveComparison
from unlost.engine.records.history import EventKind, Origin
from unlost.model.errors import Conflict, NotFound, SourceRefused, UsageError
from unlost.model.source.schema import Column, Reference, WireKind

KEY = f"Account/{CUSTOMER}"
OTHER = "A40018"


def live(world: World) -> Shop:
    """A watched customer; of it and of another one the number and a contact change on two days."""
    shop = open_shop(world)
    set_writer(shop.app, WRITER)
    add_watch(shop.app, "sales", WatchRequest("Mine", (KEY,)))
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 1"}, by="U1")
    shop.org.update("Account", OTHER, {"Phone": "+41 1"}, by="U1")
    shop.night()
    ann = next(k for k, c in shop.live("Contact").items() if c["Name"] == "Ann")
    shop.org.update("Contact", ann, {"Name": "Anna"}, by="U2")
    shop.night()
    return shop


two_days = scene(live)


@pytest.fixture
def shop(world: World, two_days: Lead) -> Shop:
    made: Shop = two_days(world)
    return made


def shown(shop: Shop, name: str = "Mine", **only: Any) -> WatchedChanges:
    return watched_changes(shop.app, "sales", name, only=ChangeFilter(**only))


def told(shop: Shop, **only: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    """The changes: kind, record by name, and columns."""
    return [
        (each.entry.kind.value, each.name, tuple(field.column for field in each.entry.fields))
        for each in shown(shop, **only).changes
    ]


def ticks(shop: Shop, **only: Any) -> list[ChosenChange]:
    return [
        ChosenChange(f"{each.table}/{each.record}", field.column, each.entry.until.isoformat())
        for each in shown(shop, **only).changes
        for field in each.entry.fields
    ]


def run(shop: Shop, view: PlanView) -> None:
    made = make_plan_now(shop.app, "sales", view.plan)
    assert made.state is PlanState.PLANNED, made.error
    file = Path(shop.out())
    file.write_bytes(plan_content(view.plan))
    run_plan(shop.app, file)


# --- the sets -----------------------------------------------------------------------------------------


def test_a_set_of_picked_records_is_listed_and_removed(shop: Shop) -> None:
    (watch,) = watches(shop.app).watches
    assert (watch.org, watch.name, watch.records, watch.listed) == ("sales", "Mine", (KEY,), None)
    assert remove_watch(shop.app, "sales", "Mine") == watch
    assert watches(shop.app).watches == ()


def test_a_set_of_the_same_name_is_replaced(shop: Shop) -> None:
    add_watch(shop.app, "sales", WatchRequest("Mine", (f"Account/{OTHER}",), deletions=True))
    (watch,) = watches(shop.app).watches
    assert (watch.records, watch.deletions) == ((f"Account/{OTHER}",), True)


def test_the_customers_of_a_person_are_a_set_that_follows_them(shop: Shop) -> None:
    of = ListQuery(ListKind.RELATED, "Account", of="User/U1", at="1")
    watch = add_watch(shop.app, "sales", WatchRequest("Hers", listed=of))
    assert watch.listed is not None
    assert watch.listed.at == "", "not the customers of that day"
    before = shown(shop, "Hers").members
    shop.org.create("Account", {"Name": "New", "Owner": "U1"})
    shop.night()
    assert shown(shop, "Hers").members == before + 1


def test_the_matches_of_a_search_are_a_set(shop: Shop) -> None:
    query = ListQuery(ListKind.MATCHES, "Account", search=RecordSearch("Schoko Zürich"))
    add_watch(shop.app, "sales", WatchRequest("Found", listed=query))
    assert shown(shop, "Found").members == 1


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (WatchRequest("", (KEY,)), "watch-unnamed"),
        (WatchRequest("a/b", (KEY,)), "watch-unnamed"),
        (WatchRequest("x" * 121, (KEY,)), "watch-unnamed"),
        (WatchRequest("Empty"), "watch-empty"),
        (WatchRequest("Both", (KEY,), ListQuery(ListKind.RELATED, "Account")), "watch-empty"),
        (WatchRequest("Bad", ("Account",)), "record-unreadable"),
    ],
)
def test_a_set_that_cannot_be_is_refused(shop: Shop, request_: WatchRequest, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        add_watch(shop.app, "sales", request_)
    assert caught.value.code == code
    assert len(watches(shop.app).watches) == 1


def test_a_set_has_so_many_records_at_most(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_sets, "MOST_MEMBERS", 1)
    of = ListQuery(ListKind.RELATED, "Account", of="User/U1")
    with pytest.raises(UsageError) as caught:
        add_watch(shop.app, "sales", WatchRequest("Hers", listed=of))
    assert caught.value.code == "watch-too-large"


def test_an_org_has_so_many_sets_at_most(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlost.app.actions.records.watch.MOST", 1)
    with pytest.raises(Conflict) as caught:
        add_watch(shop.app, "sales", WatchRequest("More", (KEY,)))
    assert caught.value.code == "watches-too-many"
    add_watch(shop.app, "sales", WatchRequest("Mine", (KEY,)))


def test_an_unknown_set_is_not_found(shop: Shop) -> None:
    for act in (lambda: shown(shop, "Nobody's"), lambda: remove_watch(shop.app, "sales", "x")):
        with pytest.raises(NotFound) as caught:
            act()
        assert caught.value.code == "watch-unknown"


# --- what changed --------------------------------------------------------------------------------------


def test_changes_of_the_record_and_of_what_belongs_to_it_the_newest_first(shop: Shop) -> None:
    assert told(shop) == [
        ("changed", "Anna", ("Name",)), ("changed", "Schoko Zürich", ("Phone",)),
    ]  # fmt: skip
    first, second = shown(shop).changes
    assert (first.owner, second.owner) == (KEY, KEY)
    assert (first.entry.by, second.entry.by) == ("U2", "U1")
    assert first.day > second.day


def test_changes_are_filtered_by_column_user_kind_and_day(shop: Shop) -> None:
    assert [each[2] for each in told(shop, column="Account.Phone")] == [("Phone",)]
    assert [each[2] for each in told(shop, user="U2")] == [("Name",)]
    assert told(shop, kind=EventKind.DELETED) == []
    days = [each.day.isoformat() for each in shown(shop).changes]
    assert len(told(shop, since=days[0])) == 1
    assert len(told(shop, until=days[1], since=days[1])) == 1
    assert [each.value for each in shown(shop, user="U2").columns] == [
        "Account.Phone", "Contact.Name",
    ]  # fmt: skip
    assert {each.value for each in shown(shop).users} == {"U1", "U2"}


def test_a_day_that_is_none_is_refused(shop: Shop) -> None:
    with pytest.raises(UsageError) as caught:
        shown(shop, since="soon")
    assert caught.value.code == "day-wrong"


def test_changes_come_in_pages(shop: Shop) -> None:
    page = watched_changes(shop.app, "sales", "Mine", start=1, most=1)
    assert (page.total, page.start, len(page.changes)) == (2, 1, 1)


def test_a_deletion_is_a_change(shop: Shop) -> None:
    shop.lose()
    shop.night()
    kinds = {each.entry.kind for each in shown(shop).changes}
    assert EventKind.DELETED in kinds


def test_changed_records_that_are_too_many_are_counted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_sets, "MOST_RECORDS", 1)
    assert shown(shop).more == 1
    assert len(shown(shop).changes) == 1


def test_before_the_second_backup_nothing_changed(world: World) -> None:
    from homes import SECRET
    from unlost.app.actions.backups.backup import backup
    from unlost.app.actions.orgs.orgs import NewOrg, add_org

    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    backup(world.app, "sales")
    add_watch(world.app, "sales", WatchRequest("Mine", (KEY,)))
    assert watched_changes(world.app, "sales", "Mine").changes == ()


# --- taking back -----------------------------------------------------------------------------------------


def test_ticked_changes_become_one_correction(shop: Shop) -> None:
    run(shop, take_back(shop.app, "sales", ticks(shop)))
    assert shop.live("Account")[CUSTOMER]["Phone"] == "+41 40017"
    assert "Ann" in {c["Name"] for c in shop.live("Contact").values()}
    assert shop.live("Account")[OTHER]["Phone"] == "+41 1"


def test_of_several_changes_the_value_before_the_first_counts(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 2"}, by="U1")
    shop.night()
    run(shop, take_back(shop.app, "sales", ticks(shop, column="Account.Phone")))
    assert shop.live("Account")[CUSTOMER]["Phone"] == "+41 40017"


def test_all_columns_of_one_change_are_taken_back_together(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Name": "Cacao", "Number": "x"}, by="U1")
    shop.night()
    entry = shown(shop).changes[0].entry
    run(shop, take_back(shop.app, "sales", [ChosenChange(KEY, "", entry.until.isoformat())]))
    cells = shop.live("Account")[CUSTOMER]
    assert (cells["Name"], cells["Number"], cells["Phone"]) == (
        "Schoko Zürich", "0040017", "+41 1",
    )  # fmt: skip


def test_a_value_that_changed_after_the_backup_stays(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Phone": "by hand"})
    view = take_back(shop.app, "sales", ticks(shop, column="Account.Phone"))
    made = make_plan_now(shop.app, "sales", view.plan)
    assert made.summary is not None
    assert made.summary.changes == 0


def test_a_ticked_deletion_brings_the_record_back_with_what_belonged_to_it(shop: Shop) -> None:
    shop.lose()
    shop.night()
    change = next(
        each for each in shown(shop).changes
        if each.table == "Account" and each.entry.kind is EventKind.DELETED
    )  # fmt: skip
    chosen = ChosenChange(KEY, "", change.entry.until.isoformat())
    run(shop, take_back(shop.app, "sales", [chosen]))
    assert len(shop.live("Contact")) == 2


def test_everything_that_a_user_did_is_taken_back(shop: Shop) -> None:
    result = take_back_user(shop.app, "sales", "Mine", "U1")
    assert result.changed_later == 0
    run(shop, result.view)
    assert shop.live("Account")[CUSTOMER]["Phone"] == "+41 40017"
    assert "Anna" in {c["Name"] for c in shop.live("Contact").values()}


def test_what_others_changed_later_stays_and_is_counted(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Name": "Cacao"}, by="U1")
    shop.night()
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 9"}, by="U2")
    shop.night()
    result = take_back_user(shop.app, "sales", "Mine", "U1")
    assert result.changed_later == 1
    run(shop, result.view)
    cells = shop.live("Account")[CUSTOMER]
    assert (cells["Phone"], cells["Name"]) == ("+41 9", "Schoko Zürich")


def test_a_period_without_changes_has_nothing_to_take_back(shop: Shop) -> None:
    with pytest.raises(UsageError) as caught:
        take_back_user(shop.app, "sales", "Mine", "U1", since="2026-01-01", until="2026-01-02")
    assert caught.value.code == "nothing-taken-back"
    with pytest.raises(UsageError):
        take_back(shop.app, "sales", [])


def busy_day(shop: Shop) -> str:
    """U1 renames a contact, and an hour later the customer; a backup sees both. The second minute."""
    ben = shop.named("Contact", "Ben")
    shop.org.update("Contact", ben, {"Name": "Benno"}, by="U1")
    shop.world.clock.advance(hours=1)
    shop.org.update("Account", CUSTOMER, {"Name": "Accident"}, by="U1")
    zone = ZoneInfo(get_org("sales").identity.zone)
    minute = shop.world.clock.now().astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    shop.night()
    return str(minute)


def test_an_accident_at_two_leaves_the_work_of_the_morning(shop: Shop) -> None:
    """The period had whole days, so the morning was taken back too."""
    minute = busy_day(shop)
    assert [each.name for each in shown(shop, since=minute, until=minute).changes] == ["Accident"]
    run(shop, take_back_user(shop.app, "sales", "Mine", "U1", since=minute, until=minute).view)
    assert shop.live("Account")[CUSTOMER]["Name"] == "Schoko Zürich"
    assert "Benno" in {cells["Name"] for cells in shop.live("Contact").values()}


def test_a_day_is_the_whole_day(shop: Shop) -> None:
    day = busy_day(shop)[:10]
    assert len(shown(shop, since=day, until=day).changes) == 2


@pytest.mark.parametrize("text", ["2026-03-14T25:00", "14:00", "0001-01-01T00:00", "T"])
def test_a_time_that_is_none_is_refused(shop: Shop, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        shown(shop, since=text)
    assert caught.value.code == "day-wrong"


def test_changes_since_the_newest_backup_are_taken_back_when_asked_for(shop: Shop) -> None:
    """They waited for the next backup."""
    shop.world.clock.advance(hours=1)
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 9", "Name": "Live"}, by="U1")
    run(shop, take_back_user(shop.app, "sales", "Mine", "U1").view)
    cells = shop.live("Account")[CUSTOMER]
    assert (cells["Phone"], cells["Name"]) == ("+41 9", "Live")
    run(shop, take_back_user(shop.app, "sales", "Mine", "U1", live=True).view)
    cells = shop.live("Account")[CUSTOMER]
    assert (cells["Phone"], cells["Name"]) == ("+41 40017", "Schoko Zürich")


def test_a_deletion_since_the_newest_backup_was_never_taken_back(shop: Shop) -> None:
    shop.world.clock.advance(hours=1)
    shop.org.update("Account", OTHER, {"Phone": "+41 9"}, by="U1")
    shop.platform.delete("Account", CUSTOMER, by="U1")
    (deletion,) = [
        each
        for each in shown_live(shop, user="U1", kind=EventKind.DELETED)
        if each.table == "Account"
    ]
    assert deletion.record == CUSTOMER
    day = deletion.day.isoformat()
    result = take_back_user(shop.app, "sales", "Mine", "U1", since=day, live=True)
    run(shop, result.view)
    back = shop.named("Account", "Schoko Zürich")
    contacts = shop.live("Contact").values()
    assert {(c["Name"], c["Account"]) for c in contacts} == {("Anna", back), ("Ben", back)}
    assert shop.live("Account")[OTHER]["Phone"] == "+41 9", "it is not in the set"


def test_a_plan_that_was_made_again_overwrote_a_value_that_was_not_seen(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 9", "Name": "Live"}, by="U1")
    view = take_back_user(shop.app, "sales", "Mine", "U1", live=True).view
    assert make_plan_now(shop.app, "sales", view.plan).state is PlanState.PLANNED
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 10"}, by="U2")
    again = choose_again(shop.app, "sales", view.plan)
    made = make_plan_now(shop.app, "sales", again.plan)
    assert made.summary is not None
    assert made.summary.keeps_newer
    file = Path(shop.out())
    file.write_bytes(plan_content(again.plan))
    run_plan(shop.app, file)
    cells = shop.live("Account")[CUSTOMER]
    assert (cells["Phone"], cells["Name"]) == ("+41 10", "Schoko Zürich")


def test_a_ticked_live_value_that_changed_again_before_the_plan_stays(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 9"}, by="U2")
    (change,) = [each for each in shown_live(shop) if each.seen]
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 10"}, by="U2")
    chosen = ChosenChange(KEY, "Phone", "live", change.seen["Phone"])
    run(shop, take_back(shop.app, "sales", [chosen]))
    assert shop.live("Account")[CUSTOMER]["Phone"] == "+41 10"


def test_a_live_deletion_by_another_user_stays(shop: Shop) -> None:
    ben = shop.named("Contact", "Ben")
    shop.platform.delete("Contact", ben, by="U2")
    run(shop, take_back_user(shop.app, "sales", "Mine", "U1", live=True).view)
    assert ben not in shop.live("Contact")


def shown_live(shop: Shop, **only: Any) -> Sequence[WatchedChange]:
    return watched_changes(shop.app, "sales", "Mine", only=ChangeFilter(**only), live=True).changes


def test_live_changes_of_others_stay_and_are_counted(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Name": "Cacao"}, by="U1")
    shop.night()
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 9"}, by="U2")
    result = take_back_user(shop.app, "sales", "Mine", "U1", live=True)
    assert result.changed_later == 1


def test_a_live_change_by_the_user_of_the_last_one_names_the_user(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 9"}, by="U1")
    assert live(shop).changes[0].entry.by == "U1"


def test_live_changes_outside_of_the_period_stay(shop: Shop) -> None:
    shop.world.clock.advance(days=1)
    shop.org.update("Account", CUSTOMER, {"Name": "Live"}, by="U1")
    day = shown(shop).changes[0].day.isoformat()
    result = take_back_user(shop.app, "sales", "Mine", "U1", until=day, live=True)
    run(shop, result.view)
    assert shop.live("Account")[CUSTOMER]["Name"] == "Live"


def test_records_that_the_user_created_are_named(shop: Shop) -> None:
    """They stayed without a word."""
    stays = shop.org.create("Contact", {"Name": "Copy", "Account": CUSTOMER}, by="U1")
    gone = shop.org.create("Contact", {"Name": "Gone", "Account": CUSTOMER}, by="U1")
    shop.night()
    shop.platform.delete("Contact", gone, by="U2")
    shop.night()
    result = take_back_user(shop.app, "sales", "Mine", "U1", live=True)
    assert {(each.record, each.in_backup) for each in result.created} == {
        (f"Contact/{stays}", True)
    }
    assert [each.name for each in result.created] == ["Copy"]


def test_a_record_that_was_created_after_the_newest_backup_is_named(shop: Shop) -> None:
    columns = shop.org.tables["Contact"].columns
    columns["ModifiedBy"] = Column("ModifiedBy", WireKind.REFERENCE)
    shop.night()
    now = shop.org.create("Contact", {"Name": "Now", "Account": CUSTOMER}, by="U1")
    result = take_back_user(shop.app, "sales", "Mine", "U1", live=True)
    assert [(each.record, each.in_backup) for each in result.created] == [(f"Contact/{now}", False)]


def test_a_user_who_only_created_records_is_an_error_with_their_names(shop: Shop) -> None:
    shop.org.create("Contact", {"Name": "Copy", "Account": CUSTOMER}, by="U3")
    shop.night()
    with pytest.raises(UsageError) as caught:
        take_back_user(shop.app, "sales", "Mine", "U3")
    assert caught.value.code == "created-records-stay"
    assert "Copy" in str(caught.value)


def test_tables_that_the_org_does_not_deliver_are_named(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "live_events", lambda *_: LiveEvents((), ("Contact",)))
    assert take_back_user(shop.app, "sales", "Mine", "U1", live=True).unread == ("Contact",)


def test_too_many_changes_are_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CHANGES", 1)
    with pytest.raises(UsageError) as caught:
        take_back(shop.app, "sales", ticks(shop))
    assert caught.value.code == "changes-too-many"
    monkeypatch.setattr(module, "MOST_RECORDS", 1)
    with pytest.raises(UsageError) as caught:
        take_back_user(shop.app, "sales", "Mine", "U1")
    assert caught.value.code == "changes-too-many"


# --- the org now ----------------------------------------------------------------------------------------


def live(shop: Shop) -> WatchedChanges:
    return watched_changes(shop.app, "sales", "Mine", live=True)


def test_changes_since_the_newest_backup_come_first_when_asked_for(shop: Shop) -> None:
    shop.world.clock.advance(hours=1)
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 9"}, by="U2")
    shop.org.update("Account", OTHER, {"Phone": "+41 9"}, by="U2")
    shop.org.create("Contact", {"Name": "New", "Account": CUSTOMER})
    assert len(shown(shop).changes) == 2
    changes = live(shop).changes
    assert len(changes) == 4
    recent = {each.entry.kind: each for each in changes[:2]}
    assert {each.entry.told_by for each in changes[:2]} == {Origin.LIVE}
    changed = recent[EventKind.CHANGED]
    assert [(f.column, f.old, f.new) for f in changed.entry.fields] == [("Phone", "+41 1", "+41 9")]
    assert changed.entry.by == "U2"
    assert recent[EventKind.CREATED].owner == KEY


def test_a_memo_over_one_more_and_a_deletion_are_seen_live(shop: Shop) -> None:
    shop.org.add_table(
        "Memo",
        {"Name": WireKind.TEXT, "About": WireKind.REFERENCE},
        references={"About": Reference(("Contact",))},
    )
    shop.night()
    ann, ben = shop.live("Contact")
    shop.org.create("Memo", {"Name": "m", "About": ann})
    shop.platform.delete("Contact", ben, by="U1")
    found = {(each.table, each.entry.kind) for each in live(shop).changes}
    assert ("Memo", EventKind.CREATED) in found
    assert ("Contact", EventKind.DELETED) in found


def test_tables_that_the_org_refuses_are_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: object, table: str) -> Any:
        raise SourceRefused("table-refused", "No.", next_step="None.")

    monkeypatch.setattr(LiveComparison, "parts", refused)
    assert live(shop).unread == ("Account", "Contact", "Paper")


def test_a_live_change_is_taken_back_to_the_newest_backup(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 9"}, by="U2")
    run(shop, take_back(shop.app, "sales", [ChosenChange(KEY, "Phone", "live")]))
    assert shop.live("Account")[CUSTOMER]["Phone"] == "+41 1"


def test_a_live_tick_leaves_newer_values_of_other_cells_as_they_are(shop: Shop) -> None:
    """The person ticked the live change of one cell, and saw no live change of the others."""
    ticked = ticks(shop)
    ann = next(k for k, cells in shop.live("Contact").items() if cells["Name"] == "Anna")
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 9", "Name": "By hand"}, by="U2")
    shop.org.update("Contact", ann, {"Name": "Annika"}, by="U2")
    run(shop, take_back(shop.app, "sales", [*ticked, ChosenChange(KEY, "Phone", "live")]))
    cells = shop.live("Account")[CUSTOMER]
    assert (cells["Phone"], cells["Name"]) == ("+41 40017", "By hand")
    assert shop.live("Contact")[ann]["Name"] == "Annika"


# --- wider sets, and what a review found ------------------------------------------------------------------


def test_a_record_that_is_added_leaves_the_alerts_of_the_set_as_they_are(shop: Shop) -> None:
    first = WatchRequest("Mine", (KEY,), None, True, ("Account.Phone",))
    add_watch(shop.app, "sales", first)
    watch = extend_watch(shop.app, "sales", WatchRequest("Mine", (f"Account/{OTHER}",)))
    assert watch.records == (KEY, f"Account/{OTHER}")
    assert (watch.deletions, watch.columns) == (True, ("Account.Phone",))


def test_a_list_never_replaces_a_set_by_its_name(shop: Shop) -> None:
    of = ListQuery(ListKind.RELATED, "Account", of="User/U1")
    with pytest.raises(Conflict) as caught:
        extend_watch(shop.app, "sales", WatchRequest("Mine", listed=of))
    assert caught.value.code == "watch-exists"
    assert extend_watch(shop.app, "sales", WatchRequest("Hers", listed=of)).listed is not None


@pytest.mark.parametrize("column", ["Account.Fone", "Phone", "Nothing.Phone"])
def test_an_alert_column_that_is_not_there_is_refused(shop: Shop, column: str) -> None:
    with pytest.raises(UsageError) as caught:
        add_watch(shop.app, "sales", WatchRequest("Mine", (KEY,), columns=(column,)))
    assert caught.value.code == "watch-column"


def test_a_change_that_is_not_there_is_named(shop: Shop) -> None:
    with pytest.raises(NotFound) as caught:
        take_back(shop.app, "sales", [ChosenChange(KEY, "", "2020-01-01T00:00:00Z")])
    assert caught.value.code == "change-unknown"


def test_times_are_read_as_json_writes_them(shop: Shop) -> None:
    entry = shown(shop, column="Account.Phone").changes[0].entry
    until = entry.until.isoformat().replace("+00:00", "Z")
    run(shop, take_back(shop.app, "sales", [ChosenChange(KEY, "", until)]))
    assert shop.live("Account")[CUSTOMER]["Phone"] == "+41 40017"


def test_a_change_of_a_former_id_is_taken_back_on_the_present_record(shop: Shop) -> None:
    shop.lose()
    shop.night()
    plan = make_plan(shop.app, PlanRequest("sales", (KEY,)), Path(shop.out()))
    run_plan(shop.app, Path(plan.file))
    shop.night()
    (live,) = [k for k, c in shop.live("Account").items() if c["Number"] == "0040017"]
    entries = [each.entry for each in shown(shop, column="Account.Phone").changes]
    assert len(entries) == 1, "one story of two ids is listed once"
    run(shop, take_back(shop.app, "sales", [
        ChosenChange(KEY, "Phone", entries[0].until.isoformat()),
    ]))  # fmt: skip
    assert shop.live("Account")[live]["Phone"] == "+41 40017"


def test_a_table_with_too_many_live_changes_is_named(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.app.records.changes.live_changes.MOST_CHANGED", 0)
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 9"}, by="U2")
    assert live(shop).unread == ("Account",)
