"""unlost verify --salvage, as typed: shown, asked for, done, and told of ever after."""

from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene, with_a_night_on_disk
from terminals import Terminal
from unit.app.test_salvage import KEY, spoil_column
from unlost.app.actions.vault.salvage import OrgSalvage, SalvagePlan, SalvageResult
from unlost.cli.exits import ExitCode
from unlost.model.plan import RecordKey
from unlost.model.vault.salvage import LostFile, LostSpan, TableSalvaged
from unlost.model.vault.snapshot import Damage

on_disk = scene(with_a_night_on_disk)


@pytest.fixture
def kept(unlost: Terminal, on_disk: Lead) -> Terminal:
    """A home with a night, in a vault on the disk."""
    on_disk(unlost.world)
    return unlost


def segments(world: World) -> list[Path]:
    assert world.home.vault is not None
    return [one for one in sorted(world.home.vault.rglob("data/*/*")) if one.suffix != ".idx"]


def test_it_is_shown_asked_for_and_done(kept: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "There is nothing to salvage" in kept("verify", "--salvage").out
    for path in segments(kept.world):
        path.unlink()
    assert (
        "keep the readable parts: unlost verify --salvage" in kept("verify", "--level", "full").out
    )
    shown = kept("verify", "--salvage", "--plan")
    assert shown.code == ExitCode.OK
    assert "damaged, and no copy here has them undamaged:" in shown.out
    assert "would be lost" in shown.out
    assert "The next backup fully re-reads: Account" in shown.out
    asked: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text))
    done = kept("verify", "--salvage")
    assert done.code == ExitCode.OK
    assert asked[0].endswith("This cannot be undone.")
    assert "The vault is undamaged" in done.out
    assert kept("verify", "--level", "deep").code == ExitCode.OK
    assert "Damaged objects were salvaged" in kept("snapshots", "sales").out
    assert kept("backup", "sales").code == ExitCode.OK
    assert kept("show", "sales", "Account/A40017").code == ExitCode.OK


def test_with_json_nobody_is_asked(kept: Terminal) -> None:
    segments(kept.world)[0].unlink()
    assert kept("verify", "--salvage", "--json").failure["code"] == "salvage-not-agreed"
    assert len(kept("verify", "--salvage", "--plan", "--json").json["orgs"]) == 1
    done = kept("verify", "--salvage", "--yes", "--json")
    assert (done.code, done.json["damages"]) == (ExitCode.OK, [])
    (line,) = kept("snapshots", "sales", "--json").json["salvages"]
    assert line["run"].startswith("salvage-")


def test_a_lost_value_is_not_called_empty(kept: Terminal) -> None:
    spoil_column(kept.world, "Account", "Phone")
    assert kept("verify", "--salvage", "--yes").code == ExitCode.OK
    shown = kept("show", "sales", f"Account/{KEY}").out
    assert "unknown: the vault lost it to damage" in shown
    assert "empty fields" not in shown


def test_a_copy_comes_first(kept: Terminal) -> None:
    failed = kept("verify", "--salvage", "--repair-from", "mirror", "--json")
    assert failed.failure["code"] == "salvage-alone"


def test_all_that_may_be_said(kept: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    from unlost.app.actions.vault import salvage

    damage = Damage("orgs/x", "It is missing.")
    ids = tuple(f"a{n}" for n in range(12))
    org = OrgSalvage(
        org="sales", zone="UTC", objects=("data/x",), files_lost=2, reread=("Account",), still_damaged=(damage,),
        certificates=tuple(range(1, 12)), journals=("restore-1",),
        tables=(
            TableSalvaged("$files"),
            TableSalvaged("$search", rebuilt=True),
            TableSalvaged("$suppressed", lost=1),
            TableSalvaged("$holds", whole=1, lost=1),
            TableSalvaged("Account", 1, 2, 15, ("Phone",), ids, (LostSpan("b", "c", 3),)),
        ),
        files=(LostFile(RecordKey("Paper", "p1"), "Body"),), snapshot=4,
    )  # fmt: skip
    monkeypatch.setattr(salvage, "plan", lambda *_: SalvagePlan("d", (org,)))
    monkeypatch.setattr(salvage, "salvage", lambda *_, **__: SalvageResult((org,), (damage,)))
    done = kept("verify", "--salvage", "--yes")
    assert done.code == ExitCode.FAILED
    for words in (
        "$search: would be rebuilt from the records",
        "2 versions would be kept without Phone",
        "of a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, …",
        "3 with ids from b to c",
        "Paper/p1 Body",
        "11 certificates would be lost, of the backups 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …: their gaps",
        "the journal of restore-1 would be lost: that run can no longer be undone.",
        "Not repaired by this: orgs/x",
        "Still damaged:",
        "no longer known",
        "A lost legal hold protects nothing any longer",
    ):
        assert words in " ".join(done.out.split())
    assert "$files" not in done.out


def test_an_org_of_which_nothing_can_be_salvaged_is_named_and_nobody_is_asked(
    kept: Terminal,
) -> None:
    vault = kept.world.home.vault
    assert vault is not None
    for one in vault.glob("orgs/*/schemas/*"):
        one.unlink()
    for flags, code in ((("--plan",), ExitCode.OK), ((), ExitCode.FAILED)):
        shown = kept("verify", "--salvage", *flags)
        assert shown.code == code
        assert "sales: nothing can be salvaged." in shown.out
        assert "Not repaired by this: orgs/" in shown.out
