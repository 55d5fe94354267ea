"""Reading a table for other programs gives what snapshots and histories of records give."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallvault import NAMES, TABLE, Row, SmallVault, finish, rows
from unlost.model.errors import NotFound
from unlost.model.ports.vault import Snapshot
from unlost.model.vault.snapshot import EVERY_ID, IdSpan
from unlost.vault.commits import version_rules
from unlost.vault.objects import segment_writer
from unlost.vault.read import merge
from unlost.vault.read.table_reader import are_versions

SYSTEM = ("_u_id", "_u_op", "_u_snap", "_u_observed_at", "_u_modified_at", "_u_modified_by")
TOLD = ("_u_id", "_u_snap", "_u_op", "_u_valid_to")
LONG = "ä" * 131_072

CELLS = st.fixed_dictionaries(
    {}, optional={"Name": st.sampled_from(["Anna", "", None, LONG]), "Amount": st.sampled_from(["007", "7", "7.50"])}
)  # fmt: skip
SEEN = st.dictionaries(
    st.sampled_from(["a", "b", "c", "dd", "é"]),
    st.one_of(st.tuples(st.sampled_from("UD"), CELLS), st.tuples(st.sampled_from("PM"), st.none())),
    max_size=5,
)
NIGHTS = st.lists(st.lists(SEEN, min_size=1, max_size=2), min_size=1, max_size=9)


def vault_of(nights: Sequence[Sequence[dict[str, tuple[str, dict[str, str | None] | None]]]]) -> SmallVault:  # fmt: skip
    """Nights of some pieces each; the later wins."""
    small = SmallVault()
    for number, pieces in enumerate(nights):
        commit = small.begin(f"r{number}")
        added = [
            commit.add(TABLE, [rows(*[(key, op, cells) for key, (op, cells) in piece.items()])])
            for piece in pieces
        ]
        finish(commit, *added)
    return small


def by_record(small: SmallVault, snapshot: Snapshot) -> list[tuple[object, ...]]:
    """All versions up to a snapshot, as the histories of the records tell them."""
    found: list[tuple[object, ...]] = []
    for key in ("a", "b", "c", "dd", "é"):
        every = small.vault.history(small.org, TABLE, key)
        seen = [one for one in every if one.snapshot <= snapshot.info.number]
        ends = [*(one.snapshot for one in seen[1:]), None]
        for one, end in zip(seen, ends, strict=False):
            cells = [one.cells.get(name) for name in NAMES]
            found.append((key, one.snapshot, one.op.value, end, *cells))
    return found


def check(small: SmallVault) -> None:
    for info in small.vault.snapshots(small.org):
        snapshot = small.vault.at(small.org, info.number)
        whole = snapshot.scan(TABLE).read_all()
        assert snapshot.read(TABLE, [*SYSTEM, *NAMES]).read_all().equals(whole)
        for columns in (["Name"], ["_u_id"], ["_u_snap"], ["Amount", "_u_id"]):
            assert snapshot.read(TABLE, columns).read_all().equals(whole.select(columns))
        told = snapshot.versions(TABLE, [*TOLD, *NAMES]).read_all()
        assert [tuple(row.values()) for row in told.to_pylist()] == by_record(small, snapshot)
        narrow = snapshot.versions(TABLE, TOLD).read_all()
        assert narrow.equals(told.select(TOLD))
        for after in range(info.number + 1):
            states = {row["_u_id"]: row for row in whole.to_pylist()}
            for row in snapshot.newer(TABLE, [*SYSTEM, *NAMES], after=after).read_all().to_pylist():
                assert row["_u_snap"] > after
                assert (row["_u_op"] == "U") is (row["_u_id"] in states)
                assert states.pop(row["_u_id"], row) == row
            assert all(row["_u_snap"] <= after for row in states.values())


@pytest.mark.full
@settings(max_examples=settings().max_examples // 8, deadline=None)
@given(nights=NIGHTS)
def test_any_nights_read_as_scans_and_histories_tell(
    nights: Sequence[Sequence[dict[str, tuple[str, dict[str, str | None] | None]]]],
) -> None:
    small = vault_of(nights)
    check(small)
    small.vault.compact(small.org, run="merge")
    check(small)


def test_many_merged_nights_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_writer, "NIGHT_GROUP_ROWS", 2)
    small = SmallVault()
    for night in range(20):
        small.night(f"r{night}", *[(f"{n:02d}", "U", {"Name": f"{night}"}) for n in range(night % 5, 40, night + 1)])  # fmt: skip
    before = small.vault.at(small.org, 20).versions(TABLE, [*TOLD, "Name"]).read_all()
    assert small.vault.compact(small.org, run="merge").merged
    for size in (1, 3, 1000):
        for name in ("RANGE_ROWS", "NARROW_ROWS"):
            monkeypatch.setattr(merge, name, size)
        snapshot = small.vault.at(small.org, 20)
        assert snapshot.versions(TABLE, [*TOLD, "Name"]).read_all().equals(before)
        whole = snapshot.scan(TABLE).read_all()
        assert snapshot.read(TABLE, ["_u_id", "Name"]).read_all().equals(whole.select(["_u_id", "Name"]))  # fmt: skip


def test_spans_are_all_of_a_table_and_no_record_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_writer, "NIGHT_GROUP_ROWS", 4)
    small = SmallVault()
    seen: list[Row] = [(f"{n:03d}", "U", {"Name": f"{n}"}) for n in range(100)]
    small.night("r1", *seen)
    snapshot = small.vault.at(small.org, 1)
    spans = snapshot.spans(TABLE, rows=10)
    assert len(spans) > 5
    assert (spans[0].low, spans[-1].high) == ("", None)
    read = [snapshot.read(TABLE, ["_u_id"], within=span).read_all() for span in spans]
    ids = [key for part in read for key in part.column(0).to_pylist()]
    assert ids == [f"{n:03d}" for n in range(100)]
    within = IdSpan("0105", "012")
    assert snapshot.versions(TABLE, ["_u_id"], within=within).read_all().to_pydict() == {"_u_id": ["011"]}  # fmt: skip


def test_an_empty_table_has_one_span_and_no_rows() -> None:
    small = SmallVault()
    commit = small.begin("r1")
    finish(commit, commit.add(TABLE, []))
    snapshot = small.vault.at(small.org, 1)
    assert list(snapshot.spans(TABLE, rows=10)) == [EVERY_ID]
    assert snapshot.read(TABLE, ["Name", "_u_id"]).read_all().num_rows == 0
    assert snapshot.versions(TABLE, TOLD).read_all().num_rows == 0


def test_a_reader_that_is_given_up_stops() -> None:
    small = SmallVault()
    small.night("r1", *[(f"{n:05d}", "U", {"Name": "x"}) for n in range(20_000)])
    reader = small.vault.at(small.org, 1).read(TABLE, [*SYSTEM, *NAMES])
    assert len(reader.read_next_batch())
    reader.close()


def test_unknown_columns_are_refused() -> None:
    small = SmallVault()
    small.night("r1", ("a", "U", {"Name": "x"}))
    snapshot = small.vault.at(small.org, 1)
    for read in (snapshot.read, snapshot.versions):
        with pytest.raises(NotFound, match="no column “name”"):
            read(TABLE, ["name"])
    with pytest.raises(NotFound, match="no column “_u_valid_to”"):
        snapshot.read(TABLE, ["_u_valid_to"])


@given(
    ops=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 1), st.booleans()), max_size=12),
)
def test_whole_columns_are_judged_as_one_row_after_the_other(
    ops: Sequence[tuple[int, int, bool]],
) -> None:
    letters = np.array([op for op, _, _ in ops], dtype=np.int8)
    hashes = np.array([[h, 0] for _, h, _ in ops], dtype=np.uint64).reshape(-1, 2)
    first = np.array([at == 0 or new for at, (_, _, new) in enumerate(ops)], dtype=np.bool_)
    kept: list[bool] = []
    last: int | None = None
    for at in range(len(ops)):
        last = None if first[at] else last
        before = np.array([version_rules.NONE if last is None else letters[last]], dtype=np.int8)
        same = np.array([last is not None and bool((hashes[last] == hashes[at]).all())])
        is_one = bool(version_rules.is_version(before, letters[at : at + 1], same=same)[0])
        kept.append(is_one)
        last = at if is_one else last
    assert are_versions(letters, hashes, first=first).tolist() == kept
