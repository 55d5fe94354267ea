"""The sets of records that people watch, each under a name of its org."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from unlost.catalog.connection import one_transaction, returned_connection
from unlost.catalog.models import Org, WatchRow
from unlost.model.decoders import decoder_for
from unlost.model.watched import WatchHit


@dataclass(frozen=True, slots=True)
class StoredWatch:
    """A watched set of an org: ``records`` (TABLE/ID), or those of a ``query`` (text of a list).

    ``by`` set it up. ``deletions``: deleted records of the set raise an alert; so do changes in
    ``columns`` (TABLE.COLUMN). ``evaluated``: the number of the newest backup in which they were
    looked for; ``hits`` are those that were noticed, the newest last.
    """

    org: str
    name: str
    by: str
    at: datetime
    records: tuple[str, ...] = ()
    query: str = ""
    deletions: bool = False
    columns: tuple[str, ...] = ()
    evaluated: int = 0
    hits: tuple[WatchHit, ...] = ()

    @property
    def alerts(self) -> bool:
        """True if it can raise an alert."""
        return self.deletions or bool(self.columns)


def stored_watches(orgs: Sequence[str]) -> Sequence[StoredWatch]:
    """The watched sets of these orgs, by org and name."""
    with returned_connection():
        rows = WatchRow.objects.filter(org__name__in=orgs).select_related("org")
        return [_watch(row) for row in rows.order_by("org__name", "name")]


def find_watch(org: str, name: str) -> StoredWatch | None:
    """The watched set of this name, or None."""
    with returned_connection():
        row = WatchRow.objects.filter(org__name=org, name=name).select_related("org").first()
    return _watch(row) if row is not None else None


def store_watch(watch: StoredWatch, *, most: int) -> bool:
    """Store a set; one of the same name is replaced. False if the org has ``most`` others."""
    with one_transaction():
        org = Org.objects.get(name=watch.org)
        if WatchRow.objects.filter(org=org).exclude(name=watch.name).count() >= most:
            return False
        WatchRow.objects.update_or_create(
            org=org,
            name=watch.name,
            defaults={
                "by": watch.by,
                "at": watch.at,
                "records": list(watch.records),
                "query": watch.query,
                "deletions": watch.deletions,
                "columns": list(watch.columns),
                "evaluated": watch.evaluated,
            },
        )
    return True


def store_hits(watch: StoredWatch, hits: Sequence[WatchHit], *, evaluated: int) -> None:
    """Store what backups noticed about a set, up to the backup ``evaluated``."""
    plain = msgspec.to_builtins(list(hits))
    with returned_connection():
        rows = WatchRow.objects.filter(org__name=watch.org, name=watch.name, at=watch.at)
        rows.update(evaluated=evaluated, hits=plain)


def drop_watch(org: str, name: str) -> bool:
    """Delete a set; false if there is none."""
    with returned_connection():
        deleted, _ = WatchRow.objects.filter(org__name=org, name=name).delete()
    return bool(deleted)


def _watch(row: WatchRow) -> StoredWatch:
    return StoredWatch(
        row.org.name,
        row.name,
        row.by,
        row.at,
        tuple(row.records),
        row.query,
        row.deletions,
        tuple(row.columns),
        row.evaluated,
        decoder_for(tuple[WatchHit, ...]).convert(row.hits),
    )
