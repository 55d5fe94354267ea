"""Metrics for Prometheus and a health endpoint, over HTTP on this machine only.

Metrics contain names of orgs and storages, but nothing about records.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.http.request import split_domain_port, validate_host
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from unlost.alerts.watched import AlertFacts, OrgFacts
from unlost.model.errors import StoreError

LOOPBACK = "127.0.0.1"
TOO_LONG = timedelta(minutes=5)  # since the last tick: then the service is unhealthy

type Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class ServiceSample:
    """The figures of one tick of the service. ``alerts`` counts open alerts by urgency."""

    at: datetime
    watched: AlertFacts
    alerts: dict[str, int]
    waiting: int
    running: int


@dataclass(slots=True)
class MetricsBoard:
    """Holds the newest sample for readers. Thread-safe."""

    _newest: ServiceSample | None = None

    def show(self, sample: ServiceSample) -> None:
        """Replace the sample."""
        self._newest = sample

    @property
    def newest(self) -> ServiceSample | None:
        """The newest sample, if there is one."""
        return self._newest


class ServiceFigures(Collector):
    """A Prometheus collector of the newest sample."""

    def __init__(self, board: MetricsBoard) -> None:
        self._board = board

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all metrics; none before the first sample."""
        sample = self._board.newest
        if sample is not None:
            yield from _of_service(sample)
            for figure in ORG_FIGURES:
                yield _family(figure, sample.watched.orgs)
            yield from _storages(sample.watched.orgs)


def _of_service(sample: ServiceSample) -> Iterator[GaugeMetricFamily]:
    yield _plain(
        "last_look_timestamp_seconds",
        "Time of the last check by the service",
        sample.at.timestamp(),
    )
    jobs = GaugeMetricFamily("unlost_jobs", "Jobs by state", labels=["state"])
    jobs.add_metric(["waiting"], sample.waiting)
    jobs.add_metric(["running"], sample.running)
    yield jobs
    alerts = GaugeMetricFamily("unlost_alerts", "Open alerts, by urgency", labels=["urgency"])
    for urgency, count in sorted(sample.alerts.items()):
        alerts.add_metric([urgency], count)
    yield alerts
    check = sample.watched.check
    if check is not None:
        yield _plain(
            "vault_checked_timestamp_seconds", "Time of the last verification of the vault",
            check.at.timestamp(),
        )  # fmt: skip
        yield _plain("vault_damages", "Damages found by the last verification", len(check.damages))


@dataclass(frozen=True, slots=True)
class OrgFigure:
    """A metric of an org; its value is None if unknown."""

    name: str
    words: str
    of: Callable[[OrgFacts], float | None]


def _newest_backup(org: OrgFacts) -> float | None:
    return org.proof.as_of.timestamp() if org.proof is not None else None


def _newest_hour(org: OrgFacts) -> float | None:
    return org.part.as_of.timestamp() if org.part is not None else None


def _complete(org: OrgFacts) -> float | None:
    return float(not org.gaps) if org.proof is not None else None


def _records(org: OrgFacts) -> float | None:
    return sum(line.stored for line in org.proof.tables) if org.proof is not None else None


def _failures(org: OrgFacts) -> float | None:
    return org.nights[0].failures if org.nights else None


ORG_FIGURES = (
    OrgFigure(
        "last_backup_timestamp_seconds", "Time that the newest backup represents", _newest_backup
    ),
    OrgFigure(
        "last_hourly_timestamp_seconds",
        "Time that the newest hourly backup since then represents",
        _newest_hour,
    ),
    OrgFigure("backup_complete", "1 if the newest backup has no open gap", _complete),
    OrgFigure("records", "Records in the newest backup", _records),
    OrgFigure("night_failures", "Failed attempts of the newest nightly backup", _failures),
    OrgFigure("runs_running", "Active runs", lambda org: len(org.running)),
    OrgFigure(
        "api_calls_used", "API calls of the last 24 hours, by all programs", lambda o: o.calls_used
    ),
    OrgFigure(
        "api_calls_limit", "API calls that the org allows in 24 hours", lambda o: o.calls_limit
    ),
)


def _family(figure: OrgFigure, orgs: Iterable[OrgFacts]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"unlost_org_{figure.name}", figure.words, labels=["org"])
    for org in orgs:
        value = figure.of(org)
        if value is not None:
            family.add_metric([org.name], value)
    return family


def _storages(orgs: Iterable[OrgFacts]) -> Iterator[GaugeMetricFamily]:
    labels = ["org", "storage"]
    used = GaugeMetricFamily("unlost_org_storage_used_bytes", "Storage in use", labels=labels)
    limit = GaugeMetricFamily("unlost_org_storage_limit_bytes", "Storage allowed", labels=labels)
    for org in orgs:
        for name, seen in org.forecasts.items():
            used.add_metric([org.name, name], seen.now)
            limit.add_metric([org.name, name], seen.limit)
    yield used
    yield limit


def _plain(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"unlost_{name}", words, value=value)


# --- over HTTP ------------------------------------------------------------------------------------


class _Server(ThreadingMixIn, WSGIServer):
    """Serves each request in its own thread, so that an idle client blocks no other."""

    # The process ends even if a client still holds a connection.
    daemon_threads = True
    block_on_close = False


class _Quiet(WSGIRequestHandler):
    """Does not log requests, and drops clients that send nothing."""

    timeout = 10

    def log_message(self, *_args: object) -> None:
        """Do nothing."""


def application(board: MetricsBoard, now: Now, *, hosts: Sequence[str]) -> WSGIApplication:
    """Serve `/metrics` for Prometheus; `/health` is 200 while the service ticks, else 503.

    Requests for a name that is not in ``hosts`` are 400, as on the console.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServiceFigures(board))
    metrics: WSGIApplication = make_wsgi_app(registry)

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if not _is_for(environ, hosts):
            start("400 Bad Request", [("Content-Type", "text/plain")])
            return [b"Unknown host name.\n"]
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return metrics(environ, start)
        if path == "/health":
            return _health(board, now(), start)
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b"Available paths: /metrics and /health.\n"]

    return answer


def _is_for(environ: WSGIEnvironment, hosts: Sequence[str]) -> bool:
    """True if a request names one of the hosts, by Django's rule.

    A website whose name leads to this machine's address (DNS rebinding) names itself.
    """
    # Programs without the header are no browsers, which always send it.
    domain, _port = split_domain_port(environ.get("HTTP_HOST", LOOPBACK))
    return validate_host(domain, hosts)


def _health(board: MetricsBoard, now: datetime, start: StartResponse) -> Iterable[bytes]:
    sample = board.newest
    ticking = sample is not None and now - sample.at <= TOO_LONG
    report = {
        "status": "ok" if ticking else "stalled",
        "last_look": sample.at.isoformat() if sample is not None else None,
    }
    start(
        "200 OK" if ticking else "503 Service Unavailable", [("Content-Type", "application/json")]
    )
    return [json.dumps(report).encode() + b"\n"]


@contextmanager
def served(board: MetricsBoard, now: Now, *, port: int, hosts: Sequence[str]) -> Iterator[int]:
    """Serve until the context ends; yields the port. Port 0 chooses a free one.

    ``hosts`` are the names under which it answers. Raises StoreError (``port-taken``).
    """
    try:
        answers = application(board, now, hosts=hosts)
        server: WSGIServer = make_server(
            LOOPBACK, port, answers, server_class=_Server, handler_class=_Quiet
        )
    except OSError as error:
        raise StoreError(
            "port-taken",
            "Port {port} of this machine cannot be used: {reason}.",
            next_step="Choose another port with --metrics.",
            port=port,
            reason=error.strerror,
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
