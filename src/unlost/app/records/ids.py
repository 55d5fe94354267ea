"""Record ids as typed: the connector knows their canonical form, which the vault requires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlost.model.errors import NotFound, UsageError
from unlost.model.typed_text import without_invisible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unlost.app.compose import Application
    from unlost.catalog.orgs.orgs import ProtectedOrg
    from unlost.model.ports.source import Connector
    from unlost.model.ports.vault import Snapshot


def typed_ids(app: Application, org: ProtectedOrg, text: str) -> Sequence[str]:
    """Return the canonical ids that ``text`` may stand for, likeliest first, at least one.

    Raises UsageError (``id-wrong``) for a text that cannot be an id of this org.
    """
    word = without_invisible(text)
    connector = connector_of(app, org)
    ids = tuple(connector.record_ids(word)) if connector else (word,)
    if connector and not ids:
        raise UsageError(
            "id-wrong",
            "{text!r} is not a valid record id. Ids in {org} have {id_form}.",
            next_step="Copy the id from the address of the record's page, or search for the "
            "record by number or name with `unlost find`.",
            text=text,
            org=org.name,
            id_form=connector.id_form,
        )
    return ids


def other_ids(app: Application, org: ProtectedOrg, text: str) -> Sequence[str]:
    """Return the canonical ids that ``text`` may stand for other than itself, if any."""
    word = without_invisible(text)
    connector = connector_of(app, org)
    return (
        [record_id for record_id in connector.record_ids(word) if record_id != word]
        if connector
        else ()
    )


def stored_id(snapshot: Snapshot, table: str, ids: Sequence[str]) -> str | None:
    """Return the first of the ids that is in a table of the snapshot, live or deleted, if any."""
    if table not in snapshot.tables():
        return None
    stored_ids = set(snapshot.get(table, ids, columns=[]).column("_u_id").to_pylist())
    return next((record_id for record_id in ids if record_id in stored_ids), None)


def system_label(app: Application, name: str) -> str:
    """Return the name of a connector's system for people; without the connector, its own name."""
    try:
        return app.connector(name).label
    except (NotFound, UsageError):
        return name


def connector_of(app: Application, org: ProtectedOrg) -> Connector | None:
    """Return the org's connector; None if it is not installed, as the vault is readable without."""
    try:
        return app.connector(org.identity.connector)
    except (NotFound, UsageError):
        return None
