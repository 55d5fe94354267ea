"""Files of records that one backup reads more than once: each is fetched and counted once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from unit.engine.scene import Scene
from unit.engine.test_missing_files import calls, gaps, line_of
from unlost.engine.backup import files
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup
from unlost.engine.backup.policy import BackupPolicy, RowCheckPolicy
from unlost.engine.backup.proof import certificate, proving
from unlost.model.errors import LimitReached, TransientError
from unlost.model.plan import RecordKey
from unlost.model.source.reading import FileRef
from unlost.model.source.schema import WireKind
from unlost.model.vault.certificate import TableLine, Verdict
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional

TWO_ROUNDS = BackupPolicy(
    stable_window=timedelta(0), rounds=1, file_group=2, row_check=RowCheckPolicy(nights=0)
)


@pytest.fixture(autouse=True)
def documents(scene: Scene) -> None:
    """A table with files; the second round of each backup reads the changes of an hour again."""
    scene.policy = TWO_ROUNDS
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)


def attach(scene: Scene, count: int = 1) -> list[str]:
    """Documents of 1, 2, … bytes."""
    return [scene.org.attach("Document", f"{at}.txt", b"x" * at) for at in range(1, count + 1)]


def between_rounds(scene: Scene, change: Callable[[], None]) -> None:
    """Let ``change`` happen once, when the next backup has read its first round."""
    server_time, readings = scene.source.server_time, []

    def reading() -> Any:
        readings.append(server_time())
        if len(readings) == 2:
            change()
        return readings[-1]

    scene.source.server_time = reading


def without_properties(scene: Scene, **missing: None) -> None:
    """Rows no longer contain these properties of files."""
    files_in = scene.source.files_in
    scene.source.files_in = lambda table, rows: [
        replace(ref, **missing) for ref in files_in(table, rows)
    ]


def numbers(done: FinishedBackup) -> tuple[int, int]:
    line = line_of(done)
    assert (done.certificate.files, done.certificate.file_bytes) == (line.files, line.file_bytes)
    return line.files, line.file_bytes


def stored(scene: Scene) -> tuple[int, int]:
    """The files that the newest backup has, and their bytes."""
    records = list(scene.org.tables["Document"].records)
    sizes = [file.size for file in scene.head.files("Document", records)]
    return len(sizes), sum(sizes)


def test_a_file_whose_record_was_read_in_two_rounds_counted_twice(scene: Scene) -> None:
    attach(scene)
    done = scene.night(hours=0)
    assert numbers(done) == stored(scene) == (1, 1)
    assert calls(scene, "open_file") == 1
    assert numbers(scene.night()) == (1, 1)


def test_a_file_that_changed_between_two_rounds_counted_twice(scene: Scene) -> None:
    (record,) = attach(scene)
    between_rounds(scene, lambda: scene.org.replace_file("Document", record, b"longer"))
    done = scene.night(hours=0)
    assert numbers(done) == stored(scene) == (1, 6)
    assert calls(scene, "open_file") == 2
    between_rounds(scene, lambda: scene.org.replace_file("Document", record, b"three"))
    scene.org.replace_file("Document", record, b"four")
    assert numbers(scene.night()) == stored(scene) == (1, 5)


def test_a_file_that_changed_back_between_two_rounds_stayed_changed(scene: Scene) -> None:
    (record,) = attach(scene)
    scene.night()
    scene.org.replace_file("Document", record, b"other")
    between_rounds(scene, lambda: scene.org.replace_file("Document", record, b"x"))
    assert numbers(scene.night()) == stored(scene) == (1, 1)


@pytest.mark.parametrize("missing", [{"checksum": None}, {"checksum": None, "size": None}])
@pytest.mark.parametrize("rounds", [1, 3])
def test_a_file_without_a_checksum_counted_once_for_each_round(
    scene: Scene, missing: dict[str, None], rounds: int
) -> None:
    without_properties(scene, **missing)
    scene.policy = replace(TWO_ROUNDS, rounds=rounds)
    record, _ = attach(scene, 2)
    between_rounds(scene, lambda: scene.org.replace_file("Document", record, b"longer"))
    done = scene.night(hours=0)
    assert numbers(done) == stored(scene) == (2, 8)
    assert numbers(scene.night(full=True)) == (2, 8)


def test_a_file_without_a_size_that_did_not_change_is_fetched_once(scene: Scene) -> None:
    without_properties(scene, size=None)
    (record,) = attach(scene)
    assert numbers(scene.night(hours=0)) == (1, 1)
    assert calls(scene, "open_file") == 1
    scene.org.update("Document", record, {"Name": "renamed"})
    between_rounds(scene, lambda: scene.org.replace_file("Document", record, b"longer"))
    assert numbers(scene.night(hours=0)) == stored(scene) == (1, 6)
    assert calls(scene, "open_file") == 2


def test_a_file_that_only_the_second_round_could_read_was_a_gap(scene: Scene) -> None:
    records = attach(scene, 3)
    body = scene.org.tables["Document"].files.pop(records[0])
    between_rounds(scene, lambda: scene.org.tables["Document"].files.update({records[0]: body}))
    done = scene.night(hours=0)
    assert numbers(done) == stored(scene) == (3, 6)
    assert (gaps(done), done.certificate.verdict) == ([], Verdict.COMPLETE)
    assert calls(scene, "open_file") == 4


def test_a_file_that_no_round_could_read_is_one_gap(scene: Scene) -> None:
    records = attach(scene, 3)
    scene.org.tables["Document"].files.pop(records[0])
    done = scene.night(hours=0)
    assert numbers(done) == stored(scene) == (2, 5)
    assert gaps(done) == records[:1]


def test_a_file_that_changed_and_could_not_be_read_was_subtracted(scene: Scene) -> None:
    (record,) = attach(scene)
    scene.night()
    scene.org.replace_file("Document", record, b"longer")
    scene.org.tables["Document"].files.pop(record)
    scene.org.attach("Document", "new.txt", b"new")
    done = scene.night()
    assert numbers(done) == stored(scene) == (2, 4)
    assert gaps(done) == [record]


@pytest.mark.parametrize("searched", [1, 100_000])
def test_files_of_a_table_whose_reading_was_interrupted_counted_twice(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, searched: int
) -> None:
    monkeypatch.setattr(files, "SEARCHED", searched)
    scene.policy = replace(TWO_ROUNDS, reads_at_once=1)
    attach(scene, 5)
    scene.source.faults.plant("read", TransientError("busy", "busy"), table="Document", after=1)
    done = scene.night(hours=2)
    assert numbers(done) == stored(scene) == (5, 15)
    assert calls(scene, "open_file") == 5


def test_a_file_that_a_read_names_twice_counted_twice(scene: Scene) -> None:
    attach(scene, 3)
    files_in = scene.source.files_in

    def twice(*args: Any) -> list[FileRef]:
        refs = list(files_in(*args))
        return [*refs, *refs]

    scene.source.files_in = twice
    assert numbers(scene.night(hours=2)) == stored(scene) == (3, 6)
    assert calls(scene, "open_file") == 3


def test_a_run_that_parks_in_the_second_round_counts_the_same(scene: Scene) -> None:
    without_properties(scene, checksum=None, size=None)
    attach(scene, 3)
    scene.source.faults.plant("open_file", LimitReached("spent", "spent"), after=4)
    assert isinstance(scene.attempt(run="night"), ParkedBackup)
    assert calls(scene, "open_file") >= 5
    scene.reopen()
    done = scene.attempt(run="night")
    assert isinstance(done, FinishedBackup)
    assert numbers(done) == stored(scene) == (3, 6)


# --- numbers that are wrong already ---------------------------------------------------------------


@pytest.fixture
def miscounted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three documents, of which one is deleted; the certificate of the backup names five files."""
    records = attach(scene, 3)
    scene.night()
    scene.org.delete("Document", records[0])
    table_line = certificate.table_line
    with monkeypatch.context() as patch:
        patch.setattr(certificate, "table_line", lambda *a, **k: wrong(table_line(*a, **k)))
        assert numbers(scene.night()) == (5, 9)
    return records


def wrong(line: TableLine) -> TableLine:
    return replace(line, files=line.files + 2, file_bytes=line.file_bytes + 3)


def test_a_wrong_number_of_files_stayed_for_ever(scene: Scene, miscounted: list[str]) -> None:
    scene.org.attach("Document", "new.txt", b"new")
    assert numbers(scene.night()) == (6, 12)
    assert numbers(scene.night(full=True)) == stored(scene) == (4, 9)
    assert miscounted[0] in scene.dead("Document")
    assert numbers(scene.night()) == (4, 9)


def test_erased_files_were_still_counted(scene: Scene) -> None:
    records = attach(scene, 3)
    scene.night()
    wish = Erase((RecordKey("Document", records[2]),), by="admin")
    assert scene.vault.apply(scene.oid, unconditional(wish), run="erase").snapshot
    assert numbers(scene.night()) == (2, 3)
    assert numbers(scene.night()) == (2, 3)


def test_files_are_counted_if_the_certificate_is_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach(scene, 3)
    scene.night()
    monkeypatch.setattr(proving, "lines_of", lambda *_: {})
    assert numbers(scene.night()) == (3, 6)
