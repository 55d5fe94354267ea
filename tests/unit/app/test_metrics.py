"""What the service saw is there for Prometheus, and whether it is well for whoever watches it."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from homes import World
from patience import HANGING
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.service import metrics, service
from unlost.app.service.metrics import MetricsBoard, served
from unlost.app.service.service import Service
from unlost.catalog.alerts import update_alerts
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.errors import StoreError
from unlost.model.message import Message
from unlost.model.source.quota import Quota
from unlost.web.serving import ReachedAddress

HOSTS = ReachedAddress(origins=("https://unlost.acme.example",)).hosts

pytestmark = pytest.mark.network

type Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Asked:
    """Somebody who asks over HTTP."""

    def __init__(self, world: World) -> None:
        self.world, self.board, self.port = world, MetricsBoard(), 0

    def get(self, path: str, *, host: str = "127.0.0.1") -> tuple[int, str]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        request.add_header("Host", f"{host}:{self.port}")
        try:
            with opener.open(request, timeout=HANGING) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def samples(self) -> Samples:
        code, text = self.get("/metrics")
        assert code == 200
        return {
            (one.name, tuple(sorted(one.labels.items()))): one.value
            for family in text_string_to_metric_families(text)
            for one in family.samples
        }

    def look(self) -> None:
        Service(
            lambda cancel_flag: self.world.opened(cancel_flag=cancel_flag),
            CancellationFlag(),
            board=self.board,
        ).run(once=True)


@pytest.fixture
def asked(sales: World) -> Iterator[Asked]:
    change(sales.app, "sales", ScheduleChange(at="off"))
    made = Asked(sales)
    with served(made.board, sales.clock.now, port=0, hosts=HOSTS) as made.port:
        yield made


def test_before_the_first_look_there_are_no_figures_and_no_health(asked: Asked) -> None:
    assert asked.samples() == {}
    code, text = asked.get("/health")
    assert code == 503
    assert json.loads(text) == {"status": "stalled", "last_look": None}
    assert asked.get("/")[0] == 404


def test_what_was_seen_is_told(asked: Asked) -> None:
    world = asked.world
    source = world.connector.source("one")
    source.quota = (Quota("data storage", 70.0, 100.0, "bytes"),)
    for _ in range(8):
        backup(world.app, "sales")
        world.clock.advance(days=1)
    update_alerts(
        [RaisedAlert(AlertRule.API_BUDGET, "sales", "", Urgency.SOON, Message("", "Much.", ""))],
        now=world.clock.now(),
    )
    asked.look()
    seen = asked.samples()
    org = (("org", "sales"),)
    storage = (("org", "sales"), ("storage", "data storage"))
    held = (world.clock.now() - timedelta(days=1)).timestamp()
    assert seen["unlost_org_last_backup_timestamp_seconds", org] == held
    assert seen["unlost_org_backup_complete", org] == 1
    assert seen["unlost_org_records", org] > 3
    assert seen["unlost_org_storage_used_bytes", storage] == 70
    assert seen["unlost_org_storage_limit_bytes", storage] == 100
    assert seen["unlost_alerts", (("urgency", "now"),)] == 0
    assert seen["unlost_last_look_timestamp_seconds", ()] == world.clock.now().timestamp()
    assert ("unlost_org_night_failures", org) not in seen, "there was no night yet"
    asked.look()
    assert asked.samples()["unlost_vault_damages", ()] == 0, "the vault was verified meanwhile"


def test_a_service_that_stopped_to_look_is_not_well(asked: Asked) -> None:
    asked.look()
    code, text = asked.get("/health")
    assert (code, json.loads(text)["status"]) == (200, "ok")
    asked.world.clock.advance(seconds=301)
    assert asked.get("/health")[0] == 503


def test_a_port_that_is_taken_is_told(asked: Asked) -> None:
    with (
        pytest.raises(StoreError) as caught,
        served(MetricsBoard(), asked.world.clock.now, port=asked.port, hosts=HOSTS),
    ):
        raise AssertionError("never")
    assert caught.value.code == "port-taken"


def test_only_this_machine_is_answered(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts: list[str] = []
    make = metrics.make_server

    def noted(host: str, *told: Any, **named: Any) -> Any:
        hosts.append(host)
        return make(host, *told, **named)

    monkeypatch.setattr(metrics, "make_server", noted)
    with served(MetricsBoard(), asked.world.clock.now, port=0, hosts=HOSTS):
        assert hosts == ["127.0.0.1"]


def test_a_website_whose_name_leads_to_this_machine_reads_no_figures(asked: Asked) -> None:
    for host in ("attacker.example", "127.0.0.1.attacker.example", "", "a/b"):
        for path in ("/metrics", "/health"):
            assert asked.get(path, host=host) == (400, "Unknown host name.\n"), host


def test_the_names_of_the_console_read_the_figures(asked: Asked) -> None:
    for host in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]", "unlost.acme.example"):
        assert asked.get("/metrics", host=host)[0] == 200, host


def test_a_program_that_names_no_host_reads_the_figures(asked: Asked) -> None:
    with socket.create_connection(("127.0.0.1", asked.port)) as old:
        old.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert old.makefile("rb").readline().split()[1] == b"200"


def test_nothing_of_a_record_is_in_the_figures(asked: Asked) -> None:
    backup(asked.world.app, "sales")
    asked.look()
    _, text = asked.get("/metrics")
    assert "unlost_org_records" in text
    for value in ("Schoko", "0040017", "A40017"):
        assert value not in text


def test_one_who_says_nothing_holds_nobody_up(asked: Asked) -> None:
    asked.look()
    with socket.create_connection(("127.0.0.1", asked.port)) as silent:
        assert asked.get("/health")[0] == 200
        with served(MetricsBoard(), asked.world.clock.now, port=0, hosts=HOSTS) as port:
            waiting = socket.create_connection(("127.0.0.1", port))
        waiting.close()
        assert silent.fileno() >= 0


def test_a_look_that_failed_is_no_sign_of_health(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_told: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(service, "enqueue_due_jobs", broken)
    asked.look()
    assert asked.get("/health")[0] == 503
    monkeypatch.undo()
    monkeypatch.setattr(service, "list_alerts", broken)
    asked.look()  # the service lives on
    assert asked.get("/health")[0] == 503
