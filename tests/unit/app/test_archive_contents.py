"""The archive in one place: counted by table and by run, listed, searched, without what came back."""

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unit.app.test_related_archived import archive
from unlost.app.actions.archive.contents import ArchiveContents, archive_contents
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.find import find
from unlost.app.actions.records.record_list import record_list
from unlost.app.compose import Application
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.engine.records import matches
from unlost.engine.records.matches import StateFilter
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotAllowed, UsageError
from unlost.model.storage import StorageRule, StorageWeight


def archived_twice(world: World) -> Shop:
    """Two archive runs: of a contact, and of a file; the other contact is deleted."""
    shop = open_shop(world)
    set_writer(shop.app, WRITER)
    archive(shop, "Contact", "Ann")
    shop.night()
    archive(shop, "Paper", "recipe.txt")
    shop.platform.delete("Contact", shop.named("Contact", "Ben"), by="U1")
    shop.night()
    return shop


archiving = scene(archived_twice)


@pytest.fixture
def shop(world: World, archiving: Lead) -> Shop:
    shop: Shop = archiving(world)
    return shop


def contents(shop: Shop, *, sizes: bool = False) -> ArchiveContents:
    return archive_contents(shop.app, "sales", sizes=sizes)


def names(shop: Shop, query: ListQuery) -> list[str]:
    return [record.name for record in record_list(shop.app, "sales", query).records]


def test_archived_records_are_counted_by_table_and_by_run(shop: Shop) -> None:
    seen = contents(shop)
    assert {(table.table, table.records) for table in seen.tables} == {("Contact", 1), ("Paper", 1)}
    assert seen.records == 2
    assert [[table.table for table in run.tables] for run in seen.runs] == [["Paper"], ["Contact"]]
    assert [run.policy for run in seen.runs] == ["old-recipe.txt", "old-Ann"]
    assert {run.bytes for run in seen.runs} == {0}


def test_an_archive_without_a_backup_since_is_counted(shop: Shop) -> None:
    shop.org.create("Contact", {"Name": "Cid", "Account": CUSTOMER})
    shop.night()
    archive(shop, "Contact", "Cid")
    assert contents(shop).records == 3


def test_records_that_came_back_are_no_longer_counted(shop: Shop) -> None:
    query = ListQuery(ListKind.ARCHIVED, "Contact")
    assert names(shop, query) == ["Ann"]
    shop.platform.purge_bin()
    shop.run(shop.plan(listed=query))
    assert shop.named("Contact", "Ann"), "under another id"
    shop.night()
    assert names(shop, query) == []
    assert [table.table for table in contents(shop).tables] == ["Paper"]
    assert len(contents(shop).runs) == 1


def test_sizes_are_those_in_the_org(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {
        "Contact": StorageRule((StorageWeight("data storage", 2_000),)),
        "Paper": StorageRule((StorageWeight("file storage", texts=("Name",)),)),
    }
    monkeypatch.setattr(
        type(shop.world.connector), "storage_rules", lambda _self, _schema: rules, raising=False
    )
    seen = contents(shop, sizes=True)
    assert {table.table: table.bytes for table in seen.tables} == {"Contact": 2_000, "Paper": 10}
    assert (seen.sized, seen.bytes, [run.bytes for run in seen.runs]) == (True, 2_010, [10, 2_000])


def test_the_records_of_one_run_are_listed(shop: Shop) -> None:
    paper, contact = (run.run for run in contents(shop).runs)
    assert names(shop, ListQuery(ListKind.ARCHIVED, "Contact", run=contact)) == ["Ann"]
    assert names(shop, ListQuery(ListKind.ARCHIVED, "Contact", run=paper)) == []
    with pytest.raises(UsageError) as refused:
        names(shop, ListQuery(ListKind.ARCHIVED, "Contact", run="archive-of-others"))
    assert refused.value.code == "list-wrong"


def test_a_list_of_archived_records_can_be_restored_but_not_purged(shop: Shop) -> None:
    query = ListQuery(ListKind.ARCHIVED, "Contact")
    assert (query.is_restorable, query.is_purgeable, query.restored_from) == (True, False, None)


def test_an_org_without_archives_has_an_empty_archive(world: World, opened: Lead) -> None:
    shop: Shop = opened(world)
    seen = contents(shop)
    assert (seen.records, seen.tables, seen.runs) == (0, (), ())
    assert names(shop, ListQuery(ListKind.ARCHIVED, "Contact")) == []


opened = scene(open_shop)

STATES = {
    None: {"Ann", "Ben"},
    StateFilter.LIVE: set(),
    StateFilter.DELETED: {"Ben"},
    StateFilter.ARCHIVED: {"Ann"},
}


@pytest.mark.parametrize("state", STATES)
def test_a_search_tells_archived_records_from_deleted_ones(
    shop: Shop, state: StateFilter | None
) -> None:
    hits = [
        hit
        for name in ("Ann", "Ben")
        for hit in find(shop.app, name, state=state, table="Contact").hits
    ]
    assert {hit.name for hit in hits} == STATES[state]
    assert {hit.name for hit in hits if hit.is_archived} <= {"Ann"}
    assert all(hit.gone is not None and hit.gone.at for hit in hits if hit.is_archived)


def test_an_archived_record_beyond_the_checked_matches_is_not_found(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        shop.org.create("Contact", {"Name": f"Ann {number}", "Account": CUSTOMER})
    shop.night()
    archive(shop, "Contact", "Ann 7")
    monkeypatch.setitem(matches.org_matches.__kwdefaults__, "most", 3)
    seen = find(shop.app, "Ann", state=StateFilter.ARCHIVED)
    assert ({hit.name for hit in seen.hits}, seen.more) == ({"Ann", "Ann 7"}, False)
    monkeypatch.setattr(matches, "MOST_STATES", 0)
    seen = find(shop.app, "Ann", state=StateFilter.ARCHIVED)
    assert (seen.hits, seen.more, seen.hints[0].code) == ((), True, "search-unchecked")


def test_a_search_finds_what_was_archived_after_the_newest_backup(shop: Shop) -> None:
    shop.org.create("Contact", {"Name": "Cid", "Account": CUSTOMER})
    shop.night()
    archive(shop, "Contact", "Cid")
    (hit,) = find(shop.app, "Cid", state=StateFilter.ARCHIVED).hits
    assert hit.is_archived
    assert find(shop.app, "Cid", state=StateFilter.DELETED).hits == ()
    since = f"{shop.world.clock.now():%Y-%m-%d}"
    assert len(find(shop.app, "Cid", state=StateFilter.ARCHIVED, since=since).hits) == 1


def acting(shop: Shop, role: Role) -> Application:
    grant = Grant(role, shop.oid)
    app: Application = shop.app.acting(Actor(ActorKind.PERSON, role.value, (grant,)))
    return app


def test_an_auditor_sees_no_archive(shop: Shop) -> None:
    with pytest.raises(NotAllowed):
        archive_contents(acting(shop, Role.AUDITOR), "sales")


def test_a_hidden_column_is_in_no_list_of_archived_records(shop: Shop) -> None:
    hide(shop.app, "sales", "Contact.Account")
    app = acting(shop, Role.VIEWER)
    page = record_list(app, "sales", ListQuery(ListKind.ARCHIVED, "Contact"))
    assert "Account" not in {column.name for column in page.choices}
    assert archive_contents(app, "sales", sizes=True).records == 2
