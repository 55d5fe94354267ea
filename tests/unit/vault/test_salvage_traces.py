"""What is lost leaves nothing behind that can still be read, stops nothing, and is told of."""

from pathlib import Path

import pytest

import vaultstory
from smallvault import IDENTITY, NAMES, TABLE, SmallVault, finish, rows, schema
from sweeps import sampled
from unit.vault.test_salvage import (
    cells,
    chunks,
    hold_against,
    lives,
    salvaged,
    small_groups,
    spoil,
    story,
    told,
)
from unit.vault.test_salvage_story import hurt, objects, opened
from unlost.model.errors import NotFound
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.past_salvage import PastSalvage
from unlost.model.vault.retention import Forget, KeepRules
from unlost.model.vault.salvage import Salvage
from unlost.model.vault.snapshot import CommitKind, TableCommit, VerifyLevel
from unlost.testing.clock import START
from unlost.vault.format.physical import FILES, SEARCH, SUPPRESSED, U_ID, physical
from unlost.vault.layout import object_names
from unlost.vault.objects.schemas import SYSTEM_SCHEMA
from unlost.vault.stores.local import LocalStore
from unlost.vault.vault import VaultOptions
from vaultstory import Story

__all__ = ["small_groups"]
LONG = "private " * 20_000


def spoil_files(story: Story, folder: Path, name: str) -> int:
    """Damage a column of all segments of ``$files``; how many segments."""
    org_vault = story.vault.org_vault(story.org)
    code = physical(org_vault.schemas.known(SYSTEM_SCHEMA, FILES)[name].code)
    state = org_vault.chain.live()
    held = state.of(FILES, until=state.seq)
    for live in held:
        path = folder / object_names.segment(story.org, live.entry.object)
        data = bytearray(path.read_bytes())
        with org_vault.reader.opened(live.entry) as file:
            at = file.schema_arrow.names.index(code)
            for group in range(file.metadata.num_row_groups):
                own = file.metadata.row_group(group).column(at)
                first = min(
                    own.dictionary_page_offset or own.data_page_offset, own.data_page_offset
                )
                data[first + own.total_compressed_size // 2] ^= 1
        path.chmod(0o600)
        path.write_bytes(data)
    return len(held)


@pytest.mark.parametrize(
    "column", sampled(["extents", "blob", "size", "checksum", "encoding"], every=5)
)
def test_a_lost_column_of_files_stops_neither_the_salvage_nor_what_follows(
    tmp_path: Path, column: str
) -> None:
    folder = tmp_path / "vault"
    story = vaultstory.copied(LocalStore(folder))
    assert spoil_files(story, folder, column)
    other = opened(story, folder)
    pack = next(name for name in objects(folder) if "/packs/" in name)
    hurt(folder, pack, "spoiled")
    done = other.vault.apply(other.org, unconditional(Salvage()), run="salvage-1")
    assert done.snapshot is not None
    wish = Erase((RecordKey("Account", vaultstory.account_id(57)),))
    other.vault.apply(other.org, unconditional(wish), run="erase-1")
    other.vault.apply(other.org, unconditional(Forget(KeepRules())), run="forget-1")
    other.vault.compact(other.org, run="compact-1")
    assert other.vault.verify(VerifyLevel.DEEP).damages == ()


def test_rows_of_contents_do_not_lack_what_only_rows_of_files_have(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    story = vaultstory.copied(LocalStore(folder))
    spoil_files(story, folder, "checksum")
    other = opened(story, folder)
    (told_of,) = other.vault.plan(other.org, Salvage()).effect.tables
    assert (told_of.columns, told_of.lost) == (("checksum",), 0)
    assert told_of.reduced == sum(one.startswith('["file"') for one in files_of(other))


def files_of(vault: SmallVault | Story) -> list[str]:
    """The ids of all rows of ``$files`` that can be read."""
    org_vault = vault.vault.org_vault(vault.org)
    view = org_vault.view(FILES, until=org_vault.chain.live().seq, state=org_vault.chain.live())
    found = []
    for rank in range(len(view.segments)):
        for group in range(len(view.sidecar(rank).fences)):
            found += view.read(rank, [group], (U_ID,)).column(U_ID).to_pylist()
    return found


def grown() -> SmallVault:
    """A merged vault whose first night lacks a column in which a later one has a long text."""
    vault = SmallVault()
    for night in (1, 2, 3):
        names = NAMES if night > 1 else tuple(name for name in NAMES if name != "Text")
        texts = {2: LONG + str(night)}
        seen = [
            (f"a{n}", "U", {**cells(n, night), "Text": texts.get(n, f"t{n}")}) for n in range(8)
        ]
        commit = vault.begin(f"night-{night}", put=schema(*names))
        finish(commit, commit.add(TABLE, [rows(*seen, names=names, minute=night)]))
        vault.clock.advance(days=1)
    vault.vault.compact(vault.org, run="compact-1")
    return vault


def test_lost_shapes_beside_a_long_text_in_a_newer_column_do_not_stop_it() -> None:
    reference = grown()
    before = told(reference)
    own = [one for one in chunks(reference) if one.column == "_u_shape"]
    assert own
    for chunk in own:
        vault = reference.copied()
        spoil(vault, chunk.object, chunk.start + chunk.length // 2)
        done = salvaged(vault)
        hold_against(before, told(vault), done)


def written(**texts: str) -> SmallVault:
    vault = SmallVault(options=VaultOptions(bundle_from=99))
    seen = [(f"a{n}", "U", {"Name": f"N{n}", "Text": texts.get(f"a{n}", "t")}) for n in range(8)]
    vault.night("night-1", *seen)
    vault.night("night-2", ("b1", "U", {"Name": "Other"}))
    return vault


@pytest.mark.parametrize("column", ["_u_id", "_u_blobs"])
def test_a_long_text_that_no_row_names_any_more_cannot_be_read(column: str) -> None:
    vault = written(a1=LONG, a7=LONG + "7")
    org_vault = vault.vault.org_vault(vault.org)
    state = org_vault.chain.live()
    before = files_of(vault)
    assert len(before) == 2
    (chunk,) = [
        one
        for one in chunks(vault)
        if one.column == column
        and one.group == 0
        and (live := lives(vault)[one.object]).entry.table == TABLE
        and live.entry.rows == 8
    ]
    packs = {object_names.pack(vault.org, pack.id) for pack in state.packs.values()}
    spoil(vault, chunk.object, chunk.start + chunk.length // 2)
    done = salvaged(vault)
    (left,) = files_of(vault)
    kept = vault.vault.history(vault.org, TABLE, "a7")[0]
    assert kept.cells["Text"] == LONG + "7"
    (gone,) = set(before) - {left}
    with pytest.raises(NotFound), vault.vault.open_file(vault.org, gone.split('"')[3]):
        pass
    live = vault.vault.org_vault(vault.org).chain.live()
    assert packs.isdisjoint(object_names.pack(vault.org, pack.id) for pack in live.packs.values())
    assert done.files_lost == 0
    vault.vault.apply(vault.org, unconditional(Erase((RecordKey(TABLE, "a1"),))), run="erase-1")
    vault.reopen()
    assert files_of(vault) == [left]
    assert vault.vault.verify(VerifyLevel.DEEP).damages == ()


def test_counts_of_backups_before_a_restore_stay_when_only_words_are_lost() -> None:
    vault = SmallVault()
    vault.night("night-1", ("a", "U", {"Name": "Anna"}), ("b", "U", {"Name": "Bert"}))
    commit = vault.vault.begin(
        vault.org, run="restore-1", kind=CommitKind.RESTORE, identity=IDENTITY
    )
    added = commit.add(TABLE, [rows(("c", "U", {"Name": "Cyd"}), ("a", "D", None))])
    commit.finish([TableCommit(TABLE, (added,))], as_of=START)
    vault.night("night-2", ("d", "U", {"Name": "Dora"}))
    before = [dict(vault.vault.at(vault.org, number).tables()) for number in (1, 2, 3)]
    state = vault.vault.org_vault(vault.org).chain.live()
    for live in state.of(SEARCH, until=state.seq):
        vault.store.delete(object_names.segment(vault.org, live.entry.object))
    salvaged(vault)
    assert [dict(vault.vault.at(vault.org, number).tables()) for number in (1, 2, 3)] == before


def test_a_lost_pack_of_files_alone_is_told_ever_after(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    story = vaultstory.copied(LocalStore(folder))
    for name in objects(folder):
        if "/packs/" in name:
            hurt(folder, name, "gone")
    other = opened(story, folder)
    done = other.vault.apply(other.org, unconditional(Salvage()), run="salvage-1")
    (sentences,) = [one.sentences for one in other.vault.past_operations(other.org, PastSalvage)]
    assert any(f"Lost: {done.files_lost} files." in one for one in sentences)


def test_lost_marks_of_erasures_are_told_with_what_follows() -> None:
    vault = written()
    vault.vault.apply(vault.org, unconditional(Erase((RecordKey(TABLE, "a1"),))), run="erase-1")
    state = vault.vault.org_vault(vault.org).chain.live()
    for live in state.of(SUPPRESSED, until=state.seq):
        vault.store.delete(object_names.segment(vault.org, live.entry.object))
    done = salvaged(vault)
    (marks,) = [one for one in done.tables if one.table == SUPPRESSED]
    assert "no longer known" in marks.warning
    (sentences,) = [one.sentences for one in vault.vault.past_operations(vault.org, PastSalvage)]
    assert any(marks.warning in one for one in sentences)


def test_two_damages_of_one_size_are_two_plans() -> None:
    reference = story("plain")
    (one, other) = [
        chunk
        for chunk in chunks(reference)
        if chunk.column == "c1" and lives(reference)[chunk.object].entry.rows == 8
    ][:2]
    plans = []
    for chunk in (one, other):
        vault = reference.copied()
        spoil(vault, chunk.object, chunk.start + chunk.length // 2)
        vault.reopen()
        plans.append(vault.vault.plan(vault.org, Salvage()).effect)
        assert vault.vault.plan(vault.org, Salvage()).effect == plans[-1]
    assert [p.tables[0].reduced for p in plans] == [3, 3]
    assert plans[0] != plans[1]


def test_a_plan_is_another_one_after_another_night() -> None:
    vault = story("plain")
    (chunk, *_) = [one for one in chunks(vault) if one.column == "c1"]
    spoil(vault, chunk.object, chunk.start + chunk.length // 2)
    vault.reopen()
    plan = vault.vault.plan(vault.org, Salvage()).effect
    vault.night("night-4", ("b1", "U", {"Name": "Other"}))
    assert vault.vault.plan(vault.org, Salvage()).effect != plan
