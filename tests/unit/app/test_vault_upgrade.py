"""A home whose vault is of format 0: it is told, named, and upgraded by one command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import SECRET
from older import written_before
from unit.app.test_keys import checks, failing, machine  # noqa: F401
from unit.app.test_rebuild import Machine
from unit.app.test_renewal import renewed
from unlost.app.actions.backup import backup
from unlost.app.actions.doctor import doctor
from unlost.app.actions.orgs import NewOrg, add_org
from unlost.app.actions.upgrade import VaultUpgraded, upgrade
from unlost.app.actions.vault_state import vault_state
from unlost.app.actions.verify import verify
from unlost.app.compose import Application
from unlost.app.health import Check, Health
from unlost.catalog.audit import newest
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotAllowed
from unlost.model.snapshot import VerifyLevel
from unlost.vault.format.upgraded import mark_copies
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.unlock import ServiceKey

# ruff: noqa: F811 (fixtures)

COPIES = mark_copies(1)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """A home of an earlier release, with one night."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with written_before():
        older = Machine(tmp_path)
        with older.opened() as app:
            add_org(app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
            backup(app, "sales")
    with older.opened() as app:
        yield app


def told(app: Application, name: str) -> list[Check]:
    return [one for one in doctor(app, ask=False).checks if one.name == name]


def spoil(app: Application, name: str, data: bytes) -> None:
    assert app.home.vault is not None
    file = app.home.vault / name
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    file.write_bytes(data)


def test_it_is_told_with_the_command_and_goes_on(app: Application) -> None:
    state = vault_state(app)
    assert (state.format, state.upgradable) == (0, True)
    (check,) = told(app, "format")
    assert check.health is Health.GOOD, "nothing is wrong with it"
    assert "format 0" in check.sentence
    assert check.next_step.endswith("unlost vault upgrade")
    backup(app, "sales")
    assert verify(app, level=VerifyLevel.FULL).whole
    assert vault_state(app).format == 0


def test_the_command_proves_and_says_so_once(app: Application) -> None:
    done = upgrade(app)
    assert (done.before, done.format, done.level) == (0, 1, VerifyLevel.FULL)
    assert done.objects > 10
    state = vault_state(app)
    assert (state.format, state.upgradable) == (1, False)
    assert [(one.level, one.objects) for one in state.checks] == [("full", done.objects)]
    (check,) = told(app, "format")
    assert (check.health, check.next_step) == (Health.GOOD, "")
    assert "format 1" in check.sentence
    assert told(app, "format marker") == []
    again = upgrade(app, level=VerifyLevel.QUICK)
    assert again == VaultUpgraded(1, 1, VerifyLevel.QUICK)
    deeds = [one.deed for one in newest(most=9) if one.deed.act == "vault.upgrade"]
    assert [one.detail["before"] for one in deeds] == [1, 0]
    assert verify(app, level=VerifyLevel.DEEP).whole


def test_a_home_that_is_made_now_needs_nothing(machine: Machine) -> None:
    with machine.opened() as app:
        assert upgrade(app) == VaultUpgraded(1, 1, VerifyLevel.FULL)
        assert app.home.vault is not None
        assert not (app.home.vault / "format").exists()


def test_a_damaged_vault_is_refused(app: Application) -> None:
    assert app.home.vault is not None
    (file,) = app.home.vault.glob("orgs/*/commits/*")
    spoil(app, str(file.relative_to(app.home.vault)), b"junk")
    failing(lambda: upgrade(app), "upgrade-damaged")
    app.open_anew()
    assert app.whole_vault.format() == 0
    assert not (app.home.vault / "format").exists()


def test_a_marker_that_somebody_put_there_is_named_and_removed(app: Application) -> None:
    spoil(app, COPIES[0], b"format 1")
    assert vault_state(app).format == 0
    (check,) = told(app, "format marker")
    assert check.health is Health.WARNING
    assert COPIES[0] in check.sentence
    failing(lambda: upgrade(app), "upgrade-damaged")
    checks = doctor(app, ask=False, repair=True).checks
    assert [one.repaired for one in checks if one.name == "format marker"] == [True]
    assert upgrade(app).format == 1


def test_copies_that_were_lost_are_written_anew(app: Application) -> None:
    upgrade(app)
    assert app.home.vault is not None
    (app.home.vault / COPIES[1]).unlink()
    (check,) = told(app, "format marker")
    assert "are lost" in check.sentence
    doctor(app, ask=False, repair=True)
    assert told(app, "format marker") == []
    assert (app.home.vault / COPIES[1]).exists()


def test_it_is_for_who_manages_the_home(app: Application) -> None:
    operator = app.acting(Actor(ActorKind.PERSON, "ada", (Grant(Role.OPERATOR),)))
    with pytest.raises(NotAllowed):
        upgrade(operator)


def test_it_survives_a_new_master_key(app: Application) -> None:
    upgrade(app)
    renewed(app)
    app.open_anew()
    assert vault_state(app).format == 1
    backup(app, "sales")
    assert verify(app, level=VerifyLevel.FULL).whole


def test_a_wrong_key_upgrades_nothing(app: Application) -> None:
    own = ServiceKey.parse(app.home.service_key.read_text())
    app.home.service_key.write_text(ServiceKey(own.vault, own.slot, bytes(32)).text())
    app.open_anew()
    with pytest.raises(NotAllowed) as caught:
        upgrade(app)
    assert caught.value.next_step
    assert app.home.vault is not None
    assert not (app.home.vault / "format").exists()


def test_a_lost_vault_file_tells_no_format(app: Application) -> None:
    assert app.whole_vault.orgs()
    assert app.home.vault is not None
    (app.home.vault / VAULT_FILE).unlink()
    state = vault_state(app)
    assert (state.format, state.upgradable) == (None, False)
