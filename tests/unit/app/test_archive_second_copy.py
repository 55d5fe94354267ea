"""A policy that demands a second copy: no record leaves the org before the mirror has its copy."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import move
from typing import Any

import pytest

from diskhome import put_on_disk
from homes import World
from scenes import Lead, scene
from unit.app.shop import WRITER, Shop, begin_shop
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.restores.queued_restore import do_restore, hand_over
from unlost.app.actions.restores.restore_plan import PlanResult
from unlost.app.actions.restores.restore_run import resume_run
from unlost.app.actions.vault.mirror import end_mirror, run_mirror, set_mirror
from unlost.catalog.runs.runs import RunState, find_run
from unlost.engine.restore.running.passes import archiving
from unlost.model.archive import ArchiveBranch, ArchivePolicy, BranchRule, Comparison, Condition
from unlost.model.errors import LimitReached, UsageError
from unlost.vault.stores.address import StoreAddress

TWICE = ArchivePolicy(
    "all",
    "Account",
    (Condition("Name", Comparison.IS_NOT, ("",)),),
    (ArchiveBranch("Paper", "Account", BranchRule.TAKE),),
    second_copy=True,
)


def on_disk_shop(world: World) -> Shop:
    put_on_disk(world)
    made = begin_shop(world)
    set_writer(made.app, WRITER)
    return made


opened = scene(on_disk_shop)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    return made


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "second"


@pytest.fixture
def mirrored(shop: Shop, place: Path) -> Shop:
    set_mirror(shop.app, StoreAddress(place))
    run_mirror(shop.app)
    return shop


def planned(shop: Shop) -> PlanResult:
    return shop.plan(archive=TWICE)


def not_begun(shop: Shop, plan: PlanResult, *, code: str) -> None:
    """The run waits, and each record is still in the org."""
    before = shop.live("Account")
    with pytest.raises(LimitReached) as stopped:
        shop.run(plan)
    assert stopped.value.message.args["why"].code == code
    assert "archived; " in stopped.value.sentence
    run = find_run(plan.run)
    assert run is not None
    assert run.state is RunState.PARKED
    assert run.resume_at is not None
    assert shop.live("Account") == before
    assert not [call for call in shop.writer.calls if call[0] == "delete"]


def test_records_leave_once_the_mirror_has_their_copies(mirrored: Shop) -> None:
    assert mirrored.run(planned(mirrored)).whole
    assert mirrored.live("Account") == mirrored.live("Paper") == {}


def test_without_a_mirror_nothing_is_planned(shop: Shop) -> None:
    with pytest.raises(UsageError) as refused:
        planned(shop)
    assert refused.value.code == "archive-no-mirror"


def test_a_mirror_that_was_given_up_after_the_plan_stops_the_run(mirrored: Shop) -> None:
    plan, before = planned(mirrored), mirrored.live("Account")
    end_mirror(mirrored.app)
    with pytest.raises(UsageError) as refused:
        mirrored.run(plan)
    assert refused.value.code == "archive-no-mirror"
    assert mirrored.live("Account") == before


def test_the_run_waits_for_a_mirror_that_is_behind(mirrored: Shop) -> None:
    mirrored.night()
    plan = planned(mirrored)
    not_begun(mirrored, plan, code="archive-mirror-behind")
    run_mirror(mirrored.app)
    assert resume_run(mirrored.app, plan.run).whole
    assert mirrored.live("Account") == {}


def test_the_run_waits_for_a_mirror_that_was_never_filled(shop: Shop, place: Path) -> None:
    set_mirror(shop.app, StoreAddress(place))
    not_begun(shop, planned(shop), code="archive-mirror-away")


def test_the_run_waits_for_a_mirror_that_is_away(mirrored: Shop, place: Path) -> None:
    plan = planned(mirrored)
    move(place, place.with_name("unplugged"))
    not_begun(mirrored, plan, code="archive-mirror-away")
    move(place.with_name("unplugged"), place)
    assert resume_run(mirrored.app, plan.run).whole


def test_a_mirror_that_goes_away_between_two_turns_stops_the_run(
    mirrored: Shop, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, platform = planned(mirrored), mirrored.writer.platform
    delete, before = platform.delete, len(mirrored.live("Account"))

    def unplugged(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        if place.exists():
            move(place, place.with_name("unplugged"))

    monkeypatch.setattr(platform, "delete", unplugged)
    monkeypatch.setattr(archiving, "FIRST_TURN", 1)
    with pytest.raises(LimitReached) as stopped:
        mirrored.run(plan)
    assert stopped.value.message.args["why"].code == "archive-mirror-away"
    assert len(mirrored.live("Account")) == before - 1
    monkeypatch.undo()
    move(place.with_name("unplugged"), place)
    assert resume_run(mirrored.app, plan.run).whole
    assert mirrored.live("Account") == {}


def test_the_service_looks_at_the_mirror_again(mirrored: Shop) -> None:
    mirrored.night()
    run = hand_over(mirrored.app, Path(planned(mirrored).file)).run
    assert do_restore(mirrored.app, run) is RunState.PARKED
    run_mirror(mirrored.app)
    mirrored.world.clock.advance(seconds=timedelta(minutes=15).total_seconds())
    assert do_restore(mirrored.app, run) is RunState.DONE
    assert mirrored.live("Account") == {}


def test_a_record_whose_copy_is_damaged_in_the_mirror_stays(mirrored: Shop, place: Path) -> None:
    """The file of the paper is in a pack, whose first bytes are changed there."""
    for pack in [file for file in place.rglob("packs/*/*") if file.is_file()]:
        data = pack.read_bytes()
        pack.chmod(0o600)
        pack.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    result = mirrored.run(planned(mirrored))
    assert {record.code for record in result.records} >= {"archive-no-second-copy"}
    assert mirrored.live("Paper")


def test_records_whose_rows_are_lost_in_the_mirror_stay(mirrored: Shop, place: Path) -> None:
    before = mirrored.live("Account")
    for piece in [file for file in place.rglob("data/*/*") if file.is_file()]:
        piece.chmod(0o600)
        piece.unlink()
    result = mirrored.run(planned(mirrored))
    assert {record.code for record in result.records} <= {
        "archive-no-second-copy",
        "archive-together",
    }
    assert mirrored.live("Account") == before


class WithoutFiles:
    """A vault, or a snapshot of it, that lists no files."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def at(self, *args: Any, **more: Any) -> Any:
        """Open a snapshot without files."""
        return WithoutFiles(self._real.at(*args, **more))

    def files(self, *_: object) -> list[object]:
        """List no files."""
        return []


def test_a_file_that_only_the_mirror_lacks_is_not_missed_in_the_vault(
    mirrored: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence sent people to the vault, whose copy is whole."""
    real = archiving.open_second_copy

    def lossy(session: Any) -> Any:
        second = real(session)
        return replace(second, vault=WithoutFiles(second.vault))

    monkeypatch.setattr(archiving, "open_second_copy", lossy)
    result = mirrored.run(planned(mirrored))
    (sentence,) = {r.sentence for r in result.records if r.code == "archive-no-second-copy"}
    assert "The mirror does not have its file." in sentence
    assert "The vault" not in sentence
