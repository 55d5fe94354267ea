"""Files that were replaced in the org: the plan names them, and the vault gives the old bytes."""

import base64
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import ADMIN, WRITER, WRITER_SECRET, Program, moved_in
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.deep, pytest.mark.network]

ONE_BYTE = base64.b64encode(b"x").decode()


@pytest.fixture
def served() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture
def shop(served: SimulatorProcess, first_home: Path, tmp_path: Path) -> Program:
    secret = {"UNLOST_WRITER_CLIENT_SECRET": WRITER_SECRET}
    shop = moved_in(first_home, tmp_path / "home", served.url, environment=secret)
    app = {"consumer_key": WRITER, "consumer_secret": WRITER_SECRET}
    served.admin.post("apps", **app, run_as=ADMIN)
    shop("org", "writer", "chocolate", "--client-id", WRITER, "--json")
    return shop


def send(served: SimulatorProcess, method: str, path: str, **cells: str) -> None:
    """A write of a person, by the REST interface."""
    request = urllib.request.Request(
        f"{served.url}/services/data/v64.0/sobjects/{path}",
        data=json.dumps(cells).encode(),
        method=method,
        headers={
            "Authorization": f"Bearer {served.token('chocolate-restore')}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status in {201, 204}


def live(served: SimulatorProcess, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = served.admin.get("export", object=table)["rows"]
    return [row for row in rows if not row.get("IsDeleted")]


def blocked(shop: Program, folder: Path, *records: str) -> dict[tuple[str, str], int]:
    """The notes of a plan that puts back the first backup of these records, and writes nothing."""
    words = [word for record in records for word in ("--record", record)]
    plan = ("restore", "plan", "chocolate", *words, "--at", "1", "--no-related")
    planned = shop(*plan, "--out", str(folder / f"plan-{len(records)}.json"), "--json").done
    summary = planned["summary"]
    assert (summary["changes"], summary["blocked"]) == (0, len(records))
    return {(note["code"], note["table"]): note["count"] for note in summary["notes"]}


def test_replaced_files_are_named_by_the_plan_and_saved_from_the_vault(
    shop: Program, served: SimulatorProcess, tmp_path: Path
) -> None:
    attachments = [row["Id"] for row in live(served, "Attachment")[:3]]
    version = next(row for row in live(served, "ContentVersion") if row["IsLatest"])
    for attachment in attachments:
        send(served, "PATCH", f"Attachment/{attachment}", Body=ONE_BYTE)
    document = version["ContentDocumentId"]
    new = {"Title": version["Title"], "PathOnClient": version["PathOnClient"]}
    send(served, "POST", "ContentVersion", **new, VersionData=ONE_BYTE, ContentDocumentId=document)
    served.admin.post("clock/advance", days=1)
    assert shop("backup", "chocolate").code in {0, 3}

    notes = blocked(shop, tmp_path, *(f"Attachment/{record}" for record in attachments))
    assert notes["file-differs", "Attachment"] == 3
    old = f"ContentVersion/{version['Id']}"
    notes = blocked(shop, tmp_path, f"ContentDocument/{document}", old)
    assert notes["file-differs", "ContentDocument"] == 1
    assert notes["file-differs", "ContentVersion"] == 1

    saved = tmp_path / "saved"
    words = ("file", "chocolate", f"Attachment/{attachments[0]}", "--out", str(saved))
    assert shop(*words, "--at", "1", "--json").done["size"] == saved.stat().st_size > 1
