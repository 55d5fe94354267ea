"""The list of orgs, one org, certificates: for who may look, and for nobody else."""

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext

from homes import SECRET, World, fill
from unit.app.shop import CUSTOMER, Shop
from unit.web.conftest import SignIn
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.org_page import OtherCommit
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.catalog.models import Org
from unlost.model.access import Role
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.clock import START
from unlost.testing.org import MemoryOrg

GAP = Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "Mail is hidden.", "Allow it.")
MOST = 12


def second(world: World) -> None:
    """Another org, named "other"."""
    world.connector.orgs["two"] = MemoryOrg(world.clock, tenant="T-2", label="Other")
    fill(world.connector.orgs["two"])
    add_org(world.app, NewOrg("memory", "other", {"address": "two"}, {"password": SECRET}))


def test_the_list_has_each_org_once_and_links_to_it(world: World, sign_in: SignIn) -> None:
    told = sign_in().get("/orgs/").content.decode()
    assert told.count('href="/orgs/sales/"') == 1
    assert 'href="/connect/"' in told


def test_who_manages_nothing_is_not_offered_to_connect(world: World, sign_in: SignIn) -> None:
    assert 'href="/connect/"' not in sign_in(Role.OPERATOR).get("/orgs/").content.decode()


def test_an_empty_home_says_what_to_do(world: World, sign_in: SignIn) -> None:
    client, viewer = sign_in(), sign_in(Role.VIEWER)
    Org.objects.all().delete()
    for path in ("/", "/orgs/", "/storage/", "/schedules/"):
        assert 'href="/connect/"' in client.get(path).content.decode()
        assert "Ask an Unlost admin" in viewer.get(path).content.decode()


def test_an_org_tells_its_nights_tables_and_what_is_not_protected(
    world: World, sign_in: SignIn
) -> None:
    world.org.findings = [GAP]
    backup(world.app, "sales")
    told = sign_in().get("/orgs/sales/").content.decode()
    assert "1 open gap" in told
    assert "Mail is hidden." in told
    assert "Allow it." in told
    assert 'href="/orgs/sales/certificate/2/"' in told
    assert 'href="/orgs/sales/certificate/1/"' in told
    assert "Account" in told
    assert "Add a write user" in told


def test_a_viewer_sees_no_way_to_what_only_admins_do(world: World, sign_in: SignIn) -> None:
    told = sign_in(Role.VIEWER).get("/orgs/sales/").content.decode()
    assert "/orgs/sales/settings/" not in told
    assert "See the schedule" in told


@pytest.mark.parametrize("place", ["", "certificate/latest/", "storage/", "schedule/"])
def test_a_foreign_org_is_not_there(world: World, sign_in: SignIn, place: str) -> None:
    second(world)
    client = sign_in(Role.OPERATOR, org="other")
    assert client.get(f"/orgs/sales/{place}").status_code == 404
    assert client.get("/orgs/nobody/").status_code == 404
    assert client.get("/orgs/other/").status_code == 200


def test_an_org_without_a_backup_says_when_the_first_begins(world: World, sign_in: SignIn) -> None:
    second(world)
    told = sign_in().get("/orgs/other/").content.decode()
    assert "There is no backup yet" in told
    assert "The first backup starts automatically" in told


def test_a_certificate_names_first_what_is_not_protected(world: World, sign_in: SignIn) -> None:
    world.org.findings = [GAP]
    backup(world.app, "sales")
    client = sign_in(Role.AUDITOR)
    told = client.get("/orgs/sales/certificate/2/").content.decode()
    assert told.index("Mail is hidden.") < told.index('class="rows"')
    assert "incomplete" in told
    assert "There are no gaps." in client.get("/orgs/sales/certificate/1/").content.decode()


def test_a_night_that_is_not_there_is_told_so(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    assert client.get("/orgs/sales/certificate/99/").status_code == 404
    assert client.get("/orgs/sales/certificate/yesteryear/").status_code == 400


def asked(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_no_page_asks_the_database_often(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    frame = asked(client, "/find/")  # who it is, and what stands around every page
    paths = ("/", "/orgs/", "/orgs/sales/", "/schedules/", "/alerts/", "/vault/")
    many = {path: asked(client, path) - frame for path in paths}
    assert max(many.values()) <= MOST, many


def test_numbers_of_backups_jumped_without_a_word(shop: Shop, sign_in: SignIn) -> None:
    page = sign_in().get("/orgs/sales/").content.decode()
    words = "The numbers of backups therefore have gaps."
    assert words not in page, "so far there are only backups"
    restored = shop.run(shop.plan(f"Account/{CUSTOMER}"))
    shop.night()
    page = sign_in(Role.RESTORER).get("/orgs/sales/").content.decode()
    assert words in page
    assert f'<bdi dir="ltr">4</bdi> <a href="/runs/{restored.run}/">Restore</a>' in page
    assert 'href="/orgs/sales/certificate/4/"' not in page


def test_each_kind_of_commit_has_a_word(world: World) -> None:
    assert world.app
    for kind in CommitKind:
        one = OtherCommit(7, kind, "run-1", START, hourly=False, forgotten=False)
        context = {"one": one, "org": {"name": "sales"}}
        text = render_to_string("orgs/commit_kind.html", context)
        assert kind in (CommitKind.CONDEMN, CommitKind.BACKUP, CommitKind.ARCHIVE) or (
            "Removal of unneeded objects" not in text
        )
    hour = OtherCommit(7, CommitKind.BACKUP, "run-1", START, hourly=True, forgotten=False)
    context = {"one": hour, "org": {"name": "sales"}}
    assert "/orgs/sales/certificate/7/" in render_to_string("orgs/commit_kind.html", context)
