"""Old versions of files leave the org: a new file takes the place of each, and an undo goes back."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest

from integration.cli.conftest import first_home
from integration.cli.test_archive import Desk, desk, holders, link, live, titles, upload
from integration.simulators.wire import Wire

__all__ = ["desk", "first_home"]

pytestmark = [pytest.mark.full, pytest.mark.network]

TITLE = "Floor plan"


@dataclass(slots=True)
class Files:
    """A desk with a file of two records, and files that must stay."""

    desk: Desk
    case: str
    account: str
    document: str

    @property
    def live_document(self) -> dict[str, Any]:
        (row,) = [row for row in live(self.desk, "ContentDocument") if row["Title"] == TITLE]
        return row

    def body(self) -> str:
        """The hash of the newest version."""
        version = self.live_document["LatestPublishedVersionId"]
        wire = Wire(self.desk.simulator)
        return sha256(wire.read(f"sobjects/ContentVersion/{version}/VersionData")[1]).hexdigest()

    def policy(self) -> str:
        listed = self.desk.program("archive", "policies", "chocolate", "--json").done["policies"]
        (policy,) = [each for each in listed if each["name"] == "old-file-versions"]
        (size, age) = policy["conditions"]
        policy["conditions"] = [size | {"number": 1}, age | {"days": 60}]
        file = self.desk.folder / "versions-policy.json"
        file.write_text(json.dumps(policy | {"unchanged_days": 0}), "utf-8")
        return str(file)

    def plan(self) -> str:
        out = str(self.desk.folder / "versions.json")
        planned = self.desk.program(
            *("archive", "plan", "chocolate", "--policy", self.policy(), "--out", out)
        )
        assert planned.code == 0, planned.err
        return out

    def undo(self, run: str) -> dict[str, Any]:
        back = str(self.desk.folder / "back.json")
        planned = self.desk.program("undo", "chocolate", run, "--out", back)
        assert planned.code == 0, planned.err
        done: dict[str, Any] = self.desk.program("restore", "run", back, "--json").done
        return done

    def backup(self) -> None:
        assert self.desk.program("backup", "chocolate").code in (0, 3)


@pytest.fixture
def files(desk: Desk) -> Files:
    case, account = live(desk, "Case")[0]["Id"], live(desk, "Account")[0]["Id"]
    document = upload(desk, TITLE, to=case)
    link(desk, document, account)
    link(desk, upload(desk, "Handbook", to=case), live(desk, "User")[0]["Id"])
    desk.simulator.admin.post("clock/advance", hours=1)
    made = Files(desk, case, account, document)
    made.backup()
    return made


def test_old_versions_leave_and_an_undo_brings_them_back(files: Files) -> None:
    desk, before, body = files.desk, titles(files.desk), files.body()
    held, count = holders(desk, TITLE)
    assert count == 2
    outcome = desk.run(files.plan())
    assert outcome["whole"], outcome["records"][:5]
    assert titles(desk) == before
    assert holders(desk, TITLE) == (held, 1)
    assert files.body() == body
    new = files.live_document
    assert new["Id"] != files.document
    assert holders(desk, "Handbook")[1] == 2, "the file of a user stays"
    files.backup()
    assert desk.program("losses", "list", "--json").done["losses"] == []
    story = desk.program("history", "chocolate", f"ContentDocument/{files.document}").out
    assert new["Id"] in story, story
    assert "archived" in story
    files.undo(outcome["run"])
    assert titles(desk) == before
    assert holders(desk, TITLE) == (held, 2)
    assert files.live_document["Id"] == files.document
    assert files.body() == body
    files.backup()
    assert desk.program("losses", "list", "--json").done["losses"] == []


def test_an_undo_after_the_recycle_bin_creates_the_versions_again(files: Files) -> None:
    desk, before, body = files.desk, titles(files.desk), files.body()
    held, _ = holders(desk, TITLE)
    outcome = desk.run(files.plan())
    desk.simulator.admin.post("clock/advance", hours=24 * 20)
    files.backup()
    files.undo(outcome["run"])
    assert titles(desk) == before
    assert holders(desk, TITLE) == (held, 2)
    assert files.body() == body


def test_a_file_that_got_a_version_after_the_plan_stays(files: Files) -> None:
    desk, before = files.desk, titles(files.desk)
    plan = files.plan()
    desk.simulator.admin.post("clock/advance", hours=1)
    changes = {files.document: {"Title": TITLE, "Description": "checked"}}
    desk.simulator.admin.post("records/update", object="ContentDocument", changes=changes)
    desk.run(plan)
    assert titles(desk) == before
    assert files.live_document["Id"] == files.document


def test_a_preview_lists_files_with_old_versions(files: Files) -> None:
    words = ("archive", "preview", "chocolate", "--policy", files.policy())
    shown = files.desk.program(*words).out
    assert ": 1 old version, " in shown, shown
    assert "have new ids" in shown
    assert "Reports in the org lose" not in shown
