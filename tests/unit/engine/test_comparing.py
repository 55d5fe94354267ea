"""The org's numbers beside the vault's: a read that is wrong without an error."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from unit.engine.scene import Scene, chocolate
from unlost.engine.backup.backup import FinishedBackup
from unlost.engine.backup.comparing import revivals_unseen
from unlost.engine.backup.policy import BackupPolicy
from unlost.model.errors import SourceRefused, TransientError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.reading import Page, ReadTask
from unlost.model.source.schema import (
    ALL_ROWS,
    Column,
    DeleteRule,
    Reference,
    Table,
    TableTrait,
    WireKind,
)
from unlost.model.vault.certificate import TableLine, Verdict
from unlost.testing.org import ALL_TRAITS, MemoryOrg

WEEKLY = BackupPolicy()
PLAIN = frozenset({TableTrait.INCREMENTAL, TableTrait.REPORTS_DELETES})


def line(done: FinishedBackup, table: str) -> TableLine:
    return next(line for line in done.certificate.tables if line.table == table)


def kinds(findings: Sequence[Finding]) -> set[FindingKind]:
    return {finding.kind for finding in findings}


def swallow(scene: Scene, monkeypatch: pytest.MonkeyPatch, table: str, *lost: str) -> None:
    """From now on reads of a table do not deliver these records, and say that all is well."""
    read: Callable[[ReadTask], Iterator[Page]] = scene.source.read

    def lying(task: ReadTask) -> Iterator[Page]:
        for page in read(task):
            yield without(page, lost) if task.table == table else page

    monkeypatch.setattr(scene.source, "read", lying)


def without(page: Page, lost: Sequence[str]) -> Page:
    rows = page.rows
    keep = pa.array([key not in lost for key in rows.ids.to_pylist()], pa.bool_())
    return replace(
        page,
        rows=replace(
            rows,
            ids=rows.ids.filter(keep),
            ops=rows.ops.filter(keep),
            modified_at=rows.modified_at.filter(keep),
            modified_by=rows.modified_by.filter(keep),
            cells=None if rows.cells is None else rows.cells.filter(keep),
        ),
    )


def test_a_first_read_that_loses_records_fetches_them_in_the_same_backup(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the certificate printed 1137 of 1137 for an org of 1196."""
    accounts = chocolate(scene)
    swallow(scene, monkeypatch, "Account", accounts[2], accounts[5])
    done = scene.night()
    assert list(scene.cells("Account", "Name")) == sorted(accounts)
    assert (line(done, "Account").live, line(done, "Account").stored) == (7, 7)
    assert done.certificate.verdict is Verdict.COMPLETE


def test_a_night_that_loses_a_new_record_fetches_it_in_the_same_backup(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.policy = WEEKLY
    chocolate(scene)
    scene.night()
    fresh = scene.org.create("Account", {"Name": "fresh"})
    swallow(scene, monkeypatch, "Account", fresh)
    done = scene.night()
    assert fresh in scene.cells("Account", "Name")
    assert (line(done, "Account").live, line(done, "Account").stored) == (8, 8)


def test_a_deletion_that_no_list_tells_is_found_by_the_count(scene: Scene) -> None:
    scene.policy = WEEKLY
    accounts = chocolate(scene)
    scene.night()
    scene.org.purge("Account", accounts[0])
    scene.org.tables["Account"].purged.clear()
    done = scene.night()
    assert scene.dead("Account") == {accounts[0]: "M"}
    assert (line(done, "Account").live, line(done, "Account").stored) == (6, 6)


def test_records_that_the_org_lists_and_does_not_deliver_are_a_gap(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = chocolate(scene)
    swallow(scene, monkeypatch, "Account", *accounts[:2])
    read_ids = scene.source.read_ids
    monkeypatch.setattr(
        scene.source,
        "read_ids",
        lambda table, ids: (
            without(page, accounts[:2]) if table.name == "Account" else page
            for page in read_ids(table, ids)
        ),
    )
    done = scene.night()
    found = line(done, "Account")
    assert (found.live, found.stored) == (7, 5)
    (gap,) = [f for f in found.findings if f.kind is FindingKind.ROWS_MISSING]
    assert (gap.severity, gap.detail) == (Severity.GAP, "2")
    assert done.certificate.verdict is Verdict.GAPS


def test_a_record_that_is_deleted_between_list_and_look_up_is_no_gap(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = chocolate(scene)
    swallow(scene, monkeypatch, "Account", accounts[0], accounts[1])
    census = scene.source.census

    def then_deleted(table: Table) -> Iterator[pa.Array]:
        yield from census(table)
        if table.name == "Account" and accounts[0] in scene.org.tables["Account"].records:
            scene.org.purge("Account", accounts[0])
            scene.org.delete("Account", accounts[1])

    monkeypatch.setattr(scene.source, "census", then_deleted)
    done = scene.night()
    assert (line(done, "Account").live, line(done, "Account").stored) == (5, 5)
    assert done.certificate.verdict is Verdict.COMPLETE


def test_a_list_that_breaks_off_the_second_time_leaves_the_gap(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = chocolate(scene)
    swallow(scene, monkeypatch, "Account", accounts[0])
    monkeypatch.setattr(scene.source, "read_ids", lambda _table, _ids: iter(()))
    scene.source.faults.plant("census", SourceRefused("no", "No."), table="Account", after=1)
    assert line(scene.night(), "Account").live == 7


def test_a_table_without_a_list_of_ids_whose_numbers_differ_is_a_gap(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.org.add_table("Plain", {"Name": WireKind.TEXT}, traits=PLAIN)
    scene.org.add_table("Whole", {"Name": WireKind.TEXT}, traits=frozenset())
    for name in ("Plain", "Whole"):
        made = [scene.org.create(name, {"Name": str(at)}) for at in range(3)]
        swallow(scene, monkeypatch, name, made[1])
    done = scene.night()
    assert (line(done, "Plain").live, line(done, "Plain").stored) == (3, 2)
    assert FindingKind.DELETES_UNPROVED in kinds(line(done, "Plain").findings)
    done = scene.night()
    assert FindingKind.ROWS_MISSING in kinds(line(done, "Plain").findings)
    assert FindingKind.DELETES_UNPROVED in kinds(line(done, "Whole").findings)


def test_a_full_read_that_lost_records_deletes_none(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.org.add_table("Whole", {"Name": WireKind.TEXT}, traits=frozenset())
    made = [scene.org.create("Whole", {"Name": str(at)}) for at in range(3)]
    scene.night()
    with monkeypatch.context() as patch:
        swallow(scene, patch, "Whole", made[1])
        scene.night()
    assert scene.dead("Whole") == {}


def test_a_full_read_that_says_it_is_not_whole_deletes_none(scene: Scene) -> None:
    scene.org.add_table("Whole", {"Name": WireKind.TEXT}, traits=frozenset())
    made = [scene.org.create("Whole", {"Name": str(at)}) for at in range(3)]
    scene.night()
    scene.org.purge("Whole", made[1])
    scene.source.read_incomplete = True
    done = scene.night()
    assert scene.dead("Whole") == {}
    assert FindingKind.DELETES_UNPROVED in kinds(line(done, "Whole").findings)
    scene.source.read_incomplete = False
    scene.night()
    assert scene.dead("Whole") == {made[1]: "M"}


def test_a_full_read_that_is_not_whole_lists_the_ids_where_it_can(scene: Scene) -> None:
    traits = frozenset({TableTrait.CENSUS})
    scene.org.add_table("Whole", {"Name": WireKind.TEXT}, traits=traits)
    made = [scene.org.create("Whole", {"Name": str(at)}) for at in range(3)]
    scene.night()
    scene.org.purge("Whole", made[1])
    scene.source.read_incomplete = True
    scene.night()
    assert scene.dead("Whole") == {made[1]: "M"}
    assert ("census", "Whole") in scene.source.calls


def test_a_source_without_a_count_is_a_note(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.policy = WEEKLY
    chocolate(scene)
    scene.night()
    monkeypatch.setattr(scene.source, "count", lambda _table: None)
    done = scene.night()
    (note,) = line(done, "Contact").findings
    assert (note.kind, note.severity) == (FindingKind.NOT_COMPARED, Severity.NOTE)
    assert done.certificate.verdict is Verdict.COMPLETE


def test_a_count_that_fails_is_a_note_with_its_reason(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.policy = WEEKLY
    chocolate(scene)
    scene.night()

    def failing(_table: Table) -> int:
        raise TransientError("away", "The line is dead.")

    monkeypatch.setattr(scene.source, "count", failing)
    done = scene.night()
    (note,) = line(done, "Contact").findings
    assert (note.kind, note.severity, note.detail) == (
        FindingKind.NOT_COMPARED,
        Severity.NOTE,
        "away",
    )
    assert "could not be compared: The line is dead." in note.sentence
    assert line(done, "Contact").live is None


def test_each_table_is_counted_once(scene: Scene) -> None:
    scene.policy = WEEKLY
    chocolate(scene)
    for _ in range(2):
        scene.source.calls.clear()
        scene.night()
        counts = [table for call, table in scene.source.calls if call == "count"]
        assert sorted(counts) == sorted(set(counts))
        assert ("census", "Account") not in scene.source.calls


def test_erased_records_that_live_on_in_the_org_are_no_difference(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.policy = WEEKLY
    chocolate(scene)
    scene.night()
    monkeypatch.setattr(
        "unlost.vault.write.open_commit.OpenCommit.erased_count",
        lambda _self, table: 1 if table == "Account" else 0,
    )
    monkeypatch.setattr(scene.source, "count", lambda table: len(scene.org.visible(table.name)) + 1)
    scene.source.calls.clear()
    done = scene.night()
    assert (line(done, "Account").live, line(done, "Account").stored) == (7, 7)
    assert ("census", "Account") not in scene.source.calls
    assert ("census", "Contact") in scene.source.calls


@pytest.mark.parametrize("nights", [4, pytest.param(30, marks=pytest.mark.full)])
def test_an_org_that_never_rests_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nights: int
) -> None:
    """A change at each call: between pages, count, list, and look-up."""
    scene = Scene(tmp_path, policy=WEEKLY)
    accounts = chocolate(scene)
    accounts += [scene.org.create("Account", {"Name": f"more {at}"}) for at in range(60)]
    scene.source.page_rows, scene.source.read_seconds = 50, 2
    turn = count()
    called = scene.source._called

    def restless(call: str, table: str | None = None) -> None:
        edit(scene.org, next(turn))
        called(call, table)

    monkeypatch.setattr(scene.source, "_called", restless)
    for _ in range(nights):
        done = scene.night()
        gaps = [f for f in line(done, "Account").findings if f.severity is Severity.GAP]
        assert gaps == []
        assert line(done, "Account").live == line(done, "Account").stored


def edit(org: MemoryOrg, turn: int) -> None:
    """Create, delete, change, or bring back an account; their number stays about the same."""
    records = org.tables["Account"].records
    live = [key for key, record in records.items() if not record.deleted]
    dead = [key for key, record in records.items() if record.deleted]
    if turn % 4 == 0:
        org.create("Account", {"Name": f"new {turn}"})
    elif turn % 4 == 1:
        org.delete("Account", live[turn % len(live)])
    elif turn % 4 == 2:
        org.update("Account", live[turn % len(live)], {"Phone": str(turn)})
    elif len(live) < 60:
        org.undelete("Account", dead[turn % len(dead)])
    else:
        org.purge("Account", dead[turn % len(dead)])


def test_rows_that_are_visible_again_end_their_gap_without_a_full_backup(scene: Scene) -> None:
    scene.policy = WEEKLY
    for at in range(3):
        scene.org.add_table(f"T{at}", {"Name": WireKind.TEXT})
    made = [scene.org.create("T0", {"Name": str(at)}) for at in range(120)]
    scene.night()
    scene.org.unshared_rows |= {("T0", key) for key in made[:60]}
    assert FindingKind.ROWS_HIDDEN in kinds(line(scene.night(), "T0").findings)
    scene.org.unshared_rows.clear()
    done = scene.night()
    assert FindingKind.ROWS_HIDDEN not in kinds(line(done, "T0").findings)
    assert done.certificate.verdict is Verdict.COMPLETE
    assert not line(done, "T0").full


# --- rights that change during a backup ---------------------------------------------------------


def test_a_record_that_is_no_longer_shared_is_not_taken_for_a_deleted_one(scene: Scene) -> None:
    """Without a right to all rows, a share can be withdrawn and no right changes."""
    chocolate(scene)
    scene.org.tables["Contact"].grants = {"rows:few"}
    scene.night()
    contact = next(iter(scene.org.tables["Contact"].records))
    scene.org.unshared_rows.add(("Contact", contact))
    done = scene.night()
    assert scene.dead("Contact") == {}
    assert FindingKind.ROWS_HIDDEN in kinds(line(done, "Contact").findings)
    scene.org.unshared_rows.clear()
    assert scene.night().certificate.verdict is Verdict.COMPLETE
    assert scene.hidden("Contact") == (set(), set())


@pytest.fixture
def granted(scene: Scene) -> Scene:
    scene.policy = WEEKLY
    chocolate(scene)
    for table in scene.org.tables.values():
        table.grants = {ALL_ROWS}
    return scene


def take_rights(scene: Scene, table: str) -> None:
    scene.org.tables[table].grants = {"rows:few"}
    scene.org.unshared_rows |= {(table, key) for key in scene.org.tables[table].records}


def give_rights(scene: Scene, table: str) -> None:
    scene.org.tables[table].grants = {ALL_ROWS}
    scene.org.unshared_rows.clear()


def take_while_reading(scene: Scene, monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    plan = scene.source.plan_reads

    def planned(of: Table, since: Any, **more: Any) -> Any:
        if of.name == table:
            take_rights(scene, table)
        return plan(of, since, **more)

    monkeypatch.setattr(scene.source, "plan_reads", planned)


def test_rights_that_are_taken_while_a_table_is_read_are_a_gap_and_lose_no_edit(
    granted: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given back in the morning, nothing told of them, and the edits of that day were missed."""
    granted.night()
    contact = next(iter(granted.org.tables["Contact"].records))
    granted.org.update("Contact", contact, {"Name": "edited"})
    with monkeypatch.context() as patch:
        take_while_reading(granted, patch, "Contact")
        done = granted.night()
    (gap,) = [f for f in line(done, "Contact").findings if f.kind is FindingKind.RIGHTS_CHANGED]
    assert (gap.severity, gap.detail) == (Severity.GAP, "lost")
    assert granted.dead("Contact") == {}, "rights that are lost delete nothing"
    assert kinds(line(done, "Account").findings) == set()
    give_rights(granted, "Contact")
    done = granted.night()
    assert granted.cells("Contact", "Name")[contact] == "edited"
    assert line(done, "Contact").full
    assert not line(done, "Account").full
    assert done.certificate.verdict is Verdict.COMPLETE
    assert granted.hidden("Contact") == (set(), set())


def test_rights_that_are_gained_meanwhile_are_a_note_and_a_full_read(
    granted: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted.night()
    grants = granted.source.grants
    with monkeypatch.context() as patch:

        def more(schema: Any) -> Any:
            granted.org.tables["Contact"].grants = {ALL_ROWS, "files"}
            return grants(schema)

        patch.setattr(granted.source, "grants", more)
        done = granted.night()
    (note,) = line(done, "Contact").findings
    assert (note.kind, note.severity, note.detail) == (
        FindingKind.RIGHTS_CHANGED,
        Severity.NOTE,
        "gained",
    )
    assert line(granted.night(), "Contact").full


def test_thirty_nights_with_an_unrelated_change_of_rights_stay_quiet_and_cheap(
    granted: Scene,
) -> None:
    granted.night()
    for at in range(30):
        granted.org.hidden_rows.clear()
        granted.org.hide_row("Nothing", str(at))  # another fingerprint each night
        granted.source.calls.clear()
        done = granted.night()
        assert done.certificate.verdict is Verdict.COMPLETE
        assert not any(table_line.full for table_line in done.certificate.tables)
        assert sum(call == "grants" for call, _ in granted.source.calls) == 1


# --- rows that come back with their parent ------------------------------------------------------


def test_history_of_a_record_that_comes_back_comes_back_too(scene: Scene) -> None:
    """Deleted with its record, and asked for by creation alone, it stayed deleted in the vault."""
    scene.policy = WEEKLY
    scene.org.add_table("Case", {"Name": WireKind.TEXT})
    scene.org.add_table(
        "CaseHistory",
        {"Name": WireKind.TEXT, "CaseId": WireKind.REFERENCE},
        traits=ALL_TRAITS | {TableTrait.NEW_ONLY},
        references={"CaseId": Reference(("Case",), DeleteRule.CASCADE)},
    )
    case = scene.org.create("Case", {"Name": "a case"})
    log = scene.org.create("CaseHistory", {"Name": "opened", "CaseId": case})
    scene.night()
    scene.org.delete("Case", case)
    scene.org.delete("CaseHistory", log)
    scene.night()
    assert log in scene.dead("CaseHistory")
    scene.clock.advance(hours=48)
    scene.org.undelete("Case", case)
    scene.org.tables["CaseHistory"].records[log].deleted = False  # its stamp does not move
    other = scene.org.create("CaseHistory", {"Name": "later", "CaseId": case})
    scene.org.purge("CaseHistory", other)  # so that the numbers alone would tell nothing
    scene.night()
    assert scene.dead("CaseHistory").keys() & {log} == set()
    assert log in scene.cells("CaseHistory", "Name")


@pytest.mark.parametrize(
    ("traits", "rule", "unseen"),
    [
        ({TableTrait.NEW_ONLY, TableTrait.CENSUS}, DeleteRule.CASCADE, True),
        ({TableTrait.NEW_ONLY, TableTrait.REPORTS_DELETES}, DeleteRule.CASCADE, True),
        ({TableTrait.NEW_ONLY, TableTrait.CENSUS}, DeleteRule.SET_NULL, False),
        ({TableTrait.CENSUS}, DeleteRule.CASCADE, False),
        # Such as journal entries of ServiceNow, which stay when their record is deleted.
        ({TableTrait.NEW_ONLY}, DeleteRule.CASCADE, False),
    ],
)
def test_where_records_come_back_unseen(
    traits: set[TableTrait],
    rule: DeleteRule,
    unseen: bool,
) -> None:
    column = Column("CaseId", WireKind.REFERENCE, reference=Reference(("Case",), rule))
    table = Table("CaseHistory", (Column("Id", WireKind.ID), column), traits=frozenset(traits))
    assert revivals_unseen(table, revived=frozenset({"Case"})) is unseen
    assert not revivals_unseen(table, revived=frozenset({"Task"}))
