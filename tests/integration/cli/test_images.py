"""An image in a rich text: backed up, lost with its record, restored, shown again, undone."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import Program, with_writer
from unlost_simulators.process import SimulatorProcess

pytestmark = pytest.mark.network

REPORT, FIELD = "Quality_Report__c", "Photo_Page__c"
SMALL = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
LARGE = tuple(b"\x89PNG\r\n\x1a\n" + bytes([at]) * 20_000 for at in (1, 2))


@pytest.fixture(scope="module")
def served() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture(scope="module")
def shop(
    served: SimulatorProcess, first_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    return with_writer(first_home, tmp_path_factory.mktemp("images"), served)


def reports(served: SimulatorProcess) -> dict[str, dict[str, Any]]:
    return {row["Id"]: row for row in served.admin.get("export", object=REPORT)["rows"]}


def paste(served: SimulatorProcess, report: str, content: bytes) -> str:
    """The name of an image that was added to a report."""
    encoded = base64.b64encode(content).decode()
    text: str = served.admin.post(
        "images/paste", object=REPORT, id=report, field=FIELD, content=encoded
    )["text"]
    return text.rpartition("refid=")[2].partition('"')[0]


def images(shop: Program, report: str) -> list[str]:
    """The images of a report that the vault has, as COLUMN/IMAGE."""
    shown = shop("show", "chocolate", f"{REPORT}/{report}", "--json").done
    return [file["column"] for file in shown["files"]]


def content(shop: Program, report: str, image: str, folder: Path) -> bytes:
    out = folder / image.rpartition("/")[2]
    words = ("--image", image, "--out", str(out))
    assert shop("file", "chocolate", f"{REPORT}/{report}", *words).code == 0
    return out.read_bytes()


def backed_up(shop: Program, served: SimulatorProcess) -> None:
    served.admin.post("clock/advance", hours=3)
    assert shop("backup", "chocolate").code in {0, 3}


def test_an_image_comes_back_with_its_record(
    shop: Program, served: SimulatorProcess, tmp_path: Path
) -> None:
    shown, short = list(reports(served))[:2]
    image = paste(served, shown, SMALL)
    served.admin.post("records/update", object=REPORT, changes={short: {FIELD: None}})
    backed_up(shop, served)
    assert images(shop, shown) == [f"{FIELD}/{image}"]
    assert content(shop, shown, f"{FIELD}/{image}", tmp_path) == SMALL
    listed = shop("show", "chocolate", f"{REPORT}/{shown}").out
    assert f"--image {FIELD}/{image}" in listed
    unknown = shop(
        *("file", "chocolate", f"{REPORT}/{shown}", "--image", f"{FIELD}/0EM"),
        *("--out", str(tmp_path / "none")),
    )
    assert unknown.code == 1
    assert "has no image" in unknown.err

    served.admin.post("records/hard-delete", object=REPORT, ids=[shown])
    backed_up(shop, served)
    before = set(reports(served))
    plan = tmp_path / "plan.json"
    words = ("--record", f"{REPORT}/{shown}", "--out", str(plan), "--json")
    planned = shop("restore", "plan", "chocolate", *words).done["summary"]
    notes = {note["code"]: note["count"] for note in planned["notes"]}
    assert notes["images-sent"] == 1
    result = shop("restore", "run", str(plan), "--json").done
    (record,) = [one for one in result["records"] if one["record"] == shown]
    assert FIELD not in {one["column"] for one in record["differences"]}
    (new,) = set(reports(served)) - before
    text = reports(served)[new][FIELD]
    assert image not in text
    assert f"eid={new[:15]}" in text
    backed_up(shop, served)
    (again,) = images(shop, new)
    assert content(shop, new, again, tmp_path) == SMALL

    undo = tmp_path / "undo.json"
    assert shop("undo", "chocolate", result["run"], "--out", str(undo)).code in {0, 3}
    ended = shop("restore", "run", str(undo), "--json").done
    assert [one["ending"] for one in ended["endings"]] == ["deleted"]
    assert new not in reports(served)


@pytest.mark.full
def test_images_that_are_too_large_together_are_foretold_and_named(
    shop: Program, served: SimulatorProcess, tmp_path: Path
) -> None:
    """Each was added alone; sent with the other, their base64 is longer than the column."""
    report = list(reports(served))[3]
    names = [paste(served, report, picture) for picture in LARGE]
    backed_up(shop, served)
    assert images(shop, report) == [f"{FIELD}/{name}" for name in names]
    served.admin.post("records/hard-delete", object=REPORT, ids=[report])
    backed_up(shop, served)
    plan = tmp_path / "plan.json"
    words = ("--record", f"{REPORT}/{report}", "--out", str(plan), "--json")
    planned = shop("restore", "plan", "chocolate", *words).done["summary"]
    assert "images-large" in {note["code"] for note in planned["notes"]}
    result = shop("restore", "run", str(plan), "--json").done
    (record,) = [one for one in result["records"] if one["record"] == report]
    assert record["ending"] == "created"
    assert (FIELD, "image-lost") in {
        (one["column"], one["reason"]) for one in record["differences"]
    }
    saved = [content(shop, report, f"{FIELD}/{name}", tmp_path) for name in names]
    assert saved == list(LARGE)
