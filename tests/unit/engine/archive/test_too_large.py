"""A record that takes along too many others for one call leaves with them, in slices."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from sweeps import parts_of
from unit.engine.archive.test_run import Office, archived, stayed
from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.model.source.writing import Identity
from unlost.testing.faults import Crash, CrashPoint
from unlost.testing.platform import RowRefused

PARTS = 3  # of the calls at which it crashes

MOST = 3  # contacts that may go along with an account
MANY = 5


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """The first account has too many contacts."""
    made = Office(tmp_path)
    for table in ("Account", "Contact", "Paper"):
        made.allow(table, identity=Identity.UNDELETE)
    for number in range(MANY - 1):
        made.make("Contact", f"More {number}", Account=made.account)
    made.night()
    limit(made)
    yield made
    made.close()


def limit(office: Office, *, most: int = MOST) -> None:
    """Let the org refuse to delete an account with more contacts."""
    delete: Callable[..., None] = type(office.platform).delete

    def refusing(table: str, record: str, *, by: str) -> None:
        contacts = office.org.tables["Contact"].records.values()
        below = [c for c in contacts if c.cells["Account"] == record and not c.deleted]
        if table == "Account" and len(below) > most:
            raise RowRefused(
                "DELETE_OPERATION_TOO_LARGE", "Too many records would be deleted with it."
            )
        delete(office.platform, table, record, by=by)

    office.platform.delete = refusing  # type: ignore[method-assign]


EVERYTHING = {"Account": 4, "Contact": 4 + MANY - 1, "Paper": 4}


def test_a_record_with_too_many_details_never_leaves(office: Office) -> None:
    done = office.archive()
    assert archived(done) == EVERYTHING
    assert done.whole
    assert office.ops("Contact", "More 0") == ["U", "A"]


@pytest.mark.parametrize("days", [1, 20])
def test_it_comes_back_with_all_of_it(office: Office, days: int) -> None:
    before = office.names()
    done = office.archive()
    office.clock.advance(days=days)
    if days > 15:
        office.platform.purge_bin()
    assert office.restore(office.undo(done.run)).whole
    assert office.names() == before


def test_a_record_that_is_still_too_large_has_no_next_step(office: Office) -> None:
    limit(office, most=-1)
    done = office.archive()
    assert office.account in {key.partition("/")[2] for key in stayed(done)}
    (outcome,) = [r for r in done.records if r.record == office.account]
    assert outcome.code == "archive-too-large"
    assert outcome.next_step
    assert "More 0" not in office.names(), "it went first, and its copy is archived"
    assert archived(done)["Contact"] == EVERYTHING["Contact"]


@pytest.mark.parametrize("part", parts_of(PARTS, full=2))
def test_a_crash_between_slices_loses_a_record(office: Office, tmp_path: Path, part: int) -> None:
    office.clock.advance(hours=2)
    plan = office.archive_plan()
    outcome: RestoreOutcome | None = None
    for at in count(1 + part, PARTS):
        copied = office.copied(tmp_path / str(at))
        limit(copied)
        usual, point = copied.writer, CrashPoint(at)
        copied.writer = point.guard(usual, after=True)
        try:
            outcome = copied.run(plan)
        except Crash:
            copied.writer = usual
            assert archived(copied.run(plan)) == EVERYTHING, at
            continue
        break
    assert outcome is not None
    assert at > 10
