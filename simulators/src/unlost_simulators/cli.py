"""The command ``unlost-sim``: one subcommand for each simulated service.

When the simulator accepts connections it prints one line of JSON to standard output (address,
admin address, test authority, apps, users) and nothing else; it ends with status 0 on SIGTERM.
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
from collections.abc import Sequence
from pathlib import Path

from unlost_simulators.salesforce.clock import instant
from unlost_simulators.tls import TlsFiles, make_tls_files

OPENS_VARIABLE = "UNLOST_SIM_OPENS"
"""Environment variable that replaces ``--opens``: many simulators that open at the same time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    options = _parser().parse_args(arguments)
    return _salesforce(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="unlost-sim",
        description="Simulators of SaaS services, for tests of backup and integration software.",
    )
    services = parser.add_subparsers(dest="service", required=True, metavar="SERVICE")
    salesforce = services.add_parser("salesforce", help="an org that speaks REST and Bulk 2.0")
    salesforce.add_argument("--host", default="127.0.0.1", help="address to listen on")
    salesforce.add_argument("--port", type=int, default=0, help="port; 0 takes a free one")
    salesforce.add_argument("--tls", action="store_true", help="HTTPS, with a test authority")
    salesforce.add_argument("--tls-dir", type=Path, help="where the test authority is written")
    salesforce.add_argument("--scenario", default="chocolate", help="what the org holds")
    salesforce.add_argument("--scale", type=int, default=1, help="how much of it")
    salesforce.add_argument("--seed", type=int, default=1, help="which variant of it")
    salesforce.add_argument("--db", type=Path, help="keep the rows in this file, not in memory")
    salesforce.add_argument("--cache", type=Path, help="keep rendered Bulk results in this folder")
    salesforce.add_argument(
        "--opens",
        type=instant,
        default=os.environ.get(OPENS_VARIABLE),
        metavar="WHEN",
        help=(
            f"the org's time at the start (ISO 8601); by default ${OPENS_VARIABLE}, or some weeks "
            "ago"
        ),
    )
    salesforce.add_argument(
        "--running-clock", action="store_true", help="let the org's clock run along"
    )
    salesforce.add_argument(
        "--org",
        action="append",
        default=[],
        metavar=(
            "NAME=SCENARIO[,scale=N][,seed=S][,opens=WHEN][,sandbox][,same-id][,running-clock]"
        ),
        help="one of several orgs, each on its own port; repeatable",
    )
    salesforce.add_argument(
        "--with-parent", action="store_true", help="stop when standard input is closed"
    )
    return parser


def _salesforce(options: argparse.Namespace) -> int:
    # Imported here, so that the help text does not wait for DuckDB.
    from unlost_simulators.salesforce.app import SalesforceApp
    from unlost_simulators.salesforce.orgs import OrgPlan, OrgRegistry
    from unlost_simulators.salesforce.server import SimulatorOptions

    own_folder = Path(tempfile.mkdtemp(prefix="unlost-sim-tls-")) if options.tls else None
    try:
        tls: TlsFiles | None = None
        if own_folder is not None:
            tls = make_tls_files(options.tls_dir or own_folder)
        base = SimulatorOptions(
            scenario=options.scenario,
            scale=options.scale,
            seed=options.seed,
            db=options.db,
            cache=options.cache,
            running_clock=options.running_clock,
            opens=options.opens,
        )
        plans = [OrgPlan.parse(text, base) for text in options.org]
        first, *others = plans or [OrgPlan(base.name, base)]
        registry = OrgRegistry(options.host, SalesforceApp, tls, base)
        try:
            main_org = registry.begin(first, port=options.port)
            for at, plan in enumerate(others, 1):
                registry.open(plan, port=options.port and options.port + at)
            line = json.dumps(registry.ready_line())
            if options.with_parent:
                threading.Thread(target=_stop_after_input, daemon=True).start()
            registry.run(main_org, on_ready=lambda: _say(line))
        finally:
            registry.close_all()
    finally:
        if own_folder is not None:
            shutil.rmtree(own_folder, ignore_errors=True)
    return 0


def _stop_after_input() -> None:
    # Read without a buffer: a thread that holds the buffer's lock would spoil the shutdown.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
