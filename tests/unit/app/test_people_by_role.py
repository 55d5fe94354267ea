"""People beside their pages: addresses, profiles, what happens at the door."""

from dataclasses import replace

import pytest
from allauth.socialaccount.models import SocialAccount

from homes import World
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.hidden_columns import hideable
from unlost.app.actions.people.lockouts import lockouts, unlock
from unlost.app.actions.people.people import add, edit, forget_factors, let_back, remove
from unlost.app.actions.people.profile import keep
from unlost.app.people.sign_ins import SignInAct, SignInAttempt, SignInRefusal, record_sign_in
from unlost.catalog.models import LinkRow, User
from unlost.catalog.people.audit import newest, prove
from unlost.catalog.people.people import Profile, Theme, actor_of, people_with_email
from unlost.catalog.people.tokens import make_link
from unlost.model.access import Role
from unlost.model.errors import Conflict, NotAllowed, NotFound, UsageError


@pytest.fixture
def lena(world: World) -> int:
    return add(world.app, "lena", role=Role.VIEWER, email="Lena@acme.example").user


def test_an_address_is_of_one_person(world: World, lena: int) -> None:
    for name in ("twin", "TWIN"):
        with pytest.raises(Conflict, match=r"lena@ACME\.example") as caught:
            add(world.app, name, role=Role.VIEWER, email="lena@ACME.example")
        assert caught.value.code == "email-taken"
    omar = add(world.app, "omar", role=Role.VIEWER)
    with pytest.raises(Conflict):
        edit(world.app, omar.name, full_name="", email="LENA@acme.example")
    assert [one.name for one in people_with_email(["lena@acme.EXAMPLE", ""])] == ["lena"]


def test_an_address_in_another_case_cuts_nothing(world: World, lena: int) -> None:
    SocialAccount.objects.create(user_id=lena, provider="acme", uid="1")
    edit(world.app, "lena", full_name="Lena", email="lena@acme.example")
    assert SocialAccount.objects.exists()
    edit(world.app, "lena", full_name="Lena", email="")
    assert not SocialAccount.objects.exists()


def test_links_end_with_who_is_removed(world: World, lena: int) -> None:
    make_link(
        lena,
        at=world.clock.now(),
        lasts=world.clock.now() - world.clock.now(),
        entropy=world.entropy,
    )
    remove(world.app, "lena")
    assert not LinkRow.objects.exists()
    assert actor_of(lena) is None
    let_back(world.app, "lena")
    assert actor_of(lena) is not None


def test_factors_of_who_has_none(world: World, lena: int) -> None:
    assert forget_factors(world.app, "lena").name == "lena"
    with pytest.raises(NotFound):
        forget_factors(world.app, "nobody")


def test_only_people_have_a_profile(world: World, lena: int) -> None:
    profile = Profile("ar", Theme.DARK, compact=True)
    actor = actor_of(lena)
    assert actor is not None
    assert keep(world.app.acting(actor), profile) == profile
    row = User.objects.get()
    assert (row.language, row.theme, row.compact) == ("ar", "dark", True)
    with pytest.raises(UsageError) as caught:
        keep(world.app, profile)
    assert caught.value.code == "profile-nobody"


def test_nobody_is_locked_and_nobody_to_unlock(world: World, lena: int) -> None:
    assert lockouts(world.app).lockouts == ()
    with pytest.raises(NotFound) as caught:
        unlock(world.app, "lena")
    assert caught.value.code == "lockout-unknown"
    actor = actor_of(lena)
    assert actor is not None
    for act in (lockouts, lambda app: unlock(app, "lena")):
        with pytest.raises(NotAllowed):
            act(world.app.acting(actor))


def test_what_happens_at_the_door_is_part_of_the_chain(world: World) -> None:
    seen = SignInAttempt(SignInAct.SIGN_IN, "le\x00na", "192.0.2.7", refusal=SignInRefusal.WRONG)
    record_sign_in(world.app, seen)
    record_sign_in(world.app, replace(seen, act=SignInAct.FACTOR_ADD, address="", subject="totp"))
    added, wrong = (entry.deed for entry in newest(most=2))
    assert (wrong.actor, wrong.outcome, wrong.detail) == (
        "lena",
        "sign-in-wrong",
        {"address": "192.0.2.7"},
    )
    assert (added.act, added.subject, added.detail) == ("factor.add", "totp", {})
    assert prove().broken is None


def test_what_can_be_hidden_of_an_org(sales: World) -> None:
    assert hideable(sales.app, "sales").tables == ()
    backup(sales.app, "sales")
    assert hideable(sales.app, "sales").tables == ("Account", "AccountHistory", "User")
    found = hideable(sales.app, "sales", table="account")
    assert found.table == "Account"
    assert "Phone" in found.columns
    assert "Id" not in found.columns
    with pytest.raises(NotFound):
        hideable(sales.app, "sales", table="Nope")
