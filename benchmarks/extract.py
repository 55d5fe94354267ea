"""Extraction: a million contacts, and mails, by Unlost and by simple-salesforce, in one go.

    python benchmarks/extract.py [--contacts 1000] [--large 3000] [--mails 200] [--long-mails 20]

Sizes are in thousands of rows; 0 leaves a part out. The simulator renders a result before it is
measured, so that its own work stands in nobody's figure.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.measure import Cost, run
from benchmarks.results import Figure, keep
from unlost_simulators.process import SimulatorProcess

HERE = Path(__file__).parent
PEER = HERE.parent / ".bench" / "venv" / "bin" / "python"
MEGA = 1e6


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
        with SimulatorProcess("--scenario", scenario, "--scale", str(thousands)) as simulator:
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
        done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
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


def rate(what: str, key: str, megabytes: float, cost: Cost) -> Figure:
    """Megabytes of CSV for each second of CPU."""
    print(
        f"  {key}: {megabytes / cost.cpu_s:.1f} MB/CPU-s, {cost.wall_s:.1f} s wall, "
        f"{cost.peak_mb:.0f} MB peak",
        flush=True,
    )
    return Figure("salesforce", key, megabytes / cost.cpu_s, "MB/CPU-s", what)


def contacts(thousands: int) -> list[Figure]:
    """All figures of the first million."""
    what = f"{thousands * 1000:,} contacts x 45 columns, Bulk 2.0 to committed snapshot"
    with simulated("bench-contacts", thousands, "Contact") as org:
        download = peer(org, "download", "identity")
        parsed = peer(org, "csv", "identity")
        peer(org, "download", "gzip")  # the first one compresses
        megabytes = peer(org, "size", "identity").said["bytes"] / MEGA
        plain = unlost(org)
        packed = unlost(org, "--gzip")
        search = unlost(org, "--search")
    print(
        f"{what}: {megabytes:.0f} MB of CSV; simple-salesforce {download.cpu_s:.1f} CPU-s, "
        f"with csv.reader {parsed.cpu_s:.1f} CPU-s",
        flush=True,
    )
    return [
        rate(what + ", identity, no search", "extract_mb_per_cpu_s", megabytes, plain),
        rate(what + ", gzip, no search", "extract_gzip_mb_per_cpu_s", megabytes, packed),
        rate(what + ", identity, search", "extract_search_mb_per_cpu_s", megabytes, search),
        against("extract_cpu_vs_downloader", plain, "simple-salesforce, download only", download),
        against("extract_cpu_vs_csv_reader", plain, "simple-salesforce and csv.reader", parsed),
        Figure("salesforce", "extract_rss_1m_mb", search.peak_mb, "MB", what + ", search"),
    ]


def against(key: str, ours: Cost, name: str, theirs: Cost) -> Figure:
    """Our CPU seconds over the peer's."""
    ratio = ours.cpu_s / theirs.cpu_s
    print(f"  {key}: {ratio:.2f}", flush=True)
    return Figure(
        "salesforce", key, ratio, "ratio", "client CPU, no search, identity",
        peer=name, peer_value=round(theirs.cpu_s, 2), ratio=ratio,
    )  # fmt: skip


def large(thousands: int) -> list[Figure]:
    """Memory at three times the rows."""
    with simulated("bench-contacts", thousands, "Contact") as org:
        cost = unlost(org, "--search")
    print(f"{thousands * 1000:,} contacts: {cost.peak_mb:.0f} MB peak", flush=True)
    what = f"{thousands * 1000:,} contacts, search"
    return [Figure("salesforce", "extract_rss_3m_mb", cost.peak_mb, "MB", what)]


def mails(thousands: int) -> list[Figure]:
    """Mails of 20 kB."""
    what = f"{thousands * 1000:,} mails of 20 kB"
    with simulated("bench-mails", thousands, "EmailMessage") as org:
        parsed = peer(org, "csv", "identity")
        megabytes = peer(org, "size", "identity").said["bytes"] / MEGA
        plain = unlost(org)
    print(f"{what}: {megabytes:.0f} MB of CSV", flush=True)
    ratio = plain.cpu_s / parsed.cpu_s
    return [
        rate(what + ", identity, no search", "mails_mb_per_cpu_s", megabytes, plain),
        Figure("salesforce", "mails_cpu_vs_csv_reader", ratio, "ratio", what,
               peer="simple-salesforce and csv.reader", peer_value=round(parsed.cpu_s, 2),
               ratio=ratio),
    ]  # fmt: skip


def long_mails(thousands: int) -> list[Figure]:
    """Memory on mails of 131,072 characters."""
    with simulated("bench-mails:131072", thousands, "EmailMessage") as org:
        cost = unlost(org, "--search")
    what = f"{thousands * 1000:,} mails of 131,072 characters"
    print(f"{what}: {cost.peak_mb:.0f} MB peak", flush=True)
    return [Figure("salesforce", "mails_rss_mb", cost.peak_mb, "MB", what)]


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
    options = vars(parser.parse_args())
    for name, (measured, _) in PARTS.items():
        if options[name]:
            keep(measured(options[name]))


if __name__ == "__main__":
    main()
