"""Leases: one run of a kind on an org, given back whenever the process ends."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from patience import until
from unlost.catalog.home.lease import SqlLease
from unlost.catalog.home.locks import open_locks
from unlost.model.errors import Conflict
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.locks import Locks
from unlost.testing.clock import VirtualClock

BACKUP = RunKind.BACKUP


@pytest.fixture
def locks(database: Path | str, tmp_path: Path) -> Iterator[Locks]:
    url = database if isinstance(database, str) else ""
    made = open_locks(url, tmp_path / "locks", lost=lambda: None)
    yield made
    made.close()


@pytest.fixture
def lease(locks: Locks, clock: VirtualClock) -> SqlLease:
    return SqlLease(locks, clock=clock)


def test_a_second_run_is_refused_and_told_who_holds_it(lease: SqlLease) -> None:
    with (
        lease.hold("org", kind=BACKUP, run="run-1"),
        pytest.raises(Conflict, match=r"run-1, since 2026-03-02 01:00") as caught,
        lease.hold("org", kind=BACKUP, run="run-2"),
    ):
        raise AssertionError
    assert caught.value.code == "run-in-progress"
    assert f"process {os.getpid()}" in caught.value.sentence


def test_other_orgs_and_other_kinds_are_not_in_the_way(lease: SqlLease) -> None:
    with (
        lease.hold("org", kind=BACKUP, run="1"),
        lease.hold("other", kind=BACKUP, run="2"),
        lease.hold("org", kind=RunKind.RESTORE, run="3"),
    ):
        pass


def test_it_is_free_again_at_the_end_also_after_an_error(lease: SqlLease) -> None:
    with pytest.raises(RuntimeError), lease.hold("org", kind=BACKUP, run="1"):
        raise RuntimeError
    with lease.hold("org", kind=BACKUP, run="2"):
        pass


def test_a_conflict_is_told_even_if_the_row_is_gone(lease: SqlLease) -> None:
    from unlost.catalog.models import LeaseRow

    with lease.hold("org", kind=BACKUP, run="1"):
        LeaseRow.objects.all().delete()
        with pytest.raises(Conflict, match="is active"), lease.hold("org", kind=BACKUP, run="2"):
            raise AssertionError


HOLD = """
import signal, sys
from pathlib import Path
from unlost.catalog.home.locks import open_locks
held = open_locks(sys.argv[1], Path(sys.argv[2]), lost=lambda: None).take("org.backup")
print("held", flush=True)
signal.pause()
"""


def test_a_killed_process_gives_it_back(
    lease: SqlLease, database: Path | str, tmp_path: Path
) -> None:
    url = database if isinstance(database, str) else ""
    command = [sys.executable, "-c", HOLD, url, str(tmp_path / "locks")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Conflict), lease.hold("org", kind=BACKUP, run="2"):
            raise AssertionError
        process.kill()
    until(lambda: lease_is_free(lease))  # a server sees a moment later that the process is gone


def lease_is_free(lease: SqlLease) -> bool:
    try:
        with lease.hold("org", kind=BACKUP, run="2"):
            return True
    except Conflict:
        return False
