"""The command line of a system, and the client of its admin API."""

import argparse
import json
import os
import signal
import ssl

import pytest

from simulators.kit.bakery import Bakeries
from unlost_simulators.kit import command
from unlost_simulators.kit.orgs import OrgOptions, OrgPlan, OrgRegistry
from unlost_simulators.kit.process import AdminClient, SimulatorFailed


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_options(parser, flags="[,fresh]")
    return parser.parse_args(words)


def test_options_that_every_system_has(monkeypatch) -> None:
    monkeypatch.delenv(command.OPENS_VARIABLE, raising=False)
    options = parsed("--scale", "3", "--org", "a=x", "--org", "b=y", "--running-clock")
    assert (options.scale, options.org, options.running_clock) == (3, ["a=x", "b=y"], True)
    assert (options.opens, options.scenario, options.tls) == (None, "chocolate", False)
    monkeypatch.setenv(command.OPENS_VARIABLE, "2026-11-02")
    assert parsed().opens.isoformat() == "2026-11-02T00:00:00+00:00"


@pytest.fixture
def signals_restored():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.network
@pytest.mark.parametrize("words", [(), ("--tls",), ("--org", "a=x", "--org", "b=y,scale=5")])
def test_a_ready_line_is_printed_and_the_orgs_answer(
    words, monkeypatch, signals_restored, tmp_path
) -> None:
    lines: list[object] = []

    def ready(line: str) -> None:
        lines.append(json.loads(line))
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(command, "_print", ready)
    folder = ("--tls-dir", str(tmp_path)) if "--tls" in words else ()
    assert command.serve(parsed(*words, *folder), Bakeries(), OrgOptions(scale=2)) == 0
    (line,) = lines
    assert isinstance(line, dict)
    assert line["url"].startswith("https" if "--tls" in words else "http:")
    assert [org["loaves"] for org in line["orgs"]] == ([2, 5] if len(words) == 4 else [2])
    if "--tls" in words:
        assert ssl.create_default_context(cafile=line["ca"]).cert_store_stats()["x509_ca"] == 1


@pytest.mark.network
def test_the_client_of_the_admin_api() -> None:
    registry = OrgRegistry("127.0.0.1", Bakeries(), OrgOptions())
    try:
        org = registry.open(OrgPlan("main", OrgOptions(scale=4)))
        admin = AdminClient(org.line()["admin"])
        assert admin.post("sell", loaves=1) == {"loaves": 3}
        assert admin.fault("cut", after_bytes=1) == "fault-1"
        assert admin.unhit_faults() == ["fault-1"]
        assert admin.get("requests", after=0) == []
        with pytest.raises(SimulatorFailed, match=r"409 .*so many there are not"):
            admin.post("sell", loaves=99)
    finally:
        registry.close_all()
