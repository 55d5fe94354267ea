"""Archived cases of the chocolate maker reach the end of their retention, and leave the vault."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integration.cli.conftest import moved_in
from integration.cli.test_archive import ADMIN, SECRET, Desk
from unlost.app.actions.archive.expired import (
    approve_removal,
    erase_expired,
    list_expired,
    request_removal,
)
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.records.find import find
from unlost.app.compose import Application, open_application
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.people import actor_of, add_person, set_role
from unlost.model.access import Role
from unlost.model.source.reading import Op
from unlost.testing.clock import VirtualClock
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

FEW = 40  # records of an archive
DAYS = 30


@pytest.fixture
def desk(first_home: Path, tmp_path: Path) -> Iterator[Desk]:
    secret = {"UNLOST_WRITER_CLIENT_SECRET": SECRET}
    with SimulatorProcess() as simulator:
        program = moved_in(first_home, tmp_path, simulator.url, environment=secret)
        simulator.admin.post(
            "apps", consumer_key="archive-tests", consumer_secret=SECRET, run_as=ADMIN
        )
        added = program("org", "writer", "chocolate", "--client-id", "archive-tests")
        assert added.code in (0, 3), added.err
        yield Desk(program, simulator, tmp_path)


def archived(desk: Desk, *, keep_days: int) -> set[tuple[str, str]]:
    """Archive some cases with their mails and files; returns the records."""
    file = Path(desk.policy())
    policy = json.loads(file.read_text("utf-8")) | {"keep_days": keep_days}
    file.write_text(json.dumps(policy), "utf-8")
    out = str(desk.folder / f"archive-{keep_days}.json")
    words = ("--policy", str(file), "--out", out, "--most", str(FEW))
    planned = desk.program("archive", "plan", "chocolate", *words)
    assert planned.code == 0, planned.err
    outcome = desk.run(out)
    assert outcome["whole"], (outcome["endings"], outcome["records"][:3])
    desk.simulator.admin.post("clock/advance", hours=3)
    assert desk.program("backup", "chocolate").code in (0, 3)
    steps = json.loads(Path(out).read_text("utf-8"))["steps"]
    return {(step["table"], step["record"]) for step in steps}


def admin(app: Application, name: str) -> Application:
    add_person(name, at=app.clock.now())
    actor = actor_of(set_role(name, Role.ADMIN, org=None).user)
    assert actor is not None
    return app.acting(actor)


def test_two_admins_erase_cases_a_month_after_their_archive(desk: Desk) -> None:
    due = archived(desk, keep_days=DAYS)
    for_ever = archived(desk, keep_days=0)
    assert due
    assert for_ever
    assert not due & for_ever
    clock = VirtualClock(datetime.now(UTC))
    clock.advance(days=DAYS + 1)
    desk.simulator.admin.post("clock/advance", days=DAYS + 1)
    with open_application(desk.program.home, clock=clock) as app:
        backup(app, "chocolate")
        ada, ben = admin(app, "ada"), admin(app, "ben")
        shown = list_expired(ada, "chocolate")
        assert shown.records == len(due)
        assert {table.table for table in shown.tables} >= {"Case", "EmailMessage"}
        request_removal(ada, "chocolate", plan=shown.digest)
        approve_removal(ben, "chocolate", plan=shown.digest)
        erase_expired(ada, "chocolate", plan=shown.digest)
        check_gone(app, due=due, stay=for_ever)
        assert list_expired(ada, "chocolate").records == 0
    verified = desk.program("verify", "--level", "deep")
    assert verified.code == 0, verified.out + verified.err


def check_gone(app: Application, *, due: set[tuple[str, str]], stay: set[tuple[str, str]]) -> None:
    """Nothing of the due records is left, and the others have their last states and files."""
    vault, oid = app.whole_vault, get_org("chocolate").oid
    head = vault.at(oid, vault.commits(oid)[-1].number, forgotten=True)
    for table, record in due:
        assert not vault.history(oid, table, record), (table, record)
        assert not head.files(table, [record])
        assert not find(app, record).hits
    for table, record in stay:
        assert vault.history(oid, table, record)[-1].op is Op.ARCHIVED
        for stored in head.files(table, [record]):
            with vault.open_file(oid, stored.blob) as stream:
                assert len(stream.read()) == stored.size
