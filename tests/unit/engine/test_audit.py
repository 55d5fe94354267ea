"""The audit: what changed without a word is found within a round of nights, at a bounded cost."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from unit.engine.scene import Scene, chocolate
from unit.engine.test_backup_troubles import kinds, line_of
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup
from unlost.engine.backup.files import new_file_refs
from unlost.engine.backup.policy import BackupPolicy, RowCheckPolicy
from unlost.engine.backup.row_check import DuePart, FormerIdRange, part_of
from unlost.model.errors import IntegrityError, LimitReached, SourceRefused
from unlost.model.finding import FindingKind, Severity
from unlost.model.source.reading import FileRef, RowCheckPart
from unlost.model.source.schema import TableTrait, WireKind
from unlost.model.vault.certificate import Verdict
from unlost.model.vault.snapshot import StoredFile

EVERY_NIGHT = BackupPolicy(row_check=RowCheckPolicy(nights=1))
IN_PARTS = BackupPolicy(row_check=RowCheckPolicy(nights=3, fewest_rows=1))


@given(
    held=st.integers(0, 5_000),
    row_bytes=st.integers(0, 3_000),
    first=st.integers(0, 10**9),
    nights=st.integers(1, 40),
    most_rows=st.integers(1, 400),
    fewest_rows=st.integers(1, 100),
)
def test_each_record_has_one_turn_in_a_round(
    held: int, row_bytes: int, first: int, nights: int, most_rows: int, fewest_rows: int
) -> None:
    policy = RowCheckPolicy(
        nights=nights, most_rows=most_rows, most_bytes=100_000, fewest_rows=fewest_rows
    )
    most = max(1, min(most_rows, 100_000 // max(row_bytes, 1)))
    turns = nights
    while most * turns < held:
        turns *= 2
    parts = [
        part_of(held, row_bytes=row_bytes, turn=first + turn, policy=policy)
        for turn in range(turns)
    ]
    due = [part for part in parts if part is not None]
    assert sorted(part.number for part in due) == list(range(due[0].of if due else 0))
    assert bool(due) is bool(held)
    assert all(part.rows <= most for part in due)
    assert all(held <= part.of * part.rows < held + part.of for part in due)


def test_a_table_that_grows_at_its_end_leaves_out_no_record_of_the_night_before() -> None:
    policy = RowCheckPolicy(nights=8, fewest_rows=10, most_rows=1_000)
    checked: set[int] = set()
    for turn in range(8):
        held = 2_000 + 50 * turn
        part = part_of(held, row_bytes=1, turn=turn, policy=policy)
        assert part is not None
        start, stop = (held * number // part.of for number in (part.number, part.number + 1))
        checked |= set(range(start, stop))
    assert checked >= set(range(2_000))


def test_the_number_of_parts_only_doubles() -> None:
    policy = RowCheckPolicy(nights=30)
    parts = [part_of(held, row_bytes=1, turn=0, policy=policy) for held in (1, 60_000, 60_001)]
    assert [part.of for part in parts if part is not None] == [1, 30, 30]
    large = part_of(30 * 64_000 + 1, row_bytes=1, turn=0, policy=policy)
    assert large == RowCheckPart(59, 60, 32_001)


def test_how_much_of_tables_of_all_sizes() -> None:
    """Nights of a round that have a part, and records in the largest."""

    def round_of(held: int, row_bytes: int) -> tuple[int, int]:
        policy = RowCheckPolicy()
        parts = [
            part_of(held, row_bytes=row_bytes, turn=turn, policy=policy) for turn in range(480)
        ]
        due = {part for part in parts if part is not None}
        return len(due), max(part.rows for part in due)

    assert round_of(300, 800) == (1, 300)
    assert round_of(5_000, 800) == (4, 1_250)
    assert round_of(200_000, 800) == (30, 6_667)
    assert round_of(1_000_000, 811) == (30, 33_334)
    assert round_of(100_000, 20_000) == (60, 1_667)
    assert part_of(300, row_bytes=1, turn=0, policy=RowCheckPolicy(nights=0)) is None
    assert part_of(0, row_bytes=0, turn=0, policy=RowCheckPolicy()) is None


def silently(scene: Scene, table: str, record: str, **cells: str) -> None:
    """Change a record as no timestamp tells."""
    scene.org.tables[table].records[record].cells.update(cells)


def test_what_changed_without_a_word_is_found_and_said(scene: Scene) -> None:
    made = chocolate(scene)
    scene.policy = EVERY_NIGHT
    scene.night()
    scene.clock.advance(hours=12)
    scene.org.update("Account", made[0], {"Phone": "loud"})
    silently(scene, "Account", made[1], Phone="quiet")
    silently(scene, "Account", made[2], Turnover="1.0E3")  # the same number
    done = scene.night(hours=12)
    assert scene.cells("Account", "Phone")[made[1]] == "quiet"
    (finding,) = line_of(done, "Account").findings
    assert (finding.kind, finding.severity) == (FindingKind.ROWS_DIFFER, Severity.GAP)
    assert finding.sentence.startswith("1 record of Accounts differed from the vault")
    assert "--full" in finding.next_step
    assert done.certificate.verdict is Verdict.GAPS
    line = line_of(done, "Account")
    assert (line.changed, line.stored, line.live) == (2, 7, 7)
    assert scene.night().certificate.verdict is Verdict.COMPLETE


def test_a_row_that_appeared_or_went_without_a_word_counts_too(scene: Scene) -> None:
    made = chocolate(scene)
    scene.policy = EVERY_NIGHT
    scene.org.unshared_rows.add(("Account", made[0]))
    scene.night()
    scene.org.unshared_rows.clear()
    scene.org.tables["Account"].records[made[1]].deleted = True
    done = scene.night()
    assert line_of(done, "Account").findings[0].detail == "2"
    assert made[0] in scene.cells("Account", "Name")
    assert scene.dead("Account") == {made[1]: "D"}


def test_a_round_of_nights_finds_everything_once(scene: Scene) -> None:
    made = chocolate(scene)
    scene.policy = IN_PARTS
    scene.night()
    for record in made:
        silently(scene, "Account", record, Phone="quiet")
    lines = [line_of(scene.night(), "Account") for _ in range(6)]
    found = [int(finding.detail) for line in lines for finding in line.findings]
    assert sum(found) == 7
    assert len(found) > 1
    assert set(scene.cells("Account", "Phone").values()) == {"quiet"}


def test_an_ordinary_night_asks_one_question_more_of_a_table_at_most(scene: Scene) -> None:
    chocolate(scene)
    scene.org.add_table("Whole", {"Name": WireKind.TEXT}, traits=frozenset({TableTrait.CENSUS}))
    scene.org.create("Whole", {"Name": "x"})
    scene.org.add_table("Plain", {"Name": WireKind.TEXT}).traits -= {TableTrait.ROW_CHECK}
    scene.org.create("Plain", {"Name": "x"})
    scene.policy = BackupPolicy(row_check=RowCheckPolicy(nights=0))
    scene.night()
    asked = {}
    for nights in (0, 1):
        scene.policy = BackupPolicy(row_check=RowCheckPolicy(nights=nights))
        scene.source.calls.clear()
        scene.night()
        calls = scene.source.calls
        asked[nights] = {t: calls.count(("open_read", t)) for t in scene.org.tables}
        assert ("read_ids", "Account") not in calls
    assert asked[1] == {
        **{table: count + 1 for table, count in asked[0].items()},
        "Whole": asked[0]["Whole"],
        "Plain": asked[0]["Plain"],
        "AccountHistory": asked[0]["AccountHistory"],  # empty
    }


def test_what_was_read_whole_tonight_is_not_read_again(scene: Scene) -> None:
    chocolate(scene)
    scene.policy = EVERY_NIGHT
    scene.night()
    plan = scene.source.plan_reads

    def dead(table: Any, since: Any, **_: Any) -> Any:
        return plan(table, None)  # the source says that its cursor died

    scene.source.plan_reads = dead
    scene.source.calls.clear()
    scene.night()
    scene.night(full=True)
    assert "plan_row_check" not in {call for call, _ in scene.source.calls}


def test_a_part_that_cannot_be_read_is_a_note(scene: Scene) -> None:
    chocolate(scene)
    scene.policy = EVERY_NIGHT
    scene.night()
    scene.source.faults.plant("plan_row_check", SourceRefused("no", "No."), table="Contact")
    done = scene.night()
    (finding,) = line_of(done, "Contact").findings
    assert (finding.kind, finding.severity) == (FindingKind.ROWS_DIFFER, Severity.NOTE)
    assert done.certificate.verdict is Verdict.COMPLETE


def test_a_part_that_breaks_off_is_begun_again_and_counted_once(scene: Scene) -> None:
    made = chocolate(scene)
    scene.policy = EVERY_NIGHT
    scene.night()
    silently(scene, "Account", made[0], Phone="quiet")
    scene.source.faults.plant("read", IntegrityError("short-page", "cut"), table="Account", after=3)
    done = scene.night()
    assert line_of(done, "Account").findings[0].detail == "1"


def test_a_spent_allowance_in_the_middle_of_the_audit_parks(scene: Scene) -> None:
    made = chocolate(scene)
    scene.policy = EVERY_NIGHT
    scene.night()
    silently(scene, "Account", made[6], Phone="quiet")
    scene.source.faults.plant("read", LimitReached("spent", "spent"), table="Account", after=2)
    scene.clock.advance(days=1)
    assert isinstance(scene.attempt(run="night"), ParkedBackup)
    done = scene.attempt(run="night")
    assert isinstance(done, FinishedBackup)
    assert kinds(done, "Account") == {FindingKind.ROWS_DIFFER}


def test_rows_much_longer_than_expected_are_read_no_further(scene: Scene) -> None:
    made = chocolate(scene)
    scene.policy = EVERY_NIGHT
    scene.night()
    scene.source.page_rows = 1
    for record in made:
        silently(scene, "Account", record, Name="long " * 100)
    scene.policy = BackupPolicy(
        row_check=RowCheckPolicy(nights=1, most_bytes=7 * 50, fewest_rows=7)
    )
    done = scene.night()
    assert 1 <= int(line_of(done, "Account").findings[0].detail) < 7


def test_rows_read_tonight_tell_how_long_rows_are(scene: Scene) -> None:
    """Long texts lie beside the vault's rows; a part must be bounded by them too."""
    made = chocolate(scene, records=12)
    scene.policy = BackupPolicy(row_check=RowCheckPolicy(nights=1, most_bytes=500, fewest_rows=100))
    scene.night()
    scene.clock.advance(hours=20)
    scene.org.update("Account", made[0], {"Name": "n" * 3000})
    asked: list[RowCheckPart] = []
    plan = scene.source.plan_row_check

    def noted(table: Any, since: Any, part: RowCheckPart, **more: Any) -> Any:
        if table.name == "Account":
            asked.append(part)
        return plan(table, since, part, **more)

    scene.source.plan_row_check = noted
    for _ in range(20):  # the table has its turn in one of them at least
        scene.org.update("Account", made[0], {"Name": "n" * 3000 + scene.clock.now().isoformat()})
        scene.night(hours=4)
    assert asked
    assert all(part.rows == 1 for part in asked)


def test_a_file_that_changed_with_its_row_is_fetched(scene: Scene) -> None:
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    made = [scene.org.attach("Document", f"{at}", b"x" * at) for at in range(1, 4)]
    scene.policy = EVERY_NIGHT
    scene.night()
    stamp = scene.org.tables["Document"].records[made[0]].modified
    scene.org.replace_file("Document", made[0], b"other")
    scene.org.tables["Document"].records[made[0]].modified = stamp
    scene.source.calls.clear()
    done = scene.night()
    assert scene.source.calls.count(("open_file", "Document")) == 1
    assert scene.head.files("Document", [made[0]])[0].size == 5
    assert (done.certificate.files, done.certificate.file_bytes) == (3, 10)


def test_files_without_a_checksum_are_compared_by_size() -> None:
    same, longer = (FileRef("Document", "r", "Body", size) for size in (3, 4))
    held = [StoredFile("b", "Document", "r", "Body", 3)]
    assert new_file_refs([same, longer], held, compare_by_size=True) == [longer]
    assert new_file_refs([same], held) == [same]


def test_a_source_can_cut_parts_by_the_ids_of_the_vault(scene: Scene) -> None:
    made = chocolate(scene)
    scene.policy = EVERY_NIGHT
    scene.night()
    seen: dict[str, list[str]] = {}
    plan = scene.source.plan_row_check

    def noted(table: Any, since: Any, part: RowCheckPart, *, stored: Any) -> Any:
        seen[table.name] = [record for ids in stored() for record in ids.to_pylist()]
        return plan(table, since, part, stored=stored)

    scene.source.plan_row_check = noted
    scene.night()
    assert sorted(seen["Account"]) == sorted(made)


def test_a_run_of_an_earlier_release_goes_on_without_the_row_check() -> None:
    stored = b'{"ids":{"low":"","high":"A7","rows":12}}'
    due = msgspec.json.decode(stored, type=DuePart)
    assert due == DuePart(FormerIdRange("", "A7", 12))
    assert due.part is None
