"""Archives without the recycle bin: interruptions, blind lists, and what other people delete."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from unit.engine.archive.test_run import EACH, POLICY, Office, archived, note_codes, stayed
from unlost.engine.restore.running.passes import archiving
from unlost.engine.restore.values.outcome import ParkedRestore
from unlost.model.errors import LimitReached
from unlost.model.plan import RestorePlan
from unlost.model.source.schema import TableTrait
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.testing.memory_writer import ReplyLost

HARD = replace(POLICY, hard_delete=True)
CANCELLED = LimitReached("run-cancelled", "The run was cancelled manually.")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(archiving, "FIRST_TURN", 3)  # an account, a contact and a paper
    monkeypatch.setattr(archiving, "TURN", 3)
    made = Office(tmp_path)
    yield made
    made.close()


def hard_plan(office: Office) -> RestorePlan:
    plan = office.archive_plan(policy=HARD)
    office.clock.advance(hours=2)
    return plan


@pytest.mark.parametrize("hard", [True, False])
def test_a_run_cancelled_while_a_job_is_polled_is_parked_and_resumes_whole(
    office: Office, *, hard: bool
) -> None:
    plan = office.archive_plan(policy=replace(POLICY, hard_delete=hard))
    office.clock.advance(hours=2)
    office.writer.faults.plant("written", ReplyLost(), table="Account")
    office.writer.faults.plant("settle", CANCELLED)
    parked = office.try_restore(plan)
    assert isinstance(parked, ParkedRestore)
    assert parked.message.code == "run-cancelled"
    office.clock.advance(hours=2)
    done = office.run(plan)
    assert archived(done) == EACH
    assert done.whole


def test_a_list_of_deletions_with_a_gap_keeps_all_where_there_is_no_bin(office: Office) -> None:
    plan, soft = hard_plan(office), office.archive_plan()
    office.source.census_wanted = True
    done = office.run(plan)
    assert set(stayed(done).values()) == {"archive-unlisted"}
    sentences = {record.sentence for record in done.records if record.code == "archive-unlisted"}
    assert all("list of deletions" in sentence for sentence in sentences)
    assert not any("backup user" in record.next_step for record in done.records), (
        "it has its rights"
    )
    assert archived(office.run(soft)) == EACH


def test_tables_without_a_list_of_deletions_are_named_in_the_plan(office: Office) -> None:
    assert "archive-unseen" not in note_codes(office.archive_plan(policy=HARD))
    office.org.tables["Paper"].traits -= {TableTrait.REPORTS_DELETES}
    office.night()
    notes = {note.code: note for note in office.archive_plan(policy=HARD).notes}
    assert "The org does not list deletions of Paper." in notes["archive-unseen"].sentence
    assert "archive-unseen" not in note_codes(office.archive_plan())


def list_bin_too(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the list of deletions name records of the bin, as Salesforce does."""
    listed = office.org.listed_purges

    def with_bin(table: str, since: Any) -> list[str]:
        binned = [key for key, row in office.org.tables[table].records.items() if row.deleted]
        return [*listed(table, since), *binned]

    monkeypatch.setattr(office.org, "listed_purges", with_bin)


@pytest.mark.parametrize("hard", [True, False])
def test_a_deletion_into_the_bin_by_others_does_not_stop_the_run(
    office: Office, monkeypatch: pytest.MonkeyPatch, *, hard: bool
) -> None:
    list_bin_too(office, monkeypatch)
    write, other = office.writer.write, office.record("Account", "A4")

    def busy(*args: Any, **more: Any) -> Any:
        done = write(*args, **more)
        if not office.org.tables["Account"].records[other].deleted:
            office.platform.delete("Account", other, by="U9")
        return done

    monkeypatch.setattr(office.writer, "write", busy)
    done = office.archive(policy=replace(POLICY, hard_delete=hard))
    assert archived(done) == EACH
    assert done.whole


def purge_other(office: Office, name: str) -> None:
    record = office.record("Account", name)
    office.platform.delete("Account", record, by="U9")
    office.platform.purge("Account", record)


def dated_list(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the list of deletions have their times, as that of Salesforce has."""
    purged = office.source._purged

    def dated(ids: list[str]) -> Any:
        times = {key: at for table in office.org.tables.values() for at, key in table.purged}
        rows = purged(ids)
        return replace(
            rows, modified_at=pa.array([times[key] for key in ids], rows.modified_at.type)
        )

    monkeypatch.setattr(office.source, "_purged", dated)


def test_what_people_delete_while_the_run_waits_for_the_mirror_does_not_stop_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    dated_list(office, monkeypatch)
    plan = hard_plan(office)
    with monkeypatch.context() as patch:
        patch.setattr(archiving, "check", lambda _: (_ for _ in ()).throw(CANCELLED))
        assert isinstance(office.try_restore(plan), ParkedRestore)
    office.clock.advance(hours=1)
    purge_other(office, "A4")
    office.clock.advance(hours=1)
    assert archived(office.run(plan)) == EACH


@pytest.mark.parametrize("place", ["refused call", "announced details"])
def test_what_people_delete_while_a_run_waits_that_deleted_nothing_does_not_stop_it(
    office: Office, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The time of its first call counted, although the org took no record in it."""
    dated_list(office, monkeypatch)
    plan = hard_plan(office)
    if place == "refused call":
        office.writer.faults.plant("write", CANCELLED)
        assert isinstance(office.try_restore(plan), ParkedRestore)
    else:
        with monkeypatch.context() as patch:
            patch.setattr(archiving, "_send", lambda *_: (_ for _ in ()).throw(CANCELLED))
            assert isinstance(office.try_restore(plan), ParkedRestore)
    office.clock.advance(hours=1)
    purge_other(office, "A4")
    office.clock.advance(hours=1)
    assert archived(office.run(plan)) == EACH


def test_what_vanishes_between_the_first_call_and_the_resumption_stops_the_run(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    dated_list(office, monkeypatch)
    plan = hard_plan(office)
    office.writer.faults.plant("written", ReplyLost(), table="Account")
    office.writer.faults.plant("settle", CANCELLED)
    assert isinstance(office.try_restore(plan), ParkedRestore)
    gone = f"Account/{office.record('Account', 'A4')}"
    office.clock.advance(hours=1)
    purge_other(office, "A4")
    office.clock.advance(hours=1)
    done = office.run(plan)
    assert stayed(done)[gone] == "archive-vanished"
    assert "archive-stopped" in stayed(done).values()


def test_a_hold_that_is_placed_while_a_turn_is_verified_keeps_its_records(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, differing = hard_plan(office), archiving._differing

    def verify(*args: Any) -> Any:
        causes = differing(*args)
        hold = Hold(HoldTarget(HoldScope.TABLE, "Account"))
        office.vault.change_holds(office.oid, placed=[hold], run="hold-1")
        return causes

    monkeypatch.setattr(archiving, "_differing", verify)
    done = office.run(plan)
    assert archived(done) == {}
    assert "archive-on-hold" in stayed(done).values()
