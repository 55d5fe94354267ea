"""A search in orgs of two systems: a heading for each, and links that choose one."""

import re

import pytest

from homes import World
from two_systems import CUSTOMER, with_two_systems
from unit.web.conftest import SignIn
from unit.web.test_find import shown


@pytest.fixture
def systems(world: World) -> World:
    with_two_systems(world)
    return world


def test_each_system_has_a_heading_and_a_link_with_its_count(
    systems: World, sign_in: SignIn
) -> None:
    client = sign_in()
    page = client.get("/find/", {"q": "schoko"}).content.decode()
    headings = re.findall(r'<th scope="rowgroup" colspan="5"><bdi>(\w+)</bdi>', page)
    assert sorted(headings) == ["Memory", "ServiceDesk"]
    assert '<bdi>ServiceDesk</bdi> <span class="count">3</span>' in page
    (link,) = re.findall(r'href="(\?[^"]*system=desk[^"]*)"', page)
    chosen = client.get("/find/" + link.replace("&amp;", "&")).content.decode()
    assert "3 records" in shown(chosen)
    assert "rowgroup" not in chosen
    assert '<input type="hidden" name="system" value="desk">' in chosen
    assert "All systems" in shown(chosen)


def test_a_customer_of_both_systems_is_listed_and_not_opened(
    systems: World, sign_in: SignIn
) -> None:
    page = sign_in().get("/find/", {"q": CUSTOMER})
    assert page.status_code == 200
    assert "2 records" in shown(page.content.decode())


def test_one_system_needs_no_heading(systems: World, sign_in: SignIn) -> None:
    page = sign_in().get("/find/", {"q": "schoko", "org": "helpdesk"}).content.decode()
    assert "3 records" in shown(page)
    assert "rowgroup" not in page
    assert "All systems" not in shown(page)
