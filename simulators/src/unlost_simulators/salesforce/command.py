"""``unlost-sim salesforce``: orgs that speak REST and Bulk 2.0."""

from __future__ import annotations

import argparse
from pathlib import Path

from unlost_simulators.kit import command

HELP = "an org that speaks REST and Bulk 2.0"
HOSTS = ("*.salesforce.com", "*.my.salesforce.com")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    command.add_options(parser, flags="[,sandbox][,same-id]")
    parser.add_argument("--cache", type=Path, help="keep rendered Bulk results in this folder")


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM; gives the exit status."""
    # Imported here, so that the help text does not wait for DuckDB.
    from unlost_simulators.salesforce.app import Salesforce
    from unlost_simulators.salesforce.server import SimulatorOptions

    base = SimulatorOptions(
        scenario=arguments.scenario,
        scale=arguments.scale,
        seed=arguments.seed,
        db=arguments.db,
        cache=arguments.cache,
        running_clock=arguments.running_clock,
        opens=arguments.opens,
    )
    return command.serve(arguments, Salesforce(), base, hosts=HOSTS)
