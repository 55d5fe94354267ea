"""Between two nights: a few tables are read, all others stay as they were, and no night is fooled."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from unit.engine.scene import Scene, chocolate
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup
from unlost.engine.backup.known import known_state
from unlost.engine.backup.partial import DeferredTables
from unlost.engine.backup.policy import BackupPolicy, RowCheckPolicy
from unlost.engine.backup.session import BackupStart
from unlost.engine.records.history import history
from unlost.model.errors import IntegrityError, LimitReached, SourceRefused, TransientError
from unlost.model.finding import FindingKind
from unlost.model.source.reading import Cursor, Op
from unlost.model.source.schema import Table, TableTrait, WireKind
from unlost.model.vault.certificate import TableLine, Verdict
from unlost.model.vault.snapshot import nights
from unlost.testing.org import ALL_TRAITS

WEEKLY = BackupPolicy()


def lines(done: FinishedBackup) -> dict[str, TableLine]:
    return {line.table: line for line in done.certificate.tables}


def rows(scene: Scene, table: str) -> dict[str, dict[str, str | None]]:
    found = scene.head.scan(table).read_all().to_pylist()
    return {row["_u_id"]: {k: v for k, v in row.items() if k[0] != "_"} for row in found}


def test_the_chosen_table_is_as_the_org_and_the_others_as_the_night(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    before = rows(scene, "Contact")
    held = scene.head.tables()
    scene.org.update("Account", made[0], {"Phone": "new"})
    scene.org.delete("Account", made[1])
    fresh = scene.org.create("Account", {"Name": "fresh"})
    scene.org.create("Contact", {"Name": "later", "AccountId": fresh})
    done = scene.hour("Account")
    assert done.snapshot.only == ("Account",)
    assert done.snapshot.partial
    assert (done.snapshot.read("Account"), done.snapshot.read("Contact")) == (True, False)
    assert scene.cells("Account", "Phone")[made[0]] == "new"
    assert fresh in scene.cells("Account", "Name")
    assert scene.dead("Account") == {made[1]: "D"}
    assert rows(scene, "Contact") == before
    after = scene.head.tables()
    assert {t: s for t, s in after.items() if t != "Account"} == {
        t: s for t, s in held.items() if t != "Account"
    }
    line = lines(done)["Account"]
    assert (line.live, line.stored, line.created, line.changed, line.deleted) == (7, 7, 1, 1, 1)
    assert set(lines(done)) == {"Account"}
    assert done.certificate.partial
    assert (done.certificate.rests_on, done.certificate.verdict) == (1, Verdict.COMPLETE)
    assert done.certificate.sentence == (
        "Hourly backup of Account: 1 created, 1 changed, 1 deleted. All other tables are as in "
        "backup 1."
    )


def test_the_night_after_hours_misses_nothing_and_doubles_nothing(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    for hour in range(4):
        scene.org.update("Account", made[0], {"Phone": f"hour {hour}"})
        scene.org.create("Contact", {"Name": f"hour {hour}", "AccountId": made[0]})
        scene.hour("Account")
    scene.org.update("Account", made[2], {"Phone": "late"})
    scene.org.delete("Contact", next(iter(scene.org.tables["Contact"].records)))
    done = scene.night(hours=20)
    assert not done.snapshot.partial
    assert {t: line.stored for t, line in lines(done).items()} == {
        t: s.alive for t, s in scene.head.tables().items()
    }
    assert (lines(done)["Account"].changed, lines(done)["Contact"].created) == (1, 4)
    assert lines(done)["Contact"].deleted == 1
    for table in ("Account", "Contact", "Junction"):
        live = {k: r.cells for k, r in scene.org.visible(table).items() if not r.deleted}
        assert {k: r["Name"] for k, r in rows(scene, table).items()} == {
            k: cells["Name"] for k, cells in live.items()
        }
    told = [v.cells["Phone"] for v in scene.vault.history(scene.oid, "Account", made[0])]
    assert told == ["00", "hour 0", "hour 1", "hour 2", "hour 3"]


def test_nights_are_counted_without_the_hours_between_them(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    for _ in range(3):
        scene.hour("Account")
    known = known_state(scene.vault, scene.oid, scene.head, latest=scene.clock.now())
    assert known.nights == 1
    assert known.rights["Contact"].ever == {scene.org.fingerprint}
    assert [info.number for info in nights(scene.vault.snapshots(scene.oid))] == [1]


def test_many_hours_raise_no_doubt_about_the_rights_of_a_week(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.policy = WEEKLY
    chocolate(scene)
    monkeypatch.setattr("unlost.engine.backup.known.NIGHTS_EXAMINED", 3)
    scene.night()
    for _ in range(2):
        for _ in range(5):
            scene.hour("Account")
        done = scene.night(hours=19)
    assert not lines(done)["Contact"].full
    assert not lines(done)["Account"].full


def test_an_hour_takes_no_turn_of_the_audit_and_asks_no_quotas(scene: Scene) -> None:
    chocolate(scene)
    scene.policy = BackupPolicy(row_check=RowCheckPolicy(nights=1))
    scene.night()
    scene.source.calls.clear()
    done = scene.hour("Account")
    asked = [call for call, _ in scene.source.calls]
    assert "quotas" not in asked
    assert done.certificate.quotas == ()
    assert {table for call, table in scene.source.calls if call == "plan_reads"} == {"Account"}


def test_a_census_that_is_merely_due_is_the_nights(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.clock.advance(days=8)
    scene.source.calls.clear()
    done = scene.hour("Account", "Junction")
    listed = {table for call, table in scene.source.calls if call == "census"}
    assert listed == {"Junction"}, "what reports no deletions is counted each time"
    assert set(lines(done)) == {"Account", "Junction"}
    gone = next(iter(scene.org.tables["Junction"].records))
    scene.org.purge("Junction", gone)
    scene.hour("Junction")
    assert scene.dead("Junction") == {gone: "M"}
    scene.policy = WEEKLY
    scene.source.calls.clear()
    scene.night()
    listed = {table for call, table in scene.source.calls if call == "census"}
    assert "Account" in listed
    assert made[0] in scene.cells("Account", "Name")


def test_a_census_that_a_night_owes_is_not_forgotten_by_an_hour(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    scene.source.faults.plant("census_page", IntegrityError("cut", "Cut."), table="Account")
    done = scene.night()
    kinds = {finding.kind for finding in lines(done)["Account"].findings}
    assert FindingKind.DELETES_UNPROVED in kinds
    scene.source.faults.assert_met()
    scene.source.calls.clear()
    scene.hour("Account")
    assert ("census", "Account") in scene.source.calls
    assert scene.head.tables()["Account"].finding is None


# --- what is left to the night --------------------------------------------------------------------


def left(scene: Scene, *only: str) -> str:
    """What an hour says that leaves all of it; nothing is committed."""
    before = len(scene.vault.commits(scene.oid))
    scene.clock.advance(hours=1)
    done = scene.attempt(only=only)
    assert isinstance(done, DeferredTables), done
    assert len(scene.vault.commits(scene.oid)) == before
    return done.message.sentence


def test_an_org_without_a_night_is_not_read_by_the_hour(scene: Scene) -> None:
    chocolate(scene)
    assert (
        left(scene, "Account")
        == "Account was left to the nightly backup: no nightly backup has read it yet."
    )


def test_a_table_that_came_since_waits_for_its_first_night(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    scene.org.add_table("Fresh", {"Name": WireKind.TEXT})
    assert "Fresh was left to the nightly backup: no nightly backup has read it yet." in left(
        scene, "Fresh"
    )


def test_rights_that_moved_leave_all_to_the_night(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.org.hide_row("Contact", next(iter(scene.org.tables["Contact"].records)))
    scene.org.update("Account", made[0], {"Phone": "new"})
    said = left(scene, "Account", "Contact")
    assert said.count("the permissions of the backup user changed") == 2
    scene.night()
    assert scene.cells("Account", "Phone")[made[0]] == "new"


@pytest.mark.parametrize("change", ["added", "dropped", "retyped"])
def test_a_table_of_another_shape_is_left_and_the_others_are_read(
    scene: Scene, change: str
) -> None:
    made = chocolate(scene)
    scene.night()
    if change == "added":
        scene.org.add_column("Contact", "Extra", value="x")
    elif change == "dropped":
        scene.org.drop_column("Contact", "AccountId")
    else:
        scene.org.retype_column("Contact", "Name", WireKind.DECIMAL, "1")
    scene.org.update("Account", made[0], {"Phone": "new"})
    done = scene.hour("Contact", "Account")
    assert done.snapshot.only == ("Account",)
    assert [one.kind for one in done.certificate.findings] == [FindingKind.LEFT_TO_NIGHT]
    assert done.certificate.verdict is Verdict.COMPLETE
    assert (
        "Contact was left to the nightly backup: its columns changed." in done.certificate.sentence
    )
    done = scene.night()
    assert (change == "dropped") is not lines(done)["Contact"].full


def test_a_table_that_is_gone_is_left_and_the_night_says_so(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    scene.org.tables["Contact"].dropped = True
    said = left(scene, "Contact")
    assert said == "Contact was left to the nightly backup: the org no longer lists it."
    done = scene.night()
    assert [one.kind for one in lines(done)["Contact"].findings] == [FindingKind.TABLE_GONE]


def test_a_table_that_tells_no_changes_is_never_read_by_the_hour(scene: Scene) -> None:
    chocolate(scene)
    traits = ALL_TRAITS - {TableTrait.INCREMENTAL}
    scene.org.add_table("Setting", {"Name": WireKind.TEXT}, traits=traits)
    scene.org.create("Setting", {"Name": "one"})
    scene.night()
    assert "the org cannot list its changes" in left(scene, "Setting")


def test_a_table_that_the_night_could_not_read_is_left_to_the_next(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    scene.source.faults.plant("read", SourceRefused("no", "No."), table="Account")
    scene.night()
    scene.source.faults.assert_met()
    assert "it must be read in full" in left(scene, "Account")
    assert scene.head.tables()["Account"].finding is not None
    done = scene.night()
    assert lines(done)["Account"].full


def test_a_column_that_was_hidden_before_does_not_stop_the_hours(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.org.hide_column("Account", "Phone")
    scene.night()
    scene.org.update("Account", made[0], {"Phone": "unseen", "Name": "seen"})
    done = scene.hour("Account")
    assert scene.cells("Account", "Name", "Phone")[made[0]] == ("seen", "00")
    assert done.certificate.verdict is Verdict.GAPS
    assert (
        "Not everything is protected: 1 column of Accounts is hidden" in done.certificate.sentence
    )
    done = scene.hour("Contact")
    assert done.certificate.verdict is Verdict.GAPS, "the night has not all of it"
    assert done.certificate.sentence.endswith("The certificate of backup 2 lists gaps.")


def test_columns_hidden_in_the_same_rights_are_the_nights_matter(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    chocolate(scene)
    monkeypatch.setattr("unlost.testing.org.MemoryOrg.fingerprint", "always")
    scene.night()
    scene.org.hide_column("Account", "Phone")
    assert "its columns changed" in left(scene, "Account")


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_table_that_cannot_be_read_now_keeps_its_place(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    state = scene.head.tables()["Contact"]
    scene.org.update("Account", made[0], {"Phone": "new"})
    scene.org.create("Contact", {"Name": "later"})
    scene.source.faults.plant("read", TransientError("busy", "Busy."), table="Contact", times=9)
    done = scene.hour("Contact", "Account")
    scene.source.faults.clear()
    assert done.snapshot.only == ("Account",)
    (finding,) = done.certificate.findings
    assert (finding.kind, finding.detail) == (FindingKind.LEFT_TO_NIGHT, "busy")
    assert scene.head.tables()["Contact"] == state
    done = scene.night()
    line = lines(done)["Contact"]
    assert (line.created, line.full) == (1, False), "no whole read because of an hour"


def test_an_hour_that_could_read_nothing_fails(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    scene.source.faults.plant("plan_reads", SourceRefused("no", "No."), table="Account")
    scene.clock.advance(hours=1)
    with pytest.raises(TransientError, match="The hourly backup could not read Account: No"):
        scene.attempt(only=("Account",))
    assert len(scene.vault.commits(scene.oid)) == 1


def test_an_hour_that_has_no_calls_left_parks_and_commits_nothing(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    scene.source.faults.plant("read", LimitReached("spent", "Spent."))
    scene.clock.advance(hours=1)
    done = scene.attempt(only=("Account",))
    assert isinstance(done, ParkedBackup)
    assert len(scene.vault.commits(scene.oid)) == 1


def test_an_org_that_never_stands_still_is_said_so(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    scene.policy = BackupPolicy(stable_window=timedelta(0), rounds=1)
    done = scene.hour("Account")
    assert [one.kind for one in done.certificate.findings] == [FindingKind.WINDOW_OPEN]


# --- files, lines, history ------------------------------------------------------------------------


def test_files_come_with_the_table_that_holds_them(scene: Scene) -> None:
    chocolate(scene)
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    scene.org.attach("Document", "one.txt", b"one")
    scene.night()
    two = scene.org.attach("Document", "two.txt", b"two and more")
    done = scene.hour("Account")
    assert scene.head.files("Document", [two]) == []
    done = scene.hour("Document")
    assert [file.name for file in scene.head.files("Document", [two])] == ["two.txt"]
    assert (lines(done)["Document"].files, done.certificate.file_bytes) == (2, 15)
    assert (lines(done)["Account"].carried, lines(done)["Document"].carried) == (True, False)
    done = scene.hour("Account")
    assert (lines(done)["Document"].carried, lines(done)["Document"].created) == (True, 0)
    done = scene.night()
    assert (lines(done)["Document"].files, lines(done)["Document"].file_bytes) == (2, 15)


def test_a_file_that_an_hour_could_not_read_left_its_table_to_the_night(scene: Scene) -> None:
    chocolate(scene)
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    scene.night()
    one = scene.org.attach("Document", "one.txt", b"one")
    scene.source.faults.plant("open_file", SourceRefused("no", "No."))
    done = scene.hour("Document", hours=2)
    scene.source.faults.assert_met()
    assert [f.kind for f in lines(done)["Document"].findings] == [FindingKind.FILE_UNREADABLE]
    done = scene.hour("Account")
    assert [f.kind for f in lines(done)["Document"].findings] == [FindingKind.FILE_UNREADABLE]
    done = scene.hour("Document")
    assert [f.kind for f in lines(done)["Document"].findings] == [FindingKind.FILE_UNREADABLE]
    done = scene.night()
    assert not lines(done)["Document"].full
    assert (done.certificate.files, done.certificate.verdict) == (1, Verdict.COMPLETE)
    assert [file.name for file in scene.head.files("Document", [one])] == ["one.txt"]


def test_the_first_hour_of_a_week_read_a_table_whole_that_is_due_each_week(scene: Scene) -> None:
    chocolate(scene)
    scene.source.whole_nightly = {"Account"}
    scene.night()
    assert not lines(scene.hour("Account"))["Account"].full
    assert lines(scene.night())["Account"].full


def test_hours_do_not_hide_from_the_night_that_a_whole_read_is_due(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    chocolate(scene)
    night = scene.night().snapshot.as_of
    cursors: list[tuple[str, str]] = []
    plan = scene.source.plan_reads

    def noted(table: Table, since: Cursor, **more: Any) -> Any:
        if table.name == "Account" and more.get("nightly"):
            cursors.append((since.value, more["nightly"].value))
        return plan(table, since, **more)

    monkeypatch.setattr(scene.source, "plan_reads", noted)
    scene.hour("Account")
    hour = scene.head.info.as_of
    scene.night()
    assert cursors == [(hour.isoformat(), night.isoformat())]


def test_a_history_tells_between_which_looks_at_the_table(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    night = scene.head.info.as_of
    gone = next(iter(scene.org.tables["Contact"].records))
    scene.hour("Account")
    scene.org.purge("Contact", gone)
    scene.night()
    last = history(scene.vault, scene.oid, "Contact", gone)[-1]
    assert last.op is Op.PURGED
    assert last.when.after == night, "the hour between did not look at contacts"


def test_more_tables_than_a_sentence_holds_are_counted(scene: Scene) -> None:
    names = [f"T{n}" for n in range(7)]
    for name in names:
        scene.org.add_table(name, {"Name": WireKind.TEXT})
    scene.night()
    done = scene.hour(*names)
    assert "Hourly backup of T0, T1, T2, T3, T4 and 2 more:" in done.certificate.sentence


def test_a_run_that_an_older_release_began_is_a_night() -> None:
    """Its first step knows nothing of chosen tables."""
    kept = (
        b'{"identity":{"connector":"memory","tenant":"T-1"},"as_of":"2026-03-02T01:00:00Z",'
        b'"started":"2026-03-02T01:00:00Z","base":null}'
    )
    assert msgspec.json.decode(kept, type=BackupStart).only == ()
