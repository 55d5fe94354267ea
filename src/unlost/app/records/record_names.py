"""Names of records for people, with the knowledge of the org's connector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlost.app.records.ids import connector_of
from unlost.app.records.record_facts import RecordNames, no_rule

if TYPE_CHECKING:
    from unlost.app.compose import Application
    from unlost.catalog.orgs.orgs import ProtectedOrg
    from unlost.model.ports.source import Connector
    from unlost.model.ports.vault import Snapshot


def record_names(app: Application, org: ProtectedOrg, snapshot: Snapshot) -> RecordNames:
    """Return the names of a snapshot's records; the first words of texts name those without one.

    The tables of the snapshot have only the columns that the actor may see: no other is read.
    """
    return connector_names(connector_of(app, org), snapshot)


def connector_names(connector: Connector | None, snapshot: Snapshot) -> RecordNames:
    """Return the names of a snapshot's records; without a connector, none of them by their text."""
    return RecordNames(snapshot, connector.display_rule if connector is not None else no_rule)
