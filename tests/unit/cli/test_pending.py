"""unlost vault pending, as typed: listed, confirmed, rejected."""

import pytest

from homes import World
from scenes import Lead, scene, with_a_night
from terminals import Terminal
from unit.app.test_pending import thief_of, with_ledger
from unit.cli.typed import type_at
from unlost.app.actions.vault.pending import RejectedCommit
from unlost.catalog.orgs.orgs import get_org
from unlost.cli.exits import ExitCode
from unlost.cli.verbs.vault import pending
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.layout.object_names import commit


def live(world: World) -> None:
    """An org with a backup, after a first look."""
    with_ledger(world)
    with_a_night(world)
    type_at(world, "compact")


compacted = scene(live)


@pytest.fixture
def kept(unlost: Terminal, compacted: Lead) -> Terminal:
    """An org with a backup, after a first look."""
    compacted(unlost.world)
    with_ledger(unlost.world)
    assert unlost.world.vault.newest_backup(get_org("sales").oid) is not None
    return unlost


def attack(kept: Terminal) -> None:
    thief = thief_of(kept.world)
    thief.commit(CommitKind.BACKUP, tables=thief.without(thief.segments()), forgotten=(1,))


def test_nothing_waits(kept: Terminal) -> None:
    listed = kept("vault", "pending")
    assert (listed.code, listed.out) == (
        ExitCode.OK,
        "No commit waits for a decision.\n",
    )
    assert kept("vault", "pending", "confirm", "--all").out == listed.out


def test_a_commit_is_listed_and_confirmed(kept: Terminal) -> None:
    attack(kept)
    listed = kept("vault", "pending")
    assert listed.code == ExitCode.FINDINGS
    assert "sales: commit 2 (backup) by by-a-thief" in listed.out
    assert "hides         1 backup" in listed.out
    assert "unlost vault pending reject ORG COMMIT" in listed.out
    (commit,) = kept("vault", "pending", "--json").json["commits"]
    assert (commit["org"], commit["commit"], commit["kind"]) == ("sales", 2, "backup")
    assert commit["bytes"] > 0
    done = kept("vault", "pending", "confirm", "sales", "2")
    assert done.code == ExitCode.OK
    assert "sales: commit 2 is confirmed." in done.out
    assert "unlost compact" in done.out
    assert kept("vault", "pending").code == ExitCode.OK


def test_a_commit_is_rejected(kept: Terminal) -> None:
    attack(kept)
    done = kept("vault", "pending", "reject", "sales", "2")
    assert done.code == ExitCode.OK
    assert "Commit 3 put back what can be put back:" in done.out
    assert "  - Account" in done.out
    assert "1 backup stay hidden" in done.out
    listed = kept("vault", "pending")
    assert listed.code == ExitCode.OK  # decided
    assert "rejected: nothing is removed" in listed.out
    assert kept("verify", "--level", "deep").code == ExitCode.OK


def test_what_is_meant_must_be_named(kept: Terminal) -> None:
    for words in ((), ("sales",), ("sales", "2", "--all")):
        refused = kept("vault", "pending", "confirm", *words, "--json")
        assert refused.failure["code"] == "pending-which"


def test_all_that_a_repair_does_is_shown(kept: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = tuple(f"Table{number}" for number in range(12))
    result = RejectedCommit("sales", 2, 3, tables, 1, 2, ("restore-1",), (1, 2), 4)
    monkeypatch.setattr(
        "unlost.app.actions.vault.pending.reject", lambda _app, _org, _commit: result
    )
    shown = kept("vault", "pending", "reject", "sales", "2").out
    assert "and 2 more tables" in shown
    assert "  - 1 pack of files\n  - 2 documents\n  - 1 journal\n" in shown
    assert "4 objects could not be put back" in shown
    assert pending.NAMED == 10
    nothing = RejectedCommit("sales", 2, 3, (), 0, 0, (), (), 0)
    monkeypatch.setattr(
        "unlost.app.actions.vault.pending.reject", lambda _app, _org, _commit: nothing
    )
    shown = kept("vault", "pending", "reject", "sales", "2").out
    assert shown == (
        "sales: commit 2 is rejected. Nothing is removed because of it.\n"
        "The next backup reads everything in full: unlost backup sales\n"
    )


def test_a_commit_that_blocks_an_org_is_listed_and_removed(kept: Terminal) -> None:
    oid = get_org("sales").oid
    kept.world.vault.sealed.store.put_new(commit(oid, 2), b"junk")
    with_ledger(kept.world)
    failed = kept("snapshots", "sales", "--json").failure
    assert failed["code"] == "object-damaged"
    assert "unlost vault pending" in failed["next_step"]
    assert "unlost vault pending" in kept("verify").out
    listed = kept("vault", "pending")
    assert listed.code == ExitCode.FINDINGS
    assert "sales: commit 2 does not fit" in listed.out
    assert "unlost vault pending reject sales 2" in listed.out
    assert kept("vault", "pending", "--json").json["blocked"][0]["commit"] == 2
    done = kept("vault", "pending", "reject", "sales", "2")
    assert done.code == ExitCode.OK
    assert "sales: commit 2 was removed. The org is no longer blocked." in done.out
    assert "Copies of 1 object are in" in done.out
    with_ledger(kept.world)
    assert kept("vault", "pending").code == ExitCode.OK
