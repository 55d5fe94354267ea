"""Backups of an org that turned hostile: an attack at each call, and how each backup ended.

    python tests/hostile_suite.py ATTACK@CALL ...

As a program it starts the server, attacks these calls of backups, one after the other, and prints
one line of JSON with all endings and its largest memory. The server is a process of its own, which
does not count.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import msgspec

from fakes.hostile_server import ATTACKS
from unlost.connectors.salesforce import AuthFlow, SalesforceConfig, SalesforceConnector
from unlost.engine.backup.backup import FinishedBackup, backup
from unlost.engine.backup.policy import BackupPolicy, CensusPolicy
from unlost.engine.backup.session import BackupPorts
from unlost.jobs.runner import LocalRunner
from unlost.jobs.store import StepStore
from unlost.model.errors import UnlostError
from unlost.model.finding import Severity
from unlost.model.ports.source import Context
from unlost.model.vault.certificate import Certificate
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import (
    FreeBudget,
    MemoryCache,
    MemoryLease,
    MemorySecretStore,
    NullObserver,
)
from unlost.testing.vault import memory_vault
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import open_vault

HERE = Path(__file__).parent
LONGEST_SENTENCE = 1_000
LONGEST = 600  # seconds of an attack at all calls; about ten on an idle machine
SLOW = frozenset(name for name in ATTACKS if name.startswith("drip-"))
SLOW_SPEED = 2_000.0


class HastyClock(VirtualClock):
    """Sleeps pass at once; with ``speed`` the quarter of an hour of a call is half a second."""

    def __init__(self) -> None:
        super().__init__()
        self.speed = 1.0

    def monotonic(self) -> float:
        return super().monotonic() + time.monotonic() * self.speed


@dataclass(frozen=True, slots=True)
class Ending:
    """How a backup ended: with an error, or with these findings in its certificate.

    ``silent`` are tables whose records in the new snapshot differ from those of the org, without a
    finding. ``intact``: the first snapshot is as it was.
    """

    attack: str
    place: str
    hits: int
    error: str
    sentence: str
    findings: tuple[str, ...]
    silent: tuple[str, ...]
    intact: bool
    bug: str = ""

    @property
    def good(self) -> bool:
        """True if the attack was refused in words, or changed nothing."""
        if self.bug or self.silent or not self.intact or not self.hits:
            return False
        return not self.error or (bool(self.sentence) and len(self.sentence) < LONGEST_SENTENCE)


class AttackedOrg:
    """An org that was backed up while it was honest, and a vault with that snapshot."""

    def __init__(self, url: str, work: Path) -> None:
        self.url = url
        self.work = work
        self.clock = HastyClock()
        self._agreed = self.clock.now()
        self.store = MemoryStore()
        self.vault = memory_vault(self.clock, store=self.store)
        self.steps = StepStore(work / "steps.sqlite")
        self.runs = 0
        self.oid = ""
        self._backup(full=True)
        self.rows = self._stored()
        self._first = {name: self.store.get(name) for name in self._names()}

    def attacked(self, attack: str, place: str) -> Ending:
        """Back up a day later, while the org is hostile at one call."""
        self.clock.advance(hours=24)
        self._control(attack, place)
        self.clock.speed = SLOW_SPEED if attack in SLOW else 1.0
        error, sentence, bug = "", "", ""
        findings: dict[str, str] = {}
        silent: tuple[str, ...] = ()
        try:
            certificate = self._backup(full=place != "deleted")
            if certificate is not None:
                findings = _findings(certificate)
                silent = self._silent(certificate, findings)
        except UnlostError as caught:
            error, sentence = caught.code, caught.sentence
        except BaseException as caught:  # what must never happen
            last = traceback.extract_tb(caught.__traceback__)[-1]
            bug = f"{type(caught).__name__} in {last.filename}:{last.lineno}: {caught}"[:300]
        hits = self._control("", "")
        kinds = tuple(sorted(set(findings.values())))
        return Ending(attack, place, hits, error, sentence, kinds, silent, self._intact(), bug)

    def _backup(self, *, full: bool) -> Certificate | None:
        self.runs += 1
        config = SalesforceConfig(
            login_url=self.url, client_id="key", auth=AuthFlow.CLIENT_CREDENTIALS,
            bulk_above=5, page_rows=15, parallel_pages_above=30,
        )  # fmt: skip
        context = Context(
            self.clock, SeededEntropy(1), MemorySecretStore({"client_secret": "s"}), FreeBudget(),
            NullObserver(), MemoryCache(),
        )  # fmt: skip
        with SalesforceConnector().open_source(config, context) as source:
            if not self.oid:
                self.oid = self.vault.ensure_org(source.identity())
            ports = BackupPorts(
                source=source, vault=self.vault, lease=MemoryLease(), clock=self.clock,
                runner=LocalRunner(f"r{self.runs}", store=self.steps, clock=self.clock),
                observer=NullObserver(),
                work=self.work,
            )  # fmt: skip
            policy = BackupPolicy(census=CensusPolicy.EVERY_NIGHT)
            done = backup(self.oid, ports, policy=policy, full=full)
            source.quotas()
        return done.certificate if isinstance(done, FinishedBackup) else None

    def _control(self, attack: str, place: str) -> int:
        """Begin an attack, by clocks that agree; returns the hits of the one before."""
        now = self.clock.now()
        seconds, self._agreed = (now - self._agreed).total_seconds(), now
        wanted = {"attack": attack, "place": place, "seconds": seconds}
        return int(httpx.post(f"{self.url}/attack", json=wanted, timeout=60).json()["hits"])

    def _names(self) -> list[str]:
        return [listed.name for listed in self.store.list("")]

    def _silent(self, certificate: Certificate, findings: dict[str, str]) -> tuple[str, ...]:
        """Tables without a finding whose records are not those of the org."""
        number = self.vault.snapshots(self.oid)[-1].number
        stored = self._stored(number)
        # A gap that names no table is about all: the list of objects, or the rights of the user.
        return tuple(
            name
            for name, ids in self.rows.items()
            if name not in findings and "" not in findings and stored.get(name) != ids
        )

    def _stored(self, number: int = 1) -> dict[str, list[str]]:
        snapshot = self.vault.at(self.oid, number)
        tables = sorted(table.name for table in snapshot.schema().tables)
        return {name: snapshot.scan(name).read_all().column("_u_id").to_pylist() for name in tables}

    def check_readable(self) -> None:
        """Raise AssertionError unless the first snapshot can still be read whole."""
        assert self._stored() == self.rows

    def _intact(self) -> bool:
        """True if another process can open the vault, and all objects of the first snapshot stayed."""
        sealed = self.vault.sealed
        self.vault = open_vault(
            self.store, keys=sealed.keys, clock=self.clock, entropy=sealed.entropy
        )
        listed = self.vault.snapshots(self.oid)[0].number == 1
        return listed and all(self.store.get(name) == data for name, data in self._first.items())


def _findings(certificate: Certificate) -> dict[str, str]:
    """Kinds of findings by table; the empty name for those about the org."""
    lines = {line.table: finding for line in certificate.tables for finding in line.findings}
    about_org = {
        finding.table or "": finding
        for finding in certificate.findings
        if finding.table or finding.severity is Severity.GAP
    }
    return {name: finding.kind.value for name, finding in (about_org | lines).items()}


@contextmanager
def server_process() -> Iterator[str]:
    """The address of a server in a process of its own."""
    words = [sys.executable, str(HERE / "fakes" / "hostile_server.py")]
    paths = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))
    child = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert child.stdout is not None
    try:
        yield child.stdout.readline().strip()
    finally:
        child.kill()
        child.wait()


@dataclass(frozen=True, slots=True)
class Strike:
    """An attack at one call of a backup."""

    attack: str
    place: str

    def __str__(self) -> str:
        return f"{self.attack}@{self.place}"


@dataclass(frozen=True, slots=True)
class Attacked:
    """The endings of some strikes, and the largest memory of their process in megabytes."""

    endings: tuple[Ending, ...]
    peak_mb: float


def attack_in_child(strikes: Sequence[Strike]) -> Attacked:
    """Strike backups in a process of their own, one after the other."""
    words = (sys.executable, str(Path(__file__)), *map(str, strikes))
    child = subprocess.run(words, stdout=subprocess.PIPE, check=True, timeout=LONGEST)
    return msgspec.json.decode(child.stdout, type=Attacked)


def attack_calls(strikes: Sequence[Strike]) -> Attacked:
    """Strike backups of one org, one after the other."""
    with server_process() as url, tempfile.TemporaryDirectory() as folder:
        org = AttackedOrg(url, Path(folder))
        endings = tuple(org.attacked(strike.attack, strike.place) for strike in strikes)
        org.check_readable()
        return Attacked(endings, _peak_mb())


def _peak_mb() -> float:
    # The program that starts a process counts in the figure of ``resource``; here it does not.
    (kib,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
    return int(kib) / 1024


if __name__ == "__main__":
    attacked = attack_calls([Strike(*word.split("@")) for word in sys.argv[1:]])
    sys.stdout.write(json.dumps(asdict(attacked)) + "\n")
    sys.stdout.flush()
    # Threads of native libraries were seen to wait for each other for ever while the process ended.
    os._exit(0)
