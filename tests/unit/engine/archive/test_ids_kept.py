"""Archived records in tables that keep ids: an undo creates them again, with their ids."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.engine.archive.test_run import Office
from unlost.model.plan import Action
from unlost.model.source.reading import Op


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


def test_archived_records_come_back_with_their_ids_where_the_org_keeps_them(
    office: Office,
) -> None:
    office.platform.keeps_ids = set(office.org.tables)
    before = {name: {*office.live(name)} for name in office.org.tables}
    done = office.archive()
    office.clock.advance(days=20)
    office.platform.purge_bin()
    office.night()
    undo = office.undo(done.run)
    assert Action.RECREATE in {step.action for step in undo.steps}
    assert office.restore(undo).whole
    assert {name: {*office.live(name)} for name in office.org.tables} == before
    assert not [row for row in office.vault.lineage(office.oid) if row.old != row.live]
    office.night()
    for step in undo.steps:
        versions = office.vault.history(office.oid, step.table, step.record)
        assert versions[-1].op is Op.STATE
