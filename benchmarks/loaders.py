"""Three ways to bring the graph into an org: Unlost's restore, CumulusCI, SFDMU.

Each gets a simulator of its own that has nothing but set-up rows. What a way needs beforehand (a
vault whose org lost everything, a dataset, CSV files) is made before it is measured.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import dataset_cumulusci, dataset_sfdmu
from benchmarks.graph import Graph
from benchmarks.graph_org import WRITER, Ids, Verdict, fill, judge, wipe
from benchmarks.measure import Cost, command, environment
from unlost_simulators.process import SimulatorProcess

HERE = Path(__file__).parent
PEERS = HERE.parent / ".bench"
CUMULUSCI = PEERS / "cumulusci" / "bin" / "python"
SFDMU = PEERS / "sfdmu"
PLACES = {"CumulusCI": CUMULUSCI, "SFDMU": SFDMU / "node_modules" / "sfdmu"}
UNLOST = Path(sys.executable).with_name("unlost")
READER, SECRET = "chocolate-backup", "not-a-secret-chocolate"
FINDINGS = 3  # done, with findings


@dataclass(frozen=True, slots=True)
class Load:
    """What one way did: its cost, its API calls, and what is in the org."""

    cost: Cost
    calls: int
    verdict: Verdict
    version: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What making a plan cost."""

    cost: Cost
    calls: int


@dataclass(frozen=True, slots=True)
class Manner:
    """How an org answers while it is measured.

    ``call``: seconds of the middle call, and of one of a hundred. ``queue``: seconds that a Bulk job
    waits before it runs, least and most. ``calls_left``: of its day; None: plenty.
    """

    name: str
    call: tuple[float, float] = (0.0, 0.0)
    queue: tuple[float, float] = (0.0, 0.0)
    calls_left: int | None = None

    def begin(self, org: SimulatorProcess) -> None:
        """From now on the org answers so."""
        timing = {"queue_real_least": self.queue[0], "queue_real_most": self.queue[1]}
        latency = {"median_seconds": self.call[0], "p99_seconds": self.call[1]}
        org.admin.post("bulk", latency=latency, timing=timing, ingest={"timing": timing})
        if self.calls_left is not None:
            org.admin.post("settings", daily_api_requests=calls(org) + self.calls_left)

    def end(self, org: SimulatorProcess) -> None:
        """What comes is not measured."""
        Manner("").begin(org)


AT_ONCE = Manner("an org that answers immediately")
REAL = Manner("an org that answers like a real one", call=(0.150, 1.5), queue=(20.0, 300.0))
SCARCE = Manner("an org that has few calls left", calls_left=1_000)


@contextmanager
def simulated() -> Iterator[SimulatorProcess]:
    """An org with set-up rows alone."""
    with SimulatorProcess("--scenario", "bench-graph") as simulator:
        yield simulator


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that goes away."""
    made = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def calls(org: SimulatorProcess) -> int:
    """API calls of the org's day."""
    return int(org.admin.get("counters")["api_used"])


# --- Unlost ---------------------------------------------------------------------------------------


class Home:
    """A home of Unlost whose org lost a graph."""

    def __init__(self, org: SimulatorProcess, root: Path) -> None:
        self.org, self.root = org, root
        self.plan_file = root / "plan.json"

    def lose(self, graph: Graph) -> Ids:
        """Put the graph into the org, back it up, delete it for good, see that it is gone."""
        ids = fill(self.org, graph)
        self.open()
        wipe(self.org, graph, ids)
        self.org.admin.post("clock/advance", days=1)
        self.run("backup", "bench", *self.home)
        return ids

    def open(self) -> None:
        """Add the org with a write user, and back it up."""
        secret = self.root / "secret"
        secret.write_text(SECRET)
        self.run("init", str(self.root / "home"), "--recovery-out", str(self.root / "sheet.txt"))
        at = ["--login-url", self.org.url, "--client-id", READER]
        signed = ["--client-secret-file", str(secret)]
        self.run("org", "add", "salesforce", "bench", *at, *signed, *self.home)
        self.run("org", "writer", "bench", "--client-id", WRITER, *signed, *self.home)
        self.run("backup", "bench", *self.home)

    @property
    def home(self) -> tuple[str, str]:
        """The option that names the home."""
        return "--home", str(self.root / "home")

    def run(self, *words: str) -> None:
        """A command that is not measured."""
        done = subprocess.run(
            [UNLOST, *words], capture_output=True, text=True, check=False, env=environment()
        )
        if done.returncode not in (0, FINDINGS):
            raise RuntimeError(done.stdout + done.stderr)

    def asked(self, *words: str) -> dict[str, Any]:
        """The answer of a command that is not measured, as JSON."""
        answer: dict[str, Any] = json.loads(command([str(UNLOST), *words, *self.home, "--json"])[1])
        return answer

    def measured(self, *words: str, manner: Manner = AT_ONCE) -> tuple[Cost, int]:
        """What a command costs, and its API calls."""
        before = calls(self.org)
        manner.begin(self.org)
        cost, _ = command([str(UNLOST), *words, *self.home], ok=(0, FINDINGS))
        manner.end(self.org)
        return cost, calls(self.org) - before

    def plan(self, *chosen: str, manner: Manner = AT_ONCE) -> Planned:
        """Plan what is chosen."""
        words = ("restore", "plan", "bench", *chosen, "--out", str(self.plan_file))
        return Planned(*self.measured(*words, manner=manner))

    def show(self) -> float:
        """Seconds that it takes to show the plan."""
        return self.measured("restore", "show", str(self.plan_file))[0].wall_s

    def restore(self, graph: Graph, *, manner: Manner = AT_ONCE) -> Load:
        """Run the plan."""
        cost, made = self.measured("restore", "run", str(self.plan_file), manner=manner)
        return Load(cost, made, judge(self.org, graph), version("unlost"))


def unlost(graph: Graph, manner: Manner) -> tuple[Planned, Load]:
    """Plan and restore all of it."""
    with folder() as root, simulated() as org:
        home = Home(org, root)
        home.lose(graph)
        planned = home.plan("--lost-between", "1", "2", manner=manner)
        return planned, home.restore(graph, manner=manner)


def customer(graph: Graph, *, times: int) -> list[float]:
    """Plan the first account of a graph with all that belongs to it; seconds to show the plan."""
    with folder() as root, simulated() as org:
        home = Home(org, root)
        ids = home.lose(graph)
        home.plan("--record", f"Account/{next(iter(ids['Account'].values()))}")
        return [home.show() for _ in range(times)]


# --- peers ----------------------------------------------------------------------------------------


def cumulusci(graph: Graph, manner: Manner) -> Load:
    """CumulusCI's ``load_dataset``."""
    with folder() as root, simulated() as org:
        database, mapping = dataset_cumulusci.write(graph, root)
        words = [
            *(str(CUMULUSCI), str(HERE / "peer_cumulusci.py"), "--url", org.url),
            *("--token", org.token(WRITER), "--org", org.ready["organization_id"]),
            *("--mapping", str(mapping), "--database", str(database)),
        ]
        manner.begin(org)
        cost, out = command(words)
        manner.end(org)
        said: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
        return Load(cost, calls(org), judge(org, graph), said["version"])


def sfdmu(graph: Graph, manner: Manner) -> Load:
    """SFDMU, run after run."""
    with folder() as root, simulated() as org:
        runs = dataset_sfdmu.write(graph, root, url=org.url, token=org.token(WRITER))
        costs = []
        manner.begin(org)
        for run in runs:
            words = ["node", str(SFDMU / "run.cjs"), "--sourceusername", "csvfile"]
            words += ["--targetusername", "bench", "--path", str(run), "--noprompt", "--quiet"]
            costs.append(command(words)[0])
        manner.end(org)
        package = json.loads((SFDMU / "node_modules/sfdmu/package.json").read_text("utf-8"))
        return Load(_sum(costs), calls(org), judge(org, graph), package["version"])


def _sum(costs: list[Cost]) -> Cost:
    return Cost(
        sum(cost.wall_s for cost in costs),
        sum(cost.cpu_s for cost in costs),
        max(cost.peak_mb for cost in costs),
    )
