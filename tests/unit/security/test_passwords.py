"""Passwords that others guess first are refused, also behind a link."""

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from homes import World
from unit.web.doors import browser, person, signed_in, text
from unlost.app.actions.people.people import first_link, link
from unlost.catalog.people.people import edit_person, list_people


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    cache.clear()


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("eleven char", "at least 12 characters"),
        ("wilhelmina.peeters", "too similar to the username"),
        ("Wilhelmina-Peeters1", "too similar to the"),
        ("minapeeters1", "too similar to the"),
        ("123456789abc", "too common"),
        ("qwertyqwerty", "too common"),
    ],
)
def test_a_password_that_follows_from_its_person_is_refused(
    world: World, password: str, why: str
) -> None:
    person(world, "wilhelmina.peeters")
    edit_person("wilhelmina.peeters", full_name="Wilhelmina Peeters", email="minapeeters@a.example")
    path, client = link(world.app, "wilhelmina.peeters").path, browser()
    answer = client.post(path, {"password": password, "again": password})
    assert answer.status_code == 200
    assert why in text(answer)
    assert not signed_in(client)
    known = get_user_model().objects.get(username="wilhelmina.peeters")
    assert not known.check_password(password)
    good = {"password": "four yellow cats", "again": "four yellow cats"}
    assert client.post(path, good).status_code == 302, "the link is still good"


@pytest.mark.parametrize("password", ["lena.vandenberg", "Lena Vandenberg"])
def test_the_first_admin_chooses_no_name_as_a_password(world: World, password: str) -> None:
    made = first_link(world.app)
    assert made is not None
    sent = {"name": "lena.vandenberg", "full_name": "Lena Vandenberg"}
    sent |= {"password": password, "again": password}
    answer = browser().post(made.path, sent)
    assert answer.status_code == 200
    assert "too similar" in text(answer)
    assert not list_people()
