"""Archives that stopped halfway: beside each other, and after lost answers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from unit.engine.archive.test_run import POLICY, Office, archived, stayed
from unlost.engine.restore.journal.deleted import RunDeletions, deletions_of
from unlost.engine.restore.running.passes import archiving
from unlost.model.plan import RecordKey, RestorePlan
from unlost.testing.faults import Crash
from unlost.testing.memory_writer import ReplyLost


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(archiving, "FIRST_TURN", 3)  # an account, a contact and a paper
    monkeypatch.setattr(archiving, "TURN", 3)
    made = Office(tmp_path)
    yield made
    made.close()


def plan_of(office: Office, *names: str) -> RestorePlan:
    ids = tuple(office.record("Account", name) for name in names)
    return office.archive_plan(policy=replace(POLICY, ids=ids))


def stopped(office: Office, plan: RestorePlan, *, when: str = "write") -> None:
    """Run a plan until its process dies at the call for the second account."""
    office.clock.advance(hours=2)
    office.writer.faults.plant(when, Crash(), table="Account", after=1)
    with pytest.raises(Crash):
        office.run(plan)
    office.writer.faults.clear()


@pytest.mark.parametrize("when", ["write", "written"])
def test_two_archives_that_stopped_halfway_do_not_stop_each_other(
    office: Office, when: str
) -> None:
    first, second = plan_of(office, "A0", "A1"), plan_of(office, "A2", "A3")
    stopped(office, first, when=when)
    stopped(office, second, when=when)
    two = {"Account": 2, "Contact": 2, "Paper": 2}
    office.clock.advance(hours=2)
    assert archived(office.run(first)) == two
    office.clock.advance(hours=2)
    assert archived(office.run(second)) == two


def test_a_trigger_is_noticed_beside_a_parked_archive(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = plan_of(office, "A0", "A1"), plan_of(office, "A2")
    stopped(office, first)
    office.clock.advance(hours=2)
    delete, other = office.platform.delete, office.record("Account", "A4")

    def trigger(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        if not office.org.tables["Account"].records[other].deleted:
            delete("Account", other, by=by)

    monkeypatch.setattr(office.platform, "delete", trigger)
    assert stayed(office.run(second))[f"Account/{other}"] == "archive-vanished"


def dies_after_other_deletion(
    office: Office, monkeypatch: pytest.MonkeyPatch, plan: RestorePlan, *, by: Any
) -> None:
    """Another program deletes the first account, a minute before the call in which a run dies."""
    real = archiving._delete

    def delete(session: Any, steps: Any) -> None:
        office.platform.delete("Account", office.record("Account", "A0"), by=by)
        office.clock.advance(seconds=60)
        real(session, steps)

    office.writer.faults.plant("write", Crash(), table="Account")
    with monkeypatch.context() as patch:
        patch.setattr(archiving, "_delete", delete)
        with pytest.raises(Crash):
            office.run(plan)
    office.writer.faults.clear()
    office.clock.advance(hours=2)


@pytest.mark.parametrize("by", [None, "U9"])
def test_an_earlier_deletion_by_an_unknown_user_is_not_taken_for_ours_after_a_lost_answer(
    office: Office, monkeypatch: pytest.MonkeyPatch, by: str | None
) -> None:
    plan = plan_of(office, "A0")
    office.clock.advance(hours=2)
    dies_after_other_deletion(office, monkeypatch, plan, by=by)
    done = office.run(plan)
    assert stayed(done)[f"Account/{office.record('Account', 'A0')}"] == "archive-gone"
    assert "Account" not in archived(done)


def test_a_record_that_the_org_does_not_list_any_more_is_ours_after_a_lost_answer(
    office: Office,
) -> None:
    """Some tables have no bin: neither user nor time of the deletion are known."""
    plan = plan_of(office, "A0")
    office.clock.advance(hours=2)
    office.writer.faults.plant("written", ReplyLost(), table="Account")
    real = office.source.read_ids

    def read_ids(table: Any, ids: Any) -> Any:
        return iter(()) if table.name == "Account" else real(table, ids)

    office.source.read_ids = read_ids  # type: ignore[method-assign]
    assert archived(office.run(plan))["Account"] == 1


def test_a_record_that_was_to_stay_and_vanishes_stops_the_run(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its outcome said that it stays in the org, while a trigger had deleted it without a copy."""
    plan = plan_of(office, "A0", "A1", "A2")
    office.clock.advance(hours=2)
    changed = office.record("Account", "A0")
    office.org.update("Account", changed, {"Name": "A0 is in use"})
    delete = office.platform.delete

    def trigger(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        if not office.org.tables["Account"].records[changed].deleted:
            delete("Account", changed, by=by)

    monkeypatch.setattr(office.platform, "delete", trigger)
    done = office.run(plan)
    assert stayed(done)[f"Account/{changed}"] == "archive-vanished"
    assert archived(done)["Account"] == 1, "it stopped after the first turn that deleted"


# --- the count of a day -----------------------------------------------------------------------------


def deletions(office: Office, *, hours: float) -> RunDeletions:
    """The deletions of the first run since so many hours ago."""
    journal = office.vault.journal(office.oid, "archive-a-1")
    counted = deletions_of(journal, since=office.source.server_time() - timedelta(hours=hours))
    assert counted is not None
    return counted


def tables(keys: frozenset[RecordKey]) -> list[str]:
    return sorted(key.table for key in keys)


def test_a_run_that_stopped_counts_what_it_deleted_and_what_it_may_delete(office: Office) -> None:
    plan = plan_of(office, "A0", "A1", "A2")
    stopped(office, plan, when="written")
    counted = deletions(office, hours=1)
    both = ["Account"] * 2 + ["Contact"] * 2 + ["Paper"] * 2
    assert tables(counted.records) == both, "the answer of the second call is missing"
    assert len(counted.records | counted.pending) == 9
    assert counted.calls > 1
    office.clock.advance(days=1)
    assert deletions(office, hours=2).records == frozenset()
    office.run(plan)
    counted = deletions(office, hours=2)
    assert tables(counted.records) == ["Account", "Contact", "Paper"]
    assert counted.pending == frozenset()


def test_a_run_without_a_journal_counts_nothing(office: Office) -> None:
    journal = office.vault.journal(office.oid, "archive-none")
    assert deletions_of(journal, since=office.source.server_time()) is None


def test_the_process_died_before_all_that_vanished_was_noted(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The surplus is noted table by table: the next process notes the rest."""
    plan = plan_of(office, "A0", "A1", "A2")
    office.clock.advance(hours=2)
    delete, note = office.platform.delete, archiving.record_without_call
    other, contact = office.record("Account", "A3"), office.record("Contact", "C2")

    def trigger(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        for name, extra in (("Account", other), ("Contact", contact)):
            if not office.org.tables[name].records[extra].deleted:
                delete(name, extra, by=by)

    def power_cut(session: Any, stage: Any, name: str, outcomes: Any) -> None:
        note(session, stage, name, outcomes)
        if name == "Account":
            raise Crash

    monkeypatch.setattr(office.platform, "delete", trigger)
    monkeypatch.setattr(archiving, "record_without_call", power_cut)
    with pytest.raises(Crash):
        office.run(plan)
    monkeypatch.setattr(archiving, "record_without_call", note)
    done = office.run(plan)
    assert stayed(done)[f"Account/{other}"] == "archive-vanished"
    assert stayed(done)[f"Contact/{contact}"] == "archive-vanished"


def test_a_record_that_came_back_after_the_copy_and_vanished_was_not_named(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy has it as deleted. People undeleted it, and a trigger of the run deletes it."""
    back = office.record("Account", "A4")
    office.platform.delete("Account", back, by="U2")
    office.clock.advance(hours=1)
    office.night()
    plan = plan_of(office, "A0")
    office.clock.advance(hours=1)
    office.platform.undelete("Account", back, by="U2")
    office.clock.advance(hours=1)
    delete = office.platform.delete

    def trigger(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        if not office.org.tables["Account"].records[back].deleted:
            delete("Account", back, by=by)

    monkeypatch.setattr(office.platform, "delete", trigger)
    assert stayed(office.run(plan))[f"Account/{back}"] == "archive-vanished"


def test_an_edit_that_people_take_back_while_a_run_stands_still_changes_nothing(
    office: Office,
) -> None:
    """A backup stored the other value in between; the last values are those of the copy."""
    office.writer.faults.plant("write", Crash(), table="Account", after=0)
    plan, edited = office.archive_plan(), office.record("Account", "A1")
    with pytest.raises(Crash):
        office.run(plan)
    office.writer.faults.clear()
    for name in ("A1 edited", "A1"):
        office.clock.advance(hours=1)
        office.org.update("Account", edited, {"Name": name}, by="U9")
        if name != "A1":
            office.night()
    done = office.run(plan)
    assert archived(done)["Account"] == 4
    newest = office.vault.history(office.oid, "Account", edited)[-1]
    assert (str(newest.op), newest.cells["Name"]) == ("A", "A1")
