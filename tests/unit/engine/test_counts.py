"""The numbers of a certificate: each record counts once, however often a night read it."""

from unit.engine.scene import Scene, chocolate
from unit.engine.test_backup_troubles import line_of
from unlost.model.source.schema import TableTrait


def test_a_record_that_changed_once_was_counted_again_by_each_look(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.org.update("Account", made[0], {"Phone": "new"})
    scene.source.read_seconds = 90
    done = scene.night(hours=0)
    assert done.certificate.rounds >= 1
    line = line_of(done, "Account")
    assert (line.created, line.changed, line.deleted, line.stored) == (0, 1, 0, 7)
    assert done.snapshot.counts.changed == 1


def test_a_record_that_changed_there_and_back_while_the_night_looked_did_not_change(
    scene: Scene,
) -> None:
    made = chocolate(scene)
    scene.night()
    scene.clock.advance(hours=2)
    scene.org.update("Account", made[0], {"Phone": "new"})
    scene.source.read_seconds = 90
    read, reads = scene.source.read, []

    def back(task):  # type: ignore[no-untyped-def]
        reads.append(task.table)
        if reads.count("AccountHistory") == 3:
            scene.org.tables["Account"].logged = False
            scene.org.update("Account", made[0], {"Phone": "00"})
        return read(task)

    scene.source.read = back
    done = scene.night(hours=0)
    assert done.certificate.rounds >= 1
    assert scene.cells("Account", "Phone")[made[0]] == "00"
    assert line_of(done, "Account").changed == 0


def test_a_record_that_came_and_went_in_one_night_counts_as_both(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    scene.clock.advance(hours=2)
    scene.org.delete("Account", scene.org.create("Account", {"Name": "brief"}))
    line = line_of(scene.night(), "Account")
    assert (line.created, line.deleted, line.stored) == (1, 1, 7)


def test_a_last_row_after_a_deletion_by_id_is_a_change(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.org.unshared_rows.add(("Junction", "Jun000000003"))
    scene.night()
    assert scene.dead("Junction") == {"Jun000000003": "M"}
    scene.org.unshared_rows.clear()
    scene.org.delete("Junction", "Jun000000003")
    scene.org.tables["Junction"].traits |= {TableTrait.REPORTS_DELETES}
    line = line_of(scene.night(), "Junction")
    assert (line.created, line.changed, line.deleted, line.stored) == (0, 1, 0, len(made) - 1)
