"""Old cases of the chocolate maker leave the org, come back, and surprises stop the archive."""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from integration.cli.conftest import Program, moved_in
from unlost.app.compose import Application, open_application
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.service.service import Service
from unlost.testing.clock import VirtualClock
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

ADMIN = "lotte.devos@chocolate.example"
SECRET = "not-a-secret-writer"
BIN_ROWS = 25  # of the recycle bin, for each megabyte
TABLES = (
    *("Account", "Attachment", "Case", "CaseComment", "ContentDocument", "ContentDocumentLink"),
    *("ContentVersion", "EmailMessage", "EmailMessageRelation", "Event", "Task"),
)


@dataclass(slots=True)
class Desk:
    """The chocolate maker's service desk, with a policy for cases that were closed two months ago."""

    program: Program
    simulator: SimulatorProcess
    folder: Path

    def rows(self) -> Counter[str]:
        held = self.simulator.admin.get("holds")
        return Counter({name: held[name]["live"] for name in TABLES})

    def policy(self) -> str:
        listed = self.program("archive", "policies", "chocolate", "--json").done["policies"]
        (policy,) = [each for each in listed if each["name"] == "closed-cases"]
        policy["unchanged_days"] = 0
        for condition in policy["conditions"]:
            if condition["comparison"] == "older":
                condition["days"] = 60
        file = self.folder / "policy.json"
        file.write_text(json.dumps(policy), "utf-8")
        return str(file)

    def plan(self, *words: str) -> str:
        out = str(self.folder / "archive.json")
        planned = self.program(
            *("archive", "plan", "chocolate", "--policy", self.policy(), "--out", out), *words
        )
        assert planned.code == 0, planned.err
        return out

    def run(self, plan: str) -> dict[str, Any]:
        done: dict[str, Any] = self.program("archive", "run", plan, "--json").done
        return done


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


def test_cases_leave_the_org_and_an_undo_brings_all_back(desk: Desk) -> None:
    before = desk.rows()
    outcome = desk.run(desk.plan())
    assert outcome["whole"]
    left = before - desk.rows()
    (ending,) = outcome["endings"]
    assert ending["ending"] == "archived"
    assert left["Case"] > 100
    assert left["EmailMessage"] > 100
    assert not desk.rows() - before
    backed_up = desk.program("backup", "chocolate", "--json").done
    assert backed_up["counts"]["deleted"] == 0, backed_up
    assert desk.program("losses", "list", "--json").done["losses"] == []
    undo = str(desk.folder / "undo.json")
    assert desk.program("undo", "chocolate", outcome["run"], "--out", undo).code == 0
    assert desk.program("restore", "run", undo).code in (0, 3)
    assert desk.rows() == before


def test_a_trigger_that_deletes_more_stops_the_archive(desk: Desk) -> None:
    plan = desk.plan()
    desk.simulator.admin.post(
        "rules/trigger",
        object="Case",
        deed="delete",
        on=["delete"],
        deletes="Contact",
        deletes_where="Id = '{ContactId}'",
    )
    outcome = desk.run(plan)
    codes = Counter(record["code"] for record in outcome["records"])
    assert codes["archive-vanished"] >= 1, codes
    assert codes["archive-stopped"] > 100
    archived = sum(e["count"] for e in outcome["endings"] if e["ending"] == "archived")
    assert archived <= 200, "only the first turn"
    assert any(
        r["table"] == "Contact" for r in outcome["records"] if r["code"] == "archive-vanished"
    )
    (run,) = desk.program("archive", "list", "chocolate", "--json").done["runs"]
    assert run["vanished"] == codes["archive-vanished"]
    assert run["archived"] == archived


def test_a_mail_that_came_after_the_plan_keeps_its_case(desk: Desk) -> None:
    plan = desk.plan()
    steps = json.loads(Path(plan).read_text())["steps"]
    case = next(step["record"] for step in steps if step["table"] == "Case")
    mail = {"ParentId": case, "Subject": "Where is my order?", "Status": "0", "Incoming": True}
    desk.simulator.admin.post("clock/advance", hours=3)
    desk.simulator.admin.post("records/insert", object="EmailMessage", rows=[mail])
    outcome = desk.run(plan)
    kept = {
        record["record"] for record in outcome["records"] if record["code"] == "archive-referred"
    }
    assert kept == {case}
    cases = desk.simulator.admin.get("export", object="Case")["rows"]
    assert [row["Id"] for row in cases if row["Id"] == case and not row["IsDeleted"]] == [case]


def bin_note(plan: str) -> dict[str, Any]:
    """The arguments of a plan's note on the room in the recycle bin."""
    notes = json.loads(Path(plan).read_text())["notes"]
    args: dict[str, Any] = next(n["args"] for n in notes if n["code"] == "archive-bin-room")
    return args


def test_an_archive_pushes_records_of_other_people_out_of_the_recycle_bin(desk: Desk) -> None:
    """The bin has room for the plan, until people delete contacts after it was made."""
    admin = desk.simulator.admin
    first = desk.plan()
    entering = int(bin_note(first)["entering"])
    # Rows that no user can undelete, such as histories, take no place in the bin of an org.
    others = len(json.loads(Path(first).read_text())["steps"]) - entering
    megabytes = entering // BIN_ROWS + 2  # a few records are in the bin already
    rows = [{"LastName": f"Duplicate {number}"} for number in range(60)]
    admin.post("records/insert", object="Contact", rows=rows)
    admin.post(
        "settings",
        data_storage_mb=megabytes,
        bin_records_per_mb=BIN_ROWS,
        bin_capacity=megabytes * BIN_ROWS + others,
    )
    admin.post("clock/advance", hours=1)
    assert desk.program("backup", "chocolate").code in (0, 3)
    (desk.folder / "archive.json").unlink()
    plan = desk.plan()
    assert entering <= int(bin_note(plan)["room"]) <= megabytes * BIN_ROWS
    contacts = [
        row["Id"]
        for row in admin.get("export", object="Contact")["rows"]
        if row["LastName"].startswith("Duplicate ")
    ]
    admin.post("records/delete", object="Contact", ids=contacts)
    admin.post("clock/advance", hours=1)
    outcome = desk.run(plan)
    codes = Counter(record["code"] for record in outcome["records"])
    assert codes["archive-bin-full"] >= 1, codes
    assert sum(end["count"] for end in outcome["endings"] if end["ending"] == "archived") > 0
    admin.post("clock/advance", hours=1)
    rows = admin.get("export", object="Contact", deleted="true")["rows"]
    binned = {row["Id"] for row in rows if row["IsDeleted"]}
    assert binned.issuperset(contacts), "people can still undelete them"


def test_old_files_without_a_record_leave_and_come_back(desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {desk.simulator.token('chocolate-restore')}"}
    address = f"{desk.simulator.url}/services/data/v66.0/sobjects"
    body = base64.b64encode(b"an old letter").decode()
    case = desk.simulator.admin.get("export", object="Case")["rows"][0]["Id"]
    for name, place in (("Loose", {}), ("In use", {"FirstPublishLocationId": case})):
        version = {
            "Title": name,
            "PathOnClient": f"{name}.txt",
            "VersionData": body,
            "ContentModifiedDate": "2024-02-03T04:05:06.000Z",
            **place,
        }
        assert httpx.post(f"{address}/ContentVersion", headers=headers, json=version).is_success
    desk.simulator.admin.post("clock/advance", hours=1)
    assert desk.program("backup", "chocolate").code in (0, 3)
    out, back = str(desk.folder / "files.json"), str(desk.folder / "back.json")
    listed = desk.program("archive", "policies", "chocolate", "--json").done["policies"]
    (policy,) = [each for each in listed if each["name"] == "files-without-record"]
    file = desk.folder / "policy.json"
    file.write_text(json.dumps(policy | {"unchanged_days": 0}), "utf-8")
    words = ("--policy", str(file), "--out", out)
    planned = desk.program("archive", "plan", "chocolate", *words)
    assert planned.code == 0, planned.err
    before = titles(desk)
    outcome = desk.run(out)
    assert outcome["whole"], outcome["records"][:5]
    gone = before - titles(desk)
    assert "Loose" in gone
    assert "In use" not in gone
    assert desk.program("undo", "chocolate", outcome["run"], "--out", back).code == 0
    assert desk.program("restore", "run", back).code in (0, 3)
    assert titles(desk) == before


LARGE = 300_000  # bytes: the limit of the policy in these tests


def upload(desk: Desk, name: str, *, to: str) -> str:
    """Upload an old large file with a second version, and link it; returns the document."""
    headers = {"Authorization": f"Bearer {desk.simulator.token('chocolate-restore')}"}
    address = f"{desk.simulator.url}/services/data/v66.0"

    def create(table: str, **cells: str) -> str:
        answer = httpx.post(f"{address}/sobjects/{table}", headers=headers, json=cells)
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    body = {"Title": name, "PathOnClient": f"{name}.txt"}
    first = create(
        "ContentVersion",
        **body,
        VersionData=base64.b64encode(name.encode()).decode(),
        ContentModifiedDate="2023-02-03T04:05:06.000Z",
        FirstPublishLocationId=to,
    )
    query = f"SELECT ContentDocumentId FROM ContentVersion WHERE Id = '{first}'"
    found = httpx.get(f"{address}/query", params={"q": query}, headers=headers).json()
    document = str(found["records"][0]["ContentDocumentId"])
    newest = base64.b64encode(name.encode() * (LARGE // len(name) + 9)).decode()
    create("ContentVersion", **body, VersionData=newest, ContentDocumentId=document)
    aged = {document: {"ContentModifiedDate": "2023-03-04T05:06:07.000Z"}}
    desk.simulator.admin.post("records/update", object="ContentDocument", changes=aged)
    return document


def link(desk: Desk, document: str, record: str) -> None:
    row = {"ContentDocumentId": document, "LinkedEntityId": record}
    row |= {"ShareType": "V", "Visibility": "AllUsers"}  # an org sets both, however a link arises
    desk.simulator.admin.post("records/insert", object="ContentDocumentLink", rows=[row])


def holders(desk: Desk, title: str) -> tuple[set[str], int]:
    """The records that have the live file of this title, and how many versions it has."""
    (document,) = [row["Id"] for row in live(desk, "ContentDocument") if row["Title"] == title]
    links = [r for r in live(desk, "ContentDocumentLink") if r["ContentDocumentId"] == document]
    versions = [r for r in live(desk, "ContentVersion") if r["ContentDocumentId"] == document]
    return {str(row["LinkedEntityId"]) for row in links}, len(versions)


def live(desk: Desk, table: str) -> list[dict[str, Any]]:
    rows = desk.simulator.admin.get("export", object=table)["rows"]
    return [row for row in rows if not row.get("IsDeleted")]


def large_files(desk: Desk) -> str:
    """The ready-made policy for large old files, with small limits."""
    listed = desk.program("archive", "policies", "chocolate", "--json").done["policies"]
    (policy,) = [each for each in listed if each["name"] == "large-old-files"]
    (size, age) = policy["conditions"]
    policy["conditions"] = [size | {"number": LARGE}, age | {"days": 60}]
    file = desk.folder / "files-policy.json"
    file.write_text(json.dumps(policy | {"unchanged_days": 0}), "utf-8")
    return str(file)


@dataclass(slots=True)
class LargeFiles:
    """A desk with large old files: of two records, of a user, of a mail, and of a rich text."""

    desk: Desk
    case: str
    account: str
    before: tuple[set[str], int]


@pytest.fixture
def files(desk: Desk) -> LargeFiles:
    case, account = live(desk, "Case")[0]["Id"], live(desk, "Account")[0]["Id"]
    link(desk, upload(desk, "Floor plan", to=case), account)
    link(desk, upload(desk, "Handbook", to=case), live(desk, "User")[0]["Id"])
    upload(desk, "Newest letter", to=live(desk, "EmailMessage")[0]["Id"])
    desk.simulator.admin.post("clock/advance", hours=1)
    assert desk.program("backup", "chocolate").code in (0, 3)
    return LargeFiles(desk, case, account, holders(desk, "Floor plan"))


def archive_files(files: LargeFiles) -> dict[str, Any]:
    desk, out = files.desk, str(files.desk.folder / "files.json")
    planned = desk.program(
        *("archive", "plan", "chocolate", "--policy", large_files(desk), "--out", out)
    )
    assert planned.code == 0, planned.err
    notes = json.loads(Path(out).read_text())["notes"]
    lost = {note["table"]: note["sentence"] for note in notes if note["code"] == LOSES}
    words = "stay and lose 1 file. You can still open the files on the pages of these records in Unlost."
    assert lost == {name: f"1 record of {name} {words}" for name in ("Account", "Case")}
    outcome = desk.run(out)
    assert outcome["whole"], outcome["records"][:5]
    return outcome


LOSES = "archive-loses-files"


def test_large_old_files_leave_records_that_stay(files: LargeFiles) -> None:
    desk, before = files.desk, titles(files.desk)
    shown = desk.program("archive", "preview", "chocolate", "--policy", large_files(desk))
    assert "1 record of Case would stay and lose 1 file." in shown.out, shown.out
    cases = desk.rows()["Case"]
    outcome = archive_files(files)
    assert before - titles(desk) == Counter(["Floor plan"]), "not those of people and mails"
    assert desk.rows()["Case"] == cases
    assert desk.program("backup", "chocolate").code in (0, 3)
    assert desk.program("losses", "list", "--json").done["losses"] == []
    page = desk.program("related", "chocolate", f"Case/{files.case}", "--json").done
    archived = {file["name"]: file["archived"] for file in page["related"]["files"]}
    assert archived["Floor plan.txt"], archived
    back = str(desk.folder / "back.json")
    assert desk.program("undo", "chocolate", outcome["run"], "--out", back).code == 0
    assert desk.program("restore", "run", back).code in (0, 3)
    assert titles(desk) == before
    assert holders(desk, "Floor plan") == files.before


def test_a_large_file_comes_back_with_its_links_after_the_recycle_bin(files: LargeFiles) -> None:
    desk = files.desk
    (old,) = [row["Id"] for row in live(desk, "ContentDocument") if row["Title"] == "Floor plan"]
    archive_files(files)
    desk.simulator.admin.post("clock/advance", hours=24 * 20)
    assert desk.program("backup", "chocolate").code in (0, 3)
    back = str(desk.folder / "back.json")
    planned = desk.program("unarchive", "chocolate", f"ContentDocument/{old}", "--out", back)
    assert planned.code == 0, planned.err
    restored = desk.program("restore", "run", back, "--json")
    assert restored.code in (0, 3), restored.err
    assert holders(desk, "Floor plan") == files.before
    assert old not in {row["Id"] for row in live(desk, "ContentDocument")}, "a new id"


def titles(desk: Desk) -> Counter[str]:
    rows = desk.simulator.admin.get("export", object="ContentDocument")["rows"]
    return Counter(str(row["Title"]) for row in rows if not row["IsDeleted"])


LIMIT = 400  # records of a day


def test_old_cases_leave_night_by_night(desk: Desk) -> None:
    """Backups, queue and runs are those of the service; only the clock is moved by hand."""
    program, clock = desk.program, VirtualClock(datetime.now(UTC))
    save = ("archive", "policy", "save", "chocolate")
    assert program(*save, desk.policy()).code == 0
    assert program("archive", "preview", "chocolate", "closed-cases").code == 0
    saved = program(*save, "closed-cases", "--nightly", f"--daily-limit={LIMIT}", "--confirm-large")
    assert saved.code == 0, saved.err
    assert program("schedule", "set", "chocolate", "--at", "03:00").code == 0

    def opened(cancel_flag: CancellationFlag) -> Application:
        return open_application(program.home, clock=clock, cancel_flag=cancel_flag)

    def look() -> None:
        clock.advance(hours=0.25)
        desk.simulator.admin.post("clock/advance", hours=0.25)
        Service(opened, CancellationFlag()).run(once=True)

    counts = [sum(desk.rows().values())]
    for _ in range(2):
        clock.advance(hours=23)
        desk.simulator.admin.post("clock/advance", hours=23)
        for _ in range(5):  # the backup, the plan and its run, the end
            look()
        counts.append(sum(desk.rows().values()))
    view = program("archive", "policy", "show", "chocolate", "closed-cases", "--json").done
    assert [night["state"] for night in view["nights"]] == ["done", "done"], view
    runs = program("archive", "list", "chocolate", "--json").done["runs"]
    assert {run["run"] for run in runs} == {night["run"] for night in view["nights"]}
    archived = [run["archived"] for run in reversed(runs)]
    assert all(100 < count <= LIMIT for count in archived), archived
    gone = [before - after for before, after in pairwise(counts)]
    # Some of the records are of other tables than those that are counted.
    assert all(100 < a <= b for a, b in zip(gone, archived, strict=True)), (gone, archived)
    assert program("losses", "list", "--json").done["losses"] == []
