"""Lineage among many rows: a look-up reads what it asks for, and no more."""

import pytest

from smallvault import IDENTITY, SmallVault, finish
from unlost.model.org import OrgIdentity
from unlost.model.plan import RecordKey
from unlost.model.vault.lineage import resolve
from unlost.model.vault.snapshot import CommitKind, Lineage, VerifyLevel
from unlost.vault.objects.segments import SegmentReader

COUNT = 20_000


def restored(small: SmallVault, run: str, pairs: dict[str, str]) -> int:
    """A restore that brought these back; its number."""
    commit = small.vault.begin(small.org, run=run, kind=CommitKind.RESTORE, identity=IDENTITY)
    rows = [Lineage("T", old, live, small.org, run) for old, live in pairs.items()]
    return finish(commit, commit.lineage(rows)).number


@pytest.fixture(scope="module")
def small() -> SmallVault:
    """Two restores of many records; the second brought every tenth back once more."""
    small = SmallVault()
    restored(small, "r1", {f"old{n:05d}": f"new{n:05d}" for n in range(COUNT)})
    restored(small, "r2", {f"new{n:05d}": f"last{n:05d}" for n in range(0, COUNT, 10)})
    return small


def test_one_record_costs_one_row_group_a_step(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    honest = SegmentReader.read_keys

    def counted(self, entry, *, groups, columns):
        asked.extend(groups)
        return honest(self, entry, groups=groups, columns=columns)

    monkeypatch.setattr(SegmentReader, "read_keys", counted)
    for record, steps in (("old00001", 1), ("old00010", 2), ("nobody", 0)):
        asked.clear()
        rows = small.vault.lineage(small.org, table="T", records=[record])
        assert len(rows) == steps
        assert len(asked) <= steps + 1  # a filter may be wrong once in a hundred


def test_many_records_are_resolved(small: SmallVault) -> None:
    records = [f"old{n:05d}" for n in range(0, COUNT, 5)]
    rows = small.vault.lineage(small.org, table="T", records=records)
    live = resolve(rows, org=small.org, target=small.org)
    for n in range(0, COUNT, 5):
        expected = f"new{n:05d}" if n % 10 else f"last{n:05d}"
        assert live[RecordKey("T", f"old{n:05d}")] == expected


def test_all_are_told_once(small: SmallVault) -> None:
    rows = small.vault.lineage(small.org)
    assert len(rows) == COUNT + COUNT // 10
    assert len({(row.table, row.old) for row in rows}) == len(rows)
    assert {row.since for row in rows} == {1, 2}
    assert small.vault.lineage(small.org, table="Other") == []
    assert len(small.vault.lineage(small.org, records=["old00010", "new00010"])) == 2


def test_lineage_is_no_table_of_the_org_and_finds_nothing(small: SmallVault) -> None:
    assert small.vault.at(small.org, 2).tables() == {}
    assert small.vault.search(small.org, "old00010").hits == ()
    assert small.vault.newest_backup(small.org) is None
    assert small.vault.snapshots(small.org) == ()
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_restore_into_another_org_lies_in_the_chain_of_the_first() -> None:
    small = SmallVault()
    target = small.vault.ensure_org(OrgIdentity("fake", "T2"))
    commit = small.vault.begin(small.org, run="r1", kind=CommitKind.RESTORE, identity=IDENTITY)
    finish(commit, commit.lineage([Lineage("T", "a", "b", target, "r1")]))
    rows = small.reopen().lineage(small.org, table="T", records=["a"])
    assert resolve(rows, org=small.org, target=target) == {RecordKey("T", "a"): "b"}
    assert small.vault.lineage(target) == []


def test_a_restore_without_lineage_is_a_commit_too() -> None:
    small = SmallVault()
    assert restored(small, "r1", {}) == 1
    assert small.vault.lineage(small.org) == []


def test_rows_that_a_later_restore_replaced_are_told_on_request() -> None:
    small = SmallVault()
    first = restored(small, "r1", {"old": "new"})
    second = restored(small, "r2", {"new": "last", "old": "last"})
    told = [
        small.vault.lineage(small.org, table="T", superseded=True, **asked)
        for asked in ({"records": ["old"]}, {"lives": ["new", "last"]}, {})
    ]
    expected = {("old", "new", first), ("old", "last", second), ("new", "last", second)}
    for rows in told:
        assert {(row.old, row.live, row.since) for row in rows} == expected
        assert len(rows) == 3
    plain = small.vault.lineage(small.org, table="T", records=["old"])
    assert {row.live for row in plain} == {"last"}
