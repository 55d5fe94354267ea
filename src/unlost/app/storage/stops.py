"""The share of a storage's limit at which an org accepts no new records."""

from unlost.app.compose import Application
from unlost.app.records.ids import connector_of
from unlost.catalog.orgs.orgs import ProtectedOrg

AT_THE_LIMIT = 1.0  # where no connector knows better


def storage_stop(app: Application, org: ProtectedOrg) -> float:
    """Return the share that the org's connector names."""
    connector = connector_of(app, org)
    return connector.storage_stop if connector is not None else AT_THE_LIMIT
