"""Ids as people type them: the connector knows their canonical form, the vault only that."""

from collections.abc import Sequence

from unlost.app.compose import Application
from unlost.catalog.orgs import ProtectedOrg
from unlost.model.errors import NotFound, UsageError
from unlost.model.ports import Connector, Snapshot


def typed_ids(app: Application, org: ProtectedOrg, text: str) -> Sequence[str]:
    """The canonical ids that ``text`` may mean, the likeliest first, at least one.

    Raises UsageError (``id-wrong``) for what has not the form of an id of this org.
    """
    word = text.strip()
    connector = connector_of(app, org)
    ids = tuple(connector.record_ids(word)) if connector else (word,)
    if connector and not ids:
        raise UsageError(
            "id-wrong",
            f"{text!r} cannot be the id of a record: ids in {org.name} have {connector.id_form}.",
            next_step="Copy the id from the address of the record's page, or search for the record "
            "by its number or name with `unlost find`.",
        )
    return ids


def other_ids(app: Application, org: ProtectedOrg, text: str) -> Sequence[str]:
    """The canonical ids that ``text`` may mean besides what it says; none if it is no id."""
    word = text.strip()
    connector = connector_of(app, org)
    return (
        [record_id for record_id in connector.record_ids(word) if record_id != word]
        if connector
        else ()
    )


def stored_id(snapshot: Snapshot, table: str, ids: Sequence[str]) -> str | None:
    """The first of the ids that the snapshot knows in a table, alive or deleted; None if none."""
    if table not in snapshot.tables():
        return None
    stored_ids = set(snapshot.get(table, ids, columns=[]).column("_u_id").to_pylist())
    return next((record_id for record_id in ids if record_id in stored_ids), None)


def connector_of(app: Application, org: ProtectedOrg) -> Connector | None:
    """The org's connector; None where it is not installed: the vault can be read without it."""
    try:
        return app.connector(org.identity.connector)
    except (NotFound, UsageError):
        return None
