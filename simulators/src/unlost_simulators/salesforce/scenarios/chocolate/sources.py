"""Which rows are generated, in which order, and how many of each.

A source makes a run of rows of one object; two sources can fill one object (companies and private
customers are both accounts).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from unlost_simulators.salesforce.scenarios.chocolate import people
from unlost_simulators.salesforce.scenarios.chocolate.draws import Rows
from unlost_simulators.salesforce.scenarios.chocolate.sizes import ChocolateSizes
from unlost_simulators.salesforce.scenarios.chocolate.world import World

type MakeRows = Callable[[World, Rows], dict[str, pa.Array]]

BATCH_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Source:
    """A maker of rows: `label` keeps its draws apart from those of other sources."""

    label: str
    object: str
    count: Callable[[ChocolateSizes], int]
    rows: MakeRows
    batch_rows: int = BATCH_ROWS


SOURCES: tuple[Source, ...] = (
    Source("BusinessAccount", "Account", lambda s: s.business_accounts, people.business_accounts),
    Source("Person", "Account", lambda s: s.person_accounts, people.person_accounts),
    Source("Contact", "Contact", lambda s: s.contacts, people.contacts),
    Source("Person", "Contact", lambda s: s.person_accounts, people.person_contacts),
    Source("Lead", "Lead", lambda s: s.leads, people.leads),
)
