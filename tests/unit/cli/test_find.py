"""unlost find: when something was, as the clocks of the org's company tell it."""

from dataclasses import replace

import pytest

from homes import SECRET
from terminals import Terminal
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.cli.exits import ExitCode


@pytest.fixture
def zurich(unlost: Terminal) -> Terminal:
    """An org in Zürich of which a record was deleted between two nights, at 01:00 UTC."""
    world = unlost.world
    world.org.identity = replace(world.org.identity, zone="Europe/Zurich")
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    assert unlost("backup", "sales").code == ExitCode.OK
    world.org.delete("Account", "A40017")
    world.clock.advance(days=1)
    assert unlost("backup", "sales").code == ExitCode.OK
    return unlost


def test_it_tells_times_in_the_zone_of_the_org_as_history_does(zurich: Terminal) -> None:
    told = zurich("find", "A40017")
    assert "CET" in told.out
    assert "UTC" not in told.out
    (hit, *_) = zurich("find", "A40017", "--json").json["hits"]
    assert hit["zone"] == "Europe/Zurich"


def test_former_values_are_found_on_request(unlost: Terminal) -> None:
    world = unlost.world
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    assert unlost("backup", "sales").code == ExitCode.OK
    world.org.update("Account", "A40017", {"Name": "Another"})
    world.clock.advance(days=1)
    assert unlost("backup", "sales").code == ExitCode.OK
    assert "Nothing found" in unlost("find", "schoko").out
    told = unlost("find", "schoko", "--former").out
    assert "Account Another: alive\n  Name: Schoko Zürich (former value)\n" in told
    help_text = " ".join(unlost("find", "--help").out.split())
    assert "This takes longer" in help_text
