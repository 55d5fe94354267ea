"""The vault at a glance, for all who may look; where it lies for those who manage the home."""

from pathlib import Path

import pytest

from homes import World
from unit.app.machines import Machine
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.vault import vault_state as state
from unlost.app.actions.vault.vault_state import vault_state, verify_later
from unlost.app.actions.vault.verify import verify
from unlost.jobs.slots import take_slot
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import Conflict, NotAllowed
from unlost.model.runs.jobs import Job
from unlost.model.vault.snapshot import VerifyLevel
from unlost.vault.format.vaultjson import VAULT_FILE


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_it_holds_and_the_newest_verifications(sales: World) -> None:
    assert vault_state(sales.app).orgs == ()
    result = backup(sales.app, "sales")
    for _ in range(state.CHECKS + 2):
        verify(sales.app, level=VerifyLevel.QUICK)
        sales.clock.advance(days=1)
    found = vault_state(sales.app)
    (held,) = found.orgs
    assert (held.org, held.backups, held.number, held.head) == ("sales", 1, 1, result.head[:12])
    assert len(found.checks) == state.CHECKS
    assert found.checks[0].at > found.checks[-1].at
    assert found.custody is not None
    assert found.custody.copies == len(sales.vault.homes.numbers())


def test_where_it_lies_is_not_told_to_others(sales: World) -> None:
    backup(sales.app, "sales")
    viewer = sales.app.acting(Actor(ActorKind.PERSON, "ada", (Grant(Role.VIEWER),)))
    assert vault_state(viewer).custody is None
    stranger = sales.app.acting(Actor(ActorKind.PERSON, "eve", (Grant(Role.VIEWER, "other"),)))
    assert vault_state(stranger).orgs == ()
    with pytest.raises(NotAllowed):
        verify_later(viewer, VerifyLevel.FULL)


def test_a_long_verification_is_asked_for_where_somebody_does_it(
    sales: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Job] = []
    monkeypatch.setattr(state, "enqueue_from_outside", lambda place, job: asked.append(job))
    with pytest.raises(Conflict) as caught:
        verify_later(sales.app, VerifyLevel.DEEP)
    assert caught.value.code == "service-away"
    held = take_slot(sales.app.locks, alone=True).lock
    first, again = (verify_later(sales.app, VerifyLevel.DEEP) for _ in range(2))
    held.release()
    assert first.job == again.job, "twice within a minute is once"
    assert {one.subject for one in asked} == {"deep"}


def test_the_format_of_the_vault_is_unknown_where_the_vault_file_is_lost(machine: Machine) -> None:
    with machine.opened() as app:
        assert vault_state(app).format == 1
        assert app.home.vault is not None
        (app.home.vault / VAULT_FILE).unlink()
        assert vault_state(app).format is None


def test_the_slots_are_those_of_the_register_and_a_damaged_one_shows_none(
    machine: Machine,
) -> None:
    with machine.opened() as app:
        custody = vault_state(app).custody
        assert custody is not None
        assert list(custody.slots) == ["service"]
        for file in (machine.vault / "register").rglob("*"):
            if file.is_file():
                file.write_bytes(b"junk")
        custody = vault_state(app).custody
        assert custody is not None
        assert list(custody.slots) == []
