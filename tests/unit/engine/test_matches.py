"""All matches of a search: filters by state, time, table and user, and the limit."""

from dataclasses import replace
from datetime import timedelta

import pytest

from unit.engine.scene import Scene
from unlost.engine.records import matches
from unlost.engine.records.matches import (
    DELETIONS_BACK,
    OrgMatches,
    OrgSearch,
    SearchFilter,
    StateFilter,
    best_match,
    org_matches,
    user_tables,
    users_named,
)
from unlost.engine.records.search import SearchResult
from unlost.model.org import OrgIdentity
from unlost.model.source.schema import Column, Reference, TableRank, WireKind
from unlost.model.vault.snapshot import SearchHit, SearchMatch
from unlost.vault.read import candidates


@pytest.fixture
def people(scene: Scene) -> Scene:
    """Two users, and accounts; on the second night some are deleted, by each of them."""
    org = scene.org
    org.add_table("User", {"Name": WireKind.TEXT})
    org.create("User", {"Name": "Sabine Vogt"}, record="U1")
    org.create("User", {"Name": "Jörg Blank"}, record="U2")
    for table in ("Account", "Note"):
        org.add_table(table, {"Name": WireKind.TEXT})
        by_user = Column("ModifiedBy", WireKind.REFERENCE, reference=Reference(("User",)))
        org.tables[table].columns["ModifiedBy"] = by_user
    for number in range(8):
        org.create("Account", {"Name": f"Firma {number}"}, record=f"A{number}", by="U2")
    org.create("Note", {"Name": "Firma, a note"}, record="N1", by="U2")
    scene.night()
    org.delete("Account", "A1", by="U1")
    scene.clock.advance(hours=1)
    org.delete("Account", "A2", by="U1")
    org.delete("Note", "N1", by="U1")
    org.delete("Account", "A3", by="U2")
    org.purge("Account", "A4")
    org.update("Account", "A5", {"Name": "Firma five"}, by="U1")
    scene.night()
    return scene


def records(scene: Scene, words: str, *, most: int = 100, **others: object) -> list[str]:
    """The records of the matches, sorted unless there are no words."""
    snapshot = scene.vault.newest_backup(scene.oid)
    identity = scene.vault.orgs()[scene.oid]
    search = OrgSearch(snapshot, identity, words, **others)
    found = [result.hit.record for result in org_matches(scene.vault, search, most=most).results]
    return sorted(found) if words else found


def matched(scene: Scene, **others: object) -> OrgMatches:
    snapshot = scene.vault.newest_backup(scene.oid)
    search = OrgSearch(snapshot, scene.vault.orgs()[scene.oid], "", **others)
    return org_matches(scene.vault, search)


def users(scene: Scene, name: str) -> list[str]:
    return list(users_named(scene.vault, scene.vault.newest_backup(scene.oid), name))


def test_users_are_known_by_the_beginnings_of_their_names(people: Scene) -> None:
    assert users(people, "sabine") == ["U1"]
    assert users(people, "Vogt, Sab") == ["U1"]
    assert users(people, "jorg") == ["U2"]
    assert users(people, "Firma") == []


def test_an_org_without_users_knows_nobody(scene: Scene) -> None:
    scene.org.add_table("Account", {"Name": WireKind.TEXT})
    scene.org.create("Account", {"Name": "Sabine"})
    scene.night()
    assert users(scene, "sabine") == []
    wanted = SearchFilter(deleters=["U1"])
    assert records(scene, "sabine", filter=wanted) == []
    assert records(scene, "", filter=wanted) == []


def test_filters_by_state(people: Scene) -> None:
    live = SearchFilter(StateFilter.LIVE)
    assert records(people, "firma", filter=live) == ["A0", "A5", "A6", "A7"]
    deleted = SearchFilter(StateFilter.DELETED)
    assert records(people, "firma", filter=deleted) == ["A1", "A2", "A3", "A4", "N1"]


def test_filters_by_the_user_who_deleted(people: Scene) -> None:
    by_sabine = SearchFilter(deleters=["U1"])
    assert records(people, "firma", filter=by_sabine) == ["A1", "A2", "N1"], "A5 is only changed"
    assert records(people, "firma", filter=SearchFilter(deleters=[])) == []


def test_without_words_all_that_users_deleted_is_listed_newest_first(people: Scene) -> None:
    by_sabine = SearchFilter(deleters=["U1"])
    assert records(people, "", filter=by_sabine) == ["A2", "A1", "N1"]
    assert records(people, "", filter=by_sabine, tables=["Note"]) == ["N1"]
    assert records(people, "", filter=SearchFilter(deleters=["U2"])) == ["A3"]
    assert records(people, "", filter=by_sabine, most=1) == ["A2"]


def test_deletions_are_searched_90_days_back_unless_a_day_says_more(people: Scene) -> None:
    by_sabine = SearchFilter(deleters=["U1"])
    first = people.vault.snapshots(people.oid)[0].as_of
    people.clock.advance(days=DELETIONS_BACK.days + 1)
    people.org.create("Account", {"Name": "New"}, record="A9", by="U1")
    people.night()
    people.org.delete("Account", "A9", by="U1")
    people.org.delete("Account", "A6", by="U1")
    people.night()
    found = matched(people, filter=by_sabine)
    assert [result.hit.record for result in found.results] == ["A6", "A9"]
    assert found.deletions_since == people.vault.snapshots(people.oid)[1].as_of
    earlier = matched(people, filter=replace(by_sabine, since=first))
    assert [result.hit.record for result in earlier.results] == ["A6", "A9", "A2", "A1", "N1"]
    assert earlier.deletions_since is None, "all of the filter were searched"
    notes = matched(people, filter=by_sabine, tables=["Note"])
    assert (notes.results, bool(notes.deletions_since)) == ((), True)


def test_if_no_deletion_is_older_the_answer_is_whole(people: Scene) -> None:
    first = people.vault.snapshots(people.oid)[0]
    assert matched(people, filter=SearchFilter(deleters=["U1"])).deletions_since is None
    people.clock.advance(days=1)
    people.night()
    since = SearchFilter(deleters=["U1"], since=first.as_of)
    assert len(matched(people, filter=since).results) == 3


def test_the_older_deletions_are_not_read(people: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    people.clock.advance(days=DELETIONS_BACK.days + 1)
    people.night()
    snapshot = people.vault.newest_backup(people.oid)
    monkeypatch.setattr(type(snapshot), "scan_deleted", None)
    read: list[int] = []
    newer = type(snapshot).newer

    def counted(self: object, table: str, columns: list[str], *, after: int) -> object:
        read.append(after)
        return newer(self, table, columns, after=after)

    monkeypatch.setattr(type(snapshot), "newer", counted)
    assert matched(people, filter=SearchFilter(deleters=["U1"])).results == ()
    assert read == [2, 2]


def test_filters_by_time(people: Scene) -> None:
    second = people.vault.snapshots(people.oid)[-1].as_of
    state = people.vault.newest_backup(people.oid).get("Account", ["A2"], columns=[])
    deletion = state["_u_modified_at"][0].as_py()
    late = SearchFilter(since=deletion)
    # The purged record has no time: it counts with the backup that noticed it.
    assert records(people, "firma", filter=late) == ["A2", "A3", "A4", "A5", "N1"]
    assert records(people, "firma", filter=SearchFilter(until=deletion)) == ["A0", "A1", "A6", "A7"]
    after = SearchFilter(since=second + timedelta(days=1))
    assert records(people, "firma", filter=after) == []


def test_matches_beyond_the_limit_are_reported(people: Scene) -> None:
    snapshot, identity = people.vault.newest_backup(people.oid), people.vault.orgs()[people.oid]
    search = OrgSearch(snapshot, identity, "firma")
    some = org_matches(people.vault, search, most=4)
    assert (len(some.results), some.more) == (4, True)
    every = org_matches(people.vault, search, most=9)
    assert (len(every.results), every.more) == (9, False)


@pytest.fixture
def many(people: Scene) -> Scene:
    """More matches than are checked; the deleted ones come last, with all but one of the filters."""
    for number in range(60):
        people.org.create("Account", {"Name": f"Firma {number:02}"}, record=f"B{number:02}")
    people.night()
    return people


def test_a_filter_by_state_hides_matches_beyond_those_that_are_checked(many: Scene) -> None:
    snapshot, identity = many.vault.newest_backup(many.oid), many.vault.orgs()[many.oid]
    deleted = SearchFilter(StateFilter.DELETED)
    search = OrgSearch(snapshot, identity, "firma", filter=deleted)
    every = org_matches(many.vault, search, most=10)
    assert sorted(result.hit.record for result in every.results) == ["A1", "A2", "A3", "A4", "N1"]
    assert not every.more
    some = org_matches(many.vault, search, most=2)
    assert (len(some.results), some.more) == (2, True)
    by_sabine = replace(search, filter=SearchFilter(deleters=["U1"]))
    assert len(org_matches(many.vault, by_sabine, most=10).results) == 3
    assert not org_matches(many.vault, replace(search, words="firma note"), most=10).more


@pytest.mark.parametrize("words", ["firma 0", "firma a", "firma"])
def test_a_filter_passes_the_same_matches_however_many_are_checked(many: Scene, words: str) -> None:
    for state in StateFilter:
        for since in (None, many.vault.snapshots(many.oid)[-1].as_of):
            wanted = SearchFilter(state, since=since)
            every = records(many, words, filter=wanted)
            few = records(many, words, filter=wanted, most=max(len(every), 5))
            assert few == every


def test_a_filter_checks_so_many_records_and_says_if_there_are_more(
    many: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, identity = many.vault.newest_backup(many.oid), many.vault.orgs()[many.oid]
    deleted = SearchFilter(StateFilter.DELETED)
    search = OrgSearch(snapshot, identity, "firma", filter=deleted)
    monkeypatch.setattr(matches, "MOST_STATES", 5)
    some = org_matches(many.vault, search, most=10)
    assert len(some.results) < 5
    assert some.more


def test_a_record_with_two_common_words_was_not_found_and_nothing_said_so(
    many: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        many.org.create("Account", {"Name": f"Berlin {number:02}"}, record=f"C{number:02}")
    many.org.create("Account", {"Name": "Firma in Berlin"}, record="Z1")
    many.night()
    many.org.delete("Account", "Z1")
    many.night()
    monkeypatch.setattr(candidates, "MOST_ROWS", 20)
    monkeypatch.setattr(candidates, "MOST_JOINED", 10)
    snapshot, identity = many.vault.newest_backup(many.oid), many.vault.orgs()[many.oid]
    search = OrgSearch(snapshot, identity, "firma berlin")
    assert org_matches(many.vault, search, most=100).more
    deleted = replace(search, filter=SearchFilter(StateFilter.DELETED))
    passing = org_matches(many.vault, deleted, most=100)
    assert [result.hit.record for result in passing.results] == ["Z1"]
    assert not passing.more


def test_an_id_in_another_form_finds_its_record_once(people: Scene) -> None:
    assert records(people, "a6", ids=["A6", "A99"]) == ["A6"]


def test_tables_of_users_come_from_the_schema(people: Scene) -> None:
    schema = people.vault.newest_backup(people.oid).schema()
    assert user_tables(schema) == {"Account": ("User",), "Note": ("User",)}


def test_one_backup_shows_no_deletions(scene: Scene) -> None:
    scene.org.add_table("Account", {"Name": WireKind.TEXT})
    by_user = Column("ModifiedBy", WireKind.REFERENCE, reference=Reference(("User",)))
    scene.org.tables["Account"].columns["ModifiedBy"] = by_user
    scene.org.create("Account", {"Name": "Firma"})
    scene.night()
    assert records(scene, "", filter=SearchFilter(deleters=["U1"])) == []


MAIN, OTHER, DETAIL = TableRank
KEY, VALUE, NAME = SearchMatch.KEY, SearchMatch.VALUE, SearchMatch.NAME


@pytest.mark.parametrize(
    ("results", "meant"),
    [
        ([], None),
        ([(NAME, MAIN)], None),
        ([(KEY, MAIN)], 0),
        ([(KEY, MAIN), (NAME, MAIN), (VALUE, MAIN)], 0),
        ([(KEY, MAIN), (SearchMatch.ID, OTHER)], 0),
        ([(KEY, MAIN), (SearchMatch.ID, MAIN)], None),
        ([(KEY, OTHER), (KEY, MAIN), (KEY, DETAIL)], 1),
        ([(KEY, DETAIL), (KEY, DETAIL)], None),
        ([(NAME, MAIN), (VALUE, OTHER)], None),
        ([(VALUE, MAIN), (VALUE, MAIN)], None),
    ],
)
def test_the_record_that_is_meant_matches_best(
    results: list[tuple[SearchMatch, TableRank]], meant: int | None
) -> None:
    ranked = [
        SearchResult(
            OrgIdentity("memory", "T"),
            SearchHit("o", "Account", f"A{number}", "Name", match=match, rank=rank),
            match.whole,
        )
        for number, (match, rank) in enumerate(results)
    ]
    assert best_match(ranked) == (None if meant is None else ranked[meant])
