"""Renewal of the search index: old words are found, then replaced, and nothing else changes."""

from dataclasses import replace

import pytest

from earlier_words import earlier_rules
from smallvault import COLUMNS, TABLE, SmallVault, finish, rows
from unlost.model.errors import Conflict
from unlost.model.source.schema import Schema, SearchedAs, Table
from unlost.model.vault.snapshot import CommitKind, SearchIndexState, VerifyLevel
from unlost.vault.format.words.token_rules import VERSION
from unlost.vault.maintenance import reindexer
from unlost.vault.read.candidates import old_part

SÖHNE = {"Name": "Müller & Söhne", "Phone": "+49 341 0040017", "Text": "Leipzig"}
CAFE = {"Name": "Café K-0040018", "Phone": "0351 40018"}


def newer_schema() -> Schema:
    """The text is searched too, as a newer connector says."""
    columns = {**COLUMNS, "Text": replace(COLUMNS["Text"], search=SearchedAs.WORDS)}
    return Schema((Table(TABLE, tuple(columns.values()), name_column="Name"),), "f")


@pytest.fixture
def small() -> SmallVault:
    small = SmallVault()
    with earlier_rules():
        small.night("r1", ("1", "U", SÖHNE), ("2", "U", CAFE))
        small.night("r2", ("1", "U", SÖHNE | {"Phone": "0341 77"}))
        small.night("r3", ("3", "U", {"Phone": "٠٣٤١٥٥"}))  # no words by the earlier rules
    commit = small.begin("r4", put=newer_schema())
    finish(commit, commit.add(TABLE, [rows(("4", "U", {"Name": "Sohne", "Text": "Dresden"}))]))
    return small


def found(small: SmallVault, text: str, *, former: bool = False) -> set[str]:
    return {hit.record for hit in small.vault.search(small.org, text, former=former)}


def index(small: SmallVault) -> SearchIndexState:
    return small.vault.search_help(small.org).index


def renew(small: SmallVault, run: str = "renew", most: int = 1 << 30) -> int:
    """How many tiers were replaced."""
    done = reindexer.reindex(
        small.vault.org_vault(small.org), run=run, pause=lambda: None, most=most
    )
    return len(done.merged)


def check(small: SmallVault) -> None:
    assert small.reopen().verify(VerifyLevel.DEEP).damages == ()


def test_words_of_earlier_rules_are_found_as_they_are_stored(small: SmallVault) -> None:
    assert found(small, "söhne") == {"1", "4"}
    assert found(small, "sohne") == {"4"}
    assert found(small, "k-0040018") == {"2"}
    assert found(small, "0351 40018") == {"2"}
    assert found(small, "leipzig") == set()
    assert index(small).old == 11
    check(small)


def test_renewed_words(small: SmallVault) -> None:
    assert renew(small) == 2
    assert found(small, "sohne") == {"1", "4"}
    assert found(small, "40018") == {"2"}
    assert found(small, "leipzig") == {"1"}, "by the newest schema"
    assert found(small, "034155") == {"3"}, "of a commit without earlier words"
    assert found(small, "+49 341 0040017", former=True) == {"1"}
    assert index(small).old == 0
    assert renew(small, "again") == 0
    check(small)


def test_the_renewal_goes_on_where_it_stopped(small: SmallVault) -> None:
    assert renew(small, "first", most=1) == 1
    assert 0 < index(small).old < index(small).total
    check(small)
    assert renew(small, "second", most=1) == 1
    assert index(small).old == 0
    check(small)


def test_a_compaction_renews_words(small: SmallVault) -> None:
    done = small.vault.compact(small.org, run="compact")
    assert [merged.table for merged in done.merged] == ["$search", "$search"]
    kinds = [info.kind for info in small.vault.commits(small.org)]
    assert kinds[-2:] == [CommitKind.REINDEX] * 2
    assert small.vault.compact(small.org, run="again").snapshot is None


def test_words_of_different_rules_are_not_merged() -> None:
    small = SmallVault()
    with earlier_rules():
        for number in range(6):
            small.night(f"old{number}", (f"{number}", "U", {"Name": "Söhne"}))
    for number in range(6):
        small.night(f"new{number}", (f"n{number}", "U", {"Name": "Söhne"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reindexer, "MOST_WORDS", 0)
        patch.setattr(reindexer, "old_tiers", lambda *_: [])
        small.vault.compact(small.org, run="compact")
    view = small.vault.at(small.org, 12).view("$search")
    labels = {view.reading.segments.facts(live.entry)[0].tokenizer for live in view.segments}
    assert labels == {2, VERSION}
    assert len(old_part(view).segments) == 6
    small.vault.compact(small.org, run="renew")
    assert index(small).old == 0
    check(small)


def test_removed_words_do_not_come_back(small: SmallVault, monkeypatch: pytest.MonkeyPatch) -> None:
    """An erasure commits while the words are computed: the renewal must begin again."""
    monkeypatch.setattr(reindexer, "_OUTRUN_BY", frozenset({CommitKind.BACKUP}))
    honest = reindexer._new_words

    def beside(*args: object) -> object:
        words = honest(*args)
        small.night("beside", ("9", "U", {"Name": "Beside"}))
        return words

    monkeypatch.setattr(reindexer, "_new_words", beside)
    with pytest.raises(Conflict) as refused:
        renew(small)
    assert refused.value.code == "maintenance-outrun"
    assert index(small).old == 11


def test_backups_go_on_meanwhile(small: SmallVault, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = reindexer._new_words
    nights = iter(range(9))

    def beside(*args: object) -> object:
        words = honest(*args)
        small.night(f"beside{next(nights)}", ("9", "U", {"Name": "Beside"}))
        return words

    monkeypatch.setattr(reindexer, "_new_words", beside)
    assert renew(small) == 2
    assert found(small, "beside") == {"9"}
    check(small)


def unsearched_schema() -> Schema:
    """The text is no longer searched."""
    return Schema((Table(TABLE, tuple(COLUMNS.values()), name_column="Name"),), "f")


@pytest.fixture
def chosen() -> SmallVault:
    """The text of new rows is searched since the second commit."""
    small = SmallVault()
    small.night("r1", ("1", "U", SÖHNE), ("2", "U", CAFE))
    commit = small.begin("r2", put=newer_schema())
    finish(commit, commit.add(TABLE, [rows(("3", "U", {"Name": "Anna", "Text": "Dresden"}))]))
    return small


def test_a_chosen_column_is_searched_in_earlier_rows_after_maintenance(chosen: SmallVault) -> None:
    assert found(chosen, "dresden") == {"3"}
    assert found(chosen, "leipzig") == set()
    assert 0 < index(chosen).old < index(chosen).total
    assert renew(chosen) == 1
    assert found(chosen, "leipzig") == {"1"}
    assert index(chosen).old == 0
    assert renew(chosen, "again") == 0
    check(chosen)


def test_words_of_a_column_that_is_no_longer_chosen_stay(chosen: SmallVault) -> None:
    renew(chosen)
    commit = chosen.begin("r3", put=unsearched_schema())
    finish(commit, commit.add(TABLE, [rows(("4", "U", {"Name": "Bert", "Text": "Chemnitz"}))]))
    assert found(chosen, "chemnitz") == set()
    assert found(chosen, "leipzig") == {"1"}
    assert renew(chosen, "again") == 0
    check(chosen)


def test_words_of_different_columns_are_not_merged() -> None:
    small = SmallVault()
    for number in range(6):
        small.night(f"old{number}", (f"{number}", "U", SÖHNE))
    for number in range(6):
        commit = small.begin(f"new{number}", put=newer_schema())
        finish(commit, commit.add(TABLE, [rows((f"n{number}", "U", SÖHNE))]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reindexer, "old_tiers", lambda *_: [])
        small.vault.compact(small.org, run="compact")
    assert found(small, "leipzig") == {f"n{number}" for number in range(6)}
    small.vault.compact(small.org, run="renew")
    assert len(found(small, "leipzig")) == 12
    check(small)


def test_a_new_column_needs_no_renewal() -> None:
    small = SmallVault()
    fewer = tuple(each for each in newer_schema().tables[0].columns if each.name != "Text")
    commit = small.begin("r1", put=Schema((Table(TABLE, fewer, name_column="Name"),), "f"))
    names = tuple(column.name for column in fewer)
    finish(commit, commit.add(TABLE, [rows(("1", "U", {"Name": "Söhne"}), names=names)]))
    commit = small.begin("r2", put=newer_schema())
    finish(commit, commit.add(TABLE, [rows(("2", "U", SÖHNE))]))
    assert index(small).old == 0
    assert found(small, "leipzig") == {"2"}
