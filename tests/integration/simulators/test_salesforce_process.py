"""A real server in a process of its own: start, stop, TLS, broken bodies, speed."""

import gzip
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.simulators.wire import Wire
from patience import HANGING
from unlost_simulators.kit.command import OPENS_VARIABLE
from unlost_simulators.process import SimulatorFailed, SimulatorProcess

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def sim() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture
def wire(sim: SimulatorProcess) -> Iterator[Wire]:
    sim.admin.post("faults/clear")
    yield Wire(sim)
    assert sim.admin.unhit_faults() == []


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("limits", {"Content-Type", "Content-Length", "Date", "Sforce-Limit-Info", "Vary",
                    "Cache-Control", "X-SFDC-Request-Id", "Set-Cookie", "Server"}),
        ("sobjects", {"ETag", "Last-Modified", "Content-Encoding"}),
        ("/results", {"Sforce-Locator", "Sforce-NumberOfRecords", "Content-Type"}),
        ("/VersionData", {"Transfer-Encoding", "Content-Type"}),
    ],
)  # fmt: skip
def test_a_client_that_looks_headers_up_in_their_usual_case_finds_them(
    wire, path: str, wanted: set[str]
) -> None:
    """Names as they were sent: `http.client` finds them in any case, but lists them so."""
    if path == "/results":
        path = wire.results()
    elif path == "/VersionData":
        soql = "SELECT+Id+FROM+ContentVersion+WHERE+ContentSize+>+1000+LIMIT+1"
        version = wire.json("GET", f"query?q={soql}")["records"][0]["Id"]
        path = f"sobjects/ContentVersion/{version}/VersionData"
    for wish in ("keep-alive", "close"):
        answer, _ = wire.read(path, **{"Accept-Encoding": "gzip", "Connection": wish})
        assert answer.status == 200
        names = set(answer.headers.keys())
        assert wanted <= names
        assert [name for name in names if name == name.lower()] == []
        assert ("Connection" in names) == (wish == "close")


def test_cut_with_a_length_ends_before_it(sim, wire) -> None:
    path = wire.results()
    _, whole = wire.read(path)
    sim.admin.fault("cut", path="/results", after_bytes=5000)
    with pytest.raises(http.client.IncompleteRead) as caught:
        wire.read(path)
    assert caught.value.partial == whole[:5000]
    assert caught.value.expected == len(whole) - 5000
    assert wire.read(path)[1] == whole


def test_cut_inside_the_last_cell_over_the_wire(sim, wire) -> None:
    path = wire.results()
    whole = wire.read(path)[1]
    sim.admin.fault("cut", path="/results", place="last_cell")
    with pytest.raises(http.client.IncompleteRead) as caught:
        wire.read(path)
    assert caught.value.partial.count(b'"') % 2 == 1
    assert whole.startswith(caught.value.partial)


def test_cut_of_a_chunked_body(sim, wire) -> None:
    path = wire.results()
    sim.admin.fault("cut", path="/results", after_bytes=5000, framing="chunked")
    connection, answer = wire.send("GET", path)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.headers["Content-Length"] is None
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    assert len(caught.value.partial) == 5000
    connection.close()


def test_clean_cut_of_a_gzip_body_is_a_truncated_stream(sim, wire) -> None:
    path = wire.results()
    sim.admin.fault("cut", path="/results", place="half", framing="clean")
    answer, body = wire.read(path, **{"Accept-Encoding": "gzip"})
    assert int(answer.headers["Content-Length"]) == len(body)
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert unpack.decompress(body)
    assert not unpack.eof
    answer, body = wire.read(path, **{"Accept-Encoding": "gzip"})
    assert gzip.decompress(body) == wire.read(path)[1]


def test_cut_of_a_blob(sim, wire) -> None:
    soql = "SELECT+Id+FROM+ContentVersion+WHERE+ContentSize+>+1000+LIMIT+1"
    version = wire.json("GET", f"query?q={soql}")["records"][0]["Id"]
    path = f"sobjects/ContentVersion/{version}/VersionData"
    whole = wire.read(path)[1]
    sim.admin.fault("cut", path="/VersionData", after_bytes=1000)
    with pytest.raises(http.client.IncompleteRead) as caught:
        wire.read(path)
    assert caught.value.partial == whole[:1000]


def test_drip(sim, wire) -> None:
    sim.admin.fault("drip", path="/limits", chunk=100, seconds=0.02)
    started = time.monotonic()
    _, body = wire.read("limits")
    assert time.monotonic() - started > 0.02 * (len(body) // 100)
    assert "DataStorageMB" in json.loads(body)


def test_tls_with_the_test_authority() -> None:
    with SimulatorProcess("--tls") as sim:
        assert sim.url.startswith("https://127.0.0.1:")
        assert sim.admin.get("clock")["now"]
        parts = urllib.parse.urlsplit(sim.url)
        bare = ssl.create_default_context()
        with (
            socket.create_connection((parts.hostname, parts.port)) as raw,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            bare.wrap_socket(raw, server_hostname="127.0.0.1")
        assert sim.token("chocolate-narrow").startswith("00D")
        ca = sim.ca
        assert sim.stop() == 0
    assert not Path(str(ca)).exists()


def test_sigterm_ends_it_in_peace() -> None:
    with SimulatorProcess() as sim:
        sim.token("chocolate-backup")
        os.kill(sim.pid, signal.SIGTERM)
        assert sim.stop() == 0


def test_it_stops_when_its_parent_is_gone() -> None:
    script = (
        "import os, sys\n"
        "from unlost_simulators.process import SimulatorProcess\n"
        "sim = SimulatorProcess()\n"
        "print(sim.pid, flush=True)\n"
        "os._exit(9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=HANGING, check=False
    )
    child = int(done.stdout)
    for _ in range(200):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the simulator outlived its parent")


def test_simulators_that_start_in_different_weeks_can_open_at_the_same_time() -> None:
    week, own = "2026-11-09T18:00:00+00:00", "2026-10-05T18:00:00+00:00"
    environment = {OPENS_VARIABLE: week}
    with SimulatorProcess(environment=environment) as sim:
        assert sim.ready["now"] == week
    with SimulatorProcess("--opens", own, environment=environment) as sim:
        assert sim.ready["now"] == own
    with pytest.raises(SimulatorFailed, match="did not get ready"):
        SimulatorProcess(environment={OPENS_VARIABLE: "soon"})


def test_a_wrong_option_is_told() -> None:
    with pytest.raises(SimulatorFailed, match="did not get ready"):
        SimulatorProcess("--scenario", "no-such-scenario")


def test_a_refused_admin_call_is_told(sim) -> None:
    with pytest.raises(SimulatorFailed, match="nobody is called"):
        sim.admin.post("sessions/expire", username="nobody")
