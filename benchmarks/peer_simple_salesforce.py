"""The peer: simple-salesforce reads the same table by Bulk 2.0, unchanged, as its users do.

``download`` takes the pages as they come; ``csv`` also parses them with Python's csv module;
``size`` only says how many bytes there are, and is not measured.
It insists on https, so an adapter sends its calls to the simulator's plain port: neither side pays
for TLS.
"""

import argparse
import csv
import json
import sys
from importlib.metadata import version
from io import StringIO
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce


class PlainAdapter(HTTPAdapter):
    """Sends https requests over http."""

    def send(self, request, **arguments):  # type: ignore[no-untyped-def]
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **arguments)


def sign_in(url: str, encoding: str) -> Salesforce:
    token = requests.post(
        f"{url}/services/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": "chocolate-backup",
            "client_secret": "not-a-secret-chocolate",
        },
        timeout=30,
    ).json()["access_token"]
    session = requests.Session()
    session.mount("https://", PlainAdapter())
    session.headers["Accept-Encoding"] = encoding
    host = urlsplit(url).netloc
    return Salesforce(
        instance_url=f"https://{host}", session_id=token, session=session, version="66.0"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["download", "csv", "size"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--columns", required=True)
    parser.add_argument("--encoding", default="identity")
    parser.add_argument("--page", type=int, default=50_000)
    options = parser.parse_args()
    csv.field_size_limit(sys.maxsize)
    salesforce = sign_in(options.url, options.encoding)
    table = getattr(salesforce.bulk2, options.table)
    soql = f"SELECT {options.columns} FROM {options.table}"
    size = rows = length = 0
    for page in table.query_all(soql, max_records=options.page, wait=0.1):
        size += len(page)
        if options.mode == "size":
            length += len(page.encode())
        if options.mode == "csv":
            rows += sum(1 for _ in csv.reader(StringIO(page))) - 1
    print(
        json.dumps(
            {
                "characters": size,
                "bytes": length,
                "rows": rows,
                "version": version("simple-salesforce"),
            }
        )
    )


if __name__ == "__main__":
    main()
