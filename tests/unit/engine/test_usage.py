"""What records use of a storage is added up by table, year, owner and mail thread."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from unit.engine.mailbox import BEGIN, DESK, GUEST, RULE, WEIGHT, Mailbox
from unit.engine.scene import Scene
from unlost.engine.storage.usage import table_uses, thread_uses
from unlost.model.source.schema import WireKind
from unlost.model.storage import StorageRule, StorageWeight

SINCE = datetime(2026, 2, 1, tzinfo=UTC)
RULES = {
    "Case": StorageRule((StorageWeight("data", 2048),), "Born", "Owner"),
    "Paper": StorageRule(
        (StorageWeight("files", size_column="Size"), StorageWeight("data", 100)), None, None
    ),
    "Gone": StorageRule((StorageWeight("data", 1),), None, None),
}
TEXT = WireKind.TEXT


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    made.org.add_table("Case", {"Born": TEXT, "Owner": TEXT})
    made.org.add_table("Paper", {"Size": TEXT})
    yield made
    made.close()


def test_records_are_added_up_by_year_and_owner(scene: Scene) -> None:
    chance = random.Random(7)
    years: Counter[int] = Counter()
    owners: Counter[str] = Counter()
    recent = 0
    for _ in range(200):
        born = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(1200))
        owner = chance.choice(["U1", "U2", ""])
        form = chance.choice(["%Y-%m-%dT%H:%M:%S.000Z", "%Y-%m-%dT%H:%M:%S.000+0000"])
        scene.org.create("Case", {"Born": born.strftime(form), "Owner": owner or None})
        years[born.year] += 2048
        owners[owner] += 2048
        recent += 2048 * (born >= SINCE)
    scene.night()
    (use,) = table_uses(scene.head, RULES, since=SINCE)
    assert (use.table, use.storage, use.records, use.bytes) == ("Case", "data", 200, 200 * 2048)
    assert (use.years, use.owners, use.recent) == (years, owners, recent)


def test_sizes_come_from_the_records_and_deleted_ones_cost_nothing(scene: Scene) -> None:
    for told in ("1000", "2.5E3", None, "rubbish"):
        scene.org.create("Paper", {"Size": told})
    gone = scene.org.create("Paper", {"Size": "77"})
    scene.night()
    scene.org.delete("Paper", gone)
    scene.night()
    files, data = table_uses(scene.head, RULES, since=SINCE)
    assert (files.storage, files.bytes, files.records) == ("files", 3500, 4)
    assert (data.storage, data.bytes) == ("data", 400)
    assert (files.years, files.owners, files.recent) == ({0: 3500}, {"": 3500}, 0)


def test_the_largest_mail_threads_come_first(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    for n in range(3):
        box.mail(GUEST, DESK, "RE: " * n + "Order", 10 * n, text="x" * 5000)
    for n in range(9):
        box.mail(GUEST, DESK, f"Note {n}", 10 * n, text="ü" * 600)  # 1,200 bytes each
    box.mail(GUEST, DESK, "Old", -60 * 24 * 90, text="y" * 9000)
    box.night()
    found = thread_uses(box.head, "Mail", RULE, WEIGHT, since=BEGIN, most=2)
    assert [(one.subject, one.mails, one.bytes, one.recent) for one in found] == [
        ("order", 3, 15_000, 15_000),
        ("note #", 9, 10_800, 10_800),
    ]
    assert found[0].sides == (GUEST, "service@chocolate.example")
    (third,) = thread_uses(box.head, "Mail", RULE, WEIGHT, since=BEGIN, most=3)[2:]
    assert (third.subject, third.bytes, third.recent) == ("old", 9000, 0)
    box.close()


def test_no_mails_are_no_threads(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    box.night()
    assert thread_uses(box.head, "Mail", RULE, WEIGHT, since=BEGIN, most=3) == ()
    box.close()
