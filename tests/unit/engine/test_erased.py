"""What was erased does not come back with the next backup, though the org still has it."""

import pytest

import scanner
from unit.engine.scene import NIGHTLY, Scene, chocolate
from unlost.engine.backup.backup import FinishedBackup
from unlost.model.plan import RecordKey
from unlost.model.vault.certificate import Verdict
from unlost.model.vault.erasure import Erase, MatchColumn
from unlost.model.vault.maintenance import unconditional


def erase(scene: Scene, record: str, *match: str) -> None:
    columns = tuple(MatchColumn("Account", one) for one in match)
    wish = Erase((RecordKey("Account", record),), columns, by="admin")
    assert scene.vault.apply(scene.oid, unconditional(wish), run=f"erase-{record.lower()}").snapshot


def line(done: FinishedBackup) -> tuple[int | None, int]:
    found = next(one for one in done.certificate.tables if one.table == "Account")
    return found.live, found.stored


@pytest.mark.parametrize("full", [False, True])
def test_it_stays_out_whatever_happens_to_it(scene: Scene, full: bool) -> None:
    made = chocolate(scene)
    scene.night()
    erase(scene, made[0])
    scene.org.update("Account", made[0], {"Phone": "new"})
    scene.org.update("Account", made[1], {"Phone": "new"})
    done = scene.night(full=full)
    assert sorted(scene.cells("Account", "Name")) == sorted(made[1:])
    assert scene.cells("Account", "Phone")[made[1]] == "new"
    assert line(done) == (6, 6)
    assert done.certificate.verdict is Verdict.COMPLETE
    scene.org.delete("Account", made[0])
    done = scene.night(full=full)
    assert scene.dead("Account") == {}
    assert line(done) == (6, 6)
    scene.org.purge("Account", made[0])
    assert line(scene.night(full=full)) == (6, 6)
    assert scene.dead("Account") == {}
    assert scene.vault.history(scene.oid, "Account", made[0]) in ((), [])


def test_under_another_id_it_is_told_by_what_it_had(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    erase(scene, made[0], "Phone")
    again = scene.org.create("Account", {"Name": "Zurückgekehrt", "Phone": " 00 "})
    other = scene.org.create("Account", {"Name": "Other", "Phone": "0815"})
    done = scene.night()
    assert sorted(scene.cells("Account", "Name")) == sorted([*made[1:], other])
    assert line(done) == (7, 7)
    scene.org.update("Account", again, {"Phone": "0816"})
    scene.night()
    assert again not in scene.cells("Account", "Name")
    scene.reopen()
    assert line(scene.night(full=True)) == (7, 7)
    assert scanner.found(scene.vault, "Zurückgekehrt") == set()


def test_a_row_that_is_not_listed_or_read_is_counted_by_the_source(scene: Scene) -> None:
    scene.policy = NIGHTLY
    made = chocolate(scene)
    scene.night()
    erase(scene, made[0])
    scene.org.hide_row("Account", made[0])
    done = scene.night()
    assert scene.hidden("Account") == (set(), set())
    assert done.certificate.verdict is Verdict.COMPLETE
