"""The deletions of one backup are read from the vault and grouped."""

from pathlib import Path

import pytest

from unit.engine.scene import Scene
from unlost.engine.records import deletions
from unlost.engine.records.deletions import losses_between
from unlost.model.losses import LossGroup, LossRule, LossRules
from unlost.model.plan import RecordKey
from unlost.model.source.schema import DeleteRule, Reference, WireKind

RULES = LossRules(dict.fromkeys(("Person", "Visit", "Order"), LossRule()))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A person with a visit; a note hangs on the visit."""
    made = Scene(tmp_path)
    made.org.add_table("Person", {"Name": WireKind.TEXT})
    made.org.add_table("Order", {"Name": WireKind.TEXT})
    for table, of in (("Visit", ("Person", "Order", "Lead")), ("Note", ("Visit",))):
        reference = Reference(of, DeleteRule.CASCADE)
        made.org.add_table(table, {"Of": WireKind.REFERENCE}, references={"Of": reference})
    made.org.create("Person", {"Name": "Ada"}, record="P1")
    made.org.create("Order", {"Name": "7"}, record="O1")
    for record, of in (("V1", "P1"), ("V2", "P1"), ("V3", "O1")):
        made.org.create("Visit", {"Of": of}, record=record)
    made.org.create("Note", {"Of": "V1"}, record="N1")
    made.night()
    return made


def losses(scene: Scene, *tables: str) -> list[LossGroup]:
    return list(
        losses_between(
            scene.vault, scene.oid, RULES, after=1, until=2, tables=tables or ("Person", "Visit")
        )
    )


def test_a_person_with_visits(scene: Scene) -> None:
    for table, record in (("Note", "N1"), ("Visit", "V1"), ("Visit", "V2"), ("Person", "P1")):
        scene.org.delete(table, record, by="U7")
    scene.night()
    (loss,) = losses(scene, "Person", "Visit", "Note", "Dropped")
    assert (loss.roots, loss.by, loss.counts) == (("P1",), "U7", {"Person": 1, "Visit": 2})


def test_visits_of_live_records_by_the_table_of_each(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "FETCH", 1)
    for record in ("V1", "V2", "V3"):
        scene.org.delete("Visit", record, by="U7")
    scene.night()
    groups = losses(scene)
    assert [(group.roots, group.parent) for group in groups] == [
        (("V1", "V2"), RecordKey("Person", "P1")),
        (("V3",), RecordKey("Order", "O1")),
    ]


def test_a_backup_without_deletions(scene: Scene) -> None:
    scene.org.create("Person", {"Name": "Ben"})
    scene.night()
    assert losses(scene) == []
