"""unlost vault mirror and verify --repair-from, as typed."""

from pathlib import Path

import pytest

from diskhome import put_on_disk
from homes import SECRET, World
from terminals import Terminal
from unlost.app.actions.backup import backup
from unlost.app.actions.orgs import NewOrg, add_org
from unlost.cli.exits import ExitCode


@pytest.fixture
def kept(unlost: Terminal) -> Terminal:
    """A home with a night, in a vault on the disk."""
    put_on_disk(unlost.world)
    app = unlost.world.app
    add_org(app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    backup(app, "sales")
    return unlost


def a_segment(world: World) -> Path:
    assert world.home.vault is not None
    return next(one for one in sorted(world.home.vault.rglob("data/*/*")) if one.suffix != ".idx")


def test_a_second_copy_from_the_first_word_to_a_repair(kept: Terminal, tmp_path: Path) -> None:
    assert "The vault has no second copy" in kept("vault", "mirror", "show").out
    failed = kept("vault", "mirror", "run")
    assert failed.code == ExitCode.FAILED
    assert "unlost vault mirror set PLACE" in failed.err
    second = tmp_path / "second"
    told = kept("vault", "mirror", "set", str(second)).out
    assert f"will lie in {second}" in told
    assert "It is not filled yet" in kept("vault", "mirror", "show").out
    told = kept("vault", "mirror", "run").out
    assert f"{second} is up to date: " in told
    assert "0 objects were there already" in told
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
    assert "In the copy, and lost by the vault:" in left.out
    assert "--repair-from mirror" in kept("vault", "mirror", "show").out
    mended = kept("verify", "--repair-from", "mirror")
    assert mended.code == ExitCode.OK
    assert "Brought back from" in mended.out
    assert "The vault is whole: every byte" in mended.out
    assert victim.read_bytes() == data
    assert kept("vault", "mirror", "run").code == ExitCode.OK
    assert "The vault has no second copy" in kept("vault", "mirror", "off").out
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


def test_a_part_of_the_vault_is_proved(kept: Terminal) -> None:
    assert "(full, part 2/30: " in kept("verify", "--level", "full", "--part", "2/30").out
    for part, level in (("0/3", "full"), ("4/3", "full"), ("half", "full"), ("1/2", "deep")):
        refused = kept("verify", "--level", level, "--part", part)
        assert refused.code == ExitCode.USAGE


def test_the_last_try_that_failed_is_shown(kept: Terminal, tmp_path: Path) -> None:
    kept("vault", "mirror", "set", str(tmp_path / "second"))
    (tmp_path / "second" / "holiday.jpg").write_bytes(b"1")
    assert kept("vault", "mirror", "run").code == ExitCode.FAILED
    shown = kept("vault", "mirror", "show").out
    assert "Up to date    never yet  (late)" in shown
    assert "holds something else already" in shown
