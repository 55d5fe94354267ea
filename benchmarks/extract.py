"""Extraction: a million contacts, and mails, by Unlost and by simple-salesforce, in one go.

    python benchmarks/extract.py [--contacts 1000] [--large 3000] [--mails 200] [--long-mails 20] [--keep]

Sizes are in thousands of rows; 0 leaves a part out. The simulator renders a result before it is
measured, so that its own work stands in nobody's figure.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.measure import Cost, environment, median_of, run
from benchmarks.results import Figure, keep, versions
from unlost_simulators.process import SimulatorProcess

HERE = Path(__file__).parent
PEER = HERE.parent / ".bench" / "venv" / "bin" / "python"
MEGA = 1e6
ROUNDS = 3
READY_SECONDS = 1_800.0  # gigabytes are rendered before the first call


@dataclass(frozen=True, slots=True)
class Org:
    """A simulated org with one large table, and the folder for homes."""

    url: str
    table: str
    columns: str
    folder: Path


@contextmanager
def simulated(scenario: str, thousands: int, table: str) -> Iterator[Org]:
    """A running org; its Bulk result is rendered already."""
    folder = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        with SimulatorProcess(
            *("--scenario", scenario, "--scale", str(thousands)), ready_seconds=READY_SECONDS
        ) as simulator:
            yield Org(simulator.url, table, columns_of(simulator, table), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def columns_of(simulator: SimulatorProcess, table: str) -> str:
    """What both sides read: all columns that Bulk can give."""
    import httpx

    described = httpx.get(
        f"{simulator.url}/services/data/v66.0/sobjects/{table}/describe",
        headers={"Authorization": f"Bearer {simulator.token('chocolate-backup')}"},
    ).json()
    return ",".join(
        field["name"]
        for field in described["fields"]
        if field["type"] not in ("address", "location", "base64")
    )


def unlost(org: Org, *flags: str) -> Cost:
    """A first backup into a new home; the home's making is not measured."""
    home = Path(tempfile.mkdtemp(dir=org.folder))
    command = Path(sys.executable).with_name("unlost")
    secret = org.folder / "secret"
    secret.write_text("not-a-secret-chocolate")
    for arguments in (
        ["init", str(home / "home"), "--recovery-out", str(home / "sheet.txt")],
        [
            *("org", "add", "salesforce", "bench", "--home", str(home / "home")),
            *("--login-url", org.url, "--client-id", "chocolate-backup"),
            *("--client-secret-file", str(secret)),
        ],
    ):
        done = subprocess.run(
            [command, *arguments], capture_output=True, text=True, check=False, env=environment()
        )
        if done.returncode not in (0, 3):  # 3: done, with findings
            raise RuntimeError(done.stderr)
    cost = run(
        [
            *(str(HERE / "extract_unlost.py"), "--home", str(home / "home")),
            *("--table", org.table, *flags),
        ]
    )
    shutil.rmtree(home)
    return cost


def peer(org: Org, mode: str, encoding: str) -> Cost:
    """The same table by simple-salesforce."""
    return run(
        [
            *(str(HERE / "peer_simple_salesforce.py"), mode, "--url", org.url),
            *("--table", org.table, "--columns", org.columns, "--encoding", encoding),
        ],
        python=str(PEER),
    )


def rate(what: str, key: str, megabytes: float, costs: Sequence[Cost]) -> Figure:
    """Megabytes of CSV for each second of CPU; the middle one of several runs."""
    cost = median_of(costs)
    print(
        f"  {key}: {megabytes / cost.cpu_s:.1f} MB/CPU-s, {cost.wall_s:.1f} s wall, "
        f"{cost.peak_mb:.0f} MB peak",
        flush=True,
    )
    value = megabytes / cost.cpu_s
    return Figure("salesforce", key, value, "MB/CPU-s", what, runs=len(costs))


def against(key: str, what: str, ours: Sequence[Cost], name: str, theirs: Sequence[Cost]) -> Figure:
    """Our CPU seconds over the peer's, the middle ones of runs that took turns."""
    mine, other = median_of(ours).cpu_s, median_of(theirs).cpu_s
    ratio = mine / other
    print(f"  {key}: {mine:.2f} CPU-s over {other:.2f}: {ratio:.2f}", flush=True)
    return Figure(
        "salesforce", key, ratio, "ratio", what,
        peer=name, peer_value=round(other, 2), ratio=ratio, runs=len(ours),
        versions=versions(simple_salesforce=theirs[0].said["version"]),
    )  # fmt: skip


def peak(key: str, what: str, costs: Sequence[Cost]) -> Figure:
    """The largest memory that any of the runs took."""
    largest = max(cost.peak_mb for cost in costs)
    print(f"  {key}: {largest:.0f} MB peak", flush=True)
    return Figure("salesforce", key, largest, "MB", what, runs=len(costs))


def contacts(thousands: int) -> list[Figure]:
    """All figures of the first million; each round runs everything once."""
    what = f"{thousands * 1000:,} contacts x 45 columns, Bulk 2.0 to committed snapshot"
    costs: dict[str, list[Cost]] = {}
    with simulated("bench-contacts", thousands, "Contact") as org:
        peer(org, "download", "gzip")  # the first one compresses
        megabytes = peer(org, "size", "identity").said["bytes"] / MEGA
        for _ in range(ROUNDS):
            for name, cost in (
                ("download", peer(org, "download", "identity")),
                ("parsed", peer(org, "csv", "identity")),
                ("plain", unlost(org)),
                ("packed", unlost(org, "--gzip")),
                ("search", unlost(org, "--search")),
            ):
                costs.setdefault(name, []).append(cost)
    print(f"{what}: {megabytes:.0f} MB of CSV", flush=True)
    plain, beside = costs["plain"], "client CPU, no search, identity"
    downloader, reader = "simple-salesforce, download only", "simple-salesforce and csv.reader"
    return [
        rate(what + ", identity, no search", "extract_mb_per_cpu_s", megabytes, plain),
        rate(what + ", gzip, no search", "extract_gzip_mb_per_cpu_s", megabytes, costs["packed"]),
        rate(
            what + ", identity, search", "extract_search_mb_per_cpu_s", megabytes, costs["search"]
        ),
        against("extract_cpu_vs_downloader", beside, plain, downloader, costs["download"]),
        against("extract_cpu_vs_csv_reader", beside, plain, reader, costs["parsed"]),
        peak("extract_rss_1m_mb", what + ", search", costs["search"]),
    ]


def large(thousands: int) -> list[Figure]:
    """Memory at three times the rows."""
    what = f"{thousands * 1000:,} contacts, search"
    with simulated("bench-contacts", thousands, "Contact") as org:
        cost = unlost(org, "--search")
    return [peak("extract_rss_3m_mb", what, [cost])]


def mails(thousands: int) -> list[Figure]:
    """Mails of 20 kB."""
    what = f"{thousands * 1000:,} mails of 20 kB, identity, no search"
    with simulated("bench-mails", thousands, "EmailMessage") as org:
        download = peer(org, "download", "identity")
        parsed = peer(org, "csv", "identity")
        megabytes = peer(org, "size", "identity").said["bytes"] / MEGA
        plain = unlost(org)
    print(f"{what}: {megabytes:.0f} MB of CSV", flush=True)
    downloader, reader = "simple-salesforce, download only", "simple-salesforce and csv.reader"
    return [
        rate(what, "mails_mb_per_cpu_s", megabytes, [plain]),
        against("mails_cpu_vs_downloader", what, [plain], downloader, [download]),
        against("mails_cpu_vs_csv_reader", what, [plain], reader, [parsed]),
    ]


def long_mails(thousands: int) -> list[Figure]:
    """Memory on mails of 131,072 characters."""
    what = f"{thousands * 1000:,} mails of 131,072 characters, search"
    with simulated("bench-mails:131072", thousands, "EmailMessage") as org:
        cost = unlost(org, "--search")
    return [peak("mails_rss_mb", what, [cost])]


PARTS = {
    "contacts": (contacts, 1000),
    "large": (large, 3000),
    "mails": (mails, 200),
    "long_mails": (long_mails, 20),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, (_, thousands) in PARTS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=thousands)
    parser.add_argument("--keep", action="store_true")
    options = vars(parser.parse_args())
    for name, (measured, _) in PARTS.items():
        figures = measured(options[name]) if options[name] else []
        if options["keep"]:
            keep(figures)


if __name__ == "__main__":
    main()
