"""Files that several records share by links."""

from collections.abc import Collection
from dataclasses import dataclass

from unlost.model.storage import FileVersionRule


@dataclass(frozen=True, slots=True)
class KeepingColumn:
    """A column of another table: a file to which it refers is in use."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class FileMentions:
    """Texts that show a file by its id, such as a picture in a rich text.

    ``pattern``: a regular expression of the ids in a text. ``length``: characters of an id that
    count. ``versions``: the table whose ids stand for a file, too, and its column with the file.
    ``mails``: texts of mails that show no file, but may have its address. They count if a file gets
    a new id.
    """

    texts: tuple[KeepingColumn, ...]
    pattern: str
    length: int
    versions: KeepingColumn
    mails: tuple[KeepingColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class FileRelease:
    """Records that may stay in the org without their files, if a policy includes ``name``.

    ``tables``: the tables of these records. Records of all other tables keep their files.
    """

    name: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CopiedVersions:
    """The versions of files. A new file can be created from the newest one.

    ``later_only``: columns that only a second or later version can have. Files with one of the
    values ``uncopied`` in ``kind_column`` cannot be created so.
    """

    rule: FileVersionRule
    later_only: tuple[str, ...] = ()
    kind_column: str = ""
    uncopied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SharedFile:
    """The files of ``table``, which records share by rows of ``links``.

    ``file_column`` and ``holder_column`` of a link name the file and the record that has it.
    ``owner_column``: the column of the file with its owner, who has a link as long as it exists.
    ``mentions``: texts of records that show the file, so that it goes with the last of them.
    ``releases``: records that a policy for files may leave without them. ``versions``: None if a
    new file cannot take the place of one.
    """

    table: str
    links: str
    file_column: str
    holder_column: str
    owner_column: str | None = None
    kept_by: tuple[KeepingColumn, ...] = ()
    mentions: FileMentions | None = None
    releases: tuple[FileRelease, ...] = ()
    versions: CopiedVersions | None = None

    def released(self, table: str, include: Collection[str]) -> tuple[str, ...]:
        """Return the tables whose records may lose files to a policy for ``table``."""
        if table != self.table:
            return ()
        named = (release for release in self.releases if release.name in include)
        return tuple(name for release in named for name in release.tables)
