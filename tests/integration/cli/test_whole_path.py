"""From an org to a lost customer found by its number, through the program alone."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from integration.cli.conftest import Program, add_org
from patience import until
from unlost_simulators.process import SimulatorProcess

pytestmark = pytest.mark.network

CUSTOMER = "0040017"


def test_a_deleted_customer_is_found_by_its_number(
    simulator: SimulatorProcess, program: Program, tmp_path: Path
) -> None:
    before = program("find", CUSTOMER, "--json").done["hits"][0]
    assert (before["table"], before["alive"], before["exact"]) == ("Account", True, True)
    record = before["record"]
    alive = program("snapshots", "chocolate", "--json").done["snapshots"][-1]["number"]
    deleted = simulator.admin.post("story/delete-customer")["deleted"]
    simulator.admin.post("clock/advance", days=20)
    night = program("backup", "chocolate", "--json")
    assert night.code in {0, 3}
    assert night.json["counts"]["deleted"] >= deleted > 10

    hit = program("find", CUSTOMER, "--json").done["hits"][0]
    assert (hit["record"], hit["alive"]) == (record, False)
    story = program("history", "chocolate", f"Account/{record}", "--json").done
    assert (story["alive"], story["entries"][-1]["kind"]) == (False, "deleted")
    last = program("show", "chocolate", f"Account/{record}", "--json").done
    assert last["values"]["Customer_Number__c"] == CUSTOMER
    first = program("show", "chocolate", f"Account/{record}", "--at", "1", "--json").done
    assert first["alive"]
    assert first["values"]["Name"] == last["values"]["Name"]

    related = last["related"]
    assert (first["related"]["snapshot"], related["snapshot"]) == (1, alive)
    groups = {(one["table"], one["through"]): one for one in related["tables"]}
    for group in (("Contact", None), ("Case", None), ("EmailMessage", "Case")):
        assert groups[group]["lost"] == groups[group]["count"] > 0, group
    mail = groups["EmailMessage", "Case"]["first"][0]
    letter = program("show", "chocolate", f"EmailMessage/{mail['record']}", "--json").done
    assert (letter["alive"], letter["name"]) == (False, mail["name"])
    kinds = set()
    for number, one in enumerate(related["files"]):
        target = tmp_path / f"related{number}"
        record = f"{one['table']}/{one['record']}"
        program("file", "chocolate", record, "--out", str(target), "--json")
        assert target.stat().st_size == one["size"] > 0
        kinds.add(target.read_bytes()[:4])
    assert {b"%PDF", b"\x89PNG"} <= kinds, "they open"

    changed = program("compare", "chocolate", "1", "latest", "--json").done
    lost = {table["table"]: table["deleted"] for table in changed["tables"] if table["deleted"]}
    assert sum(lost.values()) >= deleted
    assert {"Account", "Contact", "EmailMessage", "ContentVersion"} <= set(lost)

    rows = program(
        "compare", "chocolate", "1", "latest", "--table", "ContentVersion", "--json"
    ).json
    file = f"ContentVersion/{rows['rows'][0]['record']}"
    out = tmp_path / "file"
    written = program("file", "chocolate", file, "--out", str(out), "--json").done
    assert out.stat().st_size == written["size"] > 0


def test_the_vault_is_whole_and_leads_where_its_certificate_says(program: Program) -> None:
    certificate = program("certificate", "chocolate", "--json")
    verified = program("verify", "--level", "deep", "--expect", certificate.json["head"], "--json")
    assert verified.code == 0
    assert verified.json["damages"] == []
    assert verified.json["expectation_met"]


def test_what_people_read_fits_a_screen_and_says_no_code(program: Program) -> None:
    for words in (("certificate", "chocolate"), ("snapshots", "chocolate"), ("org", "list")):
        ended = program.by_process(*words)
        assert ended.code in {0, 3}
        assert ended.err == ""
        assert len(ended.out.splitlines()) < 70


@pytest.mark.full
def test_a_narrow_user_is_told_what_it_will_not_see_and_what_repairs_it(
    simulator: SimulatorProcess, program: Program, tmp_path: Path
) -> None:
    narrow = Program(tmp_path / "home")
    narrow("init", str(narrow.home), "--recovery-out", str(tmp_path / "sheet"))
    added = add_org(narrow, simulator.url, key="narrow")
    assert added.code == 3
    gaps = [one for one in added.json["findings"] if one["severity"] == "gap"]
    text = json.dumps(gaps)
    assert "View All Data" in text
    assert "Query All Files" in text
    assert all(one["next_step"] for one in gaps if one["kind"] == "permission-missing")


@pytest.mark.full
def test_a_killed_backup_is_gone_on_with(simulator: SimulatorProcess, program: Program) -> None:
    before = len(program("snapshots", "chocolate", "--json").done["snapshots"])
    simulator.admin.post("clock/advance", hours=1)
    running = program.started("backup", "chocolate", "--full")
    _wait_for_steps(program.home / "steps.sqlite")
    running.kill()
    running.communicate()
    ended = program.by_process("backup", "chocolate", "--full", "--json")
    assert ended.code in {0, 3}
    assert ended.json["resumed"]
    nights = program("snapshots", "chocolate", "--json").done["snapshots"]
    assert len(nights) == before + 1
    assert program("verify", "--level", "full").code == 0


@pytest.mark.full
def test_two_backups_at_once_make_one_snapshot(
    simulator: SimulatorProcess, program: Program
) -> None:
    before = len(program("snapshots", "chocolate", "--json").done["snapshots"])
    simulator.admin.post("clock/advance", hours=1)
    # slow enough that the first has not ended before the second begins, however busy the machine is
    simulator.admin.post("bulk", latency={"median_seconds": 0.3, "p99_seconds": 0.3})
    first = program.started("backup", "chocolate", "--json")
    _wait_for_steps(program.home / "steps.sqlite")
    second = program.by_process("backup", "chocolate", "--json")
    simulator.admin.post("bulk", latency={"median_seconds": 0, "p99_seconds": 0})
    first.communicate()
    assert first.returncode in {0, 3}
    assert second.code == 1
    assert second.json["error"]["code"] == "run-in-progress"
    nights = program("snapshots", "chocolate", "--json").done["snapshots"]
    assert len(nights) == before + 1


def _wait_for_steps(steps: Path) -> None:
    """Until the run that is under way has kept the result of a step that read something."""
    count = "SELECT count(*) FROM steps WHERE name LIKE 'look%'"

    def has_read() -> bool:
        with closing(sqlite3.connect(steps)) as database:
            return bool(database.execute(count).fetchone()[0])

    until(has_read, failure=lambda: "the run did not begin to read")
