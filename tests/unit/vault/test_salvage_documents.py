"""A certificate or a journal that no copy has whole is given up, so that nothing stops for its sake."""

from pathlib import Path

import pytest

import vaultstory
from unit.vault.test_rekey import fresh, rekeyed, renewed
from unit.vault.test_salvage_story import hurt, opened, second_reader_agrees
from unit.vault.test_salvage_unread import Sick, Spoil, device_fails, flipped, refused
from unlost.model.erasure import ErasureWish
from unlost.model.errors import IntegrityError, NotFound, StoreError
from unlost.model.plan import RecordKey
from unlost.model.snapshot import VerifyLevel
from unlost.vault import places
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.memory import MemoryStore
from vaultstory import Story

CERTIFICATE = "certs/night-1.0"
JOURNAL = "journal/restore-1/00000001"
TIMES = 1 << 30


def erase(story: Story) -> None:
    wish = ErasureWish((RecordKey("Contact", "003000000000003AAA"),))
    story.vault.erase(story.org, wish, run="erase-1")


def damaged(tmp_path: Path, *names: str, how: str) -> tuple[Story, Path]:
    folder = tmp_path / "vault"
    story = vaultstory.told(LocalStore(folder))
    for name in names:
        hurt(folder, f"orgs/{story.org}/{name}", how)
    return opened(story, folder), folder


@pytest.mark.parametrize("how", ["gone", "spoiled"])
@pytest.mark.parametrize("names", [(CERTIFICATE,), (JOURNAL,), (CERTIFICATE, JOURNAL)])
def test_what_stopped_every_erasure_and_rekey_stops_them_no_more(
    tmp_path: Path, names: tuple[str, ...], how: str
) -> None:
    story, folder = damaged(tmp_path, *names, how=how)
    with pytest.raises((IntegrityError, NotFound)):
        erase(story)
    plan = story.vault.plan_salvage(story.org)
    assert plan.objects == tuple(f"orgs/{story.org}/{name}" for name in names)
    assert plan.certificates == ((1,) if CERTIFICATE in names else ())
    assert plan.journals == (("restore-1",) if JOURNAL in names else ())
    assert (plan.tables, plan.files_lost, plan.left) == ((), 0, ())
    story.vault.salvage(story.org, run="salvage-1")
    assert story.vault.plan_salvage(story.org).objects == ()
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    assert (story.vault.at(story.org, 1).certificate() is None) is (CERTIFICATE in names)
    assert ("restore-1" in story.vault.journals(story.org, unfinished=False)) is (
        JOURNAL not in names
    )
    erase(story)
    renewed(story)
    assert rekeyed(story).complete
    fresh(story)
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    assert (story.vault.at(story.org, 1).certificate() is None) is (CERTIFICATE in names)
    second_reader_agrees(story, folder)


def test_nothing_of_a_journal_is_left_that_was_given_up(tmp_path: Path) -> None:
    story, folder = damaged(tmp_path, JOURNAL, how="spoiled")
    entries = list((folder / f"orgs/{story.org}/journal/restore-1").iterdir())
    assert len(entries) > 1
    story.vault.salvage(story.org, run="salvage-1")
    assert not [one for one in entries if one.exists()]
    (told,) = story.vault.salvages(story.org)
    assert told.sentences == ("The journal of restore-1 is lost.",)


def test_the_certificates_of_other_nights_are_as_they_were(tmp_path: Path) -> None:
    story, _ = damaged(tmp_path, CERTIFICATE, how="gone")
    before = story.vault.at(story.org, 2).certificate()
    story.vault.salvage(story.org, run="salvage-1")
    assert before is not None
    assert story.vault.at(story.org, 2).certificate() == before
    (told,) = story.vault.salvages(story.org)
    assert told.sentences == ("Certificates of backups are lost: 1.",)


def test_the_mirror_takes_away_what_was_given_up(tmp_path: Path) -> None:
    folder, mirror = tmp_path / "vault", MemoryStore()
    sound = vaultstory.told(LocalStore(folder))
    update_mirror(sound.vault, mirror)
    names = [f"orgs/{sound.org}/{name}" for name in (CERTIFICATE, JOURNAL)]
    assert all(mirror.size(name) for name in names)
    for name in names:
        hurt(folder, name, "spoiled")
    story = opened(sound, folder)
    story.vault.salvage(story.org, run="salvage-1")
    assert not update_mirror(story.vault, mirror).damaged
    assert [mirror.size(name) for name in names] == [None, None]
    assert not list(mirror.list(f"orgs/{story.org}/journal/"))


@pytest.mark.parametrize("name", [CERTIFICATE, JOURNAL])
@pytest.mark.parametrize(
    ("spoil", "times"), [(refused, TIMES), (refused, 1), (flipped, 1)], ids=["away", "once", "way"]
)
def test_what_is_not_given_now_is_not_given_up(name: str, spoil: Spoil, times: int) -> None:
    story = vaultstory.told(MemoryStore())
    store = Sick(story.store, f"orgs/{story.org}/{name}", spoil=spoil, times=times)
    other = vaultstory.opened_again(story, store)
    with pytest.raises(StoreError):
        other.vault.plan_salvage(story.org)


@pytest.mark.parametrize("name", [CERTIFICATE, JOURNAL])
def test_what_its_device_cannot_read_any_more_is_given_up(name: str) -> None:
    story = vaultstory.told(MemoryStore())
    name = f"orgs/{story.org}/{name}"
    other = vaultstory.opened_again(story, Sick(story.store, name, spoil=device_fails, times=TIMES))
    assert other.vault.plan_salvage(story.org).objects == (name,)


def test_what_somebody_laid_behind_the_end_of_a_journal_does_not_cost_the_journal(
    tmp_path: Path,
) -> None:
    story, folder = damaged(tmp_path, CERTIFICATE, how="gone")
    late = f"orgs/{story.org}/journal/restore-1/00000099"
    (folder / late).write_bytes(b"late")
    plan = story.vault.plan_salvage(story.org)
    assert plan.journals == ()
    assert [one.object for one in plan.left] == [late]


def test_what_may_be_of_a_newer_format_is_not_given_up(tmp_path: Path) -> None:
    story, folder = damaged(tmp_path, CERTIFICATE, how="gone")
    entry = folder / f"orgs/{story.org}/{JOURNAL}"
    data = bytearray(entry.read_bytes())
    data[7] ^= 0x10
    entry.unlink()
    entry.write_bytes(data)
    plan = story.vault.plan_salvage(story.org)
    assert plan.journals == ()
    assert [one.object for one in plan.left] == [places.journal_entry(story.org, "restore-1", 1)]
