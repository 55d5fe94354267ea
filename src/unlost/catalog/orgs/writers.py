"""The write users of orgs: separate from the backup users, and used only to restore."""

from collections.abc import Mapping
from datetime import datetime

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Org, WriterRow
from unlost.catalog.orgs.secrets import SqlSecretStore
from unlost.model.source.reading import Json

PREFIX = "writer/"  # marks secrets of the write user among the org's secrets


def find_writer(oid: str) -> Mapping[str, Json] | None:
    """The settings in which an org's write user differs from the org, or None."""
    with returned_connection():
        row = WriterRow.objects.filter(org__oid=oid).first()
    return row.config if row else None


def save_writer(oid: str, config: Mapping[str, Json], *, at: datetime) -> None:
    """Save or replace the write user of an org."""
    with returned_connection():
        org = Org.objects.get(oid=oid)
        WriterRow.objects.update_or_create(
            org=org, defaults={"config": dict(config), "added_at": at}
        )


class WriterSecrets:
    """The secrets of a write user (port ``SecretStore``)."""

    def __init__(self, store: SqlSecretStore) -> None:
        self._store = store

    def get(self, name: str) -> str | None:
        """The secret of this name, or None."""
        return self._store.get(PREFIX + name)

    def put(self, name: str, value: str) -> None:
        """Seal and store a secret."""
        self._store.put(PREFIX + name, value)
