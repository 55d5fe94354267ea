"""What is damaged, and whole in no copy, costs what is damaged and nothing beside it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from smallvault import NAMES, TABLE, SmallVault, finish, rows, schema
from sweeps import in_full, parts_of
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.salvage import Salvage, SalvageEffect, TableSalvaged
from unlost.model.vault.snapshot import VerifyLevel, Version
from unlost.vault.commits.state import LiveSegment
from unlost.vault.layout import object_names
from unlost.vault.maintenance import compactor
from unlost.vault.maintenance.rewrite import merging
from unlost.vault.objects import segment_writer
from unlost.vault.vault import VaultOptions

type Told = dict[tuple[str, int], Version]

PARTS = 12  # tests that share the chunks


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_writer, "NIGHT_GROUP_ROWS", 3)
    monkeypatch.setattr(merging, "GROUP_ROWS", 4)
    monkeypatch.setattr(compactor, "due", lambda tiers, closed: [tiers] if tiers[1:] else [])


def cells(number: int, night: int) -> dict[str, str | None]:
    return {
        "Name": f"Name {number}",
        "Phone": f"0{number}{night}00" if number % 2 else None,
        "Amount": f"{number}.{night}",
        "Seen": f"2026-01-0{night}T00:00:00.000Z",
        "Text": ("long " * 20_000 if number == 2 else f"text {number}"),
    }


def story(kind: str) -> SmallVault:
    vault = SmallVault(options=VaultOptions(bundle_from=2))
    for night in (1, 2, 3):
        seen = [(f"a{n}", "U", cells(n, night)) for n in range(8) if n % night == 0 or night == 1]
        if night == 3:
            seen = [one for one in seen if one[0] != "a6"] + [("a6", "P", None)]
        names = NAMES if night > 1 else tuple(name for name in NAMES if name != "Amount")
        commit = vault.begin(f"night-{night}", put=schema(*names))
        add = commit.add_few if kind == "bundled" else commit.add
        finish(commit, add(TABLE, [rows(*seen, names=names, minute=night)]))
        vault.clock.advance(days=1)
    if kind == "merged":
        vault.vault.compact(vault.org, run="compact-1")
    return vault


def told(vault: SmallVault) -> Told:
    found = {}
    for number in range(8):
        for one in vault.vault.history(vault.org, TABLE, f"a{number}"):
            found[one.record, one.snapshot] = one
    return found


@dataclass
class Chunk:
    """A column chunk of an object, and where it lies."""

    object: str
    group: int
    column: str
    start: int
    length: int
    ids: list[str] = field(default_factory=list)


def lives(vault: SmallVault) -> dict[str, LiveSegment]:
    state = vault.vault.org_vault(vault.org).chain.live()
    return {one.entry.object: one for held in state.segments.values() for one in held.values()}


def chunks(vault: SmallVault) -> Iterator[Chunk]:
    org_vault = vault.vault.org_vault(vault.org)
    for name, live in lives(vault).items():
        with org_vault.reader.opened(live.entry) as file:
            data = file.metadata
            for group in range(data.num_row_groups):
                for at in range(data.num_columns):
                    own = data.row_group(group).column(at)
                    start = own.data_page_offset
                    if own.dictionary_page_offset is not None:
                        start = min(start, own.dictionary_page_offset)
                    yield Chunk(name, group, own.path_in_schema, start, own.total_compressed_size)


def spoil(vault: SmallVault, name: str, at: int) -> None:
    whole = object_names.segment(vault.org, name)
    data = bytearray(vault.store.get(whole))
    data[at] ^= 0x55
    vault.store.delete(whole)
    assert vault.store.put_new(whole, bytes(data))


def salvaged(vault: SmallVault) -> SalvageEffect:
    vault.reopen()
    assert vault.vault.verify(VerifyLevel.FULL).damages
    plan = vault.vault.plan(vault.org, Salvage()).effect
    done = vault.vault.apply(vault.org, unconditional(Salvage()), run="salvage-1")
    assert done.snapshot is not None
    assert plan.tables == done.tables
    vault.reopen()
    assert vault.vault.verify(VerifyLevel.FULL).damages == ()
    assert vault.vault.verify(VerifyLevel.DEEP).damages == ()
    return done


SYSTEM_LOST = {"_u_id", "_u_op", "_u_observed_at"}


def same_as_before(was: Version, after: Told, columns: set[str]) -> bool:
    """True if a version differs from the one before it in columns alone that are lost."""
    older = [
        one for (record, at), one in after.items() if record == was.record and at < was.snapshot
    ]
    ignored = columns | {"Seen"}
    return bool(older) and all(
        was.cells[name] == value for name, value in older[-1].cells.items() if name not in ignored
    )


def hold_against(before: Told, after: Told, done: SalvageEffect) -> None:
    """Every version is as it was, or lacks columns that were named, or is gone and was counted."""
    (own,) = [one for one in done.tables if one.table == TABLE] or [TableSalvaged(TABLE)]
    assert after.keys() <= before.keys()
    reduced = 0
    for key, version in after.items():
        was = before[key]
        assert (version.op, version.observed_at) == (was.op, was.observed_at)
        assert version.cells.items() <= was.cells.items()
        lacking = was.cells.keys() - version.cells.keys()
        assert lacking <= set(own.columns)
        reduced += bool(lacking)
    assert reduced <= own.reduced
    gone = {
        key
        for key in before.keys() - after.keys()
        if not (own.reduced and same_as_before(before[key], after, set(own.columns)))
    }
    assert len(gone) <= own.lost
    unnamed = {record for record, _ in gone} - set(own.ids)
    assert all(any(one.low <= record <= one.high for one in own.spans) for record in unnamed)


@pytest.mark.full
@pytest.mark.parametrize("part", parts_of(PARTS, full=1))
@pytest.mark.parametrize("kind", ["plain", "merged", "bundled"])
def test_each_column_chunk_costs_itself_alone(kind: str, part: int) -> None:
    reference = story(kind)
    before = told(reference)
    tables = {name: live.entry.table for name, live in lives(reference).items()}
    for number, chunk in list(enumerate(chunks(reference)))[part::PARTS]:
        vault = reference.copied()
        spoil(vault, chunk.object, chunk.start + (chunk.length // 2 if number % 2 else 0))
        done = salvaged(vault)
        hold_against(before, told(vault), done)
        if chunk.column in SYSTEM_LOST and tables[chunk.object] == TABLE:
            assert any(one.lost for one in done.tables)
        elif chunk.column not in {*SYSTEM_LOST, "_u_snap"}:
            assert all(one.lost == 0 for one in done.tables if one.table == TABLE)


@pytest.mark.parametrize("kind", [in_full("plain"), "merged", in_full("bundled")])
def test_a_footer_or_a_whole_object_costs_what_lay_in_it(kind: str) -> None:
    reference = story(kind)
    before = told(reference)
    for name, live in list(lives(reference).items()):
        for how in ("end", "cut", "gone"):
            vault = reference.copied()
            whole = object_names.segment(vault.org, name)
            data = vault.store.get(whole)
            if how == "end":
                spoil(vault, name, live.entry.bytes - 40)
            else:
                vault.store.delete(whole)
                if how == "cut":
                    assert vault.store.put_new(whole, data[: len(data) // 2])
            done = salvaged(vault)
            hold_against(before, told(vault), done)


def test_a_row_whose_hash_follows_from_its_cells_had_no_long_text_in_an_empty_one() -> None:
    reference = story(
        "merged"
    )  # versions of two shapes, empty phones, and one record with a long text
    before = told(reference)
    own = [one for one in chunks(reference) if one.column == "_u_blobs"]
    assert len(own) > 1
    short = 0
    for chunk in own:
        vault = reference.copied()
        spoil(vault, chunk.object, chunk.start)
        done = salvaged(vault)
        lacking = [
            (key, before[key].cells.keys() - version.cells.keys())
            for key, version in told(vault).items()
            if version.cells.keys() != before[key].cells.keys()
        ]
        assert all(key[0] == "a2" and columns == {"Phone", "Text"} for key, columns in lacking)
        assert sum(one.reduced for one in done.tables if one.table == TABLE) == len(lacking)
        short += len(lacking)
    assert short == sum(record == "a2" for record, _ in before)
