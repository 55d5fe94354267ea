"""Images of rich texts: bytes beside the record, found by record, field and the image's own id.

No object of the schema: the table of these images cannot be queried. They stay as long as the
record, and a record in the recycle bin shows none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.store import database

PREFIX = "0EM"
"""Key prefix of the ids of images (ContentReference)."""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image of a field of a record; ``token`` stands for its bytes."""

    record: str
    field: str
    token: str


def add(cursor: duckdb.DuckDBPyConnection, images: Sequence[StoredImage]) -> list[str]:
    """Keep images; gives their ids of 15 characters."""
    before = int(database.scalar(cursor, "SELECT count(*) FROM _images"))
    first = ids.FIRST_COUNTER + before
    refids = [ids.make(PREFIX, first + at)[: ids.BARE] for at in range(len(images))]
    table = pa.table(
        {
            "refid": pa.array(refids, pa.string()),
            "record": pa.array([image.record for image in images], pa.string()),
            "field": pa.array([image.field for image in images], pa.string()),
            "token": pa.array([image.token for image in images], pa.string()),
        }
    )
    cursor.register("_new_images", table)
    cursor.execute("INSERT INTO _images SELECT refid, record, field, token FROM _new_images")
    cursor.unregister("_new_images")
    return refids


def token_of(
    cursor: duckdb.DuckDBPyConnection, *, record: str, field: str, refid: str
) -> str | None:
    """The token of an image's bytes; None if the field of the record has no such image."""
    row = cursor.execute(
        "SELECT token FROM _images WHERE refid = ? AND record = ? AND field = ?",
        [refid[: ids.BARE], record, field],
    ).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def lose(cursor: duckdb.DuckDBPyConnection, refid: str) -> None:
    """Lose the bytes of an image, whose address stays in texts."""
    cursor.execute("UPDATE _images SET token = NULL WHERE refid = ?", [refid[: ids.BARE]])
