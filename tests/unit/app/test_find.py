"""Finding records: pages, filters, users who deleted, and hints for a search without matches."""

from datetime import timedelta

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.records.find import find
from unlost.app.compose import Application
from unlost.app.records.search import org_searches as module
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.records import matches
from unlost.engine.records.matches import StateFilter
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotFound, UsageError
from unlost.model.source.schema import Column, ColumnTrait, Reference, WireKind
from unlost.model.vault.snapshot import SearchHelp, SearchIndexState
from unlost.vault.reader import EncryptedReader

FIRMS = 50


def live(world: World) -> None:
    """Fifty firms and some notes; on the second night Sabine has deleted three, and Ada one."""
    with_sales(world)
    org = world.org
    org.create("User", {"Name": "Sabine Vogt"}, record="U2")
    for number in range(FIRMS):
        org.create("Account", {"Name": f"Firma {number:02}"}, record=f"F{number:02}", by="U1")
    org.add_table("Note", {"Name": WireKind.TEXT})
    for number in range(3):
        org.create("Note", {"Name": f"Firma note {number}"}, record=f"N{number}")
    backup(world.app, "sales")
    world.clock.advance(days=1)
    for number in range(3):
        org.delete("Account", f"F{number:02}", by="U2")
    org.delete("Account", "F03", by="U1")
    backup(world.app, "sales")


after_deletions = scene(live)


@pytest.fixture
def firms(world: World, after_deletions: Lead) -> World:
    after_deletions(world)
    return world


def test_pages_have_totals_and_a_stable_order(firms: World) -> None:
    every = find(firms.app, "firma", most=100)
    assert (every.total, every.more, every.start) == (FIRMS + 3, False, 0)
    assert len(every.hits) == FIRMS + 3
    pages = [find(firms.app, "firma", start=start) for start in (0, 20, 40, 60)]
    assert [len(page.hits) for page in pages] == [20, 20, 13, 0]
    assert sum((page.hits for page in pages), ()) == every.hits
    assert {page.total for page in pages} == {FIRMS + 3}
    assert not every.hints
    with pytest.raises(UsageError) as caught:
        find(firms.app, "firma", start=-1)
    assert caught.value.code == "page-invalid"


def test_more_matches_than_are_checked_are_reported(
    firms: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = matches.org_matches
    monkeypatch.setattr(module, "org_matches", lambda vault, search: few(vault, search, most=5))
    result = find(firms.app, "firma")
    assert (result.total, result.more) == (5, True)
    notes = find(firms.app, "firma", table="note")
    assert (notes.total, notes.more) == (3, False), "the table is searched on its own"
    assert find(firms.app, "firma", table="Nothing").total == 0


def test_tables_are_counted_and_chosen_by_name_or_label(firms: World) -> None:
    result = find(firms.app, "firma")
    counts = [(table.table, table.count) for table in result.tables]
    assert counts == [("Account", FIRMS), ("Note", 3)]
    notes = find(firms.app, "firma", table="NOTE")
    assert {hit.table for hit in notes.hits} == {"Note"}
    assert (notes.total, notes.tables) == (3, result.tables)


def test_filters_by_state_and_time(firms: World) -> None:
    gone = find(firms.app, "firma", state=StateFilter.DELETED)
    assert [hit.record for hit in gone.hits] == ["F00", "F01", "F02", "F03"]
    assert find(firms.app, "firma", state=StateFilter.LIVE).total == FIRMS + 3 - 4
    deleted = gone.hits[0].gone
    assert deleted is not None
    assert deleted.at is not None
    day, before = (f"{deleted.at - timedelta(days=days):%Y-%m-%d}" for days in (0, 1))
    assert find(firms.app, "firma", since=day).total == 4
    assert find(firms.app, "firma", until=before).total == FIRMS + 3 - 4
    assert find(firms.app, "firma", since=before, until=day).total == FIRMS + 3


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none_is_refused(firms: World, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        find(firms.app, "firma", since=text)
    assert caught.value.code == "day-wrong"


def test_what_a_user_deleted_is_found_by_the_name(firms: World) -> None:
    every = find(firms.app, "deleted by sabine")
    assert {hit.record for hit in every.hits} == {"F00", "F01", "F02"}
    assert (every.words, every.deleted_by) == ("", "sabine")
    assert {hit.value for hit in every.hits} == {"Sabine Vogt"}
    assert {hit.gone.by_name for hit in every.hits if hit.gone} == {"Sabine Vogt"}
    assert find(firms.app, "", deleted_by="Vogt").hits == every.hits
    some = find(firms.app, "01 deleted by Sabine Vogt")
    assert [hit.record for hit in some.hits] == ["F01"]
    after = find(firms.app, "deleted by Sabine 02")
    assert ([hit.record for hit in after.hits], after.words) == (["F02"], "02")
    assert find(firms.app, "03 deleted by Sabine").total == 0


def test_a_hidden_column_with_the_user_finds_nothing(firms: World) -> None:
    hide(firms.app, "sales", "Account.ModifiedBy")
    grant = Grant(Role.VIEWER, get_org("sales").oid)
    viewer = firms.app.acting(Actor(ActorKind.PERSON, "viewer", (grant,)))
    assert find(viewer, "deleted by Sabine").total == 0
    assert find(viewer, "firma deleted by Sabine").total == 0
    assert find(firms.app, "deleted by Sabine").total == 3


def codes(app: Application, text: str, **filters: object) -> list[str]:
    result = find(app, text, **filters)
    assert not result.hits
    return [hint.code for hint in result.hints]


def test_a_search_without_matches_gives_hints(firms: World) -> None:
    always = ["search-newer", "search-between"]
    assert codes(firms.app, "nothing") == ["search-former", *always]
    assert codes(firms.app, "nothing", former=True) == always
    assert codes(firms.app, "no 77", former=True) == ["search-words", "search-digits", *always]
    filtered = codes(firms.app, "firma", state=StateFilter.DELETED, table="Note", former=True)
    assert filtered == ["search-filtered", *always]
    assert codes(firms.app, "deleted by Nobody") == ["search-no-user", *always]
    assert codes(firms.app, "04 deleted by Sabine", former=True)[0] == "search-deleter"


def test_a_typing_mistake_gets_a_suggestion(firms: World) -> None:
    assert find(firms.app, "schoco").suggestions == ("Schoko",)
    assert find(firms.app, "schoko").suggestions == ()
    assert find(firms.app, "schoco", table="Account").suggestions == (), "the filter may be why"
    assert find(firms.app, "schoco deleted by Sabine").suggestions == ()


def test_hidden_columns_are_named_as_a_reason(firms: World) -> None:
    hide(firms.app, "sales", "Account.Phone")
    grant = Grant(Role.VIEWER, get_org("sales").oid)
    viewer = firms.app.acting(Actor(ActorKind.PERSON, "viewer", (grant,)))
    result = find(viewer, "4140018")
    assert not result.hits
    (hidden,) = [hint for hint in result.hints if hint.code == "search-hidden"]
    assert hidden.sentence == "The search left out 1 column hidden from your role."
    assert result.orgs[0].hidden == 1
    assert "search-hidden" not in codes(firms.app, "nothing")


def test_the_searched_orgs_have_the_times_of_their_backups(firms: World) -> None:
    (org,) = find(firms.app, "nothing").orgs
    newest = firms.app.vault.snapshots(get_org("sales").oid)[-1]
    assert (org.org, org.as_of, org.unindexed) == ("sales", newest.as_of, 0)
    assert org.next_backup is not None
    assert org.next_backup > firms.clock.now()
    change(firms.app, "sales", ScheduleChange(at="off"))
    assert find(firms.app, "nothing").orgs[0].next_backup is None


def test_an_index_that_is_being_renewed_is_reported(
    firms: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        EncryptedReader, "search_help", lambda *_: SearchHelp(SearchIndexState(1, 300))
    )
    assert find(firms.app, "firma").orgs[0].unindexed == 1


def test_a_search_needs_a_text_or_a_user(firms: World) -> None:
    for text, by in (("", None), (" \u200b", None), ("", "  ")):
        with pytest.raises(UsageError) as caught:
            find(firms.app, text, deleted_by=by)
        assert caught.value.code == "text-empty"
    with pytest.raises(NotFound):
        find(firms.app, "firma", org="other")


# --- records of the same name ---------------------------------------------------------------------


def test_records_of_the_same_name_are_told_apart(sales: World) -> None:
    """A number that was an external id and unique, too, ended the search with an internal error."""
    traits = frozenset({ColumnTrait.EXTERNAL_ID, ColumnTrait.UNIQUE})
    accounts = sales.org.tables["Account"]
    accounts.columns["Number"] = Column("Number", WireKind.TEXT, label="Number", traits=traits)
    parent = Column("Parent", WireKind.REFERENCE, reference=Reference(("Account",)))
    accounts.columns["Parent"] = parent
    for record, number in (("B1", "7001"), ("B2", "7002"), ("B3", None)):
        cells = {"Name": "Zotter", "Number": number, "Parent": "A40018" if number else None}
        sales.org.create("Account", cells, record=record)
    sales.org.create("Account", {"Name": "Zotter Graz", "Number": "7004"}, record="B4")
    backup(sales.app, "sales")
    shown = {hit.record: hit.differs for hit in find(sales.app, "zotter").hits}
    assert shown == {"B1": "Number: 7001", "B2": "Number: 7002", "B3": "", "B4": ""}


def test_hidden_columns_tell_no_records_apart(sales: World) -> None:
    for record, phone in (("B1", "+32 1"), ("B2", "+32 2")):
        sales.org.create("Account", {"Name": "Zotter", "Phone": phone}, record=record)
    phones = Column("Phone", WireKind.TEXT, traits=frozenset({ColumnTrait.PHONE}))
    sales.org.tables["Account"].columns["Phone"] = phones
    backup(sales.app, "sales")
    assert {hit.differs for hit in find(sales.app, "zotter").hits} == {
        "Phone: +32 1",
        "Phone: +32 2",
    }
    hide(sales.app, "sales", "Account.Phone")
    grant = Grant(Role.VIEWER, get_org("sales").oid)
    viewer = sales.app.acting(Actor(ActorKind.PERSON, "viewer", (grant,)))
    assert {hit.differs for hit in find(viewer, "zotter").hits} == {""}


def by_login(world: World) -> None:
    """Records name their users by a login, as those of ServiceNow do."""
    org = world.org
    org.add_table("User", {"Name": WireKind.TEXT, "Login": WireKind.TEXT})
    org.create("User", {"Name": "Sabine Vogt", "Login": "svogt"}, record="U2")
    org.create("User", {"Name": "Old Ada", "Login": "ada"}, record="U3")
    org.delete("User", "U3", by="boss")
    org.create("User", {"Name": "Ada Admin", "Login": "ada"}, record="U1")
    keyed = Reference(("User",), key_column="Login")
    for table in org.tables.values():
        table.columns["ModifiedBy"] = Column("ModifiedBy", WireKind.TEXT, reference=keyed)
    with_sales(world)
    backup(world.app, "sales")
    for record, user in (("A40017", "svogt"), ("A40018", "ada"), ("A40019", "gone")):
        org.delete("Account", record, by=user)
    world.clock.advance(days=1)
    backup(world.app, "sales")


def test_users_who_are_named_by_a_login_have_their_names(world: World) -> None:
    by_login(world)
    names = ("schoko", "cacao", "praline")
    deleted = [hit for name in names for hit in find(world.app, name).hits]
    assert {(hit.record, hit.gone.by, hit.gone.by_name) for hit in deleted if hit.gone} == {
        ("A40017", "svogt", "Sabine Vogt"),
        ("A40018", "ada", "Ada Admin"),
        ("A40019", "gone", ""),
    }


def test_records_that_a_user_with_a_login_deleted_are_found_by_the_name(world: World) -> None:
    by_login(world)
    assert [hit.record for hit in find(world.app, "", deleted_by="Sabine").hits] == ["A40017"]
    assert [hit.record for hit in find(world.app, "deleted by ada").hits] == ["A40018"]
