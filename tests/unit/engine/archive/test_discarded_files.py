"""New files of an archive that it takes away again, because their old files stay."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from unit.engine.archive.cabinet import Cabinet
from unit.engine.archive.test_run import stayed
from unlost.engine.records.deletions import losses_between
from unlost.engine.restore.journal.archives import discarded, uncommitted
from unlost.engine.restore.running import execute as executing
from unlost.engine.restore.running.passes import archiving
from unlost.model.losses import FoldReason, LossRule, LossRules
from unlost.testing.faults import Crash
from unlost.testing.platform import RowRefused

LOSSES = LossRules(dict.fromkeys(("Document", "Edition", "Link"), LossRule()))


@pytest.fixture
def cabinet(tmp_path: Path) -> Iterator[Cabinet]:
    office = Cabinet(tmp_path)
    yield office
    office.close()


def crash(_session: object) -> NoReturn:
    raise Crash


def lost(cabinet: Cabinet, *, after: int) -> set[FoldReason | None]:
    """The reasons to leave the newest backup's deletions out of the inbox; None for a loss."""
    until = cabinet.vault.snapshots(cabinet.oid)[-1].number
    groups = losses_between(
        cabinet.vault,
        cabinet.oid,
        LOSSES,
        after=after,
        until=until,
        tables=LOSSES.tables,
        by_runs=discarded(cabinet.vault, cabinet.oid, after=after, until=until),
        by_archives=uncommitted(cabinet.vault, cabinet.oid, until=until),
    )
    return {group.folded for group in groups}


@pytest.mark.parametrize("ends", [True, False])
def test_a_new_file_that_a_backup_saw_before_the_run_took_it_away_is_no_loss(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch, *, ends: bool
) -> None:
    """The run may end before the next backup, or after it."""
    plan, before = cabinet.files_plan(), cabinet.state()
    cabinet.writer.faults.plant("row", RowRefused("NO", "No."), table="Link", times=2)
    cabinet.writer.faults.plant("write", Crash(), table="Document")
    with pytest.raises(Crash):
        cabinet.run(plan)
    cabinet.writer.faults.clear()
    cabinet.night()
    seen = cabinet.vault.snapshots(cabinet.oid)[-1].number
    assert len(cabinet.live("Document")) == 5, "two new files"
    cabinet.clock.advance(days=3)
    with monkeypatch.context() as patch:
        if not ends:
            patch.setattr(executing, "_close", crash)
        with contextlib.suppress(Crash):
            cabinet.run(plan)
    cabinet.night()
    assert cabinet.state() == before
    assert lost(cabinet, after=seen) == {FoldReason.OWN_RUN if ends else FoldReason.ARCHIVED}


def test_an_archive_without_new_files_discards_none(cabinet: Cabinet) -> None:
    seen = cabinet.vault.snapshots(cabinet.oid)[-1].number
    cabinet.archive()
    cabinet.run(cabinet.files_plan())
    cabinet.night()
    until = cabinet.vault.snapshots(cabinet.oid)[-1].number
    assert discarded(cabinet.vault, cabinet.oid, after=seen, until=until) == {}


def test_an_archive_without_a_journal_discards_nothing(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = cabinet.vault.snapshots(cabinet.oid)[-1].number
    cabinet.run(cabinet.files_plan())
    cabinet.night()
    empty = cabinet.vault.journal(cabinet.oid, "archive-never")
    monkeypatch.setattr(cabinet.vault, "journal", lambda _org, _run: empty)
    assert discarded(cabinet.vault, cabinet.oid, after=seen, until=seen + 9) == {}


@pytest.mark.parametrize("stops", [False, True])
def test_what_a_trigger_deletes_with_a_new_file_that_is_not_needed_is_named(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch, *, stops: bool
) -> None:
    """The run did not look at the org after it had taken the new files away."""
    plan = cabinet.files_plan()
    olds = {*cabinet.live("Document")}
    original, deleted = cabinet.platform.delete, list[str]()

    def delete(table: str, record: str, *, by: str) -> None:
        if table == "Document" and record in olds:
            raise RowRefused("NO", "No.")
        original(table, record, by=by)
        if table == "Document" and not deleted:
            deleted.extend(sorted(cabinet.live("Account"))[:1])
            original("Account", deleted[0], by=by)

    monkeypatch.setattr(cabinet.platform, "delete", delete)
    if stops:
        with monkeypatch.context() as patch:
            patch.setattr(archiving, "point", crash)
            with pytest.raises(Crash):
                cabinet.run(plan)
        cabinet.clock.advance(hours=2)
    named = stayed(cabinet.run(plan))
    assert named[f"Account/{deleted[0]}"] == "archive-vanished"
    assert set(named.values()) == {"write-refused", "archive-together", "archive-vanished"}
