"""Trouble on the way of a backup, as whoever typed it sees it: words, an exit code, nothing lost.

One served org for all; each test spoils a copy of the same home, which has one night.
"""

import errno
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from integration.cli.conftest import Ended, Program, add_org
from unlost.app.home.system import SystemClock
from unlost.connectors.salesforce.reading import bulk
from unlost.connectors.salesforce.source import SalesforceSource
from unlost.model.source.schema import Table
from unlost.vault.stores.disk import RealDisk
from unlost.vault.stores.local import LocalStore
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

USER = "backup@chocolate.example"
RESULTS = "/results"
NAP = 0.02  # seconds of real time: some waits end at an instant, and a loop would burn a core
TABLES = ("Account", "Contact", "EmailMessage", "ContentVersion")
PAGED = ("--bulk-above", "100", "--page-rows", "150")  # every table in several Bulk pages


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts pass almost at once."""
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: sleep(min(seconds, NAP)))


@pytest.fixture(scope="module")
def first_night(simulator: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("home")
    made = Program(folder / "home")
    assert made("init", str(made.home), "--recovery-out", str(folder / "sheet.txt")).code == 0
    tables = [word for table in TABLES for word in ("--include", table)]
    assert add_org(made, simulator.url, more=(*tables, *PAGED)).code in {0, 3}
    assert made("backup", "chocolate").code in {0, 3}
    return made


@pytest.fixture
def home(first_night: Program, tmp_path: Path) -> Program:
    """The same home and vault, to be spoiled."""
    shutil.copytree(first_night.home, tmp_path / "copy")
    return Program(tmp_path / "copy")


@pytest.fixture
def admin(simulator: SimulatorProcess) -> Iterator[Any]:
    """The org's own hand; a test that plants a fault must also hit it."""
    simulator.admin.post("faults/clear")
    yield simulator.admin
    assert simulator.admin.unhit_faults() == []
    simulator.admin.post("faults/clear")


def held(program: Program) -> dict[str, int]:
    """Rows that the vault holds, by table, as the newest certificate says."""
    proof = program("certificate", "chocolate", "--json").done["certificate"]
    return {line["table"]: line["held"] for line in proof["tables"] if line["table"] in TABLES}


def live(admin: Any) -> dict[str, int]:
    return {table: admin.get("holds", object=table)[table]["live"] for table in TABLES}


def gaps(ended: Ended) -> set[tuple[str, str | None]]:
    return {(one["kind"], one["table"]) for one in ended.json["findings"] if one["table"] in TABLES}


def nights(program: Program) -> int:
    return len(program("snapshots", "chocolate", "--json").done["snapshots"])


def told(program: Program, *words: str) -> tuple[int, str]:
    """Exit code and error code, after checking that people get words and no traceback."""
    ended = program(*words)
    assert ended.err.startswith("Error: "), ended
    assert "What to do: " in ended.err
    assert "Traceback" not in ended.err
    again = program(*words, "--json")
    assert again.code == ended.code
    return again.code, again.json["error"]["code"]


PASSING: list[dict[str, Any]] = [
    {"kind": "cut", "path": RESULTS, "place": "half"},
    {"kind": "cut", "path": RESULTS, "place": "half", "framing": "clean"},
    {"kind": "cut", "path": RESULTS, "place": "last_cell", "framing": "clean"},
    {"kind": "cut", "path": RESULTS, "place": "last_row", "framing": "clean"},
    {"kind": "short_page", "path": RESULTS, "skip": 1},
    {"kind": "expired_session", "path": RESULTS, "skip": 1},
    {"kind": "unavailable_html", "path": RESULTS, "times": 3},
]


def name_of(fault: dict[str, Any]) -> str:
    return "-".join(str(value).strip("/") for value in fault.values())


@pytest.mark.parametrize("fault", PASSING, ids=name_of)
def test_a_page_that_is_cut_short_or_refused_is_read_again(
    admin: Any, home: Program, fault: dict[str, Any]
) -> None:
    admin.fault(fault["kind"], **_without(fault))
    ended = home("backup", "chocolate", "--full", "--json")
    assert ended.code in {0, 3}
    assert gaps(ended) == set()
    assert held(home) == live(admin)
    assert ended.json["counts"]["created"] == ended.json["counts"]["deleted"] == 0


def _without(fault: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fault.items() if name != "kind"}


LASTING: list[dict[str, Any]] = [
    {"kind": "cut", "place": "half"},
    {"kind": "cut", "place": "last_cell", "framing": "clean"},
    {"kind": "short_page"},
]


@pytest.mark.parametrize("fault", LASTING, ids=name_of)
def test_a_table_that_never_comes_whole_is_a_gap_and_loses_no_row(
    admin: Any, home: Program, fault: dict[str, Any]
) -> None:
    before = held(home)
    admin.fault(fault["kind"], **_without(fault), path=RESULTS, object="Contact", times=0)
    ended = home("backup", "chocolate", "--full", "--json")
    assert (ended.code, gaps(ended)) == (3, {("table-unreadable", "Contact")})
    assert held(home) == before
    assert ended.json["counts"]["deleted"] == 0
    admin.post("faults/clear")
    healed = home("backup", "chocolate", "--json")
    assert gaps(healed) == set()
    assert held(home) == live(admin)


def test_a_cell_that_is_larger_than_what_the_parser_takes_at_once(
    admin: Any, home: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = admin.get("export", object="EmailMessage")["rows"][0]["Id"]
    long = "ä" * 131_000
    admin.post("records/update", object="EmailMessage", changes={mail: {"TextBody": long}})
    monkeypatch.setattr(bulk, "BLOCK_BYTES", 1 << 14)
    assert home("backup", "chocolate", "--full", "--json").code in {0, 3}
    shown = home("show", "chocolate", f"EmailMessage/{mail}", "--json").done
    assert shown["values"]["TextBody"] == long


def test_a_permission_that_is_taken_away_never_looks_like_lost_data(
    admin: Any, home: Program
) -> None:
    before = held(home)
    right = {"username": USER, "permission": "ViewAllData"}
    admin.post("access/permission", **right, granted=False)
    ended = home("backup", "chocolate", "--json")
    admin.post("access/permission", **right, granted=True)
    assert ended.code == 3
    assert "permission-missing" in {one["kind"] for one in ended.json["findings"]}
    assert any("View All Data" in one["next_step"] for one in ended.json["findings"])
    assert ended.json["counts"]["deleted"] == 0
    assert held(home) == before
    assert home("find", "0040017", "--json").done["hits"][0]["alive"]
    healed = home("backup", "chocolate", "--json")
    assert gaps(healed) == set()
    assert held(home) == live(admin)


def test_a_column_that_is_hidden_while_its_table_is_read_loses_nothing(
    admin: Any, home: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refused query makes the table a gap; the next backup reads what changed meanwhile."""
    hidden = {"username": USER, "object": "Contact", "field": "Phone"}
    contact = admin.get("export", object="Contact")["rows"][0]["Id"]
    plan_reads = SalesforceSource.plan_reads

    def hide_first(source: SalesforceSource, table: Table, *words: Any, **more: Any) -> Any:
        if table.name == "Contact":
            admin.post("access/hide-field", **hidden)
        return plan_reads(source, table, *words, **more)

    admin.post("records/update", object="Contact", changes={contact: {"Phone": "+49 341 77"}})
    with monkeypatch.context() as patch:
        patch.setattr(SalesforceSource, "plan_reads", hide_first)
        ended = home("backup", "chocolate", "--json")
    admin.post("access/show-field", **hidden)
    assert (ended.code, gaps(ended)) == (3, {("table-refused", "Contact")})
    assert home("backup", "chocolate", "--json").code in {0, 3}
    shown = home("show", "chocolate", f"Contact/{contact}", "--json").done
    assert shown["values"]["Phone"] == "+49 341 77"


def test_a_session_that_is_ended_again_and_again_stops_the_run_in_words(
    admin: Any, home: Program
) -> None:
    before = nights(home)
    admin.fault("expired_session", path="/services/data/v", times=0)
    code, error = told(home, "backup", "chocolate")
    assert (code, error) == (1, "salesforce-session")
    assert nights(home) == before
    admin.post("faults/clear")
    assert home("backup", "chocolate", "--json").done["resumed"]


def test_an_allowance_that_is_spent_parks_the_run(admin: Any, home: Program) -> None:
    admin.fault("request_limit", path="queryAll", skip=2, times=1)
    ended = home("backup", "chocolate", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (1, "run-parked")
    assert ended.json["error"]["next_step"]
    done = home("backup", "chocolate", "--json").done
    assert done["resumed"]
    assert held(home) == live(admin)


def test_an_org_that_does_not_answer_any_more(home: Program) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with closing(sqlite3.connect(home.home / "catalog.sqlite")) as database:
        sql = "UPDATE catalog_org SET config = json_set(config, '$.login_url', ?)"
        database.execute(sql, [f"http://127.0.0.1:{port}"])
        database.commit()
    assert told(home, "backup", "chocolate") == (1, "source-unreachable")
    assert told(home, "compare", "chocolate", "1", "live") == (1, "source-unreachable")
    assert nights(home) == 1
    assert home("find", "0040017", "--json").done["hits"], "the vault needs no org"


def test_another_org_behind_the_address(simulator: SimulatorProcess, home: Program) -> None:
    """As when the address of a sandbox replaces that of production."""
    other = simulator.open_org("vanilla", scenario="chocolate", seed=7)
    try:
        ended = add_org(home, other.url)
        assert (ended.code, ended.json["error"]["code"]) == (1, "another-org")
        with closing(sqlite3.connect(home.home / "catalog.sqlite")) as database:
            sql = "UPDATE catalog_org SET config = json_set(config, '$.login_url', ?)"
            database.execute(sql, [other.url])
            database.commit()
        assert told(home, "backup", "chocolate") == (1, "another-org")
    finally:
        simulator.close_org("vanilla")
    assert nights(home) == 1
    assert add_org(home, simulator.url).code in {0, 3}


@pytest.mark.parametrize("written", [0, 200_000])
def test_a_disk_that_is_full_stops_the_run_and_room_lets_it_go_on(
    admin: Any, home: Program, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    room = [written]
    real = RealDisk.write

    def write(disk: RealDisk, handle: int, data: bytes) -> None:
        room[0] -= len(data)
        if room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(disk, handle, data)

    changes = {
        row["Id"]: {"Phone": "+32 99"} for row in admin.get("export", object="Contact")["rows"]
    }
    admin.post("records/update", object="Contact", changes=changes)
    with monkeypatch.context() as patch:
        patch.setattr(RealDisk, "write", write)
        ended = home("backup", "chocolate", "--full", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (1, "store-full")
    assert "room" in ended.json["error"]["next_step"] or "space" in ended.json["error"]["next_step"]
    assert nights(home) == 1
    assert home("verify", "--level", "full").code == 0
    done = home("backup", "chocolate", "--full", "--json").done
    assert (done["snapshot"], done["resumed"]) == (2, True)
    assert held(home) == live(admin)
    assert home("verify", "--level", "deep").code == 0


def test_a_store_that_does_not_create_once_gets_no_vault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network share whose server says yes to two writers of one name."""
    new = Program(tmp_path / "new")
    sheet = tmp_path / "sheet"
    monkeypatch.setattr(LocalStore, "put_new", lambda self, name, data: True)
    words = ("init", str(new.home), "--recovery-out", str(sheet))
    assert told(new, *words) == (1, "store-not-atomic")
    assert not (new.home / "unlost.toml").exists()
    assert told(new, "snapshots", "chocolate") == (1, "home-missing")


def test_a_key_that_would_lie_in_the_vaults_folder(tmp_path: Path) -> None:
    new = Program(tmp_path / "new")
    key = str(new.home / "vault" / "service.key")
    words = ("init", str(new.home), "--recovery-out", str(tmp_path / "sheet"))
    assert told(new, *words, "--service-key", key) == (2, "key-in-vault")
    sheet = str(new.home / "vault" / "sheet.txt")
    assert told(new, "init", str(new.home), "--recovery-out", sheet) == (2, "key-in-vault")
    assert not (new.home / "vault").exists()
