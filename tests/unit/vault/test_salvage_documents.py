"""A certificate or a journal that no copy has whole is given up, so that nothing stops for its sake."""

from pathlib import Path

import pytest

import vaultstory
from fakes.keeping_store import KeepingStore
from sweeps import DEEP
from unit.vault.test_rekey import fresh, rekeyed, renewed
from unit.vault.test_salvage_story import hurt, opened, second_reader_agrees
from unit.vault.test_salvage_unread import Sick, Spoil, device_fails, flipped, refused
from unlost.model.errors import Conflict, IntegrityError, NotFound, StoreError
from unlost.model.finding import FindingKind
from unlost.model.plan import RecordKey
from unlost.model.vault.certificate import Verdict
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.past_salvage import PastSalvage
from unlost.model.vault.salvage import Salvage, SalvageEffect
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.vault.layout import object_names
from unlost.vault.maintenance.salvage import salvager
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.memory import MemoryStore
from vaultstory import Story

CERTIFICATE = "certs/night-1.0"
JOURNAL = "journal/restore-1/00000001"
TIMES = 1 << 30


def erase(story: Story) -> None:
    wish = Erase((RecordKey("Contact", "003000000000003AAA"),))
    story.vault.apply(story.org, unconditional(wish), run="erase-1")


def damaged(tmp_path: Path, *names: str, how: str) -> tuple[Story, Path]:
    folder = tmp_path / "vault"
    story = vaultstory.copied(LocalStore(folder))
    for name in names:
        hurt(folder, f"orgs/{story.org}/{name}", how)
    return opened(story, folder), folder


def stands_in_is_told(story: Story, *, stands: bool) -> None:
    """The first night has a certificate: its own, or one that says what can still be told."""
    proof = story.vault.at(story.org, 1).certificate()
    assert proof is not None
    assert (proof.verdict is Verdict.GAPS) is stands
    assert proof.run == "night-1"
    if not stands:
        return
    assert [one.kind for one in proof.findings] == [FindingKind.SALVAGED]
    lines = {line.table: line for line in proof.tables}
    held = {table: line.stored for table, line in lines.items()}
    assert held == {"Account": 120, "Contact": 40, "Task": vaultstory.TASKS, "ContentVersion": 4}
    assert (lines["Account"].stored, lines["Account"].created, lines["Account"].files) == (
        120,
        120,
        0,
    )
    files = lines["ContentVersion"]
    assert (files.files, files.file_bytes) == (4, sum(map(len, vaultstory.FILES.values())))
    assert [one.kind for one in files.findings] == [FindingKind.FILE_UNREADABLE]
    assert lines["Contact"].findings == ()
    assert (proof.files, proof.file_bytes) == (files.files, files.file_bytes)


@pytest.mark.parametrize("how", ["gone", "spoiled"])
@pytest.mark.parametrize(
    "names",
    [
        pytest.param((CERTIFICATE,), marks=DEEP),
        pytest.param((JOURNAL,), marks=DEEP),
        (CERTIFICATE, JOURNAL),
    ],
)
def test_what_stopped_every_erasure_and_rekey_stops_them_no_more(
    tmp_path: Path, names: tuple[str, ...], how: str
) -> None:
    story, folder = damaged(tmp_path, *names, how=how)
    with pytest.raises((IntegrityError, NotFound)):
        erase(story)
    plan = story.vault.plan(story.org, Salvage()).effect
    assert plan.objects == tuple(f"orgs/{story.org}/{name}" for name in names)
    assert plan.certificates == ((1,) if CERTIFICATE in names else ())
    assert plan.journals == (("restore-1",) if JOURNAL in names else ())
    assert (plan.tables, plan.files_lost, plan.still_damaged) == ((), 0, ())
    story.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    assert story.vault.plan(story.org, Salvage()).effect.objects == ()
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    stands_in_is_told(story, stands=CERTIFICATE in names)
    assert ("restore-1" in story.vault.journals(story.org, unfinished=False)) is (
        JOURNAL not in names
    )
    erase(story)
    renewed(story)
    assert rekeyed(story).complete
    fresh(story)
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    stands_in_is_told(story, stands=CERTIFICATE in names)
    second_reader_agrees(story, folder)


def test_nothing_of_a_journal_is_left_that_was_given_up(tmp_path: Path) -> None:
    story, folder = damaged(tmp_path, JOURNAL, how="spoiled")
    entries = list((folder / f"orgs/{story.org}/journal/restore-1").iterdir())
    assert len(entries) > 1
    story.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    assert not [one for one in entries if one.exists()]
    (told,) = story.vault.past_operations(story.org, PastSalvage)
    assert told.sentences == ("The journal of restore-1 was lost.",)


def test_the_certificates_of_other_nights_are_as_they_were(tmp_path: Path) -> None:
    story, _ = damaged(tmp_path, CERTIFICATE, how="gone")
    before = story.vault.at(story.org, 2).certificate()
    story.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    assert before is not None
    assert story.vault.at(story.org, 2).certificate() == before
    (told,) = story.vault.past_operations(story.org, PastSalvage)
    assert told.sentences == ("Certificates of backups were lost: 1.",)


def test_the_mirror_keeps_what_was_given_up_until_something_is_erased(tmp_path: Path) -> None:
    folder, mirror = tmp_path / "vault", MemoryStore()
    sound = vaultstory.copied(LocalStore(folder))
    update_mirror(sound.vault, mirror)
    names = [f"orgs/{sound.org}/{name}" for name in (CERTIFICATE, JOURNAL)]
    assert all(mirror.size(name) for name in names)
    for name in names:
        hurt(folder, name, "spoiled")
    story = opened(sound, folder)
    story.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    assert not update_mirror(story.vault, mirror).damaged
    assert all(mirror.size(name) for name in names)
    assert len(list(mirror.list(f"orgs/{story.org}/journal/"))) == len(vaultstory.ENTRIES)
    erase(story)
    update_mirror(story.vault, mirror)
    assert [mirror.size(name) for name in names] == [None, None]
    assert not list(mirror.list(f"orgs/{story.org}/journal/"))


@pytest.mark.parametrize("name", [CERTIFICATE, JOURNAL])
@pytest.mark.parametrize(
    ("spoil", "times"), [(refused, TIMES), (refused, 1), (flipped, 1)], ids=["away", "once", "way"]
)
def test_what_is_not_given_now_is_not_given_up(name: str, spoil: Spoil, times: int) -> None:
    story = vaultstory.copied()
    store = Sick(story.store, f"orgs/{story.org}/{name}", spoil=spoil, times=times)
    other = vaultstory.opened_again(story, store)
    with pytest.raises(StoreError):
        other.vault.plan(story.org, Salvage())


@pytest.mark.parametrize("name", [CERTIFICATE, JOURNAL])
def test_what_its_device_cannot_read_any_more_is_given_up(name: str) -> None:
    story = vaultstory.copied()
    name = f"orgs/{story.org}/{name}"
    other = vaultstory.opened_again(story, Sick(story.store, name, spoil=device_fails, times=TIMES))
    assert other.vault.plan(story.org, Salvage()).effect.objects == (name,)


def test_what_somebody_laid_behind_the_end_of_a_journal_does_not_cost_the_journal(
    tmp_path: Path,
) -> None:
    story, folder = damaged(tmp_path, CERTIFICATE, how="gone")
    late = f"orgs/{story.org}/journal/restore-1/00000099"
    (folder / late).write_bytes(b"late")
    plan = story.vault.plan(story.org, Salvage()).effect
    assert plan.journals == ()
    assert [one.object for one in plan.still_damaged] == [late]


def test_what_may_be_of_a_newer_format_is_not_given_up(tmp_path: Path) -> None:
    story, folder = damaged(tmp_path, CERTIFICATE, how="gone")
    entry = folder / f"orgs/{story.org}/{JOURNAL}"
    data = bytearray(entry.read_bytes())
    data[7] ^= 0x10
    entry.unlink()
    entry.write_bytes(data)
    plan = story.vault.plan(story.org, Salvage()).effect
    assert plan.journals == ()
    assert [one.object for one in plan.still_damaged] == [
        object_names.journal_entry(story.org, "restore-1", 1)
    ]


def test_the_name_of_a_run_whose_journal_was_given_up_is_not_used_again(tmp_path: Path) -> None:
    story, _ = damaged(tmp_path, JOURNAL, how="gone")
    for name in ("restore-10", "restore-1-try-2"):
        story.vault.journal(story.org, name).append(b"goes on")
    story.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    journal = story.vault.journal(story.org, "restore-1")
    assert list(journal.read()) == []
    with pytest.raises(Conflict) as caught:
        journal.append(b"once more")
    assert caught.value.code == "journal-closed"
    assert set(story.vault.journals(story.org, unfinished=True)) == {
        "restore-10",
        "restore-1-try-2",
    }


def test_what_a_cut_left_behind_the_commit_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story, folder = damaged(tmp_path, CERTIFICATE, JOURNAL, how="spoiled")
    with monkeypatch.context() as patched:
        patched.setattr(salvager, "remove_erased", lambda *_: None)
        story.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    story = opened(story, folder)
    assert (folder / f"orgs/{story.org}/{JOURNAL}").exists()
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    assert story.vault.plan(story.org, Salvage()).effect == SalvageEffect()
    assert list(story.vault.journals(story.org, unfinished=True)) == []
    assert list(story.vault.journal(story.org, "restore-1").read()) == []
    erase(story)
    for name in (CERTIFICATE, JOURNAL):
        assert not (folder / f"orgs/{story.org}/{name}").exists()


def test_who_may_not_delete_salvages_all_the_same() -> None:
    store = KeepingStore()
    story = vaultstory.told(store)
    store.may_delete = True
    store.delete(f"orgs/{story.org}/{JOURNAL}")
    store.may_delete = False
    again = vaultstory.opened_again(story, store)
    done = again.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    assert done.snapshot == again.vault.commits(story.org)[-1].number
    assert again.vault.verify(VerifyLevel.DEEP).damages == ()


def night_and_checkpoint(story: Story) -> None:
    story.clock.advance(days=1)
    commit = story.vault.begin(
        story.org, run="night-9", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    commit.put_schema(vaultstory.WIDER)
    changed = story.rows(vaultstory.accounts([3], Region__c="X"))
    vaultstory.finish(story, commit, [story.add(commit, "Account", [changed])])
    story.vault.org_vault(story.org).chain.renew_checkpoint()


@pytest.mark.parametrize("kind", [CommitKind.ERASE, CommitKind.SALVAGE])
def test_a_lost_commit_that_took_something_away_stops_no_salvage(
    tmp_path: Path, kind: CommitKind
) -> None:
    story, folder = damaged(tmp_path, JOURNAL, how="gone")
    story.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    if kind is CommitKind.ERASE:
        erase(story)
    number = story.vault.commits(story.org)[-1].number
    assert story.vault.commits(story.org)[-1].kind is kind
    story.clock.advance(days=8)
    story.store.put_new(object_names.segment(story.org, "ab" * 16), b"stray")
    story.vault.sweep(story.org, run="sweep-0")  # a commit from which on it waits for nothing
    night_and_checkpoint(story)
    hurt(folder, object_names.commit(story.org, number), "gone")
    state = story.vault.org_vault(story.org).chain.live()
    entry = state.of("Account", until=state.seq)[0].entry
    hurt(folder, object_names.segment(story.org, entry.object), "gone")
    story = opened(story, folder)
    done = story.vault.apply(story.org, unconditional(Salvage()), run="salvage-2")
    assert done.objects == (object_names.segment(story.org, entry.object),)
    if kind is CommitKind.SALVAGE:
        story.vault.sweep(story.org, run="sweep-1")


def test_a_certificate_of_a_lost_commit_has_nothing_in_its_place(tmp_path: Path) -> None:
    story, folder = damaged(tmp_path, CERTIFICATE, how="gone")
    night_and_checkpoint(story)
    hurt(folder, object_names.commit(story.org, 1), "gone")
    story = opened(story, folder)
    done = story.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    assert done.certificates == (1,)
    lost = {one.object for one in story.vault.verify(VerifyLevel.FULL).damages}
    assert lost == {object_names.commit(story.org, 1)}
