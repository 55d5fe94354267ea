"""The chocolate maker as a scenario: its tables, its users, and the order of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from unlost_simulators.company.times import OPENING
from unlost_simulators.company.world import Company
from unlost_simulators.servicenow.access.acls import Acl
from unlost_simulators.servicenow.model.columns import TableDef
from unlost_simulators.servicenow.model.transforms import TransformMap
from unlost_simulators.servicenow.model.users import ApiUser, OAuthClient
from unlost_simulators.servicenow.scenarios.chocolate import (
    items,
    knowledge,
    people,
    setup,
    tickets,
)
from unlost_simulators.servicenow.scenarios.chocolate.acts import ACTS
from unlost_simulators.servicenow.scenarios.chocolate.declared import TABLES, with_domains
from unlost_simulators.servicenow.scenarios.chocolate.sizes import InstanceSizes
from unlost_simulators.servicenow.simulator import Act


@dataclass(frozen=True, slots=True)
class ChocolateScenario:
    """The maker of chocolate; ``separated`` turns domain separation on."""

    separated: bool = False
    name: str = "chocolate"
    opening: datetime = OPENING

    def switches(self) -> Mapping[str, object]:
        """Switches that are on from the start."""
        return {"domains": True} if self.separated else {}

    def declared(self) -> Sequence[TableDef]:
        """All tables."""
        return with_domains(TABLES) if self.separated else TABLES

    def users(self) -> Sequence[ApiUser]:
        """Users who may call the API."""
        return setup.USERS

    def clients(self) -> Sequence[OAuthClient]:
        """OAuth clients."""
        return setup.CLIENTS

    def acls(self) -> Sequence[Acl]:
        """ACLs of this instance."""
        return setup.ACLS

    def transforms(self) -> Sequence[TransformMap]:
        """Transform maps."""
        return setup.TRANSFORMS

    def acts(self) -> Mapping[str, Act]:
        """The story."""
        return ACTS

    def tables(self, *, scale: int, seed: int) -> Iterator[tuple[str, pa.Table]]:
        """Give the rows of all classes, in batches."""
        company = Company(seed, InstanceSizes().times(scale))
        yield from setup.tables()
        yield from people.tables(company)
        yield from items.tables(company)
        yield from tickets.tables(company, separated=self.separated)
        yield from knowledge.tables(company)
