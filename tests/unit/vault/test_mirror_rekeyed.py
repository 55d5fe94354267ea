"""A mirror of a vault whose orgs are sealed anew, also while it is brought up to date."""

import re
from collections.abc import Callable

import pytest

import vaultstory
from unit.vault.test_mirror import contents, opener, whole
from unit.vault.test_rekey import fresh, keys_of, rekeyed, renewed
from unit.vault.test_rekey_beside import SECRET, a_file, another, tells_secret
from unlost.model.org import OrgIdentity
from unlost.model.source.schema import Schema
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.layout import object_names
from unlost.vault.maintenance.shred import plan_shredding, shred_org
from unlost.vault.mirror import update
from unlost.vault.mirror.repair import RepairResult, repair_from
from unlost.vault.mirror.update import MirrorUpdate, update_mirror
from unlost.vault.stores.memory import MemoryStore
from vaultstory import Story


@pytest.fixture
def story() -> Story:
    """Nights, files, a restore with a journal; and a mirror."""
    made = vaultstory.copied()
    made.vault.homes.store_copy(b"settings")
    return made


def updated_while(
    story: Story, target: MemoryStore, act: Callable[[], object], *, early: bool = False
) -> MirrorUpdate:
    """Brings a mirror up to date; something happens once all is copied, or is chosen (``early``)."""
    copy_vault = update.copy_vault

    def copy(*given: object, **told: object) -> object:
        if early:
            look = told["select"]
            told["select"] = lambda: (look(), act())[0]  # type: ignore[operator]
        done = copy_vault(*given, **told)  # type: ignore[arg-type]
        if not early:
            act()
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(update, "copy_vault", copy)
        return update_mirror(story.vault, target)


def flipped(store: MemoryStore, name: str) -> None:
    data = store.get(name)
    store.delete(name)
    store.put_new(name, data[:-1] + bytes([data[-1] ^ 1]))


def test_a_mirror_keeps_its_manifests_when_documents_are_sealed_anew_meanwhile(
    story: Story,
) -> None:
    target = MemoryStore()
    renewed(story)
    update_mirror(story.vault, target)
    before, other = contents(target), another(story)
    done = updated_while(story, target, lambda: other.rekey(story.org, run="rekey"))
    assert (done.removed, done.strange, done.damaged, done.not_removed) == (0, (), (), ())
    assert contents(target) == before
    assert whole(story, target)
    assert opener(story)(target).snapshots(story.org)
    done = update_mirror(story.vault, target)
    assert done.removed > 5
    assert done.strange == ()
    assert whole(story, target)


def test_a_mirror_keeps_earlier_keys_until_it_has_what_was_sealed_anew(story: Story) -> None:
    """All of it is done between the choice of what is copied, and the copying."""
    target = MemoryStore()
    renewed(story)
    update_mirror(story.vault, target)
    other = another(story)
    done: list[object] = []

    def act() -> None:
        if not done:
            story.vault, own = other, story.vault
            done.append(rekeyed(story).complete)
            story.vault = own

    updated = updated_while(story, target, act, early=True)
    assert done == [True]
    assert updated.strange == ()
    assert whole(story, target)
    fresh(story)
    update_mirror(story.vault, target)
    assert whole(story, target)
    story.store = target
    assert keys_of(story) == {"00000002.00000002", "identity.00000002"}


@pytest.mark.parametrize("what", ["segment", "redaction", "lost"])
def test_what_rots_in_the_vault_once_it_was_sealed_anew_leaves_the_mirror_what_it_had(
    story: Story, what: str
) -> None:
    target = MemoryStore()
    update_mirror(story.vault, target)
    before = contents(target)
    renewed(story)
    assert rekeyed(story).complete
    state = story.vault.org_vault(story.org).chain.live()
    segment = object_names.segment(
        story.org, max(state.entries(), key=lambda one: one.bytes).object
    )
    redaction = next(name for name in state.objects if object_names.redacted(name) == 2)
    name = redaction if what == "redaction" else segment
    data = story.store.get(name)
    if what == "lost":
        story.store.delete(name)
    else:
        flipped(story.store, name)
    story.vault.org_vault(story.org).chain.renew_checkpoint()
    done = update_mirror(story.vault, target)
    assert done.damaged == (name,)
    assert done.strange == ()
    assert len(done.not_removed) > 10
    folders = ("data/", "packs/", "commits/", "journal/", "schemas/", "keys/")
    held = {
        one for one in before if one.startswith(tuple(f"orgs/{story.org}/{f}" for f in folders))
    }
    anew = story.keys.for_store(target).is_wrapped_anew
    assert {one for one in held if not anew(one, org=story.org)} - contents(target).keys() == set()
    story.store.delete(name)
    story.store.put_new(name, data)
    done = update_mirror(story.vault, target)
    assert (done.damaged, done.not_removed, done.strange) == ((), (), ())
    assert contents(target).keys() == contents(story.store).keys()
    assert whole(story, target)


def test_what_was_erased_goes_from_a_mirror_that_lacks_something(story: Story) -> None:
    target = MemoryStore()
    packs = set(story.vault.org_vault(story.org).chain.live().packs)
    a_file(story, "n6")
    update_mirror(story.vault, target)
    renewed(story)
    assert rekeyed(story).complete
    org_vault = story.vault.org_vault(story.org)
    rotten = object_names.pack(story.org, org_vault.chain.live().pack_id(min(packs)))
    flipped(story.store, rotten)
    gone = story.vault.apply(story.org, unconditional(Erase((SECRET,))), run="e1")
    assert gone.snapshot
    done = update_mirror(story.vault, target)
    assert (done.damaged, done.strange) == ((rotten,), ())
    assert done.not_removed
    assert object_names.pack(story.org, min(packs)) in contents(target)
    manifest = org_vault.chain.manifest(gone.snapshot)[0]
    redacted = {object_names.redacted(entry.name) for entry in manifest.objects} - {0}
    assert redacted
    assert not {object_names.commit(story.org, seq) for seq in redacted} & contents(target).keys()
    assert tells_secret(story, target) == []


def test_an_org_that_is_broken_in_the_vault_keeps_its_name_in_the_mirror(story: Story) -> None:
    other = story.vault.ensure_org(OrgIdentity("fake", "T2"))
    target = MemoryStore()
    renewed(story)
    update_mirror(story.vault, target)
    before = contents(target)
    assert rekeyed(story).complete
    story.vault.rekey(other, run="other")
    newest = story.vault.commits(story.org)[-1].number
    story.store.delete(object_names.commit(story.org, newest - 1))
    for name in [n for n in contents(story.store) if "/checkpoints/" in n]:
        story.store.delete(name)
    fresh(story)
    done = update_mirror(story.vault, target)
    assert list(done.broken) == [story.org]
    of_org = {name for name in before if story.org in name}
    assert of_org == {name for name in contents(target) if story.org in name}
    assert whole(story, target)
    assert opener(story)(target).orgs().keys() == {story.org, other}


def test_a_name_that_the_vault_lost_stays_in_the_mirror(story: Story) -> None:
    """Two of one org: neither stands in place of the other."""
    target = MemoryStore()
    update_mirror(story.vault, target)
    name = object_names.identity(story.org)
    target.put_new(f"{name}.00ff", b"another one")
    target.put_new(f"orgs/{story.org}/journal/restore-1/00000000.00ff", b"another one")
    story.store.delete(name)
    entry = object_names.journal_entry(story.org, "restore-1", 0)
    story.store.delete(entry)
    update_mirror(story.vault, target)
    assert target.size(name) is not None
    assert target.size(entry) is not None


def test_what_a_run_left_that_came_to_nothing_goes_from_the_mirror_with_the_key_that_opened_it(
    story: Story,
) -> None:
    """A rekey removes such a schema, and no commit says so: the mirror called it lost for ever."""
    target = MemoryStore()
    commit = story.vault.begin(
        story.org, run="given-up", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    commit.put_schema(Schema((), "another"))
    commit.abandon()
    update_mirror(story.vault, target)
    folder = object_names.schemas(story.org)
    before = {one.name for one in story.store.list(folder)}
    renewed(story)
    assert rekeyed(story).complete
    fresh(story)
    name = min(before)
    junk = f"{folder}{'00' * 32}"
    target.put_new(junk, b"no header")
    done = update_mirror(story.vault, target)
    assert done.strange == (junk,)
    assert {one.name for one in target.list(folder)} == {
        junk,
        *(one.name for one in story.store.list(folder)),
    }
    assert target.size(name) is None
    assert whole(story, target)


def repaired(story: Story, target: MemoryStore) -> RepairResult:
    return repair_from(story.store, target, opened=opener(story))


def test_what_was_sealed_anew_and_is_lost_comes_back_under_its_new_name(story: Story) -> None:
    """It is missed under the name that it had before: the identity was never found in the mirror."""
    target = MemoryStore()
    renewed(story)
    assert rekeyed(story).complete
    update_mirror(story.vault, target)
    anew = [name for name in contents(story.store) if re.search(r"\.[0-9a-f]{16}$", name)]
    assert {name.split("/")[0 if name.startswith("names") else 2] for name in anew} >= {
        "names",
        "journal",
        "schemas",
    }
    for name in anew:
        data = story.store.get(name)
        story.store.delete(name)
        done = repaired(story, target)
        assert (done.objects, done.still_damaged) == ((name,), ()), name
        assert story.store.get(name) == data


def test_junk_that_looks_as_if_it_were_sealed_anew_does_not_come_back(story: Story) -> None:
    target = MemoryStore()
    renewed(story)
    assert rekeyed(story).complete
    update_mirror(story.vault, target)
    (name,) = (one.name for one in story.store.list(object_names.identities()))
    stem = object_names.stem(name)
    for mark in ("0" * 16, "f" * 16):
        target.put_new(f"{stem}.{mark}", b"junk")
    story.store.delete(name)
    done = repaired(story, target)
    assert (done.objects, done.still_damaged) == ((name,), ())
    assert [one.name for one in story.store.list(object_names.identities())] == [name]


def test_the_name_of_an_org_that_was_shredded_does_not_come_back(story: Story) -> None:
    target = MemoryStore()
    renewed(story)
    assert rekeyed(story).complete
    update_mirror(story.vault, target)
    org_vault = story.vault.org_vault(story.org)
    shred_org(org_vault, plan_shredding(org_vault, now=story.clock.now()), at=story.clock.now())
    assert repaired(story, target).objects == ()
    assert not list(story.store.list(object_names.identities()))
