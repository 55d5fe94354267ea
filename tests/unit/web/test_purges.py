"""Purges in the console: the mails of a loop and the records of a list leave the org, and come back."""

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.app.shop import WRITER
from unit.engine.mailbox import BEGIN, COLUMNS, DESK, GUEST, REPLIED, RULE
from unit.web.conftest import SignIn
from unit.web.losses import choose, goes_on, live, plan_at_once, start
from unit.web.test_archives import Desk, page
from unlost.app.actions.orgs.write_access import set_writer
from unlost.catalog.archive_models import ArchivePeriodRow
from unlost.catalog.models import Run
from unlost.catalog.runs.runs import RunState
from unlost.model.access import Role
from unlost.model.errors import NotAllowed, StoreError
from unlost.model.purge import MAIL_LOOP
from unlost.model.source.quota import Quota
from unlost.model.source.schema import WireKind

LOOPS = "/orgs/sales/storage/?show=loops"
LIST = "/orgs/sales/list/"
BUTTON = "Preview the deletion of these mails"
MAILS = 20


def filled_post(world: World) -> Desk:
    """A loop of twenty mails between two machines, and a mail that a person wrote."""
    live(world)
    org = world.org
    org.add_table("Mail", dict.fromkeys(COLUMNS, WireKind.TEXT))
    for number in range(MAILS):
        sides = (GUEST, DESK) if number % 2 else (DESK, GUEST)
        sent = (BEGIN + timedelta(minutes=number)).isoformat()
        cells = ("Away", *sides, sent, REPLIED, "C1", "I am away.")
        org.create("Mail", dict(zip(COLUMNS, cells, strict=True)))
    person = org.create("Mail", {"Subject": "Away", "From": GUEST, "To": DESK, "Text": "Hello"})
    world.connector.source("one").quota = (Quota("data storage", 2.0**29, 2.0**30, "bytes"),)
    set_writer(world.app, WRITER)
    desk = Desk(world, [person])
    desk.night()
    return desk


filling = scene(filled_post)


@pytest.fixture
def desk(world: World, filling: Lead, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    plan_at_once(monkeypatch)
    monkeypatch.setattr(
        type(world.connector), "mail_rules", lambda _, _schema: {"Mail": RULE}, raising=False
    )
    with goes_on(world, filling) as made:
        yield made


def first_mail(shown: str) -> str:
    return shown.partition('name="loop" value="')[2].partition('"')[0]


def undone(desk: Desk, client: Client, run: str) -> None:
    back = start(client, choose(client, what="undo", run=run))
    assert desk.serve(back) is RunState.DONE


def test_the_mails_of_a_loop_leave_and_come_back(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    mails = desk.live("Mail")
    shown = page(client, LOOPS)
    assert BUTTON in shown
    plan = choose(client, what="loop", loop=first_mail(shown))
    preview = page(client, plan)
    for words in (
        "<h1>Purge in sales</h1>",
        "The mails of a loop",
        f"Delete {MAILS} records of sales now",
    ):
        assert words in preview
    assert "Archive of" not in preview
    run = start(client, plan)
    assert desk.serve(run) is RunState.DONE
    assert desk.live("Mail") == set(desk.cases), "the mail of a person stays"
    undone(desk, client, run)
    assert len(desk.live("Mail")) == len(mails), "as new records: this org has no recycle bin"


def named_in_list(client: Client, query: str = "") -> list[str]:
    """The kinds of the runs in the list, as people read them."""
    rows = page(client, f"/runs/{query}").partition('<table class="rows">')[2]
    return re.findall(r'<th scope="row"><a href="/runs/[^"]*">([^<]+)</a>', rows)


def test_the_run_of_a_purge_is_listed_and_filtered_as_a_purge(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    plan = choose(client, what="loop", loop=first_mail(page(client, LOOPS)))
    run = start(client, plan)
    assert named_in_list(client)[0] == "Purge", "before it begins"
    assert "Purge<span" in page(client, "/"), "on the home page, while it waits"
    assert desk.serve(run) is RunState.DONE
    assert named_in_list(client, "?kind=purge") == ["Purge"]
    assert named_in_list(client, "?kind=archive") == []
    assert "Archive" not in named_in_list(client)
    archived = page(client, "/orgs/sales/archive/")
    assert "<p>Purge · " in archived
    undo = choose(client, what="undo", run=run)
    assert "<h1>Undo of a purge in sales</h1>" in page(client, undo)


def test_a_purge_that_only_the_vault_knows_is_listed_as_one(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    plan = choose(client, what="loop", loop=first_mail(page(client, LOOPS)))
    run = start(client, plan)
    assert desk.serve(run) is RunState.DONE
    Run.objects.filter(id=run).delete()
    ArchivePeriodRow.objects.all().delete()
    assert named_in_list(client, "?kind=purge") == ["Purge"]
    assert named_in_list(client, "?kind=archive") == []
    assert "<h1>Purge in sales</h1>" in page(client, f"/runs/{run}/")


def test_a_purge_that_could_not_sign_in_was_listed_as_an_archive(
    desk: Desk, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(Role.RESTORER)
    run = start(client, choose(client, what="loop", loop=first_mail(page(client, LOOPS))))
    ArchivePeriodRow.objects.all().delete()

    def refused(*_: object, **__: object) -> None:
        raise NotAllowed("sign-in-refused", "The sign-in was refused.")

    monkeypatch.setattr(type(desk.world.app), "open_writer", refused)
    assert desk.serve(run) is RunState.FAILED
    assert ArchivePeriodRow.objects.get(run=run).policy == MAIL_LOOP


def test_a_list_of_backups_failed_with_a_vault_that_could_not_be_read(
    desk: Desk, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(Role.RESTORER)
    run = start(client, choose(client, what="loop", loop=first_mail(page(client, LOOPS))))
    ArchivePeriodRow.objects.all().delete()

    def away(*_: object) -> None:
        raise StoreError("store-away", "The place of the vault does not answer.")

    monkeypatch.setattr(type(desk.world.app.whole_vault), "journals", away)
    assert set(named_in_list(client, "?kind=backup")) == {"Backup"}
    assert f"/runs/{run}/" in page(client, "/runs/?kind=archive&state=open")


def test_without_the_right_to_restore_no_purge_is_offered(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    shown = page(client, LOOPS)
    assert "Away" in shown
    assert BUTTON not in shown
    refused = client.post("/orgs/sales/restores/", {"what": "loop", "loop": "x"})
    assert refused.status_code == 403


def test_a_loop_that_is_gone_is_an_error(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    shown = page(client, choose(client, what="loop", loop="none"))
    assert "has no mail loop that begins with none" in shown


def test_records_that_an_import_left_are_selected_and_deleted(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    leftovers = {desk.world.org.create("Mail", {"Subject": f"Import {n}"}) for n in range(3)}
    desk.night()
    created = {"kind": "changed", "change": "created", "table": "Mail", "older": "2", "newer": "3"}
    shown = page(client, f"{LIST}?{urlencode(created)}")
    assert "Preview the deletion of the selected records in the org" in shown
    assert "Preview the restore" not in shown, "they are in the org"
    of = shown.partition('name="of" value="')[2].partition('"')[0].replace("&quot;", '"')
    every = [f"Mail/{record}" for record in sorted(leftovers)]
    plan = choose(client, what="purge", of=of, **{"every-record": every, "record": every[:2]})
    assert "Delete 2 records of sales now" in page(client, plan)
    assert "Purge of 2 records in sales" in page(client, "/runs/")
    run = start(client, plan)
    assert desk.serve(run) is RunState.DONE
    assert len(desk.live("Mail") & leftovers) == 1


def test_a_list_of_deleted_records_offers_no_deletion(desk: Desk, sign_in: SignIn) -> None:
    desk.world.org.delete("Mail", desk.cases[0])
    desk.night()
    lost = {"kind": "changed", "change": "deleted", "table": "Mail", "older": "2", "newer": "3"}
    shown = page(sign_in(Role.RESTORER), f"{LIST}?{urlencode(lost)}")
    assert "Preview the restore of the selected records" in shown
    assert "Preview the deletion" not in shown


IDS = "/orgs/sales/purge/"


def test_pasted_ids_are_planned_and_deleted(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    assert "Preview the deletion" in page(client, IDS)
    assert IDS in page(client, "/orgs/sales/storage/")
    first, second, *_ = sorted(desk.live("Mail"))
    answer = client.post(IDS, {"ids": f"Id\n{first}\nMail/{second}\n{first}\n"})
    assert answer.status_code == 302, answer.content.decode()
    plan = answer["Location"]
    assert "Delete 2 records of sales now" in page(client, plan)
    run = start(client, plan)
    assert desk.serve(run) is RunState.DONE
    assert not desk.live("Mail") & {first, second}
    shown = page(client, f"/runs/{run}/")
    assert "Everything was deleted, with a copy in the vault" in shown
    assert "rchived" not in shown
    undone(desk, client, run)


def test_a_list_with_unknown_ids_is_shown_again_with_its_text(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    first = min(desk.live("Mail"))
    file = SimpleUploadedFile("ids.csv", f"Id,Name\n{first},A\nX9,<b>\n".encode())
    answer = client.post(IDS, {"ids": "", "file": file})
    shown = answer.content.decode()
    assert answer.status_code == 400
    assert "1 line names no live record in the newest backup:" in shown
    assert "X9,&lt;b&gt;" in shown, "the text of the file is not lost"
    again = client.post(IDS, {"ids": f"{first}\nX9", "skip": "1"})
    assert "Delete 1 record of sales now" in page(client, again["Location"])


def test_a_list_without_any_record_plans_nothing(desk: Desk, sign_in: SignIn) -> None:
    answer = sign_in(Role.RESTORER).post(IDS, {"ids": " \n"})
    assert answer.status_code == 400
    assert "No record is selected." in answer.content.decode()


def test_ids_of_several_tables_are_planned_one_table_at_a_time(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    note = desk.world.org.create("Account", {"Name": "Junk"})
    desk.night()
    both = f"Mail/{min(desk.live('Mail'))}\nAccount/{note}"
    answer = client.post(IDS, {"ids": both})
    assert answer.status_code == 400
    assert '<option value="Account">' in answer.content.decode()
    answer = client.post(IDS, {"ids": both, "table": "Account"})
    assert "Delete 1 record of sales now" in page(client, answer["Location"])


def test_a_viewer_may_not_paste_ids(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    assert client.get(IDS).status_code == 403
    assert IDS not in page(client, "/orgs/sales/storage/")


def test_the_records_of_a_watched_set_are_deleted(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    client.post("/orgs/sales/watched/", {"name": "Junk", "record": f"Mail/{desk.cases[0]}"})
    assert 'name="what" value="watched"' in page(client, "/orgs/sales/watched/Junk/")
    plan = choose(client, what="watched", watched="Junk", table="Mail")
    shown = page(client, plan)
    assert "Records of the watched set Junk" in shown
    assert "Delete 1 record of sales now" in shown


def test_all_live_matches_of_a_search_are_deleted(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    for _ in range(2):
        desk.world.org.create("Account", {"Name": "Unwanted import"})
    desk.night()
    shown = page(client, "/find/?q=Unwanted&table=Account&org=sales&state=live&all=1")
    assert "Preview the deletion of all 2 records in the org" in shown
    query = shown.partition('name="list" value="')[2].partition('"')[0].replace("&quot;", '"')
    plan = choose(client, what="found", list=query)
    assert "Delete 2 records of sales now" in page(client, plan)
    shown = page(client, "/find/?q=Unwanted&table=Account&org=sales&all=1")
    assert "Preview the deletion of all live records in the org" in shown
    viewer = page(sign_in(Role.VIEWER), "/find/?q=Unwanted&table=Account&org=sales&all=1")
    assert "Preview the deletion" not in viewer
