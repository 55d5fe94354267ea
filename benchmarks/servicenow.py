"""ServiceNow: a first backup beside two clients that only download, and the calls of the next night.

    python benchmarks/servicenow.py [--incidents 200] [--tables 1] [--rounds 3] [--keep]

``--incidents`` are thousands, a tenth as many attachments with them; ``--tables`` are hundreds of rows
in each of 300 tables. 0 leaves a part out. The simulated instance is a process of its own.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.measure import Cost, command, median_of, run
from benchmarks.results import Figure, keep, versions
from unlost_simulators.servicenow.process import ServiceNowProcess
from unlost_simulators.servicenow.scenarios.chocolate.bench_tables import CHANGED, NAMES

HERE = Path(__file__).parent
PEER = HERE.parent / ".bench" / "venv" / "bin" / "python"
UNLOST = Path(sys.executable).with_name("unlost")
READY_SECONDS = 1_800.0
WITH_GAPS = 3  # the exit code of a backup whose certificate has gaps
OPENS = "2026-08-03T18:00:00"  # so long ago that its clock never overtakes this machine's
USER, PASSWORD = "backup@chocolate.example", "not-a-secret-chocolate"
PAGE = 2_000  # rows that Unlost asks for in a call
TABLE, FILES = "incident", "sys_attachment"
PEERS = {"pysnc": "PySNC", "pysnow": "pysnow"}


@dataclass(frozen=True, slots=True)
class Home:
    """A home with one connected instance."""

    path: Path

    def unlost(self, *words: str) -> tuple[Cost, dict[str, Any]]:
        """Run a command; its cost, and the JSON that it printed."""
        cost, out = command([str(UNLOST), *words, "--home", str(self.path)], ok={0, WITH_GAPS})
        return cost, json.loads(out) if out.startswith("{") else {}

    def backup(self) -> tuple[Cost, dict[str, Any]]:
        """Back the instance up; the cost, and the certificate."""
        cost, _ = self.unlost("backup", "bench", "--json")
        return cost, self.unlost("certificate", "bench", "--json")[1]["certificate"]


@contextmanager
def connected(url: str, *settings: str) -> Iterator[Home]:
    """A new home that knows the instance."""
    folder = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        home, secret = Home(folder / "home"), folder / "secret"
        secret.write_text(PASSWORD)
        command([str(UNLOST), "init", str(home.path), "--recovery-out", str(folder / "sheet.txt")])
        home.unlost(
            *("org", "add", "servicenow", "bench", "--url", url, "--username", USER),
            *("--password-file", str(secret), *settings),
        )
        yield home
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def instance(scenario: str, scale: int) -> ServiceNowProcess:
    """A running instance."""
    words = ("--scenario", scenario, "--scale", str(scale), "--opens", OPENS)
    return ServiceNowProcess(*words, ready_seconds=READY_SECONDS)


def columns_of(simulator: ServiceNowProcess) -> str:
    """The columns that all sides read: those with a value that is stored."""
    query = f"nameIN{TABLE},task^elementISNOTEMPTY"
    rows = simulator.admin.get("records", table="sys_dictionary", query=query)
    stored = {
        row["element"]
        for row in rows
        if row["virtual"] != "true" and not row["internal_type"].startswith("journal")
    }
    return ",".join(sorted(stored))


def first_backup(simulator: ServiceNowProcess) -> Cost:
    """Back up incidents and attachments with search into a new home; what was read as ``said``."""
    with connected(simulator.url, "--include", TABLE, "--include", FILES) as home:
        cost, certificate = home.backup()
    lines = {line["table"]: line for line in certificate["tables"]}
    return Cost(
        cost.wall_s, cost.cpu_s, cost.peak_mb,
        {"rows": lines[TABLE]["created"], "files": certificate["files"]},
    )  # fmt: skip


def download(simulator: ServiceNowProcess, peer: str, columns: str) -> Cost:
    """The same by a peer, which throws it away."""
    return run(
        [
            *(str(HERE / f"peer_{peer}.py"), "--url", simulator.url, "--user", USER),
            *("--password", PASSWORD, "--table", TABLE, "--columns", columns, "--page", str(PAGE)),
        ],
        python=str(PEER),
    )


def incidents(thousands: int, rounds: int) -> list[Figure]:
    """CPU and memory beside the peers; all take turns."""
    costs: dict[str, list[Cost]] = {name: [] for name in ("unlost", *PEERS)}
    with instance("bench-incidents", thousands) as simulator:
        columns = columns_of(simulator)
        for _ in range(rounds):
            for peer in PEERS:
                costs[peer].append(download(simulator, peer, columns))
            costs["unlost"].append(first_backup(simulator))
    read = {(cost.said["rows"], cost.said["files"]) for each in costs.values() for cost in each}
    if read != {(thousands * 1_000, thousands * 100)}:
        raise RuntimeError(f"not all read the same: {read}")
    rows, files = read.pop()
    what = f"{rows:,} incidents x {len(columns.split(','))} columns, {files:,} attachments"
    return [*_beside(what, rows, costs), _over_leaner(what, costs), _peak(what, costs["unlost"])]


def _beside(what: str, rows: int, costs: Mapping[str, Sequence[Cost]]) -> Iterator[Figure]:
    """Rows a CPU-second and peak memory beside each peer."""
    for key, unit, value in (
        ("rows_per_cpu_s", "rows/CPU-s", lambda each: rows / median_of(each).cpu_s),
        ("peak_mb", "MB", lambda each: max(cost.peak_mb for cost in each)),
    ):
        for peer, label in PEERS.items():
            ours, theirs = value(costs["unlost"]), value(costs[peer])
            print(f"  {key}: {ours:.1f}, {label}: {theirs:.1f} {unit}", flush=True)
            yield Figure(
                "servicenow", f"{key}_beside_{peer}", ours, unit, what, peer=label,
                peer_value=round(theirs, 1), ratio=ours / theirs, runs=len(costs[peer]),
                versions=_versions(costs),
            )  # fmt: skip


def _over_leaner(what: str, costs: Mapping[str, Sequence[Cost]]) -> Figure:
    """CPU over that of the peer that needs less."""
    leaner = min(PEERS, key=lambda peer: median_of(costs[peer]).cpu_s)
    mine, other = median_of(costs["unlost"]).cpu_s, median_of(costs[leaner]).cpu_s
    print(f"  {mine:.1f} CPU-s over {other:.1f}, {PEERS[leaner]}: {mine / other:.2f}", flush=True)
    return Figure(
        "servicenow", "extract_cpu_vs_downloader", mine / other, "ratio",
        f"{mine:.1f} CPU-s of the client, with search; {what}",
        peer=f"{PEERS[leaner]}, download only", peer_value=round(other, 2), ratio=mine / other,
        runs=len(costs["unlost"]), versions=_versions(costs),
    )  # fmt: skip


def _peak(what: str, costs: Sequence[Cost]) -> Figure:
    largest = max(cost.peak_mb for cost in costs)
    return Figure("servicenow", "extract_rss_mb", largest, "MB", what, runs=len(costs))


def _versions(costs: Mapping[str, Sequence[Cost]]) -> Mapping[str, str]:
    return versions(**{peer: costs[peer][0].said["version"] for peer in PEERS})


def tables(hundreds: int) -> list[Figure]:
    """The calls of a backup a day after the first; people changed a record in 20 of 300 tables."""
    with instance("bench-tables", hundreds) as simulator, connected(simulator.url) as home:
        home.backup()
        simulator.admin.post("clock/advance", hours=24)
        simulator.admin.post("story/change-tables")
        before = len(simulator.admin.get("requests"))
        _, certificate = home.backup()
        calls = Counter(call["object"] for call in simulator.admin.get("requests")[before:])
    changed = {line["table"] for line in certificate["tables"] if line["changed"]}
    if not changed >= set(CHANGED):
        raise RuntimeError(f"changes were missed: {set(CHANGED) - changed}")
    unchanged = [calls[name] for name in NAMES if name not in CHANGED]
    total, most = calls.total(), max(unchanged)
    what = (
        f"{len(NAMES)} tables, {len(CHANGED)} changed; {most} at most; the whole backup took "
        f"{total:,} calls for {len(certificate['tables'])} tables"
    )
    mean = sum(unchanged) / len(unchanged)
    print(f"  {mean:.3f} calls for an unchanged table: {what}", flush=True)
    figure = Figure("servicenow", "calls_per_unchanged_table", mean, "calls", what)
    return [figure, Figure("servicenow", "calls_of_night", float(total), "calls", what)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--incidents", type=int, default=200)
    parser.add_argument("--tables", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    for figures in (
        tables(options.tables) if options.tables else [],
        incidents(options.incidents, options.rounds) if options.incidents else [],
    ):
        if options.keep:
            keep(figures)


if __name__ == "__main__":
    main()
