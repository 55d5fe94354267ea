"""Settings of the server itself that a test may change, apart from the org and the faults."""

from __future__ import annotations

from dataclasses import dataclass, field

from unlost_simulators.kit.latency import Latency
from unlost_simulators.salesforce.bulk.pages import PageSizes


@dataclass(slots=True)
class ServerSettings:
    """Settings of one server; the admin API changes them while it runs.

    ``base_url`` is what token answers give as instance address.
    """

    base_url: str = "http://testserver"
    page_sizes: PageSizes = field(default_factory=PageSizes)
    latency: Latency = field(default_factory=Latency)
