"""Each gap that is planted turns the certificate, is named there with its repair, and costs no row.

The real program and a served org whose user sees everything: its nights are complete but for what
a test plants. What is healed is gone from the next certificate.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from integration.cli.conftest import SECRET, Program
from unlost.app.home.system import SystemClock
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.deep, pytest.mark.network]

NAP = 0.02  # seconds of real time that a wait takes at most
USER = "backup@chocolate.example"
ALL_FILES = {"username": USER, "permission": "QueryAllFiles"}
CONTACT_PHONE = {"username": USER, "object": "Contact", "field": "Phone"}
BULK = ("--bulk-above", "300", "--page-rows", "150")  # small tables in several pages each

type Gap = tuple[str, str | None, str | None]  # kind, table, column


@dataclass(frozen=True, slots=True)
class Night:
    """What a night proved: its verdict, its gaps with their repairs, and the rows held."""

    verdict: str
    gaps: dict[Gap, str]
    held: dict[str, int]
    deleted: int
    files: int


@dataclass(frozen=True, slots=True)
class World:
    program: Program
    simulator: SimulatorProcess

    @property
    def admin(self) -> Any:
        return self.simulator.admin

    def night(self, *words: str) -> Night:
        """A day passes, and a backup runs; people read of each gap what it means and repairs."""
        self.admin.post("clock/advance", days=1)
        ended = self.program("backup", "chocolate", *words, "--json")
        told = self.program("certificate", "chocolate", "--json")
        proof = told.done["certificate"]
        lines = {line["table"]: line for line in proof["tables"]}
        found = [*proof["findings"], *(f for line in lines.values() for f in line["findings"])]
        gaps = [finding for finding in found if finding["severity"] == "gap"]
        assert ended.code == told.code == (3 if gaps else 0)
        if gaps:
            shown = "".join(self.program("certificate", "chocolate", "--full").out.split())
            assert all("".join(gap["sentence"].split()) in shown for gap in gaps)
        return Night(
            proof["verdict"],
            {(gap["kind"], gap["table"], gap["column"]): gap["next_step"] for gap in gaps},
            {name: line["held"] for name, line in lines.items()},
            sum(line["deleted"] for line in lines.values()),
            proof["files"],
        )

    def end_faults(self) -> None:
        assert self.admin.unhit_faults() == []
        self.admin.post("faults/clear")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An org without big objects, which nobody can back up, and a home that has no backup yet."""
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: sleep(min(seconds, NAP)))
    with SimulatorProcess() as simulator:
        for name in simulator.admin.get("holds"):
            if name.endswith("__b"):
                simulator.admin.post("schema/drop-object", object=name)
        program = Program(tmp_path / "home", {"UNLOST_CLIENT_SECRET": SECRET})
        made = program("init", str(program.home), "--recovery-out", str(tmp_path / "sheet.txt"))
        assert made.code == 0, made
        words = ("org", "add", "salesforce", "chocolate", "--login-url", simulator.url)
        added = program(*words, "--client-id", "chocolate-backup", *BULK)
        assert added.code == 0, added
        yield World(program, simulator)


def plant_a_cut_file(world: World) -> None:
    """The bytes of one file always end early, and nothing on the wire shows it."""
    file = world.admin.get("export", object="ContentVersion")["rows"][0]["Id"]
    path = f"ContentVersion/{file}/VersionData"
    world.admin.fault("cut", path=path, after_bytes=10, framing="clean", times=0)


def plant_a_refusal(world: World, table: str) -> None:
    """An object that is listed as queryable and is not, by any API."""
    say = {"status": 400, "code": "INVALID_TYPE_FOR_OPERATION", "message": "does not support query"}
    world.admin.fault("refuse", path="query", object=table, times=0, **say)


def assert_planted(night: Night, calm: Night, *gaps: Gap) -> None:
    """These gaps and no others are told, with their repair; every row that was held still is."""
    assert night.verdict == "complete except for findings"
    assert night.gaps.keys() == set(gaps)
    assert all(night.gaps.values()), "a gap without a word on what repairs it"
    assert night.held == calm.held
    assert night.deleted == 0


def assert_healed(night: Night, calm: Night) -> None:
    assert night == calm


def test_each_planted_gap_turns_the_certificate_until_it_is_healed(world: World) -> None:
    plant_a_cut_file(world)
    first = world.night()
    assert first.verdict == "complete except for findings"
    assert first.gaps.keys() == {("file-unreadable", "ContentVersion", "VersionData")}
    world.end_faults()
    calm = world.night()
    assert (calm.verdict, calm.gaps, calm.deleted) == ("complete", {}, 0)
    assert calm.held == first.held
    assert calm.files == first.files + 1

    world.admin.fault("short_page", path="/results", object="Contact", times=0)
    assert_planted(world.night("--full"), calm, ("table-unreadable", "Contact", None))
    world.end_faults()
    assert_healed(world.night(), calm)

    world.admin.post("access/hide-field", **CONTACT_PHONE)
    plant_a_refusal(world, "Lead")
    world.admin.post("access/permission", **ALL_FILES, granted=False)
    assert_planted(
        world.night(),
        calm,
        ("column-hidden", "Contact", "Phone"),
        ("table-refused", "Lead", None),
        ("files-hidden", None, None),
        ("rows-hidden", "ContentDocument", None),
        # the files of leads cannot be searched from their side either
        ("files-hidden", "ContentDocumentLink", None),
        ("deletes-unproved", "ContentDocumentLink", None),
    )
    world.admin.post("access/show-field", **CONTACT_PHONE)
    world.admin.post("access/permission", **ALL_FILES)
    world.end_faults()
    assert_healed(world.night(), calm)

    world.admin.post("schema/drop-object", object="Tasting_Score__c")
    for _ in range(2):
        assert_planted(world.night(), calm, ("table-gone", "Tasting_Score__c", None))
