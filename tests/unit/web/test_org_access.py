"""Settings, credentials, refreshed sandboxes and write users of a known org."""

from dataclasses import dataclass, field

import pytest

from homes import SECRET, WRITE_SECRET, MemoryConfig, World, fill
from unit.web.conftest import SignIn
from unlost.catalog.orgs.orgs import find_org, get_org
from unlost.catalog.orgs.writers import find_writer
from unlost.model.access import Role
from unlost.testing.org import MemoryOrg

SETTINGS = {"address": "one", "speed": "1", "exclude": ""}


def test_settings_are_shown_without_secrets_and_changed(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    told = client.get("/orgs/sales/settings/").content.decode()
    assert 'value="one"' in told
    assert "A value is stored" in told
    assert SECRET not in told
    answer = client.post("/orgs/sales/settings/", {**SETTINGS, "speed": "7"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/orgs/sales/"
    assert "answers with the new settings" in answer.content.decode()
    org = get_org("sales")
    assert org.config["speed"] == 7
    assert world.app.secrets(org.oid).get("password") == SECRET


def test_credentials_that_do_not_open_are_not_kept(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    wrong = {**SETTINGS, "speed": "9", "secret-password": "wrong horse"}
    answer = client.post("/orgs/sales/settings/", wrong)
    assert answer.status_code == 400
    told = answer.content.decode()
    assert "The password is wrong." in told
    assert 'value="9"' in told
    assert "wrong horse" not in told
    org = get_org("sales")
    assert org.config["speed"] == 1
    assert world.app.secrets(org.oid).get("password") == SECRET


def test_another_org_at_the_address_changes_nothing(world: World, sign_in: SignIn) -> None:
    world.connector.orgs["two"] = MemoryOrg(world.clock, tenant="T-2", label="Other")
    moved = {**SETTINGS, "address": "two", "secret-password": SECRET}
    answer = sign_in().post("/orgs/sales/settings/", moved)
    assert answer.status_code == 400
    assert "answered. Nothing was read" in answer.content.decode()
    assert get_org("sales").config["address"] == "one"


def test_a_name_follows_its_refreshed_sandbox(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    before = get_org("sales").oid
    world.connector.orgs["one"] = MemoryOrg(world.clock, tenant="T-9", label="Fresh")
    fill(world.connector.orgs["one"])
    world.connector.sources.clear()
    answer = client.post("/orgs/sales/follow/", follow=True)
    told = answer.content.decode()
    assert "sales now stands for the new sandbox" in told
    assert get_org("sales").oid != before
    kept = next(one for one in world.app.orgs() if one.oid == before)
    page = client.get(f"/orgs/{kept.name}/").content.decode()
    assert "is no longer backed up" in page
    assert f"/orgs/{kept.name}/settings/" not in page


def test_a_name_that_needs_not_follow_says_so(sign_in: SignIn) -> None:
    answer = sign_in().post("/orgs/sales/follow/")
    assert answer.status_code == 409
    assert "already points to the org that answers" in answer.content.decode()


def test_a_write_identity_is_added_and_tells_what_it_lacks(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    told = client.get("/orgs/sales/writer/").content.decode()
    assert "Write everything" in told
    assert "?check=1" not in told
    typed = {"address": "one", "speed": "1", "secret-password": WRITE_SECRET}
    answer = client.post("/orgs/sales/writer/", typed, follow=True)
    assert answer.redirect_chain[-1][0] == "/orgs/sales/writer/?check=1"
    told = answer.content.decode()
    assert "Restores can write to sales." in told
    assert "It can write everything that restores need" in told
    assert WRITE_SECRET not in told
    assert find_writer(get_org("sales").oid) == {}
    assert "Add a write user" not in client.get("/orgs/sales/").content.decode()


@dataclass(frozen=True, slots=True)
class PersonalConfig(MemoryConfig):
    """Settings with the name of a user."""

    user: str = field(default="", metadata={"personal": True})


def test_the_form_of_the_write_user_was_filled_with_the_backup_user(
    world: World, sign_in: SignIn
) -> None:
    world.connector.config = PersonalConfig
    client = sign_in()
    client.post("/orgs/sales/settings/", {**SETTINGS, "user": "backup@acme"})
    assert get_org("sales").config["user"] == "backup@acme"
    page = client.get("/orgs/sales/writer/").content.decode()
    assert "backup@acme" not in page
    assert 'value="one"' in page, "the address may stay"
    typed = {"address": "one", "speed": "1", "user": "writer@acme"}
    client.post("/orgs/sales/writer/", {**typed, "secret-password": WRITE_SECRET})
    assert 'value="writer@acme"' in client.get("/orgs/sales/writer/").content.decode()
    assert find_writer(get_org("sales").oid) == {"user": "writer@acme"}


def test_the_backup_user_was_stored_as_the_write_user_without_a_word(
    world: World, sign_in: SignIn
) -> None:
    client = sign_in()
    typed = {"address": "one", "speed": "1", "secret-password": WRITE_SECRET}
    warning = "This is the backup user, which can therefore write too."
    page = client.post("/orgs/sales/writer/", typed, follow=True).content.decode()
    assert warning not in page
    world.connector.backup_user = world.connector.writer("one").user
    assert warning in client.get("/orgs/sales/writer/?check=1").content.decode()
    world.app.secrets(get_org("sales").oid).put("password", "outdated")
    page = client.get("/orgs/sales/writer/?check=1").content.decode()
    assert warning not in page, "a backup user who cannot sign in is not compared"


def test_a_write_identity_that_does_not_open_is_not_kept(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    typed = {"address": "one", "speed": "1", "secret-password": SECRET}
    assert client.post("/orgs/sales/writer/", typed).status_code == 400
    assert find_writer(get_org("sales").oid) is None


def test_a_write_identity_needs_its_secret(sign_in: SignIn) -> None:
    answer = sign_in().post("/orgs/sales/writer/", {"address": "one", "speed": "1"})
    assert answer.status_code == 400
    assert "Required to sign in." in answer.content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESTORER])
def test_only_who_manages_the_home_reaches_settings(sign_in: SignIn, role: Role) -> None:
    client = sign_in(role)
    for place in ("settings", "writer"):
        assert client.get(f"/orgs/sales/{place}/").status_code == 403
        assert client.post(f"/orgs/sales/{place}/", SETTINGS).status_code == 403
    assert client.post("/orgs/sales/follow/").status_code == 403
    assert find_org("sales") is not None


def test_settings_of_an_org_that_is_not_there(sign_in: SignIn) -> None:
    assert sign_in().get("/orgs/nobody/settings/").status_code == 404
