"""The parts of an archive of a person's data, and the functions that read them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

from unlost.model.instants import in_zone
from unlost.model.source.reading import Op
from unlost.model.source.schema import Table
from unlost.model.vault.snapshot import StoredFile, Version

STATES = {
    Op.STATE: "present",
    Op.DELETED: "deleted",
    Op.PURGED: "deleted for good",
    Op.MISSING: "gone",
    Op.ARCHIVED: "archived",
}


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """The records of one table, by id. ``name`` is the unique name of its files."""

    table: Table
    name: str
    ids: tuple[str, ...]

    @property
    def label(self) -> str:
        """The table's name for people."""
        return self.table.plural or self.table.label or self.table.name

    @property
    def csv(self) -> str:
        """Its path in the archive as CSV."""
        return f"tables/{self.name}.csv"

    @property
    def json(self) -> str:
        """Its path in the archive as JSON."""
        return f"tables/{self.name}.json"


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file, and its path in the archive."""

    stored: StoredFile
    path: str


@dataclass(frozen=True, slots=True)
class PersonExport:
    """The exported data: records of an org and files, as of the newest backup.

    ``made_at`` is the time of the request. ``unknown`` counts named records that are not in the
    vault; ``unsearched`` tables were too large to search.
    """

    org: str
    zone: str
    made_at: datetime
    as_of: datetime
    tables: tuple[ExportedTable, ...]
    files: tuple[FilePart, ...]
    unknown: int = 0
    unsearched: tuple[str, ...] = ()

    def when(self, at: datetime | None) -> str:
        """An instant in the org's zone; empty for none."""
        return f"{in_zone(at, ZoneInfo(self.zone)):%Y-%m-%d %H:%M %Z}" if at else ""


@dataclass(frozen=True, slots=True)
class PersonReader:
    """The functions that read the export.

    ``versions`` returns the versions of TABLE and ID, the oldest first; ``who`` the name of a user
    of a table, empty if unknown; ``open_file`` the bytes of a content.
    """

    versions: Callable[[str, str], Sequence[Version]]
    who: Callable[[str, str | None], str]
    open_file: Callable[[str], AbstractContextManager[BinaryIO]]

    def of(self, part: ExportedTable) -> Iterator[tuple[str, Sequence[Version]]]:
        """Each record of a table with its versions, one record in memory at a time."""
        for record in part.ids:
            yield record, self.versions(part.table.name, record)
