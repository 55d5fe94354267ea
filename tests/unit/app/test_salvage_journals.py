"""What a home says and does where a certificate or a journal was lost and given up."""

from dataclasses import replace
from pathlib import Path

import pytest

from homes import WRITE_SECRET, World
from unit.app.test_salvage import KEY, kept
from unlost.alerts.rules import alarms
from unlost.app.actions import erase as erasing
from unlost.app.actions.backup import backup
from unlost.app.actions.outcome import outcome
from unlost.app.actions.overview import Protection, overview
from unlost.app.actions.restore_plan import PlanRequest, make_plan
from unlost.app.actions.restore_run import run_plan
from unlost.app.actions.salvage import plan, salvage
from unlost.app.actions.writer import NewWriter, set_writer
from unlost.app.digest import digest
from unlost.app.health_orgs import org_looks
from unlost.app.watching import Watcher
from unlost.catalog.orgs import get_org
from unlost.catalog.runs import RunState, find_run
from unlost.model.errors import Conflict, IntegrityError, NotFound

__all__ = ["kept"]


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
    assert state.protection is not Protection.PROTECTED
    watched = Watcher().gather(kept.app)
    rules = {one.rule for one in alarms(watched)}
    assert "no-recent-backup" not in rules
    assert "incomplete" in rules
    assert "no backup yet" not in digest(watched, lasting=0).sentence
    said = " ".join(
        look.check.sentence for look in org_looks(kept.app, get_org("sales"), ask=False)
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
    with pytest.raises(Conflict) as caught:
        run_plan(kept.app, file)
    assert caught.value.code == "journal-closed"
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


def _breaks(*_: object, **__: object) -> None:
    raise RuntimeError("cut off")


def test_a_restore_that_failed_and_lost_its_journal_stops_nothing_for_ever(
    kept: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cut_off(kept, planned(kept, tmp_path), monkeypatch)
    assert kept.home.vault is not None
    (first, *_) = sorted(kept.home.vault.glob(f"orgs/*/journal/{run}/*"))
    data = bytearray(first.read_bytes())
    data[-1] ^= 1
    first.chmod(0o600)
    first.write_bytes(data)
    given_up(kept)
    wish = erasing.WishedErasure((f"Account/{KEY}",))
    seen = erasing.plan(kept.app, "sales", wish)
    assert erasing.erase(kept.app, "sales", wish, plan=seen.digest).records


def test_a_restore_that_may_go_on_keeps_its_damaged_journal(
    kept: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cut_off(kept, planned(kept, tmp_path), monkeypatch)
    assert kept.home.vault is not None
    (first, *_) = sorted(kept.home.vault.glob(f"orgs/*/journal/{run}/*"))
    first.chmod(0o600)
    first.write_bytes(first.read_bytes()[:-1])
    kept.app.open_anew()
    seen = plan(kept.app)
    found = find_run(run)
    assert found is not None
    monkeypatch.setattr(
        "unlost.app.open_restores.find_run", lambda _: replace(found, state=RunState.RUNNING)
    )
    with pytest.raises(IntegrityError):
        salvage(kept.app, plan=seen.digest)
