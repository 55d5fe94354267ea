"""The vault's second copy: named, filled by the service, told of, and what the vault is mended from."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from diskhome import put_on_disk
from fakes.keeping_store import KeepingStore
from homes import SECRET, World
from scenes import Lead, scene
from unlost.app.actions.alerts.doctor import doctor
from unlost.app.actions.alerts.overview import overview
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.retention.erase import ErasureRequest, erase, plan
from unlost.app.actions.runs.due_jobs import enqueue_due_jobs
from unlost.app.actions.vault.mirror import (
    ask_mirror,
    end_mirror,
    mirror_state,
    run_mirror,
    set_mirror,
    update_mirror_job,
)
from unlost.app.actions.vault.repair import heal_vault, repair, verify_mirror_part
from unlost.app.actions.vault.verify import verify
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.home.home import FILE, read_home, write_mirror
from unlost.app.service.service import Service
from unlost.app.vault.mirror import MirrorCondition, check_separate_store
from unlost.catalog.vault.checks import (
    last_mirror_check,
    last_repair,
    newest_checks,
    save_check,
    standing_check,
)
from unlost.catalog.vault.mirroring import last_mirror, save_mirror, want_mirror
from unlost.jobs.slots import take_slot
from unlost.model.errors import Conflict, NotFound, StoreError, UsageError
from unlost.model.message import Message, code_of
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.runs.night import CheckRecord, standing_damages
from unlost.model.vault.mirror import MirrorRecord
from unlost.model.vault.snapshot import VerifyLevel, VerifyPart
from unlost.testing.clock import START
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.address import BucketOptions, StoreAddress
from unlost.vault.stores.local import LocalStore


class Asked:
    """Notes jobs."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def delete_failed(self, ids: object) -> None:
        """Nothing breaks off here."""

    def enqueue(self, job: Job) -> None:
        self.jobs.append(job)


def live(world: World) -> None:
    """A home whose vault lies on the disk, with two nights of an org."""
    put_on_disk(world)
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    for _ in range(2):
        backup(world.app, "sales")
        world.clock.advance(days=1)


on_disk = scene(live)


@pytest.fixture
def kept(world: World, on_disk: Lead) -> World:
    """A home whose vault lies on the disk, with two nights of an org."""
    on_disk(world)
    return world


@pytest.fixture
def place(tmp_path: Path) -> StoreAddress:
    return StoreAddress(tmp_path / "second")


@pytest.fixture
def mirrored(kept: World, place: StoreAddress) -> World:
    set_mirror(kept.app, place)
    run_mirror(kept.app)
    return kept


def files(place: StoreAddress) -> set[str]:
    assert place.folder is not None
    return {str(one.relative_to(place.folder)) for one in place.folder.rglob("*") if one.is_file()}


def segment(folder: Path | None) -> Path:
    assert folder is not None
    return next(one for one in sorted(folder.rglob("data/*/*")) if one.suffix != ".idx")


def spoil(file: Path) -> bytes:
    """Change a byte; what it was."""
    data = file.read_bytes()
    file.chmod(0o600)
    file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    return data


# --- where it lies --------------------------------------------------------------------------------


def test_the_place_is_written_beside_what_people_wrote(kept: World, place: StoreAddress) -> None:
    file = kept.home.root / FILE
    file.write_text(file.read_text() + "\n# moved in spring\n[custom]\nx = 1\n")
    before = file.read_text()
    state = set_mirror(kept.app, place)
    assert (state.place, state.last, state.condition) == (str(place), None, MirrorCondition.LATE)
    assert "# moved in spring" in file.read_text()
    assert read_home(kept.home.root).mirror == place
    bucket = StoreAddress(None, "s3", "box", "a", BucketOptions("http://127.0.0.1:9", "eu"))
    write_mirror(kept.home, bucket)
    assert read_home(kept.home.root).mirror == bucket
    assert file.read_text().count("[mirror]") == 1
    assert end_mirror(kept.app).condition is MirrorCondition.NONE
    assert file.read_text().rstrip() == before.rstrip()
    with pytest.raises(NotFound):
        end_mirror(kept.app)


def test_a_place_that_is_of_no_use_is_refused(kept: World, tmp_path: Path) -> None:
    assert kept.home.vault is not None
    for folder in (kept.home.vault, kept.home.vault / "in", kept.home.root):
        with pytest.raises(UsageError) as caught:
            set_mirror(kept.app, StoreAddress(folder))
        assert caught.value.code in {"copy-same-place", "key-in-vault"}
    with pytest.raises(UsageError) as inside:
        set_mirror(kept.app, StoreAddress(kept.home.service_key.parent))
    assert inside.value.code == "key-in-vault"
    assert read_home(kept.home.root).mirror is None


# --- filling it -----------------------------------------------------------------------------------


def test_it_is_filled_told_of_and_a_home_can_be_made_from_it(
    mirrored: World, place: StoreAddress
) -> None:
    state = mirror_state(mirrored.app)
    assert state.condition is MirrorCondition.FRESH
    assert state.last is not None
    assert state.last.clean
    assert state.last.objects == len(files(place))
    again = run_mirror(mirrored.app)
    assert (again.objects, again.there) == (0, len(files(place)))
    mirrored.clock.advance(days=2)
    assert mirror_state(mirrored.app).condition is MirrorCondition.LATE
    backup(mirrored.app, "sales")
    done = run_mirror(mirrored.app)
    assert done.objects > 0
    assert mirror_state(mirrored.app).condition is MirrorCondition.FRESH


def test_without_one_nothing_is_filled(kept: World) -> None:
    assert update_mirror_job(kept.app) is None
    for act in (run_mirror, ask_mirror, repair):
        with pytest.raises(NotFound) as caught:
            act(kept.app)
        assert caught.value.code == "mirror-none"
    assert heal_vault(kept.app, ()) is None
    assert verify_mirror_part(kept.app, part=None) is None


def test_two_at_once_are_one(mirrored: World) -> None:
    held = mirrored.app.locks.take("mirror")
    assert held is not None
    with pytest.raises(Conflict) as caught:
        run_mirror(mirrored.app)
    assert caught.value.code == "mirror-under-way"
    assert update_mirror_job(mirrored.app) is None
    held.release()
    assert update_mirror_job(mirrored.app) is not None


def test_what_fails_is_kept_and_the_last_good_one_is_remembered(
    mirrored: World, place: StoreAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = last_mirror()
    assert good is not None

    def away(*_: object) -> None:
        raise StoreError("store-failed", "The bucket is away.")

    mirrored.clock.advance(hours=5)
    with monkeypatch.context() as patch:
        patch.setattr("unlost.app.actions.vault.mirror.update_mirror", away)
        failed = update_mirror_job(mirrored.app)
        with pytest.raises(StoreError):
            run_mirror(mirrored.app)
    assert failed is not None
    assert (code_of(failed.error), failed.done_at) == ("store-failed", good.done_at)
    assert update_mirror_job(mirrored.app) != failed
    assert mirrored.app.locks.take("mirror") is not None


def test_damage_is_not_taken_over_and_told(mirrored: World) -> None:
    backup(mirrored.app, "sales")
    mirrored.org.update("Account", "A40017", {"Phone": "+41 1"})
    backup(mirrored.app, "sales")
    known = files(StoreAddress(mirrored.home.vault))
    fresh = [one for one in known if not (mirrored.home.root.parent / "second" / one).exists()]
    data = next(one for one in sorted(fresh) if "/data/" in one and not one.endswith(".idx"))
    assert mirrored.home.vault is not None
    spoil(mirrored.home.vault / data)
    done = run_mirror(mirrored.app)
    assert done.damaged == (data,)
    last = last_mirror()
    assert last is not None
    assert not last.clean


# --- when the service does it ---------------------------------------------------------------------


def asked(world: World) -> list[Job]:
    desk = Asked()
    enqueue_due_jobs(world.app, desk)
    return [job for job in desk.jobs if job.kind is JobKind.MIRROR]


def test_it_is_brought_up_to_date_when_something_changed(kept: World, place: StoreAddress) -> None:
    assert asked(kept) == []
    set_mirror(kept.app, place)
    assert len(asked(kept)) == 1  # it was never filled
    run_mirror(kept.app)
    assert asked(kept) == []
    kept.clock.advance(hours=2)
    assert asked(kept) == []  # nothing has changed
    backup(kept.app, "sales")
    assert len(asked(kept)) == 1
    run_mirror(kept.app)
    backup(kept.app, "sales")
    assert asked(kept) == []  # it was begun within the hour
    want_mirror()
    assert len(asked(kept)) == 1
    run_mirror(kept.app)
    kept.clock.advance(days=1)
    assert len(asked(kept)) == 1  # once a day whatever happens


def test_one_that_failed_is_tried_again_every_hour(mirrored: World, place: StoreAddress) -> None:
    now = mirrored.clock.now()
    save_mirror(MirrorRecord(str(place), now, now, error=Message("store-failed", "")))
    assert asked(mirrored) == []
    mirrored.clock.advance(hours=1)
    assert len(asked(mirrored)) == 1


def test_another_place_is_filled_at_once(mirrored: World, tmp_path: Path) -> None:
    set_mirror(mirrored.app, StoreAddress(tmp_path / "third"))
    assert len(asked(mirrored)) == 1
    assert mirror_state(mirrored.app).last is None


def test_the_service_is_asked_where_it_runs(
    mirrored: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Job] = []
    monkeypatch.setattr(
        "unlost.app.actions.vault.mirror.enqueue_from_outside", lambda _, job: jobs.append(job)
    )
    with pytest.raises(Conflict) as caught:
        ask_mirror(mirrored.app)
    assert caught.value.code == "service-away"
    held = take_slot(mirrored.app.locks, alone=True).lock
    assert ask_mirror(mirrored.app).job == jobs[0].id
    held.release()


# --- mending --------------------------------------------------------------------------------------


def test_the_vault_is_mended_from_it(mirrored: World) -> None:
    victim = segment(mirrored.home.vault)
    data = spoil(victim)
    found = verify(mirrored.app, level=VerifyLevel.FULL)
    assert len(found.damages) == 1
    check = standing_check()
    assert check is not None
    assert check.damages == (found.damages[0].text,)
    done = repair(mirrored.app)
    assert done.whole
    assert victim.read_bytes() == data
    assert done.bytes == len(data)
    check, mended = standing_check(), last_repair()
    assert check is not None
    assert check.damages == ()
    assert mended is not None
    assert mended.repaired == done.objects
    assert repair(mirrored.app).objects == ()


def test_what_no_copy_has_whole_is_named(mirrored: World, place: StoreAddress) -> None:
    for folder in (mirrored.home.vault, place.folder):
        spoil(segment(folder))
    found = verify(mirrored.app, level=VerifyLevel.FULL).damages
    done = heal_vault(mirrored.app, found)
    assert done is not None
    assert len(done.still_damaged) == 1
    check = standing_check()
    assert check is not None
    assert len(check.damages) == 1
    assert heal_vault(mirrored.app, found) is None  # it reads all of the vault: not each day anew
    segment(mirrored.home.vault).unlink()
    worse = verify(mirrored.app, level=VerifyLevel.FULL).damages
    assert heal_vault(mirrored.app, worse) is not None
    mirrored.clock.advance(days=8)
    assert heal_vault(mirrored.app, worse) is not None


def test_it_is_mended_from_another_copy_too(mirrored: World, place: StoreAddress) -> None:
    end_mirror(mirrored.app)
    victim = segment(mirrored.home.vault)
    victim.unlink()
    assert repair(mirrored.app, place).whole
    assert victim.exists()


def test_the_copy_is_looked_at_and_mended_from_the_vault(
    mirrored: World, place: StoreAddress
) -> None:
    whole = verify_mirror_part(mirrored.app, part=VerifyPart(1, 1))
    assert whole is not None
    assert (whole.damages, whole.repaired) == ((), ())
    victim = segment(place.folder)
    data = spoil(victim)
    verify_mirror_part(mirrored.app, part=VerifyPart(1, 1))
    assert victim.read_bytes() == data
    check = last_mirror_check()
    assert check is not None
    assert len(check.repaired) == 1
    assert [one.mirror for one in newest_checks(most=9)] == []
    state = mirror_state(mirrored.app)
    assert state.check == check


def test_the_service_verifies_the_same_part_of_the_copy(
    mirrored: World, place: StoreAddress, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(segment(place.folder))
    service = Service(lambda flag: mirrored.opened(cancel_flag=flag), CancellationFlag())
    service._verify(Job("verify:1", JobKind.VERIFY, "", "full 1/1"))
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (told,) = [event for event in events if event["event"] == "mirror-verified"]
    assert (told["part"], told["repaired"]) == ("1/1", 1)


def test_a_copy_that_was_never_filled_is_not_looked_at(kept: World, place: StoreAddress) -> None:
    set_mirror(kept.app, place)
    assert verify_mirror_part(kept.app, part=None) is None


# --- what is told ---------------------------------------------------------------------------------


def test_the_home_and_the_doctor_say_whether_there_is_one(kept: World, place: StoreAddress) -> None:
    assert overview(kept.app).copy is MirrorCondition.NONE

    def look() -> str:
        checks = doctor(kept.app, ask=False).checks
        return next(one.sentence for one in checks if one.name == "mirror")

    assert "All backups are in one place" in look()
    set_mirror(kept.app, place)
    assert "not up to date" in look()
    run_mirror(kept.app)
    assert "up to date." in look()
    assert overview(kept.app).copy is MirrorCondition.FRESH
    last = last_mirror()
    assert last is not None
    save_mirror(replace(last, strange=("x",)))
    assert "could not be copied" in look()


# --- which damage stands --------------------------------------------------------------------------


def check(level: str, *damages: str, part: VerifyPart | None = None, hours: int = 0) -> CheckRecord:
    return CheckRecord(START + timedelta(hours=hours), level, 1, 1, damages, part)


ONE, TWO = VerifyPart(1, 2), VerifyPart(2, 2)


@pytest.mark.parametrize(
    ("newer", "older", "stands"),
    [
        (check("quick"), check("full", "x"), True),
        (check("quick"), check("quick", "x"), False),
        (check("full"), check("full", "x"), False),
        (check("full"), check("deep", "x"), True),
        (check("deep"), check("full", "x"), False),
        (check("full", part=ONE), check("full", "x"), True),
        (check("full", part=ONE), check("full", "x", part=ONE), False),
        (check("full", part=TWO), check("full", "x", part=ONE), True),
        (check("full", part=TWO), check("quick", "x"), False),
        (check("full"), check("full", "x", part=ONE), False),
    ],
)
def test_damage_stands_until_a_look_that_would_have_found_it(
    newer: CheckRecord, older: CheckRecord, stands: bool
) -> None:
    assert standing_damages([newer, older]) == (("x",) if stands else ())
    assert standing_damages([older, newer]) == ("x",)


def test_damages_of_several_looks_are_told_together(kept: World) -> None:
    save_check(check("full", "x", "y", part=ONE, hours=1))
    save_check(check("full", "y", "z", part=TWO, hours=2))
    found = standing_check()
    assert found is not None
    assert found.damages == ("y", "z", "x")


def test_an_erasure_has_the_copy_cleaned_at_once(mirrored: World) -> None:
    assert asked(mirrored) == []
    wish = ErasureRequest(("Account/A40017",))
    erase(mirrored.app, "sales", wish, plan=plan(mirrored.app, "sales", wish).digest)
    assert len(asked(mirrored)) == 1
    assert run_mirror(mirrored.app).removed > 0
    assert asked(mirrored) == []


@pytest.mark.parametrize("part", [VerifyPart(0, 3), VerifyPart(4, 3), VerifyPart(1, 2**80)])
def test_a_part_that_there_is_not_is_refused(kept: World, part: VerifyPart) -> None:
    """A program may ask for any numbers."""
    with pytest.raises(UsageError) as caught:
        verify(kept.app, level=VerifyLevel.FULL, part=part)
    assert caught.value.code == "verify-part-wrong"
    assert standing_check() is None


def test_an_erasure_while_the_copy_is_brought_up_to_date_is_not_forgotten(
    mirrored: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*given: Any) -> Any:
        done = update_mirror(*given)
        want_mirror()
        return done

    with monkeypatch.context() as patch:
        patch.setattr("unlost.app.actions.vault.mirror.update_mirror", meanwhile)
        run_mirror(mirrored.app)
    assert len(asked(mirrored)) == 1


def test_the_copy_is_not_looked_at_while_it_is_brought_up_to_date(mirrored: World) -> None:
    held = mirrored.app.locks.take("mirror")
    assert held is not None
    assert verify_mirror_part(mirrored.app, part=None) is None
    held.release()
    assert verify_mirror_part(mirrored.app, part=None) is not None


def test_the_copy_is_kept_where_systemd_hands_over_the_key(
    kept: World, place: StoreAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = tmp_path / "credentials"
    handed.mkdir()
    kept.home.service_key.rename(handed / "unlost.service-key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    set_mirror(kept.app, place)
    assert run_mirror(kept.app).objects > 0
    assert repair(kept.app).whole


def test_an_unreadable_home_file_ends_no_night(mirrored: World) -> None:
    """Somebody edits it while the service runs."""
    file = mirrored.home.root / FILE
    text = file.read_text()
    file.write_text(text + "\n[mirror\n")
    assert asked(mirrored) == []
    assert mirror_state(mirrored.app).place == ""
    file.write_text(text)
    assert mirror_state(mirrored.app).place


def test_a_place_that_is_the_vault_under_another_name_is_refused(
    kept: World, tmp_path: Path
) -> None:
    assert kept.home.vault is not None
    (tmp_path / "alias").symlink_to(kept.home.vault.parent)
    inside = StoreAddress(tmp_path / "alias" / "vault" / "copy")
    with pytest.raises(UsageError) as caught:
        set_mirror(kept.app, inside)
    assert caught.value.code == "copy-same-place"


def test_two_addresses_of_one_bucket_are_one_place(
    kept: World, place: StoreAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with an endpoint that is written in two ways: what is put at one appears at the other."""
    own = LocalStore(kept.home.vault or place.folder)
    monkeypatch.setattr("unlost.app.vault.mirror.open_place", lambda *_: own)
    with pytest.raises(UsageError) as caught:
        check_separate_store(kept.app, place)
    assert caught.value.code == "copy-same-place"
    assert not list(own.list("probe/"))


def test_a_mirror_whose_credentials_may_not_delete_was_refused(
    kept: World, place: StoreAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """See ADR 30: the everyday credentials may put, but not delete."""
    own, other = LocalStore(kept.home.vault or place.folder), KeepingStore()
    monkeypatch.setattr(
        "unlost.app.vault.mirror.open_place", lambda _, at: other if at == place else own
    )
    check_separate_store(kept.app, place)
    assert [listed.name for listed in other.list("")] == [
        listed.name for listed in other.list("probe/")
    ]


def test_the_home_file_keeps_its_mode(kept: World, place: StoreAddress) -> None:
    file = kept.home.root / FILE
    file.chmod(0o600)
    set_mirror(kept.app, place)
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_home_file_became_the_property_of_root(
    kept: World, place: StoreAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = (kept.home.root / FILE).stat()
    owners: list[tuple[int, int]] = []
    monkeypatch.setattr("os.chown", lambda _, user, group: owners.append((user, group)))
    set_mirror(kept.app, place)
    assert owners == [(status.st_uid, status.st_gid)]


def test_the_home_file_is_written_by_who_may_not_give_it_away(
    kept: World, place: StoreAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.chown", refuse)
    set_mirror(kept.app, place)
    assert read_home(kept.home.root).mirror == place


def test_deep_damage_stands_after_a_hundred_daily_looks(kept: World) -> None:
    save_check(check("deep", "x"))
    for day in range(1, 110):
        part = VerifyPart(day % 30 + 1, 30)
        save_check(check("full", part=part, hours=24 * day))
    found = standing_check()
    assert found is not None
    assert found.damages == ("x",)


def test_a_copy_that_was_away_once_was_not_asked_again_for_a_week(
    mirrored: World, place: StoreAddress
) -> None:
    assert place.folder is not None
    segment(mirrored.home.vault).unlink()
    damages = verify(mirrored.app, level=VerifyLevel.QUICK).damages
    away = place.folder.rename(place.folder.with_name("away"))
    assert heal_vault(mirrored.app, damages) is None
    assert last_repair() is None
    away.rename(place.folder)
    healed = heal_vault(mirrored.app, damages)
    assert healed is not None
    assert healed.still_damaged == ()
