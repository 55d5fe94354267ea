"""Search over all orgs: whole values first, live records first, with labels."""

from dataclasses import replace

from unit.engine.scene import Scene, chocolate
from unlost.engine.records.search import SearchResult, find, ranked, suggest
from unlost.model.org import OrgIdentity
from unlost.model.source.schema import TableRank
from unlost.model.vault.snapshot import SearchHit, SearchMatch


def test_whole_names_come_first_and_deleted_records_last(scene: Scene) -> None:
    made = chocolate(scene)
    other = scene.org.create("Account", {"Name": "Account 1 and more"})
    gone = scene.org.create("Account", {"Name": "Account 1"})
    scene.org.delete("Account", gone)
    scene.night()
    found = find(scene.vault, "account 1")
    assert [f.hit.record for f in found if f.hit.table == "Account"] == [made[1], gone, other]
    assert [f.exact for f in found[:2]] == [True, True]
    assert found[0].hit.label == "Account 1"
    assert found[0].hit.org == scene.oid
    assert found[0].identity.tenant == "T-1"
    assert not found[1].hit.alive


def test_an_org_without_a_night_has_nothing(scene: Scene) -> None:
    chocolate(scene, records=1)
    scene.night()
    empty = scene.vault.ensure_org(OrgIdentity("memory", "T-2"))
    assert find(scene.vault, "Account", orgs=[empty]) == ()
    assert len(find(scene.vault, "Account", limit=1)) == 1


def test_a_record_is_found_by_its_id(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    found = find(scene.vault, made[3])
    assert [(f.hit.record, f.hit.label, f.exact) for f in found] == [(made[3], "Account 3", True)]


def test_only_some_tables_are_searched(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    tables = {f.hit.table for f in find(scene.vault, "1")}
    assert len(tables) > 1
    assert {f.hit.table for f in find(scene.vault, "1", tables={"Account"})} == {"Account"}


def test_a_typing_mistake_gets_suggestions(scene: Scene) -> None:
    chocolate(scene, records=1)
    scene.night()
    empty = scene.vault.ensure_org(OrgIdentity("memory", "T-2"))
    assert suggest(scene.vault, "Acount") == ("Account",)
    assert suggest(scene.vault, "Acount", orgs=[empty]) == ()


def result(record: str, **facts: object) -> SearchResult:
    hit = SearchHit("o", "Account", record, "Name", label=record)
    return SearchResult(OrgIdentity("memory", "T-1"), replace(hit, **facts), exact=False)


def test_the_order_of_results() -> None:
    ordered = [
        result("id", match=SearchMatch.ID),
        result("key", match=SearchMatch.KEY),
        result("key of a detail", match=SearchMatch.KEY, rank=TableRank.DETAIL),
        result("deleted", match=SearchMatch.KEY, alive=False, rank=TableRank.MAIN),
        result("whole name", match=SearchMatch.WHOLE_NAME),
        result("customer", match=SearchMatch.NAME, rank=TableRank.MAIN),
        result("another", match=SearchMatch.NAME),
        result("value", match=SearchMatch.VALUE),
        result("words", match=SearchMatch.WORDS),
        result("former", match=SearchMatch.KEY, former=True),
    ]
    assert [each.hit.record for each in ranked(ordered[::-1])] == [
        each.hit.record for each in ordered
    ]
