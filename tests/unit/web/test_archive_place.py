"""The archive in the console: reached from the navigation, counted, listed, searched, put back."""

import io
from collections.abc import Iterator
from zipfile import ZipFile

import pytest
from django.http.response import StreamingHttpResponse

from homes import World
from scenes import Lead, scene
from unit.app.shop import Shop
from unit.web.conftest import SignIn
from unit.web.doors import text
from unit.web.losses import goes_on, live
from unit.web.test_related_archived import archived
from unlost.model.access import Role
from unlost.model.storage import StorageRule, StorageWeight

PLACE = "/orgs/sales/archive/"
LIST = "/orgs/sales/list/?kind=archived&amp;table=Contact"

archiving = scene(archived)


@pytest.fixture
def shop(world: World, archiving: Lead) -> Iterator[Shop]:
    with goes_on(world, archiving) as made:
        yield made


def test_the_navigation_leads_to_the_archive(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    assert 'href="/archive/"' in text(client.get("/"))
    assert client.get("/archive/")["Location"] == PLACE


def test_archived_records_are_counted_and_lead_to_lists(shop: Shop, sign_in: SignIn) -> None:
    page = text(sign_in(Role.VIEWER).get(PLACE))
    assert "2 archived records" in page
    assert f'href="{LIST}"' in page
    assert f'href="{LIST}&amp;run=archive-' in page
    assert 'href="/runs/archive-' in page
    assert "They needed" not in page
    assert "Undo: put the records back" not in page, "a viewer restores nothing"


def test_sizes_are_measured_on_request(
    shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = {"Contact": StorageRule((StorageWeight("data storage", 2_048),))}
    monkeypatch.setattr(type(shop.world.connector), "storage_rules", lambda _self, _schema: rules)
    assert "They needed 2.0" in text(sign_in(Role.VIEWER).get(f"{PLACE}?show=size"))


def test_a_run_is_put_back_from_the_archive(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.ADMIN)
    page = text(client.get(PLACE))
    assert page.count("Undo: put the records back") == 2
    run = page.split('name="run" value="')[1].split('"')[0]
    planned = client.post("/orgs/sales/restores/", {"what": "undo", "run": run})
    assert "/restores/" in planned["Location"]


def test_a_list_of_archived_records_leads_back_and_is_downloaded(
    shop: Shop, sign_in: SignIn
) -> None:
    client = sign_in(Role.VIEWER)
    address = "/orgs/sales/list/?kind=archived&table=Paper"
    page = text(client.get(address))
    assert "recipe.txt" in page
    assert f'href="{PLACE}"' in page
    assert "Archived records, with their last values" in page
    download = client.get(address.replace("/list/", "/list/csv/") + "&form=zip")
    assert isinstance(download, StreamingHttpResponse)
    with ZipFile(io.BytesIO(b"".join(download))) as archive:  # type: ignore[arg-type]
        files = [name for name in archive.namelist() if name.startswith("files/Paper/")]
        assert [archive.read(name) for name in files] == [b"cocoa and sugar"]


def test_archived_records_are_searched_apart(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    page = text(client.get("/find/?q=ann&all=1&state=archived"))
    assert "Archived on " in page
    assert "No records found" in text(client.get("/find/?q=ann&all=1&state=deleted"))


def test_several_orgs_are_listed(
    shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(Role.VIEWER)
    app = type(shop.app)
    every = app.orgs
    monkeypatch.setattr(app, "orgs", lambda self, *right: 2 * [*every(self, *right)])
    page = text(client.get("/archive/"))
    assert page.count(f'href="{PLACE}"') == 2


empty = scene(live)


def test_an_empty_archive_leads_to_what_can_be_freed(
    world: World, empty: Lead, sign_in: SignIn
) -> None:
    with goes_on(world, empty):
        page = text(sign_in(Role.VIEWER).get(PLACE))
    assert "No archived records" in page
    assert "/orgs/sales/storage/?show=space" in page
