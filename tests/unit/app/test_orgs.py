"""Adding orgs: nothing is kept unless the org answered and is the one that was meant."""

import pytest

from homes import SECRET, World
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org, list_all
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.catalog.models import Secret
from unlost.catalog.orgs.orgs import find_org, get_org
from unlost.model.errors import Conflict, NotAllowed, NotFound, UsageError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.ports.source import SecretField
from unlost.testing.org import MemoryOrg

GAP = Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "Mail is hidden.", "Allow it.")
NOTE = Finding(FindingKind.TABLE_NOT_DATA, Severity.NOTE, "A view.")


def new(name: str = "sales", address: str = "one", secret: str = SECRET) -> NewOrg:
    return NewOrg("memory", name, {"address": address}, {"password": secret} if secret else {})


def test_an_org_is_added_with_what_its_user_will_not_see(world: World) -> None:
    world.org.findings = [NOTE, GAP]
    added = add_org(world.app, new())
    assert (added.name, added.tenant, added.known_before) == ("sales", "T-1", False)
    assert added.findings == (GAP, NOTE)
    assert added.gaps == 1
    assert added.tables == 3
    assert get_org("sales").config == {
        "address": "one",
        "speed": 1,
        "quiet": False,
        "exclude": [],
    }


def test_its_secret_is_kept_for_the_next_run(sales: World) -> None:
    assert sales.app.secrets(get_org("sales").oid).get("password") == SECRET


def test_wrong_credentials_keep_nothing(world: World) -> None:
    with pytest.raises(NotAllowed, match="password is wrong"):
        add_org(world.app, new(secret="wrong"))
    assert find_org("sales") is None
    assert not Secret.objects.exists()


def test_a_missing_secret_says_how_to_give_it(world: World) -> None:
    with pytest.raises(NotAllowed) as caught:
        add_org(world.app, new(secret=""))
    assert caught.value.code == "secret-missing"
    assert "--password-file" in caught.value.next_step
    assert "UNLOST_PASSWORD" in caught.value.next_step


def test_a_person_is_asked_for_what_is_missing_and_for_nothing_else(world: World) -> None:
    asked: list[str] = []

    def ask(secret: SecretField) -> str | None:
        asked.append(secret.name)
        return SECRET if secret.required else None

    add_org(world.app, new(secret=""), ask=ask)
    assert asked == ["password", "token"]
    asked.clear()
    add_org(world.app, new(secret=""), ask=ask)
    assert asked == ["token"]


def test_adding_again_gives_new_settings_to_the_same_org(sales: World) -> None:
    sales.connector.orgs["elsewhere"] = sales.org
    again = add_org(sales.app, new(address="elsewhere"))
    assert again.known_before
    assert get_org("sales").config["address"] == "elsewhere"


def test_kept_secrets_are_not_sent_to_another_address(sales: World) -> None:
    """Who may change settings could have them sent to a place of their own."""
    sales.connector.orgs["elsewhere"] = sales.org
    with pytest.raises(NotAllowed) as refused:
        add_org(sales.app, NewOrg("memory", "sales", {"address": "elsewhere"}))
    assert refused.value.code == "secret-missing"
    with pytest.raises(NotAllowed) as refused:
        set_writer(sales.app, NewWriter("sales", {"address": "elsewhere"}))
    assert refused.value.code == "secret-missing"
    add_org(sales.app, NewOrg("memory", "sales", {"address": "elsewhere"}, {"password": SECRET}))
    add_org(sales.app, NewOrg("memory", "sales", {"address": "elsewhere", "speed": 2}))


def test_another_org_behind_the_same_name_is_refused(sales: World) -> None:
    sales.connector.orgs["two"] = MemoryOrg(sales.clock, tenant="T-2", label="Other")
    with pytest.raises(Conflict, match="T-2") as caught:
        add_org(sales.app, new(address="two"))
    assert caught.value.code == "another-org"
    assert get_org("sales").config["address"] == "one"
    assert list(sales.vault.orgs()) == [get_org("sales").oid]


def test_the_same_org_under_a_second_name_is_refused(sales: World) -> None:
    with pytest.raises(Conflict) as caught:
        add_org(sales.app, new(name="sales-again"))
    assert caught.value.code == "org-already-protected"


@pytest.mark.parametrize("name", ["", "-x", "a\nb", "n" * 81])
def test_a_name_that_nobody_can_type_is_refused(world: World, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        add_org(world.app, new(name=name))
    assert caught.value.code == "org-name"


def test_settings_of_the_wrong_kind_are_refused(world: World) -> None:
    wrong = NewOrg("memory", "sales", {"address": "one", "speed": "fast"}, {"password": SECRET})
    with pytest.raises(UsageError, match="speed") as caught:
        add_org(world.app, wrong)
    assert caught.value.code == "config-invalid"


def test_an_unknown_connector_is_refused(world: World) -> None:
    with pytest.raises(NotFound):
        add_org(world.app, NewOrg("nothing", "sales", {}))


def test_orgs_are_listed_with_their_newest_backup(sales: World) -> None:
    (before,) = list_all(sales.app).orgs
    assert (before.snapshots, before.last_backup, before.head) == (0, None, None)
    result = backup(sales.app, "sales")
    (after,) = list_all(sales.app).orgs
    assert (after.snapshots, after.last_backup, after.head) == (1, result.as_of, result.head)
