"""The newest commit is removed, and the home's memory of it: a verification does not say "whole"."""

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unit.app.test_pending import with_ledger
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.vault.verify import VerifyResult, verify
from unlost.catalog.models import Run, WitnessRow
from unlost.catalog.orgs.orgs import get_org
from unlost.model.vault.snapshot import VerifyLevel
from unlost.vault.layout.object_names import commit


def live(world: World) -> None:
    """Two backups; somebody removes the second one, and the witness with it."""
    with_sales(world)
    with_ledger(world)
    for _ in range(2):
        backup(world.app, "sales")
        world.clock.advance(days=1)
    assert checked(world).whole
    oid = get_org("sales").oid
    WitnessRow.objects.all().delete()
    world.vault.sealed.store.delete(commit(oid, 2))


after_removal = scene(live)


@pytest.fixture
def cut(world: World, after_removal: Lead) -> World:
    """Two backups; somebody removes the second one, and the witness with it."""
    after_removal(world)
    with_ledger(world)  # another process: the earlier one still knew the chain
    return world


def checked(world: World, expect: str | None = None) -> VerifyResult:
    return verify(world.app, level=VerifyLevel.FULL, expect=expect)


def test_the_list_of_runs_still_knows_the_backup(cut: World) -> None:
    result = checked(cut)
    (damage,) = result.damages
    assert damage.object == commit(get_org("sales").oid, 2)
    assert not result.whole


def test_a_witness_that_was_made_anew_hides_nothing(cut: World) -> None:
    assert len(cut.app.vault.snapshots(get_org("sales").oid)) == 1  # this notes the head anew
    assert WitnessRow.objects.exists()
    assert not checked(cut).whole


def test_without_any_memory_the_head_is_unproved(cut: World) -> None:
    Run.objects.all().delete()
    result = checked(cut)
    assert (result.damages, result.unproved, result.whole) == ((), ("sales",), False)


def test_a_head_that_a_person_kept_proves_it(cut: World) -> None:
    Run.objects.all().delete()
    (head,) = checked(cut).heads.values()
    result = checked(cut, expect=head[:12])
    assert (result.expectation_met, result.unproved, result.whole) == (True, (), True)
