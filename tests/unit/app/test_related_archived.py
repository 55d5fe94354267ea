"""A customer leads to its archived records: listed, counted, named, with files, after a restore too."""

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.history import history
from unlost.app.actions.records.record_files import record_files
from unlost.app.actions.records.record_list import record_list
from unlost.app.actions.records.show import show
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.app.records.relations import referring
from unlost.app.records.relations.related import RelatedRecords, RelatedState, RelatedTable
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.source.schema import DeleteRule, Reference, WireKind

ANY, ARCHIVED = RelatedState.ANY, RelatedState.ARCHIVED


def archived_shop(world: World) -> Shop:
    """A customer of whom one contact and the file are archived; no backup was made since."""
    shop = open_shop(world)
    set_writer(shop.app, WRITER)
    archive(shop, "Contact", "Ann")
    archive(shop, "Paper", "recipe.txt")
    return shop


def archive(shop: Shop, table: str, name: str) -> None:
    """Archive the records of a table with this name."""
    policy = ArchivePolicy(f"old-{name}", table, (Condition("Name", Comparison.IS, (name,)),))
    result = shop.run(shop.plan(archive=policy))
    assert result.whole


archiving = scene(archived_shop)


@pytest.fixture
def shop(world: World, archiving: Lead) -> Shop:
    shop: Shop = archiving(world)
    return shop


def around(
    shop: Shop, record: str = CUSTOMER, *, at: str = "latest", state: RelatedState = ANY
) -> RelatedRecords:
    related = show(shop.app, "sales", "Account", record, at=at, related_state=state).related
    assert related is not None
    return related


def contacts(related: RelatedRecords) -> RelatedTable:
    (table,) = [table for table in related.tables if table.table == "Contact"]
    return table


def states(table: RelatedTable) -> dict[str, tuple[bool, bool]]:
    return {record.name: (record.alive, record.archived) for record in table.first}


@pytest.mark.parametrize("backed_up", [False, True])
def test_archived_records_stay_beside_live_ones(shop: Shop, backed_up: bool) -> None:
    if backed_up:
        shop.night()
    table = contacts(around(shop))
    assert (table.count, table.archived, table.lost) == (2, 1, 0)
    assert states(table) == {"Ann": (False, True), "Ben": (True, False)}


def test_only_archived_records_are_shown_on_request(shop: Shop) -> None:
    shop.night()
    related = around(shop, state=ARCHIVED)
    table = contacts(related)
    assert (related.state, table.count, table.archived) == (ARCHIVED, 1, 1)
    assert states(table) == {"Ann": (False, True)}
    assert [file.record for file in related.files] == [shop.paper]


@pytest.mark.parametrize("backed_up", [False, True])
def test_archived_files_are_listed_and_open(shop: Shop, backed_up: bool) -> None:
    if backed_up:
        shop.night()
    (file,) = around(shop).files
    assert (file.record, file.name, file.archived) == (shop.paper, "recipe.txt", True)
    shown = record_files(shop.app, "sales", "Account", CUSTOMER, at="latest").shown
    assert shown.related is not None
    assert shown.related.files == (file,)


def test_an_archived_record_opens_with_its_history(shop: Shop) -> None:
    shop.night()
    (record,) = contacts(around(shop, state=ARCHIVED)).first
    story = history(shop.app, "sales", "Contact", record.record)
    assert story.archived_at is not None
    assert story.name == "Ann"


def test_a_table_with_archived_records_alone_is_shown(shop: Shop) -> None:
    archive(shop, "Contact", "Ben")
    shop.night()
    assert shop.live("Contact") == {}
    assert (contacts(around(shop)).count, contacts(around(shop)).archived) == (2, 2)


def test_a_deleted_record_is_lost_and_not_archived(shop: Shop) -> None:
    shop.platform.delete("Contact", shop.named("Contact", "Ben"), by="U1")
    shop.night()
    table = contacts(around(shop, at="1"))
    assert (table.count, table.archived, table.lost) == (2, 1, 1)
    assert states(table) == {"Ann": (False, True), "Ben": (False, False)}


def test_an_unarchived_record_is_live_again(shop: Shop) -> None:
    (ann,) = contacts(around(shop, state=ARCHIVED)).first
    shop.run(shop.plan(f"Contact/{ann.record}"))
    shop.night()
    table = contacts(around(shop))
    assert (table.count, table.archived, table.lost) == (2, 0, 0)
    assert around(shop, state=ARCHIVED).tables == ()


def test_a_record_that_came_back_with_a_new_id_is_not_archived(shop: Shop) -> None:
    (ann,) = contacts(around(shop, state=ARCHIVED)).first
    shop.platform.purge_bin()
    shop.run(shop.plan(f"Contact/{ann.record}"))
    shop.night()
    assert shop.named("Contact", "Ann") != ann.record
    table = contacts(around(shop))
    assert (table.count, table.archived, table.lost) == (2, 0, 0)
    archive(shop, "Contact", "Ann")
    again = contacts(around(shop, state=ARCHIVED))
    assert (again.count, again.first[0].record != ann.record) == (1, True)


def test_a_customer_that_was_restored_keeps_its_archived_records(shop: Shop) -> None:
    shop.night()
    name = shop.live("Account")[CUSTOMER]["Name"] or ""
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.platform.purge_bin()
    shop.night()
    assert contacts(around(shop)).archived == 1
    shop.run(shop.plan(f"Account/{CUSTOMER}"))
    shop.night()
    customer = shop.named("Account", name)
    assert customer != CUSTOMER
    table = contacts(around(shop, customer))
    assert table.archived == 1
    assert "Ann" in states(table)


def test_an_archived_customer_shows_what_was_archived_with_it(shop: Shop) -> None:
    archive(shop, "Account", shop.live("Account")[CUSTOMER]["Name"] or "")
    shop.night()
    table = contacts(around(shop))
    assert (table.count, table.archived, table.lost) == (2, 2, 0)


def test_archived_records_of_very_large_tables_are_found(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.night()
    monkeypatch.setattr(referring, "MOST_ROWS", 0)
    related = around(shop)
    assert "Contact" in related.unsearched, "its live records"
    assert (contacts(related).count, contacts(related).archived) == (1, 1)
    related = around(shop, state=ARCHIVED)
    assert related.unsearched == ()
    assert states(contacts(related)) == {"Ann": (False, True)}


def test_archived_records_of_a_live_contact_are_found_through_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.org.add_table(
        "Letter",
        {"Name": WireKind.TEXT, "Contact": WireKind.REFERENCE},
        references={"Contact": Reference(("Contact",), DeleteRule.CASCADE)},
    )
    ben = shop.named("Contact", "Ben")
    for name in ("old", "new"):
        shop.org.create("Letter", {"Name": name, "Contact": ben})
    shop.night()
    archive(shop, "Letter", "old")
    shop.night()
    monkeypatch.setattr(referring, "MOST_ROWS", 0)
    tables = {(table.table, table.through): table for table in around(shop, state=ARCHIVED).tables}
    assert states(tables["Letter", "Contact"]) == {"old": (False, True)}
    assert states(tables["Contact", None]) == {"Ann": (False, True)}
    monkeypatch.setattr(referring, "MOST_LIVE_ROWS", 0)
    assert around(shop, state=ARCHIVED).unsearched == ("Contact",)


LISTS = {None: {"Ben"}, ANY: {"Ann", "Ben"}, ARCHIVED: {"Ann"}}


@pytest.mark.parametrize("state", LISTS)
def test_lists_have_archived_records_on_request(shop: Shop, state: RelatedState | None) -> None:
    shop.night()
    query = ListQuery(ListKind.RELATED, "Contact", of=f"Account/{CUSTOMER}", state=state)
    page = record_list(shop.app, "sales", query)
    assert {record.name for record in page.records} == LISTS[state]
    assert {record.name: record.archived for record in page.records} == {
        name: name == "Ann" for name in LISTS[state]
    }
    assert page.query.is_purgeable == (state is not ARCHIVED)
    assert page.query.restored_from == (page.query.at if state is None else None)


def test_listed_archived_records_can_be_restored(shop: Shop) -> None:
    shop.night()
    query = ListQuery(ListKind.RELATED, "Contact", of=f"Account/{CUSTOMER}", state=ARCHIVED)
    shop.run(shop.plan(listed=query))
    assert shop.named("Contact", "Ann")


def test_an_org_without_archives_has_no_archived_records(world: World, opened: Lead) -> None:
    shop: Shop = opened(world)
    related = around(shop, state=ARCHIVED)
    assert (related.tables, related.files) == ((), ())
    query = ListQuery(ListKind.RELATED, "Contact", of=f"Account/{CUSTOMER}", state=ARCHIVED)
    assert record_list(shop.app, "sales", query).records == ()


opened = scene(open_shop)
