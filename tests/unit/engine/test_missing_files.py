"""Files that could not be read: the next backups ask for them again, and only for them."""

from dataclasses import replace

import pytest

from unit.engine.scene import NIGHTLY, Scene
from unlost.engine.backup.backup import FinishedBackup
from unlost.engine.backup.policy import BackupPolicy, RowCheckPolicy
from unlost.model.errors import SourceRefused, TransientError
from unlost.model.finding import FindingKind
from unlost.model.source.schema import TableTrait, WireKind
from unlost.model.vault.certificate import TableLine, Verdict

NO_CENSUS = BackupPolicy(row_check=RowCheckPolicy(nights=0))


def line_of(done: FinishedBackup) -> TableLine:
    return next(line for line in done.certificate.tables if line.table == "Document")


def gaps(done: FinishedBackup) -> list[str]:
    """The records whose files are a gap."""
    found = [f for f in line_of(done).findings if f.kind is FindingKind.FILE_UNREADABLE]
    return [finding.detail for finding in found]


def calls(scene: Scene, call: str) -> int:
    return sum(table == "Document" for name, table in scene.source.calls if name == call)


@pytest.fixture
def made(scene: Scene) -> list[str]:
    """Five documents; the file of the first could not be read."""
    scene.policy = NO_CENSUS
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    records = [scene.org.attach("Document", f"{at}.txt", b"x" * at) for at in range(1, 6)]
    scene.org.tables["Document"].files.pop(records[0])
    assert gaps(scene.night()) == records[:1]
    scene.source.calls.clear()
    return records


def repair(scene: Scene, record: str) -> None:
    scene.org.tables["Document"].files[record] = b"x"


def test_a_file_that_stays_unreadable_made_its_table_be_read_whole_every_night(
    scene: Scene, made: list[str]
) -> None:
    for _ in range(3):
        scene.source.calls.clear()
        done = scene.night()
        assert not line_of(done).full
        assert gaps(done) == made[:1]
        assert done.certificate.verdict is Verdict.GAPS
        assert (calls(scene, "read_ids"), calls(scene, "open_file")) == (1, 1)
    repair(scene, made[0])
    done = scene.night()
    assert (gaps(done), done.certificate.verdict) == ([], Verdict.COMPLETE)
    assert (done.certificate.files, done.certificate.file_bytes) == (5, 15)
    assert [file.name for file in scene.head.files("Document", made[:1])] == ["1.txt"]
    scene.source.calls.clear()
    scene.night()
    assert calls(scene, "read_ids") == 0


def test_a_record_that_changed_is_not_read_twice_for_its_file(
    scene: Scene, made: list[str]
) -> None:
    repair(scene, made[0])
    scene.org.update("Document", made[0], {"Name": "renamed"})
    done = scene.night()
    assert (calls(scene, "read_ids"), calls(scene, "open_file")) == (0, 1)
    assert (gaps(done), done.certificate.files) == ([], 5)


@pytest.mark.parametrize("fault", [SourceRefused("no", "No."), TransientError("busy", "Busy.")])
def test_a_record_that_cannot_be_looked_up_keeps_its_gap(
    scene: Scene, made: list[str], fault: Exception
) -> None:
    repair(scene, made[0])
    scene.source.faults.plant("read_ids", fault)
    done = scene.night()
    assert gaps(done) == made[:1]
    assert [f.kind for f in line_of(done).findings] == [FindingKind.FILE_UNREADABLE]
    assert gaps(scene.night()) == []


def test_a_table_that_cannot_be_read_keeps_the_gap_of_its_file(
    scene: Scene, made: list[str]
) -> None:
    repair(scene, made[0])
    scene.source.faults.plant("plan_reads", SourceRefused("no", "No."), table="Document")
    assert gaps(scene.night()) == made[:1]
    done = scene.night()
    assert (line_of(done).full, gaps(done)) == (True, [])


def test_a_file_of_a_record_that_is_hidden_stays_a_gap(scene: Scene, made: list[str]) -> None:
    scene.org.hide_row("Document", made[0])
    assert gaps(scene.night()) == made[:1]
    assert gaps(scene.night()) == made[:1]


@pytest.mark.parametrize("purged", [True, False])
def test_a_file_of_a_deleted_record_is_no_gap(
    scene: Scene, made: list[str], *, purged: bool
) -> None:
    (scene.org.purge if purged else scene.org.delete)("Document", made[0])
    assert gaps(scene.night()) == []
    assert gaps(scene.night()) == []


@pytest.mark.parametrize("full", [True, False])
def test_a_file_of_a_record_that_only_the_census_lacks_is_no_gap(
    scene: Scene, made: list[str], *, full: bool
) -> None:
    scene.policy = NIGHTLY
    table = scene.org.tables["Document"]
    table.traits = table.traits - {TableTrait.REPORTS_DELETES}
    scene.org.purge("Document", made[0])
    assert gaps(scene.night(full=full)) == []


def test_a_loss_that_is_not_believed_keeps_the_gap(scene: Scene, made: list[str]) -> None:
    scene.policy = replace(NIGHTLY, breaker_floor=0, breaker_rows=0)
    table = scene.org.tables["Document"]
    table.traits = table.traits - {TableTrait.REPORTS_DELETES}
    scene.org.purge("Document", made[0])
    assert gaps(scene.night()) == made[:1]


def test_a_new_file_of_the_same_size_is_not_taken_for_the_old_one(scene: Scene) -> None:
    """The row check compares files without a checksum by their size."""
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    record = scene.org.attach("Document", "one.txt", b"old")
    files_in = scene.source.files_in
    scene.source.files_in = lambda table, rows: [
        replace(ref, checksum=None) for ref in files_in(table, rows)
    ]
    scene.policy = BackupPolicy(row_check=RowCheckPolicy(nights=1))
    scene.night()
    scene.org.replace_file("Document", record, b"new")
    scene.source.faults.plant("open_file", SourceRefused("no", "No."))
    assert gaps(scene.night()) == [record]
    done = scene.night()
    assert gaps(done) == []
    (file,) = scene.head.files("Document", [record])
    with scene.vault.open_file(scene.oid, file.blob) as stream:
        assert stream.read() == b"new"
    assert done.certificate.files == 1
