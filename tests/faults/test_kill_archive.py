"""kill -9 in any archive, purge, or undo of them: no record and no file is ever lost or doubled.

The real program against the real simulator. A kill comes after a drawn number of requests to the org,
so that a busy machine does not move it. After some kills a backup runs in between. A record is lost if
neither the org nor the vault has it; the inbox must not name it either way. A trigger of the org writes
a task about each case that is created or deleted, unless the org's bypass is on. Each round has another
kind of archive: cases alone, with a number on their accounts, without the recycle bin, with a file that
two of them share, old versions of files, and a purge of single cases.
"""

import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import ADMIN, Program, first_home, with_writer
from integration.cli.test_archive import link, upload
from integration.simulators.wire import Wire
from patience import HANGING
from unlost.cli.opening import opened
from unlost_simulators.process import SimulatorProcess

__all__ = ["first_home"]

pytestmark = [pytest.mark.full, pytest.mark.long, pytest.mark.network]

DONE = {0, 3}
TABLES = (
    *("Account", "Attachment", "Case", "CaseComment", "Contact", "ContentDocument"),
    *("ContentDocumentLink", "ContentVersion", "EmailMessage", "EmailMessageRelation", "Event"),
    *("Note", "Task"),
)
QUIET, GREETING = "Quiet", "About a case"
FIRST_GUESS = 25  # requests of a run
MOST_OF_A_RUN = 6  # kills; then it may end
DAYS_IN_BIN = 20  # longer than the recycle bin keeps records
SIZES = (60, 200, 600)  # records of a plan
KINDS = ("plain", "pointer", "hard", "shared", "versions", "purge")
PLAIN, POINTER, HARD, SHARED, VERSIONS, PURGE = KINDS
COUNT = "NumberOfEmployees"  # of accounts: here, of archived cases
PURGED = 12  # cases
NO_OPTIONS: Mapping[str, Any] = {}
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    POINTER: {"pointer": {"column": "AccountId", "count": COUNT}},
    HARD: {"hard_delete": True},
}
FILES = {"Attachment": "Body", "ContentVersion": "VersionData"}
# What the org alone sets when a record is created again; files are compared by their bytes.
RENEWED = frozenset(
    {
        *("CaseNumber", "ClosedDate", "IsClosedOnCreate", "CompletedDateTime", "EndDate"),
        *("CreatedDate", "LastModifiedDate", "SystemModstamp", "IsDeleted", "IsArchived"),
        *("RelationObjectType", "LastViewedDate", "LastReferencedDate", *FILES.values()),
        *("ContactEmail", "ContactPhone", "ContactMobile", "ContactFax", "HasAttachment"),
        *("ContentModifiedDate", "IsMajorVersion", "VersionDataUrl"),
    }
)
STABLE = frozenset({"ContactId", "OwnerId", "WhoId", "RelationId"})  # never archived

type File = tuple[str, str]
"""The table and the id of a record with a file."""


@dataclass(slots=True)
class Desk:
    """A service desk whose closed cases are archived and put back."""

    program: Program
    simulator: SimulatorProcess
    folder: Path
    dice: random.Random
    plans: int = 0
    files: int = 0
    documents: int = 0
    hits: Counter[str] = field(default_factory=Counter)

    def ask(self, *words: str) -> dict[str, Any]:
        done: dict[str, Any] = self.program(*words, "--json").done
        return done

    # --- the org ----------------------------------------------------------------------------------

    def hold_automation(self) -> None:
        post = self.simulator.admin.post
        post("records/insert", object="PermissionSet", rows=[{"Name": QUIET, "Label": QUIET}])
        values = {"Subject": GREETING, "Status": "Not Started", "Priority": "Normal"}
        for on in ("insert", "delete"):
            post(
                "rules/trigger", object="Case", on=[on], deed="create", values=values, bypass=QUIET
            )
        self.ask("org", "bypass", "chocolate", "permission-set", QUIET)

    def automation(self) -> tuple[int, int]:
        """The tasks that the trigger wrote, and the assignments of the bypass."""
        sets = self.export("PermissionSet")
        quiet = next(row["Id"] for row in sets if row["Name"] == QUIET)
        given = self.export("PermissionSetAssignment")
        tasks = [row for row in self.export("Task") if row["Subject"] == GREETING]
        return len(tasks), sum(row["PermissionSetId"] == quiet for row in given)

    def export(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.simulator.admin.get("export", object=table)["rows"]
        return [row for row in rows if not row.get("IsDeleted")]

    def contents(self) -> dict[str, Counter[str]]:
        """The live records of each table by their values, without ids and times of the system."""
        return {table: Counter(map(_content, self.export(table))) for table in TABLES}

    def live(self, table: str) -> set[str]:
        return {row["Id"] for row in self.export(table)}

    def bodies(self, files: Iterable[File]) -> dict[File, str]:
        """The hashes of files in the org."""
        wire = Wire(self.simulator)
        paths = {file: f"sobjects/{file[0]}/{file[1]}/{FILES[file[0]]}" for file in files}
        return {file: sha256(wire.read(path)[1]).hexdigest() for file, path in paths.items()}

    def requests(self) -> int:
        count: int = self.simulator.admin.get("counters")["requests"]
        return count

    # --- plans and runs ---------------------------------------------------------------------------

    def plan_of(self, kind: str) -> Path:
        """A plan of a kind, with what it needs in the org and in the newest backup."""
        if kind == HARD:
            permission = {"username": ADMIN, "permission": "BulkApiHardDelete"}
            self.simulator.admin.post("access/permission", **permission, granted=True)
        if kind in (SHARED, VERSIONS):
            self.share(_cases(self.archive_plan())[:2])
            self.night()
        if kind == PURGE:
            cases = [f"Case/{case}" for case in _cases(self.archive_plan())[:PURGED]]
            return self._planned("purge", "plan", "chocolate", *cases)
        name = "old-file-versions" if kind == VERSIONS else "closed-cases"
        return self.archive_plan(name, OPTIONS.get(kind, NO_OPTIONS))

    def share(self, cases: list[str]) -> None:
        """Two cases have the same old file, which has two versions."""
        case, other = cases
        self.documents += 1
        link(self, upload(self, f"Plan {self.documents}", to=case), other)  # type: ignore[arg-type]

    def archive_plan(
        self, name: str = "closed-cases", options: Mapping[str, Any] = NO_OPTIONS
    ) -> Path:
        listed = self.ask("archive", "policies", "chocolate")["policies"]
        (policy,) = [each for each in listed if each["name"] == name]
        policy |= {"unchanged_days": 0, **options}
        for condition in policy["conditions"]:
            if condition["comparison"] == "older":
                condition["days"] = 60
            if condition["comparison"] == "larger":
                condition["number"] = 1
        file = self.folder / "policy.json"
        file.write_text(json.dumps(policy), "utf-8")
        return self._planned(
            *("archive", "plan", "chocolate", "--policy", str(file)),
            *("--most", str(self.dice.choice(SIZES))),
        )

    def undo_plan(self, archive: Path) -> Path:
        run = f"archive-{json.loads(archive.read_text())['id']}"
        return self._planned("unarchive", "chocolate", run)

    def _planned(self, *words: str) -> Path:
        self.plans += 1
        file = self.folder / f"plan{self.plans}.json"
        self.ask(*words, "--out", str(file))
        return file

    def run_with_kills(self, plan: Path, verb: str, *, kills: int) -> dict[File, str]:
        """Kill the run that many times at most, and let it end: the live ids of its files."""
        guess = FIRST_GUESS
        for _ in range(kills):
            guess = self._killed(plan, verb, after=self.dice.randint(1, max(guess, 1)))
            if not guess:
                break
            self.hits[verb] += 1
            self.check_nothing_lost(plan)
            if self.dice.random() < 0.3:
                self.night()
        assert self._killed(plan, verb, after=None) == 0
        outcome = self.ask(verb, "run", str(plan))
        assert outcome["whole"], outcome["endings"]
        assert self.automation() == (0, 0)
        lines = [line for line in outcome["records"] if line["table"] in FILES]
        return {(line["table"], line["record"]): line["live"] for line in lines}

    def _killed(self, plan: Path, verb: str, *, after: int | None) -> int:
        """Kill the program after so many requests: how many it had made; 0 if it ended before."""
        begun = self.requests()
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
            process = self.program.started(verb, "run", str(plan), "--json")
        with process:
            if after is not None:
                while process.poll() is None and self.requests() - begun < after:
                    time.sleep(0.005)
                process.kill()
            out, err = _ended(process)
        if process.returncode == -signal.SIGKILL:
            return self.requests() - begun
        assert process.returncode in DONE, f"{out}{err}"
        return 0

    def night(self) -> None:
        """A backup, in which nothing seems to be lost."""
        self.simulator.admin.post("clock/advance", hours=2)
        self.ask("backup", "chocolate")
        assert self.ask("losses", "list")["losses"] == []

    # --- what must hold -----------------------------------------------------------------------------

    def check_nothing_lost(self, plan: Path) -> None:
        """Each record of the plan is live in the org, or the vault has its values and its files."""
        steps = _steps(plan)
        with opened(self.program.home, for_reading=True) as app:
            (oid,) = app.vault.orgs()
            newest = app.whole_vault.at(
                oid, app.whole_vault.commits(oid)[-1].number, forgotten=True
            )
            for table in {step["table"] for step in steps}:
                ids = {step["record"] for step in steps if step["table"] == table}
                absent = sorted(ids - self.live(table))
                rows = newest.get(table, absent).to_pylist()
                assert {row["_u_id"] for row in rows if row["_u_op"] in "UAD"} == {*absent}
                for file in newest.files(table, absent):
                    with app.whole_vault.open_file(oid, file.blob) as body:
                        assert len(body.read()) == file.size


def _steps(plan: Path) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = json.loads(plan.read_text())["steps"]
    return steps


def _cases(plan: Path) -> list[str]:
    return [step["record"] for step in _steps(plan) if step["table"] == "Case"]


def _content(row: dict[str, Any]) -> str:
    plain = {
        name: value
        for name, value in row.items()
        if value is not None and name not in RENEWED
        if (name, value) != (COUNT, 0)  # an undo takes the whole number back
        if name in STABLE or not name.endswith(("Id", "Ids"))
    }
    return json.dumps(plain, sort_keys=True, default=str)


def _shown(differing: dict[str, tuple[Counter[str], Counter[str]]]) -> str:
    lines = (
        f"{table} {sign} {count} {content}"
        for table, sides in differing.items()
        for sign, side in zip("-+", sides, strict=True)
        for content, count in sorted(side.items())
    )
    return "\n".join(lines)


def _ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    try:
        return process.communicate(timeout=HANGING)
    except subprocess.TimeoutExpired:  # it hangs
        process.kill()
        raise


@pytest.fixture
def desk(first_home: Path, tmp_path: Path) -> Iterator[Desk]:
    with SimulatorProcess() as simulator:
        program = with_writer(first_home, tmp_path, simulator)
        made = Desk(program, simulator, tmp_path, random.Random(0))
        made.hold_automation()
        yield made


def live_with_kills(desk: Desk, *, kills: int, seed: int) -> None:
    """Archive and put back, by turns out of the recycle bin and anew, through so many kills.

    The rounds of a seed begin with the kind of its number.
    """
    desk.dice = random.Random(seed)
    in_bin, rounds = bool(seed % 2), 0
    while desk.hits.total() < kills:
        kind = KINDS[(seed + rounds) % len(KINDS)]
        rounds += 1
        assert rounds <= kills, "the program ends before it can be killed"
        desk.night()
        plan = desk.plan_of(kind)
        before = desk.contents()
        steps = _steps(plan)
        files = desk.bodies((s["table"], s["record"]) for s in steps if s["table"] in FILES)
        remaining = kills - desk.hits.total()
        verb = "purge" if kind == PURGE else "archive"
        desk.run_with_kills(plan, verb, kills=min(MOST_OF_A_RUN, (remaining + 1) // 2))
        gone = {table: before[table] - rows for table, rows in desk.contents().items()}
        assert gone["ContentVersion" if kind == VERSIONS else "Case"], "nothing was archived"
        assert gone["EmailMessage"] or kind in (VERSIONS, PURGE)
        desk.check_nothing_lost(plan)
        desk.night()
        if not in_bin:
            desk.simulator.admin.post("clock/advance", days=DAYS_IN_BIN)
        undo = desk.undo_plan(plan)
        most = min(MOST_OF_A_RUN, kills - desk.hits.total())
        live = desk.run_with_kills(undo, "restore", kills=most)
        back = desk.bodies((table, live[table, record]) for table, record in files)
        assert sorted(back.values()) == sorted(files.values())
        desk.files += len(files)
        after = desk.contents()
        differing = {
            table: (before[table] - after[table], after[table] - before[table])
            for table in TABLES
            if before[table] != after[table]
        }
        assert not differing, f"missing or doubled: {_shown(differing)}"
        in_bin = not in_bin
    desk.night()
    assert desk.ask("verify", "--level", "full")["damages"] == []
    assert desk.hits["archive"] + desk.hits["purge"] > 0, desk.hits
    assert desk.hits["restore"] > 0, desk.hits


def test_kills_of_an_archive_and_its_undo_lose_or_double_records(desk: Desk) -> None:
    live_with_kills(desk, kills=4, seed=0)
    assert desk.files


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(1, len(KINDS)))
def test_kills_of_other_kinds_of_archives_lose_or_double_records(desk: Desk, seed: int) -> None:
    live_with_kills(desk, kills=4, seed=seed)


@pytest.mark.deep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(12))  # so that each kind comes in each place
def test_two_hundred_kills_of_archives(desk: Desk, seed: int) -> None:
    live_with_kills(desk, kills=20, seed=seed)
