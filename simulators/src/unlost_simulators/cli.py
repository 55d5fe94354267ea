"""The command ``unlost-sim``: one subcommand for each simulated system, see ``kit.command``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from unlost_simulators.salesforce import command as salesforce
from unlost_simulators.servicenow import command as servicenow


class Service(Protocol):
    """The module ``command`` of a simulated system."""

    HELP: str

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of the subcommand."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Serve until SIGTERM; gives the exit status."""


SERVICES: Mapping[str, Service] = {"salesforce": salesforce, "servicenow": servicenow}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    options = _parser().parse_args(arguments)
    return SERVICES[options.service].run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="unlost-sim",
        description="Simulators of SaaS services, for tests of backup and integration software.",
    )
    services = parser.add_subparsers(dest="service", required=True, metavar="SERVICE")
    for name, service in SERVICES.items():
        service.add_options(services.add_parser(name, help=service.HELP))
    return parser


if __name__ == "__main__":
    sys.exit(main())
