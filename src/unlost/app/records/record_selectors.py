"""Parse records given as TABLE/ID, and find their ids in the vault."""

from collections.abc import Sequence

from unlost.app.compose import Application
from unlost.app.records.ids import typed_ids
from unlost.app.records.record_text import split_record
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.restore.planning.selection import MAX_STEPS, too_large
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot


def chosen_records(
    app: Application, org: ProtectedOrg, texts: Sequence[str]
) -> tuple[RecordKey, ...]:
    """Return the typed records, in order.

    Raises UsageError (``record-unreadable``, ``id-wrong``, ``restore-too-large``).
    """
    if len(texts) > MAX_STEPS:
        raise too_large()
    typed = [_typed(app, org, text) for text in texts]
    stored_keys = _stored_ids(app.vault.newest_backup(org.oid), typed)
    return tuple(
        RecordKey(
            table,
            next((record_id for record_id in ids if (table, record_id) in stored_keys), ids[0]),
        )
        for table, ids in typed
    )


def _typed(app: Application, org: ProtectedOrg, text: str) -> tuple[str, Sequence[str]]:
    """Return the table and the possible ids of TABLE/ID."""
    table, record_id = split_record(text)
    return table, typed_ids(app, org, record_id)


def _stored_ids(
    head: Snapshot | None, typed: Sequence[tuple[str, Sequence[str]]]
) -> set[tuple[str, str]]:
    """Return the ids that are in the newest backup, live or deleted."""
    by_table: dict[str, set[str]] = {}
    for table, ids in typed:
        by_table.setdefault(table, set()).update(ids)
    known = head.tables() if head is not None else ()
    return {
        (table, str(record_id))
        for table, ids in by_table.items()
        if head is not None and table in known
        for record_id in head.get(table, sorted(ids), columns=[]).column("_u_id").to_pylist()
    }
