"""The storage of an org, for plans: the rules of its records, and its limits. Without a call."""

from collections.abc import Mapping
from datetime import timedelta

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.vault.storage import storages
from unlost.model.storage import StorageRule

RECENT = timedelta(days=90)  # an older limit may have changed


def storage_rules_of(app: Application, org: ProtectedOrg) -> Mapping[str, StorageRule]:
    """Return the storage that records need in the org, by table; empty without a backup."""
    head = app.whole_vault.newest_backup(org.oid)
    if head is None:
        return {}
    return app.connector(org.identity.connector).storage_rules(head.schema())


def storage_limits_of(app: Application, org: ProtectedOrg) -> Mapping[str, float]:
    """Return the bytes of each storage that backups reported lately, by its name."""
    since = app.clock.now() - RECENT
    return {history.name: history.limit for history in storages(org.oid, since=since)}
