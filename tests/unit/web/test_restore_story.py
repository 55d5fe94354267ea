"""The whole story: records are lost, found, previewed, restored and shown as done; errors are tried again."""

import re

import pytest

from unit.app.shop import CUSTOMER, Shop
from unit.web.conftest import SignIn
from unit.web.losses import choose, plan_at_once, serve, start
from unlost.app.alerts.evaluation import evaluate_backups
from unlost.catalog.conclusion_models import LossMarkRow, LossRow
from unlost.catalog.losses import loss_mark
from unlost.catalog.orgs.hidden_columns import hide_column
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import newest
from unlost.catalog.runs.runs import RunState, find_run
from unlost.model.access import Role
from unlost.testing.platform import RowRefused

INCOMPLETE = '<span class="pill warn">incomplete</span>'


@pytest.fixture
def shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    plan_at_once(monkeypatch)
    return shop


def test_home_asks_until_the_newest_backup_was_compared(
    shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home called losses of a backup that was just made "deleted", and stayed so until a reload."""
    doing = "unlost.app.actions.backups.backup.evaluate_backups"
    asks = re.compile(r'hx-get="(/\?compared=sales)"')
    with monkeypatch.context() as patch:
        patch.setattr(doing, lambda app, org: None)
        shop.night()
    client = sign_in(Role.RESTORER)
    (address,) = asks.findall(client.get("/").content.decode())
    assert client.get(address, headers={"hx-request": "true"}).status_code == 204
    evaluate_backups(shop.app, get_org("sales"))
    home = client.get(address, headers={"hx-request": "true"})
    assert home.status_code == 200
    assert not asks.search(home.content.decode())


def test_home_asks_until_losses_are_searched_even_if_mass_changes_are_counted(
    shop: Shop, sign_in: SignIn
) -> None:
    """Home called lost records "deleted" if the service counted the mass changes first."""
    LossRow.objects.all().delete()
    LossMarkRow.objects.update(snapshot=2)
    client = sign_in(Role.RESTORER)
    home = client.get("/").content.decode()
    assert "4 records lost since the previous backup" in home
    assert 'hx-get="/?compared=sales"' in home
    evaluate_backups(shop.app, get_org("sales"))
    home = client.get("/").content.decode()
    assert "4 records lost since the previous backup" in home
    assert 'hx-get="/?compared=sales"' not in home


def test_home_stops_asking_if_the_losses_cannot_be_searched(
    shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("unlost.app.records.changes.loss_inbox.losses_between", _broken)
        shop.night()
    assert (mark := loss_mark(shop.oid)) is not None
    assert mark.error is not None
    home = sign_in(Role.RESTORER).get("/").content.decode()
    assert 'hx-get="/?compared=sales"' not in home


def _broken(*_: object, **__: object) -> None:
    raise RuntimeError("no room")


def test_what_was_lost_last_night_comes_back(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    home = client.get("/").content.decode()
    assert "4 records lost since the previous backup" in home
    (link,) = set(re.findall(r'href="([^"]*/lost/[^"]*)"', home))
    lost = client.get(link.replace("&amp;", "&")).content.decode()
    assert "4 records lost" in lost
    assert "Schoko Zürich" in lost
    assert "Preview the restore of all 4 records" in lost
    plan = choose(client, what="lost", a="2", b="3")
    preview = client.get(plan).content.decode()
    assert "Restore 4 records to sales" in preview
    assert "4 will be created, with new ids" not in preview, "counted by table"
    assert "2 will be created, with new ids" in preview
    assert shop.live("Contact") == {}, "nothing is written yet"
    run = start(client, plan)
    waiting = client.get(f"/runs/{run}/").content.decode()
    assert "waiting for the service" in waiting
    assert "The service is not running" in waiting
    assert serve(shop, run) is RunState.DONE
    done = client.get(f"/runs/{run}/").content.decode()
    assert "Created, with new ids" in done
    assert "Schoko Zürich" in done
    assert shop.named("Account", "Schoko Zürich") in done
    assert "needs attention" not in done
    assert INCOMPLETE not in done
    assert sorted(str(cells["Name"]) for cells in shop.live("Contact").values()) == ["Ann", "Ben"]
    assert "This plan was already run" in client.get(plan).content.decode()


def test_a_restore_is_undone_with_two_clicks_and_the_undo_too(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    run = start(client, choose(client, what="lost", a="2", b="3"))
    assert serve(shop, run) is RunState.DONE
    assert "Undo this restore" in client.get(f"/runs/{run}/").content.decode()
    plan = choose(client, what="undo", run=run)
    preview = client.get(plan).content.decode()
    assert f'Undo of <a href="/runs/{run}/">' in preview
    assert "will be deleted" in preview
    assert "Undo in 4 records of sales" in preview, "it restores nothing"
    assert len(shop.live("Contact")) == 2, "nothing is written yet"
    undo = start(client, plan)
    assert serve(shop, undo) is RunState.DONE
    assert shop.live("Contact") == {}
    done = client.get(f"/runs/{undo}/").content.decode()
    assert "Everything was undone" in done
    assert "<dt>Deleted</dt>" in done
    assert "Undo this undo" in done
    assert serve(shop, start(client, choose(client, what="undo", run=undo))) is RunState.DONE
    assert len(shop.live("Contact")) == 2


def test_an_undo_speaks_of_an_undo_and_shows_what_stays(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    run = start(client, choose(client, what="lost", a="2", b="3"))
    serve(shop, run)
    plan = choose(client, what="undo", run=run)
    preview = client.get(plan).content.decode()
    for words in (
        "<h1>Undo of a run in sales</h1>",
        "Effects that the undo does not take back",
        "E-mails and messages that the org sent cannot be taken back.",
        "Child records that others added after the run stay",
        "restore.md#what-an-undo-cannot-take-back",
        "Undo of the run",
        "in the undo",
    ):
        assert words in re.sub("<wbr>", "", preview), words
    content = re.sub(r"<nav.*?</nav>|<aside.*?</aside>", "", preview, flags=re.DOTALL)
    for words in (
        "Restore to",
        'aria-label="Restore ',
        "Restored state",
        "without related records",
    ):
        assert words not in content, words
    folded = re.findall(r"<details.*?</details>", preview, flags=re.DOTALL)
    assert not any("E-mails and messages that the org sent" in part for part in folded)


def test_a_record_that_is_left_out_of_an_undo_stays(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    run = start(client, choose(client, what="lost", a="2", b="3"))
    serve(shop, run)
    plan = choose(client, what="undo", run=run)
    contact = f"Contact/{shop.named('Contact', 'Ann')}"
    form = {"every-record": [contact]}
    fewer = client.post(f"{plan}without/", form)["Location"]
    preview = re.sub("<wbr>", "", client.get(fewer).content.decode())
    assert f'Left out: <bdi dir="ltr" class="code">{contact}</bdi>' in preview
    assert "1 record of Account stay" in preview
    assert "Undo in 2 records of sales" in preview
    assert serve(shop, start(client, fewer)) is RunState.DONE
    assert [f"Contact/{record}" for record in shop.live("Contact")] == [contact]
    assert shop.named("Account", "Schoko Zürich")


def test_only_the_records_of_one_table_are_restored(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    preview = client.get(choose(client, what="lost", table="Contact", a="2", b="3"))
    assert "Restore 3 records to sales" in preview.content.decode(), "two and what they belong to"


def test_a_record_that_came_back_is_found_from_the_lost_one(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    run = start(client, choose(client, what="lost", a="2", b="3"))
    serve(shop, run)
    shop.night()
    client = sign_in(Role.RESTORER, org="sales")  # the session of the day before has ended
    life = shop.named("Account", "Schoko Zürich")
    found = client.get("/find/?all=1&q=Schoko").content.decode()
    assert f'href="/orgs/sales/records/Account/{life}/?q=Schoko">Restored record</a>' in found
    lost = client.get(f"/orgs/sales/records/Account/{CUSTOMER}/").content.decode()
    assert f'Restored as: <a href="/orgs/sales/records/Account/{life}/">' in lost
    assert f'<bdi>sales</bdi> · <a href="/runs/{run}/">the restore</a>' in lost
    lives = client.get(f"/orgs/sales/records/Account/{life}/").content.decode()
    assert f'Restored from: <a href="/orgs/sales/records/Account/{CUSTOMER}/">' in lives
    assert "Restored as:" not in lives
    assert f'Restored as <bdi dir="ltr" class="code">{life}</bdi>' in lives, "in its story"


def test_what_failed_is_grouped_and_tried_again(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    plan = choose(client, what="lost", a="2", b="3")
    assert "<strong><bdi>Contacts</bdi></strong>" in client.get(plan).content.decode()
    for _ in range(2):
        shop.writer.faults.plant("row", RowRefused("RULE", "No contact today."), table="Contact")
    run = start(client, plan)
    assert serve(shop, run) is RunState.DONE
    told = client.get(f"/runs/{run}/").content.decode()
    assert "2 records need attention" in told
    assert INCOMPLETE in told, "beside the state, which is done"
    assert "2 × <bdi>Contacts</bdi>: <bdi>No contact today.</bdi>" in told
    hide_column(shop.oid, "Contact", "Name")
    unseen = sign_in(Role.OPERATOR).get(f"/runs/{run}/").content.decode()
    assert "No contact today" not in unseen
    assert "2 × <bdi>Contacts</bdi>: Could not be written" in unseen, "words stand before the code"
    assert "/orgs/sales/records/Contact/" in told
    assert "Retry the selected records" in told
    (code,) = set(re.findall(r'name="code" value="([^"]+)"', told))
    again = client.post(f"/runs/{run}/retry/", {"code": [code]})
    preview = client.get(again["Location"]).content.decode()
    assert "Restore 2 records to sales" in preview
    second = start(client, again["Location"])
    assert second == f"{run}-try-2"
    assert serve(shop, second) is RunState.DONE
    assert "needs attention" not in client.get(f"/runs/{second}/").content.decode()
    assert sorted(str(cells["Name"]) for cells in shop.live("Contact").values()) == ["Ann", "Ben"]


def test_every_step_is_noted(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    plan = choose(client, what="records", record=[f"Account/{CUSTOMER}"])
    run = start(client, plan)
    noted = {(row.deed.act, row.deed.outcome) for row in newest(most=999)}
    assert ("restore.make", "done") in noted
    assert ("restore.start", "done") in noted
    assert find_run(run) is not None
