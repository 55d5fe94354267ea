"""What is lost when an org is sealed anew may be whole in a second copy, under an earlier key: that key stays."""

import pytest

import vaultstory
from unit.vault.test_mirror import opener
from unit.vault.test_rekey import fresh, rekeyed, renewed
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.salvage import Salvage
from unlost.model.vault.snapshot import VerifyLevel
from unlost.vault.commits.chain import CHECKPOINT_EVERY
from unlost.vault.layout import object_names
from unlost.vault.maintenance.garbage import GRACE
from unlost.vault.mirror.repair import repair_from
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.memory import MemoryStore
from vaultstory import Story


@pytest.fixture
def story() -> Story:
    """Nights, files, a restore with a journal; and a checkpoint, so that a lost commit stops nothing."""
    made = vaultstory.copied()
    while made.vault.commits(made.org)[-1].number % CHECKPOINT_EVERY:
        number = made.vault.commits(made.org)[-1].number
        made.vault.change_holds(made.org, lifted=(), run=f"lift-{number}")
    return made


@pytest.mark.parametrize(
    "place", ["certs/night-1.0", "schemas/", "commits/00000000000000000002", "journal/restore-1/"]
)
@pytest.mark.parametrize("how", ["gone", "head"])
def test_what_only_the_mirror_has_still_opens_after_a_rekey(
    story: Story, place: str, how: str
) -> None:
    mirror = MemoryStore()
    update_mirror(story.vault, mirror)
    name = next(one.name for one in story.store.list(f"orgs/{story.org}/{place}"))
    data = story.store.get(name)
    story.store.delete(name)
    if how == "head":
        story.store.put_new(name, b"?" + data[1:])
    renewed(story)
    done = rekeyed(story)
    assert (done.complete, done.damaged) == (False, name)
    assert story.keys.epochs(story.org) == (1, 2)
    again = story.vault.rekey(story.org, run="again")
    assert (again.objects, again.damaged) == (0, name)
    update_mirror(story.vault, mirror)
    assert repair_from(story.store, mirror, opened=opener(story)).objects == (name,)
    fresh(story)
    assert rekeyed(story, "later").complete
    fresh(story)
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    assert story.store.size(name) is None


@pytest.mark.parametrize("at", [0, 7], ids=["magic", "format"])
def test_a_pack_that_was_given_up_holds_a_rekey_up_only_until_it_is_swept(
    story: Story, at: int
) -> None:
    pack = next(iter(story.vault.org_vault(story.org).chain.live().packs.values()))
    name = object_names.pack(story.org, pack.id)
    data = story.store.get(name)
    story.store.delete(name)
    story.store.put_new(name, data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
    assert name in story.vault.apply(story.org, unconditional(Salvage()), run="salvage-1").objects
    renewed(story)
    first = story.vault.rekey(story.org, run="rekey")
    assert (first.complete, first.damaged, first.waiting > 0) == (False, "", True)
    story.vault.sweep(story.org, run="sweep-1")
    story.clock.advance(seconds=GRACE.total_seconds() + 3600)
    story.vault.sweep(story.org, run="sweep-2")
    assert story.vault.rekey(story.org, run="rekey-2").complete
    fresh(story)
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
