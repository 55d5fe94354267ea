"""What looks after a large vault, and what the law asks of it: how long, and how much memory.

    python benchmarks/vault_jobs.py FOLDER [--rows 10000000] [--persons 1000] [--keep]

FOLDER is what ``vault_year.py --folder`` left there. Each job is a process of its own and begins with the
vault as it was left: it works on links to its files. Erasing is compared with writing the segments that it replaced once again, group by
group as they are, by the same reader and writer.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks import contacts
from benchmarks.linked import Linked
from benchmarks.measure import run
from benchmarks.results import Figure, keep
from benchmarks.vault_nights import IDENTITY, Bench
from benchmarks.vault_year import LIVED, TABLE, peak_of, shown
from unlost.app.home.process import share_arenas
from unlost.app.home.system import SystemClock, SystemEntropy
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.rectification import Rectify, RightValue
from unlost.model.vault.snapshot import SegmentEntry, VerifyLevel
from unlost.vault.keys.renewal import finish_renewal, renew_master
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.mirror.update import update_mirror
from unlost.vault.objects.segment_writer import SegmentWriter
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.stores.local import LocalStore
from unlost.vault.vault import EncryptedVault


@dataclass(frozen=True, slots=True)
class Job:
    """What a job took: seconds of wall and of CPU, and the most memory (MB)."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def done(work: Callable[[], object]) -> Job:
    """Do it, and see what it takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    peak = peak_of(work)
    return Job(time.perf_counter() - wall, time.process_time() - cpu, peak)


def live_segments(vault: EncryptedVault, org: str) -> dict[str, SegmentEntry]:
    """All segments that the newest state is read from, by id."""
    state = vault.org_vault(org).chain.live()
    return {live.entry.id: live.entry for own in state.segments.values() for live in own.values()}


def erasing(folder: Path, *, rows: int, persons: int) -> dict[str, float]:
    """Erase persons that lie all over the table, in one go."""
    with Linked(folder, rows) as bench:
        numbers = np.sort(bench.random.choice(rows, persons, replace=False))
        wish = Erase(tuple(RecordKey(TABLE, one) for one in contacts.ids(numbers).to_pylist()))
        vault = bench.open()
        org = vault.ensure_org(IDENTITY)
        before = live_segments(vault, org)
        job = done(lambda: vault.apply(org, unconditional(wish), run="erase"))
        after = live_segments(bench.open(), org)
        assert vault.erased(org, wish.records) == frozenset(wish.records)
    hit = [entry for ident, entry in before.items() if ident not in after]
    once = writing_again(folder, hit, rows=rows)
    return {
        "erase_s": job.wall_s,
        "erase_rss_mb": job.peak_mb,
        "erase_segments": len(hit),
        "erase_segments_mb": sum(entry.own_bytes for entry in hit) / 1e6,
        "rewrite_s": once.wall_s,
        "rewrite_cpu_s": once.cpu_s,
        "erase_cpu_s": job.cpu_s,
        "erase_1000_vs_rewrite": job.wall_s / once.wall_s,
    }


def writing_again(folder: Path, hit: list[SegmentEntry], *, rows: int) -> Job:
    """Read these segments and write them, as they are."""
    with Linked(folder, rows) as bench:
        vault = bench.open()
        org_vault = vault.org_vault(vault.ensure_org(IDENTITY))
        out = SegmentWriter(org_vault.org, sealed=org_vault.sealed, prefix="bench")
        return done(lambda: [written(org_vault, out, entry) for entry in hit])


def written(org_vault: OrgVault, out: SegmentWriter, entry: SegmentEntry) -> SegmentEntry:
    """The same segment under another name."""
    stream = out.stream(org_vault.reader.facts(entry)[0])
    for rows in org_vault.reader.groups(entry):
        stream.append_group(rows)
    return stream.close()


def rectifying(folder: Path, *, rows: int) -> dict[str, float]:
    """Replace a value of one person in all history."""
    with Linked(folder, rows) as bench:
        vault = bench.open()
        key = contacts.ids(np.array([rows // 3])).to_pylist()[0]
        wish = Rectify(RecordKey(TABLE, key), (RightValue("Email", "right@example.com"),))
        org = vault.ensure_org(IDENTITY)
        job = done(lambda: vault.apply(org, unconditional(wish), run="rectify"))
    return {"rectify_s": job.wall_s, "rectify_rss_mb": job.peak_mb}


def mirroring(folder: Path, *, rows: int) -> dict[str, float]:
    """A second copy of all of it, and the look at one where nothing is new."""
    target = Path(tempfile.mkdtemp(prefix="mirror-", dir=folder.parent))
    try:
        with Linked(folder, rows) as bench:
            vault = bench.open()
            first = done(lambda: update_mirror(vault, LocalStore(target)))
            again = done(lambda: update_mirror(vault, LocalStore(target)))
    finally:
        shutil.rmtree(target)
    return {
        "mirror_s": first.wall_s,
        "mirror_again_s": again.wall_s,
        "mirror_rss_mb": max(first.peak_mb, again.peak_mb),
    }


def rekeying(folder: Path, *, rows: int) -> dict[str, float]:
    """All of it sealed anew under a new key of the org."""
    with Linked(folder, rows) as bench:
        renewed(bench)
        vault = bench.open()
        org = vault.ensure_org(IDENTITY)
        job = done(lambda: vault.rekey(org, run="rekey"))
        assert vault.usage(org).earlier_keys.objects == 0
    return {"rekey_s": job.wall_s, "rekey_rss_mb": job.peak_mb}


def renewed(bench: Bench) -> None:
    """A new master key, under which each org begins a new key of its own."""
    new, entropy = bench.keys.successor(), SystemEntropy()
    key = ServiceKey.new(new, entropy=entropy)
    now = SystemClock().now()
    renew_master(bench.store, bench.keys, new, key=key, sheet_confirmed_at=now, entropy=entropy)
    finish_renewal(bench.store, new)
    bench.keys = new


def verifying(folder: Path, *, rows: int) -> dict[str, float]:
    """Everything decrypted, each row's hash and each word made again."""
    with Linked(folder, rows) as bench:
        vault = bench.open()

        def work() -> None:
            assert vault.verify(VerifyLevel.DEEP).damages == ()

        job = done(work)
    return {"verify_deep_s": job.wall_s, "verify_deep_rss_mb": job.peak_mb}


JOBS: Mapping[str, Callable[..., dict[str, float]]] = {
    "erase": erasing,
    "rectify": rectifying,
    "mirror": mirroring,
    "verify": verifying,
    "rekey": rekeying,
}


def measure(folder: Path, *, rows: int, persons: int) -> dict[str, float]:
    """All jobs, one after the other."""
    figures: dict[str, float] = {}
    for job in JOBS:
        words = [__file__, str(folder), "--rows", str(rows), "--persons", str(persons)]
        said = run([*words, "--job", job]).said
        figures |= shown({name: float(value) for name, value in said.items()})
    return figures


def kept(
    figures: Mapping[str, float], lived: Mapping[str, float], *, rows: int, persons: int
) -> list[Figure]:
    """The figures that have a goal. The most memory is that of the nights' upkeep too."""
    what = f"{rows:,} rows, {int(lived['versions']):,} versions"
    peaks = [value for name, value in figures.items() if name.endswith("_rss_mb")]
    ratio, once = figures["erase_1000_vs_rewrite"], round(figures["rewrite_s"], 2)
    told = f"{persons:,} persons of {what}, in {figures['erase_segments']:.0f} segments"
    return [
        Figure("vault", "erase_1000_vs_rewrite", ratio, "ratio", told,
               "the same segments written once, s", once, ratio),
        Figure("vault", "maintenance_rss_mb", max(*peaks, lived["maintenance_rss_mb"]), "MB",
               f"any job, {what}"),
    ]  # fmt: skip


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--persons", type=int, default=1_000)
    parser.add_argument("--job", choices=JOBS, help="this one alone, in this process")
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    if asked.job:
        share_arenas()
        only = {"persons": asked.persons} if asked.job == "erase" else {}
        shown(JOBS[asked.job](asked.folder, rows=asked.rows, **only))
        return
    lived = json.loads((asked.folder / LIVED).read_text("ascii"))
    figures = measure(asked.folder, rows=asked.rows, persons=asked.persons)
    if asked.keep:
        keep(kept(figures, lived, rows=asked.rows, persons=asked.persons))


if __name__ == "__main__":
    main()
