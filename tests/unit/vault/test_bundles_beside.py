"""Bundles out of which something goes: what lies beside it goes on, and nothing of what went stays."""

from collections.abc import Iterator, Sequence

import pytest

import scanner
from manytables import GONE, ManyTables, all_named, compact, named, shown
from smallvault import Row, rows
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, KeepRules
from unlost.model.vault.snapshot import TableCommit
from unlost.testing.clock import START
from unlost.vault.maintenance import bundle_split, compactor
from unlost.vault.objects import bundling
from unlost.vault.objects.bundling import BundleEntry


@pytest.fixture
def many() -> ManyTables:
    return ManyTables()


def _nights(many: ManyTables, *seen: dict[str, list[Row]]) -> None:
    """One night after the other."""
    for number, own in enumerate(seen, 1):
        many.night(f"r{number}", own)
        many.small.clock.advance(days=1)


def _forget(many: ManyTables, run: str, rules: KeepRules) -> None:
    many.small.vault.apply(many.small.org, unconditional(Forget(rules)), run=run)
    for number in (1, 2):
        many.small.clock.advance(days=8)
        many.small.vault.sweep(many.small.org, run=f"s{run}{number}")


def _large(name: str) -> dict[str, list[Row]]:
    return {"Alpha": named("Alpha", name, count=100)}


def test_a_bundle_holds_one_night_however_often_what_is_in_it_was_moved(many: ManyTables) -> None:
    """Pieces of two nights in one: what one of them left would stay there as long as the other."""
    _nights(
        many,
        _large("A") | {"Beta": named("Beta", "SecretAnn")},
        _large("B") | {"Beta": named("Beta", "SecretBob")},
        _large("C") | all_named("Cyd", "Beta", "Gamma", "Delta"),
    )
    compact(many, "c1", "Alpha")
    nights: dict[str, set[int]] = {}
    for live in many.small.vault.org_vault(many.small.org).chain.live().segments["Beta"].values():
        nights.setdefault(live.entry.bundle, set()).add(live.last)
    assert sorted(map(len, nights.values())) == [1, 1, 1]
    compact(many, "c2", "Beta")
    _forget(many, "f1", KeepRules(daily=1))
    assert scanner.found(many.small.vault, "SecretAnn1", "SecretBob1") == set()
    assert many.names(3)["Gamma"] == shown("Cyd")["Gamma"]
    assert many.damages() == ()


def test_what_a_later_night_held_on_to_goes_from_the_bundle_of_the_first(many: ManyTables) -> None:
    _nights(
        many,
        all_named("SecretAnn"),
        all_named("Bob", "Gamma"),
        all_named("Cyd", "Beta") | {"Gamma": named("Gamma", "Cyd", count=1)},
    )
    _forget(many, "f1", KeepRules(daily=2))
    compact(many, "c1", "Beta")
    assert many.names(2)["Beta"] == shown("SecretAnn")["Beta"]
    _forget(many, "f2", KeepRules(daily=1))
    assert not [one for one in _texts(many, "Beta") if "SecretAnn1" in one]
    assert many.names(3)["Beta"] == shown("Cyd")["Beta"]
    assert many.damages() == ()


def _texts(many: ManyTables, table: str) -> Iterator[str]:
    """Names that the bundles hold under ids of a table, live or not."""
    reader = many.small.vault.org_vault(many.small.org).reader
    for entry in {one.bundle: one for one in many.entries() if one.bundle}.values():
        with reader._open(entry) as file:
            for row in file.read().to_pylist():
                if row["_u_id"].startswith(table.lower()):
                    yield str(row)


def test_that_a_record_was_deleted_goes_from_bundles_too(many: ManyTables) -> None:
    deleted: list[Row] = [("beta-record-1", "D", None)]
    seen = all_named("Bob", "Gamma", "Delta") | {"Beta": deleted}
    _nights(many, all_named("Ann", "Alpha", "Beta"), seen)
    compact(many, "c1", "Beta")
    many.small.clock.advance(days=40)
    many.night("r9", all_named("Dee", "Alpha"))
    _forget(many, "f1", KeepRules(daily=1, monthly=2, deleted_days=30))
    assert many.names(2)["Gamma"] == shown("Bob")["Gamma"]
    assert not [one for one in _texts(many, "Beta") if "beta-record-1" in one]
    assert many.damages() == ()


def test_one_bundle_after_the_other_is_taken_apart(
    many: ManyTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        many.night(f"r{number}", all_named(f"Name{number}"))
    counts: list[int] = []
    write = bundle_split.write_bundles

    def counting(out: object, pieces: Sequence[BundleEntry]) -> object:
        counts.append(sum(len(piece.segment.rows) for piece in pieces))
        return write(out, pieces)  # type: ignore[arg-type]

    monkeypatch.setattr(bundle_split, "write_bundles", counting)
    many.small.vault.apply(many.small.org, unconditional(Erase((GONE,))), run="e1")
    assert counts == [9] * 4
    assert many.damages() == ()


def test_what_is_merged_with_pieces_of_other_bundles_is_merged_once(
    many: ManyTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundling, "OBJECT_BYTES", 60)
    commit = many.begin("r1")
    pieces = [
        commit.add_few(table, [rows(*named(table, name, count=2))])
        for table in ("Alpha", "Beta")
        for name in ("Ann", "Bob")
    ]
    tables = [
        TableCommit(name, tuple(one for one in pieces if one.table == name))
        for name in ("Alpha", "Beta")
    ]
    commit.finish(tables, as_of=START)
    assert len(many.bundles()) == 4
    many.night("r2", all_named("Cyd"))
    many.small.vault.apply(many.small.org, unconditional(Erase((GONE,))), run="e1")
    assert many.names(1)["Alpha"] == {"alpha-record-0": "Bob0"}
    assert many.names(2)["Beta"] == shown("Cyd")["Beta"]
    assert many.damages() == ()


def test_one_commit_of_a_merge_does_not_move_what_the_next_one_merges(
    many: ManyTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nights(
        many,
        _large("Ann") | all_named("Ann", "Beta", "Gamma"),
        _large("Bob") | all_named("Bob", "Gamma"),
    )
    monkeypatch.setattr(compactor, "BATCH_BYTES", 1)
    compact(many, "c1", "Alpha", "Gamma")
    commits = many.small.vault.commits(many.small.org)
    assert [info.run for info in commits] == ["r1", "r2", "c1", "c1-2"]
    (left,) = (entry for entry in many.entries() if entry.bundle)
    assert (left.table, left.rows, left.of) == ("Beta", 3, 3), "it moved with the last"
    assert many.names(1)["Gamma"] == shown("Ann")["Gamma"]
    assert many.damages() == ()
