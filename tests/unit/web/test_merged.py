"""Records that were merged into others, on the pages of the console."""

from collections.abc import Iterator

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import WRITER
from unit.web.conftest import SignIn
from unit.web.losses import choose, goes_on, live, plan_at_once, serve, start
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.write_access import set_writer
from unlost.model.source.schema import WireKind
from unlost.testing.platform import Platform

LOSER, WINNER = "A40017", "A40018"
PLACE = f"/orgs/sales/records/Account/{LOSER}/"
LINK = f'Merged into <a href="/orgs/sales/records/Account/{WINNER}/"><bdi>'


def with_merge(world: World) -> None:
    """One account was merged into another between two nights."""
    live(world)
    world.org.tables["Account"].merged_into = "Winner"
    world.org.add_column("Account", "Winner", WireKind.REFERENCE)
    backup(world.app, "sales")
    world.clock.advance(hours=1)
    Platform(world.org).merge("Account", WINNER, LOSER, by="U1")
    world.clock.advance(days=1)
    backup(world.app, "sales")


after_merge = scene(with_merge)


@pytest.fixture
def merged(world: World, after_merge: Lead) -> Iterator[World]:
    """One account was merged into another between two nights."""
    with goes_on(world, after_merge):
        yield world


def test_a_merge_is_taken_back_from_the_page_of_the_merged_record_in_two_clicks(
    merged: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_at_once(monkeypatch)
    accounts = merged.org.tables["Account"].records
    name, lost = accounts[WINNER].cells["Name"], accounts[LOSER].cells["Name"]
    set_writer(merged.app, WRITER)
    platform = merged.connector.writer("one").platform
    platform.undelete("Account", LOSER, by="U1")
    backup(merged.app, "sales")
    platform.merge("Account", WINNER, LOSER, by="U1", cells={"Name": lost})
    backup(merged.app, "sales")
    client = sign_in()
    assert "Preview the restore of this record" in client.get(PLACE).content.decode()
    plan = choose(client, what="records", record=f"Account/{LOSER}")  # the first click
    page = client.get(plan).content.decode()
    assert "will get back the values that a merge had replaced" in page
    assert "Restore 2 records to sales" in page
    serve(merged, start(client, plan))  # the second one
    live = {key: record.cells["Name"] for key, record in platform.live("Account")}
    assert live[WINNER] == name
    assert lost in live.values()


@pytest.mark.parametrize("part", ["", "fields/", "related/", "files/"])
def test_the_head_of_a_record_says_merged(merged: World, sign_in: SignIn, part: str) -> None:
    page = sign_in().get(PLACE + part).content.decode()
    assert '<span class="pill">merged</span>' in page
    assert '<span class="pill lost">' not in page


def test_the_timeline_links_to_the_surviving_record(merged: World, sign_in: SignIn) -> None:
    story = sign_in().get(PLACE).content.decode().partition('<ol class="timeline">')[2]
    assert f"<h2>{LINK}" in story
    assert "by <bdi>Ada Admin</bdi>" in story


@pytest.mark.parametrize("place", [f"/find/?q={LOSER}&all=1", "/orgs/sales/lost/?table=Account"])
def test_lists_link_to_the_surviving_record(merged: World, sign_in: SignIn, place: str) -> None:
    assert LINK in sign_in().get(place).content.decode()


def test_a_deleted_record_is_lost_and_no_more(merged: World, sign_in: SignIn) -> None:
    Platform(merged.org).delete("Account", WINNER, by="U1")
    backup(merged.app, "sales")
    page = sign_in().get(f"/orgs/sales/records/Account/{WINNER}/").content.decode()
    assert '<span class="pill lost">lost</span>' in page
