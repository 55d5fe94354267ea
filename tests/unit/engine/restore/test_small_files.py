"""Small files go with the rows of a call; nothing else about them is different."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from unit.engine.restore.workshop import Workshop, of
from unlost.engine.restore.running.wanted import WantedReader
from unlost.engine.restore.values.outcome import Ending
from unlost.model.plan import Action, PlanStep, RecordKey, RestorePlan
from unlost.model.vault.snapshot import StoredFile
from unlost.testing.memory_writer import ReplyLost


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path)
    shop.platform.small_file, shop.platform.files_per_call = 10, 100
    return shop


def lost(shop: Workshop, *bodies: bytes | None) -> tuple[list[str], RestorePlan]:
    """Papers with these files (None: without one) that are gone, and the plan for them."""
    made = [
        shop.make("Paper", f"p{number}")
        if body is None
        else shop.org.attach("Paper", f"p{number}", body)
        for number, body in enumerate(bodies)
    ]
    shop.night()
    for paper in made:
        shop.lose("Paper", paper)
    return made, shop.plan(*(shop.step("Paper", paper, Action.CREATE) for paper in made))


def bodies(shop: Workshop) -> list[bytes]:
    return sorted(shop.org.tables["Paper"].files.values())


def written(shop: Workshop) -> list[tuple[str, int]]:
    return [(verb, rows) for verb, _, rows in shop.writer.calls if verb in ("create", "upload")]


def test_small_files_go_together_and_a_large_one_by_itself(shop: Workshop) -> None:
    papers, plan = lost(shop, b"one", b"a long recipe", b"two", None)
    outcome = shop.restore(plan)
    assert bodies(shop) == [b"a long recipe", b"one", b"two"]
    assert sorted(written(shop)) == [("create", 3), ("upload", 1)]
    assert all(of(outcome, paper).differences == () for paper in papers)


def test_a_call_takes_no_more_bytes_and_no_more_rows_than_it_may(shop: Workshop) -> None:
    shop.platform.files_per_call = 7
    _, plan = lost(shop, b"one", b"two", b"three")
    shop.restore(plan)
    assert bodies(shop) == [b"one", b"three", b"two"]
    assert sum(rows for _, rows in written(shop)) == 3
    assert len(written(shop)) == 2


@pytest.mark.parametrize("fault", ["write", "written"])
def test_small_files_whose_answer_was_lost_are_not_doubled(shop: Workshop, fault: str) -> None:
    _, plan = lost(shop, b"one", b"two", b"two")
    shop.writer.faults.plant(fault, ReplyLost())
    outcome = shop.restore(plan)
    assert bodies(shop) == [b"one", b"two", b"two"]
    assert outcome.whole
    shop.writer.faults.assert_met()


def test_a_small_file_that_the_vault_holds_damaged_is_named(shop: Workshop) -> None:
    """It was backed up on an earlier night, so that another pack has it."""
    broken = shop.org.attach("Paper", "p", b"one")
    shop.night()
    (pack,) = [one.name for one in shop.store.list("orgs/") if "/packs/" in one.name]
    (other,), _ = lost(shop, b"two")
    shop.lose("Paper", broken)
    body = shop.store.get(pack)
    shop.store.delete(pack)
    shop.store.put_new(pack, bytes(len(body)))
    steps = [shop.step("Paper", paper, Action.CREATE) for paper in (broken, other)]
    outcome = shop.restore(shop.plan(*steps))
    assert of(outcome, broken).ending is Ending.FAILED
    assert of(outcome, broken).code == "restore-file-missing"
    assert of(outcome, other).ending is Ending.CREATED
    assert bodies(shop) == [b"two"]


def test_files_that_the_vault_does_not_hold_are_named(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers, plan = lost(shop, b"one", b"two")

    def none(_wanted: WantedReader, _steps: Sequence[PlanStep]) -> Mapping[RecordKey, StoredFile]:
        return {}

    monkeypatch.setattr(WantedReader, "files", none)
    outcome = shop.restore(plan)
    assert [of(outcome, paper).code for paper in papers] == ["restore-file-missing"] * 2
    assert written(shop) == []
