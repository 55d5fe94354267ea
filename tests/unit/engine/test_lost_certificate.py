"""A night whose certificate was lost and given up: what it lacked is not known, and the next one sees to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.engine.scene import Scene, chocolate
from unit.engine.test_partial import lines
from unlost.model.errors import TransientError
from unlost.model.finding import FindingKind
from unlost.model.source.schema import WireKind
from unlost.model.vault.certificate import Verdict
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.salvage import Salvage
from unlost.vault.vault import EncryptedVault


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Scene]:
    """An org with files, and a vault that can lose something."""
    scene = Scene(tmp_path, durable=True)
    chocolate(scene)
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    scene.org.attach("Document", "first.txt", b"first")
    scene.night()
    scene.clock.advance(days=1)
    yield scene
    scene.source.faults.assert_met()
    scene.close()


def lose_newest(scene: Scene) -> None:
    """Lose the certificate of the newest backup, and give it up."""
    assert isinstance(scene.vault, EncryptedVault)
    info = scene.vault.snapshots(scene.oid)[-1]
    assert info.certificate is not None
    assert scene.vault.sealed.store.delete(info.certificate)
    assert scene.vault.apply(
        scene.oid, unconditional(Salvage()), run=f"salvage-{info.number}"
    ).certificates == (info.number,)


def unread_file(scene: Scene) -> tuple[str, bytes]:
    """A file that the night could not read."""
    record = scene.org.attach("Document", "second.txt", b"second")
    body = scene.org.tables["Document"].files.pop(record)
    scene.source.faults.plant("open_file", TransientError("busy", "busy"))
    done = scene.night()
    assert done.certificate.verdict is Verdict.GAPS
    scene.clock.advance(days=1)
    return record, body


def test_a_file_that_could_not_be_read_is_read_all_the_same(kept: Scene) -> None:
    record, body = unread_file(kept)
    kept.org.tables["Document"].files[record] = body
    lose_newest(kept)
    done = kept.night()
    assert lines(done)["Document"].full
    assert [file.record for file in kept.head.files("Document", [record])] == [record]
    assert done.certificate.verdict is Verdict.COMPLETE
    assert (done.certificate.files, done.certificate.file_bytes) == (2, len(b"firstsecond"))


def test_the_totals_of_files_go_on(kept: Scene) -> None:
    before = kept.head.certificate()
    assert before is not None
    lose_newest(kept)
    stands = kept.head.certificate()
    assert stands is not None
    assert (stands.files, stands.file_bytes) == (before.files, before.file_bytes) == (1, 5)
    done = kept.night()
    assert (done.certificate.files, done.certificate.verdict) == (1, Verdict.COMPLETE)


def test_an_hour_does_not_call_complete_what_rests_on_a_night_without_its_certificate(
    kept: Scene,
) -> None:
    number = kept.vault.snapshots(kept.oid)[-1].number
    lose_newest(kept)
    hour = kept.hour("Account")
    assert (hour.certificate.rests_on, hour.certificate.verdict) == (number, Verdict.GAPS)
    lose_newest(kept)
    stands = kept.head.certificate()
    assert stands is not None
    assert stands.rests_on == number
    assert [line.table for line in stands.tables] == ["Account"]
    again = kept.hour("Contact")
    assert again.certificate.rests_on == number
    lose_newest(kept)
    stands = kept.head.certificate()
    assert stands is not None
    assert {line.table: line.carried for line in stands.tables} == {
        "Account": True,
        "Contact": False,
    }
    done = kept.night()
    assert (done.certificate.verdict, done.certificate.files) == (Verdict.COMPLETE, 1)


def test_a_table_that_failed_is_still_named(kept: Scene) -> None:
    kept.source.faults.plant("read", TransientError("busy", "busy"), table="Account", times=99)
    done = kept.night()
    kinds = {one.kind for line in done.certificate.tables for one in line.findings}
    kept.source.faults.clear()
    lose_newest(kept)
    stands = kept.head.certificate()
    assert stands is not None
    told = {one.kind for line in stands.tables for one in line.findings}
    assert FindingKind.TABLE_UNREADABLE in kinds & told
