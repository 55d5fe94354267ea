"""unlost rectify: planned, asked for, done, and listed with erasures."""

import pytest

from scenes import Lead, scene
from terminals import Terminal
from unit.cli.served import from_afar
from unit.cli.typed import with_two_nights
from unlost.cli.exits import ExitCode

two_nights = scene(with_two_nights)


@pytest.fixture
def nights(unlost: Terminal, two_nights: Lead) -> Terminal:
    two_nights(unlost.world)
    return unlost


WISH = ("sales", "--record", "Account/A40017", "--set", "Phone=+41 9", "--was", "+41 2")


def test_it_is_planned_and_done(nights: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = nights("rectify", *WISH, "--plan")
    assert plan.code == ExitCode.OK
    assert plan.out.startswith("sales: Account.Phone")
    assert "The org itself has another value in Account.Phone" in plan.out
    asked: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text))
    done = nights("rectify", *WISH)
    assert len(asked) == 1
    assert asked[0].endswith("in all backups of sales? This cannot be undone.")
    assert "corrected." in done.out
    listed = nights("erase", "list", "sales")
    assert "corrected (Account 1" in listed.out
    assert "A40017" not in listed.out
    again = nights("rectify", *WISH, "--yes")
    assert "Nothing would change." in again.out
    assert "There was nothing left to correct." in again.out


def test_with_json_nobody_is_asked(nights: Terminal) -> None:
    assert nights("rectify", *WISH, "--json").code == ExitCode.USAGE
    assert nights("rectify", *WISH, "--plan", "--json").json["current"] == ["Account.Phone"]
    assert nights("rectify", *WISH, "--yes", "--json").json["snapshot"] == 3
    (line,) = nights("erase", "list", "sales", "--json").json["erasures"]
    assert "Account.Phone" in line["columns"]


def test_all_that_a_plan_may_say(nights: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    from unlost.app.actions.retention import rectify
    from unlost.app.records.other_orgs import OtherOrgRecords
    from unlost.model.vault.erasure_proof import TableErased

    told = rectify.RectifyPlan(
        org="sales", zone="UTC", digest="d", records=2, tables=(TableErased("Account", 2, 3, 1),),
        columns=("Account.Phone",), current=(), files=1, file_bytes=9, restores=("r-1",),
        certificates=1, rewritten=9, elsewhere=(OtherOrgRecords("other", 1),),
    )  # fmt: skip
    monkeypatch.setattr(rectify, "plan", lambda *_: told)
    out = nights("rectify", *WISH, "--plan").out
    for part in (
        "The record with that id is corrected too",
        "The restore r-1",
        "1 certificate",
        "1 record of other",
    ):
        assert part in out
    assert "The org itself" not in out


def test_from_afar_it_is_planned_done_and_listed(
    nights: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with from_afar(nights.world, monkeypatch):
        assert nights("rectify", *WISH, "--plan", "--json").json["records"] == 1
        assert nights("rectify", *WISH, "--yes", "--json").json["snapshot"] == 3
        assert "corrected (Account 1" in nights("erase", "list", "sales").out
