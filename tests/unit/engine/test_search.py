"""Search over all orgs: whole values first, live records first, with labels."""

from unit.engine.scene import Scene, chocolate
from unlost.engine.records.search import find
from unlost.model.org import OrgIdentity


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
