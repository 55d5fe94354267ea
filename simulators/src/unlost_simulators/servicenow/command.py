"""``unlost-sim servicenow``: instances that speak the Table API and its companions."""

from __future__ import annotations

import argparse

from unlost_simulators.kit import command

HELP = "an instance that speaks the Table API"
HOSTS = ("*.service-now.com",)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    command.add_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM; gives the exit status."""
    # Imported here, so that the help text does not wait for Arrow.
    from unlost_simulators.servicenow.app import ServiceNow
    from unlost_simulators.servicenow.server import InstanceOptions

    base = InstanceOptions(
        scenario=arguments.scenario,
        scale=arguments.scale,
        seed=arguments.seed,
        db=arguments.db,
        running_clock=arguments.running_clock,
        opens=arguments.opens,
    )
    return command.serve(arguments, ServiceNow(), base, hosts=HOSTS)
