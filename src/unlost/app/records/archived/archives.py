"""The records that archives took out of an org, by the vault and by journals of archives.

Journals are imported only when they are read: most histories do not need them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unlost.app.compose import Application
from unlost.engine.records.history import Event, EventKind

if TYPE_CHECKING:
    from unlost.engine.records.archived import ArchivedRecords


def archived_now(app: Application, oid: str) -> "ArchivedRecords":
    """Return the archived records as of now."""
    from unlost.engine.records.archived import ArchivedRecords
    from unlost.engine.restore.journal.archives import uncommitted

    newest = app.vault.commits(oid)[-1].number
    shown = app.vault.at(oid, newest, forgotten=True)
    return ArchivedRecords(app.vault, shown, uncommitted(app.whole_vault, oid))


def with_open_archives(
    app: Application, oid: str, table: str, events: Sequence[Event]
) -> Sequence[Event]:
    """Return the events of a record, with a deletion by an archive that has not ended as such."""
    if not any(event.kind is EventKind.DELETED for event in events):
        return events
    from unlost.engine.records.archived import archived_events
    from unlost.engine.restore.journal.archives import uncommitted

    return archived_events(events, uncommitted(app.whole_vault, oid).get(table, {}))
