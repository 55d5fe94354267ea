"""Nights after the first: what they bring equals the org, without reading everything again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import Program, add_org
from unlost.app.compose import open_application
from unlost.catalog.orgs.orgs import get_org
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

BACKUP = "backup@chocolate.example"
TABLES = ("Account", "ContentDocument", "ContentDocumentLink", "FeedItem", "FeedComment")


@pytest.fixture
def own() -> Iterator[SimulatorProcess]:
    """An org of its own, for it is edited."""
    with SimulatorProcess() as running:
        yield running


@pytest.fixture
def nightly(own: SimulatorProcess, tmp_path: Path) -> Program:
    """A home after its first night of the tables that are looked at; a Monday evening."""
    made = Program(tmp_path / "home")
    assert made("init", str(made.home), "--recovery-out", str(tmp_path / "sheet")).code == 0
    include = [word for table in TABLES for word in ("--include", table)]
    assert add_org(made, own.url, more=include).code in {0, 3}
    assert made("backup", "chocolate").code in {0, 3}
    return made


def held(program: Program, table: str) -> dict[str, dict[str, Any]]:
    """What the newest snapshot says is alive, by id."""
    with open_application(program.home) as app:
        head = app.vault.newest_backup(get_org("chocolate").oid)
        assert head is not None
        rows = [row for batch in head.scan(table) for row in batch.to_pylist()]
    return {row["_u_id"]: row for row in rows}


def agree(program: Program, org: SimulatorProcess, *columns: str, table: str) -> None:
    live = org.admin.get("export", object=table, username=BACKUP)["rows"]
    mine = held(program, table)
    assert mine.keys() == {row["Id"] for row in live}
    for row in live:
        for column in columns:
            assert mine[row["Id"]][column] == (row[column] or None), (row["Id"], column)


def night(program: Program, org: SimulatorProcess, **pause: float) -> dict[str, Any]:
    org.admin.post("clock/advance", **(pause or {"days": 1}))
    ended = program("backup", "chocolate", "--json")
    assert ended.code in {0, 3}, ended
    return dict(ended.json)


def test_posts_come_and_change_and_go(own: SimulatorProcess, nightly: Program) -> None:
    posts = list(held(nightly, "FeedItem"))
    comments = [one["FeedItemId"] for one in held(nightly, "FeedComment").values()]
    parent = next(iter(held(nightly, "Account")))
    own.admin.post("clock/advance", hours=10)
    new = {"ParentId": parent, "Type": "TextPost", "Body": "Frisch geröstet"}
    own.admin.post("records/insert", object="FeedItem", rows=[new])
    edit = {posts[3]: {"Body": "Andere Worte"}}
    own.admin.post("records/update", object="FeedItem", changes=edit)
    own.admin.post("records/delete", object="FeedItem", ids=[posts[5]])
    done = night(nightly, own, hours=14)
    assert done["counts"]["created"] == 1
    assert done["counts"]["deleted"] == 1 + comments.count(posts[5]), "its comments go with it"
    assert done["rows_seen"] < len(posts)
    agree(nightly, own, "Body", "ParentId", table="FeedItem")
    agree(nightly, own, "CommentBody", table="FeedComment")


def test_links_come_and_go_also_of_documents_that_did_not_change(
    own: SimulatorProcess, nightly: Program
) -> None:
    links = held(nightly, "ContentDocumentLink")
    first = next(iter(links.values()))
    accounts = list(held(nightly, "Account"))
    new = {
        "ContentDocumentId": first["ContentDocumentId"], "LinkedEntityId": accounts[50],
        "ShareType": "V", "Visibility": "AllUsers",
    }  # fmt: skip
    own.admin.post("clock/advance", hours=10)
    own.admin.post("records/insert", object="ContentDocumentLink", rows=[new])
    gone = list(links)[7]
    own.admin.post("records/delete", object="ContentDocumentLink", ids=[gone])
    done = night(nightly, own, hours=14)
    assert (done["counts"]["created"], done["counts"]["deleted"]) == (1, 1)
    assert done["rows_seen"] < len(links)
    agree(nightly, own, "LinkedEntityId", "ContentDocumentId", table="ContentDocumentLink")


def test_once_a_week_an_edit_in_place_of_a_link_is_seen(
    own: SimulatorProcess, nightly: Program
) -> None:
    link = next(iter(held(nightly, "ContentDocumentLink")))
    edit = {link: {"Visibility": "InternalUsers"}}
    own.admin.post("clock/advance", hours=4)
    own.admin.post("records/update", object="ContentDocumentLink", changes=edit)
    for _ in range(7):  # one of these nights is the first of a week
        night(nightly, own)
    agree(nightly, own, "Visibility", table="ContentDocumentLink")
