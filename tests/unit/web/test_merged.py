"""Records that were merged into others, on the pages of the console."""

import pytest

from homes import World
from unit.web.conftest import SignIn
from unlost.app.actions.backups.backup import backup
from unlost.model.source.schema import WireKind
from unlost.testing.platform import Platform

LOSER, WINNER = "A40017", "A40018"
PLACE = f"/orgs/sales/records/Account/{LOSER}/"
LINK = f'Merged into <a href="/orgs/sales/records/Account/{WINNER}/"><bdi>'


@pytest.fixture
def merged(world: World) -> World:
    world.org.tables["Account"].merged_into = "Winner"
    world.org.add_column("Account", "Winner", WireKind.REFERENCE)
    backup(world.app, "sales")
    world.clock.advance(hours=1)
    Platform(world.org).merge("Account", WINNER, LOSER, by="U1")
    world.clock.advance(days=1)
    backup(world.app, "sales")
    return world


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
