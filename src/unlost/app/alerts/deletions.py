"""The user who deleted most records of a table between two backups, as the org reported it."""

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.alerts.watched import DeletionActs
from unlost.app.records.record_facts import UserNames
from unlost.model.ports.vault import VaultReader
from unlost.model.source.reading import Op
from unlost.model.vault.snapshot import ChangeKind

FETCH = 10_000  # ids per lookup


def deletion_acts(
    vault: VaultReader, oid: str, table: str, *, after: int, until: int
) -> DeletionActs | None:
    """Return the deletions by the user who deleted most of the records between two backups.

    None if the org reported no user.
    """
    newest = vault.at(oid, until)
    groups: list[pl.DataFrame] = []
    for change in vault.changes(oid, table, after=after, until=until):
        gone = change.filter(pc.equal(change["change"], ChangeKind.DELETED.value))
        ids = gone["_u_id"].cast(pa.string())
        for at in range(0, len(ids), FETCH):
            rows = newest.get(table, ids.slice(at, FETCH).to_pylist(), columns=[])
            # Only a row that was delivered as deleted names the user who deleted it.
            reported = rows.filter(pc.equal(rows["_u_op"], Op.DELETED.value))
            groups.append(_by_user(reported.select(["_u_modified_by", "_u_modified_at"])))
    users = pl.concat(groups) if groups else pl.DataFrame()
    if not len(users):
        return None
    most = (
        users.group_by("by")
        .agg(pl.col("count").sum(), pl.col("first").min(), pl.col("last").max())
        .sort("count", "by", descending=[True, False])
        .row(0, named=True)
    )
    name = UserNames(newest).name(table, most["by"]) or most["by"]
    return DeletionActs(name, most["count"], most["first"], most["last"])


def _by_user(rows: pa.Table) -> pl.DataFrame:
    """Count the deletions of each user, and return the first and last time of each."""
    frame = pl.DataFrame(pl.from_arrow(rows)).rename({"_u_modified_by": "by"})
    at, known = pl.col("_u_modified_at"), pl.col("by").is_not_null()
    return (
        frame.filter(known & at.is_not_null())
        .group_by(pl.col("by").cast(pl.String))
        .agg(pl.len().alias("count"), at.min().alias("first"), at.max().alias("last"))
    )
