"""The command line of one simulated system: its options, its orgs, and one ready line.

When the simulator accepts connections it prints one line of JSON to standard output (address,
admin address, test authority, and what clients need) and nothing else; it ends with status 0 on
SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from unlost_simulators.kit.clock import instant
from unlost_simulators.kit.orgs import OrgOptions, OrgPlan, OrgRegistry, RunningOrg, System
from unlost_simulators.kit.tls import TlsFiles, make_tls_files

OPENS_VARIABLE = "UNLOST_SIM_OPENS"
"""Environment variable that replaces ``--opens``: many simulators that open at the same time."""


def add_options(parser: argparse.ArgumentParser, *, flags: str = "") -> None:
    """Add the options that every system has; ``flags`` are further ones of ``--org``."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes a free one")
    parser.add_argument("--tls", action="store_true", help="HTTPS, with a test authority")
    parser.add_argument("--tls-dir", type=Path, help="where the test authority is written")
    parser.add_argument("--scenario", default="chocolate", help="what the org holds")
    parser.add_argument("--scale", type=int, default=1, help="how much of it")
    parser.add_argument("--seed", type=int, default=1, help="which variant of it")
    parser.add_argument("--db", type=Path, help="keep the rows in this file, not in memory")
    parser.add_argument(
        "--opens",
        type=instant,
        default=os.environ.get(OPENS_VARIABLE),
        metavar="WHEN",
        help=(
            f"the org's time at the start (ISO 8601); by default ${OPENS_VARIABLE}, or some weeks "
            "ago"
        ),
    )
    parser.add_argument(
        "--running-clock", action="store_true", help="let the org's clock run along"
    )
    parser.add_argument(
        "--org",
        action="append",
        default=[],
        metavar=f"NAME=SCENARIO[,scale=N][,seed=S][,opens=WHEN]{flags}[,running-clock]",
        help="one of several orgs, each on its own port; repeatable",
    )
    parser.add_argument(
        "--with-parent", action="store_true", help="stop when standard input is closed"
    )


def serve[Options: OrgOptions, Sim: RunningOrg](
    arguments: argparse.Namespace,
    system: System[Options, Sim],
    base: Options,
    *,
    hosts: Sequence[str] = (),
) -> int:
    """Serve the orgs until SIGTERM; gives the exit status. ``hosts``: further names for TLS."""
    with _tls_files(arguments, hosts) as tls:
        plans = [OrgPlan.parse(text, base) for text in arguments.org]
        first, *others = plans or [OrgPlan(base.name, base)]
        registry = OrgRegistry(arguments.host, system, base, tls)
        try:
            main_org = registry.begin(first, port=arguments.port)
            for at, plan in enumerate(others, 1):
                registry.open(plan, port=arguments.port and arguments.port + at)
            line = json.dumps(registry.ready_line())
            if arguments.with_parent:
                threading.Thread(target=_stop_after_input, daemon=True).start()
            registry.run(main_org, on_ready=lambda: _print(line))
        finally:
            registry.close_all()
    return 0


@contextmanager
def _tls_files(arguments: argparse.Namespace, hosts: Sequence[str]) -> Iterator[TlsFiles | None]:
    if not arguments.tls:
        yield None
        return
    scratch = Path(tempfile.mkdtemp(prefix="unlost-sim-tls-"))
    try:
        yield make_tls_files(arguments.tls_dir or scratch, hosts=hosts)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _stop_after_input() -> None:
    # Read without a buffer: a thread that holds the buffer's lock would spoil the shutdown.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
