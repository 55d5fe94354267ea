"""What strangers put beside the commits of a vault, and into the way of its mirror."""

from dataclasses import replace
from typing import Any

import pytest
import zstandard

import vaultstory
from smallvault import IDENTITY, TABLE, SmallVault
from thief import Thief
from unit.vault.test_attacks_2 import check_life_goes_on, damages, erased, small, thief_of
from unit.vault.test_rekey import fresh, pictures, rekeyed, renewed
from unlost.model.errors import Conflict
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.vault.format.manifest import (
    RunIntent,
    TablePart,
    pack,
)
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.derivation import epoch_folder
from unlost.vault.layout import object_names
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.memory import MemoryStore
from vaultstory import Story

__all__ = ["erased", "small"]


# --- objects beside the commits -------------------------------------------------------------------


def story_under_new_keys() -> tuple[Story, set[str]]:
    """A story that was sealed anew, and the names that this freed."""
    story = vaultstory.copied()
    before = {one.name for one in story.store.list(f"orgs/{story.org}/")}
    before.add(f"names/{story.org}")
    renewed(story)
    rekeyed(story)
    freed = before - {one.name for one in story.store.list("")}
    return story, {name for name in freed if "/keys/" not in name and "/runs/" not in name}


@pytest.mark.parametrize("beside", [False, True], ids=["in the old place", "beside"])
def test_junk_in_place_of_what_was_sealed_anew_locked_the_owner_out(beside: bool) -> None:
    story, freed = story_under_new_keys()
    before = pictures(story)
    for name in freed:
        if beside and "/commits/" in name:
            continue  # these get no suffix
        story.store.put_new(f"{name}.0000000000000000" if beside else name, b"junk")
    fresh(story)
    assert pictures(story) == before
    story.vault.apply(
        story.org, unconditional(Erase((RecordKey("Account", vaultstory.account_id(7)),))), run="e"
    )
    story.vault.sweep(story.org, run="s")
    fresh(story)
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_schema_of_a_thief_beside_the_genuine_one_was_used() -> None:
    story, _ = story_under_new_keys()
    before = pictures(story)
    org_vault = story.vault.org_vault(story.org)
    schemas = [n for n in org_vault.chain.live().objects if "/schemas/" in n]
    contents = [org_vault.sealed.get(ObjectKind.SCHEMA, org=story.org, name=n) for n in schemas]
    for name, content in zip(schemas, reversed(contents), strict=True):
        forged = f"{object_names.stem(name)}.0000000000000000"
        org_vault.sealed.put_new(ObjectKind.SCHEMA, org=story.org, name=forged, content=content)
    fresh(story)
    assert pictures(story) == before


@pytest.mark.parametrize("name", ["abc", "a/b", "x.key", "ok.over", "y.0000", "Not allowed"])
def test_junk_among_open_runs_stopped_erasures_and_maintenance_for_good(
    small: SmallVault, name: str
) -> None:
    small.store._objects[f"{object_names.intents(small.org)}{name}"] = b"junk"
    small.reopen().sweep(small.org, run="own-1")
    small.vault.rekey(small.org, run="own-2")
    erase = unconditional(Erase((RecordKey(TABLE, "b"),)))
    assert small.vault.apply(small.org, erase, run="own-3").removed > 0
    check_life_goes_on(small)


def test_an_intent_under_the_name_of_another_run_ended_that_one(small: SmallVault) -> None:
    commit = small.begin("night-9")
    sealed = small.vault.sealed
    content = sealed.get(
        ObjectKind.INTENT, org=small.org, name=object_names.intent(small.org, "night-9")
    )
    forged = zstandard.decompress(content).replace(b'"backup"', b'"compact"')
    sealed.put_new(ObjectKind.INTENT, org=small.org, name=object_names.intent(small.org, "zzz"),
                   content=zstandard.compress(forged))  # fmt: skip
    small.vault.sweep(small.org, run="own-1")
    assert commit.finish([], as_of=small.clock.now()).number


@pytest.mark.parametrize("digits", [2, 16])
def test_a_backup_that_was_given_up_deleted_segments_of_others(
    erased: SmallVault, digits: int
) -> None:
    """A thief knows the name of the next nightly run, and writes its intent first."""
    live = thief_of(erased).segments(TABLE)[0].entry
    forged = RunIntent(1, "night-9", CommitKind.BACKUP, IDENTITY, 0, erased.clock.now(),
                       live.object[:digits])  # fmt: skip
    thief_of(erased).vault.sealed.put_new(
        ObjectKind.INTENT,
        org=erased.org,
        name=object_names.intent(erased.org, "night-9"),
        content=pack(forged),
    )
    with pytest.raises(Conflict):
        erased.night("night-9", ("a", "U", {"Name": "new"}))
    assert damages(erased) == []
    check_life_goes_on(erased)


@pytest.mark.parametrize("name", ["night-9.x", "night-9.99", "night-9.x/y"])
def test_junk_among_the_certificates_of_a_run_made_it_fail(small: SmallVault, name: str) -> None:
    small.store.put_new(f"{object_names.certificates(small.org)}{name}", b"junk")
    small.night("night-9", ("a", "U", {"Name": "new"}))
    check_life_goes_on(small)


def test_junk_behind_the_end_of_a_journal_made_it_unreadable() -> None:
    story = vaultstory.copied()
    before = pictures(story)
    story.store.put_new(object_names.journal_entry(story.org, "restore-1", 3), b"junk")
    fresh(story)
    assert pictures(story) == before
    record = RecordKey("Account", vaultstory.account_id(7))
    story.vault.apply(story.org, unconditional(Erase((record,))), run="e")


def test_verify_never_ended_after_an_entry_of_a_journal_far_away(small: SmallVault) -> None:
    name = object_names.journal_entry(small.org, "evil", 99_999_999)
    small.store.put_new(name, b"junk")
    assert name in damages(small)


# --- the mirror -----------------------------------------------------------------------------------


def mirrored() -> tuple[Story, MemoryStore]:
    story, mirror = vaultstory.copied(), MemoryStore()
    update_mirror(story.vault, mirror)
    return story, mirror


def test_a_mirror_dropped_what_a_vandal_replaced_by_junk_in_the_vault() -> None:
    """Deleted in the vault, and junk beside it, as if it had been sealed anew."""
    story, mirror = mirrored()
    names = [f"names/{story.org}", object_names.journal_entry(story.org, "restore-1", 1)]
    kept = [mirror.get(name) for name in names]
    for name in names:
        story.store.delete(name)
        story.store.put_new(f"{name}.0123456789abcdef", b"junk")
    fresh(story)
    update_mirror(story.vault, mirror)
    assert [mirror.get(name) for name in names] == kept


def test_a_mirror_dropped_the_copies_of_the_home_for_junk_in_the_vault() -> None:
    story = vaultstory.copied()
    story.vault.homes.store_copy(b"settings")
    mirror = MemoryStore()
    update_mirror(story.vault, mirror)
    story.store.delete("homes/00000001")
    story.store.put_new("homes/99999999", b"junk")
    update_mirror(story.vault, mirror)
    assert mirror.size("homes/00000001") is not None


def test_a_mirror_dropped_the_keys_that_a_commit_of_a_thief_makes_needless() -> None:
    story, mirror = mirrored()
    folder = epoch_folder(story.org, 1)
    keys = [one.name for one in story.store.list(folder)]
    thief = Thief(story.store, story.keys.for_store(story.store), story.org, clock=story.clock)
    lives = thief.segments()
    thief.commit(CommitKind.BACKUP, tables=thief.without(lives),
                 dropped=tuple(one.id for one in thief.packs()))  # fmt: skip
    other = epoch_folder(story.org, 2)
    for copy in (1, 2, 3):
        name = f"{other}/{copy}"
        story.store.put_new(name, story.keys._wrap(name, bytes(32), org=story.org))
    entry = replace(lives[0].entry, epoch=2, id="ff" * 16, bundle="")
    Thief(story.store, story.keys.for_store(story.store), story.org, clock=story.clock).commit(
        CommitKind.BACKUP, run="thief-2", tables=(TablePart("Account", segments=(entry,)),)
    )
    for name in keys:  # by somebody who may delete in the vault
        story.store.delete(name)
    fresh(story)
    update_mirror(story.vault, mirror)
    assert all(mirror.size(name) is not None for name in keys)


NEWER = b"UNLOSTS\x02" + bytes(40)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("vault.jsonx", b""),
        ("orgs/ORG", b""),
        ("orgs/ORG/schemas", b""),
        ("orgs/ORG/journal/restore-1", b""),
        ("register/00000001", b""),
        ("a//b", b""),
        ("orgs/ORG/runs/Not allowed", b""),
        (f"orgs/ORG/commits/{5:020d}", NEWER),
    ],
)
def test_one_junk_object_in_a_bucket_stopped_the_mirror_of_all_orgs(
    name: str, data: bytes, tmp_path: Any
) -> None:
    from unlost.vault.stores.local import LocalStore

    story = vaultstory.copied()
    mirror = LocalStore(tmp_path / "mirror")
    story.store._objects[name.replace("ORG", story.org)] = data
    fresh(story)
    done = update_mirror(story.vault, mirror)
    assert bool(done.broken) == (data == NEWER)
    if not done.broken:
        assert mirror.size(object_names.commit(story.org, 4))
