"""What a backup does when something is wrong: findings, parking, refusals, and never a lie."""

import shutil
from datetime import timedelta

import pyarrow.compute as pc
import pytest

from unit.engine.scene import NIGHTLY, Scene, chocolate, kinds, line_of
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup
from unlost.engine.backup.policy import BackupPolicy, CensusPolicy
from unlost.model.errors import (
    AuthExpired,
    Conflict,
    IntegrityError,
    LimitReached,
    NotFound,
    SourceRefused,
    TransientError,
    UsageError,
)
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import message
from unlost.model.org import OrgIdentity
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.progress import Phase
from unlost.model.source.schema import TableTrait, WireKind
from unlost.model.vault.certificate import Verdict


def test_a_refused_table_is_a_finding_and_says_that_it_was_held(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    scene.org.tables["Contact"].refused = True
    done = scene.night()
    (finding,) = line_of(done, "Contact").findings
    assert finding.kind is FindingKind.TABLE_REFUSED
    assert "vault keeps its earlier data" in finding.sentence
    assert done.certificate.verdict is Verdict.GAPS
    assert "1 table could not be read" in done.certificate.sentence
    assert len(scene.cells("Contact", "Name")) == 7
    scene.org.tables["Contact"].refused = False
    done = scene.night()
    assert line_of(done, "Contact").full
    assert done.certificate.verdict is Verdict.COMPLETE


def test_a_refusal_on_first_sight_does_not_speak_of_before(scene: Scene) -> None:
    chocolate(scene)
    scene.source.faults.plant("plan_reads", SourceRefused("no", "No."), table="Contact")
    done = scene.night()
    (finding,) = line_of(done, "Contact").findings
    assert "earlier" not in finding.sentence


def test_a_table_that_is_gone_keeps_its_records(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.org.tables["Account"].dropped = True
    for _ in range(2):
        done = scene.night()
        assert kinds(done, "Account") == {FindingKind.TABLE_GONE}
        assert scene.cells("Account", "Name")[made[0]] == "Account 0"
        assert scene.dead("Account") == {}
    scene.org.tables["Account"].dropped = False
    assert line_of(scene.night(), "Account").full


def test_a_read_that_breaks_off_once_is_begun_again(scene: Scene) -> None:
    chocolate(scene)
    scene.source.faults.plant("read", IntegrityError("short-page", "cut"), table="Account", after=1)
    done = scene.night()
    assert done.certificate.verdict is Verdict.COMPLETE
    line = line_of(done, "Account")
    assert (line.stored, line.created) == (7, 7)
    assert scene.head.tables()["Account"].alive == 7


def test_a_read_that_breaks_off_twice_is_a_finding(scene: Scene) -> None:
    chocolate(scene)
    scene.source.faults.plant("read", TransientError("busy", "busy"), table="Account", times=9)
    done = scene.night()
    assert kinds(done, "Account") == {FindingKind.TABLE_UNREADABLE}
    assert scene.head.tables()["Account"].window_start is None
    scene.source.faults.clear()
    assert line_of(scene.night(), "Account").full


def test_an_outage_fails_the_run_and_the_next_attempt_goes_on(scene: Scene) -> None:
    chocolate(scene)
    outage = TransientError("down", "The source does not answer.")
    scene.source.faults.plant("prepare", outage, table="Contact")
    scene.source.faults.plant("server_time", TransientError("down", "still down"), after=1)
    with pytest.raises(TransientError, match="does not answer"):
        scene.attempt(run="night")
    assert scene.vault.newest_backup(scene.oid) is None
    done = scene.attempt(run="night")
    assert isinstance(done, FinishedBackup)
    assert done.certificate.verdict is Verdict.COMPLETE


@pytest.mark.parametrize("call", ["discover", "plan_reads", "read", "census", "open_file", "count"])
def test_a_spent_allowance_parks_and_the_run_goes_on(scene: Scene, call: str) -> None:
    chocolate(scene)
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    scene.org.attach("Document", "a.txt", b"aaa")
    resume_at = scene.clock.now() + timedelta(hours=3)
    if call in ("census", "count"):
        scene.policy = BackupPolicy(census=CensusPolicy.WEEKLY)
        scene.night()
        scene.clock.advance(days=7 if call == "census" else 1)
    limit = LimitReached("calls-spent", "The calls of today are spent.", resume_at=resume_at)
    scene.source.faults.plant(call, limit)
    parked = scene.attempt(run="night")
    assert parked == ParkedBackup(
        "night", resume_at, message("calls-spent", "The calls of today are spent.")
    )
    done = scene.attempt(run="night")
    assert isinstance(done, FinishedBackup)
    assert done.certificate.verdict is Verdict.COMPLETE
    assert scene.attempt(run="night-after") != done


def test_a_session_that_ended_stops_the_run(scene: Scene) -> None:
    chocolate(scene)
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    scene.org.attach("Document", "a.txt", b"aaa")
    scene.org.attach("Document", "b.txt", b"bbb")
    scene.source.faults.plant("read", AuthExpired("session", "The session ended."))
    scene.source.faults.plant("open_file", AuthExpired("session", "The session ended."))
    for _ in range(2):
        with pytest.raises(AuthExpired):
            scene.attempt(run="night")
    assert isinstance(scene.attempt(run="night"), FinishedBackup)


def test_another_org_behind_the_same_name_is_refused(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    scene.org.identity = OrgIdentity("memory", "T-9", label="Impostor")
    with pytest.raises(UsageError, match="Impostor") as told:
        scene.attempt()
    assert told.value.code == "other-org"
    assert len(scene.vault.snapshots(scene.oid)) == 1


def test_an_org_that_the_vault_does_not_know_is_refused(scene: Scene) -> None:
    scene.oid = "nobody"
    with pytest.raises(UsageError, match="nobody"):
        scene.attempt()


def test_two_backups_of_one_org_at_once_are_refused(scene: Scene) -> None:
    chocolate(scene)
    with (
        scene.lease.hold(scene.oid, kind=RunKind.BACKUP, run="first"),
        pytest.raises(Conflict, match="running"),
    ):
        scene.attempt()
    scene.night()


def test_an_unusual_loss_is_not_believed(scene: Scene) -> None:
    chocolate(scene, records=12)
    scene.policy = BackupPolicy(census=CensusPolicy.EVERY_NIGHT, breaker_floor=5)
    scene.night()
    for record in list(scene.org.tables["Junction"].records)[:6]:
        scene.org.purge("Junction", record)
    done = scene.night()
    assert kinds(done, "Junction") == {FindingKind.UNUSUAL_LOSS, FindingKind.ROWS_HIDDEN}
    assert line_of(done, "Junction").hidden_rows == 6
    assert scene.dead("Junction") == {}
    assert len(scene.hidden("Junction")[0]) == 6
    done = scene.night()
    assert kinds(done, "Junction") == {FindingKind.ROWS_HIDDEN}


def test_a_loss_too_large_to_look_up_is_decided_without(scene: Scene) -> None:
    chocolate(scene, records=12)
    scene.policy = BackupPolicy(
        census=CensusPolicy.EVERY_NIGHT, lookup_limit=3, lookup_batch=2, breaker_floor=5
    )
    scene.night()
    for record in list(scene.org.tables["Junction"].records)[:6]:
        scene.org.purge("Junction", record)
    scene.source.calls.clear()
    scene.night()
    assert ("read_ids", "Junction") not in scene.source.calls
    assert len(scene.hidden("Junction")[0]) == 6


def test_a_row_that_the_census_lost_and_that_is_there_is_kept(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    kept = next(iter(scene.org.tables["Junction"].records))
    census = scene.source.census
    scene.source.census = lambda table: (
        ids.filter(pc.not_equal(ids, kept)) for ids in census(table)
    )
    done = scene.night()
    assert scene.dead("Junction") == {}
    assert done.certificate.verdict is Verdict.COMPLETE


@pytest.mark.parametrize(("call", "table"), [("census", "Account"), ("read_ids", "Junction")])
def test_a_census_that_breaks_off_proves_nothing(scene: Scene, call: str, table: str) -> None:
    chocolate(scene)
    scene.night()
    before = scene.head.tables()[table].census_at
    gone = next(iter(scene.org.tables[table].records))
    scene.org.purge(table, gone)
    scene.source.faults.plant(call, IntegrityError("cut", "cut short"), table=table)
    done = scene.night()
    assert kinds(done, table) == {FindingKind.DELETES_UNPROVED}
    assert scene.head.tables()[table].census_at == before
    scene.night()
    assert gone in scene.dead(table)
    assert scene.head.tables()[table].finding is None


def test_a_row_that_became_visible_without_a_word_is_fetched(scene: Scene) -> None:
    made = chocolate(scene)
    scene.org.unshared_rows.add(("Account", made[0]))
    scene.night()
    assert made[0] not in scene.cells("Account", "Name")
    scene.org.unshared_rows.clear()
    done = scene.night()
    assert scene.cells("Account", "Name")[made[0]] == "Account 0"
    line = line_of(done, "Account")
    assert (line.created, line.stored) == (1, 7)


def test_a_lost_list_of_deletes_asks_for_a_census(scene: Scene) -> None:
    chocolate(scene)
    scene.policy = BackupPolicy()
    scene.night()
    scene.source.calls.clear()
    scene.night()
    assert ("census", "Account") not in scene.source.calls
    scene.source.census_wanted = True
    scene.org.update("Account", next(iter(scene.org.tables["Account"].records)), {"Phone": "1"})
    scene.night()
    assert ("census", "Account") in scene.source.calls


def test_without_a_census_a_lost_list_of_deletes_is_a_gap(scene: Scene) -> None:
    scene.org.add_table(
        "Odd",
        {"Name": WireKind.TEXT},
        traits=frozenset({TableTrait.INCREMENTAL, TableTrait.REPORTS_DELETES}),
    )
    record = scene.org.create("Odd", {"Name": "x"})
    scene.night()
    scene.source.census_wanted = True
    scene.org.update("Odd", record, {"Name": "y"})
    done = scene.night()
    assert kinds(done, "Odd") == {FindingKind.DELETES_UNPROVED}
    scene.source.census_wanted = False
    done = scene.night(full=True)
    assert done.certificate.verdict is Verdict.COMPLETE


def test_looks_go_on_until_one_is_short(scene: Scene) -> None:
    chocolate(scene)
    scene.source.read_seconds = 40
    done = scene.night()
    assert done.certificate.rounds >= 1
    assert Phase.REREAD in {event.phase for event in scene.observer.events}
    assert scene.head.tables()["Account"].alive == 7
    assert line_of(done, "Account").stored == 7


def test_a_window_that_never_closes_is_said(scene: Scene) -> None:
    chocolate(scene)
    scene.source.read_seconds = 400
    done = scene.night()
    assert done.certificate.rounds == 3
    (finding,) = done.certificate.findings
    assert finding.kind is FindingKind.WINDOW_OPEN
    assert done.certificate.verdict is Verdict.COMPLETE


def test_a_count_or_quotas_that_are_refused_fail_nothing(scene: Scene) -> None:
    chocolate(scene)
    scene.policy = BackupPolicy()
    scene.night()
    scene.source.faults.plant("count", SourceRefused("no", "No."), table="Account")
    scene.source.faults.plant("quotas", SourceRefused("no", "No."))
    done = scene.night()
    assert line_of(done, "Account").live is None
    assert done.certificate.quotas == ()


def test_findings_of_the_connector_turn_the_verdict(scene: Scene) -> None:
    chocolate(scene)
    scene.org.findings += [
        Finding(FindingKind.TABLE_NOT_DATA, Severity.NOTE, "A view.", table="View"),
        Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "No right.", "Give it."),
        Finding(FindingKind.COLUMN_HIDDEN, Severity.GAP, "Phone is hidden.", table="Account"),
    ]
    scene.org.hide_column("Account", "Phone")
    done = scene.night()
    assert [f.kind for f in done.certificate.findings] == [
        FindingKind.TABLE_NOT_DATA,
        FindingKind.PERMISSION_MISSING,
    ]
    assert [f.sentence for f in line_of(done, "Account").findings] == ["Phone is hidden."]
    assert done.certificate.verdict is Verdict.GAPS


def test_a_dangling_reference_is_counted(scene: Scene) -> None:
    made = chocolate(scene)
    scene.org.create("Contact", {"Name": "lost", "AccountId": "Nowhere"})
    scene.org.hide_row("Account", made[0])
    done = scene.night()
    assert line_of(done, "Contact").dangling == 2
    scene.clock.advance(hours=2)
    scene.org.create("Contact", {"Name": "new", "AccountId": made[1]})
    scene.org.create("Contact", {"Name": "new", "AccountId": "Nowhere else"})
    assert line_of(scene.night(), "Contact").dangling == 1


def test_references_beyond_the_bound_are_not_looked_up(scene: Scene) -> None:
    chocolate(scene)
    scene.policy = BackupPolicy(reference_limit=1)
    done = scene.night()
    assert line_of(done, "Contact").dangling == 0


class TestFiles:
    def begin(self, scene: Scene) -> list[str]:
        scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
        return [scene.org.attach("Document", f"{at}.txt", b"x" * at) for at in range(1, 6)]

    def test_files_are_kept_once(self, scene: Scene) -> None:
        made = self.begin(scene)
        scene.policy = BackupPolicy(file_group=2, file_group_bytes=6)
        done = scene.night()
        assert (done.certificate.files, done.certificate.file_bytes) == (5, 15)
        assert "5 files (15 bytes)" in done.certificate.sentence
        stored = scene.head.files("Document", made)
        assert {file.name for file in stored} == {f"{at}.txt" for at in range(1, 6)}
        with scene.vault.open_file(scene.oid, stored[0].blob) as stream:
            assert len(stream.read()) == stored[0].size
        scene.source.calls.clear()
        scene.org.update("Document", made[0], {"Name": "renamed"})
        scene.org.replace_file("Document", made[1], b"longer body")
        done = scene.night()
        opened = [call for call in scene.source.calls if call[0] == "open_file"]
        assert len(opened) == 1
        assert (done.certificate.files, done.certificate.file_bytes) == (5, 24)

    def test_a_file_that_cannot_be_read_is_tried_again_the_next_night(self, scene: Scene) -> None:
        made = self.begin(scene)
        body = scene.org.tables["Document"].files.pop(made[0])
        scene.source.faults.plant("open_file", TransientError("busy", "busy"))
        done = scene.night()
        (finding,) = line_of(done, "Document").findings
        assert finding.kind is FindingKind.FILE_UNREADABLE
        assert ".txt" not in finding.sentence, "certificates are read without a right to records"
        assert done.certificate.files == 4
        scene.org.tables["Document"].files[made[0]] = body
        done = scene.night()
        assert (done.certificate.files, done.certificate.verdict) == (5, Verdict.COMPLETE)

    def test_files_of_a_table_that_is_gone_are_still_counted(self, scene: Scene) -> None:
        self.begin(scene)
        scene.night()
        scene.org.tables["Document"].dropped = True
        assert scene.night().certificate.files == 5


def test_a_lost_work_folder_is_said_and_harms_nothing(scene: Scene) -> None:
    made = chocolate(scene)
    scene.policy = BackupPolicy()
    scene.night()
    scene.clock.advance(days=1)
    scene.org.update("Account", made[0], {"Phone": "new"})
    scene.org.create("Contact", {"Name": "new", "AccountId": made[0]})
    scene.source.faults.plant("count", LimitReached("spent", "spent"))
    assert isinstance(scene.attempt(run="night"), ParkedBackup)
    shutil.rmtree(scene.work / "runs" / "night")
    with pytest.raises(IntegrityError, match="work folder"):
        scene.attempt(run="night")
    assert isinstance(scene.attempt(run="other"), FinishedBackup)
    assert scene.cells("Account", "Phone")[made[0]] == "new"


def test_the_nightly_policy_of_these_tests_counts_every_night() -> None:
    assert NIGHTLY.census.interval == timedelta(0)
    assert CensusPolicy.WEEKLY.interval < timedelta(days=7)


def test_not_found_is_a_refusal(scene: Scene) -> None:
    chocolate(scene)
    scene.source.faults.plant("open_read", NotFound("gone", "Gone."), table="Contact")
    assert kinds(scene.night(), "Contact") == {FindingKind.TABLE_REFUSED}
