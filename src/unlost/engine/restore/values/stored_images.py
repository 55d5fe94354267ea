"""Images in texts that the vault has, of records whose texts a restore writes again."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import batched

from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.vault.snapshot import StoredFile

LOOKED_UP = 2_000  # records whose files are looked up together


def stored_images(
    backup: Snapshot, records: Iterable[RecordKey]
) -> Iterator[tuple[RecordKey, StoredFile]]:
    """The images in the texts of these records, with their record.

    ``backup`` should be the newest one: bytes never change under the name of an image, and an
    earlier backup may have failed to read it.
    """
    by_table: dict[str, set[str]] = defaultdict(set)
    for key in records:
        by_table[key.table].add(key.record)
    for table, ids in by_table.items():
        for part in batched(sorted(ids), LOOKED_UP):
            images = (file for file in backup.files(table, part) if file.is_image)
            yield from ((RecordKey(table, file.record), file) for file in images)
