"""Clients that nobody here wrote write into the org: what they report, and what it then holds."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from referees.test_salesforce_clients import REFEREES, run
from referees.tunnel import Tunnel
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.referee, pytest.mark.network]

KEY, SECRET = "chocolate-writer", "not-a-secret-writer"
ADMIN = "lotte.devos@chocolate.example"
ROWS = 450
MISSING = "REQUIRED_FIELD_MISSING"


def writer(sim: SimulatorProcess) -> None:
    """Let an app run as somebody who may write."""
    sim.admin.post("apps", consumer_key=KEY, consumer_secret=SECRET, run_as=ADMIN)


def accounts(sim: SimulatorProcess, *, deleted: bool = False) -> dict[str, dict]:
    rows = sim.admin.get("export", object="Account", deleted=deleted)["rows"]
    return {row["Id"]: row for row in rows}


def by_number(held: dict[str, dict], prefix: str) -> dict[str, dict]:
    numbered = {row["Customer_Number__c"]: row for row in held.values()}
    return {key: row for key, row in numbered.items() if key and key.startswith(prefix)}


def check_bulk(sim: SimulatorProcess, prefix: str, ids: dict[str, str]) -> None:
    """What bulk operations of either client left: see the scripts."""
    held = by_number(accounts(sim), prefix)
    gone = {f"{prefix}{n}" for n in (3, 4)}
    expected = {f"{prefix}{n}" for n in range(ROWS) if n != 7} - gone | {f"{prefix}NEW"}
    assert set(held) == expected
    assert {key: held[key]["Id"] for key in expected & set(ids)} == {
        key: ids[key] for key in expected & set(ids)
    }
    assert held[f"{prefix}0"]["Name"] == "Bulk renamed"
    assert held[f"{prefix}1"]["Name"] == "Bulk updated"
    assert held[f"{prefix}NEW"]["Name"] == "Bulk fresh"
    binned = by_number(accounts(sim, deleted=True), prefix)
    assert {key for key in gone if binned[key]["IsDeleted"]} == gone


def check_failed(rows: list[dict[str, str]], number: str) -> None:
    (row,) = rows
    assert row["sf__Error"] == f"{MISSING}:Required fields are missing: [Name]:Name --"
    assert (row["sf__Id"], row["Customer_Number__c"]) == ("", number)


def check_merge(sim: SimulatorProcess, got: dict) -> None:
    kept, double, child = got["mergedIds"]
    assert (got["merged"]["success"], got["merged"]["id"]) == (True, kept)
    assert got["merged"]["mergedRecordIds"] == [double]
    assert child in got["merged"]["updatedRelatedIds"]
    assert got["mergedChild"] == kept
    assert got["mergedAgain"][0]["errors"][0]["statusCode"] == "ENTITY_IS_DELETED"
    held = accounts(sim, deleted=True)
    assert held[kept]["Phone"] == "+32 9 0170018"
    assert (held[double]["IsDeleted"], held[double]["MasterRecordId"]) == (True, kept)


def test_jsforce_writes() -> None:
    script = REFEREES / "jsforce" / "writer.mjs"
    with SimulatorProcess() as sim:
        writer(sim)
        got = run(["node", str(script), sim.url, KEY, SECRET])
        one, two = got["created"]["id"], got["upserts"][1]["id"]
        assert got["created"] == {"id": one, "success": True, "errors": []}
        assert [each["created"] for each in got["upserts"]] == [False, True]
        assert got["upserts"][0]["id"] == one
        assert got["updated"] == {"id": one, "success": True, "errors": []}
        assert got["got"] == [one, "Referee Renamed", "+32 9 0170017"]
        assert got["refused"][0] == MISSING
        assert [each["success"] for each in got["collection"]] == [True, False, True]
        assert got["collection"][1]["errors"][0]["statusCode"] == MISSING
        assert got["collectionUpdate"][0]["success"] is True
        assert got["deleted"]["success"] is True
        assert (got["childGone"], got["childBack"]) == (0, 1)
        assert [each["success"] for each in got["undeleted"]] == [True, False]
        assert got["undeleted"][0]["id"] == one
        assert got["undeleted"][1]["errors"][0]["statusCode"] == "UNDELETE_FAILED"
        assert got["soapDeleted"][0]["success"] is True
        assert got["emptied"][0]["success"] is True
        assert got["emptiedAgain"][0]["errors"][0]["statusCode"] == "INVALID_ID_FIELD"
        check_merge(sim, got)
        inserted = got["inserted"]
        assert len(inserted["successfulResults"]) == ROWS - 1
        assert {row["sf__Created"] for row in inserted["successfulResults"]} == {"true"}
        check_failed(inserted["failedResults"], "JB-7")
        assert inserted["unprocessedRecords"] == []
        told = got["bulkUpserted"]["successfulResults"]
        assert {row["Customer_Number__c"]: row["sf__Created"] for row in told} == {
            "JB-0": "false",
            "JB-NEW": "true",
        }
        assert len(got["bulkUpdated"]["successfulResults"]) == 1
        assert len(got["bulkDeleted"]["successfulResults"]) == 2
        check_bulk(sim, "JB-", got["ids"])
        held = accounts(sim)
        assert one not in held
        assert two not in held
        assert held[got["collection"][0]["id"]]["Name"] == "Together renamed"
        assert one not in accounts(sim, deleted=True), "it left the bin"
        assert accounts(sim, deleted=True)[two]["IsDeleted"] is True


def test_simple_salesforce_writes() -> None:
    with SimulatorProcess("--tls") as sim:
        writer(sim)
        address = urlsplit(sim.url)
        with Tunnel((str(address.hostname), int(address.port or 0))) as tunnel:
            got = run(
                [
                    str(REFEREES / "python" / "bin" / "python"),
                    str(Path(__file__).with_name("simple_salesforce_writer.py")),
                    KEY, SECRET,
                ],
                HTTPS_PROXY=tunnel.url,
                REQUESTS_CA_BUNDLE=str(sim.ca),
                NO_PROXY="",
                no_proxy="",
            )  # fmt: skip
        one = got["created"]["id"]
        assert got["created"] == {"id": one, "success": True, "errors": []}
        assert got["upserts"] == [200, 201]
        assert (got["updated"], got["deleted"], got["missing"]) == (204, 204, 404)
        assert got["got"] == [one, "Referee Renamed", "+32 9 0170017"]
        assert [each["errorCode"] for each in got["refused"]] == [MISSING]
        assert [each["success"] for each in got["collection"]] == [True, False, True]
        (job,) = got["inserted"]
        assert (job["numberRecordsTotal"], job["numberRecordsProcessed"]) == (ROWS, ROWS)
        assert job["numberRecordsFailed"] == 1
        assert len(got["good"]) == ROWS - 1
        assert {row["Description"] for row in got["good"]} == {
            f'line\n"{n}"' for n in range(ROWS) if n != 7
        }
        check_failed(got["bad"], "RB-7")
        assert got["left"] == []
        assert {row["Customer_Number__c"]: row["sf__Created"] for row in got["told"]} == {
            "RB-0": "false",
            "RB-NEW": "true",
        }
        for done, rows in (("upserted", 2), ("bulk_updated", 2), ("bulk_deleted", 2)):
            assert [
                (each["numberRecordsProcessed"], each["numberRecordsFailed"]) for each in got[done]
            ] == [(rows, 0)]
        check_bulk(sim, "RB-", got["ids"])
        held = accounts(sim)
        assert held[one]["Name"] == "Referee Renamed"
        assert "REF-2" not in by_number(held, "REF-")
        together = {row["Name"] for row in held.values() if row["Name"].startswith("Together")}
        assert together == {"Together 0", "Together 2"}
