"""What came back is found from what was lost, and the other way round."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unit.app.test_access import actor
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.find import find
from unlost.app.actions.records.history import HistoryEntry, history
from unlost.catalog.orgs.orgs import get_org, save_org
from unlost.model.access import Role
from unlost.model.org import OrgIdentity
from unlost.model.vault.snapshot import CommitKind, Lineage, TableCommit

LOST, ALIVE = "A40017", "A40018"


def brought_back(world: World, run: str, *pairs: tuple[str, str], target: str = "") -> None:
    """A restore said that these stand for those."""
    oid, vault = get_org("sales").oid, world.app.whole_vault
    commit = vault.begin(oid, run=run, kind=CommitKind.RESTORE, identity=vault.orgs()[oid])
    rows = [Lineage("Account", old, live, target or oid, run) for old, live in pairs]
    commit.finish([TableCommit("$lineage", (commit.lineage(rows),))], as_of=world.clock.now())


def lives(world: World, record: str) -> tuple[Sequence[str], Sequence[str]]:
    told = history(world.app, "sales", "Account", record)
    return [one.record for one in told.restored_as], [one.record for one in told.restored_from]


def live(world: World) -> None:
    """The customer is lost; two records are new since."""
    with_sales(world)
    backup(world.app, "sales")
    world.org.delete("Account", LOST)
    for record in ("B1", "B2"):
        world.org.create("Account", {"Name": "Schoko Zürich", "Number": "0040017"}, record=record)
    world.clock.advance(days=1)
    backup(world.app, "sales")


after_night, opened_shop = scene(live), scene(open_shop)


@pytest.fixture
def night(world: World, after_night: Lead) -> World:
    """The customer is lost; two records are new since."""
    after_night(world)
    return world


def test_what_came_back_more_than_once_leads_to_the_last(night: World) -> None:
    brought_back(night, "run-1", (LOST, "B1"))
    brought_back(night, "run-2", ("B1", "B2"))
    assert lives(night, LOST) == (["B2"], [])
    assert lives(night, "B1") == (["B2"], [LOST])
    assert lives(night, "B2") == ([], ["B1"])
    told = history(night.app, "sales", "Account", LOST)
    assert [(one.org, one.run) for one in told.restored_as] == [("sales", "run-2")]
    asked = [*find(night.app, LOST).hits, *find(night.app, "B2").hits]
    assert {hit.record: hit.restored_as for hit in asked} == {LOST: "B2", "B2": ""}


def test_what_keeps_its_id_came_back_as_nothing_else(night: World) -> None:
    brought_back(night, "run-1", (LOST, LOST))
    assert lives(night, LOST) == ([], [])
    assert {hit.restored_as for hit in find(night.app, LOST).hits} == {""}


def test_what_was_there_at_the_first_backup_is_no_return(night: World) -> None:
    brought_back(night, "run-1", (LOST, ALIVE))
    assert lives(night, ALIVE) == ([], [])


def test_what_stands_for_it_in_another_org_is_told_to_who_may_read_that(night: World) -> None:
    identity = OrgIdentity("memory", "T9", label="Sandbox")
    other = night.app.whole_vault.ensure_org(identity)
    org = get_org("sales")
    save_org(replace(org, name="box", oid=other, identity=identity))
    brought_back(night, "run-1", (LOST, "X1"), target=other)
    brought_back(night, "run-2", (LOST, "B1"))
    told = history(night.app, "sales", "Account", LOST)
    assert [(one.org, one.record) for one in told.restored_as] == [("sales", "B1"), ("box", "X1")]
    viewer = night.app.acting(actor(Role.VIEWER, org.oid))
    seen = history(viewer, "sales", "Account", LOST)
    assert [one.org for one in seen.restored_as] == ["sales"]


def _without_buttons(entry: HistoryEntry) -> HistoryEntry:
    return replace(entry, fields=tuple(replace(each, restorable=False) for each in entry.fields))


def test_a_restored_customer_has_one_story_under_both_of_its_ids(
    world: World, opened_shop: Lead
) -> None:
    shop: Shop = opened_shop(world)
    set_writer(shop.app, WRITER)
    shop.lose()
    shop.night()
    run = shop.run(shop.whole_plan()).run
    live = shop.named("Account", "Schoko Zürich")
    shop.night()
    shop.org.update("Account", live, {"Phone": "new"})
    shop.night()
    told = [history(shop.app, "sales", "Account", one) for one in (CUSTOMER, live)]
    # Only the page of the live record can put values back.
    assert not any(field.restorable for entry in told[0].entries for field in entry.fields)
    assert told[0].entries == tuple(map(_without_buttons, told[1].entries))
    assert list(dict.fromkeys((one.kind, one.record, one.run) for one in told[0].entries)) == [
        ("created", CUSTOMER, None),
        ("deleted", CUSTOMER, None),
        ("restored", live, run),
        ("changed", live, None),
    ]
    restored = told[0].entries[2]
    assert restored.after is not None
    assert told[0].entries[1].until <= restored.after <= restored.until
    assert [one.alive for one in told] == [False, True]
    assert [one.record for one in told[1].restored_from] == [CUSTOMER]
