"""Ingest jobs as a client sees them, from the order to the three result files."""

import csv
import io
from dataclasses import dataclass
from typing import Any

ENDED = {"JobComplete", "Failed", "Aborted"}


@dataclass
class Load:
    """One job of a client."""

    client: Any
    id: str

    @classmethod
    def open(cls, client, operation: str, of: str = "Account", **order: str) -> "Load":
        wanted = {"operation": operation, "object": of, **order}
        answer = client.post("jobs/ingest", wanted)
        assert answer.status_code == 200, answer.text
        return cls(client, answer.json()["id"])

    @classmethod
    def run(cls, client, operation: str, text: str, of: str = "Account", **order: str) -> "Load":
        """Open, upload, close, and poll until the job has ended."""
        load = cls.open(client, operation, of, **order)
        load.put(text)
        load.close()
        for _ in range(50):
            if load.info()["state"] in ENDED:
                return load
        raise AssertionError(load.info())

    def call(self, method: str, tail: str = "", **rest: Any):
        return self.client.call(method, f"jobs/ingest/{self.id}{tail}", **rest)

    def put(self, text: str | bytes, status: int = 201):
        data = text.encode() if isinstance(text, str) else text
        answer = self.call(
            "PUT", "/batches", content=data, headers={"Content-Type": "text/csv; charset=UTF-8"}
        )
        assert answer.status_code == status, answer.text
        return answer

    def close(self):
        answer = self.call("PATCH", json={"state": "UploadComplete"})
        assert answer.status_code == 200, answer.text
        return answer

    def abort(self):
        return self.call("PATCH", json={"state": "Aborted"})

    def info(self) -> dict[str, Any]:
        answer = self.call("GET")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def text(self, kind: str) -> str:
        answer = self.call("GET", f"/{kind}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/csv; charset=UTF-8"
        return answer.text

    def rows(self, kind: str, delimiter: str = ",") -> list[dict[str, str]]:
        text = self.text(kind)
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))

    @property
    def successful(self) -> list[dict[str, str]]:
        return self.rows("successfulResults")

    @property
    def failed(self) -> list[dict[str, str]]:
        return self.rows("failedResults")

    @property
    def unprocessed(self) -> list[dict[str, str]]:
        return self.rows("unprocessedrecords")


def error(answer) -> dict:
    (only,) = answer.json()
    return {"status": answer.status_code, **only}


def one(client, soql: str) -> dict:
    (record,) = client.get(f"query?q={soql.replace(' ', '+')}").json()["records"]
    return record


def count(client, soql: str) -> int:
    return client.get(f"query?q={soql.replace(' ', '+')}").json()["totalSize"]


def numbered(rows: int) -> str:
    return "Name,Customer_Number__c\n" + "".join(f"Row {n},N{n}\n" for n in range(rows))
