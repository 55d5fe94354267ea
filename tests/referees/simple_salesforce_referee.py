"""Drives simple-salesforce, unchanged, and prints what it got as one JSON object.

Runs in the referees' own environment and imports nothing of this project. The library composes
``https://DOMAIN.salesforce.com`` itself: the environment names a proxy that leads those hosts to
the simulator, and the authority that signed its certificate.
Arguments: consumer key, consumer secret, username, file of the private key.
"""

import hashlib
import json
import sys

from simple_salesforce import Salesforce, SalesforceAuthenticationFailed, SalesforceMalformedRequest


def main() -> None:
    key, secret, username, key_file = sys.argv[1:5]
    sf = Salesforce(consumer_key=key, consumer_secret=secret, domain="chocolate.my", version="60.0")
    facts = {"instance": sf.sf_instance, **logins(key, secret, username, key_file)}
    facts |= describes(sf) | queries(sf) | bulk(sf) | records(sf)
    json.dump(facts, sys.stdout)


def logins(key: str, secret: str, username: str, key_file: str) -> dict[str, object]:
    by_jwt = Salesforce(username=username, consumer_key=key, privatekey_file=key_file)
    by_password = Salesforce(
        username=username,
        password="not-a-password",
        consumer_key="third-party",
        consumer_secret="not-a-secret-third-party",
    )
    try:
        Salesforce(consumer_key=key, consumer_secret="wrong", domain="chocolate.my")
        refused = None
    except SalesforceAuthenticationFailed as error:
        refused = error.code
    return {
        "jwt_accounts": by_jwt.query("SELECT COUNT() FROM Account")["totalSize"],
        "password_accounts": by_password.query("SELECT COUNT() FROM Account")["totalSize"],
        "refused_login": refused,
    }


def describes(sf: Salesforce) -> dict[str, object]:
    listing = sf.describe()
    account = sf.Account.describe()
    return {
        "objects": sorted(each["name"] for each in listing["sobjects"]),
        "account_fields": sorted(each["name"] for each in account["fields"]),
        "account_metadata": sf.Account.metadata()["objectDescribe"]["name"],
        "limits": sorted(sf.limits()),
        "usage": list(sf.api_usage["api-usage"]),
    }


def queries(sf: Salesforce) -> dict[str, object]:
    pages = 1
    result = sf.query("SELECT Id FROM EmailMessage ORDER BY Id")
    ids = [each["Id"] for each in result["records"]]
    while not result["done"]:
        result = sf.query_more(result["nextRecordsUrl"], identifier_is_url=True)
        ids += [each["Id"] for each in result["records"]]
        pages += 1
    everything = sf.query_all_iter("SELECT Id, IsDeleted FROM Contact", include_deleted=True)
    try:
        sf.query("SELECT Nonsense__c FROM Contact")
        refused = None
    except SalesforceMalformedRequest as error:
        refused = error.content[0]["errorCode"]
    return {
        "mail_ids": ids,
        "pages": pages,
        "contacts_with_deleted": sum(1 for _ in everything),
        "refused": refused,
    }


def bulk(sf: Salesforce) -> dict[str, object]:
    soql = "SELECT Id, LastName, Email FROM Contact"
    pages = list(sf.bulk2.Contact.query(soql, max_records=150, wait=0.1))
    everything = list(sf.bulk2.Contact.query_all("SELECT Id FROM Contact", wait=0.1))
    return {"bulk_pages": pages, "bulk_all_pages": everything}


def records(sf: Salesforce) -> dict[str, object]:
    version = sf.query(
        "SELECT Id, Checksum, ContentSize, VersionData FROM ContentVersion"
        " WHERE ContentSize > 0 ORDER BY Id LIMIT 1"
    )["records"][0]
    address = f"https://{sf.sf_instance}{version['VersionData']}"
    body = sf.session.get(address, headers=sf.headers, timeout=60)
    body.raise_for_status()
    account_id = sf.query("SELECT Id FROM Account ORDER BY Id LIMIT 1")["records"][0]["Id"]
    account = sf.Account.get(account_id)
    return {
        "blob_md5": hashlib.md5(body.content).hexdigest(),
        "blob_checksum": version["Checksum"],
        "blob_sizes": [len(body.content), version["ContentSize"]],
        "account": [account_id, account["Id"], account["Name"]],
    }


if __name__ == "__main__":
    main()
