"""Somebody has the service key and credentials that only add objects: nothing of the owner is lost by it."""

import pytest

import vaultstory
from unit.vault.test_rekey import files, fresh, pictures, rekeyed, renewed, whole
from unlost.model.vault.snapshot import VerifyLevel
from unlost.vault.keys.hierarchy import KEY_BYTES, epoch_folder, oldest_folder
from unlost.vault.keys.renewal import finish_renewal
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.memory import MemoryStore
from vaultstory import Story

FORGED = 9  # an epoch that no rekey began


@pytest.fixture
def story() -> Story:
    made = vaultstory.copied()
    made.vault.homes.store_copy(b"settings")
    return made


def forge_mark(story: Story, epoch: int) -> None:
    """The mark that all org keys before an epoch are gone, as a holder of the master key makes it."""
    for name in story.keys._own_copies(oldest_folder(story.org, epoch)):
        story.store.put_new(name, story.keys._wrap(name, bytes(KEY_BYTES), org=story.org))
    fresh(story)


def lose_key(story: Story, epoch: int) -> list[str]:
    """All copies of an org key are deleted; returns their names."""
    copies = [*story.keys._own_copies(epoch_folder(story.org, epoch))]
    for name in copies:
        story.store.delete(name)
    fresh(story)
    return copies


def damaged(story: Story, level: VerifyLevel) -> set[str]:
    return {damage.object for damage in story.vault.verify(level).damages}


@pytest.mark.parametrize("level", VerifyLevel)
def test_verify_called_a_vault_whole_whose_only_org_key_is_gone(
    story: Story, level: VerifyLevel
) -> None:
    renewed(story)
    assert rekeyed(story).complete
    assert damaged(story, level) == set()
    copies = lose_key(story, story.keys.epoch(story.org))
    assert damaged(story, level) >= set(copies)


@pytest.mark.parametrize("level", VerifyLevel)
def test_verify_called_a_vault_whole_under_a_forged_mark(story: Story, level: VerifyLevel) -> None:
    forge_mark(story, FORGED)
    planted = {*story.keys._own_copies(oldest_folder(story.org, FORGED))}
    assert damaged(story, level) == planted
    copies = lose_key(story, story.keys.epoch(story.org))
    assert damaged(story, level) >= {*copies}


@pytest.mark.parametrize("level", VerifyLevel)
def test_verify_misses_no_key_that_live_data_needs(story: Story, level: VerifyLevel) -> None:
    """A renewal without its rekey: data is under epoch 1, and a mark says that its key is gone."""
    renewed(story)
    forge_mark(story, story.keys.epoch(story.org))
    copies = lose_key(story, 1)
    assert damaged(story, level) >= {*copies}


@pytest.mark.parametrize("ahead", [True, False])
def test_a_forged_mark_made_the_maintenance_delete_the_only_org_key(
    story: Story, ahead: bool
) -> None:
    renewed(story)
    before, contents = pictures(story), files(story)
    forge_mark(story, FORGED if ahead else story.keys.epoch(story.org))
    story.vault.compact(story.org, run="compact")
    assert rekeyed(story).complete
    assert pictures(story)[:-1] == before[:-1]
    assert files(story) == contents


def test_a_forged_mark_made_a_mirror_drop_the_key_that_its_data_needs(story: Story) -> None:
    target = MemoryStore()
    update_mirror(story.vault, target)
    first = [*story.keys._own_copies(epoch_folder(story.org, 1))]
    for folder in (epoch_folder(story.org, FORGED), oldest_folder(story.org, FORGED)):
        for name in story.keys._own_copies(folder):
            story.store.put_new(name, story.keys._wrap(name, bytes(KEY_BYTES), org=story.org))
    for name in first:  # by somebody who may delete
        story.store.delete(name)
    update_mirror(story.vault, target)
    assert all(target.size(name) is not None for name in first)


def test_a_forged_mark_without_a_renewal_deletes_nothing(story: Story) -> None:
    before = pictures(story)
    forge_mark(story, FORGED)
    assert story.keys.oldest(story.org) == 1
    assert story.keys.gone_copies(story.org) == ()
    rekeyed(story)
    assert pictures(story) == before


def test_a_forged_mark_is_removed_by_a_repair(story: Story) -> None:
    forge_mark(story, FORGED)
    finish_renewal(story.store, story.keys)
    assert whole(story)
