"""Ledgers of own and foreign commits, in the database and in a process: they keep the same promises."""

from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from unlost.catalog.models import OwnCommitRow
from unlost.catalog.vault.removals import MARGIN, SqlRemovals
from unlost.catalog.vault.witness import SqlWitness
from unlost.model.ports.removals import PATIENCE, ForeignCommit, RemovalDecision, RemovalLedger
from unlost.model.ports.system import Witnessed
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.clock import START
from unlost.vault.commits.foreign_commits import ProcessLedger

FOUND = ForeignCommit(
    seq=7,
    head="ab" * 32,
    kind=CommitKind.ERASE,
    run="by-others",
    objects=("orgs/o/data/aa/aa", "orgs/o/journal/a\nb/"),
    hidden=(1, 2),
    first_seen=START,
)


@pytest.fixture(params=[SqlRemovals, ProcessLedger])
def ledger(request: pytest.FixtureRequest) -> RemovalLedger:
    made: RemovalLedger = request.param()
    return made


def test_own_commits_are_known_by_number_and_head(ledger: RemovalLedger) -> None:
    for _ in range(2):  # as after a crash
        ledger.note_own("o", seq=2, head="bb")
    ledger.note_own("o", seq=1, head="aa")
    ledger.note_own("other", seq=3, head="cc")
    assert ledger.own_heads("o", after=1) == {(2, "bb")}
    assert ledger.own_heads("o", after=0) == {(1, "aa"), (2, "bb")}


def test_what_is_known_of_a_commit_stays(ledger: RemovalLedger) -> None:
    assert ledger.examined("o") == 0
    ledger.note_examined("o", [FOUND], until=8)
    later = replace(FOUND, first_seen=START + timedelta(days=9), objects=())
    ledger.note_examined("o", [later, replace(FOUND, seq=3)], until=7)  # another process, late
    assert ledger.examined("o") == 8
    assert list(ledger.foreign("o")) == [replace(FOUND, seq=3), FOUND]
    assert list(ledger.foreign("other")) == []


def test_decisions(ledger: RemovalLedger) -> None:
    ledger.note_examined("o", [FOUND], until=7)
    (waiting,) = ledger.foreign("o")
    assert waiting.is_refused(START)
    assert not waiting.is_refused(START + PATIENCE)
    ledger.decide("o", 7, RemovalDecision.REJECTED, objects=["x"])
    (rejected,) = ledger.foreign("o")
    assert (rejected.decision, rejected.objects) == (RemovalDecision.REJECTED, ("x",))
    assert rejected.is_refused(START + 2 * PATIENCE)
    assert not rejected.waits(START)
    ledger.decide("o", 7, RemovalDecision.CONFIRMED)
    ledger.note_examined("o", [FOUND], until=7)  # by another process, late
    assert list(ledger.foreign("o")) == []


def test_a_home_from_before_has_examined_what_it_witnessed() -> None:
    SqlWitness().put("o", Witnessed(5, "aa"))
    migration = import_module("unlost.catalog.migrations.0002_removals_of_others")
    with connection.schema_editor() as editor:
        migration.examine_what_was_seen(apps, editor)
    assert SqlRemovals().examined("o") == 5


def test_a_witness_alone_examines_nothing() -> None:
    """It advances whenever a chain is read."""
    SqlWitness().put("o", Witnessed(5, "aa"))
    assert SqlRemovals().examined("o") == 0


def test_examined_commits_are_dropped_after_a_while() -> None:
    ledger = SqlRemovals()
    for seq in (1, 2, 3):
        ledger.note_own("o", seq=seq, head="aa")
    ledger.note_examined("o", [], until=MARGIN + 2)
    assert [row.number for row in OwnCommitRow.objects.all()] == [2, 3]


def test_a_run_whose_name_fits_nowhere_is_cut() -> None:
    ledger = SqlRemovals()
    ledger.note_examined("o", [replace(FOUND, run="\0" + "x" * 500)], until=7)
    assert ledger.foreign("o")[0].run == "x" * 80
