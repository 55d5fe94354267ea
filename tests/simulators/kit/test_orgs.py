"""Several orgs of any system in one process."""

import json
import urllib.request
from datetime import UTC, datetime

import pytest

from simulators.kit.bakery import Bakeries
from unlost_simulators.kit.orgs import OrgOptions, OrgPlan, OrgRegistry

BASE = OrgOptions(scenario="loaves", db=None)


def wanted(text: str) -> OrgOptions:
    return OrgPlan.parse(text, BASE).wanted


def test_a_plan_is_read_from_its_text() -> None:
    assert wanted("live") == OrgOptions(scenario="loaves", name="live")
    assert wanted("box=rolls,scale=2,seed=7,opens=2026-11-02,running-clock") == OrgOptions(
        scenario="rolls",
        scale=2,
        seed=7,
        opens=datetime(2026, 11, 2, tzinfo=UTC),
        running_clock=True,
        name="box",
    )


@pytest.mark.parametrize("text", ["", "a b", "x=y,sandbox", "x=y,scale", "x=y,opens=once"])
def test_texts_that_are_no_plan(text: str) -> None:
    with pytest.raises(ValueError, match=r"called|option|isoformat"):
        wanted(text)


def test_unknown_members_are_named() -> None:
    with pytest.raises(ValueError, match="colour, size"):
        OrgPlan.of("x", {"size": 1, "colour": 2}, BASE)


@pytest.mark.network
def test_each_org_answers_at_its_address_and_more_are_opened_by_the_admin_api() -> None:
    registry = OrgRegistry("127.0.0.1", Bakeries(), BASE)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(url: str, **body: object) -> dict:
        request = urllib.request.Request(url, json.dumps(body).encode() if body else None)
        with opener.open(request, timeout=30) as answer:
            return json.loads(answer.read())

    try:
        registry.begin(OrgPlan.parse("live", BASE))
        box = registry.open(OrgPlan.parse("box=,scale=3", BASE))
        line = registry.ready_line()
        assert [each["name"] for each in line["orgs"]] == ["live", "box"]
        assert (line["loaves"], line["ca"], line["orgs"][1]["loaves"]) == (1, None, 3)
        assert line["orgs"][1]["admin"] == f"{box.door.url}/__sim__"
        assert ask(f"{box.door.url}/bread")["loaves"] == 3
        orgs = f"{box.door.url}/__sim__/orgs"
        third = ask(orgs, name="third", scale=9)
        assert [each["name"] for each in ask(orgs)["orgs"]] == ["live", "box", "third"]
        assert ask(f"{third['url']}/bread")["loaves"] == 9
        ask(f"{orgs}/close", name="third")
        for name in ("live", "third"):
            with pytest.raises(ValueError, match=name):
                registry.close(name)
        with pytest.raises(ValueError, match="already"):
            registry.open(OrgPlan.parse("box", BASE))
        with pytest.raises(ValueError, match="broken"):
            registry.open(OrgPlan.parse("odd=broken", BASE))
    finally:
        registry.close_all()
    assert registry.all() == []
    assert box.sim.closed
