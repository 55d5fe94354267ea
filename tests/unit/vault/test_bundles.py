"""Few rows of many tables: they wait for the end of the run, and lie in one object then."""

from dataclasses import replace

import pytest

import scanner
from manytables import (
    GONE,
    SCHEMA,
    TABLES,
    ManyTables,
    all_named,
    compact,
    finish,
    named,
    shown,
    stored,
)
from smallvault import IDENTITY, rows
from unlost.model.errors import Conflict, IntegrityError
from unlost.model.vault.erasure import Erase, PastErasure
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.rectification import Rectify, RightValue
from unlost.model.vault.retention import Forget, KeepRules
from unlost.model.vault.snapshot import (
    CommitKind,
    TableCommit,
    VerifyLevel,
)
from unlost.testing.clock import START
from unlost.vault.commits.state import to_checkpoint
from unlost.vault.layout import object_names
from unlost.vault.objects import bundling
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.write import write_buffer


@pytest.fixture
def many() -> ManyTables:
    return ManyTables()


# --- how they are written -------------------------------------------------------------------------


def test_a_night_of_many_tables_is_one_object_with_rows_and_one_with_words(
    many: ManyTables,
) -> None:
    many.night("r1", all_named("Ann"))
    assert len(many.objects()) == 2
    assert len(many.bundles()) == 1
    source = [entry for entry in many.entries() if entry.bundle]
    assert [(entry.table, entry.at, entry.rows, entry.of) for entry in source] == [
        (table, 3 * n, 3, 12) for n, table in enumerate(TABLES)
    ]
    many.small.reopen()
    assert many.names(1) == shown("Ann")
    assert [hit.record for hit in many.small.vault.search(many.small.org, "ann1")] != []
    assert many.damages() == ()


def test_each_table_has_its_own_columns(many: ManyTables) -> None:
    commit = many.begin("r1")
    cells = {f"N{n:03d}": str(n) for n in range(100)}
    few = [commit.add_few("Alpha", [rows(*named("Alpha", "Ann"))])]
    few += [commit.add_few("Beta", [rows(*named("Beta", "Ann"))])]
    few += [commit.add_few("Wide", [rows(("w", "U", cells), names=tuple(cells))])]
    finish(commit, few)
    many.small.reopen()
    found = many.small.vault.at(many.small.org, 1).scan("Wide").read_all().to_pylist()
    assert {k: v for k, v in found[0].items() if k[0] == "N"} == cells
    assert len(many.bundles()) == 2, "what is wide lies by itself"
    assert many.damages() == ()


def test_few_tables_have_segments_of_their_own(many: ManyTables) -> None:
    many.night("r1", all_named("Ann", "Alpha"))
    assert many.bundles() == set()
    assert many.names(1)["Alpha"] == shown("Ann")["Alpha"]


def test_what_is_much_is_written_at_once(many: ManyTables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_buffer, "BUFFERED_ROWS", 4)
    commit = many.begin("r1")
    much = commit.add_few("Alpha", [rows(*named("Alpha", "Ann", count=5))])
    assert much.buffered == ()
    assert {object_names.segment(many.small.org, one.id) for one in much.segments} <= many.objects()
    few = commit.add_few("Beta", [rows(*named("Beta", "Ann"))])
    assert {one.id for one in few.buffered} == {one.id for one in few.segments}


@pytest.mark.parametrize("bound", ["BUFFERED_BYTES", "RUN_BYTES"])
def test_no_more_waits_than_may(
    many: ManyTables, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(write_buffer, bound, 10)
    commit = many.begin("r1")
    assert commit.add_few("Alpha", [rows(*named("Alpha", "Ann"))]).buffered == ()


@pytest.mark.parametrize(("bound", "most"), [("OBJECT_ROWS", 10), ("OBJECT_BYTES", 150)])
def test_a_bundle_has_bounded_groups_and_objects_a_bound(
    many: ManyTables, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    monkeypatch.setattr(bundling, "GROUP_ROWS", 7)
    monkeypatch.setattr(bundling, bound, most)
    many.night("r1", all_named("Ann"))
    assert len(many.bundles()) == 2
    many.small.reopen()
    assert many.names(1) == shown("Ann")
    assert many.damages() == ()


def test_several_pieces_of_a_table_count_in_their_order(many: ManyTables) -> None:
    commit = many.begin("r1")
    pieces = [
        commit.add_few(table, [rows(*named(table, name))])
        for name in ("Ann", "Bob")
        for table in TABLES
    ]
    tables = [
        TableCommit(name, tuple(one for one in pieces if one.table == name)) for name in TABLES
    ]
    assert commit.counts("Alpha", tables[0].added).created == 3
    info = commit.finish(tables, as_of=START)
    assert info.counts.created == 12
    assert many.names(1) == shown("Bob")
    many.small.reopen()
    assert many.names(1) == shown("Bob")
    assert many.damages() == ()


# --- other processes ------------------------------------------------------------------------------


def test_another_process_goes_on_with_what_waits(many: ManyTables) -> None:
    many.night("r1", all_named("Ann"))
    commit = many.begin("r2")
    pieces = [stored(commit.add_few(name, [rows(*own)])) for name, own in all_named("Bob").items()]
    many.small.reopen()
    commit = many.begin("r2")
    commit.recall(pieces)
    assert commit.counts("Alpha", [pieces[0]]).changed == 3
    back = commit.add_few("Alpha", [rows(*named("Alpha", "Ann"))])
    assert back.counts.unchanged == 3
    assert len(back.buffered) > 0, "the run itself brought something else before"
    finish(commit, pieces)
    assert many.names(2) == shown("Bob")
    assert many.damages() == ()


def test_what_came_back_to_what_it_was_is_as_it_was(many: ManyTables) -> None:
    many.night("r1", all_named("Ann"))
    commit = many.begin("r2")
    pieces = [stored(commit.add_few(name, [rows(*own)])) for name, own in all_named("Bob").items()]
    many.small.reopen()
    commit = many.begin("r2")
    commit.recall(pieces)
    back = commit.add_few("Alpha", [rows(*named("Alpha", "Ann"))])
    tables = [TableCommit("Alpha", (pieces[0], back))]
    info = commit.finish([*tables, *(TableCommit(p.table, (p,)) for p in pieces[1:])], as_of=START)
    assert info.counts.changed == 9
    assert many.names(2) == shown("Bob") | {"Alpha": shown("Ann")["Alpha"]}


def test_whoever_finishes_again_gets_the_same(many: ManyTables) -> None:
    commit = many.begin("r1")
    pieces = [stored(commit.add_few(name, [rows(*own)])) for name, own in all_named("Ann").items()]
    info = finish(commit, pieces)
    before = many.objects()
    many.small.reopen()
    assert finish(many.begin("r1"), pieces) == info
    assert many.objects() == before


def test_a_bundle_that_no_commit_came_to_is_passed_over(
    many: ManyTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = many.begin("r1")
    pieces = [stored(commit.add_few(name, [rows(*own)])) for name, own in all_named("Ann").items()]
    monkeypatch.setattr(type(commit._org_vault.chain), "put", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        finish(commit, pieces)
    monkeypatch.undo()
    assert len(many.objects()) == 2
    many.small.reopen()
    commit = many.begin("r1")
    commit.recall(pieces)
    assert commit.add_few("Alpha", [rows(*named("Alpha", "Ann"))]).counts.created == 3
    finish(commit, pieces)
    assert many.names(1) == shown("Ann")
    assert len(many.bundles()) == 1
    many.small.vault.sweep(many.small.org, run="s1")
    many.small.clock.advance(days=8)
    assert many.small.vault.sweep(many.small.org, run="s2").removed == 2
    assert many.damages() == ()


@pytest.mark.parametrize("end", ["finish", "abandon"])
def test_once_the_run_is_over_nobody_can_read_what_waited(many: ManyTables, end: str) -> None:
    commit = many.begin("r1")
    pieces = [stored(commit.add_few(name, [rows(*own)])) for name, own in all_named("Ann").items()]
    key = object_names.run_key(many.small.org, "r1")
    assert many.small.store.size(key) is not None
    if end == "finish":
        finish(commit, pieces)
    else:
        commit.abandon()
    assert many.small.store.size(key) is None
    many.small.reopen()
    with pytest.raises(Conflict, match="marked the run"):
        many.begin("r2").recall(pieces)


def test_the_schemas_of_a_run_are_told_beside_its_key(many: ManyTables) -> None:
    commit = many.begin("r1")
    commit.add_few("Alpha", [rows(*named("Alpha", "Ann"))])
    assert commit.put_schema(replace(SCHEMA, fingerprint="g"))
    many.small.reopen()
    again = many.small.vault.begin(
        many.small.org, run="r1", kind=CommitKind.BACKUP, identity=IDENTITY
    )
    assert again.add("Beta", [rows(*named("Beta", "Ann"))]).counts.created == 3


# --- upkeep ---------------------------------------------------------------------------------------


def test_a_bundle_stays_until_all_of_it_was_merged(many: ManyTables) -> None:
    for number, name in enumerate(("Ann", "Bob", "Cyd"), 1):
        many.night(f"r{number}", all_named(name))
    whole = many.bundles()
    compact(many, "c1", "Alpha", "Beta")
    assert many.bundles() == whole
    many.small.clock.advance(days=8)
    many.small.vault.sweep(many.small.org, run="s1")
    assert {object_names.segment(many.small.org, one) for one in whole} <= many.objects()
    assert many.damages() == ()
    compact(many, "c2", "Delta", "Gamma")
    assert many.bundles() == set()
    many.small.clock.advance(days=8)
    assert many.small.vault.sweep(many.small.org, run="s2").removed >= 3
    assert not {object_names.segment(many.small.org, one) for one in whole} & many.objects()
    many.small.reopen()
    assert [many.names(n) for n in (1, 2, 3)] == [shown("Ann"), shown("Bob"), shown("Cyd")]
    assert many.damages() == ()


def test_what_is_left_of_a_bundle_moves_where_it_is_little(many: ManyTables) -> None:
    many.night("r1", all_named("Ann") | {"Gamma": named("Gamma", "Ann", count=1)})
    many.night("r2", all_named("Bob", "Alpha", "Beta", "Delta"))
    first = _of_night(many, 1)
    compact(many, "c1", "Alpha", "Beta", "Delta")
    assert first not in many.bundles()
    assert len(many.bundles()) == 1
    many.small.reopen()
    assert many.names(1)["Gamma"] == {"gamma-record-0": "Ann0"}
    assert many.names(2)["Alpha"] == shown("Bob")["Alpha"]
    assert many.damages() == ()


def _of_night(many: ManyTables, number: int) -> str:
    held = many.small.vault.org_vault(many.small.org).chain.live().segments["Alpha"].values()
    return next(live.entry.bundle for live in held if live.seq == number)


def test_an_erasure_leaves_nothing_in_any_bundle(many: ManyTables) -> None:
    for number, name in enumerate(("Ann", "Bob"), 1):
        many.night(f"r{number}", all_named(name) | {"Alpha": named("Alpha", f"Secret{name}")})
    before = [many.names(n) for n in (1, 2)]
    many.small.vault.apply(many.small.org, unconditional(Erase((GONE,))), run="e1")
    assert scanner.found(many.small.vault, GONE.record, "SecretAnn1", "SecretBob1") == set()
    for was in before:
        del was["Alpha"][GONE.record]
    many.small.reopen()
    assert [many.names(n) for n in (1, 2)] == before
    assert len(many.bundles()) == 2, "what lay beside it lies in one again, of each night"
    assert many.damages() == ()
    assert many.small.vault.past_operations(many.small.org, PastErasure)[0].complete
    compact(many, "c1", *TABLES)
    assert [many.names(n) for n in (1, 2)] == before
    assert many.damages() == ()


def test_nor_what_was_merged_long_ago(many: ManyTables) -> None:
    for number, name in enumerate(("Ann", "Bob"), 1):
        many.night(f"r{number}", all_named(name) | {"Alpha": named("Alpha", f"Secret{name}")})
    many.night("r3", all_named("Cyd", "Beta", "Gamma"))
    compact(many, "c1", "Alpha")
    kept = many.bundles()
    assert len(scanner.found(many.small.vault, GONE.record)) >= 3
    many.small.vault.apply(many.small.org, unconditional(Erase((GONE,))), run="e1")
    assert scanner.found(many.small.vault, GONE.record, "SecretAnn1", "SecretBob1") == set()
    assert len(many.bundles() & kept) == 1, "where nothing of it was, all stays"
    assert many.names(2)["Beta"] == shown("Bob")["Beta"]
    assert many.damages() == ()


def test_a_correction_leaves_nothing_of_what_was_wrong(many: ManyTables) -> None:
    for number, name in enumerate(("Ann", "Bob"), 1):
        many.night(f"r{number}", all_named(name) | {"Alpha": named("Alpha", f"Wrong{name}")})
    compact(many, "c1", "Beta")
    many.night("r3", all_named("Cyd"))
    compact(many, "c2", "Alpha")
    wish = Rectify(GONE, (RightValue("Name", "right"),))
    many.small.vault.apply(many.small.org, unconditional(wish), run="x1")
    assert scanner.found(many.small.vault, "WrongAnn1", "WrongBob1") == set()
    assert many.names(1)["Alpha"][GONE.record] == "right"
    assert many.names(1)["Gamma"] == shown("Ann")["Gamma"]
    assert many.damages() == ()


def test_rows_whose_order_counts_are_merged_on_the_way(many: ManyTables) -> None:
    """Two pieces of one table with the same ids: moved one by one, the later would not win."""
    commit = many.begin("r1")
    pieces = [
        commit.add_few(table, [rows(*named(table, name))])
        for name in ("Ann", "Bob")
        for table in TABLES
    ]
    tables = [
        TableCommit(name, tuple(one for one in pieces if one.table == name)) for name in TABLES
    ]
    commit.finish(tables, as_of=START)
    many.small.vault.apply(many.small.org, unconditional(Erase((GONE,))), run="e1")
    expected = shown("Bob")
    del expected["Alpha"][GONE.record]
    assert many.names(1) == expected
    assert scanner.found(many.small.vault, GONE.record) == set()
    assert many.damages() == ()


def test_what_a_rebased_commit_brought_is_merged_on_the_way(many: ManyTables) -> None:
    many.night("r1", all_named("Ann"))
    late = many.begin("r2")
    pieces = [late.add_few(name, [rows(*own)]) for name, own in all_named("Cyd").items()]
    many.night("r3", all_named("Bob"))
    finish(late, pieces)
    many.small.vault.apply(many.small.org, unconditional(Erase((GONE,))), run="e1")
    assert many.names(3)["Beta"] == shown("Cyd")["Beta"]
    assert scanner.found(many.small.vault, GONE.record) == set()
    assert many.damages() == ()


def test_an_erasure_closes_what_an_open_run_holds(many: ManyTables) -> None:
    many.night("r1", all_named("Ann"))
    late = many.begin("r2")
    pieces = [late.add_few(name, [rows(*own)]) for name, own in all_named("Bob").items()]
    late._open_run.close()  # its intent was taken away: the erasure does not wait for it
    many.small.vault.apply(many.small.org, unconditional(Erase((GONE,))), run="e1")
    with pytest.raises(Conflict, match="marked the run"):
        finish(late, pieces)
    assert scanner.found(many.small.vault, GONE.record) == set()


def test_a_run_that_sees_an_erasure_behind_it_takes_its_bundle_away(
    many: ManyTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    many.night("r1", all_named("Ann"))
    late = many.begin("r2")
    pieces = [late.add_few(name, [rows(*own)]) for name, own in all_named("Bob").items()]
    put = type(late._org_vault.chain).put

    def beaten(*_: object) -> bool:
        monkeypatch.setattr(type(late._org_vault.chain), "put", put)
        notes = late._open_run.open(late._intent)
        late._open_run.close()
        many.small.vault.apply(many.small.org, unconditional(Erase((GONE,))), run="e1")
        late._open_run.open(notes)
        late._open_run.key(bytes(32))
        return False

    monkeypatch.setattr(type(late._org_vault.chain), "put", beaten)
    with pytest.raises(Conflict, match="erased"):
        finish(late, pieces)
    assert scanner.found(many.small.vault, GONE.record) == set()
    assert many.small.store.size(object_names.run_key(many.small.org, "r2")) is None


def test_what_is_forgotten_is_gone_from_bundles_too(many: ManyTables) -> None:
    for number, name in enumerate(("Ann", "Bob", "Cyd"), 1):
        many.night(f"r{number}", all_named(name) | {"Gamma": named("Gamma", "Gus")})
        many.small.clock.advance(days=1)
    compact(many, "c1", "Beta")
    last = many.names(3)
    many.small.vault.apply(many.small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    many.small.clock.advance(days=8)
    many.small.vault.sweep(many.small.org, run="s1")
    assert scanner.found(many.small.vault, "Ann1", "Bob1") == set()
    many.small.reopen()
    assert many.names(3) == last
    assert many.damages() == ()


# --- damage ---------------------------------------------------------------------------------------


def test_an_entry_that_does_not_fit_its_bundle_is_refused(many: ManyTables) -> None:
    many.night("r1", all_named("Ann"))
    reader = many.small.vault.org_vault(many.small.org).reader
    entry = next(entry for entry in many.entries() if entry.bundle)
    for wrong in (replace(entry, id="1", at=1), replace(entry, id="2", table="Beta")):
        with pytest.raises(IntegrityError, match="does not have the rows"):
            reader.facts(wrong)
    with pytest.raises(IntegrityError, match="does not have the rows"):
        reader.read(replace(entry, at=11), groups=[0], columns=["_u_id"])
    assert len(reader.read(entry, groups=[], columns=["_u_id"])) == 0
    assert len(reader.read(entry, groups=[0], columns=["_u_id"])) == entry.rows


def test_a_damaged_bundle_is_found_and_named_once(many: ManyTables) -> None:
    many.night("r1", all_named("Ann"))
    (bundle,) = many.bundles()
    name = object_names.segment(many.small.org, bundle)
    assert isinstance(many.small.store, MemoryStore)
    body = many.small.store.get(name)
    many.small.store.delete(name)
    for level in (VerifyLevel.QUICK, VerifyLevel.FULL):
        assert [one.object for one in many.small.vault.verify(level).damages] == [name]
    many.small.store.put_new(name, body[:-1] + bytes([body[-1] ^ 1]))
    damages = many.small.vault.verify(VerifyLevel.DEEP).damages
    assert [one.object for one in damages] == [name]


# --- releases that know no bundles ----------------------------------------------------------------


def test_all_that_is_written_has_the_format_that_knows_bundles(many: ManyTables) -> None:
    """Releases that know none refuse it: else their sweep would take bundles for garbage."""
    many.night("r1", all_named("Ann", "Alpha"))
    many.night("r2", all_named("Bob"))
    many.night("r3", all_named("Cyd"))
    compact(many, "c1", *TABLES)
    assert many.bundles() == set()
    many.small.vault.apply(many.small.org, unconditional(Erase((GONE,))), run="e1")
    many.small.reopen()
    chain = many.small.vault.org_vault(many.small.org).chain
    assert [chain.manifest(seq)[0].format for seq in range(1, 6)] == [1] * 5
    assert to_checkpoint(chain.live()).format == 1
