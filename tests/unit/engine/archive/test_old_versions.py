"""A run that frees the old versions of files: new files take the places of the old ones."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unit.engine.archive.cabinet import FREE, KIND, RULE, SINGLE, Cabinet
from unit.engine.archive.test_run import archived, note_codes, stayed
from unlost.engine.archive.preview import preview
from unlost.engine.restore.planning.left_out import LeftOut
from unlost.engine.restore.planning.plan import plan_restore
from unlost.engine.restore.running.passes import copying
from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.engine.restore.values.plan_file import read_plan, write_plan
from unlost.model.archive import (
    OLD_VERSIONS_SIZE,
    ArchiveBranch,
    BranchRule,
    Comparison,
    Condition,
    OldVersionRule,
    ParentPointer,
)
from unlost.model.errors import UsageError
from unlost.model.plan import Action, RecordKey, Selection, SelectionKind
from unlost.model.source.shared_files import (
    CopiedVersions,
)
from unlost.model.source.writing import WriteOp
from unlost.model.vault.lineage import resolve
from unlost.model.vault.retention import HoldScope, HoldTarget
from unlost.testing.faults import Crash
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused


@pytest.fixture
def cabinet(tmp_path: Path) -> Iterator[Cabinet]:
    office = Cabinet(tmp_path)
    yield office
    office.close()


def freed(state: dict[str, tuple[int, set[str | None], bytes]]) -> Any:
    """The state in which only the newest editions are left."""
    return {name: (1, held, body) for name, (_, held, body) in state.items()}


def test_old_versions_leave_and_holders_keep_their_files(cabinet: Cabinet) -> None:
    before, old = cabinet.state(), cabinet.record("Document", "D0")
    plan = cabinet.files_plan()
    assert not {"archive-loses-files", "archive-limits"} & note_codes(plan)
    assert {"archive-copies", "archive-new-ids"} <= note_codes(plan)
    (note,) = [note for note in plan.notes if note.code == "archive-copies"]
    assert "2 files" in note.sentence
    assert "4 versions" in note.sentence
    done = cabinet.run(plan)
    assert done.whole
    assert archived(done) == {"Document": 2, "Edition": 6, "Link": 2}
    assert cabinet.state() == freed(before)
    rows = cabinet.vault.lineage(cabinet.oid, table="Document", records=[old])
    (new, _) = cabinet.named("Document", "D0")
    assert resolve(rows, org=cabinet.oid, target=cabinet.oid)[RecordKey("Document", old)] == new
    assert {cells["Reason"] for cells in cabinet.live("Edition").values()} == {None}


def test_an_undo_brings_the_old_files_back_and_deletes_the_new_ones(cabinet: Cabinet) -> None:
    before, ids = cabinet.state(), {*cabinet.live("Document"), *cabinet.live("Edition")}
    done = cabinet.run(cabinet.files_plan())
    cabinet.night()
    undo = cabinet.undo(done.run)
    assert "undo-new-files" in note_codes(undo)
    assert cabinet.run(undo).whole
    assert cabinet.state() == before
    assert {*cabinet.live("Document"), *cabinet.live("Edition")} == ids
    assert done.whole
    cabinet.night()
    again = cabinet.run(cabinet.files_plan())
    assert cabinet.state() == freed(before)
    cabinet.run(cabinet.undo(again.run))
    assert cabinet.state() == before


def test_an_undo_of_the_undo_brings_the_new_files_back(cabinet: Cabinet) -> None:
    before = cabinet.state()
    done = cabinet.run(cabinet.files_plan())
    back = cabinet.run(cabinet.undo(done.run))
    cabinet.run(cabinet.undo(back.run))
    assert cabinet.state() == freed(before)


def test_an_undo_after_the_recycle_bin_creates_the_old_files_again(cabinet: Cabinet) -> None:
    before = cabinet.state()
    done = cabinet.run(cabinet.files_plan())
    cabinet.platform.purge_bin()
    cabinet.night()
    cabinet.run(cabinet.undo(done.run))
    assert {name: held for name, (_, held, _) in cabinet.state().items()} == {
        name: held for name, (_, held, _) in before.items()
    }
    assert sum(count for count, _, _ in cabinet.state().values()) == 7


def test_an_undo_keeps_a_new_file_that_was_changed_since(cabinet: Cabinet) -> None:
    done = cabinet.run(cabinet.files_plan())
    new, _ = cabinet.named("Document", "D1")
    cabinet.org.update("Document", new, {"Name": "renamed"})
    undo = cabinet.undo(done.run)
    assert {step.record: step.action for step in undo.steps}[new] is Action.SKIP
    cabinet.run(undo)
    assert {"D0", "D1", "renamed"} <= cabinet.names("Document")


def test_an_undo_keeps_a_new_file_that_another_record_got_since(cabinet: Cabinet) -> None:
    done = cabinet.run(cabinet.files_plan())
    new, _ = cabinet.named("Document", "D1")
    cabinet.link(new, cabinet.record("Account", "A3"))
    cabinet.run(cabinet.undo(done.run))
    documents = [cells["Name"] for cells in cabinet.live("Document").values()]
    assert sorted(map(str, documents)) == ["D0", "D1", "D1", SINGLE]


def test_an_undo_keeps_a_new_file_that_another_record_got_after_the_plan(cabinet: Cabinet) -> None:
    done = cabinet.run(cabinet.files_plan())
    undo = cabinet.undo(done.run)
    new, _ = cabinet.named("Document", "D1")
    cabinet.link(new, cabinet.record("Account", "A3"))
    assert not cabinet.run(undo).whole
    documents = [cells["Name"] for cells in cabinet.live("Document").values()]
    assert sorted(map(str, documents)) == ["D0", "D1", "D1", SINGLE]


def test_an_undo_deletes_new_files_that_refer_to_each_other(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, original = cabinet.state(), cabinet.platform.create
    olds = {*cabinet.live("Document")}

    def create(table: str, cells: Any, *, by: str) -> str:
        new = original(table, cells, by=by)
        documents = [key for key in cabinet.live("Document") if key not in olds]
        if table == "Link" and len(documents) == 2:
            first, last = documents
            cabinet.org.update("Document", first, {"See": last})
            cabinet.org.update("Document", last, {"See": first})
        return new

    monkeypatch.setattr(cabinet.platform, "create", create)
    done = cabinet.run(cabinet.files_plan())
    monkeypatch.undo()
    undo = cabinet.undo(done.run)
    assert any(step.columns == ("See",) for step in undo.steps if step.action is Action.DELETE)
    cabinet.run(undo)
    assert cabinet.state() == before


def test_an_undo_keeps_a_new_file_on_legal_hold(cabinet: Cabinet) -> None:
    done = cabinet.run(cabinet.files_plan())
    undo = cabinet.undo(done.run)
    new, _ = cabinet.named("Document", "D1")
    cabinet.hold(HoldTarget(HoldScope.RECORD, "Document", new))
    planned = {step.record: step.action for step in cabinet.undo(done.run).steps}
    assert planned[new] is Action.SKIP
    cabinet.run(undo)
    documents = [cells["Name"] for cells in cabinet.live("Document").values()]
    assert sorted(map(str, documents)) == ["D0", "D1", "D1", SINGLE]


def test_an_undo_that_leaves_out_a_link_of_each_file_keeps_the_new_files(cabinet: Cabinet) -> None:
    plan = cabinet.files_plan()
    done = cabinet.run(plan)
    links = frozenset(step.key for step in plan.steps if step.table == "Link")
    undo = cabinet.undo(done.run, left_out=LeftOut(records=links))
    assert Action.DELETE not in {step.action for step in undo.steps}
    assert "undo-new-files" not in note_codes(undo)


def test_an_undo_keeps_the_new_file_of_an_old_one_that_does_not_come_back(
    cabinet: Cabinet,
) -> None:
    done = cabinet.run(cabinet.files_plan())
    undo = cabinet.undo(done.run)
    cabinet.writer.faults.plant("row", RowRefused("NO", "No."), table="Document")
    outcome = cabinet.run(undo)
    cabinet.writer.faults.clear()
    assert not outcome.whole
    assert cabinet.names("Document") == {"D0", "D1", SINGLE}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"branches": (ArchiveBranch("Link", "Document", BranchRule.TAKE),)}, "archive-old-versions"),
        ({"keep_days": 100}, "archive-old-versions"),
        ({"table": "Account", "include": ()}, "archive-old-versions-table"),
        ({"conditions": (Condition(OLD_VERSIONS_SIZE, Comparison.OLDER, days=2),)}, "archive-comparison"),
        ({"old_versions": OldVersionRule.LEAVE, "conditions": (
            Condition(OLD_VERSIONS_SIZE, Comparison.LARGER, number=1),)}, "archive-column"),
    ],
)  # fmt: skip
def test_a_policy_that_makes_no_sense_is_refused(
    cabinet: Cabinet, changes: dict[str, Any], code: str
) -> None:
    assert cabinet.refused(replace(FREE, **changes)) == code


def test_a_policy_that_frees_versions_updates_no_parent(cabinet: Cabinet) -> None:
    policy = replace(FREE, pointer=ParentPointer("Kind", "Name"))
    with pytest.raises(UsageError) as caught:
        preview(cabinet.head, policy, {}, shared=(KIND,), now=cabinet.clock.now())
    assert caught.value.code == "archive-old-versions"


def test_all_files_can_be_copied_in_an_org_without_their_kinds(cabinet: Cabinet) -> None:
    cabinet.document("a note", editions=9, Kind="note")
    cabinet.night()
    kind = replace(KIND, versions=CopiedVersions(RULE))
    shown = preview(cabinet.head, FREE, {}, shared=(kind,), now=cabinet.clock.now())
    assert shown.roots == 3


def test_only_files_with_large_old_versions_are_selected(cabinet: Cabinet) -> None:
    cabinet.document("huge", editions=9)
    cabinet.document("a note", editions=9, Kind="note")
    cabinet.night()
    policy = replace(
        FREE, conditions=(Condition(OLD_VERSIONS_SIZE, Comparison.LARGER, number=300),)
    )
    assert archived(cabinet.run(cabinet.files_plan(policy)))["Document"] == 1
    assert cabinet.state()["huge"][0] == 1
    assert cabinet.state()["a note"][0] == 9


def test_a_preview_counts_old_versions_alone(cabinet: Cabinet) -> None:
    shown = preview(cabinet.head, FREE, {}, shared=(KIND,), now=cabinet.clock.now())
    known = shown.effects.old_versions
    assert known is not None
    assert (known.files, known.versions, known.bytes) == (2, 4, 4 * 40)
    assert [use.versions for use in known.largest] == [2, 2]
    assert shown.effects.files == ()


def test_a_file_that_a_mail_names_stays(cabinet: Cabinet) -> None:
    document = cabinet.record("Document", "D1")
    cabinet.make("Contact", f"see {document}", Account=cabinet.account)
    cabinet.night()
    cabinet.run(cabinet.files_plan())
    assert {name: count for name, (count, _, _) in cabinet.state().items()}["D1"] == 3


def test_a_user_who_may_not_create_files_gets_no_plan(cabinet: Cabinet) -> None:
    cabinet.allow("Link", ops=frozenset({WriteOp.DELETE}))
    assert cabinet.refused(FREE) == "archive-copies-not-allowed"


def test_a_plan_is_read_as_it_was_written(cabinet: Cabinet) -> None:
    plan = cabinet.files_plan()
    assert read_plan(write_plan(plan)) == plan
    assert b"old_versions" in write_plan(plan)
    leave = cabinet.files_plan(replace(FREE, old_versions=OldVersionRule.LEAVE))
    assert b"old_versions" not in write_plan(leave)
    assert read_plan(write_plan(leave)) == leave


# --- files that stay --------------------------------------------------------------------------------


def test_a_file_whose_content_is_missing_in_the_vault_stays(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, before = cabinet.files_plan(), cabinet.state()
    newest = next(s for s in plan.steps if s.table == "Edition" and s.copied)
    broken = cabinet.org.tables["Edition"].records[newest.record].cells["BodyDigest"]
    assert broken
    original = cabinet.platform.create

    def changed(table: str, cells: Any, *, by: str) -> str:
        return original(table, {**cells, "Name": "by a trigger"} if table == "Edition" else cells, by=by)  # fmt: skip

    monkeypatch.setattr(cabinet.platform, "create", changed)
    done = cabinet.run(plan)
    assert set(stayed(done).values()) == {"archive-not-copied", "archive-together"}
    assert cabinet.state() == before, "no new file is left over"


@pytest.mark.parametrize("table", ["Edition", "Link"])
def test_a_file_stays_if_the_org_refuses_its_new_one(cabinet: Cabinet, table: str) -> None:
    plan, before = cabinet.files_plan(), cabinet.state()
    cabinet.writer.faults.plant("row", RowRefused("NO", "No."), table=table)
    done = cabinet.run(plan)
    cabinet.writer.faults.clear()
    assert archived(done)["Document"] == 1
    counts = {name: count for name, (count, _, _) in cabinet.state().items()}
    assert sorted(counts.values()) == [1, 1, 3]
    assert {n: (h, b) for n, (_, h, b) in cabinet.state().items()} == {
        n: (h, b) for n, (_, h, b) in before.items()
    }


def test_a_file_that_changed_while_its_new_one_was_created_stays(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, old = cabinet.files_plan(), cabinet.record("Document", "D1")
    original = cabinet.platform.create

    def create(table: str, cells: Any, *, by: str) -> str:
        if table == "Link":
            cabinet.clock.advance(hours=1)
            cabinet.org.update("Document", old, {"Name": "renamed"})
        return original(table, cells, by=by)

    monkeypatch.setattr(cabinet.platform, "create", create)
    cabinet.run(plan)
    assert {name: count for name, (count, _, _) in cabinet.state().items()} == {
        "D0": 1,
        "renamed": 3,
        SINGLE: 1,
    }


def test_files_stay_if_others_vanish_while_their_new_ones_are_created(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, before = cabinet.files_plan(), cabinet.state()
    single, original = cabinet.record("Document", SINGLE), cabinet.platform.create

    def create(table: str, cells: Any, *, by: str) -> str:
        if table == "Link" and not cabinet.org.tables["Document"].records[single].deleted:
            cabinet.platform.delete("Document", single, by=by)
        return original(table, cells, by=by)

    monkeypatch.setattr(cabinet.platform, "create", create)
    done = cabinet.run(plan)
    assert stayed(done)[f"Document/{single}"] == "archive-vanished"
    assert not archived(done)
    assert cabinet.state() == {name: held for name, held in before.items() if name != SINGLE}


def test_a_new_file_that_a_trigger_deletes_with_the_old_one_is_named(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run took it for one that it took away itself."""
    plan = cabinet.files_plan()
    olds = {*cabinet.live("Document")}
    original, deleted = cabinet.platform.delete, list[str]()

    def delete(table: str, record: str, *, by: str) -> None:
        original(table, record, by=by)
        if table == "Document" and record in olds and not deleted:
            deleted.extend(sorted(cabinet.live("Document").keys() - olds)[:1])
            original(table, deleted[0], by=by)

    monkeypatch.setattr(cabinet.platform, "delete", delete)
    named = stayed(cabinet.run(plan))
    assert named[f"Document/{deleted[0]}"] == "archive-vanished"


def test_a_file_stays_if_its_copy_has_no_hash(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, before = cabinet.files_plan(), cabinet.state()
    monkeypatch.setattr(copying, "proof_of", lambda _table, _cells: {"BodyDigest": None})
    assert "archive-not-copied" in stayed(cabinet.run(plan)).values()
    assert cabinet.state() == before


def test_a_new_file_that_cannot_be_deleted_again_is_named(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = cabinet.files_plan()
    olds = {*cabinet.live("Document")}
    original = cabinet.platform.delete

    def delete(table: str, record: str, *, by: str) -> None:
        if table == "Document" and record not in olds:
            raise RowRefused("NO", "No.")
        original(table, record, by=by)

    monkeypatch.setattr(cabinet.platform, "delete", delete)
    cabinet.writer.faults.plant("row", RowRefused("NO", "No."), table="Link")
    done = cabinet.run(plan)
    cabinet.writer.faults.clear()
    assert "archive-copy-stays" in stayed(done).values()


def test_no_file_is_deleted_if_its_versions_are_hidden_now(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, before = cabinet.files_plan(), cabinet.state()
    ports = replace(cabinet.restore_ports(), shared=(replace(KIND, versions=None),))
    monkeypatch.setattr(cabinet, "restore_ports", lambda: ports)
    with pytest.raises(UsageError) as caught:
        cabinet.run(plan)
    assert caught.value.code == "archive-no-versions"
    assert cabinet.state() == before


def test_a_hold_that_is_newer_than_the_plan_keeps_the_file(cabinet: Cabinet) -> None:
    plan, before = cabinet.files_plan(), cabinet.state()
    cabinet.hold(HoldTarget(HoldScope.TABLE, "Account"))
    cabinet.run(plan)
    assert cabinet.state() == before
    assert all(call[:2] != ("upload", "Edition") for call in cabinet.writer.calls)


# --- runs that stop ---------------------------------------------------------------------------------

MOMENTS = ("write", "written", "upload", "uploaded")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("call", range(5))
def test_a_run_that_stops_at_any_call_doubles_and_loses_nothing(
    cabinet: Cabinet, moment: str, call: int
) -> None:
    before, plan = cabinet.state(), cabinet.files_plan()
    cabinet.writer.faults.plant(moment, Crash(), after=call)
    try:
        cabinet.run(plan)
    except Crash:
        cabinet.night()
    cabinet.writer.faults.clear()
    done = cabinet.run(plan)
    assert isinstance(done, RestoreOutcome)
    assert cabinet.state() == freed(before)
    cabinet.run(cabinet.undo(done.run))
    assert cabinet.state() == before


@pytest.mark.parametrize("moment", ["write", "written"])
@pytest.mark.parametrize("call", range(4))
def test_an_undo_that_stops_at_any_call_goes_on(cabinet: Cabinet, moment: str, call: int) -> None:
    before = cabinet.state()
    done = cabinet.run(cabinet.files_plan())
    undo = cabinet.undo(done.run)
    cabinet.writer.faults.plant(moment, Crash(), after=call)
    with contextlib.suppress(Crash):
        cabinet.run(undo)
    cabinet.writer.faults.clear()
    cabinet.run(undo)
    assert cabinet.state() == before


def test_an_answer_that_is_lost_doubles_no_file(cabinet: Cabinet) -> None:
    before, plan = cabinet.state(), cabinet.files_plan()
    cabinet.writer.faults.plant("uploaded", ReplyLost())
    cabinet.run(plan)
    cabinet.writer.faults.clear()
    assert cabinet.state() == freed(before)


@pytest.mark.parametrize("moment", ["write", "written"])
def test_a_run_that_stops_while_it_takes_a_new_file_away_goes_on(
    cabinet: Cabinet, moment: str
) -> None:
    before, plan = cabinet.state(), cabinet.files_plan()
    cabinet.writer.faults.plant("row", RowRefused("NO", "No."), table="Link", times=2)
    cabinet.writer.faults.plant(moment, Crash(), table="Document")
    with pytest.raises(Crash):
        cabinet.run(plan)
    cabinet.run(plan)
    cabinet.writer.faults.clear()
    assert cabinet.state() == before


# --- restores ---------------------------------------------------------------------------------------


def test_a_restore_of_an_archived_file_leads_to_the_new_one(cabinet: Cabinet) -> None:
    old = cabinet.record("Document", "D0")
    cabinet.run(cabinet.files_plan())
    cabinet.night()
    selection = Selection(SelectionKind.RECORDS, (RecordKey("Document", old),))
    plan = plan_restore(cabinet.oid, cabinet.planning(), selection, plan_id="r")
    assert {step.action for step in plan.steps if step.table == "Document"} == {Action.UNCHANGED}
    editions = [step.action for step in plan.steps if step.table == "Edition"]
    assert sorted(editions) == [Action.SKIP, Action.SKIP, Action.UNCHANGED]
    assert "version-freed" in note_codes(plan)


def test_a_lost_new_file_comes_back_with_all_versions(cabinet: Cabinet) -> None:
    old = cabinet.record("Document", "D0")
    cabinet.run(cabinet.files_plan())
    cabinet.night()
    new, _ = cabinet.named("Document", "D0")
    cabinet.lose("Document", new)
    cabinet.night()
    selection = Selection(SelectionKind.RECORDS, (RecordKey("Document", old),))
    cabinet.run(plan_restore(cabinet.oid, cabinet.planning(), selection, plan_id="r"))
    assert "D0" in cabinet.state()


def test_an_old_version_never_goes_on_top_of_the_new_file(cabinet: Cabinet) -> None:
    old = cabinet.record("Document", "D0")
    rows = cabinet.live("Edition").items()
    edition = next(key for key, cells in rows if cells["Document"] == old)
    cabinet.run(cabinet.files_plan())
    cabinet.night()
    selection = Selection(SelectionKind.RECORDS, (RecordKey("Edition", edition),))
    plan = plan_restore(cabinet.oid, cabinet.planning(), selection, plan_id="r")
    assert [step.action for step in plan.steps] == [Action.SKIP]
