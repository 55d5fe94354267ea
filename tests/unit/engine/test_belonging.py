"""What an org deletes together with a record, at any depth."""

from pathlib import Path

import pytest

from unit.engine.scene import Scene
from unlost.engine.records import belonging
from unlost.engine.records.belonging import with_belongings
from unlost.model.errors import UsageError
from unlost.model.plan import RecordKey
from unlost.model.source.schema import DeleteRule, Reference, WireKind


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A person with tasks, which have notes; a visit only refers to the person."""
    made = Scene(tmp_path)
    link = WireKind.REFERENCE
    made.org.add_table("Person", {"Name": WireKind.TEXT})
    for table, of, rule in (
        ("Task", "Person", DeleteRule.CASCADE),
        ("Note", "Task", DeleteRule.CASCADE),
        ("Visit", "Person", DeleteRule.SET_NULL),
    ):
        made.org.add_table(table, {"Of": link}, references={"Of": Reference((of,), rule)})
    return made


def test_details_and_their_details_alive_or_deleted(scene: Scene) -> None:
    person, other = (scene.org.create("Person", {"Name": name}) for name in "ab")
    task = scene.org.create("Task", {"Of": person})
    gone = scene.org.create("Task", {"Of": person})
    note = scene.org.create("Note", {"Of": task})
    scene.org.create("Note", {"Of": scene.org.create("Task", {"Of": other})})
    scene.org.create("Visit", {"Of": person})
    scene.night()
    scene.org.delete("Task", gone)
    scene.night()
    found = with_belongings(scene.head, [RecordKey("Person", person)])
    assert found[0] == RecordKey("Person", person)
    assert set(found[1:]) == {
        RecordKey("Task", task),
        RecordKey("Task", gone),
        RecordKey("Note", note),
    }


def test_too_many_are_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belonging, "MOST", 1)
    person = scene.org.create("Person", {"Name": "a"})
    scene.org.create("Task", {"Of": person})
    scene.night()
    with pytest.raises(UsageError) as caught:
        with_belongings(scene.head, [RecordKey("Person", person)])
    assert caught.value.code == "too-much-belongs"
