"""Replies to writes that never come, over a real connection, plain and by TLS."""

import http.client
import json
import ssl
import urllib.parse
from collections.abc import Iterator

import pytest

from integration.simulators.wire import BASE
from patience import HANGING
from unlost_simulators.process import SimulatorProcess

pytestmark = pytest.mark.network
KEY = "chocolate-backup"


@pytest.fixture(scope="module", params=["plain", "tls"])
def sim(request) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(*(["--tls"] if request.param == "tls" else [])) as running:
        yield running


@pytest.fixture(autouse=True)
def every_fault_is_hit(sim) -> Iterator[None]:
    sim.admin.post("faults/clear")
    yield
    assert sim.admin.unhit_faults() == []


def connect(sim: SimulatorProcess) -> http.client.HTTPConnection:
    address = urllib.parse.urlsplit(sim.url)
    if sim.ca is None:
        return http.client.HTTPConnection(address.netloc, timeout=HANGING)
    context = ssl.create_default_context(cafile=sim.ca)
    return http.client.HTTPSConnection(address.netloc, timeout=HANGING, context=context)


def send(connection, sim, method: str, path: str, body: object) -> http.client.HTTPResponse:
    headers = {"Authorization": f"Bearer {sim.token(KEY)}", "Content-Type": "application/json"}
    connection.request(method, f"{BASE}/{path}", json.dumps(body), headers)
    return connection.getresponse()


def held(sim: SimulatorProcess, name: str) -> int:
    rows = sim.admin.get("export", object="Account")["rows"]
    return sum(row["Name"] == name for row in rows)


def test_the_connection_ends_without_a_byte_and_the_row_is_there(sim) -> None:
    sim.admin.fault("reply_lost", method="POST", path="/sobjects/Account")
    connection = connect(sim)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        send(connection, sim, "POST", "sobjects/Account", {"Name": "Never told"})
    connection.close()
    assert held(sim, "Never told") == 1
    connection = connect(sim)
    answer = send(connection, sim, "POST", "sobjects/Account", {"Name": "Told"})
    assert (answer.status, json.loads(answer.read())["success"]) == (201, True)
    connection.close()


def test_a_kept_connection_may_end_in_its_second_exchange(sim) -> None:
    sim.admin.fault("reply_lost", method="POST", path="/sobjects/Account", skip=1)
    connection = connect(sim)
    assert send(connection, sim, "POST", "sobjects/Account", {"Name": "First"}).read()
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        send(connection, sim, "POST", "sobjects/Account", {"Name": "Second"})
    connection.close()
    assert (held(sim, "First"), held(sim, "Second")) == (1, 1)


def test_a_reply_ends_in_its_middle(sim) -> None:
    sim.admin.fault("cut", method="POST", path="/composite/sobjects", after_bytes=20)
    records = [{"attributes": {"type": "Account"}, "Name": "Half told"} for _ in range(3)]
    connection = connect(sim)
    answer = send(connection, sim, "POST", "composite/sobjects", {"records": records})
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    assert len(caught.value.partial) == 20
    connection.close()
    assert held(sim, "Half told") == 3
