"""Nights of an org that lives: what a full and an incremental backup hold."""

from unit.engine.scene import Scene, chocolate
from unlost.model.vault.certificate import Verdict


def test_the_first_night_holds_everything(scene: Scene) -> None:
    made = chocolate(scene)
    done = scene.night()
    assert done.certificate.verdict is Verdict.COMPLETE
    assert list(scene.cells("Account", "Name")) == sorted(made)
    line = next(line for line in done.certificate.tables if line.table == "Account")
    assert (line.live, line.stored, line.created, line.full) == (7, 7, 7, True)
    assert line.dangling == 0
    assert done.certificate.sentence == "Complete: the vault has 21 records of 4 tables."


def test_the_second_night_reads_what_changed(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.clock.advance(hours=12)
    scene.org.update("Account", made[0], {"Phone": "new"}, by="U2")
    scene.org.delete("Account", made[1])
    scene.org.purge("Account", made[2])
    scene.org.purge("Contact", scene.org.create("Contact", {"Name": "brief"}))
    fresh = scene.org.create("Account", {"Name": "fresh"})
    done = scene.night(hours=12)
    assert scene.cells("Account", "Phone")[made[0]] == "new"
    assert scene.dead("Account") == {made[1]: "D", made[2]: "P"}
    line = next(line for line in done.certificate.tables if line.table == "Account")
    assert (line.live, line.stored) == (6, 6)
    assert (line.created, line.changed, line.deleted, line.full) == (1, 1, 2, False)
    assert fresh in scene.cells("Account", "Name")
    assert done.certificate.verdict is Verdict.COMPLETE
    assert {t: s.alive for t, s in scene.head.tables().items()} == {
        line.table: line.stored for line in done.certificate.tables
    }


def test_a_row_that_nobody_reports_is_missed_by_the_census(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    gone = next(iter(scene.org.tables["Junction"].records))
    scene.org.purge("Junction", gone)
    scene.night()
    assert scene.dead("Junction") == {gone: "M"}


def test_hidden_rows_and_columns_keep_their_last_values(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.org.hide_row("Account", made[0])
    scene.org.hide_column("Account", "Phone")
    scene.org.update("Account", made[1], {"Phone": "unseen", "Name": "seen"})
    done = scene.night()
    assert done.certificate.verdict is Verdict.GAPS
    assert scene.hidden("Account") == ({made[0]}, {"Phone"})
    assert scene.dead("Account") == {}
    assert scene.cells("Account", "Name", "Phone")[made[1]] == ("seen", "01")
    scene.night()
    assert scene.hidden("Account") == ({made[0]}, {"Phone"})
    scene.org.show_row("Account", made[0])
    scene.org.show_column("Account", "Phone")
    done = scene.night()
    assert scene.hidden("Account") == (set(), set())
    assert scene.cells("Account", "Phone")[made[1]] == "unseen"
    assert done.certificate.verdict is Verdict.COMPLETE
