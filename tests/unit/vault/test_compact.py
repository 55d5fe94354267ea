"""Compaction: less in the store, and to the bit the same in every snapshot."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from smallvault import NAMES, TABLE, SmallVault, finish, rows, schema
from unlost.model.errors import Conflict, IntegrityError, LimitReached, StoreError
from unlost.model.source.schema import ChangeLog, Column, Schema, Table, WireKind
from unlost.model.vault.snapshot import CommitKind, Lineage, TableCommit, VerifyLevel
from unlost.testing.clock import START
from unlost.vault.commits.chain import Chain
from unlost.vault.commits.state import LiveSegment
from unlost.vault.format.manifest import Manifest
from unlost.vault.maintenance import compactor
from unlost.vault.maintenance.rewrite import bare, merging, tiers
from unlost.vault.maintenance.rewrite.tiers import MIN_TIERS
from unlost.vault.objects import segment_writer
from unlost.vault.read import changes, merge
from unlost.vault.write import table_writer

IDS = tuple(f"{n:03d}" for n in range(40))


@pytest.fixture
def small() -> SmallVault:
    return SmallVault()


def live(small: SmallVault, table: str = TABLE) -> list[LiveSegment]:
    state = small.vault.org_vault(small.org).chain.live()
    return state.of(table, until=state.seq)


def several_nights(small: SmallVault, *, count: int = MIN_TIERS + 1) -> None:
    """A load, then nights that change, delete and bring back a few."""
    small.night("load", *((id_, "U", {"Name": f"Jo {id_}", "Amount": "1"}) for id_ in IDS))
    for night in range(1, count):
        changed = [(id_, "U", {"Name": f"Jo {night}"}) for id_ in IDS[night::9]]
        gone = [(id_, "M", None) for id_ in IDS[night + 1 :: 17]]
        small.night(f"night-{night}", *changed, *gone)


def picture(small: SmallVault) -> list[Any]:
    """All that the vault answers about its table."""
    vault, org = small.vault, small.org
    told: list[Any] = []
    for info in vault.snapshots(org):
        at = vault.at(org, info.number)
        told += [at.scan(TABLE).read_all(), at.scan_deleted(TABLE).read_all(), at.get(TABLE, IDS)]
        told += [list(at.live_ids(TABLE)), at.hidden(), at.tables(), at.columns(TABLE)]
        told += [small.changed(after, info.number) for after in range(info.number)]
        told.append(at.where(TABLE, "Name", ["Jo 3"]))
    told += [list(vault.history(org, TABLE, id_)) for id_ in IDS]
    told += [set(vault.search(org, word, limit=99)) for word in ("jo", "3", "Jo 3", "003")]
    return told


def plain(told: Sequence[Any]) -> list[Any]:
    """Tables as values, however they are cut."""
    return [
        pa.concat_tables(part).to_pylist() if isinstance(part, list) and part and isinstance(part[0], pa.Table)
        else part.to_pylist() if isinstance(part, pa.Table)
        else part
        for part in told
    ]  # fmt: skip


def test_snapshots_are_the_same_to_the_bit(small: SmallVault) -> None:
    several_nights(small)
    before = picture(small)
    made = small.vault.compact(small.org, run="c1")
    assert made.snapshot == MIN_TIERS + 2
    assert plain(picture(small)) == plain(before)
    small.reopen()
    assert plain(picture(small)) == plain(before)
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_what_was_many_is_one(small: SmallVault) -> None:
    several_nights(small)
    made = {merged.table: merged for merged in small.vault.compact(small.org, run="c1").merged}
    assert made.keys() == {TABLE, "$search"}
    assert (made[TABLE].segments_before, made[TABLE].segments_after) == (MIN_TIERS + 1, 1)
    (one,) = live(small)
    assert (one.first, one.last, one.merged) == (1, MIN_TIERS + 1, True)
    assert made[TABLE].rows == one.entry.rows
    words = live(small, "$search")  # the load's, which outweigh all others, stay
    assert [(one.first, one.last) for one in words] == [(1, 1), (2, MIN_TIERS + 1)]
    assert small.vault.compact(small.org, run="c2").merged == ()


def test_nothing_to_do_makes_no_commit(small: SmallVault) -> None:
    assert small.vault.compact(small.org, run="c0").snapshot is None
    several_nights(small, count=3)
    assert small.vault.compact(small.org, run="c1").snapshot is None
    assert [info.number for info in small.vault.commits(small.org)] == [1, 2, 3]


def test_it_is_no_night(small: SmallVault) -> None:
    several_nights(small)
    nights = small.vault.snapshots(small.org)
    small.vault.compact(small.org, run="c1")
    assert small.vault.snapshots(small.org) == nights
    assert small.vault.commits(small.org)[-1].kind is CommitKind.COMPACT
    head = small.vault.newest_backup(small.org)
    assert head is not None
    assert head.info == nights[-1]


def test_words_that_many_nights_wrote_stand_there_once(small: SmallVault) -> None:
    for night in range(MIN_TIERS):
        small.night(f"n{night}", ("a", "U", {"Name": "Meyer", "Amount": str(night)}))
    before = sum(one.entry.rows for one in live(small, "$search"))
    small.vault.compact(small.org, run="c1")
    assert (before, sum(one.entry.rows for one in live(small, "$search"))) == (MIN_TIERS, 1)
    assert [hit.record for hit in small.vault.search(small.org, "meyer")] == ["a"]


def test_a_version_of_an_older_schema_has_the_columns_that_it_had(small: SmallVault) -> None:
    def night(run: str, names: Sequence[str], name: str) -> None:
        commit = small.begin(run, put=schema(*names))
        cells = {"Name": name}
        finish(commit, commit.add(TABLE, [rows(("a", "U", cells), names=names)]))

    for number in range(MIN_TIERS):
        night(f"n{number}", ("Name", "Phone") if number < 3 else ("Name", "Amount"), f"{number}")
    before = list(small.vault.history(small.org, TABLE, "a"))
    assert set(before[0].cells) == {"Name", "Phone"}
    assert set(before[-1].cells) == {"Name", "Amount"}
    small.vault.compact(small.org, run="c1")
    assert list(small.vault.history(small.org, TABLE, "a")) == before
    night("later", NAMES, "later")
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_retyped_column_keeps_the_hash_of_its_time(small: SmallVault) -> None:
    def put(kind: WireKind) -> Schema:
        return Schema((Table(TABLE, (Column("Amount", kind),)),), fingerprint=kind)

    for number in range(MIN_TIERS):
        kind = WireKind.TEXT if number < 2 else WireKind.DECIMAL
        commit = small.begin(f"n{number}", put=put(kind))
        row = ("a", "U", {"Amount": f"{number}.50"})
        finish(commit, commit.add(TABLE, [rows(row, names=["Amount"])]))
    small.vault.compact(small.org, run="c1")
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()
    again = small.begin("same", put=put(WireKind.DECIMAL))
    same = again.add(TABLE, [rows(("a", "U", {"Amount": f"{MIN_TIERS - 1}.5"}), names=["Amount"])])
    assert same.counts.unchanged == 1


def test_two_schemas_that_differ_in_other_tables_are_one_shape(small: SmallVault) -> None:
    for number in range(MIN_TIERS):
        other = Table(f"Other{number}", (Column("X", WireKind.TEXT),))
        commit = small.begin(f"n{number}", put=replace(schema(), tables=(*schema().tables, other)))
        finish(commit, commit.add(TABLE, [rows(("a", "U", {"Name": f"{number}"}))]))
    small.vault.compact(small.org, run="c1")
    (one,) = live(small)
    label, columns = small.vault.org_vault(small.org).reader.facts(one.entry)
    assert len(label.shapes) == 1
    assert "_u_shape" not in columns
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_versions_of_a_record_may_fill_several_groups_and_segments(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_writer, "NIGHT_GROUP_ROWS", 1)
    monkeypatch.setattr(merging, "GROUP_ROWS", 2)
    monkeypatch.setattr(merging, "SEGMENT_ROWS", 5)
    monkeypatch.setattr(merge, "RANGE_ROWS", 3)
    for night in range(11):
        seen = [(id_, "U", {"Name": f"{night}"}) for id_ in ("a", "b", "c")]
        small.night(f"n{night}", *seen)
    before = picture(small)
    small.vault.compact(small.org, run="c1")
    assert len(live(small)) > 1
    assert plain(picture(small)) == plain(before)
    told = small.vault.history(small.org, TABLE, "b")
    assert [version.snapshot for version in told] == list(range(1, 12))
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_load_of_many_overlapping_segments_is_merged_by_passes(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "AT_ONCE", 3)
    monkeypatch.setattr(tiers, "MIN_LOAD_ROWS", 1)
    commit = small.begin("load")
    pieces = [
        commit.add(TABLE, [rows(*((id_, "U", {"Name": f"{n}"}) for id_ in IDS[n::4]))])
        for n in (*range(4), *range(4), *range(4))
    ]
    finish(commit, *pieces)
    before = picture(small)
    made = small.vault.compact(small.org, run="c1")
    assert made.replaced > 12  # what was written on the way goes too
    assert [(one.first, one.last) for one in live(small)] == [(1, 1)]
    assert live(small)[0].entry.rows == len(IDS)
    assert plain(picture(small)) == plain(before)
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_backup_beside_it_commits_as_if_nothing_had_happened(small: SmallVault) -> None:
    several_nights(small)
    mine = small.begin("mine")
    added = mine.add(TABLE, [rows(("000", "U", {"Name": "mine"}), ("x", "U", {"Name": "new"}))])
    small.vault.compact(small.org, run="c1")
    info = finish(mine, added)
    assert (info.counts.created, info.counts.changed) == (1, 1)
    assert not live(small)[-1].rebased
    assert small.changed(MIN_TIERS + 2, info.number) == {"000": "changed", "x": "created"}


def test_a_backup_that_commits_first_does_not_stop_it(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    several_nights(small)
    honest = merging.Merger.merge

    def slow(self: merging.Merger, segments: Sequence[LiveSegment]) -> Any:
        if not small.vault.commits(small.org)[-1].run.startswith("rival"):
            small.night("rival", ("000", "U", {"Name": "rival"}))
        return honest(self, segments)

    monkeypatch.setattr(merging.Merger, "merge", slow)
    made = small.vault.compact(small.org, run="c1")
    assert made.snapshot == MIN_TIERS + 3
    assert [(one.first, one.last) for one in live(small)] == [
        (1, MIN_TIERS + 1),
        (MIN_TIERS + 2,) * 2,
    ]
    assert small.cells(MIN_TIERS + 2)["000"]["Name"] == "rival"
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_another_compaction_that_commits_first_makes_it_give_up(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    several_nights(small)
    honest = merging.Merger.merge

    def slow(self: merging.Merger, segments: Sequence[LiveSegment]) -> Any:
        monkeypatch.setattr(merging.Merger, "merge", honest)
        small.vault.compact(small.org, run="other")
        return honest(self, segments)

    monkeypatch.setattr(merging.Merger, "merge", slow)
    with pytest.raises(Conflict) as told:
        small.vault.compact(small.org, run="mine")
    assert told.value.code == "maintenance-outrun"
    assert [info.run for info in small.vault.commits(small.org)][-1] == "other"
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_rows_of_a_rebased_commit_ask_what_was_there(small: SmallVault) -> None:
    small.night("first", ("a", "U", {"Name": "1"}))
    mine = small.begin("mine")
    added = mine.add(TABLE, [rows(("a", "U", {"Name": "2"}), ("b", "U", {"Name": "b"}))])
    small.night("rival", ("a", "M", None), ("b", "U", {"Name": "r"}))
    finish(mine, added)
    for night in range(MIN_TIERS):
        small.night(f"n{night}", ("z", "U", {"Name": f"{night}"}))
    before = picture(small)
    assert small.changed(2, 3) == {"a": "revived", "b": "changed"}
    small.vault.compact(small.org, run="c1")
    assert plain(picture(small)) == plain(before)


def test_compaction_makes_archived_records_deleted_ones(small: SmallVault) -> None:
    small.night("first", *((f"r{n}", "U", {"Name": f"{n}"}) for n in range(40)))
    small.night("second", ("r1", "A", {"Name": "1"}), ("r2", "D", {"Name": "2"}))
    for number in range(MIN_TIERS):
        small.night(f"n{number}", ("z", "U", {"Name": f"{number}"}))
    small.night("back", ("r1", "U", {"Name": "1"}), ("r3", "A", {"Name": "3"}))
    last = small.vault.commits(small.org)[-1].number
    spans = [(1, 2), (1, 3), (2, 1), (1, last), (2, last), (last, 2), (last, 1)]
    before = {span: small.changed(*span) for span in spans}
    assert before[1, 2] == {"r1": "archived", "r2": "deleted"}
    assert before[last, 2] == {"r1": "archived", "r3": "revived", "z": "deleted"}
    small.vault.compact(small.org, run="c1")
    assert {span: small.changed(*span) for span in spans} == before


def test_files_lineage_and_hidden_marks_are_compacted_alike(small: SmallVault) -> None:
    for night in range(MIN_TIERS):
        commit = small.vault.begin(
            small.org,
            run=f"restore-{night}",
            kind=CommitKind.RESTORE,
            identity=small.vault.orgs()[small.org],
        )
        pair = Lineage(TABLE, f"old{night % 3}", f"new{night}", small.org, f"restore-{night}")
        commit.finish([TableCommit("$lineage", (commit.lineage([pair]),))], as_of=START)
    before = small.vault.lineage(small.org)
    assert small.vault.compact(small.org, run="c1").snapshot == MIN_TIERS + 1
    assert small.vault.lineage(small.org) == before
    assert len(live(small, "$lineage")) == 1


def test_a_damaged_segment_stops_it_before_anything_changed(small: SmallVault) -> None:
    several_nights(small)
    victim = live(small)[2].entry.id
    name = f"orgs/{small.org}/data/{victim[:2]}/{victim}"
    small.store.delete(name)
    small.reopen()
    with pytest.raises(IntegrityError):
        small.vault.compact(small.org, run="c1")
    assert len(small.vault.commits(small.org)) == MIN_TIERS + 1


def test_an_error_leaves_nothing_behind(small: SmallVault, monkeypatch: pytest.MonkeyPatch) -> None:
    several_nights(small)
    before = {listed.name for listed in small.store.list("")}

    def full(*_: object) -> None:
        raise StoreError("store-full", "There is no room.")

    monkeypatch.setattr("unlost.vault.maintenance.compactor._index", full)
    with pytest.raises(StoreError):
        small.vault.compact(small.org, run="c1")
    assert {listed.name for listed in small.store.list("")} == before


def test_who_is_told_to_stop_stops_between_two_pieces(small: SmallVault) -> None:
    several_nights(small)
    before = {listed.name for listed in small.store.list("")}

    def stop() -> None:
        raise LimitReached("run-stopped", "Stop.")

    with pytest.raises(LimitReached):
        small.vault.compact(small.org, run="c1", pause=stop)
    assert {listed.name for listed in small.store.list("")} == before


def test_an_error_after_the_commit_leaves_the_commit(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    several_nights(small)
    before = picture(small)
    honest = Chain.put

    def lost(self: Chain, manifest: Manifest) -> bool:
        honest(self, manifest)
        raise StoreError("store-away", "The answer was lost.")

    with monkeypatch.context() as patch:
        patch.setattr(Chain, "put", lost)
        with pytest.raises(StoreError):
            small.vault.compact(small.org, run="c1")
    small.reopen()
    assert small.vault.commits(small.org)[-1].kind is CommitKind.COMPACT
    assert plain(picture(small)) == plain(before)
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_large_work_is_committed_in_parts(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compactor, "BATCH_BYTES", 1)
    several_nights(small)
    before = picture(small)
    made = small.vault.compact(small.org, run="c1")
    kinds = [info.kind for info in small.vault.commits(small.org)]
    assert kinds.count(CommitKind.COMPACT) == 2
    assert made.snapshot == len(kinds)
    assert {merged.table for merged in made.merged} == {TABLE, "$search"}
    assert plain(picture(small)) == plain(before)
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def of_search(small: SmallVault) -> set[tuple[str, ...]]:
    """All that ``$search`` says."""
    found: set[tuple[str, ...]] = set()
    org_vault = small.vault.org_vault(small.org)
    for one in live(small, "$search"):
        count = len(org_vault.reader.sidecar(one.entry).fences)
        rows_ = org_vault.reader.read(
            one.entry, groups=range(count), columns=["_u_id", "table", "record", "column"]
        )
        found |= set(zip(*(column.to_pylist() for column in rows_.columns), strict=True))
    return found


@pytest.mark.full
@pytest.mark.parametrize(
    ("pieces", "at_once", "ids"),
    [(1, 10**6, IDS), (7, 10**6, IDS), (7, 9, IDS[::2]), (40, 3, IDS[::4])],
    ids=["1-all", "7-all", "7-9", "40-3"],
)
def test_no_word_is_lost_however_its_rows_are_cut(
    small: SmallVault,
    monkeypatch: pytest.MonkeyPatch,
    pieces: int,
    at_once: int,
    ids: Sequence[str],
) -> None:
    monkeypatch.setattr(table_writer, "TOKEN_GROUP_ROWS", 4)
    monkeypatch.setattr(merging, "TOKEN_GROUP_ROWS", 4)
    monkeypatch.setattr(merge, "RANGE_ROWS", pieces)
    monkeypatch.setattr(bare, "SORT_ROWS", at_once)
    for night in range(MIN_TIERS + 1):
        seen = [(f"{id_}-{night}", "U", {"Name": f"Inc {id_[2:]}"}) for id_ in ids]
        small.night(f"n{night}", *seen)
    before = of_search(small)
    small.vault.compact(small.org, run="c1")
    assert of_search(small) == before
    held = live(small, "$search")
    assert sum(one.entry.rows for one in held) == len(before)
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def with_log(*, logged: bool) -> Schema:
    """A change log of ``Par`` that names its record by ``Name``, or the table before it was one."""
    log = ChangeLog(TABLE, "Name", "Phone", "Amount", "Text", "Seen", "Seen")
    named = replace(schema().tables[0], name_column=None)
    parent = Table("Par", (Column("X", WireKind.TEXT),), change_log=log if logged else None)
    return Schema((named, parent), f"{logged}")


def test_rows_from_before_a_column_became_a_key_are_still_found(small: SmallVault) -> None:
    for night in range(MIN_TIERS + 1):
        commit = small.begin(f"n{night}", put=with_log(logged=night > MIN_TIERS // 2))
        finish(commit, commit.add(TABLE, [rows((f"{night}", "U", {"Name": "P1"}))]))

    def found() -> list[str]:
        head = small.vault.newest_backup(small.org)
        assert head is not None
        return sorted(head.where(TABLE, "Name", ["P1"]).column("_u_id").to_pylist())

    before = found()
    assert len(before) == MIN_TIERS + 1
    assert small.vault.compact(small.org, run="c1").snapshot is not None
    assert found() == before


def test_schemas_that_went_two_ways_are_not_merged(small: SmallVault) -> None:
    small.night("first", ("a", "U", {"Name": "a"}))
    first = schema("Name")
    small.begin("base", put=first).abandon()
    mine = small.begin("mine", put=schema("Name", "Phone"))
    added = mine.add(TABLE, [rows(("a", "U", {"Phone": "mine"}), names=["Name", "Phone"])])
    rival = small.begin("rival", put=schema("Name", "Text", "Phone"))
    names = ["Name", "Text", "Phone"]
    finish(rival, rival.add(TABLE, [rows(("b", "U", {"Text": "t", "Phone": "p"}), names=names)]))
    finish(mine, added)
    for night in range(MIN_TIERS):
        small.night(f"n{night}", ("z", "U", {"Name": f"{night}"}))
    before = picture(small)
    small.vault.compact(small.org, run="c1")
    assert plain(picture(small)) == plain(before)


def test_row_groups_are_filled_across_pieces(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge, "RANGE_ROWS", 5)
    monkeypatch.setattr(merging, "GROUP_ROWS", 16)
    monkeypatch.setattr(segment_writer, "NIGHT_GROUP_ROWS", 3)
    monkeypatch.setattr(tiers, "MIN_TIERS", 2)
    small.night("n1", *((id_, "U", {"Name": "1"}) for id_ in IDS))
    small.night("n2", *((id_, "U", {"Name": "2"}) for id_ in IDS))
    small.vault.compact(small.org, run="c1")
    (one,) = live(small)
    fences = small.vault.org_vault(small.org).reader.sidecar(one.entry).fences
    assert [fence.rows for fence in fences] == [16] * 5


def test_a_night_that_was_merged_is_compared_with_a_later_one(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the index tells and what segments tell are put together."""
    several_nights(small)
    before = {after: small.changed(after, MIN_TIERS + 1) for after in range(1, MIN_TIERS + 1)}
    small.vault.compact(small.org, run="c1")
    later = small.night("later", (IDS[0], "U", {"Name": "Later"}), ("new", "U", {"Name": "New"}))
    monkeypatch.setattr(changes, "INDEX_PAYS", 0)
    for after, told in before.items():
        assert small.changed(after, later.number) == told | {IDS[0]: "changed", "new": "created"}
