"""Drives the writing side of simple-salesforce, unchanged; prints what it reports as JSON.

Runs in the referees' own environment and imports nothing of this project; see
``simple_salesforce_referee``. Arguments: consumer key, consumer secret.
"""

import csv
import io
import json
import sys

from simple_salesforce import Salesforce, SalesforceMalformedRequest, SalesforceResourceNotFound

ROWS = 450


def main() -> None:
    sf = Salesforce(
        consumer_key=sys.argv[1],
        consumer_secret=sys.argv[2],
        domain="chocolate.my",
        version="60.0",
    )
    facts = singles(sf) | collections(sf) | bulk(sf)
    json.dump(facts, sys.stdout)


def singles(sf: Salesforce) -> dict[str, object]:
    made = sf.Account.create({"Name": "Referee One", "Customer_Number__c": "REF-1"})
    again = sf.Account.upsert("Customer_Number__c/REF-1", {"Name": "Referee Renamed"})
    fresh = sf.Account.upsert("Customer_Number__c/REF-2", {"Name": "Referee Two"})
    changed = sf.Account.update(made["id"], {"Phone": "+32 9 0170017"})
    got = sf.Account.get_by_custom_id("Customer_Number__c", "REF-1")
    try:
        sf.Account.create({"Phone": "1"})
        refused = None
    except SalesforceMalformedRequest as error:
        refused = error.content
    second = sf.Account.get_by_custom_id("Customer_Number__c", "REF-2")["Id"]
    gone = sf.Account.delete(second)
    try:
        sf.Account.delete(second)
        missing = None
    except SalesforceResourceNotFound as error:
        missing = error.status
    return {
        "created": made,
        "upserts": [again, fresh],
        "updated": changed,
        "got": [got["Id"], got["Name"], got["Phone"]],
        "refused": refused,
        "deleted": gone,
        "missing": missing,
    }


def collections(sf: Salesforce) -> dict[str, object]:
    records = [{"attributes": {"type": "Account"}, "Name": f"Together {n}"} for n in range(3)]
    records[1].pop("Name")
    answer = sf.restful(
        "composite/sobjects", method="POST", json={"allOrNone": False, "records": records}
    )
    return {"collection": answer}


def bulk(sf: Salesforce) -> dict[str, object]:
    accounts = sf.bulk2.Account
    rows = [
        {"Name": f"Bulk {n}", "Customer_Number__c": f"RB-{n}", "Description": f'line\n"{n}"'}
        for n in range(ROWS)
    ]
    rows[7]["Name"] = ""
    inserted = accounts.insert(records=rows, wait=0.1)
    job = inserted[0]["job_id"]
    good = table(accounts.get_successful_records(job))
    bad = table(accounts.get_failed_records(job))
    left = table(accounts.get_unprocessed_records(job))
    upserted = accounts.upsert(
        records=[
            {"Customer_Number__c": "RB-0", "Name": "Bulk renamed"},
            {"Customer_Number__c": "RB-NEW", "Name": "Bulk fresh"},
        ],
        external_id_field="Customer_Number__c",
        wait=0.1,
    )
    told = table(accounts.get_successful_records(upserted[0]["job_id"]))
    ids = {row["Customer_Number__c"]: row["sf__Id"] for row in good}
    updated = accounts.update(
        records=[{"Id": ids["RB-1"], "Name": "Bulk updated"}, {"Id": ids["RB-2"], "Phone": "#N/A"}],
        wait=0.1,
    )
    deleted = accounts.delete(records=[{"Id": ids["RB-3"]}, {"Id": ids["RB-4"]}], wait=0.1)
    return {
        "inserted": inserted,
        "good": good,
        "bad": bad,
        "left": left,
        "upserted": upserted,
        "told": told,
        "bulk_updated": updated,
        "bulk_deleted": deleted,
        "ids": ids,
    }


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


if __name__ == "__main__":
    main()
