"""unlost org bypass, and the bypass in a plan: at home and from another machine."""

from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from terminals import Terminal
from unit.app.shop import CUSTOMER, Shop, lost_shop
from unit.cli.served import from_afar, service
from unlost.catalog.orgs.bypass import bypass_of
from unlost.cli.exits import ExitCode
from unlost.model.bypass import Bypass, BypassState

after_loss = scene(lost_shop)
FLAG = Bypass("flag", "Quiet")


@pytest.fixture
def shop(world: World, after_loss: Lead) -> Shop:
    shop: Shop = after_loss(world)
    shop.writer.bypasses[FLAG] = BypassState(on=False)
    return shop


def test_it_is_shown_set_and_removed(unlost: Terminal, shop: Shop) -> None:
    shown = unlost("org", "bypass", "sales").out
    assert "Restores to sales use no bypass: all its automation acts." in shown
    assert "flag: The name of a flag." in shown
    answer = unlost("org", "bypass", "sales", "flag", "Quiet")
    assert "While a restore writes to sales, this bypass is on: flag Quiet" in answer.out
    assert bypass_of(shop.oid) == FLAG
    assert unlost("org", "bypass", "sales", "--json").json["bypass"] == {
        "kind": "flag",
        "name": "Quiet",
    }
    assert "no bypass" in unlost("org", "bypass", "sales", "--off").out
    assert bypass_of(shop.oid) is None


def test_contradictions_and_unknown_bypasses_change_nothing(unlost: Terminal, shop: Shop) -> None:
    wrong = unlost("org", "bypass", "sales", "flag", "Quiet", "--off", "--json")
    assert (wrong.code, wrong.failure["code"]) == (ExitCode.USAGE, "bypass-contradictory")
    wrong = unlost("org", "bypass", "sales", "flag", "Nothing", "--json")
    assert (wrong.code, wrong.failure["code"]) == (ExitCode.USAGE, "bypass-unknown")
    assert bypass_of(shop.oid) is None


def test_the_plan_names_it(unlost: Terminal, shop: Shop, tmp_path: Path) -> None:
    unlost("org", "bypass", "sales", "flag", "Quiet")
    words = ("--record", f"Account/{CUSTOMER}", "--out", str(tmp_path / "plan.json"))
    planned = unlost("restore", "plan", "sales", *words).out
    assert "The bypass flag Quiet is on during the run." in planned
    assert "Automation that does not check it acts as usual." in " ".join(planned.split())


def test_two_plans_with_another_bypass_differ(unlost: Terminal, shop: Shop, tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("old.json", "new.json")]
    words = ("--record", f"Account/{CUSTOMER}", "--out")
    unlost("restore", "plan", "sales", *words, files[0])
    unlost("org", "bypass", "sales", "flag", "Quiet")
    unlost("restore", "plan", "sales", *words, files[1])
    shown = unlost("restore", "diff", *files).out
    assert "Bypass during the run: none → flag Quiet" in shown


def test_from_another_machine(
    unlost: Terminal, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with from_afar(shop.world, monkeypatch), service(shop.world, monkeypatch):
        answer = unlost("org", "bypass", "sales", "flag", "Quiet", "--json")
        assert answer.json["bypass"]["name"] == "Quiet"
        assert "flag Quiet" in unlost("org", "bypass", "sales").out
