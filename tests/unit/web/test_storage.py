"""Storage: gauges, charts without styles, dates in words, and what fills it for who may read."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.web.conftest import SignIn
from unit.web.losses import goes_on, live
from unlost.app.actions.backups.backup import backup
from unlost.model.access import Role
from unlost.model.source.quota import Quota
from unlost.model.source.schema import WireKind

GIB = 2.0**30


def with_growth(world: World) -> None:
    """An org whose storage grew by a hundredth a day for twenty days."""
    live(world)
    for day in range(20):
        source = world.connector.source("one")
        source.quota = (Quota("data storage", (0.5 + 0.01 * day) * GIB, GIB, "bytes"),)
        backup(world.app, "sales")
        world.clock.advance(days=1)


growing = scene(with_growth)


@pytest.fixture
def filled(world: World, growing: Lead) -> Iterator[World]:
    """An org whose storage grew by a hundredth a day for twenty days."""
    with goes_on(world, growing):
        yield world


def told(client: Client, query: str = "") -> str:
    answer = client.get(f"/orgs/sales/storage/{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_dates_of_both_lines_are_told_in_words(filled: World, sign_in: SignIn) -> None:
    page = re.sub(r"<[^>]+>|\s+", " ", told(sign_in()))
    page = re.sub(r"\s+", " ", page)
    assert "69%" in page
    assert "Full, at 100 %" in page
    assert "At 105%, where no new records can be created" in page
    assert page.index("Full, at 100 %") < page.index("At 105%")


def test_charts_bring_no_style_and_are_there_twice(filled: World, sign_in: SignIn) -> None:
    page = told(sign_in())
    charts = re.findall(r"<svg xmlns.*?</svg>", page, re.DOTALL)
    assert len(charts) == 2
    for chart in charts:
        assert "<style" not in chart
        assert "style=" not in chart
        picture = ET.fromstring(chart)
        assert str(picture.get("aria-label")).startswith("data storage, sales: 69.0%, full on ")
    assert page.count('<tr><th scope="row"><time') == 20


def test_what_fills_it_is_read_on_demand(filled: World, sign_in: SignIn) -> None:
    client = sign_in()
    assert "By year of creation" not in told(client)
    page = told(client, "?show=use")
    assert "By year of creation" in page
    assert "By owner" in page
    assert "Ada Admin" in page
    part = client.get("/orgs/sales/storage/?show=use", headers={"HX-Request": "true"})
    assert "By year of creation" in part.content.decode()
    assert "<html" not in part.content.decode()


def test_old_versions_of_files_are_listed(filled: World, sign_in: SignIn) -> None:
    columns = {"File": WireKind.TEXT, "Latest": WireKind.TEXT, "Size": WireKind.INTEGER}
    filled.org.add_table("Version", columns | {"Title": WireKind.TEXT})
    filled.org.create("Version", {"File": "F1", "Latest": "false", "Size": "2048", "Title": "Menu"})
    backup(filled.app, "sales")
    page = told(sign_in(), "?show=use")
    assert "1 old version uses 2.0 kB." in re.sub(r"<[^>]+>", "", page)
    assert "The org cannot delete them alone." in page
    assert "<bdi>Menu</bdi>" in page


def test_loops_are_looked_for_on_demand(filled: World, sign_in: SignIn) -> None:
    assert "No mail loop was found." in told(sign_in(), "?show=loops")


def test_owners_and_loops_are_for_who_may_read_records(filled: World, sign_in: SignIn) -> None:
    client = sign_in(Role.AUDITOR)
    page = told(client, "?show=use")
    assert "By year of creation" in page
    assert "Ada Admin" not in page
    assert "?show=space" not in page
    assert client.get("/orgs/sales/storage/?show=loops").status_code == 403


def test_an_org_that_told_of_no_storage_says_what_is_needed(world: World, sign_in: SignIn) -> None:
    assert "No backup has reported" in told(sign_in())


def test_few_days_make_no_forecast(world: World, sign_in: SignIn) -> None:
    source = world.connector.source("one")
    source.quota = (Quota("data storage", GIB, 2 * GIB, "bytes"),)
    backup(world.app, "sales")
    page = told(sign_in())
    assert "The forecast needs backups on 3 more days." in page
    assert re.search(
        r"With a backup every night, the forecast appears on <time dir=\"ltr\">\d{4}-\d\d-\d\d</time>",
        page,
    )
    assert "The chart appears after a backup on a second day." in page
    assert "<figure" not in page
    assert "50%" in page


def test_a_storage_that_is_over_says_so(world: World, sign_in: SignIn) -> None:
    for day in range(8):
        source = world.connector.source("one")
        source.quota = (Quota("data storage", (1.0 + 0.02 * day) * GIB, GIB, "bytes"),)
        backup(world.app, "sales")
        world.clock.advance(days=1)
    page = told(sign_in())
    assert "It is full." in page
    assert "no new records can be created." in page


def test_the_storages_of_all_orgs_lead_to_each(world: World, sign_in: SignIn) -> None:
    answer = sign_in().get("/storage/")
    assert answer["Location"] == "/orgs/sales/storage/", "there is one org"
