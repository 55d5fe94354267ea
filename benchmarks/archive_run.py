"""An archive of thousands of cases with mails and files, and the way back of one of them.

    python benchmarks/archive_run.py [--cases 10000] [--keep]

The cases were closed long ago; each has two mails, and each fifth a file. One case has 50 mails and 20
files. All leave a simulated org that answers immediately; that case comes back. See README.md for the
fewest calls of a run.
"""

import argparse
import base64
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import batched
from math import ceil
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.fewest_calls import DESCRIBES_PER_CALL, ROWS_PER_CALL
from benchmarks.graph_org import WRITER, publish
from benchmarks.loaders import SECRET, Home, folder
from benchmarks.measure import run
from benchmarks.results import Figure, keep
from unlost.app.compose import open_application
from unlost.engine.restore.running.copies import damaged_files
from unlost.engine.restore.running.passes.archiving import FIRST_TURN, TURN
from unlost.model.source.schema import Schema, Table
from unlost_simulators.process import SimulatorProcess

AREA = "archive"
ADMIN = "lotte.devos@chocolate.example"
PART = 2_000  # rows of one admin call
MAILS, FILES = 2, 5  # mails of a case; one of so many cases has a file
LARGE_MAILS, LARGE_FILES = 50, 20  # of the case that comes back
FILE_BYTES = 40_000
TEXT = "Where are my pralines? " * 20

LINKS = "ContentDocumentLink"  # its changes cannot be queried
ROWS_PER_ANSWER = 2_000  # of a query or a retrieve
QUERIES_PER_CALL = 5  # queries, or retrieves by ids, of a composite
JOB_READS = 4  # calls of a Bulk query: start, look, fetch, delete
UNITS = {"MB": 1e6, "kB": 1e3}

type Row = dict[str, object]
type Step = dict[str, Any]


def fill(org: SimulatorProcess, cases: int) -> str:
    """Put old cases with their mails and files into an org; the id of the one with many."""
    stamp = f"{datetime.now(UTC) - timedelta(days=900):%Y-%m-%dT%H:%M:%SZ}"
    closed = {"Status": "Closed", "IsClosed": True, "ClosedDate": stamp}
    ids = _insert(org, "Case", ({"Subject": f"Case {n}", **closed} for n in range(cases)), stamp)
    large = ids[0]
    mails = [case for case in ids[1:] for _ in range(MAILS)] + [large] * LARGE_MAILS
    _insert(org, "EmailMessage", (_mail(case, stamp) for case in mails), stamp)
    holders = [*ids[1::FILES], *[large] * LARGE_FILES]
    publish(org, [_file(case, number) for number, case in enumerate(holders)])
    return large


def _mail(case: str, stamp: str) -> Row:
    return {"ParentId": case, "Subject": "Pralines", "TextBody": TEXT, "MessageDate": stamp}


def _file(case: str, number: int) -> Row:
    body = base64.b64encode(number.to_bytes(8, "big") * (FILE_BYTES // 8)).decode("ascii")
    name = f"Letter {number}"
    return {
        "attributes": {"type": "ContentVersion"}, "Title": name, "PathOnClient": f"{name}.txt", "VersionData": body,
        "FirstPublishLocationId": case,
    }  # fmt: skip


def _insert(org: SimulatorProcess, table: str, rows: Iterator[Row], stamp: str) -> list[str]:
    ids: list[str] = []
    for part in batched(rows, PART):
        made = org.admin.post("records/insert", object=table, rows=list(part), stamp=stamp)
        ids += made["ids"]
    return ids


def fewest(plan: dict[str, Any], schema: Schema) -> int:
    """The fewest calls of a run that keeps the promises of an archive.

    It describes all tables. In each turn each planned record is read once; the changes of each
    watched table are read; new links to records are asked for; records are deleted by table and
    level; and the details that left with them are looked for. After the last turn the changes are
    read once more.

    Records are not deleted by jobs, although a job of many records takes fewer calls: it waits in a
    queue, and what changes meanwhile would be deleted unseen.
    """
    groups: dict[int, list[Step]] = defaultdict(list)
    for step in plan["steps"]:
        groups[step.get("group", 0)].append(step)
    watched, gone = (
        watched_tables(schema, {step["table"] for step in plan["steps"]}),
        Counter[str](),
    )
    total = ceil(len(schema.tables) / DESCRIBES_PER_CALL) + _changes(watched, gone)
    for turn in _turns(list(groups.values())):
        masters = Counter((s["table"], s["level"]) for s in turn if s["because"] is None)
        details = Counter(step["table"] for step in turn if step["because"] is not None)
        rows, links = Counter(step["table"] for step in turn), 1
        gone += rows
        total += _looks(rows) + links + _looks(details) + _changes(watched, gone)
        total += sum(ceil(n / ROWS_PER_CALL) for n in masters.values())
    return total


def _looks(rows: Counter[str]) -> int:
    """Calls that read so many rows of each table by their ids."""
    return ceil(sum(ceil(n / ROWS_PER_ANSWER) for n in rows.values()) / QUERIES_PER_CALL)


def _changes(watched: set[str], gone: Counter[str]) -> int:
    """Calls that read the changes of tables: five queries a call, which has room for deleted ids.

    Each reading goes back an hour, because a slow transaction becomes visible with an older stamp.
    In that hour of the simulated org, whose clock stands still, all earlier turns fall: it delivers
    the rows that they deleted, page after page or by a job.
    """
    pages = sum(
        min(ceil(gone[table] / ROWS_PER_ANSWER) - 1, JOB_READS) for table in watched & {*gone}
    )
    return ceil(len(watched) / QUERIES_PER_CALL) + pages


def _turns(groups: list[list[Step]]) -> Iterator[list[Step]]:
    turn: list[Step] = []
    size = FIRST_TURN
    for group in sorted(groups, key=len):
        if turn and len(turn) + len(group) > size:
            yield turn
            turn, size = [], TURN
        turn += group
    yield turn


def watched_tables(schema: Schema, planned: set[str]) -> set[str]:
    """The planned tables, those that refer to them, and those that they name, with a stamp."""
    named = {table.name: _named(table) for table in schema.tables}
    watched = planned | {target for name in planned for target in named[name]}
    watched |= {name for name, targets in named.items() if targets & planned}
    stamped = {table.name for table in schema.tables if table.stamp_column or table.modified_column}
    return watched & stamped - {LINKS}


def _named(table: Table) -> set[str]:
    references = (column.reference for column in table.columns if column.reference is not None)
    return {target for reference in references for target in reference.tables}


def measure(cases: int) -> list[Figure]:
    """Archive all, and bring one back."""
    with folder() as root, SimulatorProcess("--scenario", "chocolate") as org:
        org.admin.post("apps", consumer_key=WRITER, consumer_secret=SECRET, run_as=ADMIN)
        large = fill(org, cases)
        # No reading of changes goes back to the day of the files.
        org.admin.post("clock/advance", hours=3)
        home = Home(org, root)
        home.open()
        org.admin.post("clock/advance", hours=1)
        plan = _plan(home)
        before = _stored(org)
        cost, made = home.measured("archive", "run", str(home.plan_file))
        least = fewest(plan, _schema(home.root / "home"))
        freed = before - _stored(org)
        size = f"{len(plan['steps']):,} records of {cases:,} cases"
        return [
            Figure(AREA, "calls_vs_minimum", made / least, "ratio", f"{made:,} calls, {size}"),
            Figure(AREA, "rss_mb", cost.peak_mb, "MB", f"the run, {size}"),
            Figure(AREA, "run_cpu_s", cost.cpu_s, "CPU-s", f"the run, {size}"),
            Figure(
                AREA,
                "predicted_mb_error_pct",
                100 * abs(_predicted(plan) - freed) / freed,
                "%",
                f"{freed / 1e6:,.1f} MB in the org, {size}",
            ),
            _verified(home, size),
            _unarchived(home, large),
        ]


def _schema(home: Path) -> Schema:
    vault = open_application(home).whole_vault
    (org,) = vault.orgs()
    snapshot = vault.newest_backup(org)
    assert snapshot is not None
    return snapshot.schema()


def _stored(org: SimulatorProcess) -> float:
    counters = org.admin.get("counters")
    return float(counters["data_bytes"] + counters["file_bytes"])


def _predicted(plan: dict[str, Any]) -> float:
    """The bytes that the plan says it frees."""
    notes = [note["args"]["size"] for note in plan["notes"] if note["code"] == "archive-frees"]
    pairs = (text.replace(",", "").split() for text in notes)
    return sum(float(number) * UNITS[unit] for number, unit in pairs)


def _verified(home: Home, size: str) -> Figure:
    """The speed at which files are read back from the vault, in a process that does only this."""
    cost = run([__file__, "--verify", str(home.root / "home")])
    speed = float(cost.said["megabytes"]) / float(cost.said["seconds"])
    what = f"{cost.said['megabytes']:,.0f} MB of files, {size}"
    return Figure(AREA, "verify_mb_per_s", speed, "MB/s", what)


def verify(home: Path) -> dict[str, float]:
    """Read all files of the newest backup back, as a run does before it deletes."""
    vault = open_application(home).whole_vault
    (org,) = vault.orgs()
    snapshot = vault.newest_backup(org)
    assert snapshot is not None
    columns = [batch["_u_id"] for batch in snapshot.scan("ContentVersion", columns=[])]
    records = [str(record) for column in columns for record in column.to_pylist()]
    stored = snapshot.files("ContentVersion", records)
    started = time.perf_counter()
    assert not list(damaged_files(vault, org, stored))
    size = sum(file.size for file in stored)
    return {"seconds": time.perf_counter() - started, "megabytes": size / 1e6}


def _unarchived(home: Home, large: str) -> Figure:
    """The work of the client for a case that comes back: its plan and its run."""
    words = ("unarchive", "bench", f"Case/{large}", "--out", str(home.root / "back.json"))
    planned, _ = home.measured(*words)
    back, _ = home.measured("restore", "run", str(home.root / "back.json"))
    what = f"plan and run, a case with {LARGE_MAILS} mails and {LARGE_FILES} files"
    return Figure(AREA, "unarchive_case_s", planned.cpu_s + back.cpu_s, "CPU-s", what)


def _plan(home: Home) -> dict[str, Any]:
    policies = home.asked("archive", "policies", "bench")["policies"]
    (policy,) = [each for each in policies if each["name"] == "closed-cases"]
    policy["unchanged_days"] = 0  # the files are of today
    file = home.root / "policy.json"
    file.write_text(json.dumps(policy))
    words = ("--policy", str(file), "--out", str(home.plan_file))
    home.run("archive", "plan", "bench", *words, *home.home)
    plan: dict[str, Any] = json.loads(home.plan_file.read_text())
    return plan


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--verify", type=Path)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    if options.verify is not None:
        print(json.dumps(verify(options.verify)))
        return
    figures = measure(options.cases)
    for figure in figures:
        print(f"  {figure.key}: {figure.value:,.2f} {figure.unit}")
    if options.keep:
        keep(figures)


if __name__ == "__main__":
    main()
