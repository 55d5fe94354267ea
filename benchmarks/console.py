"""What people wait for in the console, over a large org: 100,000 records with a million versions.

    python benchmarks/console.py [--records 100000] [--nights 100] [--keep]

Contacts go straight into the vault; then `unlost up` is started as people start it, the first admin
signs in over HTTP, and pages are asked for one after the other, with records drawn at random.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks import contacts
from benchmarks.measure import command, environment, median, percentile
from benchmarks.results import Figure, keep
from benchmarks.vault_nights import BATCH, observed
from unlost.web.serving import use_settings

use_settings()

from unlost.app.actions.vault.compact import compact_after_backup  # noqa: E402 (Django is told first)
from unlost.app.compose import Application, open_application  # noqa: E402 (Django is told first)
from unlost.app.home.home import read_home_key  # noqa: E402
from unlost.catalog.orgs.orgs import ProtectedOrg, save_org  # noqa: E402
from unlost.model.org import OrgIdentity  # noqa: E402
from unlost.model.source.reading import Rows  # noqa: E402
from unlost.model.source.schema import Schema  # noqa: E402
from unlost.model.vault.snapshot import CommitKind, TableCommit  # noqa: E402

AREA = "console"
UNLOST = Path(sys.executable).with_name("unlost")
PASSWORD = "correct horse battery staple"
IDENTITY = OrgIdentity("salesforce", "00DBENCHMARK000AAA", label="Bench", zone="UTC")
ORG, TABLE = "bench", "Contact"
VERSIONS = 10  # of a record, in the middle
SEED = 11
ASKED = 200
WARM = 10
EDITED = ("Phone", "MailingStreet", "Choice1", "Amount1", "Text1", "Stamp0")


@dataclass
class Crowd:
    """All contacts as they are now; a night changes a few columns of some of them."""

    random: np.random.Generator
    now: pa.Table

    @classmethod
    def of(cls, records: int) -> "Crowd":
        random = np.random.default_rng(SEED)
        parts = [
            contacts.batch(random, np.arange(start, min(start + BATCH, records)))
            for start in range(0, records, BATCH)
        ]
        return cls(random, pa.Table.from_batches(parts))

    def night(self, numbers: NDArray[np.int64]) -> pa.RecordBatch:
        """These contacts with new contents in the columns that people edit."""
        fresh = contacts.batch(self.random, numbers)
        held = self.now.take(pa.array(numbers)).combine_chunks().to_batches()[0]
        columns = [
            fresh.column(name) if name in EDITED else held.column(name)
            for name in held.schema.names
        ]
        return pa.RecordBatch.from_arrays(columns, names=held.schema.names)


def fill(app: Application, *, records: int, nights: int) -> int:
    """An org with as many nights; how many versions the vault holds then."""
    crowd, now = Crowd.of(records), datetime.now(UTC)
    oid = app.whole_vault.ensure_org(IDENTITY)
    save_org(ProtectedOrg(ORG, oid, IDENTITY, now, {"login_url": "https://login.example"}))
    commit_night(app, oid, 0, map(observed, crowd.now.to_batches()), now - timedelta(days=nights))
    each = records * (VERSIONS - 1) // nights
    for number in range(1, nights + 1):
        chosen = np.sort(crowd.random.choice(records, each, replace=False))
        pages = [observed(crowd.night(part)) for part in np.array_split(chosen, -(-each // BATCH))]
        commit_night(app, oid, number, iter(pages), now - timedelta(days=nights - number))
        compact_after_backup(app, oid)  # as the service does it after each night
    return records + each * nights


def commit_night(
    app: Application, oid: str, number: int, pages: Iterator[Rows], as_of: datetime
) -> None:
    """One backup of the only table."""
    commit = app.whole_vault.begin(
        oid, run=f"night-{number:04}", kind=CommitKind.BACKUP, identity=IDENTITY
    )
    if number == 0:
        commit.put_schema(Schema((contacts.TABLE,), "f"))
    added = commit.add(TABLE, pages)
    commit.finish([TableCommit(TABLE, (added,))], as_of=as_of)


@dataclass
class Served:
    """A console that runs, and its process."""

    url: str
    first: str
    process: int

    def memory_mb(self) -> float:
        """What the process holds now."""
        told = Path(f"/proc/{self.process}/status").read_text("utf-8")
        found = re.search(r"VmRSS:\s+(\d+)", told)
        assert found is not None
        return int(found[1]) / 1024


def first_link(home: Path) -> str:
    """The path that makes the first admin; `unlost up` shows it on terminals alone."""
    words = [UNLOST, "user", "link", "--json", "--home", str(home)]
    done = subprocess.run(words, env=environment(), capture_output=True, check=True)
    return str(json.loads(done.stdout)["path"])


@contextmanager
def served(home: Path) -> Iterator[Served]:
    """`unlost up`, as people start it."""
    child = subprocess.Popen(
        [UNLOST, "up", "--port", "0", "--home", str(home)],
        env={**environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        for line in child.stdout:
            found = re.search(r"http://[^/\s]+", line)
            if found is not None:
                yield Served(found[0], first_link(home), child.pid)
                break
    finally:
        child.terminate()
        child.wait(60)


def sign_in(client: httpx.Client, first: str) -> None:
    """Make the first admin by the link."""
    page = client.get(first)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token is not None
    answer = client.post(
        first,
        data={
            "csrfmiddlewaretoken": token[1],
            "name": "lena",
            "password": PASSWORD,
            "again": PASSWORD,
        },
        headers={"Origin": str(client.base_url).rstrip("/")},
    )
    assert answer.status_code == 302, answer.text


def timed(client: httpx.Client, paths: Sequence[str]) -> list[float]:
    """Milliseconds of each page; the first few are not counted."""
    took = []
    for path in paths:
        start = time.perf_counter()
        answer = client.get(path, follow_redirects=True)
        took.append((time.perf_counter() - start) * 1e3)
        assert answer.status_code == 200, (path, answer.status_code)
        assert "<h1" in answer.text
    return took[WARM:]


def asked(nights: Sequence[int], *, records: int) -> Mapping[str, list[str]]:
    """Paths of each kind of page; ``nights`` are the numbers of the backups."""
    random = np.random.default_rng(SEED + 1)
    people = random.integers(0, records, ASKED + WARM)
    chosen = random.integers(1, len(nights) - 1, ASKED + WARM)
    pairs = [(nights[int(at)], nights[int(at) + 1]) for at in chosen]
    ids = contacts.ids(people).to_pylist()
    compare = f"/orgs/{ORG}/compare/"
    return {
        "record": [f"/orgs/{ORG}/records/{TABLE}/{one}/" for one in ids],
        "search": [f"/find/?all=1&q={contacts.number(int(one))}" for one in people],
        "compare": [f"{compare}?a={a}&b={b}" for a, b in pairs],
        "list": [f"{compare}?a={a}&b={b}&table={TABLE}&kind=changed" for a, b in pairs],
        "home": ["/"] * (ASKED // 4 + WARM),
    }


def first_page_kib(url: str, cookies: httpx.Cookies) -> float:
    """The home page and all that it needs, as a browser with an empty cache fetches it."""
    total, headers = 0, {"Accept-Encoding": "gzip, br"}
    with httpx.Client(base_url=url, cookies=cookies, headers=headers) as client:
        page = client.get("/")
        links = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        total += over_the_wire(page)
        for link in dict.fromkeys(links):
            total += over_the_wire(client.get(urljoin(url, link)))
    return total / 1024


def over_the_wire(answer: httpx.Response) -> int:
    """Bytes of the head and the body, as they were sent."""
    assert answer.status_code == 200, answer.url
    head = sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
    return head + answer.num_bytes_downloaded


def most_queries(app: Application, paths: Mapping[str, Sequence[str]]) -> tuple[int, str]:
    """The largest number of SQL queries of any page, and which; in this process."""
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from unlost.web.serving import ReachedAddress, holding, set_up

    set_up(read_home_key(app.home), ReachedAddress())
    counts: dict[str, int] = {}
    with holding(app):
        client = Client(SERVER_NAME="localhost")
        backend = "django.contrib.auth.backends.ModelBackend"
        client.force_login(get_user_model().objects.get(username="lena"), backend=backend)
        client.get("/")
        for path in pages(paths):
            with CaptureQueriesContext(connection) as seen:
                status = client.get(path).status_code
            assert status in (200, 302), (path, status)  # what is only one org's leads there
            counts[path] = len(seen.captured_queries)
    path = max(counts, key=lambda one: counts[one])
    return counts[path], path


def pages(paths: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """One of each page that shows an org or the home."""
    record = paths["record"][0]
    org = f"/orgs/{ORG}/"
    return [
        *(kind[0] for kind in paths.values()),
        *(f"{record}{tab}/" for tab in ("fields", "related", "files")),
        *(org + part for part in ("", "lost/", "storage/", "schedule/", "settings/", "writer/")),
        *(f"/{part}/" for part in ("runs", "orgs", "storage", "alerts", "schedules", "vault")),
        *(f"/settings/{part}" for part in ("", "tokens/", "people/", "sso/", f"hidden/?org={ORG}")),
        "/audit/",
        "/alerts/channels/",
    ]


def measure(folder: Path, *, records: int, nights: int) -> list[Figure]:
    """All figures of a console in a folder that is empty."""
    home = folder / "home"
    command([str(UNLOST), "init", str(home), "--recovery-out", str(folder / "sheet")])
    with open_application(home) as app:
        versions = fill(app, records=records, nights=nights)
        (oid,) = app.whole_vault.orgs()
        numbers = [info.number for info in app.whole_vault.snapshots(oid)]
    what = f"{records:,} records, {versions:,} versions, {nights} nights, warm"
    paths = asked(numbers, records=records)
    figures = []
    with served(home) as console, httpx.Client(base_url=console.url, timeout=60) as client:
        sign_in(client, console.first)
        for kind, wanted in paths.items():
            took = timed(client, wanted)
            print(f"  {kind}: median {median(took):.1f} ms, p95 {percentile(took, 0.95):.1f} ms")
            figures.append(Figure(AREA, f"{kind}_p95_ms", percentile(took, 0.95), "ms", what))
        kib = first_page_kib(console.url, client.cookies)
        figures.append(Figure(AREA, "first_page_kib", kib, "KiB", "home, cold cache, gzip"))
        figures.append(
            Figure(AREA, "rss_mb", console.memory_mb(), "MB", f"after all of it; {what}")
        )
    with open_application(home) as app:
        count, path = most_queries(app, paths)
    figures.append(Figure(AREA, "queries_per_page_max", count, "queries", f"at {path}"))
    return figures


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--nights", type=int, default=100)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unlost-bench-") as folder:
        figures = measure(Path(folder), records=options.records, nights=options.nights)
    for figure in figures:
        print(f"  {figure.key}: {figure.value:.1f} {figure.unit} ({figure.what})")
    if options.keep:
        keep(figures)


if __name__ == "__main__":
    main()
