"""Rows that the user stopped seeing, and what becomes of them when the org removes them."""

from dataclasses import replace

import pytest

from unit.engine.scene import Scene, chocolate
from unit.engine.test_backup_troubles import kinds, line_of
from unlost.engine.backup.policy import BackupPolicy, CensusPolicy
from unlost.model.errors import IntegrityError, LimitReached
from unlost.model.finding import FindingKind
from unlost.model.source.schema import WireKind
from unlost.model.vault.certificate import Verdict


def hidden_and_purged(scene: Scene, table: str = "Account") -> str:
    """A row that was read, then hidden, then removed for ever, and the right is given back."""
    chocolate(scene)
    scene.night()
    row = next(iter(scene.org.tables[table].records))
    scene.org.hide_row(table, row)
    scene.night()
    assert scene.hidden(table)[0] == {row}
    scene.org.purge(table, row)
    scene.night()
    assert scene.hidden(table)[0] == {row}
    scene.org.show_row(table, row)
    return row


@pytest.mark.parametrize("table", ["Account", "Junction"])
def test_a_hidden_row_that_was_removed_stayed_hidden_for_ever(scene: Scene, table: str) -> None:
    row = hidden_and_purged(scene, table)
    done = scene.night()
    assert scene.dead(table) == {}, "the rights moved tonight: nothing can be inferred yet"
    assert kinds(done, table) == {FindingKind.ROWS_HIDDEN}
    done = scene.night()
    assert scene.dead(table) == {row: "M"}
    assert scene.hidden(table)[0] == set()
    line = line_of(done, table)
    assert (line.deleted, line.stored, line.hidden_rows) == (1, 6, 0)
    assert done.certificate.verdict is Verdict.COMPLETE
    assert scene.night().certificate.verdict is Verdict.COMPLETE


def test_hidden_rows_of_several_batches_are_looked_up_together(scene: Scene) -> None:
    chocolate(scene)
    scene.policy = replace(scene.policy, lookup_batch=1)
    scene.night()
    rows = list(scene.org.tables["Junction"].records)[:2]
    for row in rows:
        scene.org.hide_row("Junction", row)
    scene.night()
    for row in rows:
        scene.org.purge("Junction", row)
        scene.org.show_row("Junction", row)
    scene.night()
    scene.night()
    assert scene.dead("Junction") == dict.fromkeys(rows, "M")


def test_a_row_that_is_still_hidden_is_never_called_deleted(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    row = next(iter(scene.org.tables["Account"].records))
    scene.org.hide_row("Account", row)
    for _ in range(4):
        scene.night()
    assert scene.dead("Account") == {}
    assert scene.hidden("Account")[0] == {row}
    assert ("read_ids", "Account") not in scene.source.calls[-40:]


def test_under_other_rights_than_it_was_read_nobody_can_tell(scene: Scene) -> None:
    row = hidden_and_purged(scene)
    scene.org.hide_column("Contact", "Name")
    for _ in range(3):
        scene.night()
    assert scene.dead("Account") == {}
    assert scene.hidden("Account")[0] == {row}
    scene.org.show_column("Contact", "Name")
    scene.night()
    scene.night()
    assert scene.dead("Account") == {row: "M"}


def test_a_hidden_row_that_the_source_itself_calls_deleted_is_deleted(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    gone, binned, *_ = scene.org.tables["Account"].records
    scene.org.hide_row("Account", gone)
    scene.org.hide_row("Account", binned)
    scene.night()
    scene.org.purge("Account", gone)
    scene.org.tables["Account"].purged.append((scene.clock.now(), gone))
    scene.org.delete("Account", binned)
    scene.org.show_row("Account", binned)
    done = scene.night()
    assert scene.dead("Account") == {gone: "P", binned: "D"}
    assert scene.hidden("Account")[0] == set()
    assert (line_of(done, "Account").deleted, line_of(done, "Account").hidden_rows) == (2, 0)


def test_a_hidden_row_that_the_census_lost_and_a_look_by_id_finds_is_visible(scene: Scene) -> None:
    row = hidden_and_purged(scene)
    scene.night()
    scene.org.create("Account", {"Name": "Account 0", "Phone": "00"}, record=row)
    census = scene.source.census
    lost = {row}
    plan = scene.source.plan_reads
    scene.source.plan_reads = lambda table, since, **more: [
        task for task in plan(table, since, **more) if task.kind != "rows"
    ]
    scene.source.census = lambda table: (ids.filter(~_among(ids, lost)) for ids in census(table))
    scene.night()
    assert scene.hidden("Account")[0] == set()
    assert scene.dead("Account") == {}
    assert row in scene.cells("Account", "Name")


def _among(ids, lost):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.array([key in lost for key in ids.to_pylist()], dtype=bool)


def test_more_hidden_rows_than_are_believed_stay_hidden_and_cost_no_calls(scene: Scene) -> None:
    chocolate(scene, records=12)
    scene.policy = BackupPolicy(census=CensusPolicy.EVERY_NIGHT, breaker_floor=5)
    scene.night()
    for record in list(scene.org.tables["Junction"].records)[:6]:
        scene.org.purge("Junction", record)
    scene.night()
    assert len(scene.hidden("Junction")[0]) == 6
    for _ in range(2):
        scene.source.calls.clear()
        scene.night()
        assert ("read_ids", "Junction") not in scene.source.calls
        assert scene.dead("Junction") == {}


@pytest.mark.parametrize("stop", [False, True])
def test_a_look_that_breaks_off_buries_nobody(scene: Scene, stop: bool) -> None:
    row = hidden_and_purged(scene)
    scene.night()
    error = LimitReached("spent", "spent") if stop else IntegrityError("cut", "cut short")
    scene.source.faults.plant("read_ids", error, table="Account")
    scene.clock.advance(days=1)
    done = scene.attempt(run="night")
    if not stop:
        assert kinds(done, "Account") == {FindingKind.DELETES_UNPROVED, FindingKind.ROWS_HIDDEN}
        assert scene.dead("Account") == {}
        done = scene.night()
    else:
        done = scene.attempt(run="night")
    assert scene.dead("Account") == {row: "M"}


def test_files_of_a_row_that_only_the_census_showed_were_left_out(scene: Scene) -> None:
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    scene.org.attach("Document", "seen.txt", b"aaa")
    late = scene.org.attach("Document", "late.txt", b"bbbb")
    scene.org.unshared_rows.add(("Document", late))
    scene.night()
    scene.org.unshared_rows.clear()
    done = scene.night()
    (stored,) = scene.head.files("Document", [late])
    assert stored.size == 4
    assert (done.certificate.files, done.certificate.file_bytes) == (2, 7)
