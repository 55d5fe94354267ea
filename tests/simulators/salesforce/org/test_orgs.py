"""Plans of orgs from their text, the orgs that follow from them, and a registry of several."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta, timezone

import pytest

from unlost_simulators.kit.orgs import OrgPlan, OrgRegistry
from unlost_simulators.salesforce.app import Salesforce
from unlost_simulators.salesforce.scenarios import scenario
from unlost_simulators.salesforce.server import Identity, SimulatorOptions, build
from unlost_simulators.salesforce.simulator import Simulator

BASE = SimulatorOptions(scenario="bench-contacts")


def made(text: str, base: SimulatorOptions = BASE) -> SimulatorOptions:
    return OrgPlan.parse(text, base).wanted


def test_a_plan_is_read_from_its_text(tmp_path) -> None:
    assert made("live") == SimulatorOptions(
        scenario="bench-contacts", name="live", identity=Identity.OF_NAME
    )
    base = SimulatorOptions(cache=tmp_path, db=tmp_path / "rows.db", scale=3, running_clock=True)
    wanted = made("box=bench-mails:100,scale=2,seed=7,sandbox,same-id", base)
    assert wanted == SimulatorOptions(
        scenario="bench-mails:100",
        scale=2,
        seed=7,
        sandbox=True,
        identity=Identity.OF_SCENARIO,
        name="box",
        cache=tmp_path / "box",
        running_clock=True,
    )


def test_an_org_may_open_at_a_time_of_its_own() -> None:
    assert made("a=,opens=2026-11-02T18:00:00").opens == datetime(2026, 11, 2, 18, tzinfo=UTC)
    east = timezone(timedelta(hours=2))
    assert made("a=,opens=2026-11-02T18:00:00+02:00").opens == datetime(
        2026, 11, 2, 18, tzinfo=east
    )
    base = SimulatorOptions(opens=datetime(2020, 1, 1, tzinfo=UTC))
    assert made("a", base).opens == base.opens


@pytest.mark.parametrize("text", ["", "a b", "x=chocolate,colour", "x=chocolate,sandbox=1",
                                  "x=chocolate,scale", "x=chocolate,scale=many",
                                  "x=chocolate,opens", "x=chocolate,opens=once"])  # fmt: skip
def test_texts_that_are_no_plan(text) -> None:
    with pytest.raises(ValueError, match=r"called|option|literal|isoformat"):
        made(text)


def organization(sim: Simulator) -> tuple[str, bool]:
    (row,) = sim.org.export("Organization").to_pylist()
    return row["Id"], row["IsSandbox"]


def test_orgs_of_one_seed_differ_in_nothing_but_their_own_row() -> None:
    known = scenario("bench-contacts").org_id
    sims = [build(made(text), base_url="http://x") for text in ("a", "b=,sandbox", "c=,same-id")]
    try:
        ids = [sim.org.id18 for sim in sims]
        assert len(set(ids)) == 3
        assert ids[2] == known
        assert [organization(sim) for sim in sims] == list(
            zip(ids, [False, True, False], strict=True)
        )
        contacts = [sim.org.export("Contact") for sim in sims]
        assert contacts[0].equals(contacts[1])
        assert contacts[0].num_rows > 0
        again = build(made("a"), base_url="http://x")
        sims.append(again)
        assert again.org.id18 == ids[0], "an id follows from the name"
    finally:
        for sim in sims:
            sim.close()


@pytest.mark.network
def test_a_registry_serves_each_org_at_its_own_address() -> None:
    registry = OrgRegistry("127.0.0.1", Salesforce(), BASE)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(url: str) -> dict:
        with opener.open(url, timeout=30) as answer:
            return json.loads(answer.read())

    try:
        first = registry.begin(OrgPlan.parse("live", BASE))
        other = registry.open(OrgPlan.parse("box=,sandbox", BASE))
        line = registry.ready_line()
        assert [each["name"] for each in line["orgs"]] == ["live", "box"]
        assert line["url"] == first.door.url != other.door.url
        told = get(f"{other.door.url}/__sim__")
        assert told["organization_id"] == other.sim.org.id18
        assert get(f"{other.door.url}/__sim__/orgs") == json.loads(
            json.dumps({"orgs": line["orgs"]})
        )
        with pytest.raises(ValueError, match="already"):
            registry.open(OrgPlan.parse("box", BASE))
        with pytest.raises(ValueError, match="no scenario"):
            registry.open(OrgPlan.parse("odd=nonsense", BASE))
        for name in ("live", "nobody"):
            with pytest.raises(ValueError, match=name):
                registry.close(name)
        request = urllib.request.Request(
            f"{other.door.url}/__sim__/orgs", json.dumps({"name": "third"}).encode()
        )
        with opener.open(request, timeout=60) as answer:
            assert json.loads(answer.read())["name"] == "third"
        registry.close("third")
        registry.close("box")
        assert [org.name for org in registry.all()] == ["live"]
    finally:
        registry.close_all()
    assert registry.all() == []
