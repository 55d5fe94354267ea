"""What a home says and does where a certificate or a journal was lost and given up."""

from dataclasses import replace
from pathlib import Path

import pytest

from homes import WRITE_SECRET, World
from unit.app.test_salvage import KEY, kept, on_disk, vault_of
from unlost.alerts.rules import raised_alerts
from unlost.app.actions.alerts.overview import overview
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.certificate import certificate
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.app.actions.restores.outcome import outcome
from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
from unlost.app.actions.restores.restore_run import retry_run, run_plan
from unlost.app.actions.retention import erase as erasing
from unlost.app.actions.vault.salvage import plan, salvage
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.alerts.digest_email import digest
from unlost.app.health.orgs import org_checks
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.runs import RunState, find_run
from unlost.model.errors import Conflict, IntegrityError, NotFound
from unlost.model.source.schema import WireKind
from unlost.model.status import OrgStatus
from unlost.testing.platform import RowRefused
from unlost.vault.layout import object_names

__all__ = ["kept", "on_disk"]


def given_up(world: World) -> None:
    world.app.open_anew()
    seen = plan(world.app)
    assert salvage(world.app, plan=seen.digest).whole


def lost(world: World, pattern: str) -> None:
    assert world.home.vault is not None
    max(world.home.vault.glob(pattern)).unlink()


def planned(world: World, tmp_path: Path) -> Path:
    set_writer(world.app, NewWriter("sales", {}, {"password": WRITE_SECRET}))
    world.org.update("Account", KEY, {"Phone": "wrong"})
    asked = PlanRequest("sales", (f"Account/{KEY}",), at="2")
    return Path(make_plan(world.app, asked, tmp_path / "plan.json").file)


def test_a_night_without_its_certificate_is_told_to_have_gaps_and_not_to_be_missing(
    kept: World,
) -> None:
    backup(kept.app, "sales")
    assert kept.home.vault is not None
    for one in kept.home.vault.glob("orgs/*/certs/*"):
        one.unlink()
    given_up(kept)
    (state,) = overview(kept.app).orgs
    assert state.gaps
    assert state.status is not OrgStatus.PROTECTED
    watched = Watcher().gather(kept.app)
    rules = {one.rule for one in raised_alerts(watched)}
    assert "no-recent-backup" not in rules
    assert "incomplete" in rules
    assert "no backup yet" not in digest(watched, lasting=0).sentence
    said = " ".join(
        look.check.sentence for look in org_checks(kept.app, get_org("sales"), ask=False)
    )
    assert "no backup yet" not in said
    assert "certificate of this backup was lost" in said
    kept.clock.advance(days=1)
    backup(kept.app, "sales")
    assert overview(kept.app).orgs[0].gaps == 0


def test_a_plan_whose_journal_was_given_up_is_not_run_again(kept: World, tmp_path: Path) -> None:
    file = planned(kept, tmp_path)
    run = run_plan(kept.app, file).run
    lost(kept, f"orgs/*/journal/{run}/*")
    given_up(kept)
    before = kept.org.tables["Account"].records[KEY]
    with pytest.raises(NotFound) as told:
        outcome(kept.app, run)
    assert told.value.code == "journal-gone"
    with pytest.raises(NotFound) as other:
        outcome(kept.app, "restore-never")
    assert other.value.code == "run-unknown"
    was = find_run(run)
    with pytest.raises(Conflict) as caught:
        run_plan(kept.app, file)
    assert caught.value.code == "journal-closed"
    assert find_run(run) == was
    assert kept.org.tables["Account"].records[KEY] == before


def cut_off(world: World, file: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A restore that failed at its first call; its run."""
    platform = world.connector.writer("one").platform
    with monkeypatch.context() as patched:
        patched.setattr(platform, "update", _breaks)
        with pytest.raises(RuntimeError):
            run_plan(world.app, file)
    assert world.home.vault is not None
    (journal,) = world.home.vault.glob("orgs/*/journal/*")
    found = find_run(journal.name)
    assert found is not None
    assert found.state is RunState.FAILED
    return journal.name


def cut_short(world: World, run: str) -> None:
    """The first entry of a journal lacks its end."""
    assert world.home.vault is not None
    first = min(world.home.vault.glob(f"orgs/*/journal/{run}/*"))
    first.chmod(0o600)
    first.write_bytes(first.read_bytes()[:-1])


def _breaks(*_: object, **__: object) -> None:
    raise RuntimeError("cut off")


def test_a_restore_that_failed_and_lost_its_journal_stops_nothing_for_ever(
    kept: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cut_off(kept, planned(kept, tmp_path), monkeypatch)
    cut_short(kept, run)
    given_up(kept)
    wish = erasing.ErasureRequest((f"Account/{KEY}",))
    seen = erasing.plan(kept.app, "sales", wish)
    assert erasing.erase(kept.app, "sales", wish, plan=seen.digest).records


def test_a_restore_that_may_go_on_keeps_its_damaged_journal(
    kept: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cut_off(kept, planned(kept, tmp_path), monkeypatch)
    cut_short(kept, run)
    kept.app.open_anew()
    seen = plan(kept.app)
    found = find_run(run)
    assert found is not None
    monkeypatch.setattr(
        "unlost.app.restores.open_restores.find_run",
        lambda _: replace(found, state=RunState.RUNNING),
    )
    with pytest.raises(IntegrityError):
        salvage(kept.app, plan=seen.digest)


@pytest.mark.parametrize("which", [0, 1])
def test_what_failed_is_tried_again_though_the_journal_of_another_try_was_given_up(
    kept: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    file = planned(kept, tmp_path)
    platform = kept.connector.writer("one").platform
    with monkeypatch.context() as patched:
        patched.setattr(platform, "update", _refuses)
        first = run_plan(kept.app, file)
        tries = [first.run, retry_run(kept.app, first.run).run]
    lost(kept, f"orgs/*/journal/{tries.pop(which)}/*")
    given_up(kept)
    done = retry_run(kept.app, tries[0])
    assert done.whole
    assert done.run.endswith("-try-3")


def _refuses(*_: object, **__: object) -> None:
    raise RowRefused("RULE", "Not today.", "Phone")


def test_a_service_that_runs_says_that_the_newest_night_has_lost_its_certificate(
    kept: World,
) -> None:
    watcher = Watcher()
    backup(kept.app, "sales")
    assert "incomplete" not in {one.rule for one in raised_alerts(watcher.gather(kept.app))}
    lost(kept, "orgs/*/certs/*")
    given_up(kept)
    assert "incomplete" in {one.rule for one in raised_alerts(watcher.gather(kept.app))}


def test_the_plan_tells_which_tables_are_read_whole_because_nobody_knows_their_files(
    kept: World,
) -> None:
    kept.org.add_table("Paper", {"Name": WireKind.TEXT}, files=True)
    kept.org.attach("Paper", "r.txt", b"cocoa")
    backup(kept.app, "sales")
    oid = get_org("sales").oid
    names = [info.certificate or "" for info in kept.app.whole_vault.snapshots(oid)]
    assert kept.home.vault is not None
    newest, older = (kept.home.vault / names[at] for at in (-1, 0))
    older.unlink()
    kept.app.open_anew()
    assert plan(kept.app).orgs[0].reread == ()
    newest.unlink()
    kept.app.open_anew()
    assert plan(kept.app).orgs[0].reread == ("Paper",)


def test_a_commit_that_comes_back_without_its_certificate_stops_nothing(kept: World) -> None:
    for _ in range(3):
        kept.clock.advance(days=1)
        backup(kept.app, "sales")
    vault, oid = vault_of(kept), get_org("sales").oid
    vault.org_vault(oid).chain.renew_checkpoint()
    info = vault.snapshots(oid)[-2]
    assert kept.home.vault is not None
    commit = kept.home.vault / object_names.commit(oid, info.number)
    held = commit.read_bytes()
    for one in (kept.home.vault / (info.certificate or ""), commit):
        one.unlink()
    kept.app.open_anew()
    assert salvage(kept.app, plan=plan(kept.app).digest).orgs[0].certificates == (info.number,)
    commit.write_bytes(held)
    kept.app.open_anew()
    assert Watcher().gather(kept.app).unreadable is None
    with pytest.raises(NotFound) as caught:
        certificate(kept.app, "sales", at=str(info.number))
    assert caught.value.code == "certificate-missing"
