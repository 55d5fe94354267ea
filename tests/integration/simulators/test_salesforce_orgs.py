"""Several orgs in one process: each with its own port, id, rows, clock, users and faults."""

import json
import urllib.error
import urllib.parse
import urllib.request

import pytest

from patience import HANGING
from unlost_simulators.process import SimulatedOrg, SimulatorFailed, SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]
KEY = "chocolate-backup"


def query(org: SimulatedOrg, soql: str) -> list[dict]:
    request = urllib.request.Request(
        f"{org.url}/services/data/v66.0/query?q={urllib.parse.quote(soql)}",
        headers={"Authorization": f"Bearer {org.token(KEY)}"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=HANGING) as answer:
        return json.loads(answer.read())["records"]


@pytest.fixture(scope="module")
def sim():
    options = ["live=chocolate", "box=chocolate,sandbox", "clone=chocolate,same-id"]
    with SimulatorProcess(*(each for name in options for each in ("--org", name))) as running:
        yield running


def test_orgs_of_one_seed_hold_the_same_records_under_ids_of_their_own(sim) -> None:
    live, box, clone = sim.orgs.values()
    assert [each.name for each in (live, box, clone)] == ["live", "box", "clone"]
    ids = {name: org.ready["organization_id"] for name, org in sim.orgs.items()}
    assert len({live.url, box.url, clone.url}) == 3
    assert len(set(ids.values())) == 3
    assert all(each.startswith("00D") and len(each) == 18 for each in ids.values())
    for name, org in sim.orgs.items():
        told = query(org, "SELECT Id, IsSandbox FROM Organization")
        assert [(each["Id"], each["IsSandbox"]) for each in told] == [(ids[name], name == "box")]
    accounts = [query(each, "SELECT Id FROM Account ORDER BY Id") for each in (live, box)]
    assert accounts[0] == accounts[1] != []


def test_settings_of_the_organization_are_those_of_its_own_org(sim) -> None:
    for org in sim.orgs.values():
        owners = query(org, "SELECT SetupOwnerId FROM Shop_Floor_Settings__c")
        heads = {each["SetupOwnerId"] for each in owners if each["SetupOwnerId"][:3] == "00D"}
        assert heads == {org.ready["organization_id"]}


def test_a_clone_may_carry_the_id_of_its_scenario(sim) -> None:
    with SimulatorProcess() as alone:
        known = alone.ready["organization_id"]
        assert [each["name"] for each in alone.ready["orgs"]] == ["main"]
    assert sim.orgs["clone"].ready["organization_id"] == known
    assert sim.orgs["live"].ready["organization_id"] != known


def test_nothing_that_happens_in_one_org_happens_in_another(sim) -> None:
    live, box = sim.orgs["live"], sim.orgs["box"]
    before = box.admin.get("clock")
    live.admin.post("clock/advance", days=3)
    assert box.admin.get("clock") == before != live.admin.get("clock")
    account = query(live, "SELECT Id FROM Account ORDER BY Id LIMIT 1")[0]["Id"]
    live.admin.post("records/update", object="Account", changes={account: {"Name": "Elsewhere"}})
    named = f"SELECT Name FROM Account WHERE Id = '{account}'"
    assert query(live, named)[0]["Name"] == "Elsewhere" != query(box, named)[0]["Name"]
    live.admin.fault("empty_500", path="/query")
    query(box, named)
    with pytest.raises(urllib.error.HTTPError):
        query(live, named)
    assert live.admin.unhit_faults() == [] == box.admin.unhit_faults()


def test_a_token_of_one_org_opens_no_other(sim) -> None:
    live, box = sim.orgs["live"], sim.orgs["box"]
    request = urllib.request.Request(
        f"{box.url}/services/data/v66.0/limits",
        headers={"Authorization": f"Bearer {live.token(KEY)}"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(request, timeout=HANGING)
    assert caught.value.code == 401
    caught.value.close()


def test_orgs_come_and_go_while_the_process_runs(sim) -> None:
    fresh = sim.open_org("refreshed", scenario="chocolate", seed=2, sandbox=True)
    assert query(fresh, "SELECT IsSandbox FROM Organization")[0]["IsSandbox"] is True
    names = [each["name"] for each in sim.orgs["box"].admin.get("orgs")["orgs"]]
    assert names == ["live", "box", "clone", "refreshed"]
    sim.close_org("refreshed")
    assert "refreshed" not in sim.orgs
    with pytest.raises(urllib.error.URLError):
        query(fresh, "SELECT Id FROM Account")
    for name, members in {"live": {}, "no good": {}, "odd": {"colour": "red"}}.items():
        with pytest.raises(SimulatorFailed, match=r"already|called|option"):
            sim.open_org(name, **members)
    with pytest.raises(SimulatorFailed, match="live"):
        sim.close_org("live")
