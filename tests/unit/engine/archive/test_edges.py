"""Rare answers of the org, the vault and the backup user while an archive is planned or runs."""

import io
from dataclasses import replace
from typing import Any

import pytest

from unit.engine.archive.test_nothing_lost import TEAMS, crashed
from unit.engine.archive.test_nothing_lost import office as office
from unit.engine.archive.test_run import EACH, Office, archived, note_codes, stayed
from unlost.engine.restore.running import copies
from unlost.model.archive import ArchivePolicy, Comparison, Condition, ParentPointer
from unlost.model.bypass import Automation, AutomationKind, Bypass, BypassState
from unlost.model.errors import IntegrityError, UsageError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.schema import TableTrait, WireKind
from unlost.model.source.writing import Birth, LateColumn
from unlost.testing.faults import Crash

FLAG = Bypass("flag", "No_Automation")


def test_a_reference_that_the_run_emptied_before_a_crash_is_no_edit(office: Office) -> None:
    team = office.make("Team", "T0")
    player = office.make("Player", "p", Team=team)
    office.org.update("Team", team, {"Lead": player})
    office.night()
    plan = office.archive_plan(policy=TEAMS)
    first, second = sorted(plan.steps, key=lambda step: -step.level)
    office.writer.faults.plant("write", Crash(), table=second.table)
    with pytest.raises(Crash):
        office.run(plan)
    assert first.record not in office.live(first.table)
    office.writer.faults.clear()
    office.clock.advance(hours=1)
    assert archived(office.run(plan)) == {"Team": 1, "Player": 1}


@pytest.mark.parametrize("small", [0, copies.SMALL])
def test_a_file_of_another_size_is_no_copy(
    office: Office, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr(copies, "SMALL", small)
    paper = office.record("Paper", "P3")
    (file,) = office.head.files("Paper", [paper])
    real, several = office.vault.open_file, office.vault.read_files

    def short(org: str, blob: str) -> Any:
        return io.BytesIO(b"short") if blob == file.blob else real(org, blob)

    def short_ones(org: str, blobs: Any) -> Any:
        return {**several(org, blobs), file.blob: b"short"}

    office.vault.open_file, office.vault.read_files = short, short_ones
    done = office.archive()
    assert stayed(done)[f"Paper/{paper}"] == "archive-no-copy"


def test_of_files_that_are_read_together_only_the_damaged_one_stays(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "IN_MEMORY", 1)
    paper = office.record("Paper", "P3")
    (file,) = office.head.files("Paper", [paper])
    real, several = office.vault.open_file, office.vault.read_files
    broken = IntegrityError("object-damaged", "It is damaged.", next_step="Look.")

    def damaged(org: str, blob: str) -> Any:
        if blob == file.blob:
            raise broken
        return real(org, blob)

    def damaged_ones(org: str, blobs: Any) -> Any:
        if file.blob in blobs:
            raise broken
        return several(org, blobs)

    office.vault.open_file, office.vault.read_files = damaged, damaged_ones
    stays = stayed(office.archive())
    assert stays[f"Paper/{paper}"] == "archive-no-copy"
    papers = [key for key, code in stays.items() if code == "archive-no-copy"]
    assert papers == [f"Paper/{paper}"]


def test_a_damaged_list_of_files_does_not_stop_the_run(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = IntegrityError("segment-damaged", "The segment is damaged.")

    def files(head: Any, table: str, records: Any) -> Any:
        raise broken

    plan = office.archive_plan()
    monkeypatch.setattr(type(office.head), "files", files)
    done = office.run(plan)
    papers = {key: code for key, code in stayed(done).items() if key.startswith("Paper/")}
    assert set(papers.values()) == {"archive-no-copy"}
    assert "P0" in office.names()
    (sentence, *_) = [r.sentence for r in done.records if r.code == "archive-no-copy"]
    assert sentence.endswith("stays in the org. The segment is damaged.")


def test_a_run_ends_though_all_backups_were_forgotten(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = crashed(office)
    monkeypatch.setattr(office.vault, "snapshots", lambda _: ())
    assert archived(office.run(plan)) == EACH


def test_notes_are_no_gaps(office: Office) -> None:
    note = Finding.of(FindingKind.TABLE_NOT_DATA, Severity.NOTE, "A view.", table="View")
    office.org.findings.append(note)
    office.night()
    assert archived(office.archive()) == EACH


def test_a_table_that_only_the_org_writes_need_not_be_readable(office: Office) -> None:
    office.org.tables["Memo"].traits -= {TableTrait.INCREMENTAL}
    office.allow("Memo", birth=Birth.NEVER)
    office.night()
    office.writer.referrers = lambda queries: [None for _ in queries]
    assert archived(office.archive()) == EACH


def test_changes_that_the_org_prepares_are_waited_for(office: Office) -> None:
    office.source.job_seconds = 30
    office.clock.advance(hours=1)
    office.make("Contact", "fresh", Account=office.record("Account", "A0"))
    assert archived(office.run(office.archive_plan())) == {"Account": 3, "Contact": 3, "Paper": 3}


def test_a_table_that_the_org_no_longer_has_keeps_its_masters(office: Office) -> None:
    office.org.tables["Contact"].dropped = True
    with pytest.raises(UsageError) as nothing:
        office.archive_plan()
    assert nothing.value.code == "archive-all-stay"


def test_values_that_the_vault_lost_keep_their_records(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = office.record("Paper", "P2")
    head = type(office.head)
    monkeypatch.setattr(head, "salvaged", property(lambda _: True))

    def unread(_: Any, table: str, ids: Any) -> dict[str, frozenset[str]]:
        return {lost: frozenset({"Name"})} if table == "Paper" and lost in ids else {}

    monkeypatch.setattr(head, "unread", unread)
    plan = office.archive_plan()
    assert "archive-stays-unread" in note_codes(plan)
    assert archived(office.run(plan)) == {"Account": 3, "Contact": 3, "Paper": 3}


def test_a_status_that_comes_last_locks_nothing(office: Office) -> None:
    office.allow("Paper", late=(LateColumn("Name"),))
    assert archived(office.archive()) == EACH


def test_records_that_another_archive_took_are_no_surprise(office: Office) -> None:
    """The first archive stopped; a second one took its last account, and then the first goes on."""
    first = crashed(office)
    assert archived(office.run(office.archive_plan()))["Account"] == 1
    office.clock.advance(hours=1)
    done = office.run(first)
    assert set(stayed(done).values()) <= {"archive-gone", "archive-together"}
    assert archived(done)["Account"] == 3
    office.night()
    assert {office.ops("Account", name)[-1] for name in ("A0", "A1", "A2", "A3")} == {"A"}


def test_automation_of_records_that_only_lead_to_archived_ones_is_named(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.org.add_column("Account", "Archived", WireKind.INTEGER)
    office.night()
    flow = Automation(AutomationKind.FLOW, "Tidy up", "Account")
    office.writer.automations = (flow,)
    office.writer.bypasses[FLAG] = BypassState(on=False)
    planning = office.planning
    monkeypatch.setattr(office, "planning", lambda: replace(planning(), bypass=FLAG))
    policy = ArchivePolicy(
        "contacts",
        "Contact",
        (Condition("Name", Comparison.FILLED),),
        pointer=ParentPointer("Account", count="Archived"),
    )
    plan = office.archive_plan(policy=policy)
    assert {step.table for step in plan.steps} == {"Contact"}
    assert "automation-flow" in note_codes(plan)
