"""Archived records on the pages of a customer: related records, files, lists, downloads."""

import io
from collections.abc import Iterator
from zipfile import ZipFile

import pytest
from django.http.response import StreamingHttpResponse

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop
from unit.app.test_related_archived import archive
from unit.web.conftest import SignIn
from unit.web.doors import text
from unit.web.losses import goes_on, live
from unlost.app.actions.orgs.write_access import set_writer
from unlost.model.access import Role

RELATED = f"/orgs/sales/records/Account/{CUSTOMER}/related/"
FILES = f"/orgs/sales/records/Account/{CUSTOMER}/files/"
LIST = f"/orgs/sales/list/?kind=related&table=Contact&of=Account/{CUSTOMER}"


def archived(world: World) -> Shop:
    live(world)
    shop = Shop(world)
    set_writer(shop.app, WRITER)
    archive(shop, "Contact", "Ann")
    archive(shop, "Paper", "recipe.txt")
    shop.night()
    return shop


archiving = scene(archived)


@pytest.fixture
def shop(world: World, archiving: Lead) -> Iterator[Shop]:
    with goes_on(world, archiving) as made:
        yield made


def test_related_records_show_their_state(shop: Shop, sign_in: SignIn) -> None:
    page = text(sign_in(Role.VIEWER).get(RELATED))
    assert "1 archived" in page
    assert '<span class="pill">archived</span>' in page
    assert "Ben" in page
    assert "state=any" in page


def test_a_filter_shows_archived_records_only(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    assert 'href="?state=archived"' in text(client.get(RELATED))
    page = text(client.get(f"{RELATED}?state=archived"))
    assert "Ann" in page
    assert ">Ben<" not in page
    assert "state=archived" in page
    empty = "/orgs/sales/records/Account/A40018/related/?state=archived"
    assert "No archived records." in text(client.get(empty))


def test_an_archived_file_opens(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    for page in (text(client.get(FILES)), text(client.get(f"{FILES}?state=archived"))):
        assert "recipe.txt" in page
        assert ">archived<" in page
    answer = client.get(f"/orgs/sales/files/{shop.paper}/")
    assert isinstance(answer, StreamingHttpResponse)
    assert b"".join(answer) == b"cocoa and sugar"  # type: ignore[arg-type]


def test_a_list_has_archived_records_on_request(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    live_page = text(client.get(LIST))
    assert "Contacts: 1 record" in live_page
    assert "only archived records" in live_page
    page = text(client.get(f"{LIST}&state=any"))
    assert "Contacts: 2 records" in page
    assert '<span class="pill">archived</span>' in page
    assert "with archived records" in page
    page = text(client.get(f"{LIST}&state=archived"))
    assert "Contacts: 1 record" in page
    assert "Archived records, with their last values" in page
    assert "Preview the restore of the selected records<" in page
    assert "Preview the deletion" not in page
    assert client.get(f"{LIST}&state=other").status_code == 400


@pytest.mark.parametrize(
    ("form", "media"),
    [("csv", "text/csv"), ("json", "application/jsonl"), ("zip", "application/zip")],
)
def test_a_list_is_downloaded(shop: Shop, sign_in: SignIn, form: str, media: str) -> None:
    client = sign_in(Role.VIEWER)
    assert "Download with files" in text(client.get(f"{LIST}&state=archived"))
    address = LIST.replace("/list/", "/list/csv/")
    answer = client.get(f"{address}&state=archived&form={form}")
    assert answer["Content-Type"] == media
    assert isinstance(answer, StreamingHttpResponse)
    content = b"".join(answer)  # type: ignore[arg-type]
    if form == "zip":
        with ZipFile(io.BytesIO(content)) as parts:
            content = parts.read("records.csv")
    assert b"Ann" in content
    assert b"Ben" not in content


def test_a_download_needs_the_right_to_read(shop: Shop, sign_in: SignIn) -> None:
    client, address = sign_in(Role.AUDITOR), LIST.replace("/list/", "/list/csv/")
    for form in ("csv", "json", "zip"):
        assert client.get(f"{address}&form={form}").status_code == 403
