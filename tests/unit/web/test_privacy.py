"""Privacy requests in the console: found, given out, planned, agreed to, erased, and proved."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.web.conftest import SignIn
from unit.web.losses import goes_on, live
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.people.audit import list_events
from unlost.app.actions.retention.erase import ErasureRequest
from unlost.app.actions.retention.holds import HoldRequest, hold
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Role
from unlost.model.errors import Conflict
from unlost.web.parts import background, erasures

PAGE = "/orgs/sales/privacy/"
GONE = "Account/A40017"


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An erasure is done before the answer, and not in a thread beside."""
    monkeypatch.setattr(background, "begin", lambda work: work())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is to be done beside, once it is called."""
    left: list[Any] = []
    monkeypatch.setattr(background, "begin", left.append)
    return left


def with_phones(world: World) -> None:
    """The phone changes on one day."""
    live(world)
    world.clock.advance(days=1)
    world.org.update("Account", "A40017", {"Phone": "+41 2"})
    backup(world.app, "sales")


two_phones = scene(with_phones)


@pytest.fixture
def admin(world: World, sign_in: SignIn, two_phones: Lead) -> Iterator[Client]:
    with goes_on(world, two_phones):
        yield sign_in()


def text_of(answer: Any, status: int = 200) -> str:
    content = str(answer.content.decode())
    assert answer.status_code == status, content
    return content


def hidden(told: str) -> dict[str, Any]:
    """What the form that erases would send."""
    form = told[told.index('name="plan"') - 50 :]
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: [value for key, value in found if key == name] for name, _ in found}


def planned(client: Client, **more: Any) -> str:
    return text_of(client.post(PAGE, {"records": GONE, **more}))


def test_a_person_is_found_ticked_and_named(admin: Client) -> None:
    told = text_of(admin.get(PAGE))
    assert "Nothing was erased or corrected in this org." in told
    told = text_of(admin.post(PAGE, {"search": "1", "text": "Schoko", "records": "Account/A40019"}))
    assert f'value="{GONE}"' in told
    told = text_of(admin.post(PAGE, {"record": [GONE], "records": "Account/A40019"}))
    assert f"Account/A40019\n{GONE}" in told
    told = text_of(admin.post(PAGE, {"search": "1", "text": "nobody at all"}))
    assert "No records found" in told
    assert GONE in text_of(admin.get(PAGE, {"record": GONE}))


def test_what_is_not_told_is_asked_for(admin: Client) -> None:
    assert "Enter a search text." in text_of(admin.post(PAGE, {"search": "1"}), 400)
    assert "Select at least one record." in text_of(admin.post(PAGE, {}), 400)
    assert "Select at least one record." in text_of(admin.post(f"{PAGE}data/", {}), 400)
    told = text_of(admin.post(PAGE, {"records": "nonsense"}), 400)
    assert "is not a record" in told


def test_the_plan_is_seen_agreed_to_and_done(admin: Client, world: World, at_once: None) -> None:
    told = planned(admin, related="on")
    assert re.search(r'<th scope="row">.*Account.*</th><td class="num"[^>]*>1<', told)
    assert "Erase 2 records of sales from all backups" in told
    assert "Erased data cannot be recovered" in told
    told = planned(admin, match=["Account.Number"])
    assert "Values excluded under any id</dt><dd>1<" in told
    sent = hidden(told)
    assert sent["records"] == [GONE]
    assert sent["match"] == ["Account.Number"]
    wrong = text_of(admin.post(f"{PAGE}erase/", sent | {"typed": "Sales"}), 400)
    assert "This is not the name of the org." in wrong
    assert "Erase 2 records" in wrong
    told = text_of(admin.post(f"{PAGE}erase/", sent | {"typed": "sales"}, follow=True))
    assert "2 records were erased. Later backups exclude them." in told
    assert re.search(r"<th scope=\"row\">.*</th><td[^>]*>.*erase-", told)
    assert "removed" in told
    assert list(world.app.whole_vault.history(get_org("sales").oid, *GONE.split("/"))) == []
    (deed, *_) = [one.deed for one in list_events(world.app).entries if one.deed.act == "erase.run"]
    assert (deed.kind.value, deed.outcome) == ("person", "done")
    again = hidden(planned(admin)) | {"typed": "sales"}
    told = text_of(admin.post(f"{PAGE}erase/", again, follow=True))
    assert "There was nothing left to erase." in told


def test_something_else_than_the_plan_is_not_erased(admin: Client, at_once: None) -> None:
    sent = hidden(planned(admin)) | {"plan": "other", "typed": "sales"}
    told = text_of(admin.post(f"{PAGE}erase/", sent, follow=True))
    assert "would be erased now" in told


def test_while_it_is_done_the_page_says_so(admin: Client, world: World, later: list[Any]) -> None:
    assert text_of(admin.get(PAGE, headers={"HX-Request": "true"}), 286).strip() == ""
    sent = hidden(planned(admin)) | {"typed": "sales"}
    told = text_of(admin.post(f"{PAGE}erase/", sent, follow=True))
    assert "Records are being erased" in told
    told = text_of(admin.get(PAGE, headers={"HX-Request": "true"}))
    assert "hx-get" in told
    assert "<h1>" not in told
    told = text_of(admin.post(f"{PAGE}erase/", sent), 400)
    assert "are being erased or corrected" in told
    (work,) = later
    work()
    told = text_of(admin.get(PAGE, headers={"HX-Request": "true"}), 286)
    assert "2 records were erased" in told


def test_a_fault_of_ours_is_told_too(
    admin: Client, world: World, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(erasures, "erase", broken)
        sent = hidden(planned(admin)) | {"typed": "sales"}
        told = text_of(admin.post(f"{PAGE}erase/", sent, follow=True))
    assert "It stopped because of an internal error." in told
    erasures.begin(world.app, "sales", ErasureRequest((GONE,)), plan="x")
    state = erasures.progress(world.app, "sales")
    assert state is not None
    assert isinstance(state.error, Conflict)


def test_a_hold_stands_in_the_way(admin: Client, world: World) -> None:
    hold(world.app, "sales", HoldRequest(record=GONE))
    told = text_of(admin.post(PAGE, {"records": GONE}), 400)
    assert "is under a legal hold. Nothing was changed." in told


def test_the_data_of_the_person_is_downloaded(admin: Client) -> None:
    answer = admin.post(f"{PAGE}data/", {"record": [GONE], "related": "on"})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert re.search(r'filename="?sales-person-\d{4}-\d\d-\d\d\.zip', answer["Content-Disposition"])
    archive = ZipFile(BytesIO(b"".join(answer)))  # type: ignore[arg-type]
    assert "+41 2" in archive.read("index.html").decode()
    told = text_of(admin.post(f"{PAGE}data/", {"records": "Account/NOBODY"}), 400)
    assert "The vault has no data of the selected records" in told


def test_it_is_for_admins(admin: Client, sign_in: SignIn) -> None:
    for role in (Role.VIEWER, Role.OPERATOR, Role.RESTORER, Role.AUDITOR):
        client = sign_in(role, org="sales")
        assert client.get(PAGE).status_code == 403
        assert client.post(f"{PAGE}data/", {"records": GONE}).status_code == 403
        assert client.post(f"{PAGE}erase/", {"records": GONE}).status_code == 403
        assert PAGE not in client.get("/orgs/sales/").content.decode()
    assert PAGE in text_of(admin.get("/orgs/sales/"))


def test_the_page_of_a_record_leads_there(admin: Client, sign_in: SignIn) -> None:
    record = "/orgs/sales/records/Account/A40017/"
    told = text_of(admin.get(record))
    (path,) = re.findall(rf'href="({PAGE}[^"]*)"', told)
    assert GONE in text_of(admin.get(path))
    assert PAGE not in text_of(sign_in(Role.VIEWER, org="sales").get(record))
