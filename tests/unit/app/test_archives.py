"""An archive from the command to the inbox: its records are no losses, whatever happens to the run."""

from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.alerts.overview import overview
from unlost.app.actions.archive.archives import list_archives
from unlost.app.actions.backups.certificate import certificate
from unlost.app.actions.orgs.org_page import org_page
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.losses import losses
from unlost.app.actions.restores.kept_plan import choose, choose_again, make_plan_now
from unlost.app.actions.restores.outcome import outcome
from unlost.app.actions.restores.queued_restore import do_restore, hand_over
from unlost.app.actions.restores.restore_plan import PlanRequest, PlanResult, RestoreRequest
from unlost.app.actions.restores.restore_run import resume_run, runs
from unlost.app.records.changes.own_deletions import own_deletions
from unlost.catalog.mass_changes import backup_changes
from unlost.catalog.orgs.archive_policies import PolicyStored, find_saved_policy, store_policy
from unlost.catalog.runs.runs import RunState
from unlost.engine.restore.running.passes import archiving
from unlost.engine.restore.values.outcome import Ending
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.errors import NotFound, UsageError
from unlost.model.mass_changes import MassKind
from unlost.model.plan import TwinPolicy
from unlost.model.saved_policy import SavedPolicy
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.faults import Crash

EVERY = ArchivePolicy("all", "Account", (Condition("Name", Comparison.IS_NOT, ("",)),))

opened = scene(open_shop)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    set_writer(made.app, WRITER)
    return made


def planned(shop: Shop, **more: object) -> PlanResult:
    return shop.plan(archive=EVERY, **more)


def test_an_archive_reads_copies_from_the_store_itself(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A local copy of the vault's objects would hide that the store lost them."""
    kind = type(shop.app.whole_vault)
    real, readers = kind.uncached, []

    def uncached(vault: object) -> object:
        readers.append(real(vault))
        return readers[-1]

    monkeypatch.setattr(kind, "uncached", uncached)
    shop.run(planned(shop))
    assert readers


def test_a_surplus_switches_off_the_schedule_of_a_policy_that_a_person_ran(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = shop.app.names()[shop.oid]
    saved = SavedPolicy(0, org, shop.oid, EVERY, "ada", "", shop.app.clock.now(), is_on=True)
    assert store_policy(saved, most=9) is PolicyStored.STORED
    platform, surplus = shop.writer.platform, next(iter(shop.live("Contact")))
    delete = platform.delete

    def trigger(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        if surplus in shop.live("Contact"):
            delete("Contact", surplus, by=by)

    monkeypatch.setattr(platform, "delete", trigger)
    monkeypatch.setattr(archiving, "FIRST_TURN", 1)
    result = shop.run(planned(shop))
    assert any(record.code == "archive-vanished" for record in result.records)
    stored = find_saved_policy(org, EVERY.name)
    assert stored is not None
    assert not stored.is_on
    assert stored.problem is not None
    assert "vanished" in stored.problem.sentence


def deletions(shop: Shop) -> list[object]:
    return [c for c in backup_changes(shop.oid)[0].changes if c.kind is MassKind.DELETED]


def test_archived_records_are_no_losses(shop: Shop) -> None:
    result = shop.run(planned(shop))
    assert result.run.startswith("archive-")
    assert shop.live("Account") == {}
    shop.night()
    assert losses(shop.app, "sales").losses == ()
    assert deletions(shop) == []


def test_a_stopped_archive_makes_no_losses_either(shop: Shop) -> None:
    """The records are gone, and the vault has no archived state of them yet."""
    plan = planned(shop)
    shop.writer.faults.plant("written", Crash(), table="Account")
    with pytest.raises(Crash):
        shop.run(plan)
    shop.writer.faults.clear()
    assert shop.live("Account") == {}
    shop.night()
    assert losses(shop.app, "sales").losses == ()
    assert deletions(shop) == []
    assert resume_run(shop.app, plan.run).whole
    versions = shop.app.whole_vault.history(shop.oid, "Account", CUSTOMER)
    assert str(versions[-1].op) == "A"


def test_an_archive_is_a_run_of_its_kind(shop: Shop) -> None:
    result = shop.run(planned(shop))
    (line,) = [line for line in runs(shop.app).runs if line.run == result.run]
    assert (line.kind, line.state) == (CommitKind.ARCHIVE, RunState.DONE)
    (run,) = list_archives(shop.app, "sales").runs
    assert (run.policy, run.planned, run.archived) == ("all", run.archived, run.planned)
    ended = outcome(shop.app, result.run)
    assert ended is not None
    assert [each.ending for each in ended.endings] == [Ending.ARCHIVED]
    assert ended.returned == ()


def test_the_service_runs_an_archive(shop: Shop) -> None:
    handed = hand_over(shop.app, Path(planned(shop).file))
    assert do_restore(shop.app, handed.run) is RunState.DONE
    assert shop.live("Account") == {}


def test_records_that_are_left_out_stay(shop: Shop) -> None:
    shop.run(planned(shop, without=(f"Account/{CUSTOMER}",)))
    assert set(shop.live("Account")) == {CUSTOMER}


def test_a_plan_has_one_source_of_records(shop: Shop) -> None:
    with pytest.raises(UsageError, match="exactly one way"):
        planned(shop, undo="restore-1")


# --- a backup between a stopped archive and its resume ----------------------------------------------


def stopped(shop: Shop) -> PlanResult:
    """An archive that stopped after it had deleted the customer with two contacts."""
    plan = planned(shop)
    shop.writer.faults.plant("written", Crash(), table="Account")
    with pytest.raises(Crash):
        shop.run(plan)
    shop.writer.faults.clear()
    return plan


def shown_deleted(shop: Shop) -> tuple[int, int, int, int]:
    """Deleted records: of the certificate, of Home (twice), and of the page of the org."""
    proof = certificate(shop.app, "sales", at="latest").certificate
    (state,) = overview(shop.app).orgs
    assert state.last is not None
    page = org_page(shop.app, "sales")
    return (
        sum(line.deleted for line in proof.tables),
        state.lost,
        state.last.counts.deleted,
        sum(line.deleted for line in page.tables) + page.nights[0].counts.deleted,
    )


def test_a_backup_while_an_archive_is_stopped_shows_no_deleted_records(shop: Shop) -> None:
    plan = stopped(shop)
    shop.night()
    assert shop.app.whole_vault.newest_backup(shop.oid).info.counts.deleted > 2
    assert shown_deleted(shop) == (0, 0, 0, 0)
    resume_run(shop.app, plan.run)
    assert shown_deleted(shop) == (0, 0, 0, 0)


def test_other_deletions_beside_a_stopped_archive_are_shown(shop: Shop) -> None:
    stopped(shop)
    shop.platform.delete("Paper", shop.paper, by="U9")
    shop.night()
    assert shown_deleted(shop) == (1, 1, 1, 2)


def test_deletions_of_a_run_whose_journal_was_erased_raise_no_error(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.lose()
    shop.night()
    shop.run(shop.plan(f"Account/{CUSTOMER}"))
    last = shop.night()

    def erased(_journal: object, run: str) -> None:
        raise NotFound("run-unknown", "The vault has no journal of the run {run}.", run=run)

    monkeypatch.setattr("unlost.app.records.changes.own_deletions.effects_of", erased)
    assert own_deletions(shop.app, shop.oid, after=1, until=last) == {}


def taken_number(shop: Shop) -> str:
    """Archive all, leave the bin; an integration then creates a record with a unique value of one."""
    number = shop.live("Account")[CUSTOMER]["Number"]
    shop.platform.unique.append(("Account", ("Number",)))
    run = shop.run(planned(shop)).run
    shop.platform.purge_bin()
    shop.org.create("Account", {"Name": "By an integration", "Number": number})
    return run


def test_an_undo_of_an_archive_never_overwrites_the_live_record_that_took_a_number(
    shop: Shop,
) -> None:
    run = taken_number(shop)
    kept = shop.plan(undo=run)
    assert [twin.record for twin in kept.summary.twins] == [CUSTOMER]
    adopting = shop.plan(undo=run, twins=TwinPolicy.ADOPT)
    assert adopting.summary.twins == ()
    assert shop.run(adopting).whole
    names = {cells["Name"] for cells in shop.live("Account").values()}
    assert "By an integration" not in names


def test_a_plan_again_that_overwrites_makes_the_same_plan_for_an_archive(shop: Shop) -> None:
    run = taken_number(shop)
    view = choose(shop.app, "sales", RestoreRequest(PlanRequest("sales", undo=run)))
    make_plan_now(shop.app, "sales", view.plan)
    again = choose_again(shop.app, "sales", view.plan, twins=TwinPolicy.ADOPT)
    summary = make_plan_now(shop.app, "sales", again.plan).summary
    assert summary is not None
    assert summary.twins == ()
