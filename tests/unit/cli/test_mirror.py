"""unlost vault mirror and verify --repair-from, as typed."""

from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene, with_a_night_on_disk
from terminals import Terminal
from unlost.cli.exits import ExitCode

on_disk = scene(with_a_night_on_disk)


@pytest.fixture
def kept(unlost: Terminal, on_disk: Lead) -> Terminal:
    """A home with a night, in a vault on the disk."""
    on_disk(unlost.world)
    return unlost


def a_segment(world: World) -> Path:
    assert world.home.vault is not None
    return next(one for one in sorted(world.home.vault.rglob("data/*/*")) if one.suffix != ".idx")


def test_a_second_copy_from_the_first_word_to_a_repair(kept: Terminal, tmp_path: Path) -> None:
    assert "The vault has no mirror" in kept("vault", "mirror", "show").out
    failed = kept("vault", "mirror", "run")
    assert failed.code == ExitCode.FAILED
    assert "unlost vault mirror set PLACE" in failed.err
    second = tmp_path / "second"
    told = kept("vault", "mirror", "set", str(second)).out
    assert f"will be in {second}" in told
    assert "It is not filled yet" in kept("vault", "mirror", "show").out
    told = kept("vault", "mirror", "run").out
    assert f"{second} is up to date: " in told
    assert "0 objects existed already" in told
    shown = kept("vault", "mirror", "show")
    assert "Up to date    2026-03-02" in shown.out
    assert "late" not in shown.out
    victim = a_segment(kept.world)
    data = victim.read_bytes()
    victim.unlink()
    damaged = kept("verify", "--level", "full")
    assert damaged.code == ExitCode.FAILED
    assert "--repair-from PLACE" in damaged.out
    left = kept("vault", "mirror", "run")
    assert left.code == ExitCode.FINDINGS
    assert "In the mirror, but lost from the vault:" in left.out
    assert "unlost verify --repair-from mirror" in kept("vault", "mirror", "show").out
    mended = kept("verify", "--repair-from", "mirror")
    assert mended.code == ExitCode.OK
    assert "Repaired from" in mended.out
    assert "The vault is undamaged: every byte" in mended.out
    assert victim.read_bytes() == data
    assert kept("vault", "mirror", "run").code == ExitCode.OK
    assert "The vault has no mirror" in kept("vault", "mirror", "off").out
    again = kept("verify", "--repair-from", str(second), "--json")
    assert (again.code, again.json["objects"]) == (ExitCode.OK, [])


def test_what_both_copies_have_lost_is_named(kept: Terminal, tmp_path: Path) -> None:
    second = tmp_path / "second"
    kept("vault", "mirror", "set", str(second))
    kept("vault", "mirror", "run")
    victim = a_segment(kept.world)
    name = victim.relative_to(kept.world.home.vault or tmp_path)
    victim.unlink()
    (second / name).unlink()
    done = kept("verify", "--repair-from", "mirror")
    assert done.code == ExitCode.FAILED
    assert f"- {name}: It is missing." in done.out


def test_a_copy_that_is_not_mounted_was_told_as_one_that_lacks_everything(
    kept: Terminal, tmp_path: Path
) -> None:
    second = tmp_path / "second"
    kept("vault", "mirror", "set", str(second))
    kept("vault", "mirror", "run")
    a_segment(kept.world).unlink()
    second.rename(tmp_path / "away")
    for place in ("mirror", str(tmp_path / "typo")):
        failed = kept("verify", "--repair-from", place)
        assert failed.code == ExitCode.FAILED
        assert "There is no copy of the vault in" in failed.err
        assert "Mount its disk" in failed.err
        assert "Still damaged" not in failed.out
    (tmp_path / "away").rename(second)
    assert kept("verify", "--repair-from", "mirror").code == ExitCode.OK


def test_the_folder_of_a_copy_that_is_not_mounted_was_filled(
    kept: Terminal, tmp_path: Path
) -> None:
    second = tmp_path / "second"
    kept("vault", "mirror", "set", str(second))
    kept("vault", "mirror", "run")
    second.rename(tmp_path / "away")
    second.mkdir()
    failed = kept("vault", "mirror", "run")
    assert failed.code == ExitCode.FAILED
    assert "is gone. Nothing was copied." in failed.err
    assert list(second.iterdir()) == []
    assert "Last attempt  2026-03-02" in kept("vault", "mirror", "show").out
    kept("vault", "mirror", "off")
    kept("vault", "mirror", "set", str(second))
    assert kept("vault", "mirror", "run").code == ExitCode.OK


def test_a_copy_that_still_held_what_was_erased_was_told_to_be_up_to_date(
    kept: Terminal, tmp_path: Path
) -> None:
    behind = "data erased, corrected or destroyed since then is still in the mirror"
    kept("vault", "mirror", "set", str(tmp_path / "second"))
    kept("vault", "mirror", "run")
    assert behind not in kept("vault", "mirror", "show").out
    kept("erase", "sales", "--record", "Account/A40017", "--yes")
    assert behind in kept("vault", "mirror", "show").out
    kept("vault", "mirror", "run")
    assert behind not in kept("vault", "mirror", "show").out


def test_a_plan_without_salvage_was_taken_for_a_look_at_the_vault(kept: Terminal) -> None:
    for flag in ("--plan", "--yes"):
        refused = kept("verify", flag)
        assert refused.code == ExitCode.USAGE
        assert "Add --salvage" in refused.err


def test_a_part_of_the_vault_is_proved(kept: Terminal) -> None:
    told = kept("verify", "--level", "full", "--part", "2/30").out
    assert told.startswith("This part of the vault is undamaged (full, part 2/30: ")
    for part, level in (("0/3", "full"), ("4/3", "full"), ("half", "full"), ("1/2", "deep")):
        refused = kept("verify", "--level", level, "--part", part)
        assert refused.code == ExitCode.USAGE


def test_the_last_try_that_failed_is_shown(kept: Terminal, tmp_path: Path) -> None:
    kept("vault", "mirror", "set", str(tmp_path / "second"))
    (tmp_path / "second" / "holiday.jpg").write_bytes(b"1")
    assert kept("vault", "mirror", "run").code == ExitCode.FAILED
    shown = kept("vault", "mirror", "show").out
    assert "Up to date    never  (late)" in shown
    assert "already contains something else" in shown


@pytest.mark.parametrize(
    "option", [("--level", "quick"), ("--part", "1/30"), ("--expect", "a" * 12)]
)
def test_a_repair_ignored_how_to_verify(kept: Terminal, option: tuple[str, str]) -> None:
    failed = kept("verify", "--repair-from", "mirror", *option, "--json")
    assert failed.code == ExitCode.USAGE
    assert failed.failure["code"] == "verify-repair-options"
    failed = kept("verify", "--salvage", "--plan", *option, "--json")
    assert (failed.code, failed.failure["code"]) == (ExitCode.USAGE, "salvage-options")
