"""A home's file that is read without Django gives and writes the same as through Django."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from unlost.app.home.database import connect, disconnect
from unlost.catalog.home_file import close_home_file, home_file, open_home_file
from unlost.catalog.orgs.orgs import ProtectedOrg, find_org, list_orgs, save_org
from unlost.catalog.people.audit import AuditEvent, newest, note, prove
from unlost.catalog.vault.witness import SqlWitness
from unlost.model.access import ActorKind, Trace
from unlost.model.errors import StoreError
from unlost.model.org import OrgIdentity
from unlost.model.ports.system import Witnessed

AT = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
ROUND = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
IDENTITY = OrgIdentity("salesforce", "00D1", label="Société", zone="Europe/Paris")
SALES = ProtectedOrg("sales", "oid1", IDENTITY, AT, {"login_url": "https://x.example", "n": [1]})
EVENT = AuditEvent(
    AT, ActorKind.MACHINE, "lena", "record.find", Trace.READ, "sales", "Account/1", "done",
    {"found": ["ü", 1]},
)  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A home's file with two orgs; Django is connected to it."""
    place = tmp_path / "home.sqlite"
    connect(place)
    save_org(SALES)
    save_org(replace(SALES, name="hr", oid="oid2", identity=replace(IDENTITY, tenant="00D2")))
    yield place
    close_home_file()
    disconnect()


def test_orgs_are_the_same_both_ways(file: Path) -> None:
    through_django = list_orgs(), find_org("sales"), find_org("none")
    open_home_file(file)
    assert home_file() is not None
    assert (list_orgs(), find_org("sales"), find_org("none")) == through_django
    assert [org.name for org in list_orgs()] == ["hr", "sales"]


def test_the_head_that_was_seen_is_the_same_both_ways(file: Path) -> None:
    SqlWitness().put("oid1", Witnessed(7, "ab"))
    open_home_file(file)
    assert SqlWitness().get("oid1") == Witnessed(7, "ab")
    assert SqlWitness().get("oid2") is None


def test_audit_rows_of_both_ways_make_one_chain(file: Path) -> None:
    open_home_file(file)
    first = note(EVENT)
    close_home_file()
    second = note(replace(EVENT, at=ROUND, kind=ActorKind.PERSON))
    open_home_file(file)
    third = note(replace(EVENT, at=ROUND))
    close_home_file()
    assert list(newest(most=9)) == [third, second, first]
    assert prove().rows == 3
    assert prove().broken is None


def test_rows_of_the_audit_are_stored_alike(file: Path) -> None:
    note(EVENT)
    open_home_file(file)
    note(EVENT)
    with closing(sqlite3.connect(file)) as raw:
        columns = "at, kind, actor, act, trace, org, subject, outcome, detail, typeof(at)"
        first, second = raw.execute(f"SELECT {columns} FROM catalog_auditrow")
    assert first == second


def test_an_audit_row_that_fails_leaves_nothing(file: Path) -> None:
    open_home_file(file)
    with pytest.raises(TypeError):
        note(replace(EVENT, detail={"found": object()}))
    assert note(EVENT).number == 1


def test_a_file_that_is_locked_is_an_error_in_words(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.catalog.home_file.SECONDS", 0)
    open_home_file(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            note(EVENT)
        other.execute("ROLLBACK")
    assert caught.value.code == "database-unusable"


PROGRAM = """
import sys
from pathlib import Path
from unlost.catalog.home_file import begin_reading, home_file

begin_reading()
from unlost.app.home.database import connect, disconnect
from unlost.catalog.orgs.orgs import find_org, list_orgs

connect(Path(sys.argv[1]))
before = list_orgs()
assert home_file() is not None and "django" not in sys.modules
from unlost.catalog.runs.runs import find_run

assert home_file() is None
assert find_run("none") is None
assert list_orgs() == before and find_org("hr") in before
disconnect()
"""


def test_a_command_that_needs_more_goes_on_with_django_on_the_same_file(file: Path) -> None:
    disconnect()
    subprocess.run([sys.executable, "-c", PROGRAM, str(file)], check=True)


def test_a_file_of_an_earlier_version_is_migrated_first(tmp_path: Path) -> None:
    place = tmp_path / "home.sqlite"
    program = (
        "import sys; from pathlib import Path\n"
        "from unlost.catalog.home_file import begin_reading, home_file\n"
        "begin_reading()\n"
        "from unlost.app.home.database import connect\n"
        "connect(Path(sys.argv[1]))\n"
        "sys.exit(home_file() is not None)"
    )
    subprocess.run([sys.executable, "-c", program, str(place)], check=True)
    with closing(sqlite3.connect(place)) as raw:
        assert raw.execute("SELECT count(*) FROM catalog_org").fetchone() == (0,)
