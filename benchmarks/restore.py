"""A restore of 20,000 records on three levels, with files, by Unlost and by two loaders, in one go.

    python benchmarks/restore.py [--records 20000] [--related 2000] [--rounds 3] [--keep]

All bring the same graph into an empty org of their own: first into one that answers like a real one,
then into one that answers immediately. Who reads the org afterwards knows none of them. Prints what each
cost and what came of the graph.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import loaders
from benchmarks.fewest_calls import fewest_calls
from benchmarks.graph import Graph, customer, graph
from benchmarks.loaders import AT_ONCE, REAL, SCARCE, Load, Manner, Planned
from benchmarks.measure import Cost, median
from benchmarks.results import Figure, keep, versions

AREA = "restore"
OURS = "Unlost"
SHOWN = 3  # plans of a customer that are made and shown
PEERS: Mapping[str, Callable[[Graph, Manner], Load]] = {
    "CumulusCI": loaders.cumulusci,
    "SFDMU": loaders.sfdmu,
}

type Loads = Mapping[str, Sequence[Load]]


@dataclass(slots=True)
class Measured:
    """What rounds of one manner gave: plans of ours, and loads by name."""

    plans: list[Planned] = field(default_factory=list)
    loads: dict[str, list[Load]] = field(default_factory=dict)


def measured(made: Graph, manner: Manner, rounds: int) -> Measured:
    """Rounds in which all take turns, in orgs that answer in this manner."""
    there = [name for name, place in loaders.PLACES.items() if place.exists()]
    print(f"In {manner.name}:", flush=True)
    found = Measured(loads={name: [] for name in (OURS, *there)})
    for _ in range(rounds):
        planned, restored = loaders.unlost(made, manner)
        print(f"  {OURS}, plan: {told(planned.cost, planned.calls)}", flush=True)
        found.plans.append(planned)
        found.loads[OURS].append(restored)
        for name in there:
            found.loads[name].append(PEERS[name](made, manner))
        for name, some in found.loads.items():
            last = some[-1]
            print(f"  {name}: {told(last.cost, last.calls)}; {last.verdict}", flush=True)
    return found


def told(cost: Cost, calls: int) -> str:
    """What a run cost, in a line."""
    return f"{cost.wall_s:.1f} s, {cost.cpu_s:.1f} CPU-s, {cost.peak_mb:.0f} MB, {calls:,} calls"


def of_plans(size: str, plans: Sequence[Planned]) -> list[Figure]:
    """What planning takes."""
    runs = len(plans)
    peak = max(plan.cost.peak_mb for plan in plans)
    wall = median([plan.cost.wall_s for plan in plans])
    return [
        Figure(AREA, "plan_20k_s", wall, "s", f"plan of {size}", runs=runs),
        Figure(AREA, "plan_20k_rss_mb", peak, "MB", f"plan of {size}", runs=runs),
    ]


def with_plan(size: str, rows: int, found: Measured) -> Figure:
    """Plan and restore together."""
    pairs = zip(found.plans, found.loads[OURS], strict=True)
    both = [plan.cost.wall_s + load.cost.wall_s for plan, load in pairs]
    return Figure(
        AREA, "rows_per_s_with_plan", rows / median(both), "rows/s",
        f"plan and run, {size}", runs=len(both),
    )  # fmt: skip


def of_calls(size: str, made: Graph, plenty: Sequence[Load], scarce: Load) -> list[Figure]:
    """API calls over the fewest: in an org that has few left, and in one that has plenty."""
    most = max(load.calls for load in plenty)
    once, twice = fewest_calls(made), fewest_calls(made, twice=True)
    asked = {
        "calls_vs_minimum": (scarce.calls, once, "few calls left"),
        "calls_vs_minimum_twice": (scarce.calls, twice, "few calls left; records written twice"),
        "calls_vs_minimum_plenty": (most, once, "plenty of calls left"),
    }
    return [
        Figure(
            AREA, key, done / fewest, "ratio", f"{done:,} API calls over {fewest:,}, {how}, {size}"
        )
        for key, (done, fewest, how) in asked.items()
    ]


def of_links(size: str, made: Graph, loads: Sequence[Load]) -> Figure:
    """Right references after the worst run."""
    right = min(load.verdict.links_pct for load in loads)
    what = f"{made.references:,} references, {size}"
    return Figure(AREA, "links_right_pct", right, "%", what, runs=len(loads))


def of_speed(key: str, size: str, made: Graph, loads: Loads) -> list[Figure]:
    """The restore beside the fastest peer."""
    peers = {name: speed(made, some) for name, some in loads.items() if name != OURS}
    if not peers:
        return []
    runs = loads[OURS]
    best = max(peers, key=lambda name: peers[name])
    mine, ratio = speed(made, runs), speed(made, runs) / peers[best]
    return [
        Figure(
            AREA, key, ratio, "ratio",
            f"{mine:,.0f} rows/s, {size}", f"{best}, rows/s", round(peers[best], 1), ratio,
            len(runs), versions=_versions(best, loads[best]),
        )
    ]  # fmt: skip


def speed(made: Graph, loads: Sequence[Load]) -> float:
    """Records a second, of the middle run; files are not counted as records."""
    return made.records / median([load.cost.wall_s for load in loads])


def beside(size: str, made: Graph, name: str, loads: Loads) -> list[Figure]:
    """All that was measured of a peer, beside ours."""
    measures: dict[str, tuple[str, Callable[[Sequence[Load]], float]]] = {
        "rows_per_s": ("rows/s", lambda some: speed(made, some)),
        "cpu_s": ("CPU-s", lambda some: median([load.cost.cpu_s for load in some])),
        "peak_mb": ("MB", lambda some: max(load.cost.peak_mb for load in some)),
        "calls": ("calls", lambda some: max(load.calls for load in some)),
        "links_pct": ("%", lambda some: min(load.verdict.links_pct for load in some)),
    }
    figures = []
    for key, (unit, of) in measures.items():
        mine, theirs = of(loads[OURS]), of(loads[name])
        ratio = mine / theirs if theirs else None
        figures.append(
            Figure(
                AREA, f"{key}_beside_{name.lower()}", mine, unit, size, name, round(theirs, 1),
                ratio, len(loads[name]), versions=_versions(name, loads[name]),
            )
        )  # fmt: skip
    return figures


def _versions(name: str, loads: Sequence[Load]) -> Mapping[str, str]:
    return versions(**{name.lower(): loads[0].version})


def of_graph(records: int, rounds: int) -> list[Figure]:
    """All figures of the graph."""
    made = graph(records)
    size = f"{made.records:,} records, {len(made.files):,} files"
    print(f"{size}, {made.references:,} references", flush=True)
    for name, place in loaders.PLACES.items():
        if not place.exists():
            print(f"{name} is not installed: the figures beside it are left out.", flush=True)
    real, at_once = (measured(made, one, rounds) for one in (REAL, AT_ONCE))
    scarce = loaders.unlost(made, SCARCE)[1]
    print(f"In {SCARCE.name}: {told(scarce.cost, scarce.calls)}; {scarce.verdict}", flush=True)
    ours = [*real.loads[OURS], *at_once.loads[OURS], scarce]
    slow, quick = f"{size}, {REAL.name}", f"{size}, {AT_ONCE.name}"
    figures = [*of_plans(quick, at_once.plans), with_plan(slow, made.records, real)]
    figures += [*of_calls(size, made, real.loads[OURS], scarce), of_links(size, made, ours)]
    figures += of_speed("rows_per_s_vs_best_peer", slow, made, real.loads)
    figures += of_speed("rows_per_s_vs_best_peer_no_latency", quick, made, at_once.loads)
    for name in real.loads.keys() - {OURS}:
        figures += beside(slow, made, name, real.loads)
    return figures


def of_customer(related: int) -> list[Figure]:
    """How long a person waits to see the plan of a customer."""
    shown = loaders.customer(customer(related), times=SHOWN)
    what = f"`unlost restore show` of a customer with {related:,} related records"
    return [Figure(AREA, "show_2000_s", median(shown), "s", what, runs=SHOWN)]


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--related", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    figures = of_graph(asked.records, asked.rounds) if asked.records else []
    figures += of_customer(asked.related) if asked.related else []
    for one in figures:
        peer = f" ({one.peer}: {one.peer_value})" if one.peer else ""
        print(f"  {one.key}: {one.value:,.2f} {one.unit}{peer}")
    if asked.keep:
        keep(figures)


if __name__ == "__main__":
    main()
