"""What fills the storages of the chocolate maker, and the machines that answer each other there."""

from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from integration.cli.conftest import Program
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

LOOP_MAILS = 24


def test_what_fills_the_storages_adds_up_to_what_the_org_counts(
    simulator: SimulatorProcess, program: Program
) -> None:
    counted = simulator.admin.get("counters")
    use = program("storage", "chocolate", "--json").done["use"]
    sums: dict[str, int] = {}
    for line in use["tables"]:
        sums[line["storage"]] = sums.get(line["storage"], 0) + line["bytes"]
    assert sums == {
        "data storage": counted["data_bytes"],
        "file storage": counted["file_bytes"],
    }
    for storage, total in sums.items():
        assert sum(one["bytes"] for one in use["years"] if one["storage"] == storage) == total
    assert all(one["name"] for one in use["owners"]), "owners are told by name"
    assert any(line["recent"] for line in use["tables"])


def test_the_loop_of_automatic_replies_is_found_and_no_conversation(program: Program) -> None:
    (loop,) = program("storage", "chocolate", "--loops", "--json").done["loops"]
    assert (loop["mails"], loop["automatic"]) == (LOOP_MAILS, LOOP_MAILS)
    assert "buchhaltung@feinkost-ruhe.example" in loop["sides"]
    assert 500 < loop["every"] < 700
    assert loop["bytes"] > LOOP_MAILS * 2048
    begun, last = (datetime.fromisoformat(loop[name]) for name in ("begun", "last"))
    assert 3 < (last - begun).total_seconds() / 3600 < 5
    threads = program("storage", "chocolate", "--json").done["use"]["threads"]
    assert loop["bytes"] == max(one["bytes"] for one in threads)


def test_people_read_it_and_see_the_chart(program: Program, tmp_path: Path) -> None:
    picture = tmp_path / "storage.svg"
    told = program("storage", "chocolate", "--loops", "--plot", str(picture))
    assert told.code == 0
    for text in ("data storage", "Email", "by year of creation", "1 mail loop",
                 "Turn off one of the two automatic replies"):  # fmt: skip
        assert text in told.out, told.out
    assert ET.parse(picture).getroot().tag.endswith("svg")
    assert "loops" not in program("storage", "chocolate").out


def test_a_preview_of_old_cases_counts_as_the_org_does(program: Program) -> None:
    """The policy without its ages: all closed cases without an open task, with mails and files."""
    (ready,) = [
        policy
        for policy in program("archive", "policies", "chocolate", "--json").done["policies"]
        if policy["name"] == "closed-cases"
    ]
    assert {branch["table"] for branch in ready["branches"]} == {"EmailMessage", "Task", "Event"}
    shown = program("archive", "preview", "chocolate", "closed-cases", "--json").done
    tables = {line["table"]: line for line in shown["tables"]}
    cases = tables.get("Case", {"records": 0, "bytes": 0})
    assert cases["bytes"] == 2048 * cases["records"] == 2048 * shown["preview"]["roots"]
    told = program("archive", "preview", "chocolate", "closed-cases").out
    assert f"{shown['preview']['roots']:,} of them can leave the org" in told
