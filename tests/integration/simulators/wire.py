"""A client that hides nothing of what the simulator sends."""

import http.client
import json
import urllib.parse
from typing import Any

from patience import HANGING
from unlost_simulators.process import SimulatorProcess

BASE = "/services/data/v66.0"


class Wire:
    """One raw HTTP connection, so that nothing between hides what the server sends."""

    def __init__(self, sim: SimulatorProcess, consumer_key: str = "chocolate-backup") -> None:
        self.sim = sim
        self.token = sim.token(consumer_key)

    def send(self, method: str, path: str, body: object = None, **headers: str):
        host = urllib.parse.urlsplit(self.sim.url).netloc
        connection = http.client.HTTPConnection(host, timeout=HANGING)
        named = {"Authorization": f"Bearer {self.token}", **headers}
        text = None if body is None else json.dumps(body)
        connection.request(method, f"{BASE}/{path}", text, named)
        return connection, connection.getresponse()

    def json(self, method: str, path: str, body: object = None) -> dict:
        connection, answer = self.send(method, path, body)
        try:
            assert answer.status < 300, answer.read()
            return json.loads(answer.read())
        finally:
            connection.close()

    def read(self, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        connection, answer = self.send("GET", path, **headers)
        try:
            return answer, answer.read()
        finally:
            connection.close()

    def results(self, soql: str = "SELECT Id, LastName, Email FROM Contact") -> str:
        job = self.json("POST", "jobs/query", {"operation": "query", "query": soql})["id"]
        while (info := self.json("GET", f"jobs/query/{job}"))["state"] != "JobComplete":
            assert info["state"] == "InProgress", info
        return f"jobs/query/{job}/results"

    def soql(self, text: str, resource: str = "query", **headers: str) -> tuple[int, Any]:
        """Run a query: status and JSON of its first page."""
        path = f"{resource}?q={urllib.parse.quote(text)}"
        connection, answer = self.send("GET", path, **headers)
        try:
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def total(self, text: str, resource: str = "query") -> int:
        """``totalSize`` of a query that must succeed."""
        status, document = self.soql(text, resource)
        assert status == 200, document
        return int(document["totalSize"])
